//! Conversations that were occupied before their history came: people have written in them later than it begins, and
//! behind newer messages nobody can scroll it (law 15). What becomes of each stands in a table.
//!
//! | column | |
//! |---|---|
//! | `conversation` | as the server names it: `si_<user>_<user>`, `sg_<group>` |
//! | `way` | `archive`: the history goes into a group of its own; `behind`: after what people wrote, with times of then |
//! | `groupID`, `groupName`, `ownerUserID`, `memberUserIDs` | the archive: a group that `provision` makes |
//! | `after` | `behind`: the time after which its messages are sent, ms |
//!
//! It is a mapping: whatever reads the export with the same table gives each message the same conversation.

mod mapper;

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::finding::shorten;
use crate::message::{ConversationId, Message, Peer, SendTime};
use crate::visible::{cell, cell_as_it_was};

pub use mapper::Diverted;

/// `[occupied]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The table.
    pub table: Option<PathBuf>,
}

/// What becomes of a conversation's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// It goes into a group of its own.
    Archive(Archive),
    /// It goes behind what people wrote, with times after that one.
    Behind(SendTime),
}

/// A group that holds a history beside the conversation it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its id; see [`archive_id`].
    pub group: String,
    /// Its name says what it is.
    pub name: String,
    /// One of its members.
    pub owner: String,
    /// Those of the conversation; of a private chat the two.
    pub members: Vec<String>,
}

/// The table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    rows: HashMap<ConversationId, Way>,
}

/// Why a table can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It can't be opened, read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The table.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of it is wrong.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The table.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong and how to mend it.
        what: String,
    },
}

/// A line as it is written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Line {
    conversation: String,
    way: String,
    #[serde(rename = "groupID")]
    group: String,
    #[serde(rename = "groupName")]
    name: String,
    #[serde(rename = "ownerUserID")]
    owner: String,
    #[serde(rename = "memberUserIDs")]
    members: String,
    after: String,
}

/// The groupID of a conversation's archive: a function of its name alone, so that a lost job, a later pass and another
/// part of the history find the same. It has no `_`: no two users' queue can be called so (law 11).
pub fn archive_id(conversation: &ConversationId) -> String {
    format!("archive{:016x}", xxh3_64(conversation.as_str().as_bytes()))
}

impl Table {
    /// Reads it.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let file = |source| TableError::File { path: path.to_owned(), source };
        let text = fs_err::read_to_string(path).map_err(file)?;
        Self::parse(path, text.trim_start_matches('\u{feff}'))
    }

    fn parse(path: &Path, text: &str) -> Result<Self, TableError> {
        let wrong = |line: u64, what: String| TableError::Line { path: path.to_owned(), line, what };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let mut table = Self::default();
        let mut rows = reader.deserialize::<Line>();
        while let Some(row) = rows.next() {
            let line = rows.reader().position().line().saturating_sub(1);
            let row = row.map_err(|error| {
                let at = error.position().map_or(line, csv::Position::line);
                wrong(at, error.to_string())
            })?;
            let (conversation, way) = row
                .each_cell(|text| cell_as_it_was(text).to_owned())
                .read()
                .map_err(|what| wrong(line, what))?;
            if table.rows.insert(conversation.clone(), way).is_some() {
                return Err(wrong(line, format!("`{conversation}` stands here a second time")));
            }
        }
        table.is_no_circle().map_err(|what| wrong(1, what))?;
        Ok(table)
    }

    /// Writes it, in the order of the conversations' names; a new file can be read by its owner alone.
    pub fn write(&self, path: &Path) -> Result<(), TableError> {
        let file = |source| TableError::File { path: path.to_owned(), source };
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(conversation, _)| *conversation);
        let mut out = csv::Writer::from_writer(Vec::new());
        for (conversation, way) in rows {
            let line = Line::of(conversation, way).each_cell(|text| cell(text).into_owned());
            out.serialize(line).map_err(|error| file(error.into()))?;
        }
        let bytes = out.into_inner().map_err(|error| file(error.into_error()))?;
        let mut options = fs_err::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).and_then(|mut to| to.write_all(&bytes)).map_err(file)
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a conversation, or what becomes of it from now on.
    pub fn insert(&mut self, conversation: ConversationId, way: Way) {
        self.rows.insert(conversation, way);
    }

    /// What becomes of a conversation.
    pub fn way(&self, conversation: &ConversationId) -> Option<&Way> {
        self.rows.get(conversation)
    }

    /// The conversations whose histories go behind what people wrote, and after when.
    pub fn behind(&self) -> impl Iterator<Item = (&ConversationId, SendTime)> {
        self.rows.iter().filter_map(|(conversation, way)| match way {
            Way::Behind(after) => Some((conversation, *after)),
            Way::Archive(_) => None,
        })
    }

    /// What becomes of a message; of an archive in which people have written in turn, what becomes of that.
    fn of(&self, message: &Message<'_>) -> Option<&Way> {
        let conversation = message.conversation();
        let mut way = self.rows.get(&conversation)?;
        if let (Way::Archive(archive), Peer::User(to)) = (way, &message.peer) {
            // Two pairs can share a name (law 11), and only one of them is meant.
            let is_meant = |user: &str| archive.members.iter().any(|member| member == user);
            if !is_meant(&message.sender) || !is_meant(to) {
                return None;
            }
        }
        while let Way::Archive(archive) = way
            && let Some(further) = self.rows.get(&ConversationId::group(&archive.group))
        {
            way = further;
        }
        Some(way)
    }

    /// No archive leads back to itself.
    fn is_no_circle(&self) -> Result<(), String> {
        for start in self.rows.keys() {
            let mut at = start.clone();
            let mut steps = 0;
            while let Some(Way::Archive(archive)) = self.rows.get(&at) {
                at = ConversationId::group(&archive.group);
                steps += 1;
                if steps > self.rows.len() {
                    return Err(format!("the archive of `{start}` leads back to itself"));
                }
            }
        }
        Ok(())
    }
}

