//! Whole imports of each format's fixture, as a user has them: `init`, `check`, `run`. What arrived is asked of the
//! server.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Rehearsal, fixture, importer};

/// An export, the words that `init` needs for it, and how many messages it has.
struct Case {
    name: &'static str,
    source: PathBuf,
    words: &'static [&'static str],
    messages: u64,
}

const BERLIN: &[&str] = &["--zone", "Europe/Berlin"];

/// The fixtures, each in the shapes in which people hold it; the first of each name lies as it is.
fn cases(dir: &Path) -> Vec<Case> {
    let whatsapp = "whatsapp/WhatsApp Chat with Ann Lee.txt";
    let club = "whatsapp/WhatsApp Chat - Book club";
    let case = |name, source, words, messages| Case { name, source, words, messages };
    // One zip a chat, in a folder.
    let chats = dir.join("chats");
    fs_err::create_dir(&chats).unwrap();
    zipped(&chats, "WhatsApp Chat with Ann Lee.zip", &fixture(whatsapp), "");
    zipped(&chats, "WhatsApp Chat - Book club.zip", &fixture(club), "");
    // These two have a record that is refused: with a date in a language not known, and of a recipient nobody knows.
    let google = without(
        dir,
        "gchat",
        "Dienstag, 14. November 2023 um 22:13:20 UTC",
        "2023年11月15日星期三 UTC 09:00:00",
    );
    let zulip = without(dir, "zulip", "\"recipient\": 99", "\"recipient\": 23");
    vec![
        case("slack", fixture("slack"), &[], 23),
        case("slack", zipped(dir, "slack-export.zip", &fixture("slack"), ""), &[], 23),
        // Packed once more, as it came out of a mail: the folder inside the zip.
        case("slack", zipped(dir, "Acme Slack export.zip", &fixture("slack"), "Acme Slack export/"), &[], 23),
        case("tencent", fixture("tencent"), &[], 14),
        case("tencent", all_packed(dir, &fixture("tencent")), &[], 14),
        case("mattermost", fixture("mattermost/bulk.jsonl"), &[], 11),
        case("mattermost", zipped(dir, "export.zip", &fixture("mattermost/bulk.jsonl"), ""), &[], 11),
        case("mattermost-compliance", fixture("mattermost/compliance.csv"), &[], 10),
        case(
            "mattermost-compliance",
            zipped(dir, "csv_export.zip", &fixture("mattermost/compliance.csv"), ""),
            &[],
            10,
        ),
        case("telegram-account", fixture("telegram/account"), &[], 18),
        case("telegram-account", fixture("telegram/account/result.json"), &[], 18),
        case("telegram-chat", fixture("telegram/chat"), &[], 2),
        case("whatsapp-two", fixture(whatsapp), BERLIN, 9),
        case(
            "whatsapp-two",
            zipped(dir, "WhatsApp Chat with Ann Lee.zip", &fixture(whatsapp), ""),
            BERLIN,
            9,
        ),
        case("whatsapp-group", fixture(club), BERLIN, 6),
        case("whatsapp-group", zipped(dir, "WhatsApp Chat - Book club.zip", &fixture(club), ""), BERLIN, 6),
        case("whatsapp", chats, BERLIN, 15),
        case("openim", fixture("openim/relaxed"), &[], 17),
        case("openim", fixture("openim/canonical"), &[], 17),
        case("openim", fixture("openim/dump"), &[], 17),
        case("openim", fixture("openim/archive/backup.gz"), &[], 17),
        case("openim-v2", fixture("openim/v2"), &["--zone", "Asia/Shanghai"], 2),
        case("easemob", fixture("easemob"), &[], 11),
        case("rongcloud", fixture("rongcloud"), &[], 11),
        case("netease", fixture("netease"), &[], 11),
        case("wecom", fixture("wecom.jsonl"), &[], 13),
        case("discord", fixture("discord/json"), &[], 11),
        case("discord-csv", fixture("discord/csv"), BERLIN, 3),
        case("wechat", fixture("wechat/weflow"), &[], 9),
        case("wechat-csv", fixture("wechat/csv"), &["--self", "wxid_me", "--zone", "Asia/Shanghai"], 8),
        case("chatlab", fixture("chatlab"), &[], 7),
        case("qq", fixture("qq/json"), &[], 5),
        case("qq-text", fixture("qq/text"), &["--zone", "Asia/Shanghai"], 3),
        case("feishu", fixture("feishu"), &[], 9),
        case("matrix", fixture("matrix"), &[], 7),
        case("google-chat", google, &[], 6),
        case("rocketchat", fixture("rocketchat/dump"), &[], 5),
        case("rocketchat", fixture("rocketchat/archive"), &[], 5),
        case("rocketchat-csv", fixture("rocketchat/csv"), &[], 3),
        case("zulip", zulip, &[], 5),
    ]
}

/// A copy of a fixture with something else in the place of a text.
fn without(dir: &Path, name: &str, text: &str, other: &str) -> PathBuf {
    let copy = dir.join(name);
    for file in files(&fixture(name)) {
        let to = copy.join(file.strip_prefix(fixture(name)).unwrap());
        fs_err::create_dir_all(to.parent().unwrap()).unwrap();
        fs_err::write(to, fs_err::read_to_string(&file).unwrap().replace(text, other)).unwrap();
    }
    copy
}

