//! `init`: what it writes for an export loads, and `check` with it is clean or says what is missing.

use std::path::Path;

use assert_cmd::assert::Assert;

use crate::support::{fixture, importer};

/// What a command wrote and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Assert> for Said {
    fn from(assert: Assert) -> Self {
        let output = assert.get_output();
        // The same wherever the project lies.
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(&*fixture("").to_string_lossy(), "fixtures/")
        };
        Self { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

fn run(dir: &Path, arguments: &[&str]) -> Said {
    importer().current_dir(dir).args(arguments).assert().into()
}

/// `init` for a fixture; its words, and the file it wrote.
fn init(dir: &Path, name: &str, more: &[&str]) -> (Said, String) {
    let path = fixture(name);
    let path = path.to_str().unwrap();
    let said = run(dir, &[&["init", path], more].concat());
    let file = fs_err::read_to_string(dir.join("import.toml")).unwrap_or_default();
    (said, file.replace(&*fixture("").to_string_lossy(), "fixtures/"))
}

/// The lines that do something.
fn settings(file: &str) -> String {
    let lines = file.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_csv_is_mapped_without_help_and_check_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), "unknown/direct-channels-named-after-both.csv", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out);
    insta::assert_snapshot!(file);
    let check = run(dir.path(), &["check"]);
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
    assert!(check.out.contains("Sound: 5 messages can be sent (1 warning)."), "{}", check.out);
}

#[test]
fn a_zone_that_the_export_does_not_say_is_asked_for_and_check_says_so_too() {
    let name = "unknown/聊天记录-local-times-emails.csv";
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), name, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("zone in [mapping]: the times do not say their zone"), "{}", said.out);
    assert!(said.out.contains("As they would be sent (as if times were UTC):"), "{}", said.out);
    insta::assert_snapshot!(settings(&file), @r#"
    sources = ["fixtures/unknown/聊天记录-local-times-emails.csv"]
    [mapping]
    [mapping.fields]
    id             = "消息ID"
    sendID         = "发送者"
    senderNickname = "昵称"
    groupID        = "群号"
    recvID         = "接收者"
    sendTime       = { column = "发送时间", time = "%Y/%m/%d %H:%M:%S" }
    text           = "内容"
    [[mapping.leave_out]]
    column = "消息类型"
    is     = ["系统通知"]
    reason = "system-row"
    [users]
    ids = "translate"
    [server]
    "#);
    let check = run(dir.path(), &["check"]);
    assert_eq!(check.code, 2);
    assert!(check.err.contains("set `zone`"), "{}", check.err);
    // Said on the command line, it is written down.
    let dir = tempfile::tempdir().unwrap();
    let (_, file) = init(dir.path(), name, &["--zone", "Asia/Shanghai"]);
    assert!(file.contains("\n[mapping]\nzone = \"Asia/Shanghai\"\n"), "{file}");
    let check = run(dir.path(), &["check"]);
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
    let users = run(dir.path(), &["users"]);
    insta::assert_snapshot!(users.out, @r#"
    id,openim_id,nickname,face_url,email,kind,messages
    li.si@corp.cn,lisicorpcnq4n1cpqh,李四,,li.si@corp.cn,user,2
    wang@corp.cn,wangcorpcn4j9ctyex,王五,,wang@corp.cn,user,1
    zhang.san@corp.cn,zhangsancorpcnc887b6xs,张三,,zhang.san@corp.cn,user,1
    88001,88001,,,,group,2
    "#);
}

#[test]
fn a_day_that_could_be_a_month_is_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), "unknown/day-or-month-semicolons.csv", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out, @r#"
    CSV with `;` between 4 columns: 2 rows in 1 file

    TO DO, in the file:
      sendTime: `03/04/2024 10:00`, `04/04/2024 10:01`: no value tells whether the day or the month comes first. Choose; nothing is guessed here
      zone in [mapping]: the times do not say their zone

    Wrote import.toml; 2 things to fill in, see above. Then: openim-import check
    "#);
    assert!(file.contains("#sendTime = { column = \"Date\", time = \"%d/%m/%Y %H:%M\" }"), "{file}");
    assert!(file.contains("#sendTime = { column = \"Date\", time = \"%m/%d/%Y %H:%M\" }"), "{file}");
    let check = run(dir.path(), &["check"]);
    assert_eq!(check.code, 2);
    assert!(check.err.contains("`sendTime` is missing"), "{}", check.err);
    // One of the two, and a zone, is all it takes.
    let mended = file
        .replace(
            "#sendTime = { column = \"Date\", time = \"%d",
            "sendTime = { column = \"Date\", time = \"%d",
        )
        .replace("#zone", "zone");
    fs_err::write(dir.path().join("import.toml"), mended.replace("fixtures/", fixture("").to_str().unwrap()))
        .unwrap();
    let check = run(dir.path(), &["check"]);
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
}

