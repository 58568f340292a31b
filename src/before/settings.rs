//! The server's own settings, where it tells them (`/config/get_config`, main).
//!
//! Each file comes as the JSON of the server's own structure, under the names of its Go fields; names are
//! compared without regard to case, because they are spelled otherwise in the YAML.

use serde_json::Value;

/// What bears on an import. `None`: the server doesn't tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How old messages get, in days.
    pub retain_days: Option<i64>,
    /// When they are deleted, as cron writes it.
    pub cron: Option<String>,
    /// Names of the webhooks on messages that are on.
    pub webhooks: Option<Vec<String>>,
    /// Messages between friends only.
    pub friend_check: Option<bool>,
    /// Calls are limited.
    pub rate_limiter: Option<bool>,
}

/// The files that are asked for, by the names the server gives them.
pub const FILES: [&str; 4] = ["openim-crontask.yml", "webhooks.yml", "openim-rpc-msg.yml", "openim-api.yml"];

impl Settings {
    /// Takes over what one file says; what can't be understood stays unknown.
    pub fn read(&mut self, file: &str, value: &Value) {
        match file {
            "openim-crontask.yml" => {
                self.retain_days = field(value, "RetainChatRecords").and_then(Value::as_i64);
                self.cron = field(value, "CronExecuteTime").and_then(Value::as_str).map(str::to_owned);
            }
            "webhooks.yml" => self.webhooks = on_messages(value),
            "openim-rpc-msg.yml" => {
                self.friend_check = field(value, "FriendVerify").and_then(Value::as_bool);
            }
            "openim-api.yml" => {
                self.rate_limiter = field(value, "RateLimiter")
                    .and_then(|limiter| field(limiter, "Enable"))
                    .and_then(Value::as_bool);
            }
            _ => {}
        }
    }

    /// What the server doesn't tell, as somebody would look it up.
    pub fn unknown(&self) -> Vec<&'static str> {
        [
            (self.retain_days.is_none(), "`retainChatRecords` in openim-crontask.yml (must exceed the age of the oldest message in days)"),
            (self.webhooks.is_none(), "webhooks.yml (`beforeSend…Msg`, `afterSend…Msg` and `beforeMsgModify` must be off)"),
            (self.friend_check.is_none(), "`friendVerify` in openim-rpc-msg.yml (must be false)"),
            (self.rate_limiter.is_none(), "`ratelimiter` in openim-api.yml, if it is there"),
        ]
        .into_iter()
        .filter_map(|(unknown, look_up)| unknown.then_some(look_up))
        .collect()
    }
}

/// Webhooks that are called for messages: `BeforeSendSingleMsg`, `AfterSendGroupMsg`, `BeforeMsgModify` …
fn on_messages(value: &Value) -> Option<Vec<String>> {
    Some(
        value
            .as_object()?
            .iter()
            .filter(|(name, hook)| {
                let name = name.to_ascii_lowercase();
                let for_messages = name.contains("msg") || name.contains("push");
                for_messages && field(hook, "Enable").and_then(Value::as_bool) == Some(true)
            })
            .map(|(name, _)| {
                let mut letters = name.chars();
                letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
            })
            .collect(),
    )
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_recorded_answer_is_understood() {
        let mut settings = Settings::default();
        settings.read(
            "openim-crontask.yml",
            &json!({"CronExecuteTime":"0 2 * * *","RetainChatRecords":365,"FileExpireTime":180}),
        );
        assert_eq!((settings.retain_days, settings.cron.as_deref()), (Some(365), Some("0 2 * * *")));
        assert_eq!(settings.unknown().len(), 3);
    }

    #[test]
    fn only_webhooks_on_messages_that_are_on_count() {
        let mut settings = Settings::default();
        settings.read(
            "webhooks.yml",
            &json!({"URL":"http://bot","BeforeSendSingleMsg":{"Enable":true},"AfterSendGroupMsg":{"enable":true},
                "BeforeMsgModify":{"Enable":false},"AfterUserOnline":{"Enable":true}}),
        );
        assert_eq!(
            settings.webhooks,
            Some(vec!["afterSendGroupMsg".to_owned(), "beforeSendSingleMsg".to_owned()])
        );
    }

    #[test]
    fn what_is_not_understood_stays_unknown() {
        for value in [json!([]), json!(null), json!("x"), json!({"RetainChatRecords":"many"})] {
            let mut settings = Settings::default();
            for file in FILES {
                settings.read(file, &value);
            }
            assert_eq!(settings.retain_days, None, "{value}");
        }
        let mut settings = Settings::default();
        settings.read("openim-api.yml", &json!({"RateLimiter":{"Enable":true}}));
        settings.read("openim-rpc-msg.yml", &json!({"FriendVerify":true}));
        assert_eq!((settings.rate_limiter, settings.friend_check), (Some(true), Some(true)));
    }
}
