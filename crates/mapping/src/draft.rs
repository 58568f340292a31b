//! A message in the making: the fields of the native format, each still as it was found.

use std::borrow::Cow;

use serde::Deserialize;

use super::Sink;
use super::attach::{self, Files};
use super::codes;
use super::content::{self, Words};
use super::value::Value;
use crate::export;
use crate::export::json::{self, Skip};
use crate::finding::{Code, Finding};
use crate::message::{Message, Peer, Place, Quote, SendTime};

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident $name:literal,)*) => {
        /// A key of the native format: the fields of `send_msg`, and five of our own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        pub enum Key {
            $($(#[$doc])* #[serde(rename = $name)] $key,)*
        }

        impl Key {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$key),*];

            /// As it is written.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$key => $name,)* }
            }

            /// The key of that name; as on the server, capitals don't matter.
            pub fn by_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$key),)*
                    _ => Self::ALL.iter().copied().find(|key| key.name().eq_ignore_ascii_case(name)),
                }
            }
        }
    };
}

keys! {
    /// The source's own id of the message; our own key.
    Id "id",
    /// Who wrote it.
    SendId "sendID",
    /// To whom, in a single chat; may stand in for `groupID` in a group.
    RecvId "recvID",
    /// In which group.
    GroupId "groupID",
    /// The writer's name at that time.
    SenderNickname "senderNickname",
    /// The writer's picture at that time.
    SenderFaceUrl "senderFaceURL",
    /// From which platform; 10 if absent.
    SenderPlatformId "senderPlatformID",
    /// The content as an object; a text is wrapped up as `text` is.
    Content "content",
    /// The content as plain words; our own key.
    Text "text",
    /// 101 if absent.
    ContentType "contentType",
    /// 1 or 3; by default 3 if there is a `groupID`.
    SessionType "sessionType",
    /// False if absent.
    IsOnlineOnly "isOnlineOnly",
    /// True if absent.
    NotOfflinePush "notOfflinePush",
    /// Milliseconds since 1970.
    SendTime "sendTime",
    /// An object.
    OfflinePushInfo "offlinePushInfo",
    /// A text that is stored with the message.
    Ex "ex",
    /// The source id of the message that this one answers; our own key.
    Quote "quote",
    /// The words quoted, for servers that take no quotes; our own key.
    QuoteText "quoteText",
    /// Files of the message, which become messages of their own: links, paths, or objects with either; our own key.
    Attachments "attachments",
}

/// Why a record with neither words nor files is left out.
pub(super) const NO_TEXT: &str = "no-text";

/// A message in the making.
#[derive(Debug, Default)]
pub struct Draft<'a> {
    values: [Option<Value<'a>>; Key::ALL.len()],
    /// The native format's own rule for CSV: a `content` that is a JSON object is one.
    cells: bool,
}

/// Why no message came of a draft.
pub(super) struct Problem {
    pub(super) code: &'static Code,
    pub(super) value: String,
}

impl Problem {
    pub(super) fn new(code: &'static Code, key: Key, value: &str) -> Self {
        Self { code, value: format!("{} = {value}", key.name()) }
    }
}

impl<'a> Draft<'a> {
    /// Of the cells of a CSV in the native format.
    pub(super) fn of_cells() -> Self {
        Self { cells: true, ..Self::default() }
    }

    /// Sets a field; returns whether it had a value before.
    pub fn set(&mut self, key: Key, value: Option<Value<'a>>) -> bool {
        std::mem::replace(&mut self.values[key as usize], value).is_some()
    }

