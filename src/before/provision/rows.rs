//! The files that provisioning takes: users, groups, friends, block lists, mutes, pins and bells; CSV or JSON lines.
//!
//! | file | columns or keys (first ones required) |
//! |---|---|
//! | users | `userID`, `nickname`, `faceURL` |
//! | groups | `groupID`, `ownerUserID`, `groupName`, `faceURL`, `adminUserIDs`, `memberUserIDs` |
//! | friends | `ownerUserID`, `friendUserIDs` |
//! | block lists | `ownerUserID`, `blackUserIDs` |
//! | former members | `groupID`, `formerUserIDs` |
//! | mutes | `groupID`, `userID`, `muteEndTime` |
//! | pins and bells | `userID`, `peerID` or `groupID`, `isPinned`, `recvMsgOpt` |
//! | occupied conversations | `conversation`, `way`, `groupID`, `groupName`, `ownerUserID`, `memberUserIDs`, `after` |
//!
//! The names are those of the server's API. A list is a JSON array, or, in CSV, ids with blanks, `,` or `;`
//! between them: no userID can hold one of these. A friendship has two sides and needs one row.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::finding::shorten;
use crate::numbers::plural;

/// A user with name and picture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRow {
    /// `userID`
    #[serde(rename = "userID", deserialize_with = "id")]
    pub id: String,
    /// Empty: the id is shown.
    #[serde(default, deserialize_with = "text")]
    pub nickname: String,
    /// May be empty.
    #[serde(default, rename = "faceURL", deserialize_with = "text")]
    pub face_url: String,
}

impl UserRow {
    /// A user of whom only the id is known.
    pub(super) fn bare(id: String) -> Self {
        Self { id, nickname: String::new(), face_url: String::new() }
    }
}

/// A group with who is in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRow {
    /// `groupID`
    #[serde(rename = "groupID", deserialize_with = "id")]
    pub id: String,
    /// Must be somebody: the server makes no group without.
    #[serde(rename = "ownerUserID", deserialize_with = "id")]
    pub owner: String,
    /// Empty: the id is shown.
    #[serde(default, rename = "groupName", deserialize_with = "text")]
    pub name: String,
    /// May be empty.
    #[serde(default, rename = "faceURL", deserialize_with = "text")]
    pub face_url: String,
    /// May be empty.
    #[serde(default, rename = "adminUserIDs", deserialize_with = "list")]
    pub admins: Vec<String>,
    /// May be empty; owner and admins need not be repeated.
    #[serde(default, rename = "memberUserIDs", deserialize_with = "list")]
    pub members: Vec<String>,
}

impl GroupRow {
    /// Owner, admins, members; perhaps somebody twice.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.owner).chain(&self.admins).chain(&self.members)
    }
}

/// What becomes of a conversation in which people have written already.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OccupiedRow {
    /// As the server names it.
    #[serde(deserialize_with = "id")]
    pub conversation: String,
    /// `archive`: its history goes into the group that follows; `behind`: there is none.
    #[serde(deserialize_with = "id")]
    pub way: String,
    /// `groupID`
    #[serde(default, rename = "groupID", deserialize_with = "text")]
    pub group: String,
    /// `groupName`
    #[serde(default, rename = "groupName", deserialize_with = "text")]
    pub name: String,
    /// `ownerUserID`
    #[serde(default, rename = "ownerUserID", deserialize_with = "text")]
    pub owner: String,
    /// `memberUserIDs`
    #[serde(default, rename = "memberUserIDs", deserialize_with = "list")]
    pub members: Vec<String>,
    /// Of no use here.
    #[serde(default, deserialize_with = "text")]
    pub after: String,
}

impl OccupiedRow {
    /// The group that has to be there.
    pub(super) fn archive(self) -> Option<GroupRow> {
        (self.way == "archive").then(|| GroupRow {
            id: self.group,
            owner: self.owner,
            name: self.name,
            face_url: String::new(),
            admins: Vec::new(),
            members: self.members,
        })
    }
}

/// Friends of a user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FriendRow {
    /// One side.
    #[serde(rename = "ownerUserID", deserialize_with = "id")]
    pub owner: String,
    /// The other side.
    #[serde(rename = "friendUserIDs", deserialize_with = "list")]
    pub friends: Vec<String>,
}

/// Whom a user has blocked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlackRow {
    /// Who blocks.
    #[serde(rename = "ownerUserID", deserialize_with = "id")]
    pub owner: String,
    /// Who is blocked.
    #[serde(rename = "blackUserIDs", deserialize_with = "list")]
    pub blacks: Vec<String>,
}

/// Who is to leave a group after its history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerRow {
    /// The group.
    #[serde(rename = "groupID", deserialize_with = "id")]
    pub group: String,
    /// Who.
    #[serde(rename = "formerUserIDs", deserialize_with = "list")]
    pub users: Vec<String>,
}

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// A row isn't what it must be.
    #[error("{}:{line}: {why}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong, with the value.
        why: String,
    },
}

/// Rows of a file, one after the other.
pub struct Rows<T> {
    path: PathBuf,
    from: Source,
    row: std::marker::PhantomData<fn() -> T>,
}

enum Source {
    Lines { reader: BufReader<fs_err::File>, line: u64, buffer: Vec<u8> },
    Csv { reader: Box<csv::Reader<BufReader<fs_err::File>>>, header: Vec<String> },
}