/// A file or the files of a folder, in a zip.
fn zipped(dir: &Path, name: &str, what: &Path, inside: &str) -> PathBuf {
    let path = dir.join(name);
    let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
    for file in files(what) {
        let within =
            if file == what { file.file_name().unwrap().as_ref() } else { file.strip_prefix(what).unwrap() };
        let name = format!("{inside}{}", within.to_string_lossy());
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&fs_err::read(&file).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    path
}

/// A copy of the folder in which each file is packed, as Tencent gives them.
fn all_packed(dir: &Path, folder: &Path) -> PathBuf {
    let copy = dir.join("get_history");
    for file in files(folder) {
        let within = file.strip_prefix(folder).unwrap();
        let packed = file.extension().is_some_and(|e| e == "gz");
        let to = if packed {
            copy.join(within)
        } else {
            copy.join(format!("{}.gz", within.with_extension("").display()))
        };
        fs_err::create_dir_all(to.parent().unwrap()).unwrap();
        let bytes = fs_err::read(&file).unwrap();
        if packed {
            fs_err::write(to, bytes).unwrap();
        } else {
            let mut out =
                flate2::write::GzEncoder::new(fs_err::File::create(to).unwrap(), flate2::Compression::fast());
            out.write_all(&bytes).unwrap();
            out.finish().unwrap();
        }
    }
    copy
}

fn files(what: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(what).sort_by_file_name().into_iter().map(Result::unwrap);
    entries.filter(|e| e.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// Runs a command that must end well; what it printed.
fn run(dir: &Path, arguments: &[&str]) -> String {
    let mut command = importer();
    command.env("OPENIM_SECRET", "openIM123").current_dir(dir).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{out}{err}");
    out
}

#[test]
fn init_check_and_a_rehearsal_end_verified_for_every_shape_of_every_format() {
    let exports = tempfile::tempdir().unwrap();
    for case in cases(exports.path()) {
        let dir = tempfile::tempdir().unwrap();
        let source = case.source.to_str().unwrap();
        run(dir.path(), &[&["init", source], case.words].concat());
        let said = run(dir.path(), &["check"]);
        assert!(said.contains(&format!("Sound: {} messages can be sent", case.messages)), "{source}: {said}");
        let said = run(dir.path(), &["run", "--rehearse", "--json", "--quiet"]);
        let said: Value = serde_json::from_str(&said).unwrap();
        let all = Value::from(case.messages);
        assert_eq!((&said["confirmed"], &said["messages"]), (&all, &all), "{source}: {said}");
        assert_eq!(
            (&said["hidden"], &said["doubled"]),
            (&Value::from(0), &Value::from(0)),
            "{source}: {said}"
        );
    }
}

/// What stands in the server's log, conversation by conversation. Of a quoted message the place, found by its ids.
fn log(server: &Rehearsal) -> String {
    server.control("/_rehearsal/settle", Some(&Value::Null));
    let audit = server.audit();
    let mut out = String::new();
    for conversation in audit["conversations"].as_object().unwrap().keys() {
        let escaped: Vec<String> = conversation.bytes().map(|b| format!("%{b:02X}")).collect();
        let escaped = escaped.concat();
        let log = server.control(&format!("/_rehearsal/log?conversation={escaped}"), None);
        let sent: Vec<&Value> =
            log.as_array().unwrap().iter().filter(|entry| entry["origin"] == "sent").collect();
        if sent.is_empty() {
            continue;
        }
        writeln!(out, "{conversation}").unwrap();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (n, entry) in sent.into_iter().enumerate() {
            assert_eq!(entry["state"], "readable", "{entry}");
            let mut content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap();
            let mut quoted = String::new();
            if let Some(quote) = content.as_object_mut().unwrap().remove("quoteMessage") {
                // It names a message that stands before it, by both ids: that one was there when this was sent.
                let place = places[quote["serverMsgID"].as_str().unwrap()];
                assert_eq!(place, places[quote["clientMsgID"].as_str().unwrap()]);
                quoted = format!(" quotes {place}: {}", quote["content"].as_str().unwrap());
            }
            for id in ["serverMsgID", "clientMsgID"] {
                places.insert(entry[id].as_str().unwrap(), n);
            }
            let text = |key: &str| entry[key].as_str().unwrap();
            let ex = if text("ex").is_empty() { String::new() } else { format!(" ex={}", text("ex")) };
            writeln!(
                out,
                "  {n} {} ({}) {} {} {content}{ex}{quoted}",
                text("sendID"),
                text("senderNickname"),
                entry["sendTime"],
                entry["contentType"]
            )
            .unwrap();
        }
    }
    out
}

/// Of these the log is kept: all that a format can do to it is in them, and a run takes seconds. What the others make of
/// their fixtures stands in the snapshots of the room.
const IN_THE_LOG: [&str; 10] = [
    "slack",
    "tencent",
    "mattermost",
    "mattermost-compliance",
    "telegram-account",
    "telegram-chat",
    "whatsapp-two",
    "whatsapp-group",
    "whatsapp",
    "openim",
];

#[test]
fn what_stands_in_the_log_of_both_releases() {
    let exports = tempfile::tempdir().unwrap();
    let mut seen: Vec<&str> = Vec::new();
    for case in cases(exports.path()) {
        if seen.contains(&case.name) || !IN_THE_LOG.contains(&case.name) {
            continue;
        }
        seen.push(case.name);
        for release in ["3.8.3", "main"] {
            let dir = tempfile::tempdir().unwrap();
            let server = Rehearsal::start(&["--release", release, "--answer-time", "0s"]);
            run(dir.path(), &[&["init", case.source.to_str().unwrap()], case.words].concat());
            let usual = ["--provision", "--allow", "retention", "--quiet", "--api", &server.url];
            run(dir.path(), &[&["run", "--release", release], &usual[..]].concat());
            insta::assert_snapshot!(format!("{}-on-{release}", case.name), log(&server));
        }
    }
}
