//! Friends and block lists.

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::wire::null_is_default;

#[derive(Serialize)]
struct User<'a> {
    #[serde(rename = "userID")]
    user: &'a str,
}

impl Client {
    /// Makes friends. Repeatable; each call puts a "now friends" message of today into the conversations.
    pub async fn import_friends(&self, owner: &str, friends: &[&str]) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "ownerUserID")]
            owner: &'a str,
            #[serde(rename = "friendUserIDs")]
            friends: &'a [&'a str],
        }
        self.tell("/friend/import_friend", &Ask { owner, friends }).await
    }

    /// Who is a friend of this user.
    pub async fn friends(&self, user: &str) -> Result<Vec<String>, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(rename = "friendIDs", deserialize_with = "null_is_default")]
            friends: Vec<String>,
        }
        let got: Option<Got> = self.call("/friend/get_friend_id", &User { user }).await?;
        Ok(got.unwrap_or_default().friends)
    }

    /// Puts a user on another's block list. Twice is refused (500).
    pub async fn add_black(&self, owner: &str, black: &str) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "ownerUserID")]
            owner: &'a str,
            #[serde(rename = "blackUserID")]
            black: &'a str,
        }
        self.tell("/friend/add_black", &Ask { owner, black }).await
    }

    /// Whom this user has blocked: a page, from 1, and how many there are in all.
    pub async fn blacks(&self, user: &str, page: i32, at_once: i32) -> Result<(Vec<String>, i64), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "userID")]
            user: &'a str,
            pagination: Page,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            page_number: i32,
            show_number: i32,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            blacks: Vec<One>,
            #[serde(deserialize_with = "null_is_default")]
            total: i64,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct One {
            #[serde(deserialize_with = "null_is_default")]
            black_user_info: super::UserInfo,
        }
        let pagination = Page { page_number: page, show_number: at_once };
        let got: Option<Got> = self.call("/friend/get_black_list", &Ask { user, pagination }).await?;
        let got = got.unwrap_or_default();
        Ok((got.blacks.into_iter().map(|one| one.black_user_info.id).collect(), got.total))
    }
}
