//! The same world as somebody's export writes it: names of columns, order, nesting, constants, flags and decoys.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::besides::Besides;
use crate::decoys;
use crate::dice::Dice;
use crate::world::{Message, World};

/// An export, and what can be known from it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Export {
    /// Paths and what stands there.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Some messages stand there as they were before, too, and have ids.
    pub(crate) has_versions: bool,
    /// Some of it is not for everybody: whatever is done with that, it has to be asked.
    pub(crate) has_internal: bool,
    /// It says which chats are of two people.
    pub(crate) says_kind: bool,
    /// Everything is named plainly: asking would be a nuisance.
    pub(crate) clear: bool,
    /// How it was made, for whoever reads a failure.
    pub(crate) made: String,
}

/// A column: its name, and what each message has in it.
pub(crate) type Column = (String, Box<dyn Fn(&World, &Message) -> String>);

/// What tells chats apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Apart {
    Column,
    File,
    Folder,
    FolderOfDays,
    List,
    Keys,
}

impl Apart {
    fn draw(dice: &mut Dice, of_phone: bool, written: Written) -> Self {
        let apart = match dice.below(100) {
            0..46 => Self::Column,
            46..60 => Self::File,
            60..68 => Self::Folder,
            68..76 => Self::FolderOfDays,
            76..89 => Self::List,
            _ => Self::Keys,
        };
        let has_lists = matches!(apart, Self::List | Self::Keys);
        if of_phone || has_lists && written == Written::Table { Self::Column } else { apart }
    }
}

const SENDER: [&str; 9] =
    ["sender_id", "from_user", "author", "user_id", "from", "sender", "发送者", "Absender", "отправитель"];
const SENDER_NAME: [&str; 7] =
    ["sender_name", "display_name", "author_name", "nick", "user_name", "昵称", "full_name"];
const CHAT: [&str; 13] = [
    "chat_id",
    "conversation",
    "room_id",
    "channel_id",
    "room",
    "channel",
    "chat",
    "conversation_id",
    "group_id",
    "thread_id",
    "会话ID",
    "Kanal",
    "чат",
];
const CHAT_NAME: [&str; 6] =
    ["room_name", "chat_name", "channel_name", "conversation_name", "subject", "群名称"];
const KIND: [&str; 6] =
    ["chat_type", "channel_type", "conversation_type", "room_type", "会话类型", "session_type"];
const RECEIVER: [&str; 6] = ["recipient", "to", "receiver_id", "to_user", "接收者", "Empfänger"];
const TIME: [&str; 10] =
    ["time", "timestamp", "sent_at", "created_at", "date", "send_time", "ts", "at", "时间", "Zeitpunkt"];
const TEXT: [&str; 9] =
    ["text", "body", "content", "message", "message_text", "msg", "内容", "Nachricht", "текст"];
const ID: [&str; 7] = ["id", "message_id", "msg_id", "uuid", "guid", "消息ID", "msgkey"];
const DIRECT: [(&str, &str); 7] = [
    ("dm", "group"),
    ("direct", "channel"),
    ("private", "group"),
    ("私聊", "群聊"),
    ("single", "group"),
    ("1", "3"),
    ("DIRECT", "GROUP"),
];
/// Names that need a second look.
const ODD: [&str; 3] = ["at", "thread_id", "msg"];

pub(crate) fn workspace(world: &World, chat: usize) -> &'static str {
    ["acme", "globex"][world.chats[chat].workspace]
}

