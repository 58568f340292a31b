//! Groups: which exist, in what state, who is in them, making and filling them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::wire::null_is_default;

/// A group to be made. Fewer than 1,000 members in all; more by [`Client::invite`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateGroup {
    /// Any text.
    pub id: String,
    /// Its name.
    pub name: String,
    /// May be empty.
    pub face_url: String,
    /// A registered user.
    pub owner: String,
    /// Registered users; the owner is not among them.
    pub admins: Vec<String>,
    /// Registered users; owner and admins are not among them.
    pub members: Vec<String>,
}

/// A group that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// Its id.
    #[serde(rename = "groupID")]
    pub id: String,
    /// Its name.
    #[serde(rename = "groupName", deserialize_with = "null_is_default")]
    pub name: String,
    /// Its owner.
    #[serde(rename = "ownerUserID", deserialize_with = "null_is_default")]
    pub owner: String,
    /// How many are in it.
    #[serde(deserialize_with = "null_is_default")]
    pub member_count: i64,
    /// What can be done in it.
    #[serde(deserialize_with = "null_is_default")]
    pub status: GroupStatus,
}

/// What can be done in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "i32")]
pub enum GroupStatus {
    /// 0.
    #[default]
    Normal,
    /// 2: nothing can be written any more.
    Dismissed,
    /// 3: only owner and admins may write.
    Muted,
    /// Any other number.
    Other(i32),
}

impl From<i32> for GroupStatus {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Normal,
            2 => Self::Dismissed,
            3 => Self::Muted,
            other => Self::Other(other),
        }
    }
}

/// Somebody in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Member {
    /// The user.
    #[serde(rename = "userID")]
    pub user: String,
    /// What he may do.
    #[serde(rename = "roleLevel", deserialize_with = "null_is_default")]
    pub role: Role,
    /// Until when he may not write, ms; 0 = he may.
    #[serde(deserialize_with = "null_is_default")]
    pub mute_end_time: i64,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "i32")]
pub enum Role {
    /// 100.
    Owner,
    /// 60.
    Admin,
    /// 20, and anything else.
    #[default]
    Member,
}

impl From<i32> for Role {
    fn from(number: i32) -> Self {
        match number {
            100 => Self::Owner,
            60 => Self::Admin,
            _ => Self::Member,
        }
    }
}

impl Client {
    /// Makes a group, without a notice in its history.
    pub async fn create_group(&self, group: &CreateGroup) -> Result<(), CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a> {
            #[serde(rename = "memberUserIDs")]
            members: &'a [String],
            #[serde(rename = "adminUserIDs")]
            admins: &'a [String],
            #[serde(rename = "ownerUserID")]
            owner: &'a str,
            group_info: Info<'a>,
            send_message: bool,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Info<'a> {
            #[serde(rename = "groupID")]
            id: &'a str,
            group_name: &'a str,
            #[serde(rename = "faceURL")]
            face_url: &'a str,
            group_type: i32,
        }
        let ask = Ask {
            members: &group.members,
            admins: &group.admins,
            owner: &group.owner,
            group_info: Info {
                id: &group.id,
                group_name: &group.name,
                face_url: &group.face_url,
                group_type: 2,
            },
            send_message: false,
        };
        self.tell("/group/create_group", &ask).await
    }

    /// Adds members, without a notice. One that is in already fails the call; 3.8.3 can answer 1001 although
    /// it was done: look afterwards.
    pub async fn invite(&self, group: &str, users: &[&str]) -> Result<(), CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a> {
            #[serde(rename = "groupID")]
            group: &'a str,
            #[serde(rename = "invitedUserIDs")]
            users: &'a [&'a str],
            reason: &'a str,
            send_message: bool,
        }
        self.tell("/group/invite_user_to_group", &Ask { group, users, reason: "", send_message: false }).await
    }

    /// Takes members out of a group, without a notice. What they wrote stays, and they still read what was there until
    /// now. The owner can't be taken out.
    pub async fn kick(&self, group: &str, users: &[&str]) -> Result<(), CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a> {
            #[serde(rename = "groupID")]
            group: &'a str,
            #[serde(rename = "kickedUserIDs")]
            users: &'a [&'a str],
            reason: &'a str,
            send_message: bool,
        }
        self.tell("/group/kick_group", &Ask { group, users, reason: "", send_message: false }).await
    }

    /// The groups that exist among these, by id.
    pub async fn groups(&self, groups: &[&str]) -> Result<HashMap<String, Group>, CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "groupIDs")]
            groups: &'a [&'a str],
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            group_infos: Vec<Option<Group>>,
        }
        let got: Option<Got> = self.call("/group/get_groups_info", &Ask { groups }).await?;
        let known = got.unwrap_or_default().group_infos.into_iter().flatten();
        Ok(known.filter(|group| !group.id.is_empty()).map(|group| (group.id.clone(), group)).collect())
    }

    /// Everybody in a group. An unknown group has nobody, or is refused.
    pub async fn members(&self, group: &str) -> Result<Vec<String>, CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a> {
            #[serde(rename = "groupID")]
            group: &'a str,
            id_hash: i64,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(rename = "userIDs", deserialize_with = "null_is_default")]
            users: Vec<String>,
        }
        let ask = Ask { group, id_hash: 0 };
        let got: Option<Got> = self.call("/group/get_full_group_member_user_ids", &ask).await?;
        Ok(got.unwrap_or_default().users)
    }

    /// Nobody but owner and administrators may write there any more. Each call leaves a notice of today.
    pub async fn mute_group(&self, group: &str) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "groupID")]
            group: &'a str,
        }
        self.tell("/group/mute_group", &Ask { group }).await
    }

    /// Somebody may not write there for so many seconds. Each call leaves a notice of today.
    pub async fn mute_member(&self, group: &str, user: &str, seconds: u32) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "groupID")]
            group: &'a str,
            #[serde(rename = "userID")]
            user: &'a str,
            #[serde(rename = "mutedSeconds")]
            seconds: u32,
        }
        self.tell("/group/mute_group_member", &Ask { group, user, seconds }).await
    }

    /// Members with what they may do: a page, from 1, and how many there are in all.
    pub async fn members_page(
        &self,
        group: &str,
        page: i32,
        at_once: i32,
    ) -> Result<(Vec<Member>, i64), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "groupID")]
            group: &'a str,
            pagination: Page,
            filter: i32,
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
            members: Vec<Member>,
            #[serde(deserialize_with = "null_is_default")]
            total: i64,
        }
        let pagination = Page { page_number: page, show_number: at_once };
        let got: Option<Got> =
            self.call("/group/get_group_member_list", &Ask { group, pagination, filter: 0 }).await?;
        let got = got.unwrap_or_default();
        Ok((got.members, got.total))
    }
}
