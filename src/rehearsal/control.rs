//! The control path, `/_rehearsal/…`: what a test or a person asks of the server itself.

use super::audit;
use super::http::Reply;
use super::shared::Shared;
use hyper::Method;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Answers a call of the control path.
pub(super) async fn control(
    method: &Method,
    path: &str,
    query: Option<&str>,
    _body: &[u8],
    shared: &Arc<Shared>,
) -> Reply {
    let query = Query::of(query);
    match (method, path) {
        (&Method::GET, "/_rehearsal/audit") => found(&audit::audit(shared)),
        (&Method::GET, "/_rehearsal/log") => {
            let Some(conversation) = query.get("conversation") else {
                return wrong("name a conversation: /_rehearsal/log?conversation=si_a_b");
            };
            let from = query.get("from").and_then(|v| v.parse().ok()).unwrap_or(1);
            let limit = query.get("limit").and_then(|v| v.parse().ok()).unwrap_or(usize::MAX);
            found(&audit::log(shared, &conversation, from, limit))
        }
        (&Method::POST, "/_rehearsal/settle") => {
            settle(shared).await;
            found(&audit::audit(shared))
        }
        _ => {
            let mut reply = wrong("GET audit, GET log?conversation=ID, POST settle");
            reply.status = 404;
            reply
        }
    }
}

/// Waits until all that was queued is stored or lost.
pub(super) async fn settle(shared: &Shared) {
    while shared.world().unsettled > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(super::queue::RECORDS_AFTER_MS.unsigned_abs() + 1)).await;
}

struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: Option<&str>) -> Self {
        let pairs = text.unwrap_or_default().split('&').filter(|p| !p.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decoded(name), decoded(value))
                })
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }
}

/// `%41` and `+` undone.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(code) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            out.push(code);
            at += 3;
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn found(value: &impl Serialize) -> Reply {
    Reply::json(serde_json::to_string(value).expect("plain data"))
}

fn wrong(hint: &str) -> Reply {
    let mut reply = found(&serde_json::json!({ "error": hint }));
    reply.status = 400;
    reply
}