    /// The value of a field.
    pub fn get(&self, key: Key) -> Option<&Value<'a>> {
        self.values[key as usize].as_ref()
    }

    fn take(&mut self, key: Key) -> Option<Value<'a>> {
        self.values[key as usize].take().filter(|value| !value.is_empty())
    }

    /// Makes the message and those of its files, and hands them on; or a finding, if it can't be one. Gives how many parts
    /// of the record that is. Without `files` it can have none.
    pub(super) fn send(mut self, place: Place, files: Option<&dyn Files>, sink: &mut dyn Sink) -> u16 {
        let sent = match self.take(Key::Attachments) {
            Some(value) => self.send_with(&value, place, files, sink),
            None => self.message(place, sink).map(|message| {
                sink.message(message);
                1
            }),
        };
        sent.unwrap_or_else(|problem| {
            sink.finding(Finding::new(problem.code, place, &problem.value));
            1
        })
    }

    fn send_with(
        mut self,
        value: &Value<'_>,
        place: Place,
        files: Option<&dyn Files>,
        sink: &mut dyn Sink,
    ) -> Result<u16, Problem> {
        let list = attach::read(value)?;
        let has_words = self.has_words();
        if list.is_empty() && !has_words {
            sink.left_out(place, NO_TEXT);
            return Ok(1);
        }
        if list.is_empty() {
            let message = self.message(place, sink)?;
            sink.message(message);
            return Ok(1);
        }
        let files =
            files.ok_or_else(|| Problem::new(&codes::ATTACHMENTS_HERE, Key::Attachments, value.text()))?;
        if !has_words {
            for key in [Key::Content, Key::ContentType, Key::QuoteText] {
                self.set(key, None);
            }
            self.set(Key::Text, Some(Value::Text("".into())));
            if let Some(target) = self.id(Key::Quote)? {
                let ex = self.take(Key::Ex).map(Value::into_text).unwrap_or_default();
                let ex = attach::with_reply(ex, &target, place, sink);
                self.set(Key::Ex, Some(Value::Text(ex.into())));
            }
        }
        let base = self.message(place, sink)?;
        Ok(attach::send(&base, has_words, &list, files, sink))
    }

    /// Whether it says anything itself.
    pub(super) fn has_words(&self) -> bool {
        [Key::Text, Key::Content].iter().any(|key| self.get(*key).is_some_and(|words| !words.is_empty()))
    }

    fn message(mut self, place: Place, sink: &mut dyn Sink) -> Result<Message<'a>, Problem> {
        let sender = self.id(Key::SendId)?.ok_or_else(|| missing(Key::SendId))?;
        let peer = self.peer(place, sink)?;
        let send_time = self.integer(Key::SendTime)?.ok_or_else(|| missing(Key::SendTime))?;
        let content_type = self.small(Key::ContentType)?;
        let quote = self.id(Key::Quote)?;
        let quoted = self.take(Key::QuoteText).map(Value::into_text);
        let (content_type, content, quote) = match quote {
            None => {
                let content_type = content_type.unwrap_or(101);
                (content_type, self.content(content_type)?, None)
            }
            Some(target) => {
                let words = self.words(content_type)?;
                let fallback = content::answer(quoted.as_deref(), &words);
                (114, Cow::Owned(content::object("text", &words)), Some(Quote { target, fallback }))
            }
        };
        Ok(Message {
            sender,
            peer,
            nickname: self.text(Key::SenderNickname)?,
            face_url: self.text(Key::SenderFaceUrl)?,
            platform: self.small(Key::SenderPlatformId)?.unwrap_or(10),
            content_type,
            content,
            send_time: SendTime(send_time),
            ex: self.take(Key::Ex).map(Value::into_text).unwrap_or_default(),
            not_offline_push: self.flag(Key::NotOfflinePush)?.unwrap_or(true),
            online_only: self.flag(Key::IsOnlineOnly)?.unwrap_or(false),
            offline_push_info: self.object(Key::OfflinePushInfo)?,
            source_id: self.id(Key::Id)?,
            quote,
            place,
        })
    }

    fn peer(&mut self, place: Place, sink: &mut dyn Sink) -> Result<Peer<'a>, Problem> {
        let group = self.id(Key::GroupId)?;
        let user = self.id(Key::RecvId)?;
        let default = if group.is_some() { 3 } else { 1 };
        match self.integer(Key::SessionType)?.unwrap_or(default) {
            1 => {
                if let Some(group) = group {
                    sink.finding(Finding::new(&codes::FIELD_UNUSED, place, &group));
                }
                let user = user.ok_or_else(|| missing(Key::RecvId))?;
                Ok(Peer::User(user))
            }
            3 => {
                if let (Some(group), Some(user)) = (&group, &user)
                    && group != user
                {
                    let value = format!("groupID = {group}, recvID = {user}");
                    sink.finding(Finding::new(&codes::GROUP_CONTRADICTED, place, &value));
                }
                let group = group.or(user).ok_or_else(|| missing(Key::GroupId))?;
                Ok(Peer::Group(group))
            }
            other => Err(Problem::new(&codes::SESSION_TYPE, Key::SessionType, &other.to_string())),
        }
    }

    fn content(&mut self, content_type: i32) -> Result<Cow<'a, str>, Problem> {
        let words = match (self.take(Key::Content), self.values[Key::Text as usize].take()) {
            (Some(_), Some(text)) if !text.is_empty() => {
                return Err(Problem::new(&codes::CONTENT_TWICE, Key::Text, text.text()));
            }
            (Some(Value::Object(object)), _) => return shallow(Key::Content, object),
            (Some(Value::Text(text)), _) if self.cells && content::is_object(&text) => return Ok(text),
            (Some(Value::List(list)), _) => {
                return Err(Problem::new(&codes::FIELD_TYPE, Key::Content, &list));
            }
            (Some(value), _) | (None, Some(value)) => value.into_text(),
            (None, None) => return Err(missing(Key::Content)),
        };
        content::wrap(content_type, &words)
            .map(Cow::Owned)
            .ok_or_else(|| Problem::new(&codes::CONTENT_NOT_OBJECT, Key::Content, &words))
    }

    /// The words of an answer.
    fn words(&mut self, content_type: Option<i32>) -> Result<Cow<'a, str>, Problem> {
        let without = |value: &str| Problem::new(&codes::QUOTE_WITHOUT_TEXT, Key::ContentType, value);
        if let Some(other) = content_type.filter(|t| !matches!(t, 101 | 114)) {
            return Err(without(&other.to_string()));
        }
        let content = self.content(101)?;
        let Words { content: plain, text } = serde_json::from_str(&content).map_err(|_| without(&content))?;
        text.or(plain).map(Cow::Owned).ok_or_else(|| without(&content))
    }

    fn id(&mut self, key: Key) -> Result<Option<Cow<'a, str>>, Problem> {
        let id = match self.take(key) {
            None => return Ok(None),
            Some(Value::Text(id)) => id,
            Some(Value::Number(id)) if is_integer(&id) => id,
            Some(Value::Number(id)) if !id.contains(['e', 'E']) => {
                return Err(Problem::new(&codes::FIELD_TYPE, key, &id));
            }
            Some(Value::Number(id)) => return Err(Problem::new(&codes::EXCEL_MANGLED, key, &id)),
            Some(other) => return Err(Problem::new(&codes::FIELD_TYPE, key, other.text())),
        };
        if is_mangled(&id) {
            return Err(Problem::new(&codes::EXCEL_MANGLED, key, &id));
        }
        Ok(Some(id))
    }

    fn text(&mut self, key: Key) -> Result<Cow<'a, str>, Problem> {
        match self.take(key) {
            None => Ok(Cow::Borrowed("")),
            Some(value @ (Value::Text(_) | Value::Number(_))) => Ok(value.into_text()),
            Some(other) => Err(Problem::new(&codes::FIELD_TYPE, key, other.text())),
        }
    }

    fn integer(&mut self, key: Key) -> Result<Option<i64>, Problem> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match &value {
            Value::Text(text) | Value::Number(text) => text.trim().parse().ok(),
            _ => None,
        }
        .map(Some)
        .ok_or_else(|| Problem::new(&codes::FIELD_TYPE, key, value.text()))
    }

    fn small(&mut self, key: Key) -> Result<Option<i32>, Problem> {
        let Some(n) = self.integer(key)? else { return Ok(None) };
        i32::try_from(n).map(Some).map_err(|_| Problem::new(&codes::FIELD_TYPE, key, &n.to_string()))
    }

    fn flag(&mut self, key: Key) -> Result<Option<bool>, Problem> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match value.text() {
            "true" | "1" | "TRUE" | "True" => Ok(Some(true)),
            "false" | "0" | "FALSE" | "False" => Ok(Some(false)),
            other => Err(Problem::new(&codes::FIELD_TYPE, key, other)),
        }
    }

    fn object(&mut self, key: Key) -> Result<Option<Cow<'a, str>>, Problem> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Object(object)) => shallow(key, object).map(Some),
            Some(Value::Text(text)) if content::is_object(&text) => Ok(Some(text)),
            Some(other) => Err(Problem::new(&codes::FIELD_TYPE, key, other.text())),
        }
    }
}

fn missing(key: Key) -> Problem {
    Problem { code: &codes::FIELD_MISSING, value: key.name().to_owned() }
}

/// An object as it is, unless it is nested so deep that whoever reads it must fail.
fn shallow(key: Key, object: Cow<'_, str>) -> Result<Cow<'_, str>, Problem> {
    if object.len() > 2 * json::MAX_DEPTH as usize {
        let mut skip = Skip::default();
        skip.piece(object.as_bytes());
        if skip.too_deep() {
            return Err(Problem::new(&export::codes::JSON_TOO_DEEP, key, &object));
        }
    }
    Ok(object)
}

fn is_integer(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

/// `7.43E+18`: what a spreadsheet makes of an id of 19 digits.
fn is_mangled(id: &str) -> bool {
    // Looked at for every id: a search for one byte is much faster than one for two.
    let Some((digits, exponent)) = id.split_once('+') else { return false };
    let Some(digits) = digits.strip_suffix('E') else { return false };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    whole.len() == 1 && number(whole) && number(fraction) && number(exponent)
}
