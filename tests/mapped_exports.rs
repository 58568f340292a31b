//! The mappings in `examples/` for exports that are no format of their own, each on a fixture.

use std::path::Path;

use crate::support::{fixture, importer};

/// What stands in `spool` after a `check`: asked of `init`, which shows messages as they would be sent.
fn checked(example: &str, source: &str, messages: u32, says: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
    let config = config.to_str().unwrap();
    let run = |arguments: &[&str]| {
        let output = importer().current_dir(dir.path()).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{said}");
        said
    };
    let source = fixture(source);
    let said = run(&["check", "--config", config, source.to_str().unwrap()]);
    assert!(said.contains(&format!("Sound: {messages} messages can be sent")), "{example}: {said}");
    let night =
        run(&["run", "--config", config, source.to_str().unwrap(), "--rehearse", "--quiet", "--json"]);
    assert!(night.contains(&format!("\"confirmed\":{messages}")), "{example}: {night}");
    let said = said + &run(&["users", "--config", config]);
    for part in says {
        assert!(said.contains(part), "{example}: `{part}` is not in {said}");
    }
}

#[test]
fn messenger_in_its_two_shapes_of_chats() {
    checked("messenger.toml", "mapped/inbox", 3, &["Otto Größe", "club_3", "recalled"]);
}

#[test]
fn skype() {
    checked("skype.toml", "mapped/skype.json", 3, &["8:ann", "8:me", "19:abc@thread.skype", "system-row"]);
}

#[test]
fn kakaotalk_of_a_mac() {
    checked("kakaotalk.toml", "mapped/KakaoTalk_Chat_family.csv", 3, &["민수", "지영"]);
}

#[test]
fn imessage_and_signal() {
    checked(
        "imessage.toml",
        "mapped/imessage.ndjson",
        3,
        &["+4915112345", "Ann Lee", "chat9", "1 chat of two people", "orphan"],
    );
    checked("signal.toml", "mapped/signal.json", 3, &["9a-ann", "9a-bob", "c-2", "recalled", "system-row"]);
}

#[test]
fn teams_as_graph_gives_it() {
    let says =
        ["aaaa-1", "Ann Lee", "1 chat of two people", "19:general@thread.tacv2", "recalled", "system-row"];
    checked("teams.toml", "mapped/teams.json", 3, &says);
}
