//! The files of a record: read out of whatever names them, and made into messages beside its words.
//!
//! What becomes of a file is not decided here: [`Files`] is told what the export says of it.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde_json::Value as Json;

use super::draft::{Key, Problem};
use super::settings::More;
use super::value::Value;
use super::{Sink, codes};
use crate::finding::Finding;
use crate::message::{Message, Place};

/// A file that a message has, as the export tells of it. 0 and empty stand for what it does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// A link, a path beside the export, or what a service calls it.
    pub at: String,
    /// Its name.
    pub name: String,
    /// `image/png`, or a word for what it is: `voice`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
    /// Rounded up.
    pub seconds: u64,
    /// A link to a picture that stands for it.
    pub preview: String,
}

/// Makes messages of files: which link they get, and what becomes of those that have none.
pub trait Files: Send + Sync {
    /// Type and content of the message for a file; `None`: it is left out by the settings.
    fn content(&self, file: &Attachment, place: Place, sink: &mut dyn Sink) -> Option<(i32, String)>;
}

/// More of a record than anybody attaches: what has more is no list of files.
const MOST: usize = 1000;

/// What an attachment's members are called, without `_` and capitals; the likeliest first.
const AT: [&str; 17] = [
    "at",
    "contenturl",
    "downloadurl",
    "urlprivatedownload",
    "urlprivate",
    "attachmenturl",
    "fileurl",
    "mediaurl",
    "url",
    "href",
    "link",
    "src",
    "uri",
    "path",
    "filepath",
    "localpath",
    "file",
];
const NAME: [&str; 6] = ["filename", "originalfilename", "originalname", "name", "displayname", "title"];
const SIZE: [&str; 5] = ["size", "filesize", "bytes", "sizebytes", "contentlength"];
const KIND: [&str; 7] = ["contenttype", "mimetype", "mime", "mediatype", "filetype", "type", "kind"];
const PREVIEW: [&str; 5] = ["thumburl", "thumbnailurl", "previewurl", "thumbnail", "poster"];

/// The files that a field names: a link, a path, an object with either, or a list of these.
pub(super) fn read(value: &Value<'_>) -> Result<Vec<Attachment>, Problem> {
    let problem = || Problem::new(&codes::ATTACHMENT_UNREADABLE, Key::Attachments, value.text());
    let mut files = Vec::new();
    for file in list(value, None) {
        match file {
            Json::Null => {}
            Json::Object(_) => files.extend(of_object(&file)),
            Json::String(at) => files.push(Attachment { at, ..Attachment::default() }),
            Json::Number(at) => files.push(Attachment { at: at.to_string(), ..Attachment::default() }),
            Json::Bool(_) | Json::Array(_) => return Err(problem()),
        }
    }
    if files.len() > MOST {
        return Err(problem());
    }
    files.retain(|file| !file.at.trim().is_empty() || !file.name.is_empty());
    Ok(files)
}

/// The files that a text names: what a mapping would make of it.
pub fn files_in(text: &str) -> Vec<Attachment> {
    read(&Value::Text(text.into())).unwrap_or_default()
}

/// Whether the member of an attachment that is called so says where its file is.
pub fn names_a_file(key: &str) -> bool {
    AT.contains(&bare(key).as_str())
}

/// Without `_` and capitals.
fn bare(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Each of what a field names. Texts are taken apart where `split` stands; without it at line ends, and links where the
/// next one begins.
pub(super) fn list(value: &Value<'_>, split: Option<&str>) -> Vec<Json> {
    let of_json = |text: &str| match serde_json::from_str(text) {
        Ok(Json::Array(list)) => Some(list),
        Ok(one @ Json::Object(_)) => Some(vec![one]),
        _ => None,
    };
    match value {
        Value::Object(text) | Value::List(text) => of_json(text).unwrap_or_default(),
        Value::Number(text) => vec![Json::String(text.to_string())],
        Value::Bool(yes) => vec![Json::Bool(*yes)],
        Value::Text(text) => {
            let bare = text.trim();
            let json = bare.starts_with(['[', '{']).then(|| of_json(bare)).flatten();
            json.unwrap_or_else(|| pieces(bare, split).into_iter().map(Json::from).collect())
        }
    }
}

/// Adds what another column tells of a file, unless it tells that itself.
pub(super) fn tell(file: &mut Json, more: More, told: Json) {
    if let Json::String(at) = file {
        *file = serde_json::json!({ "at": at });
    }
    if let Json::Object(file) = file {
        file.entry(more.name()).or_insert(told);
    }
}

fn pieces<'t>(text: &'t str, split: Option<&str>) -> Vec<&'t str> {
    let bare = |piece: &'t str| Some(piece.trim()).filter(|piece| !piece.is_empty());
    if let Some(split) = split {
        return text.split(split).filter_map(bare).collect();
    }
    text.lines().flat_map(links).filter_map(bare).collect()
}

