//! Which format an export has, told by the names of its files and by how they begin.

mod own;

pub use own::tables_and_json;

use serde_json::Value;

use super::{
    Format, chatlab, discord, easemob, feishu, gchat, matrix, netease, openim, qq, rocketchat, rongcloud,
    slack, wechat, wecom, whatsapp, zulip,
};
use crate::export::cut::Cutter;
use crate::export::{ExportError, Found, Input, Layout, Lying, Origin, discover, is_mongo_archive, lying};
use crate::message::SourceNo;

/// Tells the format of the sources, and by which file; `None` for what no format is, and for standard input,
/// which can be looked at only once.
///
/// # Errors
/// Sources that don't exist or can't be read.
pub fn recognise(sources: &[String]) -> Result<Option<(Format, String)>, ExportError> {
    let found = match discover(sources, &Anything) {
        // Who reads the sources will say so, in the words of the format.
        Err(ExportError::NoExports { .. } | ExportError::NothingInMatches { .. }) => return Ok(None),
        found => found?,
    };
    // A day without messages is an empty list, which tells nothing: the lists beside the folders do.
    let lists = found.iter().any(|f| last(&f.inside) == "channels.json");
    for day in found.iter().filter(|f| slack::is_day(super::unpacked(last(&f.inside)))).take(MOST) {
        if lists || is_slack_day(&head(day)?) {
            return Ok(Some((Format::Slack, day.path.clone())));
        }
    }
    for file in candidates(&found) {
        if let Some(format) = by_content(last(&file.inside), &head(file)?) {
            return Ok(Some((format, file.path.clone())));
        }
    }
    Ok(None)
}

/// Files and folders that hold one format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// `None`: files of somebody's own.
    pub format: Option<Format>,
    /// They.
    pub paths: Vec<String>,
}

/// What lies side by side in the folders that were named, or was named itself: one for each format. Fewer than two: there
/// is nothing to take apart.
///
/// # Errors
/// As [`recognise`].
pub fn recognise_apart(sources: &[String]) -> Result<Vec<Apart>, ExportError> {
    let (mut apart, mut own) = (Vec::new(), Vec::new());
    for source in sources {
        for Apart { format, paths } in within(source)? {
            if format.is_some() {
                add(&mut apart, format, paths);
            } else {
                own.extend(paths);
            }
        }
    }
    // Without any that is known: see `tables_and_json`.
    if !apart.is_empty() {
        apart.extend(own::grouped(own)?);
    }
    Ok(if apart.len() < 2 { Vec::new() } else { apart })
}

/// Puts paths to those of their format.
fn add(apart: &mut Vec<Apart>, format: Option<Format>, paths: Vec<String>) {
    match apart.iter_mut().find(|known| known.format == format) {
        Some(known) => known.paths.extend(paths),
        None => apart.push(Apart { format, paths }),
    }
}

/// The formats in a source; itself, where there is no more than one.
fn within(source: &str) -> Result<Vec<Apart>, ExportError> {
    let whole = |format| vec![Apart { format, paths: vec![source.to_owned()] }];
    let of = |path: &str| recognise(&[path.to_owned()]).map(|found| found.map(|(format, _)| format));
    let Some(all) = inside(source)? else { return Ok(whole(of(source)?)) };
    let mut apart: Vec<Apart> = Vec::new();
    let mut nobodys = Vec::new();
    for path in all {
        match of(&path)? {
            None => nobodys.push(path),
            format => add(&mut apart, format, vec![path]),
        }
    }
    // Lists of users and channels are of the format that reads them; what else could be read is somebody's own.
    let mut own = Vec::new();
    for path in nobodys {
        let name = last(&path);
        let of_it = |format| has_list(format, name) || (format == Format::Slack && own::has_days(&path));
        match apart.iter_mut().find(|known| known.format.is_some_and(of_it)) {
            Some(known) => known.paths.push(path),
            None if own::could_be(&path)? => own.push(path),
            None => {}
        }
    }
    if apart.is_empty() || apart.len() + own.len() < 2 {
        return Ok(whole(of(source)?));
    }
    if !own.is_empty() {
        apart.push(Apart { format: None, paths: own });
    }
    Ok(apart)
}

/// What is in a folder: files that could be read, and folders; `None`: it is no folder.
fn inside(source: &str) -> Result<Option<Vec<String>>, ExportError> {
    let all = if source == "-" { None } else { lying(source)? };
    let is_read = |one: &Lying| {
        let name = last(&one.path);
        let hidden = name.starts_with('.') || name.starts_with("__");
        let is_dump = || !hidden && is_mongo_archive(std::path::Path::new(&one.path));
        if one.is_folder { !hidden } else { could_be_read(name) || is_dump() }
    };
    Ok(all.map(|all| all.into_iter().filter(is_read).map(|one| one.path).collect()))
}