#[test]
fn a_csv_without_names_of_columns() {
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), "unknown/no-header.csv", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(settings(&file), @r#"
    sources = ["fixtures/unknown/no-header.csv"]
    [export]
    csv.header = false
    [mapping.fields]
    sendID   = "2"
    sendTime = { column = "1", time = "ms" }
    text     = "3"
    [server]
    "#);
    // What parts the conversations is asked; a flag answers.
    assert!(said.out.contains("groupID: no column says plainly"), "{}", said.out);
    assert_eq!(run(dir.path(), &["check"]).code, 2);
    let (_, file) = init(dir.path(), "unknown/no-header.csv", &["--force", "--conversation-from", "@stem"]);
    assert!(file.contains("groupID  = { inherited = \"@stem\" }"), "{file}");
    assert_eq!(run(dir.path(), &["check"]).code, 0);
}

#[test]
fn lists_inside_a_document_are_found_and_secrets_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), "unknown/lists-inside-rooms.json", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains("hush") && !file.contains("hush"), "{}", said.out);
    insta::assert_snapshot!(said.out.split("\n\n").nth(1).unwrap(), @r#"
    exported                         text  2024-02-01
    rooms                            list ×1
      []                             object ×2
        id                           text  r-17
        title                        text  Planning
        messages                     list ×2
          []                         object ×3
            id                       number  1
            author                   object ×3
              id                     text  7434590312345678901
              name                   text  Ann
            sent                     text  2024-01-31T12:00:00.250+01:00
            body                     text  Shall we?
            likes                    null or list ×2
              []                     text  Ann
    "#);
    insta::assert_snapshot!(settings(&file), @r#"
    sources = ["fixtures/unknown/lists-inside-rooms.json"]
    [export]
    records = "rooms[].messages[]"
    [mapping.fields]
    id             = "id"
    sendID         = "author.id"
    senderNickname = "author.name"
    groupID        = { inherited = "rooms[].id" }
    sendTime       = { column = "sent", time = "rfc3339" }
    text           = "body"
    [server]
    "#);
    assert_eq!(run(dir.path(), &["check"]).code, 0);
}

#[test]
fn of_records_of_several_kinds_only_messages_count() {
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), "unknown/records-of-several-kinds.jsonl", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(settings(&file), @r#"
    sources = ["fixtures/unknown/records-of-several-kinds.jsonl"]
    [mapping.fields]
    id       = "message_id"
    sendID   = "user_id"
    groupID  = "channel_id"
    sendTime = { column = "created_at", time = "s" }
    text     = "text"
    [[mapping.leave_out]]
    column = "type"
    not    = "message"
    reason = "other-record"
    [server]
    "#);
    let check = run(dir.path(), &["check"]);
    assert!(check.out.contains("left out on purpose: 4 other-record"), "{}", check.out);
    assert_eq!(check.code, 0);
}

#[test]
fn tables_and_json_in_one_folder_are_read_in_one_pass() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("old");
    fs_err::create_dir(&inside).unwrap();
    let write = |name: &str, text: &str| fs_err::write(inside.join(name), text).unwrap();
    write(
        "a.csv",
        "id,from,to,sent_at,text\n1,ann,bob,2024-01-01T10:00:00Z,hi\n2,bob,ann,2024-01-01T10:01:00Z,you there\n",
    );
    let line = |id: u8, from: &str, to: &str| {
        format!(
            "{{\"nr\":{id},\"author\":\"{from}\",\"to\":\"{to}\",\"at\":170420{id}200,\"body\":\"word {id}\"}}\n"
        )
    };
    write("b.jsonl", &[line(3, "ann", "bob"), line(4, "bob", "ann")].concat());
    write("notes.md", "of nobody\n");
    let said = run(dir.path(), &["init", "old"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("4 messages in 1 conversation"), "{}", said.out);
    assert!(said.out.contains("not read: `old/notes.md`"), "{}", said.out);
    let file = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    assert_eq!(file.matches("[[source]]").count(), 2, "{file}");
    assert_eq!(run(dir.path(), &["check"]).code, 0);
    // What has no messages is named, and the rest needs no tables of sources.
    write("b.jsonl", "{\"made\":\"2024-01-01\",\"by\":\"office\"}\n");
    let said = run(dir.path(), &["init", "old", "--force"]);
    assert!(
        said.out.contains("`old/b.jsonl`: JSON, 1 record") && said.out.contains("2 messages in 1"),
        "{}",
        said.out
    );
    assert!(!fs_err::read_to_string(dir.path().join("import.toml")).unwrap().contains("[[source]]"));
}

#[test]
fn what_no_format_is_is_shown_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), "unknown/lines-of-a-log.txt", &[]);
    assert_eq!((said.code, file.as_str()), (2, ""));
    assert!(said.out.contains("[12:19] <bob> always"), "{}", said.out);
}