impl Export {
    pub(crate) fn of(world: &World, besides: Besides, written: Written, dice: &mut Dice) -> Self {
        let case = dice.below(6);
        let mut plain = true;
        let mut name = |dice: &mut Dice, of: &[&str]| {
            let chosen = *dice.pick(of);
            plain &= !ODD.contains(&chosen);
            cased(chosen, case)
        };
        let has_direct = world.chats.iter().any(|chat| chat.direct);
        let apart = Apart::draw(dice, besides.phone.is_some(), written);
        let nested = matches!(apart, Apart::List | Apart::Keys);
        let mut columns: Vec<Column> = Vec::new();
        let mut say = String::new();
        let zoned = dice.percent(85);
        let format = dice.below(if zoned { 5 } else { 6 });
        let format = if zoned { format } else { 5 };
        columns.push((name(dice, &TIME), Box::new(move |_, m| time(m.time, format))));
        columns.push((name(dice, &TEXT), Box::new(|_, m| m.text.clone())));
        let with_ids = dice.percent(80) || !unique(world);
        let ids = if with_ids { name(dice, &SENDER) } else { cased(dice.pick::<&str>(&SENDER), case) };
        if with_ids {
            columns.push((ids, Box::new(|w, m| w.people[m.writer].id.clone())));
        } else {
            columns.push((ids, Box::new(|w, m| w.people[m.writer].name.clone())));
        }
        if with_ids && dice.percent(45) {
            columns.push((
                cased(dice.pick::<&str>(&SENDER_NAME), case),
                Box::new(|w, m| w.people[m.writer].name.clone()),
            ));
        }
        let has_id = dice.percent(70);
        // Without one nothing says that it is the same message.
        let has_versions = besides.edited.is_some() && has_id;
        if has_id {
            columns.push((cased(dice.pick::<&str>(&ID), case), Box::new(|_, m| m.id.clone())));
        }
        let of_phone = besides.phone.is_some();
        if apart == Apart::Column && (!of_phone || dice.percent(25)) {
            columns.push((name(dice, &CHAT), Box::new(|w, m| w.chats[m.chat].id.clone())));
        }
        if apart == Apart::Column && !of_phone && dice.percent(35) {
            columns.push((
                cased(dice.pick::<&str>(&CHAT_NAME), case),
                Box::new(|w, m| w.chats[m.chat].name.clone()),
            ));
        }
        let mut says_kind = false;
        let has_groups = world.chats.iter().any(|chat| !chat.direct);
        let kind = dice.percent(60) || (of_phone && has_groups && dice.percent(70));
        let words = *dice.pick(&DIRECT);
        if kind && !nested {
            says_kind = true;
            let said = move |w: &World, m: &Message| kind_word(w, m.chat, words);
            columns.push((name(dice, &KIND), Box::new(said)));
        }
        if let Some(names) = besides.phone {
            says_kind |= !has_groups;
            columns.extend(ends(names.into(), case, with_ids));
        }
        let receiver = has_direct && !of_phone && dice.percent(if kind { 75 } else { 35 });
        if receiver {
            says_kind = true;
            let fill_groups = kind && dice.percent(20);
            let receiver = move |w: &World, m: &Message| {
                w.other(m).map_or_else(
                    || if fill_groups { w.chats[m.chat].id.clone() } else { String::new() },
                    |other| if with_ids { w.people[other].id.clone() } else { w.people[other].name.clone() },
                )
            };
            columns.push((name(dice, &RECEIVER), Box::new(receiver)));
        }
        if nested && kind {
            says_kind = true;
        }
        let _infallible = write!(
            say,
            "{apart:?}, case {case}, kind {kind}, receiver {receiver}, ids {with_ids}, {besides:?}"
        );
        for column in besides.columns(format).into_iter().chain(decoys::some(world, dice)) {
            let column = (cased(&column.0, case), column.1);
            // In a document the rooms stand in lists of their workspaces.
            if nested && besides.workspaces.is_some_and(|name| cased(name, case) == column.0) {
                continue;
            }
            if columns.iter().all(|(name, _)| *name != column.0) {
                columns.push(column);
            }
        }
        dice.shuffle(&mut columns);
        let seen = once_each(&mut columns);
        let clear =
            plain && apart == Apart::Column && zoned && (!has_direct || (receiver || of_phone) && kind);
        let mut files =
            write(world, dice, (apart, written), &columns, (kind, words), (besides.workspaces, has_versions));
        let encoded = besides.encoding.filter(|encoding| encode(&mut files, encoding));
        let _infallible = write!(say, ", columns {seen:?}, files {:?}", files.keys().collect::<Vec<_>>());
        let clear = clear && !has_versions && besides.workspaces.is_none() && is_plain(world, encoded);
        let has = |read: bool| world.messages.iter().any(|message| message.read == read);
        let has_internal = besides.internal.is_some() && has(true) && has(false);
        let clear = clear && !has_internal;
        Self { files, has_versions, has_internal, says_kind, clear, made: say }
    }
}

/// As what an export is written, where that is not left to chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Anyhow,
    Table,
    Json,
}

/// The columns of whose phone it is and of who is at the other end.
fn ends([own, other]: [&str; 2], case: usize, with_ids: bool) -> [Column; 2] {
    let who =
        move |w: &World, at: usize| if with_ids { &w.people[at].id } else { &w.people[at].name }.clone();
    let other_end = move |w: &World, m: &Message| {
        let chat = &w.chats[m.chat];
        let other = chat.members.iter().copied().find(|at| *at != whose(w, m));
        if chat.direct { who(w, other.unwrap()) } else { chat.id.clone() }
    };
    [
        (cased(own, case), Box::new(move |w: &World, m: &Message| who(w, whose(w, m)))),
        (cased(other, case), Box::new(other_end)),
    ]
}

/// Whose phone has this message: of two phones the other's the second time.
fn whose(world: &World, message: &Message) -> usize {
    if message.mirrored { world.chats[message.chat].members[1] } else { 0 }
}

