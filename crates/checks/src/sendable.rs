//! One message by itself.

use super::walk::is_strict_object;
use super::{codes, content};
use crate::finding::{Code, Finding, Severity, shorten};
use crate::message::{ContentType, Message, Peer, Release, SendTime, UserId};

/// Examines messages one by one. Plain values: what "now" is is said by who asks.
#[derive(Debug, Clone, Copy)]
pub struct Checker {
    /// When the pass began: later messages than a day from then are in the future.
    pub now: SendTime,
    /// The server's release.
    pub release: Release,
    /// Calls above 8 MiB are sent all the same.
    pub allow_large: bool,
}

/// 1 January 2000, in milliseconds.
const YEAR_2000: i64 = 946_684_800_000;
const DAY: i64 = 86_400_000;
/// `rpcMaxBodySize` (contract, section 2).
const CALL_LIMIT: usize = 8 << 20;
/// What a Kafka takes that nobody has configured.
const KAFKA_LIMIT: usize = 1_000_000;

impl Checker {
    /// Says everything that is to be said about the message; `true` if it can be sent.
    pub fn examine(&self, message: &Message<'_>, found: &mut dyn FnMut(Finding)) -> bool {
        let mut sendable = true;
        let mut say = |code: &'static Code, value: String| {
            sendable &= code.severity != Severity::Error;
            found(Finding { code, place: Some(message.place), value: shorten(&value) });
        };
        check_ids(message, &mut say);
        self.check_time(message.send_time, &mut say);
        match ContentType::from_code(message.content_type) {
            None => say(&codes::TYPE_UNKNOWN, message.content_type.to_string()),
            Some(kind) => {
                match kind {
                    ContentType::Quote | ContentType::Markdown
                        // A reply of ours goes out as text there.
                        if !self.release.takes_quotes() && message.quote.is_none() =>
                    {
                        say(&codes::TYPE_NEEDS_MAIN, kind.code().to_string());
                    }
                    ContentType::OaNotification => say(&codes::TYPE_NEEDS_ACCOUNT, message.sender.to_string()),
                    _ => {}
                }
                content::examine(kind, &message.content, &mut say);
            }
        }
        if let Some(quote) = &message.quote {
            content::examine(ContentType::Text, &quote.fallback, &mut say);
        }
        if message.online_only {
            say(&codes::ONLINE_ONLY, "true".to_owned());
        }
        if let Some(info) = &message.offline_push_info
            && !is_strict_object(info, &["title", "desc", "ex", "iOSPushSound"], &["iOSBadgeCount"])
        {
            say(&codes::PUSH_INFO, info.to_string());
        }
        sendable
    }

    /// Says what is to be said about a call of that many bytes, and whether it can be sent. What counts is how many the server
    /// makes of them.
    pub fn examine_size(&self, message: &Message<'_>, bytes: usize, found: &mut dyn FnMut(Finding)) -> bool {
        let bytes = bytes + grown(&message.content);
        let code = match bytes {
            _ if bytes > CALL_LIMIT && self.allow_large => &codes::CALL_TOO_LARGE_ALLOWED,
            _ if bytes > CALL_LIMIT => &codes::CALL_TOO_LARGE,
            _ if bytes > KAFKA_LIMIT => &codes::CALL_LARGE,
            _ => return true,
        };
        found(Finding { code, place: Some(message.place), value: format!("{bytes} bytes") });
        code.severity != Severity::Error
    }

    fn check_time(&self, time: SendTime, say: &mut dyn FnMut(&'static Code, String)) {
        let latest = self.now.0.saturating_add(DAY);
        let plausible = |ms: i64| (YEAR_2000..=latest).contains(&ms);
        let ms = time.0;
        if plausible(ms) {
            return;
        }
        let code = if ms == 0 {
            &codes::TIME_ZERO
        } else if ms < 0 {
            &codes::TIME_NEGATIVE
        } else if plausible(ms.saturating_mul(1000)) {
            &codes::TIME_IN_SECONDS
        } else if plausible(ms / 1000) {
            &codes::TIME_IN_MICROSECONDS
        } else if plausible(ms / 1_000_000) {
            &codes::TIME_IN_NANOSECONDS
        } else if ms < YEAR_2000 {
            &codes::TIME_BEFORE_2000
        } else {
            &codes::TIME_IN_FUTURE
        };
        say(code, ms.to_string());
    }
}