impl Line {
    fn read(&self) -> Result<(ConversationId, Way), String> {
        let conversation = ConversationId(self.conversation.clone());
        if !self.conversation.starts_with("si_") && !self.conversation.starts_with("sg_") {
            let shown = shorten(&self.conversation);
            return Err(format!("`{shown}` is no conversation: write `si_<user>_<user>` or `sg_<group>`"));
        }
        match self.way.as_str() {
            "archive" => {
                let members: Vec<String> = self
                    .members
                    .split([' ', ',', ';'])
                    .filter(|member| !member.is_empty())
                    .map(str::to_owned)
                    .collect();
                if self.group.is_empty() || self.owner.is_empty() {
                    return Err("an archive needs a groupID and an ownerUserID".to_owned());
                }
                let is_pair = matches!(&members[..], [a, b] if ConversationId::single(a, b) == conversation);
                if self.conversation.starts_with("si_") && !is_pair {
                    return Err(format!("memberUserIDs of `{conversation}` are its two users"));
                }
                let (group, name, owner) = (self.group.clone(), self.name.clone(), self.owner.clone());
                Ok((conversation, Way::Archive(Archive { group, name, owner, members })))
            }
            "behind" => {
                let after = self.after.parse().map_err(|_| {
                    format!("`{}` is no time: `after` has milliseconds since 1970", shorten(&self.after))
                })?;
                Ok((conversation, Way::Behind(SendTime(after))))
            }
            other => Err(format!("`{}` is no way: there are archive and behind", shorten(other))),
        }
    }

    /// What an export called its people and groups, otherwise: a spreadsheet would take some of it for a formula.
    fn each_cell(mut self, change: impl Fn(&str) -> String) -> Self {
        for cell in [&mut self.group, &mut self.name, &mut self.owner, &mut self.members] {
            *cell = change(cell);
        }
        self
    }

    fn of(conversation: &ConversationId, way: &Way) -> Self {
        let conversation = conversation.0.clone();
        match way {
            Way::Archive(Archive { group, name, owner, members }) => Self {
                conversation,
                way: "archive".to_owned(),
                group: group.clone(),
                name: name.clone(),
                owner: owner.clone(),
                members: members.join(" "),
                after: String::new(),
            },
            Way::Behind(after) => {
                Self { conversation, way: "behind".to_owned(), after: after.0.to_string(), ..Self::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests;
