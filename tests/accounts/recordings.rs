//! The calls of the chat server as they were recorded on both releases, replayed against the rehearsal server.

use std::path::Path;
use std::process::Command;

use crate::support::Rehearsal;

/// What differs, and why: the notice of who joined has its members in another order, which the real servers word
/// differently from one run to the next as well.
const DIFFER: [&str; 1] = ["s1: messages"];

#[test]
fn the_recordings_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/contract");
    if !folder.join("replay-media.py").exists() {
        eprintln!("skipped: ../shared/contract is not there");
        return;
    }
    for (release, file, least) in
        [("main", "recordings-chat.jsonl", 234), ("3.8.3", "recordings-chat-p5.jsonl", 232)]
    {
        let options = ["--answer-time", "0s", "--release", release, "--chat-listen", "127.0.0.1:0"];
        let server = Rehearsal::start(&options);
        let output = Command::new("python3")
            .arg(folder.join("replay-media.py"))
            .arg(folder.join(file))
            .args([format!("host={}", server.url), format!("store={}", server.store)])
            .args([format!("chatHost={}", server.chat), format!("chatAdminHost={}", server.chat_admin)])
            .env("SHOW", "50")
            .output()
            .expect("python3 is there, as the replay needs it");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let differs =
            |line: &&str| line.starts_with(|c: char| c.is_ascii_digit()) && !line.contains(" agree, ");
        for line in said.lines().filter(differs) {
            assert!(DIFFER.iter().any(|known| line.contains(known)), "{release}: {line}\n{said}");
        }
        let agree = said.lines().find_map(|line| line.split(" agree").next()?.parse::<u32>().ok());
        assert!(agree.is_some_and(|agree| agree >= least), "{release}: {said}\n{output:?}");
    }
}
