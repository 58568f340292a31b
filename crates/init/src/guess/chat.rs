//! Between whom: the receiver, the group, and how single chats and groups are told apart.

use super::{Guess, different, examples, plain, quoted, roles::Roles};
use crate::mapping::Key;
use crate::table::{Table, cell};
use crate::values::Column;

/// What may stand between the two ids of a pair.
const BETWEEN: [&str; 8] = ["__", "_", "-", ":", "|", ",", "@", " "];

pub(super) fn conversation(table: &Table, roles: &Roles, guess: &mut Guess) {
    let columns = &table.columns;
    let kinds = roles.kind.and_then(|kind| Kinds::of(&columns[kind]));
    let group = roles.group.or(roles.conversation);
    match (roles.kind, kinds) {
        (Some(kind), Some(kinds)) => by_kind(table, roles, kind, &kinds, guess),
        _ => match (group, roles.receiver) {
            (Some(group), Some(receiver)) => {
                let column = &columns[group];
                guess.field(
                    Key::GroupId,
                    plain(column),
                    format!("where there is one, a group's message: {}", examples(column)),
                );
                let column = &columns[receiver];
                guess.field(
                    Key::RecvId,
                    plain(column),
                    format!("elsewhere, the other of two: {}", examples(column)),
                );
            }
            (None, Some(receiver)) => {
                let column = &columns[receiver];
                let note = format!("all are chats of two: {}; no column tells of groups", examples(column));
                guess.field(Key::RecvId, plain(column), note);
                if let Some(mark) = group_mark(column) {
                    guess.notes.push(format!(
                        "`{}` has values with `{mark}`, which are groups as a rule: give `sessionType` a rule, or \
                         write a jq program",
                        column.name
                    ));
                }
            }
            (Some(group), None) => {
                if let Some(between) = roles.sender.and_then(|sender| pair(table, group, sender, &|_| true)) {
                    let rule =
                        format!("{{ column = {}, pair = {} }}", plain(&columns[group]), quoted(between));
                    guess.field(
                        Key::RecvId,
                        rule,
                        format!("both ends of a chat of two: {}", examples(&columns[group])),
                    );
                } else {
                    groups(&columns[group], roles.group.is_none(), guess);
                }
            }
            (None, None) => by_file(table, guess),
        },
    }
}

/// A column says what each chat is.
fn by_kind(table: &Table, roles: &Roles, kind: usize, kinds: &Kinds, guess: &mut Guess) {
    let columns = &table.columns;
    let name = plain(&columns[kind]);
    if !kinds.direct.is_empty() {
        let singles: Vec<String> =
            kinds.direct.iter().map(|value| format!("{} = 1", quoted(value))).collect();
        let rule = if kinds.groups.is_empty() && kinds.unknown.is_empty() {
            "{ constant = 1 }".to_owned()
        } else {
            format!("{{ column = {name}, table = {{ {} }}, default = 3 }}", singles.join(", "))
        };
        let mut note = format!("chats of two: {}; groups: {}", list(&kinds.direct), list(&kinds.groups));
        if !kinds.unknown.is_empty() {
            note = format!("{note}; taken for groups as well: {}", list(&kinds.unknown));
        }
        guess.field(Key::SessionType, rule, note);
    }
    let all_direct = kinds.groups.is_empty() && kinds.unknown.is_empty();
    match (roles.group, roles.receiver, roles.conversation) {
        _ if all_direct => {}
        (Some(group), ..) | (None, None, Some(group)) => {
            groups(&columns[group], roles.group.is_none(), guess);
        }
        (None, Some(receiver), _) => {
            // The receiver of a group's message is the group.
            let note = format!("the group, where it is a group's message: {}", examples(&columns[receiver]));
            if kinds.direct.is_empty() {
                guess.field(Key::GroupId, plain(&columns[receiver]), note);
                return;
            }
        }
        (None, None, None) => by_file(table, guess),
    }
    if kinds.direct.is_empty() {
        return;
    }
    let system = super::kinds::system_values(table, roles);
    let direct = |row: &[String]| {
        let by_app = roles.message_type.is_some_and(|at| system.iter().any(|value| value == cell(row, at)));
        !by_app && kinds.direct.iter().any(|value| value == cell(row, kind))
    };
    let pairs =
        [roles.conversation, roles.group, roles.receiver].into_iter().flatten().chain(0..columns.len());
    let pair = roles.sender.and_then(|sender| {
        pairs.filter(|at| *at != sender).find_map(|at| Some((at, pair(table, at, sender, &direct)?)))
    });
    match (pair, roles.receiver) {
        (Some((at, between)), _) => {
            let rule = format!("{{ column = {}, pair = {} }}", plain(&columns[at]), quoted(between));
            guess.field(
                Key::RecvId,
                rule,
                format!("both ends of a chat of two, with `{between}` between them"),
            );
        }
        (None, Some(receiver)) => {
            guess.field(Key::RecvId, plain(&columns[receiver]), examples(&columns[receiver]));
        }
        (None, None) => {
            let note =
                "no column tells the other end of a chat of two. If the chat's id is made of both, write \
                        { column = …, pair = \"…\" } with what stands between them"
                    .to_owned();
            guess.open(Key::RecvId, note, Vec::new());
        }
    }
}

