//! Rocket.Chat: the collections of its database as JSON or BSON, and the folders of its CSV importer.
//!
//! | in the export | becomes |
//! |---|---|
//! | room of type `d` with two `uids`, or a `rid` of both users' ids side by side · others | single chat · group |
//! | `msg` | 101, or 106 with `mentions` |
//! | `file`, `files` | 102, 104 or 105, which open with a token |
//! | words of `attachments` | words of the message |
//! | `tmid` | quote of the message that began the thread |
//! | `reactions`, `editedAt` | `ex` |
//! | `t` | left out (`system-row`; `rm`: `recalled`, or by `[policy]`) |
//! | `rocketchat_room`, `users` | names and members |
//! | CSV: `channel/messages.csv` · `directmessages/*.csv` | group · single chat |
//! | CSV: `users.csv`, `channels.csv` | names, owners and members |
//!
//! Traps: dumps are lines, lists or objects one after the other, printed over many lines · `ts` is an object, in three
//! spellings · a direct room has no name, and its id need not be both users' ids · the CSV has no header, and no ids of
//! messages.
//!
//! Learnt from RocketChat/Rocket.Chat (`CsvImporter`, its e2e fixtures) and verdigado/rocketchat2matrix.

mod csv;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

pub(super) use self::csv::{RocketChatCsv, is_csv};
use super::codes::{self, reason};
use super::compose::{Mentions, Part, Reaction, Reply, refuse};
use super::media::{Kind, Link, Medium, Reach};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, last, lines_or_json};
use super::recognise::Begins;
use crate::export::{ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Relation, Role};
use crate::message::Peer;

/// The collections.
#[derive(Default)]
pub(super) struct RocketChat {
    /// Rooms of a list of rooms: who the two are that talk there (one, with himself); `None` where many may.
    direct: OnceLock<HashMap<String, Option<Vec<String>>>>,
}

/// Whether a file begins as one of the collections does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    let messages = ["rid", "msg", "ts"].iter().all(|key| begins.has(&[key]));
    begins.is_json() && messages && begins.has(&["u"])
        || begins.is_bson() && begins.name.starts_with("rocketchat_message")
}

impl Ordinary for RocketChat {
    const ENDINGS: &'static str = "rocketchat_message.json or .bson, with its neighbours";

    fn belongs(&self, inside: &str) -> bool {
        let name = last(inside);
        !name.contains(".metadata.") && matches!(&*super::ending(name), "json" | "jsonl" | "bson")
    }

    fn cut(&self, inside: &str, head: &[u8]) -> Cut {
        if super::ending(inside) == "bson" { Cut::Bson } else { lines_or_json(head) }
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut direct = HashMap::new();
        for file in found.iter().filter(|file| last(&file.inside).contains("room")) {
            tools.survey(self, file, &mut |text, _| {
                if let Ok(room) = serde_json::from_str::<Node<'_>>(text) {
                    let uids = room.get("uids").list();
                    // A direct room can be of several people as well.
                    let two = (room.str("t") == "d" && uids.len() <= 2)
                        .then(|| uids.iter().map(|uid| uid.text().into_owned()).collect());
                    direct.insert(room.str("_id").into_owned(), two);
                }
            })?;
        }
        // A second reading of the same files finds the same.
        self.direct.get_or_init(|| direct);
        Ok(())
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let (id, room) = (record.str("_id"), record.str("rid"));
        let author = record.get("u");
        if room.is_empty() || matches!(author, Node::Nothing) {
            self.directory(record, &id, sink);
            return sink.left_out(at.place, reason::DIRECTORY_ROW);
        }
        let sender = author.any(&["_id", "username"]).text();
        let peer = match self.other(&room, &sender) {
            Talk::Two(other) => Peer::User(Cow::Owned(other.to_owned())),
            Talk::Many => Peer::Group(room),
            Talk::Outsider => {
                refuse(sink, &codes::OUTSIDER, at.place, &sender);
                return sink.left_out(at.place, reason::OUTSIDER);
            }
        };
        let ts = record.get("ts");
        let text = ts.text();
        let time = ts.int().or_else(|| Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()));
        let kind = record.str("t");
        if !matches!(&*kind, "" | "e2e" | "rm") {
            return sink.left_out(at.place, reason::SYSTEM_ROW);
        }
        if kind == "e2e" {
            return sink.left_out(at.place, reason::UNSUPPORTED_BY_EXPORT);
        }
        let Some(mut draft) = Tools::draft(at, id, sender, peer, time, sink) else { return };
        draft.nickname = author.any(&["name", "username"]).text();
        if kind == "rm" {
            return tools.composer.recalled(draft, "[message deleted]", sink);
        }
        let mentions = record.get("mentions").list();
        draft.mentions = Mentions {
            all: mentions.iter().any(|one| matches!(&*one.str("_id"), "all" | "here")),
            users: mentions
                .iter()
                .map(|one| one.str("_id"))
                .filter(|id| !matches!(&**id, "" | "all" | "here"))
                .collect(),
        };
        draft.reply =
            Some(Reply { target: record.str("tmid"), quoted: None }).filter(|r| !r.target.is_empty());
        let edited = record.get("editedAt");
        let at_text = edited.text();
        draft.extras.edited_at =
            edited.int().or_else(|| Some(at_text.parse::<jiff::Timestamp>().ok()?.as_millisecond()));
        let reactions = record.get("reactions").members().iter();
        draft.extras.reactions = reactions
            .map(|(emoji, who)| {
                let users: Vec<_> = who.get("usernames").list().iter().map(Node::text).collect();
                Reaction { emoji: Cow::Borrowed(emoji.trim_matches(':')), count: users.len() as u64, users }
            })
            .collect();
        let mut words = record.str("msg");
        let attached = record.get("attachments").list().iter();
        let said: Vec<String> = attached
            .flat_map(|one| ["title", "text", "description"].map(|key| one.str(key).into_owned()))
            .filter(|line| !line.is_empty())
            .collect();
        let files = record.get("files").list();
        let file = Some(record.get("file")).filter(|file| files.is_empty() && file.is_object());
        if words.is_empty() && files.is_empty() && file.is_none() {
            words = Cow::Owned(said.join("\n"));
        }
        let mut parts = vec![Part::Text(words)];
        // Behind a picture stands its preview.
        let whole = files.iter().filter(|file| !file.str("name").starts_with("thumb-"));
        parts.extend(whole.chain(file).map(|file| Part::Medium(medium(file))));
        tools.composer.send(draft, parts, sink);
    }
}