#[test]
fn the_native_format_needs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (said, file) = init(dir.path(), "company-chat.jsonl", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.starts_with("The native format"), "{}", said.out);
    assert_eq!(settings(&file), "sources = [\"fixtures/company-chat.jsonl\"]\n[server]");
    assert_eq!(run(dir.path(), &["check"]).code, 0);
}

#[test]
fn known_formats_are_recognised_and_ask_for_what_they_lack() {
    for (name, title, asks) in [
        ("slack", "Slack", None),
        ("tencent", "Tencent Cloud IM", None),
        ("mattermost/bulk.jsonl", "Mattermost (bulk export", None),
        ("mattermost/compliance.csv", "Mattermost (compliance export", None),
        ("telegram/account", "Telegram Desktop", None),
        ("whatsapp/WhatsApp Chat with Ann Lee.txt", "WhatsApp", Some("zone in [format]")),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (said, file) = init(dir.path(), name, &[]);
        assert_eq!(said.code, 0, "{name}: {}", said.err);
        assert!(said.out.starts_with(title), "{name}: {}", said.out);
        assert!(said.out.matches("\"contentType\"").count() == 3, "{name}: {}", said.out);
        assert!(file.contains("\n[format]\nname = \""), "{file}");
        let Some(asks) = asks else { continue };
        assert!(said.out.contains(asks), "{name}: {}", said.out);
        // Names are no ids, and pictures have no link: said although there is no message yet.
        assert!(file.contains("\n[users]\n# ") && file.contains("\n#base_url = "), "{file}");
        let check = run(dir.path(), &["check"]);
        assert_eq!(check.code, 4, "{}{}", check.out, check.err);
        let mended = fs_err::read_to_string(dir.path().join("import.toml")).unwrap().replace("#zone", "zone");
        fs_err::write(dir.path().join("import.toml"), mended.replace("#self = \"Ann\"", "self = \"Bob\""))
            .unwrap();
        let check = run(dir.path(), &["check"]);
        assert!(!check.out.contains("zone-missing"), "{}", check.out);
    }
}