fn could_be_read(name: &str) -> bool {
    name.contains('.') && (Anything.belongs(name) || super::ending(name) == "zip")
}

/// Whether a file of that name is a list which exports of the format have beside their messages.
fn has_list(format: Format, name: &str) -> bool {
    match format {
        Format::Slack => slack::is_list(name),
        Format::RocketChatCsv => matches!(name, "users.csv" | "channels.csv"),
        Format::OpenIm | Format::RocketChat => matches!(&*super::ending(name), "json" | "jsonl" | "bson"),
        Format::Feishu => super::ending(name) == "json",
        _ => false,
    }
}

/// Files of somebody's own: tables and lines that a mapping can be made for.
fn is_plain(name: &str) -> bool {
    matches!(&*super::ending(name), "csv" | "tsv" | "json" | "jsonl" | "ndjson")
}

/// As many of a kind are looked into.
const MOST: usize = 8;

/// Files that are looked into: those that are called as exports are, then the first few others.
fn candidates(found: &[Found]) -> Vec<&Found> {
    let called = |f: &&Found| {
        let name = last(&f.inside).to_ascii_lowercase();
        [
            "result.json",
            "_chat.txt",
            "posts.csv",
            "import.jsonl",
            "msg.json",
            "msg.bson",
            "messages.json",
            "realm.json",
            "rocketchat_message.json",
            "rocketchat_message.bson",
        ]
        .contains(&name.as_str())
            || name.starts_with("whatsapp")
    };
    let files = || found.iter().filter(|f| f.origin != Origin::Stdin && f.bytes > 0);
    let named = files().filter(called).take(MOST);
    named.chain(files().filter(|f| !called(f)).take(MOST)).collect()
}

/// How a file begins.
pub(super) struct Begins<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its text, without what blanks stand in front.
    pub(super) text: &'a str,
}

impl Begins<'_> {
    /// Whether one of these keys is in it.
    pub(super) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.text.contains(&format!("\"{key}\"")))
    }

    /// Whether it begins as JSON does.
    pub(super) fn is_json(&self) -> bool {
        self.text.starts_with(['{', '['])
    }

    /// Whether it is a dump of documents.
    pub(super) fn is_bson(&self) -> bool {
        super::ending(self.name) == "bson" && self.text.chars().take(12).collect::<String>().contains("_id\0")
    }

    /// Whether its first row has all these columns.
    pub(super) fn is_csv(&self, columns: &[&str]) -> bool {
        let first = self.text.lines().next().unwrap_or_default().to_ascii_lowercase();
        let cells: Vec<&str> =
            first.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"')).collect();
        columns.iter().all(|column| cells.contains(&column.to_ascii_lowercase().as_str()))
    }
}

