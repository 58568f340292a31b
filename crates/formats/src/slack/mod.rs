//! Slack: the export of a workspace, as a folder or zip.
//!
//! | in the export | becomes |
//! |---|---|
//! | folder named in `channels.json`, `groups.json`, `mpims.json` | group with the channel's id |
//! | folder `D…` of `dms.json` | single chat of its members; one member: with oneself |
//! | message without subtype, `me_message`, `thread_broadcast`, `bot_message`, … | 101, or 106 where it calls on somebody |
//! | `files[]`, `file` | 102–105, after the words |
//! | `file_comment` | 101 of who wrote the comment, with the file's title quoted |
//! | `channel_join`, `channel_topic`, `pinned_item`, … | left out (`system-row`) |
//! | `tombstone` | left out (`recalled`), or by `[policy]` |
//! | `thread_ts` of another message | quote of the message that began the thread |
//! | `reactions`, `edited` | `ex` |
//! | rows of `users.json`, `channels.json`, … | left out (`directory-row`); names and pictures of people and groups |
//! | slackdump's dump: a document with `channel_id`, answers in `slackdump_thread_replies` | the same |
//!
//! Traps: `ts` is a text and an id, and has more digits than a float · a channel's folder has its name, not its
//! id; of a chat of two it has the id · `file_comment` has no user, bots may have none · old exports have one
//! `file`, and words that Slack made up around it · words of apps stand in `blocks` or `attachments`, with an
//! empty `text`; attachments are also previews of links, which are no words · **links of files open only with a
//! token** (`?t=xoxe-…`), which never gets into a message, a finding or a list · the free plan hides old files
//! (`hidden_by_limit`) · a day is a file, so there are tens of thousands of small ones · tools that merge exports name files
//! after a month, a year, or `all.json`.
//!
//! Learnt from houstondatavis/slack-export (2015–16), fixtures of rusq/slackdump and zulip/zulip, Slack's own
//! reference of message subtypes.

mod directory;
mod files;
mod mrkdwn;
mod record;
mod words;

use std::borrow::Cow;
use std::sync::OnceLock;

use self::directory::{Channel, ChannelRow, Directory, Kind, List, UserRow, join};
pub(super) use self::files::{is_day, is_dump, is_list};
use self::record::{File, Record, Replies};
use super::codes::{self, reason};
use super::compose::{Composer, Draft, Extras, Mentions, Part, Platform, Reaction, Reply, invalid, refuse};
use super::media::{self, Kind as MediaKind, Link, Medium, Reach};
use crate::export::cut::{Cutter, Json};
use crate::export::{Chunk, ExportError, Found, Input, Layout, RecordPath, unread};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Mapper, Record as Raw, Relation, Role, Sink, each};
use crate::message::{Peer, Place, SendTime};

/// Both halves of the format.
pub(super) struct Slack {
    composer: Composer,
    max_record: usize,
    directory: OnceLock<Directory>,
    nobody: Directory,
}

/// Subtypes that Slack itself writes. `group_…` are those of private channels in old exports.
const SYSTEM: &[&str] = &[
    "app_conversation_join",
    "bookmark_add",
    "bot_add",
    "bot_disable",
    "bot_enable",
    "bot_remove",
    "channel_archive",
    "channel_canvas_updated",
    "channel_convert_to_private",
    "channel_convert_to_public",
    "channel_join",
    "channel_leave",
    "channel_name",
    "channel_posting_permissions",
    "channel_purpose",
    "channel_topic",
    "channel_unarchive",
    "ekm_access_denied",
    "group_archive",
    "group_join",
    "group_leave",
    "group_name",
    "group_purpose",
    "group_topic",
    "group_unarchive",
    "huddle_thread",
    "joiner_notification",
    "joiner_notification_for_inviter",
    "message_replied",
    "pinned_item",
    "reminder_add",
    "sh_room_created",
    "tabbed_canvas_updated",
    "unpinned_item",
];

/// Subtypes of messages that people and apps write.
const WRITTEN: &[&str] = &[
    "",
    "assistant_app_thread",
    "bot_message",
    "file_comment",
    "file_mention",
    "file_share",
    "me_message",
    "reply_broadcast",
    "slackbot_response",
    "thread_broadcast",
];

/// Slack's own bot; it posts into chats of two in the name of others.
const SLACKBOT: &str = "USLACKBOT";

impl Slack {
    pub(super) fn new(composer: Composer, max_record: usize) -> Self {
        Self { composer, max_record, directory: OnceLock::new(), nobody: Directory::default() }
    }

