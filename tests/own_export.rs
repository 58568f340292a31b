//! The chapter "Your own export" of docs/formats.md: its files are written, its commands run, its words are so.

use std::path::Path;

use crate::support::importer;

/// A part of the chapter, by its heading: the files it shows and the commands it gives.
fn example(heading: &str) -> (tempfile::TempDir, Vec<String>) {
    let docs = fs_err::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/formats.md")).unwrap();
    let (_, part) = docs.split_once(&format!("### {heading}\n")).unwrap();
    let part = part.split("\n##").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut commands = Vec::new();
    for block in part.split("```").skip(1).step_by(2) {
        let (info, text) = block.split_once('\n').unwrap();
        match info.split_once(' ') {
            Some((_, name)) => fs_err::write(dir.path().join(name), text).unwrap(),
            None if info == "sh" => commands.extend(text.lines().map(str::to_owned)),
            None => {}
        }
    }
    assert!(!commands.is_empty(), "{heading}");
    (dir, commands)
}

/// Carries out the commands; what they said.
fn followed(dir: &Path, commands: &[String]) -> String {
    let mut said = String::new();
    for command in commands {
        let arguments = command.strip_prefix("openim-import ").unwrap().split(' ');
        let output = importer().current_dir(dir).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(0), "{command}: {text}");
        said.push_str(&text);
    }
    said
}

