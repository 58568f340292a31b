//! Several exports of different formats in one pass: the histories of the same people become one.

use std::path::Path;

use serde_json::Value;

use crate::support::importer;

/// Writes files below a folder.
fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
}

/// How a command ended, and what it said on both.
fn command(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = importer().current_dir(dir).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

/// Ann and Bo on WhatsApp, then on Slack as well, and a group there.
fn two_exports() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let day = r#"[{"type":"message","user":"U1","text":"on slack, 10:30","ts":"1709289000.000100"},
        {"type":"message","user":"U2","text":"on slack, 11:30","ts":"1709292600.000100","thread_ts":"1709289000.000100"}]"#;
    write(
        dir.path(),
        &[
            (
                "dump/chats/WhatsApp Chat with Ann.txt",
                "01/03/2024, 10:00 - Ann: on whatsapp, 10:00\n01/03/2024, 11:00 - Bo: on whatsapp, 11:00\n\
                 13/03/2024, 12:00 - Ann: on whatsapp, later\n",
            ),
            ("dump/slack/users.json", r#"[{"id":"U1","name":"ann"},{"id":"U2","name":"bo"}]"#),
            ("dump/slack/channels.json", r#"[{"id":"C1","name":"general"}]"#),
            ("dump/slack/dms.json", r#"[{"id":"D024BE91L","members":["U1","U2"]}]"#),
            ("dump/slack/D024BE91L/2024-03-01.json", day),
            (
                "dump/slack/general/2024-03-01.json",
                r#"[{"type":"message","user":"U1","text":"all","ts":"1709289000.000100"}]"#,
            ),
            ("users.csv", "id,openim_id,nickname\nAnn,ann,\nBo,bo,\nU1,ann,\nU2,bo,\n"),
        ],
    );
    dir
}

/// The configuration that `init` writes for them, with who is who.
fn configured(dir: &Path) -> String {
    let (code, said) = command(dir, &["init", "dump", "--zone", "UTC"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 exports of different formats"), "{said}");
    let file = fs_err::read_to_string(dir.join("import.toml")).unwrap();
    let file = file.replace("#file = \"users.csv\"", "file = \"users.csv\"");
    fs_err::write(dir.join("import.toml"), &file).unwrap();
    file
}

#[test]
fn init_writes_a_source_for_each_format_and_they_become_one_history() {
    let dir = two_exports();
    let file = configured(dir.path());
    let settings: Vec<&str> =
        file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    insta::assert_snapshot!(settings.join("\n"), @r#"
    [[source]]
    name = "whatsapp"
    paths = [
        "dump/chats",
    ]
    [source.format]
    name = "whatsapp"
    zone = "UTC"
    [[source]]
    name = "slack"
    paths = [
        "dump/slack",
    ]
    [source.format]
    name = "slack"
    zone = "UTC"
    [users]
    file = "users.csv"
    [server]
    "#);
    let (code, said) = command(dir.path(), &["run", "--rehearse", "--json", "--quiet"]);
    let object = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{said}"));
    let said: Value = serde_json::from_str(object).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!((code, &said["messages"], &said["conversations"]), (0, &6.into(), &2.into()), "{said}");
}

#[test]
fn what_is_wrong_is_said_with_the_file_and_the_source() {
    let dir = two_exports();
    let file = configured(dir.path());
    let said = |file: &str, arguments: &[&str]| {
        fs_err::write(dir.path().join("import.toml"), file).unwrap();
        let _gone = fs_err::remove_dir_all(dir.path().join("import.job"));
        command(dir.path(), arguments)
    };
    // A record that is none.
    let day = dir.path().join("dump/slack/general/2024-03-02.json");
    fs_err::write(&day, r#"[{"type":"message","text":"whose?","ts":"1709289000.000100"}]"#).unwrap();
    let (code, text) = said(&file, &["check"]);
    assert!(code == 4 && text.contains("sender-missing: dump/slack/general/2024-03-02.json:1:"), "{text}");
    fs_err::remove_file(day).unwrap();
    // A mapping that can't be.
    let (code, text) = said(&file.replace("zone = \"UTC\"", "zone = \"Utopia\""), &["check"]);
    assert!(code == 2 && text.contains("[[source]] `whatsapp`: `zone` in [format]"), "{text}");
    // What would have no effect, or two effects.
    let (code, text) = said(&file, &["check", "dump/slack"]);
    assert!(code == 2 && text.contains("the configuration has [[source]] tables"), "{text}");
    let (code, text) =
        said(&file.replace("\"dump/chats\"", "\"dump/chats\", \"dump/slack/*/*.json\""), &["check"]);
    assert!(code == 2 && text.contains("is in two of the [[source]] tables"), "{text}");
}

#[test]
fn what_lies_beside_an_export_makes_no_source_of_its_own() {
    let dir = two_exports();
    fs_err::remove_dir_all(dir.path().join("dump/chats")).unwrap();
    let about = r#"{"made":1531132337100,"by":{"a":{"name":"x","from":1531132337100},"b":{"name":"y","from":1531132337101}}}"#;
    write(dir.path(), &[("dump/about.json", about)]);
    let (code, said) = command(dir.path(), &["init", "dump/slack", "dump/about.json"]);
    assert!(code == 0 && !said.contains("exports of different formats"), "{code}: {said}");
    fs_err::rename(dir.path().join("dump/about.json"), dir.path().join("dump/slack/about.json")).unwrap();
    let (code, said) = command(dir.path(), &["init", "dump/slack", "--force"]);
    assert!(
        code == 0 && said.contains("Slack (the export") && said.contains("dump/slack/about.json"),
        "{code}: {said}"
    );
    let file = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    assert!(!file.contains("[[source]]"), "{file}");
    let (code, said) = command(dir.path(), &["check"]);
    assert!(code == 0 && said.contains("not read: 1 × other-name"), "{code}: {said}");
    assert!(said.contains("files-left-out"), "{said}");
}

#[test]
fn ids_of_one_export_are_not_those_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let csv =
        |what: &str| format!("id,who,room,at,text\n1,ann,r1,1709289000,{what}\n2,bo,r1,1709289001,yes\n");
    write(dir.path(), &[("a/x.csv", &csv("first")), ("b/x.csv", &csv("second"))]);
    let mapping = "[source.mapping.fields]\nid = \"id\"\nsendID = \"who\"\ngroupID = \"room\"\ntext = \"text\"\n\
        sendTime = { column = \"at\", time = \"s\" }\n";
    let source = |name: &str| format!("[[source]]\nname = \"{name}\"\npaths = [\"{name}\"]\n{mapping}");
    write(dir.path(), &[("import.toml", &format!("{}{}", source("a"), source("b")))]);
    let (code, said) = command(dir.path(), &["check"]);
    assert!(code == 0 && said.contains("4 messages in 1 conversation"), "{code}: {said}");
    // In one source they are one message with two contents.
    let one = format!("sources = [\"a\", \"b\"]\n{}", mapping.replace("source.mapping", "mapping"));
    write(dir.path(), &[("import.toml", &one)]);
    let (code, said) = command(dir.path(), &["check"]);
    assert!(code == 4 && said.contains("source-id-conflict"), "{code}: {said}");
}

#[test]
fn stopping_in_the_middle_goes_on_with_both() {
    let dir = two_exports();
    configured(dir.path());
    let server = crate::support::Rehearsal::start(&["--release", "main"]);
    let run = |more: &[&str]| {
        let arguments =
            [&["run", "--api", &server.url, "--provision", "--allow", "retention", "--quiet"], more].concat();
        let mut command = importer();
        let output = command
            .current_dir(dir.path())
            .env("OPENIM_SECRET", "openIM123")
            .args(&arguments)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let there = || server.audit()["total"]["messages"].as_u64().unwrap();
    let (code, said) = run(&["--canary", "1"]);
    assert!(code == 0 && (1..6).contains(&there()), "{code}, {}: {said}", there());
    let (code, said) = run(&[]);
    assert_eq!((code, there()), (0, 6), "{said}");
    // The server's order is that of time, whatever the export.
    let (_, receipts) = command(dir.path(), &["receipts"]);
    let mut rows: Vec<(String, i64, i64, String)> = receipts
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let of = if cells[1].contains("WhatsApp") { "whatsapp" } else { "slack" };
            (cells[2].to_owned(), cells[3].parse().unwrap(), cells[6].parse().unwrap(), of.to_owned())
        })
        .collect();
    rows.sort();
    let together: Vec<&(String, i64, i64, String)> =
        rows.iter().filter(|row| row.0.starts_with("si_")).collect();
    assert_eq!(
        together.iter().map(|row| &*row.3).collect::<Vec<_>>(),
        ["whatsapp", "slack", "whatsapp", "slack", "whatsapp"]
    );
    assert!(together.is_sorted_by_key(|row| row.2), "{receipts}");
    assert!(receipts.contains("slack/D024BE91L/1709289000.000100"), "{receipts}");
    // The same again is done; a source that has changed is refused by its name.
    let (code, said) = command(dir.path(), &["check"]);
    assert_eq!(code, 0, "{said}");
    let chat = dir.path().join("dump/chats/WhatsApp Chat with Ann.txt");
    let text = fs_err::read_to_string(&chat).unwrap();
    fs_err::write(&chat, format!("{text}14/03/2024, 12:00 - Bo: more\n")).unwrap();
    let (code, said) = command(dir.path(), &["check"]);
    assert!(code == 2 && said.contains("WhatsApp Chat with Ann.txt` had "), "{code}: {said}");
    // As their next pass, what is new is added and nothing twice.
    let (code, said) = command(dir.path(), &["check", "--add"]);
    assert!(code == 0 && said.contains("1 message in 1 conversation"), "{code}: {said}");
    assert!(said.contains("6 are known from an earlier pass"), "{said}");
}