    fn directory(&self) -> &Directory {
        self.directory.get().unwrap_or(&self.nobody)
    }

    fn record(&self, record: &Record<'_>, channel: &Channel, place: Place, sink: &mut dyn Sink) {
        let subtype = &*record.subtype.0;
        if SYSTEM.contains(&subtype) || !matches!(&*record.kind.0, "message" | "") {
            return sink.left_out(place, reason::SYSTEM_ROW);
        }
        if !WRITTEN.contains(&subtype) && subtype != "tombstone" {
            refuse(sink, &codes::ELEMENT_UNKNOWN, place, subtype);
        }
        let directory = self.directory();
        let Some(mut sender) = sender(record, directory) else {
            return refuse(sink, &codes::SENDER_MISSING, place, &record.ts.0);
        };
        let Some(time) = millis(&record.ts.0) else {
            return refuse(sink, &codes::TIME_INVALID, place, &record.ts.0);
        };
        let nickname = nickname(record, sender, directory);
        let peer = match &channel.kind {
            Kind::Group => Peer::Group(Cow::Borrowed(&*channel.id)),
            Kind::Direct(one, other) => {
                if sender != one && sender != other {
                    // What integrations post there stands in the chat with Slackbot.
                    if ![&**one, other].contains(&SLACKBOT) {
                        refuse(sink, &codes::OUTSIDER, place, sender);
                        return sink.left_out(place, reason::OUTSIDER);
                    }
                    sender = SLACKBOT;
                }
                Peer::User(Cow::Borrowed(if sender == one { other } else { one }))
            }
        };
        let id = |ts: &str| Cow::Owned(format!("{}/{ts}", channel.id));
        let thread = record.thread_ts.some().filter(|thread| *thread != record.ts.0);
        let mut mentions = Mentions::default();
        let parts = parts(record, directory, &mut mentions);
        let draft = Draft {
            place,
            id: Some(id(&record.ts.0)),
            sender: Cow::Borrowed(sender),
            nickname: Cow::Borrowed(nickname),
            face_url: Cow::Borrowed(face_url(record, sender, directory)),
            peer,
            platform: Platform::default(),
            time: SendTime(time),
            mentions,
            reply: thread.map(|thread| Reply { target: id(thread), quoted: None }),
            extras: Extras {
                edited_at: record.edited.0.as_ref().and_then(|e| millis(&e.ts.0)),
                reactions: record.reactions.0.iter().map(reaction).collect(),
                ..Extras::default()
            },
        };
        if subtype == "tombstone" {
            return self.composer.recalled(draft, "[message deleted]", sink);
        }
        self.composer.send(draft, parts, sink);
    }
}

impl Mapper for Slack {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let value = |name| chunk.context.value(name).unwrap_or_default();
        if let Some(list) = List::of(value("@file")) {
            return each(chunk, sink, &mut |place, raw, sink| {
                if let Raw::Json(text) = raw {
                    person(list, text, place, sink);
                }
            });
        }
        let folder = value("@path").rsplit_once('/').map_or("", |(folder, _)| folder);
        let dump = value("channel_id");
        let unlisted;
        let channel = if dump.is_empty()
            && let Some(channel) = self.directory().channel(folder)
        {
            channel
        } else {
            unlisted = if dump.is_empty() {
                self.unlisted(folder, chunk, sink)
            } else {
                self.dumped(dump, folder, chunk, sink)
            };
            &unlisted
        };
        each(chunk, sink, &mut |place, raw, sink| {
            let Raw::Json(text) = raw else { return };
            match serde_json::from_str::<Record<'_>>(text) {
                Err(error) => invalid(sink, place, &error),
                Ok(_) if channel.id.is_empty() => {
                    refuse(sink, &codes::CONVERSATION_UNKNOWN, place, value("@path"));
                }
                Ok(record) => {
                    self.record(&record, channel, place, sink);
                    self.replies(&record, channel, place, sink);
                }
            }
        });
    }
}

