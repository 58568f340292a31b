//! The user file: `id,openim_id,nickname,face_url,kind`, as CSV or JSONL. What `users` prints can be read back.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use super::Kind;
use crate::finding::shorten;
use crate::message::UserId;
use crate::visible::cell_as_it_was;

/// The lines of a user file, looked up by id. A million of them take about 100 MB.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Of each line: number, kind, and the four columns; `\0` behind each, which no id has.
    text: String,
    /// Hash of kind and id, and where the line begins in `text`; sorted.
    index: Vec<(u64, u32)>,
}

/// What the user file says about one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Listed<'a> {
    /// Empty: the file leaves it open.
    pub(super) openim_id: &'a str,
    /// Empty: the file leaves it open.
    pub(super) nickname: &'a str,
    /// Empty: the file leaves it open.
    pub(super) face_url: &'a str,
}

/// Why a user file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It can't be opened or read.
    #[error("the user file can't be read: {0}")]
    Read(#[from] std::io::Error),
    /// A line of it is wrong.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The user file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong and how to mend it.
        what: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Line {
    id: String,
    openim_id: String,
    nickname: String,
    face_url: String,
    kind: String,
    /// Printed by `users`, of no use here.
    #[serde(rename = "email")]
    _email: serde::de::IgnoredAny,
    /// The same.
    #[serde(rename = "messages")]
    _messages: serde::de::IgnoredAny,
}

impl Line {
    /// Without what `users` puts in front of cells that a spreadsheet would take for formulas.
    fn without_marks(self) -> Self {
        let was = |text: String| cell_as_it_was(&text).to_owned();
        Self {
            id: was(self.id),
            openim_id: was(self.openim_id),
            nickname: was(self.nickname),
            face_url: was(self.face_url),
            ..self
        }
    }
}

impl List {
    pub(super) fn read(path: &Path) -> Result<Self, ListError> {
        Self::parse(path, fs_err::File::open(path)?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub(super) fn find(&self, kind: Kind, id: &str) -> Option<Listed<'_>> {
        let hash = hash(kind, id);
        let from = self.index.partition_point(|(h, _)| *h < hash);
        self.index[from..]
            .iter()
            .take_while(|(h, _)| *h == hash)
            .map(|(_, at)| self.line(*at))
            .find(|line| line.kind == kind && line.id == id)
            .map(|line| line.listed)
    }

    fn parse(path: &Path, file: impl Read) -> Result<Self, ListError> {
        let wrong = |line: u64, what: String| ListError::Line { path: path.to_owned(), line, what };
        let mut file = BufReader::new(file);
        if file.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            file.consume(3);
        }
        let mut list = Self::default();
        let first = file.fill_buf()?;
        if first.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            for (n, line) in file.split(b'\n').enumerate() {
                let (line, n) = (line?, n as u64 + 1);
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let line =
                    serde_json::from_slice(&line).map_err(|error| wrong(n, in_words(&error.to_string())))?;
                list.add(&line, n).map_err(|what| wrong(n, what))?;
            }
        } else {
            let delimiter = delimiter(first);
            let mut rows =
                csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(file);
            let header = rows.headers().map_err(|error| wrong(1, csv_words(&error)))?;
            if !header.iter().any(|name| name == "id") {
                let what = format!("there is no column `id`; a user file has {COLUMNS}");
                return Err(wrong(1, what));
            }
            let mut rows = rows.into_deserialize::<Line>();
            while let Some(row) = rows.next() {
                let n = match &row {
                    Err(error) => error.position().map_or(1, csv::Position::line),
                    Ok(_) => rows.reader().position().line().saturating_sub(1),
                };
                let row = row.map_err(|error| wrong(n, csv_words(&error)))?.without_marks();
                list.add(&row, n).map_err(|what| wrong(n, what))?;
            }
        }
        list.sort().map_err(|(line, what)| wrong(line, what))?;
        Ok(list)
    }

    fn add(&mut self, line: &Line, n: u64) -> Result<(), String> {
        let kind = match line.kind.as_str() {
            "" | "user" => Kind::User,
            "group" => Kind::Group,
            other => return Err(format!("`kind` is `{}`; write `user` or `group`", shorten(other))),
        };
        if line.id.is_empty() {
            return Err("`id` is empty; it is what the export calls the user or group".to_owned());
        }
        for id in [&line.id, &line.openim_id] {
            if is_rounded(id) {
                return Err(format!(
                    "`{id}` is a number that a spreadsheet has rounded; make the column text before saving"
                ));
            }
        }
        if kind == Kind::User && !line.openim_id.is_empty() && !UserId::is_legal(&line.openim_id) {
            return Err(format!(
                "`{}` can't be a userID: OpenIM takes letters, digits and `_`; leave `openim_id` empty to \
                 have one made",
                shorten(&line.openim_id)
            ));
        }
        let at = u32::try_from(self.text.len()).map_err(|_| "the user file is above 4 GiB".to_owned())?;
        self.index.push((hash(kind, &line.id), at));
        let n = n.to_string();
        let kind = if kind == Kind::User { "u" } else { "g" };
        for text in [n.as_str(), kind, &line.id, &line.openim_id, &line.nickname, &line.face_url] {
            if text.contains('\0') {
                return Err("it has a NUL character".to_owned());
            }
            self.text.push_str(text);
            self.text.push('\0');
        }
        Ok(())
    }

    fn line(&self, at: u32) -> Entry<'_> {
        let mut fields = self.text[at as usize..].split('\0');
        let mut next = || fields.next().unwrap_or_default();
        Entry {
            line: next().parse().unwrap_or_default(),
            kind: if next() == "u" { Kind::User } else { Kind::Group },
            id: next(),
            listed: Listed { openim_id: next(), nickname: next(), face_url: next() },
        }
    }

    /// Sorts the index; an id that is there twice must be the same both times.
    fn sort(&mut self) -> Result<(), (u64, String)> {
        let mut index = std::mem::take(&mut self.index);
        index.sort_unstable();
        for (n, (hash, at)) in index.iter().enumerate() {
            let entry = self.line(*at);
            let same_hash = index[..n].iter().rev().take_while(|(h, _)| h == hash);
            for other in same_hash.map(|(_, at)| self.line(*at)) {
                if (other.kind, other.id) == (entry.kind, entry.id) && other.listed != entry.listed {
                    let id = shorten(entry.id);
                    let what = format!("`{id}` stands in line {} already, with other values", other.line);
                    return Err((entry.line, what));
                }
            }
        }
        self.index = index;
        Ok(())
    }
}

