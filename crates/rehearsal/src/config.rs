//! `/config/…`: the server's own settings by file name. Only main has these paths.

use super::answer::{Outcome, Refusal};
use super::api::{Caller, admin_only};
use super::body::{Fields, parse};
use super::shared::Shared;
use serde_json::{Value, json};

/// How long messages are kept, days (law 6).
pub(super) const RETAIN_DAYS: i64 = 365;

const NAMES: [&str; 22] = [
    "discovery.yml",
    "kafka.yml",
    "local-cache.yml",
    "log.yml",
    "minio.yml",
    "mongodb.yml",
    "notification.yml",
    "openim-api.yml",
    "openim-crontask.yml",
    "openim-msggateway.yml",
    "openim-msgtransfer.yml",
    "openim-push.yml",
    "openim-rpc-auth.yml",
    "openim-rpc-conversation.yml",
    "openim-rpc-friend.yml",
    "openim-rpc-group.yml",
    "openim-rpc-msg.yml",
    "openim-rpc-third.yml",
    "openim-rpc-user.yml",
    "redis.yml",
    "share.yml",
    "webhooks.yml",
];

/// `/config/get_config_list`
pub(super) fn list(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    admin_only(shared, caller)?;
    Ok(json!({ "environment": "standalone", "version": "main-rehearsal", "configNames": NAMES }).into())
}

/// `/config/get_config`: the file as the text of a JSON object.
pub(super) fn one(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "GetConfigReq", "apistruct.GetConfigReq")?;
    let name = fields.text("configName");
    fields.finish()?;
    admin_only(shared, caller)?;
    if !NAMES.contains(&name) {
        return Err(Refusal::args("config name not found"));
    }
    Ok(Value::String(text(shared, name)).into())
}

fn text(shared: &Shared, name: &str) -> String {
    let hook = |name: &str| json!({ "Enable": shared.options.webhooks.iter().any(|on| on == name) });
    match name {
        // To the letter, the order of the keys included.
        "openim-crontask.yml" => format!(
            "{{\"CronExecuteTime\":\"0 2 * * *\",\"RetainChatRecords\":{RETAIN_DAYS},\"FileExpireTime\":180,\
             \"DeleteObjectType\":[\"msg-picture\",\"msg-file\",\"msg-voice\",\"msg-video\",\
             \"msg-video-snapshot\",\"sdklog\"]}}"
        ),
        "openim-api.yml" => json!({
            "Api": { "ListenIP": "0.0.0.0", "Ports": [10002], "CompressionLevel": 0 },
            "RateLimiter": { "Enable": shared.faults.limits_rate(), "Window": 20, "Bucket": 500, "CPUThreshold": 850 },
        })
        .to_string(),
        "openim-rpc-msg.yml" => json!({ "FriendVerify": shared.options.friend_verify }).to_string(),
        "webhooks.yml" => json!({
            "URL": "http://127.0.0.1:10006/callbackExample", "BeforeSendSingleMsg": hook("BeforeSendSingleMsg"), "AfterSendSingleMsg": hook("AfterSendSingleMsg"),
            "BeforeSendGroupMsg": hook("BeforeSendGroupMsg"), "AfterSendGroupMsg": hook("AfterSendGroupMsg"), "BeforeMsgModify": hook("BeforeMsgModify"),
        })
        .to_string(),
        "notification.yml" => {
            let told = |on: bool| json!({ "IsSendMsg": on, "ReliabilityLevel": 1, "UnreadCount": false });
            json!({
                "GroupCreated": told(true), "GroupInfoSet": told(false), "MemberQuit": told(true),
                "MemberKicked": told(true), "MemberInvited": told(true), "GroupDismissed": told(true),
                "GroupMuted": told(true), "GroupCancelMuted": told(true), "GroupMemberMuted": told(true),
                "GroupMemberCancelMuted": told(true), "FriendApplicationApproved": told(true),
                "BlackAdded": told(false),
            })
            .to_string()
        }
        _ => "{}".to_owned(),
    }
}