impl Slack {
    /// The answers that a dump has inside the message that they answer. Their places count on behind its own parts, of
    /// which none has as many as that.
    fn replies(&self, record: &Record<'_>, channel: &Channel, place: Place, sink: &mut dyn Sink) {
        const PARTS: u16 = 64;
        let Some(replies) = record.replies else { return };
        let Ok(Replies(replies)) = serde_json::from_str(replies.get()) else {
            return refuse(sink, &codes::RECORD_INVALID, place, "its answers are no list of messages");
        };
        for (n, reply) in replies.iter().enumerate() {
            let part = u16::try_from(n + 1).unwrap_or(u16::MAX).saturating_mul(PARTS);
            let place = Place { part: place.part.saturating_add(part), ..place };
            match serde_json::from_str::<Record<'_>>(reply.get()) {
                Err(error) => invalid(sink, place, &error),
                Ok(reply) => self.record(&reply, channel, place, sink),
            }
        }
    }

    /// The conversation of a dump, by the id that stands in it. A chat of two can't be told without its members.
    fn dumped(&self, id: &str, folder: &str, chunk: &Chunk, sink: &mut dyn Sink) -> Channel {
        if let Some(channel) = self.directory().channel(&join(folder, id)) {
            return channel.clone();
        }
        if id.starts_with('D') {
            return Channel { id: String::new(), kind: Kind::Group };
        }
        let name = chunk.context.value("name").unwrap_or_default();
        if chunk.first && !name.is_empty() {
            sink.person(Person::new(PersonKind::Group, id, name, ""));
        }
        Channel { id: id.to_owned(), kind: Kind::Group }
    }

    /// A folder that no list names: its name stands for its id. A chat of two can't be told without its members.
    fn unlisted(&self, folder: &str, chunk: &Chunk, sink: &mut dyn Sink) -> Channel {
        let name = folder.rsplit('/').next().unwrap_or_default();
        let name = self.composer.settings().about.chat_name.as_deref().unwrap_or(name);
        let is_direct = name.len() >= 9
            && name.starts_with('D')
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if is_direct {
            return Channel { id: String::new(), kind: Kind::Group };
        }
        if chunk.first && !name.is_empty() {
            let place = Place { source: chunk.source, line: 1, byte: 0, part: 0 };
            refuse(sink, &codes::CHANNEL_UNLISTED, place, name);
        }
        Channel { id: name.to_owned(), kind: Kind::Group }
    }
}

impl Layout for Slack {
    fn belongs(&self, inside: &str) -> bool {
        files::belongs(inside)
    }

    fn known_besides(&self, inside: &str) -> Option<&'static str> {
        files::has_no_messages(inside).then_some(unread::NO_MESSAGES)
    }

    fn endings(&self) -> String {
        "2024-12-31.json, in a folder for each channel, with channels.json and users.json beside the folders"
            .to_owned()
    }

    fn arrange(&self, found: &mut Vec<Found>) -> Result<(), ExportError> {
        let directory = Directory::read(found, self.max_record)?;
        // A second reading of the same files finds the same.
        self.directory.get_or_init(|| directory);
        Ok(())
    }

    fn cutter(&self, input: &mut Input, _: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        let is_dump = input.head().trim_ascii_start().starts_with(b"{");
        let paths = is_dump.then(|| RecordPath::parse("messages[]").expect("a constant that is a path"));
        Ok(Box::new(Json::new(self.max_record, paths.into_iter().collect())))
    }
}

/// Tells of a row of a list.
fn person(list: List, text: &str, place: Place, sink: &mut dyn Sink) {
    let result = match list {
        List::Users => serde_json::from_str::<UserRow<'_>>(text).map(|row| {
            sink.person(Person::new(PersonKind::User, &row.id.0, row.nickname(), row.face_url()));
            if !row.email().is_empty() {
                sink.relation(Relation::Email { user: row.id.share(), email: row.email().into() });
            }
        }),
        List::Groups => serde_json::from_str::<ChannelRow<'_>>(text).map(|row| {
            sink.person(Person::new(PersonKind::Group, &row.id.0, &row.name.0, ""));
            for user in &row.members.0 {
                let role = if **user == *row.creator.0 { Role::Owner } else { Role::Member };
                sink.relation(Relation::Member { group: row.id.share(), user: Cow::Borrowed(user), role });
            }
        }),
        List::Directs => Ok(()),
    };
    match result {
        Ok(()) => sink.left_out(place, reason::DIRECTORY_ROW),
        Err(error) => invalid(sink, place, &error),
    }
}

/// `1433860197.000002` in milliseconds. The digits behind the point tell messages apart, and are a time only in
/// newer exports.
fn millis(ts: &str) -> Option<i64> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let mut millis = 0;
    for n in 0..3 {
        let digit = fraction.as_bytes().get(n).copied().unwrap_or(b'0');
        millis = millis * 10 + i64::from(char::from(digit).to_digit(10)?);
    }
    seconds.checked_mul(1000)?.checked_add(millis)
}

