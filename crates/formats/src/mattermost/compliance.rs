//! Mattermost's compliance export as CSV: one row a post.
//!
//! | in the export | becomes |
//! |---|---|
//! | `Channel Type` `direct` | single chat with the other of the two in `Channel Name` (`<id>__<id>`) |
//! | `public`, `private`, `group` | group `Channel Id` |
//! | `Post Type` `message`, `me`, `slack_attachment`, `custom_…` | 101, or 106 where it calls on somebody |
//! | `Post Type` `enter`, `leave`, `previously-joined`, `system_…` | left out (`system-row`) |
//! | `attachment` · `deleted attachment` | 102, 104 or 105, by the ending of the name · left out (`recalled`) |
//! | a row with the same `Post Id` and `delete …`, and the post itself | left out (`recalled`), or by `[policy]` |
//! | `Edited By Post Id` | left out (`edited-version`), or by `[policy]` |
//! | `Replied to Post Id` | quote |
//! | `@username`, `@channel`, `@all`, `@here` | 106, for users who wrote or came in |
//! | `Username`, `Channel Display Name` | names of users and groups |
//!
//! Traps: names of columns have blanks · cells have several lines · the peer of a direct channel stands in its name
//! alone, twice the same for a chat with oneself · rows of joining have no post id · that a post was deleted stands
//! in a row behind it, with the time of the deletion; **so each file is read twice** · rows of files have the id of
//! their post, and since there is `Previews Post Id` a cell less than the others.
//!
//! The same as `examples/mattermost-compliance.toml`, with names, quotes and versions.
//!
//! Learnt from mattermost/docs, sample `csv_export.zip` (4,818 rows), and mattermost/mattermost
//! `message_export/csv_export/csv_export.go`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::super::Ignore;
use super::super::codes::{self, reason};
use super::super::compose::{Composer, Draft, Extras, Mentions, Part, Platform, Reply, refuse};
use super::super::media::{Kind as MediaKind, Medium, mime_by_name};
use super::super::settings::{Edited, Recalled};
use super::mentions;
use crate::export::cut::{Cutter, Rows};
use crate::export::{
    self, CHUNK, Chunk, Context, Dialect, ExportError, Found, Input, Layout, Origin, Pool, ShortRows,
};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Mapper, Record as Raw, Row, Sink, codes as mapping_codes, each};
use crate::message::{Peer, Place, SendTime, SourceNo};

/// Both halves of the format.
pub(in super::super) struct Compliance {
    composer: Composer,
    export: export::Settings,
    known: OnceLock<Known>,
}

/// What the first reading told.
#[derive(Default)]
struct Known {
    /// Ids of users by the names that mentions call them.
    users: HashMap<String, String>,
    /// Posts that were deleted, and when: the time that stands in the row which says so.
    deleted: HashMap<String, String>,
}

/// What a row is, by its `Post Type`.
enum Kind {
    Written,
    File,
    Deleted,
    System,
    Unknown,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "message" | "me" | "slack_attachment" | "reminder" => Self::Written,
            custom if custom.starts_with("custom_") => Self::Written,
            "attachment" => Self::File,
            deleted if deleted.starts_with("deleted") => Self::Deleted,
            "enter" | "join" | "leave" | "previously-joined" => Self::System,
            system if system.starts_with("system_") => Self::System,
            _ => Self::Unknown,
        }
    }
}

/// Where each column is in a file.
struct Columns {
    time: usize,
    channel: usize,
    channel_name: usize,
    channel_shown: Option<usize>,
    channel_type: usize,
    user: usize,
    username: Option<usize>,
    post: usize,
    edited_by: Option<usize>,
    replied_to: Option<usize>,
    message: usize,
    kind: usize,
}

impl Columns {
    /// By their names; the first that is missing, otherwise.
    fn of(position: impl Fn(&str) -> Option<usize>) -> Result<Self, &'static str> {
        let may = |name| position(name);
        let must = |name| position(name).ok_or(name);
        Ok(Self {
            time: must("Post Creation Time")?,
            channel: must("Channel Id")?,
            channel_name: must("Channel Name")?,
            channel_shown: may("Channel Display Name"),
            channel_type: must("Channel Type")?,
            user: must("User Id")?,
            username: may("Username"),
            post: must("Post Id")?,
            edited_by: may("Edited By Post Id"),
            replied_to: may("Replied to Post Id"),
            message: must("Post Message")?,
            kind: must("Post Type")?,
        })
    }
}

