//! Media from the first `check` to the server: the list of files, the table filled in from it, a base address.

use std::path::Path;

use serde_json::Value;

use crate::support::{Rehearsal, fixture, importer};

fn check(dir: &Path) -> String {
    let output = importer().current_dir(dir).arg("check").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn list(dir: &Path) -> Vec<csv::StringRecord> {
    let path = dir.join("import.job/media-to-upload.csv");
    csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).collect()
}

fn configure(dir: &Path, media: &str) {
    let source = fixture("telegram/account");
    let text = format!("sources = [\"{}\"]\n[media]\n{media}\n", source.display());
    fs_err::write(dir.join("import.toml"), text).unwrap();
}

/// What the server has of media.
fn sent(dir: &Path) -> Vec<(u64, Value)> {
    let server = Rehearsal::start(&["--answer-time", "0s"]);
    let usual = ["run", "--provision", "--allow", "retention", "--quiet", "--api", &server.url];
    importer().current_dir(dir).env("OPENIM_SECRET", "openIM123").args(usual).assert().code(0);
    let mut all = Vec::new();
    for conversation in ["si_user1001_user1002", "sg_chat55"] {
        let log = server.control(&format!("/_rehearsal/log?conversation={conversation}"), None);
        for entry in log.as_array().unwrap() {
            let kind = entry["contentType"].as_u64().unwrap();
            if entry["origin"] == "sent" && (102..=105).contains(&kind) {
                all.push((kind, serde_json::from_str(entry["content"].as_str().unwrap()).unwrap()));
            }
        }
    }
    all
}

#[test]
fn the_list_is_filled_in_and_given_back_as_the_table() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), "");
    let said = check(dir.path());
    assert!(
        said.contains(
            "3 files have to be put where everybody can read them, see import.job/media-to-upload.csv"
        ),
        "{said}"
    );
    assert!(
        said.contains("warning: 3 × media-local") && said.contains("warning: 1 × media-absent"),
        "{said}"
    );
    let lines = list(dir.path());
    let paths: Vec<&str> = lines.iter().map(|line| &line[0]).collect();
    assert_eq!(
        paths,
        [
            "photos/photo_1@01-03-2024_10-00-04.jpg",
            "voice_messages/audio_1@01-03-2024.ogg",
            "video_files/clip.mp4"
        ]
    );
    // Somebody uploads two of them, writes down where, right in the list, and names it.
    let path = dir.path().join("import.job/media-to-upload.csv");
    let filled = fs_err::read_to_string(&path)
        .unwrap()
        .replace(&format!("{},", paths[0]), &format!("{},https://cdn.example/1.jpg", paths[0]))
        .replace(&format!("{},", paths[2]), &format!("{},https://cdn.example/3.mp4", paths[2]));
    let filled = filled.replace("3.mp4,,,,70000,,", "3.mp4,,,9,70000,https://cdn.example/3.jpg,");
    fs_err::write(&path, filled).unwrap();
    configure(dir.path(), "table = \"import.job/media-to-upload.csv\"");
    let said = check(dir.path());
    assert!(said.contains("1 file has to be put") && said.contains("warning: 1 × media-local"), "{said}");
    // What was filled in is still there, and what is open as well.
    let lines = list(dir.path());
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line[1].is_empty()).count(), 1);
    let media = sent(dir.path());
    assert_eq!(media.len(), 2, "{media:?}");
    assert_eq!((media[0].0, &media[0].1["sourcePicture"]["url"]), (102, &"https://cdn.example/1.jpg".into()));
    assert_eq!((media[1].0, &media[1].1["snapshotUrl"]), (104, &"https://cdn.example/3.jpg".into()));
    assert_eq!(media[1].1["duration"], 9, "the table knows better");
}

#[test]
fn a_table_that_changed_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("media.csv");
    fs_err::write(&table, "path,url\n").unwrap();
    configure(dir.path(), &format!("table = {table:?}"));
    assert!(check(dir.path()).contains("3 files have to be put"));
    fs_err::write(&table, "path,url\nvideo_files/clip.mp4,https://cdn.example/c.mp4\n").unwrap();
    // Without a preview a video goes as a file.
    let media = sent(dir.path());
    assert_eq!((media.len(), media[0].0, &media[0].1["fileName"]), (1, 105, &"clip.mp4".into()), "{media:?}");
}