/// A line with several links: each of them. No link has a comma and another link in it unescaped.
fn links(line: &str) -> Vec<&str> {
    const BETWEEN: [char; 5] = [',', ';', '|', ' ', '\t'];
    let line = line.trim();
    let is_link = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    if !is_link(line) {
        return vec![line];
    }
    let begins = line
        .match_indices("http")
        .map(|(at, _)| at)
        .filter(|at| is_link(&line[*at..]) && (*at == 0 || line[..*at].ends_with(BETWEEN)));
    let begins: Vec<usize> = begins.chain([line.len()]).collect();
    begins.windows(2).map(|ends| line[ends[0]..ends[1]].trim_end_matches(BETWEEN)).collect()
}

/// An object that tells of a file; `None`: it tells nothing.
fn of_object(object: &Json) -> Option<Attachment> {
    let members = members(object);
    let found = |names: &[&str]| {
        names.iter().find_map(|name| {
            members.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
        })
    };
    let text = |names: &[&str]| found(names).cloned().unwrap_or_default();
    // `12.5`, `12,500`: what is no whole number is rounded up, or not known.
    let number = |names: &[&str]| {
        let text = found(names)?;
        text.parse().ok().or_else(|| {
            let (whole, fraction) = text.split_once('.')?;
            Some(whole.parse::<u64>().ok()? + u64::from(fraction.bytes().any(|b| b != b'0')))
        })
    };
    let millis = number(&["durationms", "durationmillis"]).map(|ms: u64| ms.div_ceil(1000));
    let file = Attachment {
        at: text(&AT),
        name: text(&NAME),
        kind: text(&KIND),
        size: number(&SIZE).unwrap_or(0),
        width: number(&["width", "w"]).unwrap_or(0),
        height: number(&["height", "h"]).unwrap_or(0),
        seconds: millis.or_else(|| number(&["duration", "seconds", "durationseconds"])).unwrap_or(0),
        preview: text(&PREVIEW),
    };
    (file != Attachment::default()).then_some(file)
}

/// All texts and numbers of an object and of the objects in it, the outer ones first; not of who put it there.
fn members(object: &Json) -> Vec<(String, String)> {
    const DEPTH: u8 = 3;
    const OTHERS: [&str; 8] =
        ["user", "author", "creator", "uploader", "owner", "sender", "thumb", "preview"];
    let mut found = Vec::new();
    let mut open = VecDeque::from([(object, 0)]);
    while let Some((object, depth)) = open.pop_front() {
        for (key, value) in object.as_object().into_iter().flatten() {
            let key = bare(key);
            match value {
                Json::String(text) => found.push((key, text.trim().to_owned())),
                Json::Number(number) => found.push((key, number.to_string())),
                Json::Object(_) if depth < DEPTH && !OTHERS.iter().any(|other| key.starts_with(other)) => {
                    open.push_back((value, depth + 1));
                }
                _ => {}
            }
        }
    }
    found
}

/// Hands on a message for the words, if there are any, and one for each file; how many parts of the record that is.
/// The first has its id, what follows `id#1`, `id#2` …
pub(super) fn send(
    base: &Message<'_>,
    has_words: bool,
    list: &[Attachment],
    files: &dyn Files,
    sink: &mut dyn Sink,
) -> u16 {
    let words = u16::from(has_words);
    if has_words {
        sink.message(base.clone());
    }
    let mut ex = (!has_words).then(|| base.ex.clone());
    let mut sent = has_words;
    let mut n = words;
    for file in list {
        let place = Place { part: base.place.part.saturating_add(n), ..base.place };
        if let Some((content_type, content)) = files.content(file, place, sink) {
            sent = true;
            sink.message(Message {
                content_type,
                content: Cow::Owned(content),
                ex: ex.take().unwrap_or_default(),
                source_id: base.source_id.as_ref().map(|id| match n {
                    0 => id.clone(),
                    n => Cow::Owned(format!("{id}#{n}")),
                }),
                quote: None,
                place,
                ..base.clone()
            });
        }
        n = n.saturating_add(1);
    }
    if !sent {
        sink.left_out(base.place, "media-skipped");
    }
    n
}

/// An answer that has no words: `ex` says what it answers, where there is room.
pub(super) fn with_reply(ex: Cow<'_, str>, target: &str, place: Place, sink: &mut dyn Sink) -> String {
    let mut object = match serde_json::from_str(&ex) {
        Ok(Json::Object(object)) => object,
        _ if ex.is_empty() => serde_json::Map::new(),
        _ => {
            sink.finding(Finding::new(&codes::REPLY_UNUSED, place, target));
            return ex.into_owned();
        }
    };
    object.entry("replyTo").or_insert_with(|| target.into());
    Json::Object(object).to_string()
}

#[cfg(test)]
mod tests;