/// Writes all files in that encoding, if all of them can be; says whether it is so and changes anything.
fn encode(files: &mut BTreeMap<String, Vec<u8>>, encoding: &'static encoding_rs::Encoding) -> bool {
    let encoded: Option<BTreeMap<String, Vec<u8>>> = files
        .iter()
        .map(|(path, bytes)| {
            let text = std::str::from_utf8(bytes).unwrap();
            if encoding == encoding_rs::UTF_16LE {
                let units = std::iter::once(0xfeff).chain(text.encode_utf16());
                return Some((path.clone(), units.flat_map(u16::to_le_bytes).collect()));
            }
            let (bytes, _, lost) = encoding.encode(text);
            (!lost).then(|| (path.clone(), bytes.into_owned()))
        })
        .collect();
    let Some(encoded) = encoded.filter(|encoded| encoded != files) else { return false };
    *files = encoded;
    true
}

/// Leaves each name once; all that are left.
fn once_each(columns: &mut Vec<Column>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    columns.retain(|(name, _)| {
        let new = !seen.contains(name);
        seen.extend(new.then(|| name.clone()));
        new
    });
    seen
}

/// Whether nothing of it needs somebody who knows the export: another encoding, or messages that stand there twice.
fn is_plain(world: &World, encoded: Option<&encoding_rs::Encoding>) -> bool {
    encoded.is_none_or(|encoding| encoding == encoding_rs::GB18030)
        && world.messages.iter().all(|message| !message.mirrored)
}

/// Nobody shares a name, so that names can stand for people.
fn unique(world: &World) -> bool {
    let mut names: Vec<&str> = world.people.iter().map(|p| p.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).all(|two| two[0] != two[1])
}

fn kind_word(world: &World, chat: usize, words: (&str, &str)) -> String {
    if world.chats[chat].direct { words.0 } else { words.1 }.to_owned()
}

fn write(
    world: &World,
    dice: &mut Dice,
    (apart, written): (Apart, Written),
    columns: &[Column],
    (kind, words): (bool, (&str, &str)),
    (workspaces, has_versions): (Option<&str>, bool),
) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let style = match written {
        Written::Anyhow => dice.below(6),
        Written::Table => dice.below(3),
        Written::Json => dice.between(3, 5),
    };
    let ending = match style {
        0 | 1 => "csv",
        2 => "tsv",
        3 => "jsonl",
        _ => "json",
    };
    let body = |messages: &[&Message]| table(world, columns, messages, style);
    let earlier: Vec<Option<Message>> =
        world.messages.iter().map(|message| message.unedited().filter(|_| has_versions)).collect();
    let both = earlier.iter().zip(&world.messages);
    let all: Vec<&Message> = both.flat_map(|(before, message)| before.iter().chain([message])).collect();
    let of = |chat: usize| -> Vec<&Message> { all.iter().copied().filter(|m| m.chat == chat).collect() };
    let chats: Vec<usize> = (0..world.chats.len()).filter(|chat| !of(*chat).is_empty()).collect();
    match apart {
        Apart::Column if dice.percent(25) => {
            // By the month, or by parts.
            let parts = dice.between(2, 4);
            let dates = dice.percent(50);
            for (n, part) in all.chunks(all.len().div_ceil(parts)).enumerate() {
                let name = if dates { format!("2024-0{}", n + 1) } else { format!("messages_{}", n + 1) };
                files.insert(format!("{name}.{ending}"), body(part));
            }
        }
        Apart::Column => {
            let name = *dice.pick(&["messages", "data", "export", "all", "聊天记录"]);
            files.insert(format!("{name}.{ending}"), body(&all));
        }
        Apart::File => {
            for chat in chats {
                files.insert(format!("{}.{ending}", path(world, chat, workspaces)), body(&of(chat)));
            }
        }
        Apart::Folder => {
            for chat in chats {
                files.insert(format!("{}/messages.{ending}", path(world, chat, workspaces)), body(&of(chat)));
            }
        }
        Apart::FolderOfDays => {
            for chat in chats {
                for (n, part) in of(chat).chunks(5).enumerate() {
                    files.insert(
                        format!("{}/2024-01-{:02}.{ending}", path(world, chat, workspaces), n + 1),
                        body(part),
                    );
                }
            }
        }
        Apart::List | Apart::Keys => {
            let outer = *dice.pick(&["channels", "rooms", "chats", "conversations", "threads"]);
            let inner = *dice.pick(&["messages", "msgs", "items", "history"]);
            let with_id = dice.percent(85);
            let room_of = |chat: &usize| {
                let mut room = String::from("{");
                if with_id {
                    let _infallible = write!(room, "\"id\": {}, ", json(&world.chats[*chat].id));
                }
                if kind {
                    let _infallible = write!(room, "\"type\": {}, ", json(&kind_word(world, *chat, words)));
                }
                let list: Vec<String> = of(*chat).iter().map(|m| object(world, columns, m)).collect();
                let _infallible = write!(room, "\"unread\": 0, \"{inner}\": [{}]}}", list.join(", "));
                room
            };
            let rooms = |chats: &[usize]| {
                let rooms = chats.iter().map(room_of);
                if apart == Apart::List {
                    format!("\"{outer}\": [{}]", rooms.collect::<Vec<_>>().join(", "))
                } else {
                    let keyed = chats.iter().zip(rooms);
                    let keyed = keyed.map(|(chat, room)| format!("{}: {room}", json(&world.chats[*chat].id)));
                    format!("\"{outer}\": {{{}}}", keyed.collect::<Vec<_>>().join(", "))
                }
            };
            let text = if let Some(name) = workspaces {
                let (first, second): (Vec<usize>, Vec<usize>) =
                    chats.iter().partition(|chat| world.chats[**chat].workspace == 0);
                let keyed = dice.percent(40);
                let held = [first, second].map(|chats| {
                    let id = chats.first().map_or("acme", |chat| workspace(world, *chat));
                    let key = if keyed { format!("\"{id}\": ") } else { String::new() };
                    format!("{key}{{\"id\": \"{id}\", {}}}", rooms(&chats))
                });
                let (open, close) = if keyed { ('{', '}') } else { ('[', ']') };
                format!("{{\"{}s\": {open}{}{close}}}", name.trim_end_matches("_id"), held.join(", "))
            } else {
                format!("{{\"count\": {}, {}}}", all.len(), rooms(&chats))
            };
            files.insert("dump.json".to_owned(), text.into_bytes());
        }
    }
    if dice.percent(10) && written == Written::Anyhow {
        files.insert("README.md".to_owned(), b"Export of our chats.\nAsk the office for more.\n".to_vec());
    }
    files
}