impl Compliance {
    pub(in super::super) fn new(composer: Composer, mut export: export::Settings) -> Self {
        export.csv.short_rows = ShortRows::Fill;
        Self { composer, export, known: OnceLock::new() }
    }

    fn row(&self, row: Row<'_>, at: &Columns, told: &mut HashSet<String>, place: Place, sink: &mut dyn Sink) {
        let cell = |column: usize| row.cell(column).unwrap_or_default();
        let maybe = |column: Option<usize>| column.map_or("", cell);
        let (user, channel, channel_name) = (cell(at.user), cell(at.channel), cell(at.channel_name));
        let direct = cell(at.channel_type) == "direct";
        let mut tell = |kind, id: &str, name: &str| {
            if !id.is_empty() && !name.is_empty() && !told.contains(id) {
                told.insert(id.to_owned());
                sink.person(Person::new(kind, id, name, ""));
            }
        };
        tell(PersonKind::User, user, maybe(at.username));
        if !direct {
            tell(PersonKind::Group, channel, maybe(at.channel_shown));
        }
        let (post, words) = (cell(at.post), cell(at.message));
        let kind = Kind::of(cell(at.kind));
        match kind {
            Kind::System => return sink.left_out(place, reason::SYSTEM_ROW),
            Kind::Unknown if cell(at.kind).is_empty() => {
                return refuse(sink, &codes::RECORD_INVALID, place, "it breaks off: there is no Post Type");
            }
            Kind::Unknown => refuse(sink, &codes::ELEMENT_UNKNOWN, place, cell(at.kind)),
            _ => {}
        }
        let deleted_at = self.known.get().and_then(|known| known.deleted.get(post));
        let is_file = matches!(kind, Kind::File);
        if !is_file && deleted_at.is_some_and(|time| *time == cell(at.time)) && words.starts_with(DELETE) {
            // What it says is said of the post itself.
            return sink.left_out(place, reason::RECALLED);
        }
        let deleted = matches!(kind, Kind::Deleted) || deleted_at.is_some();
        if !maybe(at.edited_by).is_empty() && self.composer.policy().edited == Edited::Last {
            return sink.left_out(place, reason::EDITED_VERSION);
        }
        if user.is_empty() {
            return refuse(sink, &codes::SENDER_MISSING, place, cell(at.post));
        }
        let Ok(time) = cell(at.time).parse::<i64>() else {
            return refuse(sink, &codes::TIME_INVALID, place, cell(at.time));
        };
        let peer = if direct {
            // Ids have letters and digits alone.
            match channel_name.split_once("__") {
                Some((one, other)) if user == one => Peer::User(Cow::Borrowed(other)),
                Some((one, other)) if user == other => Peer::User(Cow::Borrowed(one)),
                Some(_) => {
                    refuse(sink, &codes::OUTSIDER, place, user);
                    return sink.left_out(place, reason::OUTSIDER);
                }
                None => return refuse(sink, &codes::PEER_UNKNOWN, place, channel_name),
            }
        } else if channel.is_empty() {
            return refuse(sink, &codes::CONVERSATION_UNKNOWN, place, channel_name);
        } else {
            Peer::Group(Cow::Borrowed(channel))
        };
        let replied_to = Some(maybe(at.replied_to)).filter(|id| !id.is_empty() && !is_file);
        let file = File::of(words).filter(|_| is_file);
        let id = match &file {
            Some(file) => Some(Cow::Owned(format!("{post}/{}", file.id()))),
            None => row.cell(at.post).map(Cow::Borrowed),
        };
        let draft = Draft {
            place,
            id,
            sender: Cow::Borrowed(user),
            nickname: Cow::Borrowed(maybe(at.username)),
            face_url: Cow::Borrowed(""),
            peer,
            platform: Platform::default(),
            time: SendTime(time),
            mentions: self.mentions(words),
            reply: replied_to.map(|target| Reply { target: Cow::Borrowed(target), quoted: None }),
            extras: Extras::default(),
        };
        let part = match file {
            Some(file) => Part::Medium(file.medium()),
            None => Part::Text(Cow::Borrowed(words)),
        };
        if deleted && self.composer.policy().recalled != Recalled::Keep {
            return self.composer.recalled(draft, "[message deleted]", sink);
        }
        self.composer.send(draft, vec![part], sink);
    }