#[test]
fn behind_a_base_address_everything_is_linked() {
    let dir = tempfile::tempdir().unwrap();
    configure(
        dir.path(),
        "base_url = \"https://files.example/export/\"\n[media.placeholder]\npreview = \"https://files.example/p.png\"",
    );
    let said = check(dir.path());
    assert!(
        !said.contains("media-local") && !dir.path().join("import.job/media-to-upload.csv").exists(),
        "{said}"
    );
    let kinds: Vec<u64> = sent(dir.path()).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [102, 103, 104]);
}

/// Two chats of one phone, in a folder each, whose pictures are called the same.
fn two_chats(dir: &Path, media: &str) {
    for (folder, other) in [("one", "Bob"), ("two", "Cem")] {
        let lines = format!(
            "13/01/2024, 10:00 - {other}: hi\n13/01/2024, 10:01 - Ann: \u{200e}IMG-20240113-WA0001.jpg (file attached)\n"
        );
        fs_err::create_dir_all(dir.join(folder)).unwrap();
        fs_err::write(dir.join(format!("{folder}/WhatsApp Chat with {other}.txt")), lines).unwrap();
        fs_err::write(dir.join(format!("{folder}/IMG-20240113-WA0001.jpg")), folder).unwrap();
    }
    let text = "sources = [\"one\", \"two\"]\n[format]\nname = \"whatsapp\"\nzone = \"UTC\"\nself = \"Ann\"\n[media]\n";
    fs_err::write(dir.join("import.toml"), format!("{text}{media}\n")).unwrap();
}

#[test]
fn a_picture_of_one_chat_never_stands_in_another_that_calls_its_own_the_same() {
    let dir = tempfile::tempdir().unwrap();
    two_chats(dir.path(), "");
    check(dir.path());
    let lines = list(dir.path());
    let told: Vec<(&str, &str)> = lines.iter().map(|line| (&line[0], &line[10])).collect();
    assert_eq!(told, [("IMG-20240113-WA0001.jpg", "one"), ("IMG-20240113-WA0001.jpg", "two")]);
    // One of them is put somewhere: the other is still open.
    let path = dir.path().join("import.job/media-to-upload.csv");
    let filled =
        fs_err::read_to_string(&path).unwrap().replacen(".jpg,,", ".jpg,https://cdn.example/one.jpg,", 1);
    fs_err::write(&path, filled).unwrap();
    two_chats(dir.path(), "table = \"import.job/media-to-upload.csv\"");
    assert!(check(dir.path()).contains("1 file has to be put"));
    let spool = fs_err::read(dir.path().join("import.job/messages.spool")).unwrap();
    assert_eq!(String::from_utf8_lossy(&spool).matches("https://cdn.example/one.jpg").count(), 3);
    assert_eq!(list(dir.path()).len(), 2);
    // Below one address nothing tells them apart.
    two_chats(dir.path(), "base_url = \"https://files.example/export\"");
    let output = importer().current_dir(dir.path()).arg("check").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() != Some(0) && said.contains("media-path-shared"), "{said}");
}

#[test]
fn what_can_t_be_linked_or_is_incomplete_goes_as_the_settings_say() {
    for (settings, texts, customs, left_out) in
        [("", 4, 0, 0), ("without_link = \"custom\"", 0, 4, 0), ("without_link = \"skip\"", 0, 0, 2)]
    {
        let dir = tempfile::tempdir().unwrap();
        configure(dir.path(), settings);
        let said = check(dir.path());
        let spool = fs_err::read(dir.path().join("import.job/messages.spool")).unwrap();
        let spool = String::from_utf8_lossy(&spool);
        let words = ["[picture] photo_1", "[voice] audio_1", "[file] report", "[video] clip"];
        let count =
            |before: &str| words.iter().filter(|word| spool.contains(&format!("{before}{word}"))).count();
        assert_eq!(
            (count("\"content\":\""), count("\"description\":\"")),
            (texts, customs),
            "{settings}: {said}"
        );
        // Two more have words of their own, and go with those.
        assert_eq!(said.contains(&format!("{left_out} media-skipped")), left_out > 0, "{settings}: {said}");
    }
}