struct Entry<'a> {
    line: u64,
    kind: Kind,
    id: &'a str,
    listed: Listed<'a>,
}

const COLUMNS: &str = "`id`, `openim_id`, `nickname`, `face_url`, and `kind` (`user` or `group`)";

fn hash(kind: Kind, id: &str) -> u64 {
    xxh3_64(id.as_bytes()) ^ u64::from(kind == Kind::Group)
}

/// `;` and tab are what spreadsheets write in half the world.
fn delimiter(first: &[u8]) -> u8 {
    let header = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| memchr::memchr_iter(delimiter, header).count();
    // The last of equals is taken.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// `7.43E+18`
fn is_rounded(id: &str) -> bool {
    let Some((digits, exponent)) = id.split_once("E+") else { return false };
    let Some((whole, rest)) = digits.split_once(['.', ',']) else { return false };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    number(whole) && number(rest) && number(exponent)
}

fn csv_words(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8; save it as “CSV UTF-8”".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let cells = crate::numbers::plural(*len, "cell", "cells");
            format!("it has {cells}, the first line has {expected_len}")
        }
        csv::ErrorKind::Deserialize { err, .. } => in_words(&err.kind().to_string()),
        _ => error.to_string(),
    }
}

fn in_words(error: &str) -> String {
    if error.contains("unknown field") {
        let name = error.split('`').nth(1).unwrap_or_default();
        return format!("unknown column `{}`; a user file has {COLUMNS}", shorten(name));
    }
    error.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<List, String> {
        List::parse(Path::new("users.csv"), text.as_bytes()).map_err(|error| error.to_string())
    }

    fn openim_id<'a>(list: &'a List, id: &str) -> Option<&'a str> {
        list.find(Kind::User, id).map(|listed| listed.openim_id)
    }

    #[test]
    fn csv_with_every_delimiter_and_jsonl() {
        for text in [
            "id,openim_id,nickname,face_url\nanna@x.org,anna,Anna,http://x/a.png\nbob,bob7,,\n",
            "\u{feff}id;openim_id;nickname;face_url\r\nanna@x.org;anna;Anna;http://x/a.png\r\nbob;bob7;;\r\n",
            "id\topenim_id\tnickname\tface_url\nanna@x.org\tanna\tAnna\thttp://x/a.png\nbob\tbob7\t\t\n",
            "{\"id\":\"anna@x.org\",\"openim_id\":\"anna\",\"nickname\":\"Anna\",\"face_url\":\"http://x/a.png\"}\n\n\
             {\"id\":\"bob\",\"openim_id\":\"bob7\"}",
        ] {
            let list = list(text).unwrap();
            let anna = Listed { openim_id: "anna", nickname: "Anna", face_url: "http://x/a.png" };
            assert_eq!(list.find(Kind::User, "anna@x.org"), Some(anna));
            assert_eq!(openim_id(&list, "bob"), Some("bob7"));
            assert_eq!(openim_id(&list, "carol"), None);
            assert_eq!(list.find(Kind::Group, "bob"), None);
        }
    }

    #[test]
    fn several_names_can_be_one_user_and_groups_stand_beside_users() {
        let list = list(
            "id,openim_id,email,kind,messages\nAnna,anna,a@x.org,,7\nAnna M.,anna,,user,2\nAnna,g-1,,group,0\n\
             Ops,dev ops,,group,\n",
        )
        .unwrap();
        assert_eq!(openim_id(&list, "Anna"), Some("anna"));
        assert_eq!(openim_id(&list, "Anna M."), Some("anna"));
        assert_eq!(list.find(Kind::Group, "Anna").unwrap().openim_id, "g-1");
        assert_eq!(list.find(Kind::Group, "Ops").unwrap().openim_id, "dev ops");
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, part) in [
            ("name,openim_id\na,b\n", "users.csv:1: there is no column `id`"),
            ("id,phone\na,b\n", "unknown column `phone`"),
            ("id,openim_id\na,a-b\n", "users.csv:2: `a-b` can't be a userID"),
            ("id,openim_id\n\"a\nb\",x\n,b\n", "users.csv:4: `id` is empty"),
            ("id,openim_id\na,x\nb,y\na,z\n", "users.csv:4: `a` stands in line 2 already"),
            ("id,openim_id\na,7.43E+18\n", "a spreadsheet has rounded"),
            ("id,openim_id,kind\na,b,team\n", "`kind` is `team`"),
            ("id,openim_id\na\n", "users.csv:2: it has 1 cell,"),
            ("{\"id\":\"a\"}\n{\"id\":\"b\",\"openimid\":\"c\"}\n", "users.csv:2: unknown column `openimid`"),
        ] {
            let error = list(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let gbk = List::parse(Path::new("users.csv"), &b"id,openim_id,nickname\na,b,\xc0\xee\xc0\xd7\n"[..]);
        assert!(gbk.unwrap_err().to_string().contains("not UTF-8"));
        // The same line twice is no mistake.
        assert!(list("id,openim_id\na,x\na,x\n").is_ok());
    }
}
