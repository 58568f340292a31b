//! Mattermost's compliance export as CSV: one row a post.
//!
//! | in the export | becomes |
//! |---|---|
//! | `Channel Type` `direct` | single chat with the other of the two in `Channel Name` (`<id>__<id>`) |
//! | `public`, `private`, `group` | group `Channel Id` |
//! | `Post Type` `message` | 101 |
//! | `Post Type` `join`, `leave`, `previously-joined`, … | left out (`system-row`) |
//! | `deleted …` | left out (`recalled`), or by `[policy]` |
//! | `Edited By Post Id` | left out (`edited-version`), or by `[policy]` |
//! | `Replied to Post Id` | quote |
//! | `Username`, `Channel Display Name` | names of users and groups |
//!
//! Traps: names of columns have blanks · cells have several lines · the peer of a direct channel stands in its name
//! alone, twice the same for a chat with oneself · rows of joining have no post id.
//!
//! The same as `examples/mattermost-compliance.toml`, with names, quotes and versions.
//!
//! Learnt from mattermost/docs, sample `csv_export.zip` (4,818 rows), and mattermost/mattermost
//! `message_export/csv_export`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::codes::{self, reason};
use super::super::compose::{Composer, Draft, Extras, Mentions, Part, Platform, Reply, refuse};
use super::super::settings::Edited;
use crate::export::cut::{Cutter, Rows};
use crate::export::{self, Chunk, Dialect, ExportError, Found, Input, Layout};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Mapper, Record as Raw, Row, Sink, codes as mapping_codes, each};
use crate::message::{Peer, Place, SendTime};

/// Both halves of the format.
pub(in super::super) struct Compliance {
    composer: Composer,
    export: export::Settings,
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
    pub(in super::super) fn new(composer: Composer, export: export::Settings) -> Self {
        Self { composer, export }
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
        let deleted = match cell(at.kind) {
            "message" => false,
            kind if kind.starts_with("deleted") => true,
            _ => return sink.left_out(place, reason::SYSTEM_ROW),
        };
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
        let replied_to = Some(maybe(at.replied_to)).filter(|id| !id.is_empty());
        let draft = Draft {
            place,
            id: row.cell(at.post).map(Cow::Borrowed),
            sender: Cow::Borrowed(user),
            nickname: Cow::Borrowed(maybe(at.username)),
            face_url: Cow::Borrowed(""),
            peer,
            platform: Platform::default(),
            time: SendTime(time),
            mentions: Mentions::default(),
            reply: replied_to.map(|target| Reply { target: Cow::Borrowed(target), quoted: None }),
            extras: Extras::default(),
        };
        if deleted {
            return self.composer.recalled(draft, "[message deleted]", sink);
        }
        self.composer.send(draft, vec![Part::Text(Cow::Borrowed(cell(at.message)))], sink);
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
