use super::*;

fn at(code: i32, detail: &str) -> Verdict {
    let body = serde_json::json!({"errCode": code, "errMsg": "", "errDlt": detail}).to_string();
    verdict(101, 200, None, body.as_bytes())
}

fn reason(verdict: Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Reject(rejection) => Some(rejection.reason),
        _ => None,
    }
}

#[test]
fn every_row_of_the_table_decides_something() {
    for (from, to, when, then) in TABLE {
        let (detail, content_type) = match when {
            Always => ("whatever", 101),
            Says(words) => (*words, 101),
            Notification => ("", 1400),
        };
        for code in *from..=*to {
            let body = serde_json::json!({"errCode": code, "errMsg": "", "errDlt": detail}).to_string();
            let verdict = verdict(content_type, 200, None, body.as_bytes());
            match then {
                Refresh => assert_eq!(verdict, Verdict::RefreshToken),
                Wait => assert!(matches!(verdict, Verdict::Wait(_))),
                Reject(want) => assert_eq!(reason(verdict), Some(*want), "{code} {detail}"),
                Unanswered => assert!(matches!(verdict, Verdict::Unanswered(Lost::Error(..)))),
                NotAdmin => assert!(matches!(verdict, Verdict::Stop(Stop::NotAdmin(_)))),
            }
        }
    }
}

#[test]
fn unknown_codes_may_have_been_queued() {
    for code in [-1, 1, 1003, 1500, 1508, 9000, 90001, 90005, 79999] {
        assert!(matches!(at(code, ""), Verdict::Unanswered(Lost::Error(..))), "{code}");
    }
}

#[test]
fn http_statuses_decide_before_the_body() {
    let html = b"<html>Bad Gateway</html>";
    for status in [500, 502, 503, 504] {
        assert_eq!(verdict(101, status, None, html), Verdict::Unanswered(Lost::Proxy(status)));
    }
    let wait = Duration::from_secs(3);
    assert_eq!(verdict(101, 429, Some(wait), b"slow down"), Verdict::Wait(Pause::RateLimited(Some(wait))));
    assert_eq!(reason(verdict(101, 413, None, html)), Some(Reason::TooLarge));
    assert_eq!(verdict(101, 403, None, html), Verdict::Stop(Stop::ProxyRefuses(403)));
    for (status, body) in
        [(404, &b"404 page not found"[..]), (200, html), (301, b""), (200, b"{}"), (200, b"")]
    {
        assert!(matches!(verdict(101, status, None, body), Verdict::Stop(Stop::NotOpenIm(_))), "{status}");
    }
}

#[test]
fn success_needs_a_name() {
    let nothing = br#"{"errCode":0,"errMsg":"","errDlt":"","data":{"serverMsgID":"","clientMsgID":"","sendTime":0,"modify":null}}"#;
    let Verdict::Reject(refused) = verdict(101, 200, None, nothing) else { panic!("taken for sent") };
    assert_eq!((refused.reason, refused.code), (Reason::TakesNothing, 0));
    let body = br#"{"errCode":0,"errMsg":"","errDlt":"","data":{"clientMsgID":"a","serverMsgID":""}}"#;
    assert!(matches!(verdict(101, 200, None, body), Verdict::Unanswered(Lost::Error(0, _))));
    assert!(matches!(verdict(101, 200, None, br#"{"errCode":0}"#), Verdict::Unanswered(_)));
}

#[test]
fn no_connection_is_certainly_not_processed() {
    let gone = NoAnswer::Unreachable("refused".into());
    assert!(matches!(judge(101, Err(gone)), Verdict::Wait(Pause::Unreachable(_))));
    assert!(matches!(judge(101, Err(NoAnswer::Cut("x".into()))), Verdict::Unanswered(Lost::Cut(_))));
}

#[test]
fn names_of_reasons_are_unique_and_found_again() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_name(reason.name()), Some(reason));
    }
}