#[test]
fn what_is_there_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("import.toml"), "# mine\n").unwrap();
    let (said, file) = init(dir.path(), "company-chat.jsonl", &[]);
    assert_eq!((said.code, file.as_str()), (2, "# mine\n"));
    assert!(said.err.contains("--force"), "{}", said.err);
    let (said, file) = init(dir.path(), "company-chat.jsonl", &["--output", "other.toml"]);
    assert_eq!((said.code, file.as_str()), (0, "# mine\n"));
    assert!(dir.path().join("other.toml").exists());
    let (said, file) = init(dir.path(), "company-chat.jsonl", &["--force"]);
    assert_eq!(said.code, 0);
    assert!(file.contains("company-chat.jsonl"));
    let (said, _) = init(dir.path(), "company-chat.jsonl", &["--output", "-"]);
    assert!(said.out.starts_with("# The native format") && said.err.contains("messages in"), "{}", said.out);
}

#[test]
fn one_object_with_json() {
    let dir = tempfile::tempdir().unwrap();
    let (said, _) = init(dir.path(), "unknown/day-or-month-semicolons.csv", &["--json"]);
    let answer: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["command"], "init");
    assert_eq!(answer["missing"], serde_json::json!(["sendTime"]));
    assert_eq!(answer["config"], "import.toml");
}

#[test]
fn bad_input_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("empty.csv"), "").unwrap();
    fs_err::create_dir(dir.path().join("nothing")).unwrap();
    fs_err::write(dir.path().join("cut.csv.gz"), b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48")
        .unwrap();
    fs_err::write(dir.path().join("deep.json"), "[".repeat(10_000)).unwrap();
    for (source, part) in [
        ("missing.csv", "does not exist"),
        ("empty.csv", "nothing to import"),
        ("nothing", "looks like an export"),
        ("cut.csv.gz", "is cut off"),
        ("deep.json", "nothing was written"),
        ("-", "not standard input"),
    ] {
        let said = run(dir.path(), &["init", source]);
        assert_eq!(said.code, 2, "{source}: {}{}", said.out, said.err);
        assert!(said.err.contains(part), "{source}: {}", said.err);
    }
}

#[test]
fn check_says_who_could_read_it() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::create_dir(dir.path().join("chats")).unwrap();
    for (chat, other) in [("a", "ann"), ("b", "bob"), ("c", "cy")] {
        let rows = format!(
            "time,author,room,text\n1700000000,me,{chat},hi there\n1700000060,{other},{chat},hello you\n"
        );
        fs_err::write(dir.path().join(format!("chats/{chat}.csv")), rows).unwrap();
    }
    let said = run(dir.path(), &["init", "chats"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let check = run(dir.path(), &["check"]);
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
    for line in [
        "who could read it: 0 chats of two people, 3 groups, 2 write in the largest",
        "odd: in 3 groups no more than two people write, the first is `",
        "odd: `me` is in all 3 conversations",
    ] {
        assert!(check.out.contains(line), "{}", check.out);
    }
    // Without the column nothing parts the chats but the files: that is asked, and one answer is odd.
    let dir = tempfile::tempdir().unwrap();
    fs_err::create_dir(dir.path().join("chats")).unwrap();
    for (chat, other) in [("ann", "ann"), ("bob", "bob")] {
        let rows = format!("time,author,text\n1700000000,me,hi there\n1700000060,{other},hello you\n");
        fs_err::write(dir.path().join(format!("chats/{chat}.csv")), rows).unwrap();
    }
    let said = run(dir.path(), &["init", "chats"]);
    assert!(said.out.contains("by the file's name: 2 conversations"), "{}", said.out);
    assert_eq!(run(dir.path(), &["check"]).code, 2);
    let said = run(dir.path(), &["init", "chats", "--force", "--conversation-from", "@stem"]);
    assert!(said.out.contains("4 messages in 2 conversations"), "{}", said.out);
    let file = fs_err::read_to_string(dir.path().join("import.toml")).unwrap();
    let merged = file.replace("{ inherited = \"@stem\" }", "{ constant = \"all\" }");
    fs_err::write(dir.path().join("import.toml"), merged).unwrap();
    let check = run(dir.path(), &["check"]);
    assert!(check.out.contains("odd: one group out of 2 files"), "{}", check.out);
}
