//! Google Chat, as Takeout exports it.
//!
//! | in the export | becomes |
//! |---|---|
//! | `Groups/DM …` with two people · all other folders of `Groups` | single chat · group |
//! | `text` | 101 |
//! | `attached_files` | 102, 104 or 105, with their path in the export |
//! | `topic_id` of another message | quote of the message that began the topic |
//! | `quoted_message_metadata`, which names no message | its words in front of the answer |
//! | `updated_date` | `editedAt` in `ex` |
//! | deleted, or neither words nor files | left out (`recalled`, or by `[policy]` · `empty-message`) |
//! | `group_info.json`, `user_info.json` | names, members, and whose export it is |
//!
//! Traps: **dates are words in the language of the account**: English and Chinese are known, anything else is refused
//! with the date · a narrow blank stands before PM · names of files are cut and changed · people are known by e-mail.
//!
//! Learnt from ChatLab's parser and Google's description of Takeout.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::codes;
use super::compose::{Part, Reply, refuse};
use super::media::{Kind, Medium, mime_by_name};
use super::node::Node;
use super::ordinary::{At, Cut, Ordinary, Tools, file as file_name, last};
use super::pairs::Pairs;
use super::recognise::{Begins, head};
use crate::export::{ExportError, Found};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Relation, Role, Sink};
use crate::message::{Peer, Quote};

/// Takeout's folders.
#[derive(Default)]
pub(super) struct GoogleChat {
    pairs: Pairs,
    chats: OnceLock<HashMap<String, Chat>>,
}

/// What `group_info.json` says of a folder.
#[derive(Debug, Default)]
struct Chat {
    name: String,
    /// E-mail, or else name; and name.
    members: Vec<(String, String)>,
    me: String,
}

/// Whether a file begins as a chat does.
pub(super) fn is(begins: &Begins<'_>) -> bool {
    begins.text.starts_with('{')
        && ["creator", "created_date", "topic_id"].iter().all(|key| begins.has(&[key]))
}

impl Ordinary for GoogleChat {
    const ENDINGS: &'static str = "Groups/…/messages.json, with group_info.json beside";

    fn belongs(&self, inside: &str) -> bool {
        matches!(file_name(inside), "messages.json" | "group_info.json" | "user_info.json")
    }

    fn cut(&self, _: &str, _: &[u8]) -> Cut {
        Cut::Json(&["messages[]"])
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        // Several people's takeouts can lie side by side.
        let (mut chats, mut owners) = (HashMap::new(), HashMap::new());
        for file in &*found {
            let name = file_name(&file.inside);
            if name == "messages.json" {
                continue;
            }
            let text = head(file)?;
            let Ok(info) = serde_json::from_str::<Node<'_>>(&text) else { continue };
            if name == "user_info.json" {
                let me = info.at(&["user", "email"]).text().into_owned();
                owners.insert(takeout(&file.path).to_owned(), me);
                continue;
            }
            let members = info
                .get("members")
                .list()
                .iter()
                .map(|one| (id(one).into_owned(), one.str("name").into_owned()));
            let chat =
                Chat { name: info.str("name").into_owned(), members: members.collect(), me: String::new() };
            chats.insert(folder(&file.path).to_owned(), chat);
        }
        for file in found.iter().filter(|file| file_name(&file.inside) == "messages.json") {
            if let Some(me) = owners.get(takeout(&file.path)) {
                let chat: &mut Chat = chats.entry(folder(&file.path).to_owned()).or_default();
                chat.me.clone_from(me);
            }
        }
        found.retain(|file| file_name(&file.inside) == "messages.json");
        // A second reading of the same files finds the same.
        self.chats.get_or_init(|| chats);
        let direct: Vec<Found> = found.iter().filter(|file| is_direct(&file.inside)).cloned().collect();
        self.pairs.read(self, &direct, tools, &|record, _, file| {
            Some((folder(&file.inside).to_owned(), id(record.get("creator")).into_owned()))
        })
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let path = at.around("@folder");
        let group = last(path);
        let nothing = Chat::default();
        let chat =
            self.chats.get().and_then(|chats| chats.get(folder(at.around("@path")))).unwrap_or(&nothing);
        let creator = record.get("creator");
        let sender = id(creator);
        let others: Vec<&str> =
            chat.members.iter().map(|(id, _)| id.as_str()).filter(|id| *id != sender).collect();
        let direct =
            is_direct(&format!("{path}/")) && chat.members.len() <= 2 && self.pairs.writers(path).len() <= 2;
        let peer = if direct {
            let me = Some(&*chat.me).filter(|me| !me.is_empty()).or(tools.me());
            let written = self.pairs.other(path, &sender, me);
            match written.or_else(|| others.first().copied()) {
                Some(other) => Peer::User(Cow::Owned(other.to_owned())),
                None => return refuse(sink, &codes::PEER_UNKNOWN, at.place, group),
            }
        } else {
            sink.person(Person::new(
                PersonKind::Group,
                group,
                if chat.name.is_empty() { group } else { &chat.name },
                "",
            ));
            for (user, _) in &chat.members {
                let (group, user) = (Cow::Borrowed(group), Cow::Borrowed(user.as_str()));
                sink.relation(Relation::Member { group, user, role: Role::Member });
            }
            Peer::Group(Cow::Borrowed(group))
        };
        for (id, name) in &chat.members {
            sink.person(Person::new(PersonKind::User, id, name, ""));
        }
        let written = record.str("created_date");
        let Some(time) = millis(&written) else {
            return refuse(sink, &codes::TIME_INVALID, at.place, &written);
        };
        let message_id = record.str("message_id");
        let own = Cow::Owned(format!("{group}/{message_id}"));
        let Some(mut draft) = Tools::draft(at, own, sender, peer, Some(time), sink) else { return };
        draft.nickname = creator.str("name");
        let topic = record.str("topic_id");
        if let [space, _, message] = &message_id.split('/').collect::<Vec<_>>()[..]
            && **message != *topic
            && !topic.is_empty()
        {
            let target = Cow::Owned(format!("{group}/{space}/{topic}/{topic}"));
            draft.reply = Some(Reply { target, quoted: None });
        }
        draft.extras.edited_at = millis(&record.str("updated_date"));
        let mut text = record.str("text");
        let quoted = record.get("quoted_message_metadata");
        if draft.reply.is_none() && !text.is_empty() && !quoted.get("text").is_empty() {
            let who = quoted.get("creator").any(&["name", "email"]).text();
            text = Cow::Owned(Quote::in_words(&text, &who, &quoted.str("text")));
        }
        let files = record.get("attached_files").list();
        if !record.get("deletion_metadata").is_empty() || record.str("message_state") == "DELETED" {
            return tools.composer.recalled(draft, "[message deleted]", sink);
        }
        let mut parts = vec![Part::Text(text)];
        parts.extend(files.iter().map(|file| {
            let (shown, name) = (file.str("original_name"), file.str("export_name"));
            let path = format!("{path}/{name}");
            Part::Medium(Medium {
                kind: Kind::of(mime_by_name(&shown), &shown),
                key: Cow::Owned(path.clone()),
                path: Cow::Owned(path),
                name: shown,
                ..Medium::default()
            })
        }));
        tools.composer.send(draft, parts, sink);
    }
}