    fn mentions(&self, words: &str) -> Mentions<'_> {
        let Some(known) = self.known.get() else { return Mentions::default() };
        mentions(words, |name| known.users.get(name).map(|id| Cow::Borrowed(id.as_str())))
    }

    /// Looks through a file for the names of users, and for what was deleted.
    fn look(&self, file: &Found, known: &mut Known) -> Result<(), ExportError> {
        let mut input = Input::open(file, SourceNo(0), None)?;
        let dialect = Dialect::new(&self.export, input.head())?;
        let mut cutter = Rows::new(self.export.max_record, self.export.csv.clone(), dialect);
        let (mut pool, context) = (Pool::new(CHUNK), Arc::new(Context::default()));
        let mut last = String::new();
        while let Some(chunk) = cutter.next(&mut input, &context, &mut pool)? {
            let table = chunk.context.table.as_ref();
            if let Some(Ok(at)) = table.map(|table| Columns::of(|name| table.position(name))) {
                each(&chunk, &mut Ignore, &mut |_, raw, _| {
                    let Raw::Row(row) = raw else { return };
                    let cell = |column: usize| row.cell(column).unwrap_or_default();
                    let (name, user, post) = (at.username.map_or("", cell), cell(at.user), cell(at.post));
                    if !name.is_empty() && !known.users.contains_key(name) {
                        known.users.insert(name.to_ascii_lowercase(), user.to_owned());
                    }
                    // It stands right behind the post.
                    if !post.is_empty() && *post == last && cell(at.message).starts_with(DELETE) {
                        known.deleted.insert(post.to_owned(), cell(at.time).to_owned());
                    }
                    last.clear();
                    last.push_str(post);
                });
            }
            pool.give(chunk.text);
        }
        Ok(())
    }
}

/// In front of the words of a post, in the row that says that it was deleted.
const DELETE: &str = "delete ";

/// A file of a post: `plan.pdf (files/<post>/<id>-plan.pdf)`.
struct File<'a> {
    name: &'a str,
    path: &'a str,
}

impl<'a> File<'a> {
    fn of(words: &'a str) -> Option<Self> {
        let (name, path) = words.strip_suffix(')')?.rsplit_once(" (files/")?;
        let path = &words[words.len() - path.len() - "files/".len() - 1..words.len() - 1];
        Some(Self { name, path })
    }

    /// What is between the last slash and the name, which begins behind the first hyphen.
    fn id(&self) -> &'a str {
        let last = self.path.rsplit('/').next().unwrap_or(self.path);
        last.split('-').next().unwrap_or(last)
    }

    fn medium(&self) -> Medium<'a> {
        Medium {
            kind: MediaKind::of("", self.name),
            key: Cow::Borrowed(self.path),
            path: Cow::Borrowed(self.path),
            name: Cow::Borrowed(self.name),
            mime: Cow::Borrowed(mime_by_name(self.name)),
            ..Medium::default()
        }
    }
}

impl Mapper for Compliance {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let Some(table) = &chunk.context.table else { return };
        // What is missing was said when the file was opened.
        let Ok(columns) = Columns::of(|name| table.position(name)) else { return };
        let mut told = HashSet::new();
        each(chunk, sink, &mut |place, raw, sink| {
            if let Raw::Row(row) = raw {
                self.row(row, &columns, &mut told, place, sink);
            }
        });
    }
}

impl Layout for Compliance {
    fn belongs(&self, inside: &str) -> bool {
        let name = inside.to_ascii_lowercase();
        let hidden =
            name.split('/').any(|part| part.starts_with('.') || matches!(part, "__macosx" | "files"));
        super::super::ending(&name) == "csv" && !hidden
    }

    fn endings(&self) -> String {
        "posts.csv".to_owned()
    }

    fn arrange(&self, found: &mut Vec<Found>) -> Result<(), ExportError> {
        let mut known = Known::default();
        for file in found.iter().filter(|f| f.origin != Origin::Stdin) {
            self.look(file, &mut known)?;
        }
        // A second reading of the same files finds the same.
        self.known.get_or_init(|| known);
        Ok(())
    }

    fn cutter(&self, input: &mut Input, _: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        let dialect = Dialect::new(&self.export, input.head())?;
        let mut names = csv::StringRecord::new();
        // What is no text has none of these names.
        dialect.reader(input.head()).read_record(&mut names).ok();
        if let Err(column) = Columns::of(|name| names.iter().position(|cell| cell.trim() == name))
            && !input.head().is_empty()
        {
            input.note(&mapping_codes::COLUMN_MISSING, column);
        }
        Ok(Box::new(Rows::new(self.export.max_record, self.export.csv.clone(), dialect)))
    }
}

#[cfg(test)]
mod tests;