/// Whom a message is for.
enum Talk<'a> {
    Two(&'a str),
    Many,
    /// Two talk there, and the writer is none of them: a bot, as a rule.
    Outsider,
}

impl RocketChat {
    /// Whom somebody writes to in a room: as the list of rooms says, or else as a room's id of two users' ids does.
    fn other<'a>(&'a self, room: &'a str, sender: &str) -> Talk<'a> {
        let by_id = || {
            let rest = [room.strip_prefix(sender), room.strip_suffix(sender)];
            let other = rest.into_iter().flatten().find(|other| !other.is_empty() && !sender.is_empty());
            other.map_or(Talk::Many, Talk::Two)
        };
        match self.direct.get().and_then(|direct| direct.get(room)) {
            Some(None) => Talk::Many,
            Some(Some(two)) => match two.as_slice() {
                [one] if one == sender => Talk::Two(one),
                [one, other] if one == sender => Talk::Two(other),
                [other, one] if one == sender => Talk::Two(other),
                [_, ..] if !sender.is_empty() => Talk::Outsider,
                _ => by_id(),
            },
            None => by_id(),
        }
    }

    /// A room or a user.
    fn directory(&self, row: &Node<'_>, id: &str, sink: &mut dyn Sink) {
        let name = row.any(&["fname", "name", "username"]).text();
        if row.get("t").is_empty() {
            if !row.get("username").is_empty() {
                sink.person(Person::new(PersonKind::User, id, &row.any(&["name", "username"]).text(), ""));
                let email =
                    row.get("emails").list().first().map_or(Cow::Borrowed(""), |one| one.str("address"));
                if !email.is_empty() && !matches!(row.get("active"), Node::Flag(false)) {
                    sink.relation(Relation::Email { user: Cow::Borrowed(id), email });
                }
            }
        } else if !self.direct.get().is_some_and(|direct| matches!(direct.get(id), Some(Some(_)))) {
            sink.person(Person::new(PersonKind::Group, id, &name, ""));
            let owner = row.at(&["u", "_id"]).text();
            for user in row.get("uids").list().iter().map(Node::text) {
                let role = if user == owner { Role::Owner } else { Role::Member };
                sink.relation(Relation::Member { group: Cow::Borrowed(id), user, role });
            }
        }
    }
}

/// A file in Rocket.Chat's store.
fn medium<'a>(file: &'a Node<'_>) -> Medium<'a> {
    let (id, name) = (file.str("_id"), file.str("name"));
    let url = format!("/file-upload/{id}/{name}");
    Medium {
        kind: Kind::of(&file.str("type"), &name),
        key: id.clone(),
        path: Cow::Owned(format!("file-upload/{id}/{name}")),
        link: Some(Link { url: Cow::Owned(url), reach: Reach::Secret }),
        mime: file.str("type"),
        size: file.get("size").size(),
        name,
        ..Medium::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder};
    use super::super::{Format, Settings};

    #[test]
    fn a_direct_room_is_a_chat_of_two_whatever_it_is_called() {
        let rooms = r#"{"_id":"k9","t":"d","uids":["ann","bob"]}
{"_id":"self","t":"d","uids":["ann"]}
{"_id":"three","t":"d","uids":["ann","bob","cem"]}"#;
        let said = |room: &str, who: &str, at: u32| {
            format!(
                r#"{{"_id":"{room}{at}","rid":"{room}","msg":"hi","ts":{{"$date":170000000000{at}}},"u":{{"_id":"{who}"}}}}"#
            )
        };
        let all = [
            said("k9", "ann", 1),
            said("k9", "bob", 2),
            said("k9", "rocket.cat", 3),
            said("self", "ann", 4),
            said("three", "cem", 5),
        ];
        let files = [("rocketchat_room.json", rooms), ("rocketchat_message.json", &all.join("\n"))];
        let got = folder(Format::RocketChat, &Settings::default(), &files);
        let to: Vec<&str> = got.messages.iter().filter_map(|one| one.split_whitespace().nth(1)).collect();
        assert_eq!(to, ["ann->@bob", "bob->@ann", "ann->@ann", "cem->#three"]);
        assert_eq!(got.findings, ["3 outsider-in-direct rocket.cat"]);
    }

    #[test]
    fn collections() {
        insta::assert_snapshot!(fixture(Format::RocketChat, &Settings::default(), "rocketchat/dump").text());
    }

    #[test]
    fn folders_of_tables() {
        insta::assert_snapshot!(
            fixture(Format::RocketChatCsv, &Settings::default(), "rocketchat/csv").text()
        );
    }
}
