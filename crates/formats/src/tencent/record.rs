//! A message as it lies in an hourly file, or in a file that somebody made of those.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::loose::{Number, Objects, Text};

/// Keys are Tencent's own; the aliases are what tools and databases made of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(
        borrow,
        rename = "From_Account",
        alias = "fromAccount",
        alias = "FromAccount",
        alias = "from_account"
    )]
    pub(super) from: Text<'a>,
    #[serde(borrow, rename = "To_Account", alias = "toAccount", alias = "ToAccount", alias = "to_account")]
    pub(super) to: Text<'a>,
    #[serde(
        borrow,
        rename = "GroupId",
        alias = "GroupID",
        alias = "groupId",
        alias = "group_id",
        alias = "ToGroupId"
    )]
    pub(super) group: Text<'a>,
    #[serde(
        borrow,
        rename = "MsgTimestamp",
        alias = "MsgTimeStamp",
        alias = "msgTimestamp",
        alias = "msgTimeStamp",
        alias = "msg_timestamp",
        alias = "MsgTime",
        alias = "msgTime"
    )]
    pub(super) time: Text<'a>,
    #[serde(borrow, rename = "MsgSeq", alias = "msgSeq", alias = "msg_seq")]
    pub(super) seq: Text<'a>,
    #[serde(borrow, rename = "MsgRandom", alias = "msgRandom", alias = "msg_random", alias = "Random")]
    pub(super) random: Text<'a>,
    #[serde(borrow, rename = "MsgFromPlatform", alias = "msgFromPlatform", alias = "msg_from_platform")]
    pub(super) platform: Text<'a>,
    #[serde(borrow, rename = "MsgBody", alias = "msgBody", alias = "msg_body")]
    pub(super) body: Option<&'a RawValue>,
    #[serde(borrow, rename = "CloudCustomData", alias = "cloudCustomData", alias = "cloud_custom_data")]
    pub(super) cloud: Text<'a>,
    /// Bit 8: recalled.
    #[serde(rename = "MsgFlagBits", alias = "msgFlagBits")]
    pub(super) flags: Number,
    /// Not 0: a message of a group that was recalled or ran out, of which only the place is left.
    #[serde(rename = "IsPlaceMsg", alias = "isPlaceMsg")]
    pub(super) place_only: Number,
    #[serde(rename = "IsSystemMsg", alias = "isSystemMsg")]
    pub(super) system: Number,
    #[serde(borrow, rename = "GroupAtInfo", alias = "groupAtInfo")]
    pub(super) at: Objects<At<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct At<'a> {
    #[serde(rename = "GroupAtAllFlag")]
    pub(super) all: Number,
    #[serde(borrow, rename = "GroupAt_Account")]
    pub(super) account: Text<'a>,
}

/// One element of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Element<'a> {
    #[serde(borrow, rename = "MsgType", alias = "msgType", alias = "msg_type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, rename = "MsgContent", alias = "msgContent", alias = "msg_content")]
    pub(super) content: Option<&'a RawValue>,
}

/// The elements of a message: a list, one object (in system messages), or either of them written as a text (in
/// databases). The text it was written in comes first.
pub(super) fn body<'a>(
    body: Option<&'a RawValue>,
    unwrapped: &'a mut String,
) -> Result<Vec<Element<'a>>, serde_json::Error> {
    let Some(body) = body else { return Ok(Vec::new()) };
    let text = inner(body, unwrapped)?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map(|one| vec![one]);
    }
    serde_json::from_str::<Objects<Element<'a>>>(text).map(|all| all.0)
}

/// The JSON of a value that may be written as a text.
pub(super) fn inner<'a>(
    value: &'a RawValue,
    unwrapped: &'a mut String,
) -> Result<&'a str, serde_json::Error> {
    if !value.get().starts_with('"') {
        return Ok(value.get());
    }
    *unwrapped = serde_json::from_str::<Cow<'_, str>>(value.get())?.into_owned();
    Ok(if unwrapped.trim().is_empty() { "[]" } else { unwrapped })
}
