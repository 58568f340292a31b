//! What people have set for their conversations.

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::wire::null_is_default;

/// What somebody has set for one of his conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// Its name on the server.
    #[serde(rename = "conversationID")]
    pub conversation: String,
    /// The other one of a single chat; else empty.
    #[serde(rename = "userID", deserialize_with = "null_is_default")]
    pub peer: String,
    /// The group; else empty.
    #[serde(rename = "groupID", deserialize_with = "null_is_default")]
    pub group: String,
    /// It stands on top of his list.
    #[serde(rename = "isPinned", deserialize_with = "null_is_default")]
    pub pinned: bool,
    /// 0 as usual; 1: he gets no messages there, and in a single chat they are refused (3.8.3: thrown away, with the
    /// answer 0); 2: without a notification.
    #[serde(rename = "recvMsgOpt", deserialize_with = "null_is_default")]
    pub bell: i32,
}

impl Client {
    /// Those of these conversations that the user has. One that a message is just making comes seconds later.
    pub async fn settings(&self, user: &str, conversations: &[&str]) -> Result<Vec<Setting>, CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "ownerUserID")]
            user: &'a str,
            #[serde(rename = "conversationIDs")]
            conversations: &'a [&'a str],
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            conversations: Vec<Setting>,
        }
        let got: Option<Got> =
            self.call("/conversation/get_conversations", &Ask { user, conversations }).await?;
        Ok(got.unwrap_or_default().conversations)
    }

    /// Sets it. The server says yes to everything, also of users and groups that it does not know: look afterwards.
    pub async fn set(&self, user: &str, setting: &Setting) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "userIDs")]
            users: [&'a str; 1],
            conversation: Conversation<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Conversation<'a> {
            #[serde(rename = "conversationID")]
            id: &'a str,
            #[serde(rename = "conversationType")]
            kind: i32,
            #[serde(rename = "userID")]
            peer: &'a str,
            #[serde(rename = "groupID")]
            group: &'a str,
            is_pinned: bool,
            recv_msg_opt: i32,
        }
        let conversation = Conversation {
            id: &setting.conversation,
            kind: if setting.group.is_empty() { 1 } else { 3 },
            peer: &setting.peer,
            group: &setting.group,
            is_pinned: setting.pinned,
            recv_msg_opt: setting.bell,
        };
        self.tell("/conversation/set_conversations", &Ask { users: [user], conversation }).await
    }
}
