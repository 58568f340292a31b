//! The calls of object storage as they were recorded on both releases, replayed against the rehearsal server.

use crate::support::recordings::{Replay, replay};

/// What differs, and why: of a thumbnail the number of bytes, which another encoder made; of a name with `#` that
/// comes unescaped, what stands behind it, which no client sends.
const DIFFER: [&str; 2] = ["thumbnail type=image", "name \"hash#mark.txt\": GET, URL as given"];

#[test]
fn the_recordings_agree() {
    for (release, file, least) in
        [("main", "recordings-media.jsonl", 585), ("3.8.3", "recordings-media-383.jsonl", 580)]
    {
        let recording = Replay {
            release,
            file,
            options: &[],
            places: |_| Vec::new(),
            // It goes on after what was recorded as a kill: this server carries nothing in its head either.
            environment: &[("HOOK_RESTART", "true")],
            least,
        };
        replay(&recording, &DIFFER);
    }
}