#[test]
fn a_help_desks_table_with_html() {
    let (dir, commands) = example("A help desk's table, with HTML");
    let said = followed(dir.path(), &commands);
    for words in [
        r#"{"content":"The printer says PC LOAD LETTER.\n\nWhat now?"}"#,
        r#"{"content":"Add paper & see the manual (https://help.example/printer)."}"#,
        "4 messages in 2 conversations (2 groups), 3 users",
        "Sound: 4 messages can be sent.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // Unanswered, both are asked, and check refuses.
    let asked = importer()
        .current_dir(dir.path())
        .args(["init", "tickets.csv", "-o", "asked.toml"])
        .output()
        .unwrap();
    let asked = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(
        asked.contains("groupID: ") && asked.contains("text: `body_html` has HTML in 4 of 4 records"),
        "{asked}"
    );
    let refused = importer()
        .current_dir(dir.path())
        .args(["check", "--config", "asked.toml", "--job", "asked.job"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn rooms_with_their_messages_inside_them() {
    let (dir, commands) = example("Rooms with their messages inside them");
    let said = followed(dir.path(), &commands);
    assert!(!said.contains("TO DO"), "{said}");
    assert!(said.contains("4 messages in 2 conversations (2 groups), 3 users"), "{said}");
    let file = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    for line in [r#"records = "rooms[].messages[]""#, r#"groupID  = { inherited = "rooms[].id" }"#] {
        assert!(file.contains(line), "{line}: {file}");
    }
}

#[test]
fn what_a_phones_backup_holds() {
    let (dir, commands) = example("What a phone's backup holds");
    let said = followed(dir.path(), &commands);
    assert!(said.contains("who could read it: 2 chats of two people, 0 groups"), "{said}");
    assert!(said.contains("Sound: 3 messages can be sent."), "{said}");
    let asked =
        importer().current_dir(dir.path()).args(["init", "phone.csv", "-o", "asked.toml"]).output().unwrap();
    let asked = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(asked.contains("`is_sender` says whether it was the maker of the export"), "{asked}");
    assert!(asked.contains("“Your own export” in docs/formats.md"), "{asked}");
}

#[test]
fn files_beside_the_words() {
    let (dir, commands) = example("Files beside the words");
    fs_err::create_dir(dir.path().join("plans")).unwrap();
    fs_err::write(dir.path().join("plans/floor.pdf"), "%PDF-1.4 a floor").unwrap();
    let said = followed(dir.path(), &commands);
    assert!(!said.contains("TO DO"), "{said}");
    let file = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    let rule = r#"attachments = { column = "file_url", with = { name = "file_name", type = "file_type" } }"#;
    assert!(file.contains(rule) && file.contains("run --media"), "{file}");
    for words in [
        "8 messages in 2 conversations (2 groups), 3 users",
        r#""contentType": 102"#,
        "1 × media-local",
        "Sound: 8 messages can be sent",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The file beside the export is found; what lies behind links is not fetched unasked.
    let output =
        importer().current_dir(dir.path()).args(["media", "chat.csv", "--dry-run"]).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("1 file"), "{said}");
}

fn put(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// A format that is known.
fn whatsapp(dir: &Path) {
    let chat = "13/03/2024, 10:00 - Ann: on whatsapp\n13/03/2024, 11:00 - Bo: yes\n";
    put(dir, "dump/chats/WhatsApp Chat with Ann.txt", chat);
}

#[test]
fn html_and_mojibake_beside_a_known_format() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| put(dir.path(), name, text);
    whatsapp(dir.path());
    write(
        "dump/tickets.csv",
        "from,to,sent at,body\nRenÃ©,bo,2024-03-01T09:00:00Z,<p>cafÃ© &amp; bar</p>\nbo,RenÃ©,2024-03-01T09:01:00Z,plain\n",
    );
    let commands =
        ["openim-import init dump --zone UTC --html text", "openim-import check"].map(str::to_owned);
    let said = followed(dir.path(), &commands);
    let file = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    assert!(file.contains("[source.mapping]\n") && file.contains("mojibake = \"repair\""), "{file}");
    assert!(said.contains(r#"{"content":"café & bar"}"#), "{said}");
    assert!(said.contains("Sound: 4 messages can be sent"), "{said}");
}

/// `init` writes what it found, with what is to be decided in it, and `check` refuses that until it is.
#[test]
fn what_is_to_be_decided_is_written_and_refused() {
    let rows = |a: &str, b: &str| {
        format!("id,from,room,time,text\n1,ann,r,2024-01-01T10:00:00Z,{a}\n2,bo,r,2024-01-01T10:01:00Z,{b}\n")
    };
    let latin =
        |text: String| -> Vec<u8> { text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect() };
    for (bytes, asked, flag, seen) in [
        (latin(rows("für dich", "schön")), "encoding in [export]", "--encoding windows-1252", "für dich"),
        (rows("cafÃ©", "café").into_bytes(), "mojibake in [mapping]", "--mojibake repair", "café"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join("x.csv"), bytes).unwrap();
        let run = |args: &[&str]| {
            let output = importer().current_dir(dir.path()).args(args).output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8(said).unwrap())
        };
        let (code, said) = run(&["init", "x.csv"]);
        assert!(code == Some(0) && said.contains(asked), "{said}");
        let (code, said) = run(&["check"]);
        assert!(code == Some(2) && said.contains(asked), "{said}");
        let args: Vec<&str> = flag.split(' ').collect();
        let (code, said) = run(&[&["init", "x.csv", "--force"], &args[..]].concat());
        assert!(code == Some(0) && !said.contains(asked) && said.contains(seen), "{said}");
        let (code, said) = run(&["check"]);
        assert!(code == Some(0) && said.contains("Sound: 2 messages can be sent"), "{said}");
    }
}

#[test]
fn folders_of_tables_beside_a_known_format() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| put(dir.path(), name, text);
    whatsapp(dir.path());
    write(
        "dump/crm/2023.csv",
        "id,room,from,at,text\n1,k,ann,2024-03-01T09:00:00Z,tea now?\n2,l,bo,2024-03-01T09:01:00Z,yes please\n",
    );
    write(
        "dump/crm/2024.csv",
        "id,room,from,at,text\n3,k,bo,2024-04-01T09:00:00Z,tea again?\n4,l,cy,2024-04-01T09:01:00Z,no thanks\n",
    );
    write(
        "dump/desk/1.jsonl",
        "{\"key\":\"a\",\"from\":\"ann\",\"to\":\"bo\",\"time\":1700000000,\"text\":\"my printer broke\"}\n\
         {\"key\":\"b\",\"from\":\"bo\",\"to\":\"ann\",\"time\":1700000060,\"text\":\"add some paper\"}\n",
    );
    write("dump/lists/stock.csv", "item,price\npen,3\nink,7\n");
    let commands = ["openim-import init dump --zone UTC", "openim-import check"].map(str::to_owned);
    let said = followed(dir.path(), &commands);
    let file = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    assert_eq!(file.matches("[[source]]").count(), 3, "{file}");
    assert!(file.contains("paths = [\"dump/crm\"]") || file.contains("\"dump/crm\""), "{file}");
    assert!(said.contains("`dump/lists`: ") && said.contains("nothing in it looks like messages"), "{said}");
    assert!(said.contains("Sound: 8 messages can be sent"), "{said}");
}