fn groups(column: &Column, names: bool, guess: &mut Guess) {
    let mut note = format!("{}: {}", different(column, "conversation"), examples(column));
    if names {
        note.push_str("; names stand for ids");
    }
    guess.field(Key::GroupId, plain(column), note);
}

/// Nothing in the records: each file, or what encloses them, is a conversation.
fn by_file(table: &Table, guess: &mut Guess) {
    let enclosing =
        table.inherited.iter().filter(|column| !column.name.starts_with('@') && column.filled > 0);
    let id = |column: &&Column| {
        let last = column.name.rsplit('.').next().unwrap_or_default().to_lowercase();
        matches!(
            last.as_str(),
            "id" | "_id" | "channel_id" | "room_id" | "group_id" | "conversation_id" | "chat_id"
        )
    };
    let name = |column: &&Column| column.name.to_lowercase().ends_with("name");
    let found = enclosing.clone().find(id).or_else(|| enclosing.clone().find(name));
    if let Some(column) = found {
        let note = format!("of what encloses the records: {}; taken for groups", examples(column));
        guess.field(Key::GroupId, format!("{{ inherited = {} }}", quoted(&column.name)), note);
        return;
    }
    let stems = table.inherited.iter().find(|column| column.name == "@stem");
    let shown = stems.map(examples).unwrap_or_default();
    let note =
        format!("no column names the conversation: each file is taken for a group of its name: {shown}");
    guess.field(Key::GroupId, "{ inherited = \"@stem\" }".to_owned(), note);
}

/// What stands between the two ends in nearly all values, one of which is the sender.
fn pair(table: &Table, at: usize, sender: usize, only: &dyn Fn(&[String]) -> bool) -> Option<&'static str> {
    let rows: Vec<(&str, &str)> = table
        .sample
        .iter()
        .filter(|row| only(row))
        .map(|row| (cell(row, at), cell(row, sender)))
        .filter(|(both, sender)| !both.is_empty() && !sender.is_empty())
        .collect();
    BETWEEN.into_iter().find(|between| {
        let holds = |(both, sender): &&(&str, &str)| {
            let rest = both.strip_prefix(sender).and_then(|rest| rest.strip_prefix(between));
            let other = rest.or_else(|| both.strip_suffix(sender)?.strip_suffix(between));
            other.is_some_and(|other| !other.is_empty())
        };
        !rows.is_empty() && rows.iter().filter(holds).count() * 20 >= rows.len() * 19
    })
}

/// What the ids of groups have in the exports we know.
fn group_mark(column: &Column) -> Option<&'static str> {
    ["@chatroom", "@TGS#", "@thread", "sg_"]
        .into_iter()
        .find(|mark| column.examples.iter().any(|e| e.contains(mark)))
}

/// The values of the column that says what a chat is.
struct Kinds {
    direct: Vec<String>,
    groups: Vec<String>,
    unknown: Vec<String>,
}

impl Kinds {
    /// `None`: it says nothing about that.
    fn of(column: &Column) -> Option<Self> {
        let mut kinds = Self { direct: Vec::new(), groups: Vec::new(), unknown: Vec::new() };
        let few = column.few.as_ref()?;
        // `private` is a group where there are direct chats as well (Mattermost), else it is a chat of two.
        let private = if few.keys().any(|value| kind_of(value) == Some(1)) { 3 } else { 1 };
        for value in few.keys() {
            match kind_of(value).or_else(|| (value.to_lowercase() == "private").then_some(private)) {
                Some(1) => kinds.direct.push(value.clone()),
                Some(_) => kinds.groups.push(value.clone()),
                None => kinds.unknown.push(value.clone()),
            }
        }
        (!kinds.direct.is_empty() || !kinds.groups.is_empty()).then_some(kinds)
    }
}

fn kind_of(value: &str) -> Option<u8> {
    match value.to_lowercase().as_str() {
        "direct" | "dm" | "d" | "im" | "single" | "p2p" | "c2c" | "person" | "personal" | "personal_chat"
        | "private_chat" | "user" | "one" | "1-1" | "1:1" | "1" | "chat" | "单聊" | "私聊" | "單聊"
        | "個人" | "个人" => Some(1),
        "group" | "public" | "channel" | "room" | "team" | "g" | "c" | "o" | "p" | "mpim" | "multi"
        | "groupchat" | "3" | "2" | "private_group" | "supergroup" | "public_supergroup"
        | "private_supergroup" | "chatroom" | "super_team" | "stream" | "群聊" | "群" | "群组" | "群組" => {
            Some(3)
        }
        _ => None,
    }
}

fn list(values: &[String]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}