impl<T: DeserializeOwned> Rows<T> {
    /// Opens the file; its first character tells JSON lines (`{`) from CSV.
    pub fn open(path: &Path) -> Result<Self, RowError> {
        let mut reader = BufReader::new(fs_err::File::open(path)?);
        let start = reader.fill_buf()?;
        let bom = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let json = start[bom..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        reader.consume(bom);
        let bad = |why: String| RowError::Row { path: path.to_owned(), line: 1, why };
        let from = if json {
            Source::Lines { reader, line: 0, buffer: Vec::new() }
        } else {
            let mut reader = Box::new(csv::ReaderBuilder::new().flexible(false).from_reader(reader));
            let header = reader.headers().map_err(|error| bad(error.to_string()))?;
            let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
            if header.is_empty() {
                return Err(bad("the file is empty; a CSV begins with the names of its columns".into()));
            }
            Source::Csv { reader, header }
        };
        Ok(Self { path: path.to_owned(), from, row: std::marker::PhantomData })
    }

    /// The next row with its line, from 1; `None` at the end.
    pub fn row(&mut self) -> Result<Option<(u64, T)>, RowError> {
        let path = &self.path;
        let bad = |line: u64, why: String| RowError::Row { path: path.clone(), line, why };
        let (line, value) = match &mut self.from {
            Source::Lines { reader, line, buffer } => loop {
                buffer.clear();
                if reader.read_until(b'\n', buffer)? == 0 {
                    return Ok(None);
                }
                *line += 1;
                let text = buffer.trim_ascii();
                if !text.is_empty() {
                    let value: Value = serde_json::from_slice(text).map_err(|error| {
                        let at = error.column();
                        bad(
                            *line,
                            format!("no JSON at column {at}: `{}`", shorten(&String::from_utf8_lossy(text))),
                        )
                    })?;
                    break (*line, value);
                }
            },
            Source::Csv { reader, header } => {
                let mut record = csv::StringRecord::new();
                let more = reader.read_record(&mut record).map_err(|error| {
                    let line = error.position().map_or(0, csv::Position::line);
                    match error.kind() {
                        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                            let cells = plural(*len, "cell", "cells");
                            bad(line, format!("{cells} where the header has {expected_len}"))
                        }
                        _ => bad(line, error.to_string()),
                    }
                })?;
                if !more {
                    return Ok(None);
                }
                let line = record.position().map_or(0, csv::Position::line);
                let object: Map<String, Value> = header
                    .iter()
                    .zip(&record)
                    .map(|(name, cell)| (name.clone(), cell.trim().into()))
                    .collect();
                (line, Value::Object(object))
            }
        };
        serde_json::from_value(value)
            .map(|row| Some((line, row)))
            .map_err(|error| bad(line, error.to_string()))
    }
}

/// A text that must not be empty; a number is taken as it is written.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let id = text(from)?;
    if id.is_empty() { Err(de::Error::custom("an id is empty")) } else { Ok(id) }
}

pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    as_text(Value::deserialize(from)?)
}

fn as_text<E: de::Error>(value: Value) -> Result<String, E> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        Value::Null => Ok(String::new()),
        other => Err(E::custom(format!("`{}` is no text: put it in quotes", shorten(&other.to_string())))),
    }
}

/// An array of ids, or ids with blanks, `,` or `;` between them.
fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Array(values) => {
            values.into_iter().map(as_text).filter(|id| !matches!(id, Ok(id) if id.is_empty())).collect()
        }
        other => {
            let text = as_text(other)?;
            let ids = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
            Ok(ids.filter(|id| !id.is_empty()).map(str::to_owned).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<T: DeserializeOwned>(text: &str) -> Result<Vec<(u64, T)>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows");
        fs_err::write(&path, text).unwrap();
        let shown = |error: RowError| error.to_string().replace(&path.display().to_string(), "rows");
        let mut rows = Rows::open(&path).map_err(shown)?;
        let mut found = Vec::new();
        while let Some(row) = rows.row().map_err(shown)? {
            found.push(row);
        }
        Ok(found)
    }

    #[test]
    fn csv_and_json_lines_say_the_same() {
        let csv = all::<GroupRow>(
            "\u{feff}groupID,ownerUserID,groupName,adminUserIDs,memberUserIDs\r\n\
             g1,007,\"Board, the\",,a;b c\r\n",
        );
        let json = all::<GroupRow>(
            "\n{\"groupID\":\"g1\",\"ownerUserID\":\"007\",\"groupName\":\"Board, the\",\"memberUserIDs\":[\"a\",\"b\",\"c\"]}\n",
        );
        assert_eq!(csv.as_ref().unwrap()[0].1, json.unwrap()[0].1);
        assert_eq!(csv.unwrap()[0].1.members, ["a", "b", "c"]);
    }

    #[test]
    fn ids_stay_text() {
        let rows = all::<UserRow>("{\"userID\":1234567890123456789,\"nickname\":null}\n").unwrap();
        assert_eq!(rows[0].1.id, "1234567890123456789");
        assert_eq!(all::<UserRow>("userID\n0012\n").unwrap()[0].1.id, "0012");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let errors = [
            all::<UserRow>("userID,nick\nu1,A\n").unwrap_err(),
            all::<UserRow>("{\"userID\":\"u1\"}\n{\"userID\":\n").unwrap_err(),
            all::<UserRow>("userID,nickname\nu1,A\n,B\n").unwrap_err(),
            all::<GroupRow>("groupID,groupName\ng,G\n").unwrap_err(),
            all::<UserRow>("userID,nickname\nu1\n").unwrap_err(),
            all::<UserRow>("").unwrap_err(),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        rows:2: unknown field `nick`, expected one of `userID`, `nickname`, `faceURL`
        rows:2: no JSON at column 10: `{"userID":`
        rows:3: an id is empty
        rows:2: missing field `ownerUserID`
        rows:2: 1 cell where the header has 2
        rows:1: the file is empty; a CSV begins with the names of its columns
        "#);
    }
}
