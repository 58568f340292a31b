//! Reading a fault, from a flag or from JSON: the same keys in both.

use super::kind::{Fault, FaultKind, Place, UserAct, When};
use serde_json::{Map, Value};
use std::str::FromStr;

impl Fault {
    /// Reads `{"kind":"…", …}`. Every key must be known and of use for that kind.
    pub fn from_json(value: Value) -> Result<Self, String> {
        let Value::Object(mut map) = value else {
            return Err("a fault is an object with a `kind`".to_owned());
        };
        let Some(Value::String(name)) = map.remove("kind") else {
            return Err("a fault needs a `kind`".to_owned());
        };
        let mut keys = Keys { name: &name, map: &mut map };
        let kind = keys.kind()?;
        let place = kind.place();
        let mut when = When {
            after: keys.number("after", 0.0)?,
            every: keys.number("every", 1.0)?,
            chance: keys.float("chance", 1.0)?,
            times: None,
            path: None,
            conversation: None,
        };
        if keys.map.contains_key("times") {
            when.times = Some(keys.number("times", 0.0)?);
        } else if kind.is_event() && place == Place::Call {
            // What happens to the whole server happens once, unless it is said otherwise.
            when.times = Some(1);
        }
        match place {
            Place::Call => when.path = Some(keys.text("path")?.unwrap_or_else(|| "/msg/send_msg".to_owned())),
            Place::Object => {}
            Place::Number | Place::Store | Place::Always => when.conversation = keys.text("conversation")?,
        }
        if !(0.0..=1.0).contains(&when.chance) {
            return Err(format!("chance={} is no probability: 0 to 1", when.chance));
        }
        match map.keys().next() {
            Some(unknown) => Err(format!("`{name}` has no `{unknown}`")),
            None => Ok(Self { kind, when }),
        }
    }
}

/// `lose-answer:chance=0.01,after=100`
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut map = Map::new();
        map.insert("kind".to_owned(), Value::String(name.to_owned()));
        for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}`: write key=value"))?;
            map.insert(key.to_owned(), Value::String(value.to_owned()));
        }
        Self::from_json(Value::Object(map))
    }
}

/// The keys of a fault not yet read. Values may be text: that is how flags give them.
struct Keys<'a> {
    name: &'a str,
    map: &'a mut Map<String, Value>,
}

impl Keys<'_> {
    fn kind(&mut self) -> Result<FaultKind, String> {
        Ok(match self.name {
            "lose-answer" => FaultKind::LoseAnswer,
            "close-before-body" => FaultKind::CloseBeforeBody,
            "close-after-body" => FaultKind::CloseAfterBody,
            "proxy-error" => {
                FaultKind::ProxyError { status: self.status()?, processed: self.flag("processed")? }
            }
            "too-many" => FaultKind::TooMany { retry_after: self.number("retry-after", 1.0)? },
            "error-500" => FaultKind::Error500,
            "hang" => {
                FaultKind::Hang { ms: self.number("ms", 600_000.0)?, processed: self.flag("processed")? }
            }
            "expire-token" => FaultKind::ExpireToken,
            "kick-token" => FaultKind::KickToken,
            "lose-queue" => FaultKind::LoseQueue,
            "repeat-queue" => FaultKind::RepeatQueue { last: self.number("last", 40.0)? },
            "lose-store" => FaultKind::LoseStore,
            "jump-seq" => FaultKind::JumpSeq { by: self.number("by", 66.0)? },
            "fall-back-seq" => FaultKind::FallBackSeq { by: self.number("by", 10.0)? },
            "read-gap" => FaultKind::ReadGap { ms: self.number("ms", 1000.0)? },
            "stall" => FaultKind::Stall { of: self.number("of", 8.0)? },
            "slow" => FaultKind::Slow { by: self.float("by", 2.0)? },
            "live-traffic" => FaultKind::LiveTraffic { per_second: self.rate()? },
            "users-act" => FaultKind::UsersAct { act: self.act()?, per_second: self.rate()? },
            "rate-limit" => FaultKind::RateLimit { per_second: self.float("per-second", 500.0)? },
            "remove-user" => FaultKind::RemoveUser { user: self.needed("user")? },
            "remove-group" => FaultKind::RemoveGroup { group: self.needed("group")? },
            "restart" => {
                FaultKind::Restart { down_ms: self.number("down-ms", 500.0)?, kill: self.flag("kill")? }
            }
            "night" => FaultKind::Night,
            "store-off" => FaultKind::StoreOff,
            "store-away" => FaultKind::StoreAway { ms: self.number("ms", 3000.0)? },
            "store-unreachable" => FaultKind::StoreUnreachable,
            "cut-upload" => FaultKind::CutUpload,
            "lose-put" => FaultKind::LosePut,
            "wrong-digest" => FaultKind::WrongDigest,
            "expired-signature" => FaultKind::ExpiredSignature,
            "slow-store" => FaultKind::SlowStore { ms: self.number("ms", 1000.0)? },
            unknown => return Err(format!("there is no fault `{unknown}`; there are {}", NAMES.join(", "))),
        })
    }

    fn status(&mut self) -> Result<u16, String> {
        let status = self.number("status", 502.0)?;
        if (502..=504).contains(&status) {
            Ok(status)
        } else {
            Err(format!("status={status}: a proxy says 502, 503 or 504"))
        }
    }

    fn act(&mut self) -> Result<UserAct, String> {
        match self.text("act")?.as_deref() {
            None | Some("any") => Ok(UserAct::Any),
            Some("revoke") => Ok(UserAct::Revoke),
            Some("delete") => Ok(UserAct::Delete),
            Some("clear") => Ok(UserAct::Clear),
            Some(other) => Err(format!("act={other}: users revoke, delete, clear, or do any of these")),
        }
    }

    /// How often the server does something of itself. Each time costs work of this machine.
    fn rate(&mut self) -> Result<f64, String> {
        const MOST: f64 = 10_000.0;
        let rate = self.float("per-second", 10.0)?;
        if rate <= MOST {
            Ok(rate)
        } else {
            Err(format!("per-second={rate} of `{}`: this server does {MOST} a second at most", self.name))
        }
    }

    fn float(&mut self, key: &str, default: f64) -> Result<f64, String> {
        let number = match self.map.remove(key) {
            None => Some(default),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number
            .filter(|n| *n >= 0.0 && n.is_finite())
            .ok_or_else(|| format!("`{key}` of `{}` is a number from 0", self.name))
    }

    /// A whole number; every one of interest fits a float.
    fn number<T: TryFrom<u64>>(&mut self, key: &str, default: f64) -> Result<T, String> {
        let float = self.float(key, default)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; saturates"
        )]
        let whole = float as u64;
        T::try_from(whole).map_err(|_| format!("`{key}` of `{}` is too large", self.name))
    }

    fn flag(&mut self, key: &str) -> Result<bool, String> {
        match self.map.remove(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(_) => Err(format!("`{key}` of `{}` is true or false", self.name)),
        }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.map.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{key}` of `{}` is text", self.name)),
        }
    }

    fn needed(&mut self, key: &str) -> Result<String, String> {
        self.text(key)?.ok_or_else(|| format!("`{}` needs `{key}`", self.name))
    }
}

