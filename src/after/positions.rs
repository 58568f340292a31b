//! Read positions in a file: JSONL, or CSV with a header, one position a line.
//!
//! | field | |
//! |---|---|
//! | `userID` | whose position |
//! | `conversationID`, or `groupID`, or `peerID` | where: the server's own name, a group, or the other user of a single chat |
//! | `id`, or `readTime`, or `hasReadSeq` | how far: the source id of the last message read, a time up to which everything was read (ms, or RFC 3339), or the server's own number |

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::message::{ConversationId, SendTime, Seq, SourceId, UserId};

/// How far a user has read in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Line in the file, from 1.
    pub line: u64,
    /// Whose.
    pub user: UserId,
    /// Where.
    pub conversation: ConversationId,
    /// How far.
    pub upto: Upto,
}

/// A place in a conversation, by what the source knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upto {
    /// The last message read.
    Message(SourceId),
    /// All messages written up to then, that millisecond included.
    Time(SendTime),
    /// The server's number.
    Seq(Seq),
}

/// Why a file of positions can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PositionError {
    /// It can't be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A line is not a position.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong and how it must be, a lower-case clause.
        what: String,
    },
}

/// The positions of a file, one at a time.
pub struct Positions {
    path: PathBuf,
    lines: Lines,
}

enum Lines {
    Json { from: BufReader<Box<dyn Read + Send>>, line: u64 },
    Csv { from: Box<csv::Reader<BufReader<Box<dyn Read + Send>>>>, header: csv::StringRecord },
}

/// A line as it stands there.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "userID", default)]
    user: Value,
    #[serde(rename = "conversationID", default)]
    conversation: Value,
    #[serde(rename = "groupID", default)]
    group: Value,
    #[serde(rename = "peerID", default)]
    peer: Value,
    #[serde(default)]
    id: Value,
    #[serde(rename = "readTime", default)]
    time: Value,
    #[serde(rename = "hasReadSeq", default)]
    seq: Value,
}

/// Ids and numbers as text: many exports write ids as numbers, and 19 digits must survive.
#[derive(Debug, Default)]
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl serde::de::Visitor<'_> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.trim().to_owned()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::default())
            }
        }
        from.deserialize_any(Any)
    }
}

impl Positions {
    /// Opens the file.
    pub fn open(path: &Path) -> Result<Self, PositionError> {
        Self::new(path, Box::new(fs_err::File::open(path)?))
    }

    fn new(path: &Path, from: Box<dyn Read + Send>) -> Result<Self, PositionError> {
        let mut from = BufReader::with_capacity(1 << 16, from);
        if from.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            from.consume(3);
        }
        let first = from.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        let lines = if first == Some(b'{') {
            Lines::Json { from, line: 0 }
        } else {
            let mut from = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(from);
            let header = from.headers().map_err(|error| line_error(path, 1, &error.to_string()))?.clone();
            Lines::Csv { from: Box::new(from), header }
        };
        Ok(Self { path: path.to_owned(), lines })
    }

    fn line(&mut self) -> Option<Result<(u64, Line), PositionError>> {
        match &mut self.lines {
            Lines::Json { from, line } => loop {
                let mut text = String::new();
                match from.read_line(&mut text) {
                    Ok(0) => return None,
                    Err(error) => return Some(Err(error.into())),
                    Ok(_) => *line += 1,
                }
                let text = text.trim();
                if text.is_empty() {
                    continue;
                }
                let line = *line;
                return Some(match serde_json::from_str(text) {
                    Ok(read) => Ok((line, read)),
                    Err(error) => Err(line_error(&self.path, line, &error.to_string())),
                });
            },
            Lines::Csv { from, header } => {
                let mut record = csv::StringRecord::new();
                let at = from.position().line();
                match from.read_record(&mut record) {
                    Ok(false) => return None,
                    Ok(true) => {}
                    Err(error) => return Some(Err(line_error(&self.path, at, &error.to_string()))),
                }
                let line = record.position().map_or(at, csv::Position::line);
                let read = record.deserialize(Some(header)).map(|read| (line, read));
                Some(read.map_err(|error| line_error(&self.path, line, &error.to_string())))
            }
        }
    }
}

