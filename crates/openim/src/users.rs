//! Users: which exist, making them, who is online.

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::wire::null_is_default;

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewUser {
    /// Letters of any script, digits and `_` only.
    #[serde(rename = "userID")]
    pub id: String,
    /// Must not be empty.
    pub nickname: String,
    /// May be empty.
    #[serde(rename = "faceURL")]
    pub face_url: String,
}

/// A user that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// The id.
    #[serde(rename = "userID")]
    pub id: String,
    /// The name.
    #[serde(deserialize_with = "null_is_default")]
    pub nickname: String,
    /// The picture.
    #[serde(rename = "faceURL", deserialize_with = "null_is_default")]
    pub face_url: String,
}

#[derive(Serialize)]
struct Ids<'a> {
    #[serde(rename = "userIDs")]
    users: &'a [&'a str],
}

impl Client {
    /// Which of these users exist, in the order asked. No id twice: the server refuses that (1001).
    pub async fn users_exist(&self, users: &[&str]) -> Result<Vec<bool>, CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "checkUserIDs")]
            users: &'a [&'a str],
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            results: Vec<One>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct One {
            #[serde(rename = "userID")]
            id: String,
            #[serde(rename = "accountStatus")]
            status: i32,
        }
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let got: Option<Got> = self.call("/user/account_check", &Ask { users }).await?;
        let there: std::collections::HashSet<String> = got
            .unwrap_or_default()
            .results
            .into_iter()
            .filter(|one| one.status == 1)
            .map(|one| one.id)
            .collect();
        Ok(users.iter().map(|user| there.contains(*user)).collect())
    }

    /// Names and pictures of the users that exist; the others are left out.
    pub async fn users_info(&self, users: &[&str]) -> Result<Vec<UserInfo>, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            users_info: Vec<Option<UserInfo>>,
        }
        let got: Option<Got> = self.call("/user/get_users_info", &Ids { users }).await?;
        Ok(got.unwrap_or_default().users_info.into_iter().flatten().collect())
    }

    /// Makes users. One that exists already fails the whole call (1102).
    pub async fn register(&self, users: &[NewUser]) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            users: &'a [NewUser],
        }
        self.tell("/user/user_register", &Ask { users }).await
    }

    /// Which of these users are online now (law 12).
    pub async fn online(&self, users: &[&str]) -> Result<Vec<String>, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct One {
            #[serde(rename = "userID")]
            id: String,
            #[serde(deserialize_with = "null_is_default")]
            status: i32,
        }
        let got: Option<Vec<One>> = self.call("/user/get_users_online_status", &Ids { users }).await?;
        Ok(got.unwrap_or_default().into_iter().filter(|one| one.status == 1).map(|one| one.id).collect())
    }
}
