//! Exports call their files what they like: a name means a file in one export and another in the next.

use std::path::Path;

use serde_json::Value;

use super::{media, opened, run_in, samples, whole};
use crate::support::Rehearsal;

/// A zip of a chat with somebody, as WhatsApp makes it: always of the same size, and with one picture of always the same name.
fn chat(path: &Path, who: &str, picture: &[u8]) {
    let text = format!(
        "28/03/2024, 00:00 - {who}: hello\n28/03/2024, 00:01 - {who}: \u{200e}IMG-20240301-WA0001.png (file attached)\n"
    );
    samples::zip(path, &[("_chat.txt", text.as_bytes()), ("IMG-20240301-WA0001.png", picture)]);
}

fn settings(dir: &Path) {
    let text = "[format]\nname = \"whatsapp\"\nzone = \"UTC\"\nself = \"Bob Jones\"\nchat = \"direct\"\n[users]\nfile = \"users.csv\"\n";
    fs_err::write(dir.join("import.toml"), text).unwrap();
    fs_err::write(dir.join("users.csv"), "id,openim_id\nAnn Lee,ann\nBob Jones,bob\nCat Mue,cat\n").unwrap();
}

/// The pictures that the server's messages show, by conversation.
fn pictures(server: &Rehearsal) -> Vec<Vec<u8>> {
    let shown: Vec<(u64, Value)> = media(server);
    shown.iter().map(|(_, content)| opened(content["sourcePicture"]["url"].as_str().unwrap())).collect()
}

#[test]
fn a_picture_of_one_chat_never_stands_in_another() {
    let (ann, cat) = (samples::png(20, 20, 1), samples::png(30, 30, 2));
    let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
    settings(dir.path());
    chat(&dir.path().join("ann.zip"), "Ann Lee", &ann);
    chat(&dir.path().join("cat.zip"), "Cat Mue", &cat);
    assert_eq!(whole(dir.path(), &server, &["ann.zip"]).code, 0);
    // Nobody looked at the files of the second pass.
    let refused =
        run_in(dir.path(), &["run", "cat.zip", "--add", "--provision", "--quiet", "--api", &server.url]);
    assert_eq!(refused.code, 2, "{}", refused.said);
    assert!(refused.said.contains("`IMG-20240301-WA0001.png`") && refused.said.contains("add --media"));
    assert_eq!(pictures(&server), std::slice::from_ref(&ann));
    let added = whole(dir.path(), &server, &["cat.zip", "--add"]);
    assert_eq!(added.code, 0, "{}", added.said);
    assert_eq!(pictures(&server), [ann.clone(), cat]);
    // The same again is known, file and message; also where another one has its name by now.
    let again = whole(dir.path(), &server, &["ann.zip", "--add"]);
    assert_eq!((again.code, pictures(&server).len()), (0, 2), "{}", again.said);
}

/// Between `media` and `run` the sources become others, or the same in another order.
#[test]
fn files_of_other_sources_are_not_taken_for_those_that_were_uploaded() {
    let (ann, cat) = (samples::png(20, 20, 1), samples::png(30, 30, 2));
    for (uploaded, sent) in [
        (&["ann.zip"][..], &["cat.zip"][..]),
        (&["ann.zip", "cat.zip"], &["cat.zip", "ann.zip"]),
        (&["ann.zip", "cat.zip"], &["cat.zip"]),
        (&["replaced.zip"], &["replaced.zip"]),
    ] {
        let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
        settings(dir.path());
        chat(&dir.path().join("ann.zip"), "Ann Lee", &ann);
        chat(&dir.path().join("cat.zip"), "Cat Mue", &cat);
        chat(&dir.path().join("replaced.zip"), "Ann Lee", &ann);
        let at = ["--quiet", "--api", &server.url];
        let ended = run_in(dir.path(), &[&["media"], uploaded, &at].concat());
        assert_eq!(ended.code, 0, "{}", ended.said);
        // Such times count in files, and a second is what some file systems know of it.
        chat(&dir.path().join("replaced.zip"), "Cat Mue", &cat);
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        fs_err::File::options()
            .append(true)
            .open(dir.path().join("replaced.zip"))
            .unwrap()
            .set_modified(later)
            .unwrap();
        let send = ["--provision", "--allow", "retention"];
        let refused = run_in(dir.path(), &[&["run"], sent, &send, &at].concat());
        assert_eq!(refused.code, 2, "{uploaded:?} {sent:?}: {}", refused.said);
        assert!(refused.said.contains("not those whose files were uploaded"), "{}", refused.said);
        let ended = whole(dir.path(), &server, sent);
        assert_eq!(ended.code, 0, "{}", ended.said);
        let mut shown = pictures(&server);
        if sent == ["cat.zip", "ann.zip"] {
            // By conversation: Ann's comes first.
            assert_eq!(shown.remove(0), ann);
        }
        assert_eq!(shown, std::slice::from_ref(&cat), "{uploaded:?} {sent:?}");
    }
}

/// Another machine may have the export elsewhere: that is how shards begin with the files of one `media`.
#[test]
fn an_export_that_lies_elsewhere_by_now_is_the_same() {
    let picture = samples::png(20, 20, 1);
    let (dir, server) = (tempfile::tempdir().unwrap(), Rehearsal::start(&["--answer-time", "0s"]));
    settings(dir.path());
    fs_err::create_dir(dir.path().join("here")).unwrap();
    chat(&dir.path().join("here/ann.zip"), "Ann Lee", &picture);
    assert_eq!(run_in(dir.path(), &["media", "here/ann.zip", "--quiet", "--api", &server.url]).code, 0);
    fs_err::rename(dir.path().join("here"), dir.path().join("there")).unwrap();
    let send =
        ["run", "there/ann.zip", "--provision", "--allow", "retention", "--quiet", "--api", &server.url];
    let ended = run_in(dir.path(), &send);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(pictures(&server), [picture]);
}