fn sender<'a>(record: &'a Record<'_>, directory: &'a Directory) -> Option<&'a str> {
    let comment = record.comment.0.as_ref().filter(|_| record.subtype.0 == "file_comment");
    let bot = record.bot_id.some().map(|bot| directory.bot(bot).unwrap_or(bot));
    comment
        .and_then(|c| c.user.some())
        .or_else(|| record.user.some())
        .or(bot)
        .or_else(|| record.username.some())
}

/// What others saw. Bots can call themselves something else each time.
fn nickname<'a>(record: &'a Record<'_>, sender: &str, directory: &'a Directory) -> &'a str {
    if record.user.is_empty()
        && let Some(name) = record.username.some().filter(|name| !name.starts_with("<@"))
    {
        return name;
    }
    let known = directory.user(sender).map(|u| &*u.name).filter(|n| !n.is_empty());
    let profiles = [&record.user_profile, &record.bot_profile];
    let own = profiles
        .into_iter()
        .filter_map(|p| p.0.as_ref())
        .find_map(|p| [&p.display_name, &p.real_name, &p.name].into_iter().find_map(|n| n.some()));
    known.or(own).unwrap_or_default()
}

fn face_url<'a>(record: &'a Record<'_>, sender: &str, directory: &'a Directory) -> &'a str {
    let known = directory.user(sender).map(|u| &*u.face_url).filter(|n| !n.is_empty());
    let own = record.user_profile.0.as_ref().map(|p| &*p.image_72.0);
    known.or(own).unwrap_or_default()
}

fn reaction<'a>(reaction: &'a record::Reaction<'_>) -> Reaction<'a> {
    Reaction {
        emoji: reaction.name.share(),
        count: reaction.count.whole(),
        users: reaction.users.0.iter().map(|u| Cow::Borrowed(&**u)).collect(),
    }
}

/// What is in a message: its words, then its files.
fn parts<'a>(record: &'a Record<'_>, directory: &Directory, mentions: &mut Mentions<'_>) -> Vec<Part<'a>> {
    let old = record.file.0.as_ref();
    let words: Cow<'a, str> = match (&*record.subtype.0, old) {
        ("file_comment", Some(file)) => {
            let comment = record.comment.0.as_ref().map(|c| &*c.comment.0).unwrap_or_default();
            Cow::Owned(format!("> {}\n{comment}", file.title.or(&file.name.0)))
        }
        // The text is Slack's: "… uploaded a file: … and commented: …".
        ("file_share", Some(file)) => {
            Cow::Borrowed(file.initial_comment.0.as_ref().map(|c| &*c.comment.0).unwrap_or_default())
        }
        _ => words::words(record),
    };
    let words = match words {
        Cow::Borrowed(words) => mrkdwn::decode(words, directory, mentions),
        Cow::Owned(words) => Cow::Owned(mrkdwn::decode(&words, directory, mentions).into_owned()),
    };
    let old = old.filter(|_| record.subtype.0 == "file_share" && record.files.0.is_empty());
    let mut parts = vec![Part::Text(words)];
    parts.extend(record.files.0.iter().chain(old).map(|file| Part::Medium(medium(file))));
    parts
}

fn medium<'a>(file: &'a File<'_>) -> Medium<'a> {
    let url = file.url_private_download.or(&file.url_private.0);
    let link = match &*file.mode.0 {
        "tombstone" | "hidden_by_limit" => None,
        "external" if media::is_link(&file.url_private.0) => {
            Some(Link { url: file.url_private.share(), reach: Reach::Open })
        }
        _ if media::is_link(url) => Some(Link { url: Cow::Borrowed(url), reach: Reach::Secret }),
        _ => None,
    };
    let name = file.name.or(&file.title.0);
    let kind = match &*file.subtype.0 {
        "slack_audio" => MediaKind::Voice,
        // A document elsewhere that has a picture of itself.
        _ if file.mode.0 == "external" => MediaKind::File,
        _ => MediaKind::of(&file.mimetype.0, name),
    };
    // Where tools that fetch the files put them, in the shape that Mattermost's importer reads.
    let path = match link {
        Some(Link { reach: Reach::Secret, .. }) => {
            Cow::Owned(join("__uploads", &format!("{}/{name}", file.id.0)))
        }
        _ => Cow::Borrowed(""),
    };
    Medium {
        kind,
        key: file.id.share(),
        path,
        link,
        name: Cow::Borrowed(name),
        mime: file.mimetype.share(),
        size: file.size.whole(),
        width: file.original_w.whole(),
        height: file.original_h.whole(),
        seconds: file.duration_ms.whole().div_ceil(1000),
        ..Medium::default()
    }
}

#[cfg(test)]
mod tests;