const NAMES: [&str; 32] = [
    "lose-answer",
    "close-before-body",
    "close-after-body",
    "proxy-error",
    "too-many",
    "error-500",
    "hang",
    "expire-token",
    "kick-token",
    "lose-queue",
    "repeat-queue",
    "lose-store",
    "jump-seq",
    "fall-back-seq",
    "read-gap",
    "stall",
    "slow",
    "live-traffic",
    "users-act",
    "rate-limit",
    "remove-user",
    "remove-group",
    "restart",
    "night",
    "store-off",
    "store-away",
    "store-unreachable",
    "cut-upload",
    "lose-put",
    "wrong-digest",
    "expired-signature",
    "slow-store",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_fault() {
        for name in NAMES {
            let spec = match name {
                "remove-user" => "remove-user:user=a".to_owned(),
                "remove-group" => "remove-group:group=g".to_owned(),
                _ => name.to_owned(),
            };
            let fault: Fault = spec.parse().unwrap();
            // As it is listed, it can be given again.
            let listed = serde_json::to_value(&fault).unwrap();
            assert_eq!(Fault::from_json(listed).unwrap(), fault, "{spec}");
        }
    }

    #[test]
    fn flags_and_json_say_the_same() {
        let flag: Fault = "proxy-error:status=503,processed=true,chance=0.5,times=3".parse().unwrap();
        let json = serde_json::json!({
            "kind": "proxy-error", "status": 503, "processed": true, "chance": 0.5, "times": 3
        });
        assert_eq!(flag, Fault::from_json(json).unwrap());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (spec, said) in [
            ("lose-anser", "no fault `lose-anser`"),
            ("lose-answer:by=3", "has no `by`"),
            ("jump-seq:by=x", "`by` of `jump-seq`"),
            ("hang:processed=yes", "`processed` of `hang`"),
            ("live-traffic:per-second=1e308", "10000 a second at most"),
            ("users-act:per-second=10001", "10000 a second at most"),
            ("lose-answer:chance=2", "no probability"),
            ("remove-user", "needs `user`"),
            ("lose-queue:path=/x", "has no `path`"),
            ("lose-answer:conversation=si_a_b", "has no `conversation`"),
        ] {
            let error = spec.parse::<Fault>().unwrap_err();
            assert!(error.contains(said), "{spec}: {error}");
        }
    }
}
