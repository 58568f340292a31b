//! Zulip: the export of an organisation, `realm.json` and `messages-000001.json` …
//!
//! | in the export | becomes |
//! |---|---|
//! | recipient of type 1, or of type 3 with two who subscribe · 2 · other 3 | single chat · group `stream<id>` · group `huddle<id>` |
//! | `content`, in a stream behind the topic: `[topic] words` | 101, or 106 |
//! | `@**Name**`, `@**Name|12**`, `@**all**` | 106 |
//! | links to `/user_uploads/…` | words, as they stand |
//! | `reactions`, `last_edit_time` | `ex` |
//! | `realm.json`: users, streams, subscriptions | names, members |
//! | `avatars/records.json` | pictures of users |
//!
//! Traps: a message names a recipient, whose kind and target stand in `realm.json` alone: that is read first · times are
//! seconds with a fraction · in an old chat of two each has a recipient of his own, newer ones are groups of two ·
//! topics are threads inside a stream.
//!
//! Learnt from zulip/zulip (`zerver/lib/export.py`, its fixtures).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use super::codes::{self, reason};
use super::compose::{Mentions, Part, Reaction, refuse};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, file as file_name};
use super::recognise::Begins;
use crate::export::{ExportError, Found};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Relation, Role, Sink};
use crate::message::Peer;

/// The export of an organisation.
#[derive(Default)]
pub(super) struct Zulip {
    realm: OnceLock<Realm>,
}

/// What `realm.json` says.
#[derive(Debug, Default)]
struct Realm {
    /// Type and target of each recipient.
    recipients: HashMap<i64, (i64, i64)>,
    users: HashMap<i64, String>,
    by_name: HashMap<String, i64>,
    /// Who subscribes to each recipient, three at most.
    members: HashMap<i64, Vec<i64>>,
}

impl Realm {
    /// The one beside somebody in a chat of two, or he himself where he is alone; `None`: several.
    fn other(&self, recipient: i64, sender: i64) -> Option<i64> {
        match self.members.get(&recipient)?.as_slice() {
            [one] if *one == sender => Some(sender),
            [one, other] | [other, one] if *one == sender => Some(*other),
            _ => None,
        }
    }

    /// Whether several talk there, in a stream or a group.
    fn is_group(&self, recipient: i64, kind: i64) -> bool {
        kind == 2 || kind == 3 && self.members.get(&recipient).is_none_or(|members| members.len() > 2)
    }
}

/// Whether a file begins as one of the export does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    let messages = begins.has(&["zerver_message", "zerver_usermessage"]);
    begins.text.starts_with('{')
        && (messages || begins.name == "realm.json" && begins.text.contains("\"zerver_"))
}

const REALM: &[&str] = &[
    "zerver_recipient[]",
    "zerver_userprofile[]",
    "zerver_stream[]",
    "zerver_subscription[]",
    "zerver_userprofile_crossrealm[]",
];

/// Whose the files beside it are.
const AVATARS: &str = "/avatars/records.json";

impl Ordinary for Zulip {
    const ENDINGS: &'static str = "realm.json and messages-000001.json";

    fn belongs(&self, inside: &str) -> bool {
        let name = file_name(inside);
        name == "realm.json"
            || name.starts_with("messages-") && super::ending(name) == "json"
            || format!("/{inside}").ends_with(AVATARS)
    }