/// Whether a file is one of a format, by how it begins.
type Is = fn(&Begins<'_>) -> bool;

/// Formats of ordinary shape, each with how it knows its own.
const ORDINARY: &[(Format, Is)] = &[
    (Format::OpenIm, openim::is),
    (Format::Easemob, easemob::is),
    (Format::RongCloud, rongcloud::is),
    (Format::NetEase, netease::is),
    (Format::WeCom, wecom::is),
    (Format::Discord, discord::is),
    (Format::DiscordCsv, discord::is_csv),
    (Format::WeChat, wechat::is),
    (Format::WeChatCsv, wechat::is_csv),
    (Format::ChatLab, chatlab::is),
    (Format::Qq, qq::is),
    (Format::QqText, qq::is_text),
    (Format::Feishu, feishu::is),
    (Format::Matrix, matrix::is),
    (Format::GoogleChat, gchat::is),
    (Format::RocketChat, rocketchat::is),
    (Format::RocketChatCsv, rocketchat::is_csv),
    (Format::Zulip, zulip::is),
];

/// The format of a file, by how it begins.
pub(super) fn by_content(name: &str, head: &str) -> Option<Format> {
    let text = head.trim_start_matches('\u{feff}').trim_start();
    // Its lines can begin with a bracket, as lists do.
    if matches!(&*super::ending(name), "txt" | "") && whatsapp::is_export(text) {
        return Some(Format::WhatsApp);
    }
    let begins = Begins { name, text };
    if let Some((format, _)) = ORDINARY.iter().find(|(_, is)| is(&begins)) {
        return Some(*format);
    }
    let has = |words: &[&str]| words.iter().any(|word| text.contains(&format!("\"{word}\"")));
    if text.starts_with(['{', '[']) {
        let from = has(&["From_Account", "fromAccount", "from_account"]);
        if from && has(&["MsgBody", "msgBody", "msg_body"]) {
            return Some(Format::Tencent);
        }
        if is_bulk(text) {
            return Some(Format::Mattermost);
        }
        let chats = [
            "personal_chat",
            "bot_chat",
            "saved_messages",
            "private_group",
            "private_supergroup",
            "public_supergroup",
            "private_channel",
            "public_channel",
            "date_unixtime",
            "personal_information",
        ];
        if text.starts_with('{') && has(&chats) && has(&["messages", "chats", "personal_information"]) {
            return Some(Format::Telegram);
        }
        return (is_slack_day(text) || slack::is_dump(text)).then_some(Format::Slack);
    }
    let first = text.lines().next().unwrap_or_default();
    if ["Post Creation Time", "Post Id", "Post Type"].iter().all(|column| first.contains(column)) {
        return Some(Format::MattermostCompliance);
    }
    None
}

/// Lines of objects that hold what their type says.
fn is_bulk(text: &str) -> bool {
    text.lines().take(3).any(|line| {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
        match line.get("type").and_then(Value::as_str) {
            Some("version") => line.get("version").is_some(),
            Some(
                kind @ ("team" | "channel" | "user" | "post" | "direct_channel" | "direct_post" | "role"
                | "scheme"),
            ) => line.get(kind).is_some_and(Value::is_object),
            _ => false,
        }
    })
}

/// A list of messages with a time as Slack writes it.
fn is_slack_day(text: &str) -> bool {
    let time = text.split("\"ts\"").nth(1).map(|rest| rest.trim_start_matches([' ', ':', '"']));
    let digits = time.map(|t| t.chars().take_while(char::is_ascii_digit).count());
    // A `ts` beside words in `message` is anybody's.
    let typed = text
        .split("\"type\"")
        .skip(1)
        .any(|rest| rest.trim_start_matches([' ', '\t', '\n', '\r', ':']).starts_with("\"message\""));
    text.trim_start().starts_with('[') && typed && digits == Some(10)
}

/// How a file begins; nothing of what can be read only once.
pub(super) fn head(file: &Found) -> Result<String, ExportError> {
    // What can be read once is not looked at.
    if file.origin == Origin::Stdin {
        return Ok(String::new());
    }
    let input = Input::open(file, SourceNo(0), None)?;
    Ok(String::from_utf8_lossy(input.head()).into_owned())
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// All files that could belong to some format.
struct Anything;

impl Layout for Anything {
    fn belongs(&self, inside: &str) -> bool {
        let hidden = inside.split('/').any(|part| part.starts_with('.') || part.starts_with("__"));
        let name = last(inside);
        let known = matches!(
            &*super::ending(name),
            "json" | "jsonl" | "ndjson" | "csv" | "tsv" | "txt" | "log" | "bson" | ""
        );
        !hidden && (known || super::unpacked(name).len() < name.len())
    }

    fn endings(&self) -> String {
        ".json, .jsonl, .csv or .txt".to_owned()
    }

    fn cutter(&self, _: &mut Input, _: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        unreachable!("what is only looked for is never cut")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_side_by_side_are_taken_apart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        let day = r#"[{"type":"message","user":"U1","text":"x","ts":"1433866202.000002"}]"#;
        let said = |names: &[&str]| {
            let sources: Vec<String> =
                names.iter().map(|n| folder.path().join(n).to_string_lossy().into_owned()).collect();
            let apart = recognise_apart(&sources).unwrap();
            let root = format!("{}/", folder.path().display());
            let one = |one: &Apart| {
                let paths: Vec<String> = one.paths.iter().map(|path| path.replace(&root, "")).collect();
                format!("{} {}", one.format.map_or("own", Format::name), paths.join(" "))
            };
            apart.iter().map(one).collect::<Vec<_>>()
        };
        write("one/slack/general/2015-06-09.json", day);
        write("one/slack/channels.json", "[]");
        assert_eq!(said(&["one"]), Vec::<String>::new());
        write("one/chats/WhatsApp Chat with Ann.txt", "12/31/24, 11:59 PM - Ann: hi\n");
        write("one/photos/cat.jpg", "x");
        assert_eq!(said(&["one"]), ["whatsapp one/chats", "slack one/slack"]);
        assert_eq!(said(&["one/slack", "one/chats"]), ["slack one/slack", "whatsapp one/chats"]);
        // What `mongodump` wrote, whatever it is called.
        let dump = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/openim/archive/backup.gz");
        fs_err::create_dir_all(folder.path().join("dumps")).unwrap();
        fs_err::copy(dump, folder.path().join("dumps/nightly")).unwrap();
        write("dumps/_chat.txt", "12/31/24, 11:59 PM - Ann: hi\n");
        assert_eq!(said(&["dumps"]), ["whatsapp dumps/_chat.txt", "openim dumps/nightly"]);
        // A workspace at the top, with something of another kind in it, and a table of one's own.
        write("two/channels.json", r#"[{"id":"C1","name":"general"}]"#);
        write("two/general/2015-06-09.json", day);
        write("two/random/2015-06-09.json", day);
        write("two/_chat.txt", "12/31/24, 11:59 PM - Ann: hi\n");
        write("two/crm.csv", "who,when,what\nann,2024-01-01,x\n");
        write("two/readme.md", "x");
        assert_eq!(
            said(&["two"]),
            ["whatsapp two/_chat.txt", "slack two/general two/random two/channels.json", "own two/crm.csv"]
        );
        // Folders of one's own: those with the same columns together, others apart, and none without tables.
        write("three/_chat.txt", "12/31/24, 11:59 PM - Ann: hi\n");
        write("three/alpha/1.csv", "who,when,what\nann,2024-01-01,x\n");
        write("three/beta/1.csv", "who,when,what\nbo,2024-01-01,x\n");
        write("three/desk/deep/1.json", r#"[{"by":"ann","on":1700000000,"words":"x"}]"#);
        write("three/photos/cat.jpg", "x");
        // A channel in which nobody wrote for long is one of Slack's all the same.
        write("two/quiet/2015-06-09.json", "[]");
        write("two/quiet/2015-06-10.json", r#"[{"user":"U1","text":"x","ts":"1433866202.000002"}]"#);
        let slack = "slack two/general two/random two/channels.json two/quiet";
        assert_eq!(said(&["two"]), ["whatsapp two/_chat.txt", slack, "own two/crm.csv"]);
        assert_eq!(
            said(&["three"]),
            ["whatsapp three/_chat.txt", "own three/alpha three/beta", "own three/desk"]
        );
        assert_eq!(said(&["three/alpha", "three/desk"]), Vec::<String>::new());
    }

    #[test]
    fn each_format_is_known_by_how_it_begins() {
        let cases = [
            (
                r#"{"MsgList":[{"From_Account":"a","To_Account":"b","MsgBody":[]}]}"#,
                "2024010112.gz",
                Some(Format::Tencent),
            ),
            (r#"{"fromAccount":"a","msgBody":"[]"}"#, "dump.json", Some(Format::Tencent)),
            ("{\"type\":\"version\",\"version\":1}\n", "export.jsonl", Some(Format::Mattermost)),
            (r#"{"type":"post","post":{"team":"t"}}"#, "x.jsonl", Some(Format::Mattermost)),
            (
                r#"{"name":"A","type":"personal_chat","id":5,"messages":["#,
                "result.json",
                Some(Format::Telegram),
            ),
            (
                r#"{"about":"x","personal_information":{},"chats":{"list":["#,
                "result.json",
                Some(Format::Telegram),
            ),
            (
                r#"[{"type":"message","user":"U1","text":"x","ts":"1433866202.000002"}]"#,
                "2015-06-09.json",
                Some(Format::Slack),
            ),
            (
                r#"{"name":"general","channel_id":"C1","messages":[{"type":"message","ts":"1672570000.000100"}]}"#,
                "C1.json",
                Some(Format::Slack),
            ),
            (
                "\u{feff}Post Creation Time,Team Id,Post Id,Post Type\n",
                "posts.csv",
                Some(Format::MattermostCompliance),
            ),
            ("[31/12/24, 23:59:59] Ann: hi\n", "_chat.txt", Some(Format::WhatsApp)),
            ("12/31/24, 11:59 PM - Ann: hi\n", "a.txt", Some(Format::WhatsApp)),
            // Our own format, and what is none of these.
            (r#"{"sendID":"a","recvID":"b","sendTime":1,"text":"From_Account"}"#, "x.jsonl", None),
            ("sendID,recvID,sendTime,text\na,b,1,x\n", "x.csv", None),
            (r#"[{"id":1,"ts":"1433866202.000002"}]"#, "x.json", None),
            (r#"{"type":"message","message":{}}"#, "x.jsonl", None),
            ("12/31/24, 11:59 PM - Ann: hi\n", "a.csv", None),
            ("", "a.txt", None),
            ("just words\n", "a.txt", None),
        ];
        for (head, name, expected) in cases {
            assert_eq!(by_content(name, head), expected, "{name}: {head}");
        }
    }
}
