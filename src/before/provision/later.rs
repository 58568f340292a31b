//! Rows of what comes after the history: who may not write in a group, and what people have set for their conversations.

use serde::{Deserialize, Deserializer, de};

use super::rows::{id, text};
use crate::message::ConversationId;

/// A group, or somebody in it, that may not write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MuteRow {
    /// `groupID`
    #[serde(rename = "groupID", deserialize_with = "id")]
    pub group: String,
    /// Empty: everybody but owner and administrators.
    #[serde(default, rename = "userID", deserialize_with = "text")]
    pub user: String,
    /// Until when somebody may not, ms since 1970; 0 = as long as the server can say, 136 years. A muted group has no end.
    #[serde(default, rename = "muteEndTime", deserialize_with = "whole")]
    pub until: i64,
}

/// What somebody has set for one of his conversations.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingRow {
    /// Who.
    #[serde(rename = "userID", deserialize_with = "id")]
    pub user: String,
    /// The other one of a single chat.
    #[serde(default, rename = "peerID", deserialize_with = "text")]
    pub peer: String,
    /// The group; one of the two is empty.
    #[serde(default, rename = "groupID", deserialize_with = "text")]
    pub group: String,
    /// It stands on top of his list.
    #[serde(default, rename = "isPinned", deserialize_with = "flag")]
    pub pinned: bool,
    /// 0 as usual; 1: he gets no messages there, and in a single chat the server refuses them; 2: without a notification.
    #[serde(default, rename = "recvMsgOpt", deserialize_with = "bell")]
    pub bell: i32,
}

impl SettingRow {
    /// As the server calls it; `None` where neither or both of peer and group are named.
    pub(super) fn conversation(&self) -> Option<ConversationId> {
        match (self.peer.is_empty(), self.group.is_empty()) {
            (false, true) => Some(ConversationId::single(&self.user, &self.peer)),
            (true, false) => Some(ConversationId::group(&self.group)),
            _ => None,
        }
    }

    /// In words.
    pub(super) fn how(&self) -> String {
        let bell = match self.bell {
            1 => Some("no messages"),
            2 => Some("no notifications"),
            _ => None,
        };
        let words: Vec<&str> = self.pinned.then_some("pinned").into_iter().chain(bell).collect();
        if words.is_empty() { "as usual".to_owned() } else { words.join(", ") }
    }
}

fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let text = text(from)?;
    let number = if text.is_empty() { Ok(0) } else { text.parse() };
    number.ok().filter(|n| *n >= 0).ok_or_else(|| de::Error::custom(format!("`{text}` is no time in ms")))
}

fn bell<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    match &*text(from)? {
        "" | "0" => Ok(0),
        "1" => Ok(1),
        "2" => Ok(2),
        other => Err(de::Error::custom(format!("recvMsgOpt is 0, 1 or 2, not `{other}`"))),
    }
}

fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Bool(bool),
        Number(i64),
        Text(String),
        Nothing(()),
    }
    match Flag::deserialize(from)? {
        Flag::Bool(flag) => Ok(flag),
        Flag::Number(0) | Flag::Nothing(()) => Ok(false),
        Flag::Number(1) => Ok(true),
        Flag::Text(text) if matches!(&*text, "" | "0" | "false") => Ok(false),
        Flag::Text(text) if matches!(&*text, "1" | "true") => Ok(true),
        Flag::Number(other) => Err(de::Error::custom(format!("isPinned is true or false, not `{other}`"))),
        Flag::Text(other) => Err(de::Error::custom(format!("isPinned is true or false, not `{other}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_json_and_of_cells_say_the_same() {
        let row = |json: &str| serde_json::from_str::<SettingRow>(json);
        let numbers = row(r#"{"userID":"a","peerID":"b","isPinned":true,"recvMsgOpt":2}"#).unwrap();
        let cells =
            row(r#"{"userID":"a","peerID":"b","groupID":"","isPinned":"1","recvMsgOpt":"2"}"#).unwrap();
        assert_eq!(numbers, cells);
        assert_eq!(numbers.conversation().unwrap().as_str(), "si_a_b");
        assert_eq!(numbers.how(), "pinned, no notifications");
        let both = row(r#"{"userID":"a","peerID":"b","groupID":"g"}"#).unwrap();
        assert_eq!((both.conversation(), both.how().as_str()), (None, "as usual"));
        for bad in [r#""isPinned":"yes""#, r#""recvMsgOpt":3"#, r#""isPinned":7"#, r#""recvMsgOpt":"x""#] {
            let error = row(&format!(r#"{{"userID":"a","peerID":"b",{bad}}}"#)).unwrap_err().to_string();
            assert!(error.contains("not `"), "{error}");
        }
    }

    #[test]
    fn a_mute_has_an_end_or_none() {
        let row = |json: &str| serde_json::from_str::<MuteRow>(json);
        assert_eq!(row(r#"{"groupID":"g","muteEndTime":""}"#).unwrap().until, 0);
        assert_eq!(
            row(r#"{"groupID":"g","userID":7,"muteEndTime":"1700000000000"}"#).unwrap().until,
            1_700_000_000_000
        );
        assert!(row(r#"{"groupID":"g","muteEndTime":-1}"#).is_err());
    }
}