/// Where a chat's file or folder lies.
fn path(world: &World, chat: usize, workspaces: Option<&str>) -> String {
    let name = file_name(world, chat);
    if workspaces.is_some() { format!("{}/{name}", workspace(world, chat)) } else { name }
}

/// A chat as a file or folder may be called.
fn file_name(world: &World, chat: usize) -> String {
    let chat = &world.chats[chat];
    let name = if chat.direct { &chat.id } else { &chat.name };
    name.replace(['/', ':', '\n'], "-")
}

fn table(world: &World, columns: &[Column], messages: &[&Message], style: usize) -> Vec<u8> {
    let objects = || messages.iter().map(|m| object(world, columns, m));
    match style {
        3 => objects().map(|line| line + "\n").collect::<String>().into_bytes(),
        4 => format!("[{}]", objects().collect::<Vec<_>>().join(",\n ")).into_bytes(),
        5 => format!("{{\"messages\": [{}]}}", objects().collect::<Vec<_>>().join(", ")).into_bytes(),
        _ => {
            let between = if style == 2 {
                b'\t'
            } else if messages.len().is_multiple_of(2) {
                b','
            } else {
                b';'
            };
            let mut writer = csv::WriterBuilder::new().delimiter(between).from_writer(Vec::new());
            writer.write_record(columns.iter().map(|(name, _)| name)).unwrap();
            for message in messages {
                writer.write_record(columns.iter().map(|(_, value)| value(world, message))).unwrap();
            }
            writer.into_inner().unwrap()
        }
    }
}

fn object(world: &World, columns: &[Column], message: &Message) -> String {
    let members: Vec<String> = columns
        .iter()
        .map(|(name, value)| {
            let value = value(world, message);
            let bare = matches!(value.as_str(), "true" | "false")
                || (value.len() < 16 && !value.starts_with('0') && value.parse::<u64>().is_ok());
            format!("{}: {}", json(name), if bare { value } else { json(&value) })
        })
        .collect();
    format!("{{{}}}", members.join(", "))
}

pub(crate) fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// `sent_at` as this export would write it.
fn cased(name: &str, case: usize) -> String {
    if !name.is_ascii() {
        return name.to_owned();
    }
    let words: Vec<&str> = name.split('_').collect();
    let title = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    match case {
        0 | 1 => name.to_owned(),
        2 => words.concat(),
        3 => words.iter().map(|w| title(w)).collect::<Vec<_>>().join(" "),
        4 => words.iter().map(|w| title(w)).collect::<String>(),
        _ => words[0].to_owned() + &words[1..].iter().map(|w| title(w)).collect::<String>(),
    }
}

pub(crate) fn time(seconds: i64, format: usize) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap();
    match format {
        0 => seconds.to_string(),
        1 => (seconds * 1000).to_string(),
        2 => at.to_string(),
        3 => at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        4 => format!("{seconds}000000"),
        _ => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    }
}
