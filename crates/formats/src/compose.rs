//! From what a format understood of a record to messages: the part that all formats share.
//!
//! A format fills a [`Draft`] and lists its [`Part`]s; here policies and media settings are applied, ids
//! translated, `ex` written, and each part becomes one message.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::codes::{self, reason};
use super::content::Content;
use super::media::{self, Medium};
use super::settings::{Policy, Recalled, Replies, Settings, Special};
use super::table::Table;
use super::uploaded::{self, Outcome as UploadOutcome};
use crate::finding::{Code, Finding};
use crate::mapping::people::{FACE, Kind, Person};
use crate::mapping::{Sink, Upload};
use crate::message::{ContentType, Message, Peer, Place, Quote, SendTime};

/// Makes messages of drafts. One for all threads.
pub(super) struct Composer {
    settings: Settings,
    table: Table,
}

/// A record as its format understood it. All ids are the export's own.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    /// Its `part` counts on where one record has several of these.
    pub(super) place: Place,
    /// The export's id of the record, unique over all its files. Parts after the first add `#1`, `#2`, …
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) sender: Cow<'a, str>,
    pub(super) nickname: Cow<'a, str>,
    pub(super) face_url: Cow<'a, str>,
    pub(super) peer: Peer<'a>,
    pub(super) platform: Platform,
    pub(super) time: SendTime,
    /// Whom its text calls on. Counts in groups.
    pub(super) mentions: Mentions<'a>,
    pub(super) reply: Option<Reply<'a>>,
    pub(super) extras: Extras<'a>,
}

impl<'a> Draft<'a> {
    /// With what every record has, and nothing else.
    pub(super) fn new(
        place: Place,
        id: Cow<'a, str>,
        sender: Cow<'a, str>,
        peer: Peer<'a>,
        time: SendTime,
    ) -> Self {
        Self {
            place,
            id: Some(id).filter(|id| !id.is_empty()),
            sender,
            nickname: Cow::Borrowed(""),
            face_url: Cow::Borrowed(""),
            peer,
            platform: Platform::default(),
            time,
            mentions: Mentions::default(),
            reply: None,
            extras: Extras::default(),
        }
    }
}

/// Where a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub(super) enum Platform {
    Ios = 1,
    Android = 2,
    Windows = 3,
    Mac = 4,
    Web = 5,
    MiniWeb = 6,
    Linux = 7,
    AndroidPad = 8,
    IPad = 9,
    /// What the native format takes where nothing is said.
    #[default]
    Admin = 10,
}

impl Platform {
    /// By OpenIM's number of it.
    pub(super) fn of(number: i64) -> Self {
        match number {
            1 => Self::Ios,
            2 => Self::Android,
            3 => Self::Windows,
            4 => Self::Mac,
            5 => Self::Web,
            6 => Self::MiniWeb,
            7 => Self::Linux,
            8 => Self::AndroidPad,
            9 => Self::IPad,
            _ => Self::Admin,
        }
    }

    /// By what services call it.
    pub(super) fn by_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "ios" | "iphone" => Self::Ios,
            "ipad" => Self::IPad,
            "android" | "aos" => Self::Android,
            "windows" | "pc" => Self::Windows,
            "mac" | "macos" => Self::Mac,
            "linux" => Self::Linux,
            "web" | "websocket" => Self::Web,
            _ => Self::Admin,
        }
    }
}

/// Whom a text calls on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mentions<'a> {
    pub(super) all: bool,
    pub(super) users: Vec<Cow<'a, str>>,
}

/// The message that this one answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// The export's id of it.
    pub(super) target: Cow<'a, str>,
    /// Who wrote it and what, where the export repeats it with the answer.
    pub(super) quoted: Option<(Cow<'a, str>, Cow<'a, str>)>,
}

/// What OpenIM has no field for; goes into `ex`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extras<'a> {
    /// When it was edited last, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edited_at: Option<i64>,
    /// That it was edited, where the export does not say when.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) edited: bool,
    /// From whom or where it was passed on.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) forwarded_from: Cow<'a, str>,
    /// The topic of a forum that it was written in.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) topic: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reactions: Vec<Reaction<'a>>,
    /// Whom an answer calls on, by the export's ids; `AtAllTag` is everyone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) mentions: Vec<Cow<'a, str>>,
    /// The export's id of the message it answers, where the message itself can't say so.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) reply_to: Cow<'a, str>,
    /// An `ex` that the export has already: it stays as it is.
    #[serde(skip)]
    pub(super) own: Cow<'a, str>,
}

