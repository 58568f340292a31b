//! The calls of the chat server as they were recorded on both releases, replayed against the rehearsal server.

use crate::support::recordings::{Replay, replay};

/// What differs, and why: the notice of who joined has its members in another order, which the real servers word
/// differently from one run to the next as well.
const DIFFER: [&str; 1] = ["s1: messages"];

#[test]
fn the_recordings_agree() {
    for (release, file, least) in
        [("main", "recordings-chat.jsonl", 234), ("3.8.3", "recordings-chat-p5.jsonl", 232)]
    {
        let recording = Replay {
            release,
            file,
            options: &["--chat-listen", "127.0.0.1:0"],
            places: |server| {
                vec![format!("chatHost={}", server.chat), format!("chatAdminHost={}", server.chat_admin)]
            },
            environment: &[],
            least,
        };
        replay(&recording, &DIFFER);
    }
}