/// E-mail, or else name.
fn id<'a>(person: &'a Node<'_>) -> Cow<'a, str> {
    person.any(&["email", "name"]).text()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folder of somebody's takeout.
fn takeout(path: &str) -> &str {
    let at = ["/Groups/", "/Users/"].iter().filter_map(|part| path.rfind(part)).max();
    &path[..at.unwrap_or(0)]
}

/// Whether a file lies in a folder of a direct chat.
fn is_direct(inside: &str) -> bool {
    last(folder(inside)).starts_with("DM ")
}

/// `Tuesday, January 5, 2021 at 3:04:05 PM UTC`, `2021年1月5日星期二 UTC 15:04:05`.
fn millis(text: &str) -> Option<i64> {
    let plain: String =
        text.chars().map(|c| if matches!(c, '\u{202f}' | '\u{a0}') { ' ' } else { c }).collect();
    // Weekdays say nothing new.
    let shapes: [(&str, String); 2] = [
        (
            "%B %d, %Y at %I:%M:%S %p UTC",
            plain.split_once(", ").map(|(_, rest)| rest.to_owned()).unwrap_or_default(),
        ),
        (
            "%Y年%m月%d日 UTC %H:%M:%S",
            match (plain.find("星期"), plain.find(" UTC")) {
                (Some(from), Some(to)) if from < to => format!("{}{}", &plain[..from], &plain[to..]),
                _ => plain.clone(),
            },
        ),
    ];
    shapes.iter().find_map(|(shape, text)| {
        let local = BrokenDownTime::parse(shape, text).ok()?.to_datetime().ok()?;
        Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, folder as read};
    use super::super::{Format, Settings};
    use super::*;

    #[test]
    fn a_takeout() {
        insta::assert_snapshot!(fixture(Format::GoogleChat, &Settings::default(), "gchat").text());
    }

    #[test]
    fn dates_in_words() {
        let noon = Some(1_609_859_045_000);
        assert_eq!(millis("Tuesday, January 5, 2021 at 3:04:05\u{202f}PM UTC"), noon);
        assert_eq!(millis("Tuesday, January 5, 2021 at 3:04:05 PM UTC"), noon);
        assert_eq!(millis("2021年1月5日星期二 UTC 15:04:05"), noon);
        assert_eq!(millis("Dienstag, 5. Januar 2021 um 15:04:05 UTC"), None);
    }

    #[test]
    fn an_answer_without_a_topic_has_the_words_that_it_answers() {
        let said = r#"{"messages":[{"creator":{"name":"Cem","email":"cem@x.example"},"created_date":"Tuesday, January 5, 2021 at 3:04:05 PM UTC","text":"yes","topic_id":"t","message_id":"m/t/t","quoted_message_metadata":{"creator":{"name":"Ann"},"text":"at ten?"}}]}"#;
        let files = [("Google Chat/Groups/Space 1/messages.json", said)];
        let got = read(Format::GoogleChat, &Settings::default(), &files);
        assert!(got.messages[0].contains(r"> Ann: at ten?\nyes"), "{}", got.text());
    }

    #[test]
    fn takeouts_of_two_people_keep_apart_whose_they_are() {
        let user = |me: &str| format!(r#"{{"user":{{"name":"x","email":"{me}@x.example"}}}}"#);
        let said = r#"{"messages":[{"creator":{"name":"Cem","email":"cem@x.example"},"created_date":"Tuesday, January 5, 2021 at 3:04:05 PM UTC","text":"hi","topic_id":"t","message_id":"m/t/t"}]}"#;
        let (ann, bob) = (user("ann"), user("bob"));
        let files = [
            ("1/Google Chat/Users/User 1/user_info.json", &*ann),
            ("1/Google Chat/Groups/DM 1/messages.json", said),
            ("2/Google Chat/Users/User 2/user_info.json", &*bob),
            ("2/Google Chat/Groups/DM 2/messages.json", said),
        ];
        let got = read(Format::GoogleChat, &Settings::default(), &files);
        assert!(got.messages[0].contains("cem@x.example->@ann@x.example"), "{}", got.text());
        assert!(got.messages[1].contains("cem@x.example->@bob@x.example"), "{}", got.text());
    }
}
