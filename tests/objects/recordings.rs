//! The calls of object storage as they were recorded on both releases, replayed against the rehearsal server.

use std::path::Path;
use std::process::Command;

use crate::support::Rehearsal;

/// What differs, and why: of a thumbnail the number of bytes, which another encoder made; of a name with `#` that
/// comes unescaped, what stands behind it, which no client sends.
const DIFFER: [&str; 2] = ["thumbnail type=image", "name \"hash#mark.txt\": GET, URL as given"];

#[test]
fn the_recordings_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/contract");
    if !folder.join("replay-media.py").exists() {
        eprintln!("skipped: ../shared/contract is not there");
        return;
    }
    for (release, file, least) in
        [("main", "recordings-media.jsonl", 585), ("3.8.3", "recordings-media-383.jsonl", 580)]
    {
        let server = Rehearsal::start(&["--answer-time", "0s", "--release", release]);
        let output = Command::new("python3")
            .arg(folder.join("replay-media.py"))
            .arg(folder.join(file))
            .args([format!("host={}", server.url), format!("store={}", server.store)])
            .env("SHOW", "50")
            // It goes on after what was recorded as a kill: this server carries nothing in its head either.
            .env("HOOK_RESTART", "true")
            .output()
            .expect("python3 is there, as the replay needs it");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let differs =
            |line: &&str| line.starts_with(|c: char| c.is_ascii_digit()) && !line.contains(" agree, ");
        for line in said.lines().filter(differs) {
            assert!(DIFFER.iter().any(|known| line.contains(known)), "{release}: {line}\n{said}");
        }
        let agree = said.lines().find_map(|line| line.split(" agree").next()?.parse::<u32>().ok());
        assert!(agree.is_some_and(|agree| agree >= least), "{release}: {said}");
    }
}