/// How often and by whom a message was given an emoji.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reaction<'a> {
    pub(super) emoji: Cow<'a, str>,
    pub(super) count: u64,
    /// Those the export names; not always all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) users: Vec<Cow<'a, str>>,
}

/// A piece of a record that becomes a message.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a record has few parts, and is gone before the next one")]
pub(super) enum Part<'a> {
    Text(Cow<'a, str>),
    Medium(Medium<'a>),
    Special(Odd<'a>),
    /// What OpenIM takes as it is.
    Ready(Content),
    /// A message of the application's own, with `data`, `description` and `extension`.
    Custom([Cow<'a, str>; 3]),
}

/// Something that OpenIM has no type for.
#[derive(Debug, Clone)]
pub(super) struct Odd<'a> {
    pub(super) what: What,
    /// How it is said in a text.
    pub(super) text: Cow<'a, str>,
    /// All that is known about it; gets a `type`.
    pub(super) data: Value,
}

/// What it is, and which setting of `[policy]` decides about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Sticker,
    Location,
    Card,
    Poll,
    /// Several messages passed on as one.
    Merged,
    Other,
}

impl Composer {
    pub(super) fn new(settings: Settings, table: Table) -> Self {
        Self { settings, table }
    }

    /// The user's decisions.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the settings say where media are now.
    pub(super) fn moves_media(&self) -> bool {
        self.settings.media.table.is_some() || self.settings.media.base_url.is_some()
    }

    /// The new link of what has that one now.
    pub(super) fn moved(&self, url: &str) -> Option<String> {
        if let Some(row) = self.table.row(url, "").or_else(|| self.table.row(media::bare(url), "")) {
            return Some(row.url.to_owned());
        }
        let base = self.settings.media.base_url.as_deref()?;
        let path = url.split_once("://")?.1.split_once('/')?.1;
        Some(format!("{}/{path}", base.trim_end_matches('/')))
    }

    /// What the user decided about odd things.
    pub(super) fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    /// Hands on what becomes of the record: a message for each part, or the reason for none.
    pub(super) fn send(&self, mut draft: Draft<'_>, mut parts: Vec<Part<'_>>, sink: &mut dyn Sink) {
        // The first that is something has the record's own id: answers are to that one.
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        let group = matches!(draft.peer, Peer::Group(_));
        let quotes = self.settings.policy.replies == Replies::Quote;
        // The answer is the first text; where there is none, `ex` says what is answered.
        let answer = parts.iter().position(|part| matches!(part, Part::Text(_)));
        let mut reply = draft.reply.take().filter(|_| quotes);
        if answer.is_none() {
            draft.extras.reply_to = reply.take().map(|r| r.target).unwrap_or_default();
        }
        // An answer is no 106: whom it calls on is kept beside it.
        if group && reply.is_some() {
            draft.extras.mentions = std::mem::take(&mut draft.mentions).list();
        }
        let mut ex = Some(draft.extras.json());
        let (mut sent, mut skipped) = (0, None);
        for (n, part) in parts.into_iter().enumerate() {
            let part_no = draft.place.part.saturating_add(u16::try_from(n).unwrap_or(u16::MAX));
            let place = Place { part: part_no, ..draft.place };
            let mut quote = None;
            let content = match part {
                Part::Text(text) => match reply.take_if(|_| answer == Some(n)) {
                    Some(reply) => {
                        // Without the words, the job puts in those of the message itself.
                        let fallback = match &reply.quoted {
                            Some((who, words)) => Content::text(&Quote::in_words(&text, who, words)).json,
                            None => Content::text(&text).json,
                        };
                        quote = Some(Quote { target: reply.target, fallback: Cow::Owned(fallback) });
                        Content::quote(&text)
                    }
                    None if group && !draft.mentions.is_empty() => {
                        Content::at(&text, &std::mem::take(&mut draft.mentions).list())
                    }
                    None => Content::text(&text),
                },
                Part::Medium(medium) => {
                    let Some(content) = self.medium(&medium, place, sink) else {
                        skipped = Some(reason::MEDIA_SKIPPED);
                        continue;
                    };
                    content
                }
                Part::Special(odd) => {
                    let Some(content) = self.odd(odd) else {
                        skipped = Some(reason::SPECIAL_SKIPPED);
                        continue;
                    };
                    content
                }
                Part::Ready(content) => content,
                Part::Custom([data, description, extension]) => {
                    Content::custom(&data, &description, &extension)
                }
            };
            sent += 1;
            let ex = ex.take().unwrap_or_default();
            sink.message(message(&draft, place, content, ex, quote));
        }
        if sent == 0 {
            sink.left_out(draft.place, skipped.unwrap_or(reason::EMPTY));
        }
    }

    /// What becomes of a message that was deleted or recalled, of which the export has no more than that.
    pub(super) fn recalled(&self, draft: Draft<'_>, words: &str, sink: &mut dyn Sink) {
        match self.settings.policy.recalled {
            Recalled::LeaveOut => sink.left_out(draft.place, reason::RECALLED),
            Recalled::Text | Recalled::Keep => self.send(draft, vec![Part::Text(words.into())], sink),
        }
    }

    /// The address of a picture of a user or group: the link that the export has. One that the export has itself, as a
    /// file or as a data URL, is asked for, and has an address when it was uploaded.
    pub(super) fn face<'t>(&self, told: &'t str, place: Place, sink: &mut dyn Sink) -> Cow<'t, str> {
        let inline = if told.starts_with("data:") { told } else { "" };
        if told.is_empty() || media::is_link(told) {
            return Cow::Borrowed(told);
        }
        let (key, path) = match inline {
            "" if told.contains("://") => return Cow::Borrowed(""),
            "" => (Cow::Borrowed(told), told),
            data => (Cow::Owned(format!("data:{:032x}", xxh3_128(data.as_bytes()))), ""),
        };
        let (kind, source) = (FACE, place.source);
        sink.upload(Upload {
            key: &key,
            kind,
            name: media::last(path),
            path,
            inline,
            source,
            ..Upload::default()
        });
        match self.settings.uploaded.find(source, &key, !inline.is_empty()) {
            Some(UploadOutcome::There(file)) => Cow::Owned(file.url.clone()),
            _ => Cow::Borrowed(""),
        }
    }

    /// Tells of a user's picture alone, once it has an address.
    pub(super) fn face_of(&self, user: &str, told: &str, place: Place, sink: &mut dyn Sink) {
        let face = self.face(told, place, sink);
        if !face.is_empty() {
            sink.person(Person::new(Kind::User, user, "", &face));
        }
    }

    /// The message for a medium, and what is to be said of it; `None`: it is left out by the settings.
    pub(super) fn medium(&self, medium: &Medium<'_>, place: Place, sink: &mut dyn Sink) -> Option<Content> {
        let shown = match (&*medium.key, &medium.link) {
            ("", Some(link)) => media::bare(&link.url),
            ("", None) if medium.name.is_empty() => medium.kind.word(),
            ("", None) => &medium.name,
            (key, _) => media::bare(key),
        };
        let uploaded = self.settings.uploaded.find(place.source, shown, medium.link.is_some());
        if let Some(UploadOutcome::There(file)) = uploaded {
            let still = match self.settings.uploaded.find(place.source, &medium.still, false) {
                Some(UploadOutcome::There(still)) => Some(still),
                _ => None,
            };
            let mut codes = Vec::new();
            let content = uploaded::content(medium, file, still, &mut codes);
            for code in codes {
                sink.finding(Finding::new(code, place, shown));
            }
            return Some(content);
        }
        let root = self.settings.roots.of(place.source);
        let mut outcome = media::resolve(medium, &self.settings.media, &self.table, &root);
        if outcome.based && self.settings.roots.is_shared(place.source, &medium.path) {
            sink.finding(Finding::new(&codes::MEDIA_PATH_SHARED, place, &medium.path));
        }
        if let Some(UploadOutcome::Not(problem)) = uploaded.filter(|_| outcome.upload) {
            // That it lies somewhere says less than why it does not lie where everybody can open it.
            let said = [codes::MEDIA_LOCAL.name, codes::MEDIA_SECRET.name];
            outcome.codes.retain(|code| !said.contains(&code.name));
            outcome.codes.push(uploaded::told(*problem));
        }
        for code in outcome.codes {
            sink.finding(Finding::new(code, place, shown));
        }
        if outcome.upload {
            sink.upload(Upload {
                key: shown,
                name: &medium.name,
                kind: medium.kind.word(),
                size: medium.size,
                link: medium.link.as_ref().map_or("", |l| media::bare(&l.url)),
                url: medium.link.as_ref().map_or("", |l| &l.url),
                path: &medium.path,
                inline: "",
                snapshot: &medium.still,
                source: place.source,
            });
        }
        outcome.content
    }

    fn odd(&self, odd: Odd<'_>) -> Option<Content> {
        let policy = &self.settings.policy;
        let setting = match odd.what {
            What::Sticker => policy.stickers,
            What::Location => policy.locations,
            What::Card => policy.cards,
            What::Poll => policy.polls,
            What::Merged | What::Other => policy.others,
        };
        match setting {
            Special::Text => Some(Content::text(&odd.text)),
            Special::Skip => None,
            Special::Custom => {
                let mut data = odd.data;
                if let Value::Object(data) = &mut data {
                    data.entry("type").or_insert_with(|| odd.what.word().into());
                }
                Some(Content::custom(&data.to_string(), &odd.text, ""))
            }
        }
    }
}