proptest::proptest! {
    #[test]
    fn strange_bytes_are_no_panic(status in 100u16..600, body: Vec<u8>) {
        drop(verdict(101, status, None, &body));
    }
}

/// Every answer to `send_msg` that was recorded on the two real servers.
#[test]
fn what_the_real_servers_answered() {
    #[derive(Deserialize)]
    struct Recording {
        name: String,
        path: String,
        body: serde_json::Value,
        status: Option<u16>,
        response: Option<serde_json::Value>,
    }
    let Some(folder) = crate::tests::shared() else { return };
    for (file, release) in
        [("recordings-3.8.3.jsonl", Release::V3_8_3), ("recordings-main.jsonl", Release::Main)]
    {
        let text = fs_err::read_to_string(folder.join("contract").join(file)).unwrap();
        let mut seen = 0;
        for line in text.lines() {
            let r: Recording = serde_json::from_str(line).unwrap();
            let (Some(status), Some(response)) = (r.status, r.response) else { continue };
            if r.path != "/msg/send_msg" {
                continue;
            }
            seen += 1;
            let content_type =
                r.body["contentType"].as_i64().map_or(0, |code| i32::try_from(code).unwrap_or(0));
            let body = response.to_string();
            let verdict = verdict(content_type, status, None, body.as_bytes());
            let want = expected(&r.name, release);
            let got = match &verdict {
                Verdict::Delivered { release: seen, .. } => {
                    assert_eq!(*seen, release, "{file} {}", r.name);
                    "delivered".to_owned()
                }
                Verdict::Reject(rejection) => rejection.reason.name().to_owned(),
                Verdict::RefreshToken => "refresh".to_owned(),
                Verdict::Stop(Stop::NotAdmin(_)) => "not admin".to_owned(),
                other => panic!("{file} {}: {other:?}", r.name),
            };
            if let Some(want) = want {
                assert_eq!(got, want, "{file} {}: {verdict:?}", r.name);
            } else {
                assert_eq!(response["errCode"], 0, "{file} {}: {verdict:?}", r.name);
                assert_eq!(got, "delivered");
            }
        }
        assert!(seen > 60, "{seen} answers in {file}");
    }
}

/// What each recorded refusal means; everything not named here succeeded.
fn expected(name: &str, release: Release) -> Option<&'static str> {
    let main = release == Release::Main;
    Some(match name {
        "no-sendid"
        | "empty-sendid"
        | "no-recvid"
        | "empty-recvid"
        | "no-content"
        | "content-string"
        | "content-array"
        | "no-contenttype"
        | "contenttype-0"
        | "contenttype-999"
        | "contenttype-face-115"
        | "contenttype-string"
        | "contenttype-float"
        | "sendtime-float"
        | "sendtime-string"
        | "body-bom"
        | "body-empty"
        | "body-cut"
        | "no-token"
        | "no-operation-id" => "malformed",
        "quote-no-text" | "markdown" if !main => "malformed",
        "content-empty"
        | "text-empty"
        | "picture-url-only"
        | "picture-zero-width"
        | "voice-zero-duration"
        | "file-zero-size"
        | "file-no-url"
        | "custom-no-data" => "invalid-content",
        "group-unknown" => "group-unknown",
        "group-not-a-member" | "kicked-sends" => "not-member",
        "sender-unknown" | "both-unknown" if main => "sender-unknown",
        "both-unknown" | "receiver-unknown" | "failed-send" => "receiver-unknown",
        "oa-not-an-account" => "not-a-notification-account",
        "blocked-sender" => "blocked",
        "muted-member-sends" => "member-muted",
        "dismissed-group-send" => "group-dismissed",
        "user-token-send" => "not admin",
        "bad-token" | "token-expired" | "token-wrong-secret" | "token-not-yet" | "token-empty-parts" => {
            "refresh"
        }
        "token-not-issued" if main => "refresh",
        _ => return None,
    })
}