    fn cut(&self, inside: &str, _: &[u8]) -> Cut {
        Cut::Json(match file_name(inside) {
            "realm.json" => REALM,
            "records.json" => &[],
            _ => &["zerver_message[]"],
        })
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let mut realm = Realm::default();
        for file in found.iter().filter(|file| file_name(&file.inside) == "realm.json") {
            tools.survey(self, file, &mut |text, _| {
                let Ok(row) = serde_json::from_str::<Node<'_>>(text) else { return };
                let int = |key: &str| row.get(key).int().unwrap_or(0);
                if !row.get("type_id").is_empty() {
                    realm.recipients.insert(int("id"), (int("type"), int("type_id")));
                } else if !row.get("full_name").is_empty() {
                    realm.users.insert(int("id"), row.str("full_name").into_owned());
                    realm.by_name.insert(row.str("full_name").into_owned(), int("id"));
                } else if !row.get("recipient").is_empty() && !row.get("user_profile").is_empty() {
                    let (members, user) =
                        (realm.members.entry(int("recipient")).or_default(), int("user_profile"));
                    if members.len() < 3 && !members.contains(&user) {
                        members.push(user);
                    }
                }
            })?;
        }
        // A second reading of the same files finds the same.
        self.realm.get_or_init(|| realm);
        Ok(())
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let nobody = Realm::default();
        let realm = self.realm.get().unwrap_or(&nobody);
        if file_name(at.around("@file")) == "realm.json" {
            directory(record, realm, sink);
            return sink.left_out(at.place, reason::DIRECTORY_ROW);
        }
        if file_name(at.around("@file")) == "records.json" {
            let path = record.str("path");
            // The same picture lies there in three sizes.
            if super::ending(&path) == "png" && !path.ends_with("-medium.png") {
                tools.composer.face_of(&record.str("user_profile_id"), &path, at.place, sink);
            }
            return sink.left_out(at.place, reason::DIRECTORY_ROW);
        }
        let sender = record.any(&["sender", "sender_id"]);
        let recipient = record.get("recipient").int().unwrap_or(0);
        let Some((kind, target)) = realm.recipients.get(&recipient).copied() else {
            return refuse(sink, &codes::CONVERSATION_UNKNOWN, at.place, &format!("recipient {recipient}"));
        };
        let peer = match kind {
            1 => Peer::User(Cow::Owned(target.to_string())),
            3 if !realm.is_group(recipient, kind) => {
                let Some(other) = sender.int().and_then(|sender| realm.other(recipient, sender)) else {
                    refuse(sink, &codes::OUTSIDER, at.place, &sender.text());
                    return sink.left_out(at.place, reason::OUTSIDER);
                };
                Peer::User(Cow::Owned(other.to_string()))
            }
            kind => Peer::Group(group(kind, target).into()),
        };
        let seconds = record.any(&["date_sent", "pub_date"]).float();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, and what is no time is refused later"
        )]
        let time = seconds.map(|seconds| (seconds * 1000.0).round() as i64);
        let Some(mut draft) = Tools::draft(at, record.str("id"), sender.text(), peer, time, sink) else {
            return;
        };
        draft.nickname = sender.int().and_then(|id| realm.users.get(&id)).map_or("", String::as_str).into();
        let content = record.str("content");
        draft.mentions = mentions(&content, realm);
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        let edited = record.get("last_edit_time").float().map(|seconds| (seconds * 1000.0).round() as i64);
        draft.extras.edited_at = edited;
        let mut reactions: Vec<Reaction<'_>> = Vec::new();
        for one in record.get("reactions").list() {
            let emoji = one.str("emoji_name");
            let user = one.any(&["user_profile", "user_id"]).text();
            match reactions.iter_mut().find(|known| known.emoji == emoji) {
                Some(known) => {
                    known.count += 1;
                    known.users.push(user);
                }
                None => reactions.push(Reaction { emoji, count: 1, users: vec![user] }),
            }
        }
        draft.extras.reactions = reactions;
        let topic = record.any(&["subject", "topic"]).text();
        let words =
            if kind == 2 && !topic.is_empty() { Cow::Owned(format!("[{topic}] {content}")) } else { content };
        tools.composer.send(draft, vec![Part::Text(words)], sink);
    }
}

/// What OpenIM calls a stream or a chat of several.
fn group(kind: i64, target: i64) -> String {
    format!("{}{target}", if kind == 2 { "stream" } else { "huddle" })
}