fn message<'a>(
    draft: &'a Draft<'_>,
    place: Place,
    content: Content,
    ex: String,
    quote: Option<Quote<'a>>,
) -> Message<'a> {
    let peer = match &draft.peer {
        Peer::User(user) => Peer::User(Cow::Borrowed(user)),
        Peer::Group(group) => Peer::Group(Cow::Borrowed(group)),
    };
    let source_id = draft.id.as_deref().map(|id| match place.part - draft.place.part {
        0 => Cow::Borrowed(id),
        part => Cow::Owned(format!("{id}#{part}")),
    });
    Message {
        sender: Cow::Borrowed(&draft.sender),
        peer,
        nickname: Cow::Borrowed(&draft.nickname),
        face_url: Cow::Borrowed(&draft.face_url),
        platform: draft.platform as i32,
        content_type: content.kind.code(),
        content: Cow::Owned(content.json),
        send_time: draft.time,
        ex: Cow::Owned(ex),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id,
        quote: quote.filter(|_| content.kind == ContentType::Quote),
        place,
    }
}

/// A record that gives no message because something is wrong with it.
pub(super) fn refuse(sink: &mut dyn Sink, code: &'static Code, place: Place, value: &str) {
    sink.finding(Finding::new(code, place, value));
}

/// A record that is no JSON of the right shape. Says what is wrong, never what stands there: records can hold
/// tokens.
pub(super) fn invalid(sink: &mut dyn Sink, place: Place, error: &serde_json::Error) {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it breaks off",
        serde_json::error::Category::Data => "it is JSON of another shape",
        serde_json::error::Category::Syntax => "it is no JSON",
        serde_json::error::Category::Io => "it can't be read",
    };
    let (line, column) = (error.line(), error.column());
    refuse(
        sink,
        &codes::RECORD_INVALID,
        place,
        &format!("{what} (line {line}, column {column} of the record)"),
    );
}

impl<'a> Mentions<'a> {
    /// As `atUserList` wants it, each once.
    fn list(self) -> Vec<Cow<'a, str>> {
        let mut all = Vec::new();
        let everyone = self.all.then_some(Cow::Borrowed("AtAllTag"));
        for user in everyone.into_iter().chain(self.users) {
            if !all.contains(&user) {
                all.push(user);
            }
        }
        all
    }

    fn is_empty(&self) -> bool {
        !self.all && self.users.is_empty()
    }
}

impl Extras<'_> {
    fn json(&self) -> String {
        if !self.own.is_empty() {
            return self.own.to_string();
        }
        if self.is_empty() {
            return String::new();
        }
        serde_json::to_string(self).expect("texts and numbers are always JSON")
    }

    fn is_empty(&self) -> bool {
        self.edited_at.is_none()
            && !self.edited
            && self.forwarded_from.is_empty()
            && self.reactions.is_empty()
            && self.mentions.is_empty()
            && self.reply_to.is_empty()
            && self.topic.is_empty()
    }
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Card => "card",
            Self::Poll => "poll",
            Self::Merged => "merged",
            Self::Other => "other",
        }
    }
}