/// What a line means.
fn understand(line: u64, read: Line) -> Result<Position, String> {
    let user = read.user.0;
    if user.is_empty() {
        return Err("`userID` is missing: it says whose position this is".to_owned());
    }
    let conversation = match the_one([read.conversation, read.group, read.peer]) {
        Some((0, name)) => ConversationId(name),
        Some((1, group)) => ConversationId::group(&group),
        Some((_, peer)) => ConversationId::single(&user, &peer),
        None => return Err("give one of `conversationID`, `groupID` and `peerID`".to_owned()),
    };
    let upto = match the_one([read.id, read.time, read.seq]) {
        Some((0, id)) => Upto::Message(SourceId(id)),
        Some((1, time)) => Upto::Time(
            when(&time)
                .ok_or_else(|| format!("`readTime` `{time}` is neither ms since 1970 nor RFC 3339"))?,
        ),
        Some((_, seq)) => match seq.parse() {
            Ok(number) if number >= 0 => Upto::Seq(Seq(number)),
            _ => return Err(format!("`hasReadSeq` `{seq}` is no number of a message")),
        },
        None => return Err("give one of `id`, `readTime` and `hasReadSeq`".to_owned()),
    };
    Ok(Position { line, user: UserId(user), conversation, upto })
}

/// The only one that is given, and which it is.
fn the_one(values: [Value; 3]) -> Option<(usize, String)> {
    let mut given = values.into_iter().map(|value| value.0).enumerate().filter(|(_, text)| !text.is_empty());
    given.next().filter(|_| given.next().is_none())
}

impl Iterator for Positions {
    type Item = Result<Position, PositionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let understood = self.line()?.and_then(|(line, read)| {
            understand(line, read).map_err(|what| line_error(&self.path, line, &what))
        });
        Some(understood)
    }
}

fn line_error(path: &Path, line: u64, what: &str) -> PositionError {
    PositionError::Line { path: path.to_owned(), line, what: what.to_owned() }
}

fn when(text: &str) -> Option<SendTime> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(SendTime(ms));
    }
    text.parse::<jiff::Timestamp>().ok().map(|time| SendTime(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Vec<Position>, String> {
        Positions::new(Path::new("read.csv"), Box::new(text.as_bytes()))
            .and_then(Iterator::collect)
            .map_err(|error: PositionError| error.to_string())
    }

    fn position(line: u64, user: &str, conversation: &str, upto: Upto) -> Position {
        let (user, conversation) = (UserId(user.into()), ConversationId(conversation.into()));
        Position { line, user, conversation, upto }
    }

    #[test]
    fn lines_of_json() {
        let text = "{\"userID\":\"u1\",\"peerID\":\"a\",\"id\":1234567890123456789}\n\n\
            {\"userID\":2,\"groupID\":\"g\",\"readTime\":\"2020-01-01T00:00:00Z\"}\n\
            {\"userID\":\"u1\",\"conversationID\":\"si_a_u1\",\"hasReadSeq\":7,\"id\":null}";
        assert_eq!(
            read(text).unwrap(),
            [
                position(1, "u1", "si_a_u1", Upto::Message(SourceId("1234567890123456789".into()))),
                position(3, "2", "sg_g", Upto::Time(SendTime(1_577_836_800_000))),
                position(4, "u1", "si_a_u1", Upto::Seq(Seq(7))),
            ]
        );
    }

    #[test]
    fn rows_of_csv() {
        let text = "\u{feff}userID,groupID,peerID,readTime\nu1,g,,5\n\"u,2\",,b,1970-01-01T00:00:01Z\n";
        assert_eq!(
            read(text).unwrap(),
            [
                position(2, "u1", "sg_g", Upto::Time(SendTime(5))),
                position(3, "u,2", "si_b_u,2", Upto::Time(SendTime(1000))),
            ]
        );
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, want) in [
            ("userID,groupID,id\nu1,g,\n", "read.csv:2: give one of `id`, `readTime` and `hasReadSeq`"),
            (
                "userID,groupID,id\nu1,g,1\n,g,1\n",
                "read.csv:3: `userID` is missing: it says whose position this is",
            ),
            (
                "userID,groupID,peerID,id\nu1,g,b,1\n",
                "read.csv:2: give one of `conversationID`, `groupID` and `peerID`",
            ),
            (
                "userID,groupID,readTime\nu1,g,yesterday\n",
                "read.csv:2: `readTime` `yesterday` is neither ms since 1970 nor RFC 3339",
            ),
            (
                "{\"userID\":\"u\",\"groupID\":\"g\",\"hasReadSeq\":-1}",
                "read.csv:1: `hasReadSeq` `-1` is no number of a message",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), want);
        }
        assert!(read("{\"user\":\"u1\"}").unwrap_err().starts_with("read.csv:1: unknown field `user`"));
        let error = read("user,groupID,id\nu1,g,1\n").unwrap_err();
        assert!(error.starts_with("read.csv:2: ") && error.contains("unknown field `user`"), "{error}");
    }
}