/// A row of `realm.json`.
fn directory(row: &Node<'_>, realm: &Realm, sink: &mut dyn Sink) {
    let id = row.str("id");
    if !row.get("full_name").is_empty() {
        sink.person(Person::new(PersonKind::User, &id, &row.str("full_name"), ""));
        // `email` may be one that Zulip has made up, where people hide theirs.
        let email = row.any(&["delivery_email", "email"]).text();
        let lets_in = !matches!(row.get("is_active"), Node::Flag(false))
            && !matches!(row.get("is_bot"), Node::Flag(true));
        if lets_in && !email.is_empty() {
            sink.relation(Relation::Email { user: id, email });
        }
    } else if !row.get("recipient").is_empty() && !row.get("user_profile").is_empty() {
        let recipient = row.get("recipient").int().unwrap_or(0);
        if let Some((kind @ 2..=3, target)) = realm.recipients.get(&recipient).copied()
            && realm.is_group(recipient, kind)
            && !matches!(row.get("active"), Node::Flag(false))
        {
            let user = row.str("user_profile");
            sink.relation(Relation::Member { group: group(kind, target).into(), user, role: Role::Member });
        }
    } else if !row.get("name").is_empty() && row.get("type_id").is_empty() {
        sink.person(Person::new(PersonKind::Group, &format!("stream{id}"), &row.str("name"), ""));
    }
}

/// Whom `@**Name**` calls on; `@_**Name**` says the name and calls nobody.
fn mentions<'a>(content: &str, realm: &Realm) -> Mentions<'a> {
    let mut mentions = Mentions::default();
    for (at, _) in content.match_indices("@**") {
        let Some((name, _)) = content[at + 3..].split_once("**") else { continue };
        let (name, id) =
            name.split_once('|').map_or((name, None), |(name, id)| (name, id.parse::<i64>().ok()));
        if matches!(name, "all" | "everyone" | "stream" | "channel" | "topic") {
            mentions.all = true;
        } else if let Some(id) = id.or_else(|| realm.by_name.get(name).copied()) {
            mentions.users.push(id.to_string().into());
        }
    }
    mentions
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder};
    use super::super::{Format, Settings};

    #[test]
    fn a_newer_chat_of_two_is_one_and_goes_on_with_the_old_one() {
        let realm = r#"{"zerver_userprofile":[{"id":8,"full_name":"Ann"},{"id":9,"full_name":"Bob"},{"id":10,"full_name":"Cem"}],
"zerver_recipient":[{"id":21,"type_id":9,"type":1},{"id":31,"type_id":1,"type":3},{"id":32,"type_id":2,"type":3},{"id":33,"type_id":3,"type":3}],
"zerver_subscription":[{"id":1,"user_profile":8,"recipient":31,"active":false},{"id":2,"user_profile":9,"recipient":31},
{"id":3,"user_profile":8,"recipient":32},{"id":4,"user_profile":9,"recipient":32},{"id":5,"user_profile":10,"recipient":32},
{"id":6,"user_profile":10,"recipient":33}]}"#;
        let said = |who: u32, recipient: u32, at: u32| {
            format!(
                r#"{{"id":{at},"sender":{who},"recipient":{recipient},"date_sent":170000000{at},"content":"hi"}}"#
            )
        };
        let all = [
            said(8, 21, 1),
            said(9, 31, 2),
            said(8, 31, 3),
            said(10, 31, 4),
            said(10, 32, 5),
            said(10, 33, 6),
        ];
        let messages = format!(r#"{{"zerver_message":[{}]}}"#, all.join(","));
        let files = [("realm.json", realm), ("messages-000001.json", &messages)];
        let got = folder(Format::Zulip, &Settings::default(), &files);
        let to: Vec<&str> = got.messages.iter().filter_map(|one| one.split_whitespace().nth(1)).collect();
        assert_eq!(to, ["8->@9", "9->@8", "8->@9", "10->#huddle2", "10->@10"]);
        assert_eq!(got.findings.len(), 1, "{:?}", got.findings);
        let groups: Vec<&String> = got.relations.iter().filter(|one| one.contains('#')).collect();
        assert!(groups.len() == 3 && groups.iter().all(|one| one.contains("#huddle2")), "{groups:?}");
    }

    #[test]
    fn an_organisation() {
        insta::assert_snapshot!(fixture(Format::Zulip, &Settings::default(), "zulip").text());
    }
}