fn check_ids(message: &Message<'_>, say: &mut dyn FnMut(&'static Code, String)) {
    if message.sender.is_empty() {
        say(&codes::SENDER_MISSING, String::new());
    } else if !UserId::is_legal(&message.sender) {
        say(&codes::USER_ID_IMPOSSIBLE, message.sender.to_string());
    }
    match &message.peer {
        Peer::User(to) if to.is_empty() => say(&codes::RECEIVER_MISSING, String::new()),
        Peer::User(to) if !UserId::is_legal(to) => say(&codes::USER_ID_IMPOSSIBLE, to.to_string()),
        Peer::User(to) if *to == message.sender => say(&codes::TO_ONESELF, to.to_string()),
        Peer::Group(group) if group.is_empty() => say(&codes::GROUP_MISSING, String::new()),
        Peer::Group(group) if group.trim().len() < group.len() => {
            say(&codes::GROUP_ID_BLANK, group.to_string());
        }
        _ => {}
    }
}

/// How many bytes longer a content becomes on the server, which writes it anew as Go does: `<`, `>`, `&` and two line
/// separators as `\u003c` (measured on both releases: 33 bytes of these became 186).
pub fn grown(content: &str) -> usize {
    let signs = content.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&')).count();
    let separators = content.matches(['\u{2028}', '\u{2029}']).count();
    5 * signs + 3 * separators
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Place, Quote, SourceNo};

    /// 24 November 2026.
    const NOW: i64 = 1_795_478_400_000;

    fn message() -> Message<'static> {
        Message {
            sender: "u1".into(),
            peer: Peer::User("u2".into()),
            nickname: "".into(),
            face_url: "".into(),
            platform: 10,
            content_type: 101,
            content: r#"{"content":"hi"}"#.into(),
            send_time: SendTime(1_700_000_000_000),
            ex: "".into(),
            not_offline_push: true,
            online_only: false,
            offline_push_info: None,
            source_id: None,
            quote: None,
            place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
        }
    }

    fn on(release: Release, message: &Message<'_>) -> (Vec<&'static str>, bool) {
        let mut found = Vec::new();
        let checker = Checker { now: SendTime(NOW), release, allow_large: false };
        let sendable = checker.examine(message, &mut |finding| found.push(finding.code.name));
        (found, sendable)
    }

    fn found(message: &Message<'_>) -> Vec<&'static str> {
        on(Release::V3_8_3, message).0
    }

    #[test]
    fn nothing_is_said_about_a_good_one() {
        assert_eq!(on(Release::V3_8_3, &message()), (vec![], true));
        for id in ["u_1", "日本", "MiXed", "٣"] {
            assert_eq!(found(&Message { sender: id.into(), ..message() }), [""; 0], "{id}");
        }
    }

    #[test]
    fn ids_no_server_could_hold() {
        for id in ["a-b", "a.b", "a@b", "a:b", "sp ace", "a\u{0}", "😀"] {
            assert_eq!(found(&Message { sender: id.into(), ..message() }), ["user-id-impossible"], "{id}");
            let to = Message { peer: Peer::User(id.into()), ..message() };
            assert_eq!(found(&to), ["user-id-impossible"], "{id}");
            // Groups may have any.
            let to = Message { peer: Peer::Group(id.into()), ..message() };
            assert_eq!(found(&to), [""; 0], "{id}");
        }
        assert_eq!(found(&Message { sender: "".into(), ..message() }), ["sender-missing"]);
        assert_eq!(found(&Message { peer: Peer::User("".into()), ..message() }), ["receiver-missing"]);
        assert_eq!(found(&Message { peer: Peer::Group("".into()), ..message() }), ["group-missing"]);
        assert_eq!(found(&Message { peer: Peer::Group(" g".into()), ..message() }), ["group-id-blank"]);
        assert_eq!(
            on(Release::Main, &Message { peer: Peer::User("u1".into()), ..message() }),
            (vec!["to-oneself"], true)
        );
    }

    #[test]
    fn times() {
        let of = |ms| found(&Message { send_time: SendTime(ms), ..message() });
        for good in [YEAR_2000, 1_500_000_000_000, NOW, NOW + DAY] {
            assert_eq!(of(good), [""; 0], "{good}");
        }
        for (ms, code) in [
            (0, "time-zero"),
            (-5, "time-negative"),
            (i64::MIN, "time-negative"),
            (1_500_000_000, "time-in-seconds"),
            (1_500_000_000_000_000, "time-in-microseconds"),
            (1_500_000_000_000_000_000, "time-in-nanoseconds"),
            (5, "time-before-2000"),
            (YEAR_2000 - 1, "time-before-2000"),
            (NOW + DAY + 1, "time-in-future"),
            (4_102_444_800_000, "time-in-future"),
            (i64::MAX, "time-in-future"),
        ] {
            assert_eq!(of(ms), [code], "{ms}");
        }
    }

    #[test]
    fn types() {
        let of = |release, kind, content: &'static str| {
            on(release, &Message { content_type: kind, content: content.into(), ..message() }).0
        };
        for kind in [0, 107, 108, 109, 115, 999, -1] {
            assert_eq!(of(Release::Main, kind, "{}"), ["type-unknown"], "{kind}");
        }
        assert_eq!(of(Release::V3_8_3, 118, r#"{"content":"x"}"#), ["type-needs-main"]);
        assert_eq!(of(Release::Main, 118, r#"{"content":"x"}"#), [""; 0]);
        assert_eq!(of(Release::V3_8_3, 114, "{}"), ["type-needs-main"]);
        assert_eq!(of(Release::Main, 114, "{}"), [""; 0]);
        assert_eq!(of(Release::V3_8_3, 1400, "{}"), ["type-needs-account"]);
        let reply = Message {
            content_type: 114,
            content: r#"{"text":"re","quoteMessage":{}}"#.into(),
            quote: Some(Quote { target: "1".into(), fallback: r#"{"content":""}"#.into() }),
            ..message()
        };
        assert_eq!(found(&reply), ["content-field-missing"]);
    }

    #[test]
    fn the_rest() {
        assert_eq!(found(&Message { online_only: true, ..message() }), ["online-only"]);
        let push = |info: &'static str| found(&Message { offline_push_info: Some(info.into()), ..message() });
        assert_eq!(push(r#"{"title":"T","desc":"D","iOSBadgeCount":true,"more":1}"#), [""; 0]);
        for bad in ["x", "[]", r#"{"title":1}"#, r#"{"iOSBadgeCount":"yes"}"#] {
            assert_eq!(push(bad), ["push-info"], "{bad}");
        }
        let checker = |allow_large| Checker { now: SendTime(NOW), release: Release::Main, allow_large };
        let size = |bytes| {
            let mut found = Vec::new();
            checker(false).examine_size(&message(), bytes, &mut |finding| found.push(finding.code.name));
            found
        };
        assert_eq!(size(KAFKA_LIMIT), [""; 0]);
        assert_eq!(size(KAFKA_LIMIT + 1), ["call-large"]);
        assert_eq!(size(CALL_LIMIT + 1), ["call-too-large"]);
        assert!(!checker(false).examine_size(&message(), CALL_LIMIT + 1, &mut |_| {}));
        assert!(checker(false).examine_size(&message(), CALL_LIMIT, &mut |_| {}));
        assert!(checker(true).examine_size(&message(), CALL_LIMIT + 1, &mut |_| {}));
        // What the server writes with six bytes.
        let tags = format!("{{\"content\":\"{}\"}}", "<&>\u{2028}".repeat(400_000));
        let tags = Message { content: tags.into(), ..message() };
        assert!(!checker(false).examine_size(&tags, tags.content.len(), &mut |_| {}));
    }
}
