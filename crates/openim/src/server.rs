//! The server itself: its clock, its release, its settings where it tells them.

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::store::EMPTY;
use super::wire::null_is_default;
use crate::message::SendTime;

/// One of the server's settings files, as JSON with Go's field names (`RetainChatRecords`).
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig(pub serde_json::Value);

/// Which files the server has and what it calls itself; main only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Version {
    /// The version, as the server writes it.
    #[serde(deserialize_with = "null_is_default")]
    pub version: String,
    /// Names that [`Client::config`] takes.
    #[serde(deserialize_with = "null_is_default")]
    pub config_names: Vec<String>,
}

impl Client {
    /// The server's clock.
    pub async fn server_time(&self) -> Result<SendTime, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Got {
            server_time: i64,
        }
        let got: Got = self.call("/msg/get_server_time", &EMPTY).await?;
        Ok(SendTime(got.server_time))
    }

    /// The release and its settings files; [`CallError::NoSuchCall`] on 3.8.3.
    pub async fn version(&self) -> Result<Version, CallError> {
        self.call("/config/get_config_list", &EMPTY).await
    }

    /// A settings file by name (`openim-crontask.yml`); [`CallError::NoSuchCall`] on 3.8.3.
    pub async fn config(&self, name: &str) -> Result<ServerConfig, CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a> {
            config_name: &'a str,
        }
        const PATH: &str = "/config/get_config";
        let text: String = self.call(PATH, &Ask { config_name: name }).await?;
        serde_json::from_str(&text)
            .map(ServerConfig)
            .map_err(|error| CallError::Unreadable { path: PATH, why: error.to_string() })
    }

    /// A notice with `key` and `data` between two users or to a group. With level 2 it goes through the same
    /// queue as messages and moves only the notification log; main only.
    pub async fn business_notification(&self, notice: &Notice<'_>) -> Result<(), CallError> {
        self.tell("/msg/send_business_notification", notice).await
    }
}

/// A business notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice<'a> {
    /// Who sends it.
    #[serde(rename = "sendUserID")]
    pub sender: &'a str,
    /// The receiver of a single one; empty for a group.
    #[serde(rename = "recvUserID")]
    pub receiver: &'a str,
    /// The group; empty for a single one.
    #[serde(rename = "recvGroupID")]
    pub group: &'a str,
    /// Any text.
    pub key: &'a str,
    /// Any text.
    pub data: &'a str,
    /// 1: online only; 2: through the queue.
    pub reliability_level: i32,
}
