//! The control path, `/_rehearsal/…`: what a test or a person asks of the server itself. All of it is JSON.
//!
//! | call | does |
//! |---|---|
//! | `GET audit` | what was received, acknowledged, stored, dropped and why, per conversation |
//! | `GET probe` | what live users felt, message by message (`--live-probe`) |
//! | `GET log?conversation=ID[&from=SEQ][&limit=N]` | the slots of a conversation, in order |
//! | `POST settle` | waits until all that is queued by then is stored or lost, and answers with the audit |
//! | `GET mongoexport?collection=NAME[&json=canonical]` | what the server has, as `mongoexport --jsonArray` writes it |
//! | `GET faults` | which faults are on, and how often each struck |
//! | `POST faults` `{"kind":…}` | turns one on; answers with its `id` |
//! | `DELETE faults[?id=N]` | turns one off, or all |
//! | `POST now` `{"kind":…[,"conversation":ID]}` | lets something happen once, at once |
//! | `POST clock` `{"advance_ms":N}` | puts the server's clock forward |
//! | `GET accounts` | who has an account in the chat server, and what of it is there |
//! | `GET objects` | what lies in the object store, under which names |
//! | `POST lose-object` `{"name"}` · `POST forget-objects` | bytes disappear behind the server's back; its memory of contents is emptied |
//! | `POST save` | writes the state file |
//! | `POST damage` `{"conversation","seq","kind":"change","content"}` · `redate`, `send_time` · `swap`, `with` · `hide` · `unstore` | what no call does to a slot |
//! | `POST revoke` `{"user","conversation","seq"}` · `POST delete` · `POST clear` | a user acts (law 13) |

use super::damage::Damage;
use super::faults::{Fault, perform};
use super::http::Reply;
use super::mongoexport::{COLLECTIONS, mongoexport};
use super::positions::{clear_for, hide, revoke_for};
use super::shared::Shared;
use super::{audit, state};
use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// Answers a call of the control path.
pub(super) async fn control(
    method: &Method,
    path: &str,
    query: Option<&str>,
    body: &[u8],
    shared: &Shared,
) -> Reply {
    let name = path.trim_start_matches("/_rehearsal/");
    if (method, name) == (&Method::POST, "settle") {
        settle(shared).await;
        return found(&audit::audit(shared));
    }
    if (method, name) == (&Method::POST, "save") {
        // What is between the stages is in neither: it gets the time it needs, also while others go on sending.
        let lags = shared.options.timing.storing_lag + shared.options.timing.store_lag;
        tokio::time::timeout(lags + Duration::from_secs(1), settle(shared)).await.ok();
    }
    answer(method, name, &Query::of(query), body, shared).unwrap_or_else(|wrong| {
        let mut reply = found(&json!({ "error": wrong.1 }));
        reply.status = wrong.0;
        reply
    })
}

/// Waits until all that was queued is stored or lost. What comes later is not waited for: people never stop writing.
pub(super) async fn settle(shared: &Shared) {
    let mut queued = shared.world().unsettled.now();
    while !queued.is_settled(&shared.world().unsettled) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(super::queue::RECORDS_AFTER_MS.unsigned_abs() + 1)).await;
}

/// Status and text of what was wrong with a call.
struct Wrong(u16, String);

fn answer(method: &Method, name: &str, query: &Query, body: &[u8], shared: &Shared) -> Result<Reply, Wrong> {
    match (method, name) {
        (&Method::GET, "accounts") => Ok(found(&shared.chat.audit())),
        (&Method::GET, "audit") => Ok(found(&audit::audit(shared))),
        (&Method::GET, "log") => {
            let conversation =
                query.get("conversation").ok_or_else(|| wrong("name a conversation: log?conversation=si_a_b"))?;
            let (from, limit) = (query.number("from", 1)?, query.number("limit", i64::MAX)?);
            let limit = usize::try_from(limit).map_err(|_| wrong("limit is a number from 0"))?;
            Ok(found(&audit::log(shared, conversation, from, limit)))
        }
        (&Method::GET, "mongoexport") => {
            let collection = query.get("collection").unwrap_or_default();
            let canonical = match query.get("json") {
                None | Some("relaxed") => false,
                Some("canonical") => true,
                Some(_) => return Err(wrong("json is relaxed or canonical")),
            };
            let documents = mongoexport(shared, collection, canonical)
                .ok_or_else(|| wrong(format!("collection is one of {}", COLLECTIONS.join(", "))))?;
            Ok(found(&documents))
        }
        (&Method::GET, "probe") => {
            Ok(found(&shared.world().probe.as_ref().map(super::probe::Probe::felt).unwrap_or_default()))
        }
        (&Method::GET, "objects") => Ok(found(&shared.objects.audit())),
        (&Method::POST, "lose-object") => {
            let Named { name } = parsed(body)?;
            if !shared.objects.lose(&name) {
                return Err(Wrong(404, format!("there is no object `{name}`")));
            }
            Ok(found(&json!({ "done": name })))
        }
        (&Method::POST, "forget-objects") => {
            shared.objects.forget();
            Ok(found(&json!({ "done": "forget-objects" })))
        }
        (&Method::GET, "faults") => Ok(found(&shared.faults.list())),
        (&Method::POST, "faults") => {
            let fault = Fault::from_json(parsed(body)?).map_err(wrong)?;
            Ok(found(&json!({ "id": shared.faults.add(fault) })))
        }
        (&Method::DELETE, "faults") => {
            let id = query.get("id").map(|id| id.parse().map_err(|_| wrong("id is a number"))).transpose()?;
            Ok(found(&json!({ "removed": shared.faults.remove(id) })))
        }
        (&Method::POST, "now") => now(shared, parsed(body)?),
        (&Method::POST, "clock") => {
            let Clock { advance_ms } = parsed(body)?;
            shared.advance_clock(advance_ms);
            Ok(found(&json!({ "now": shared.now() })))
        }
        (&Method::POST, "save") => {
            let path = shared.options.state.as_deref().ok_or_else(|| wrong("there is no state file: start with --state FILE"))?;
            let saved = shared.objects.save().and_then(|()| state::save(shared, path));
            saved.map_err(|error| Wrong(500, error.to_string()))?;
            Ok(found(&json!({ "saved": path })))
        }
        (&Method::POST, "damage") => harm(shared, parsed(body)?),
        (&Method::POST, "revoke" | "delete" | "clear") => act(shared, name, &parsed(body)?),
        _ => Err(Wrong(
            404,
            "there are GET audit, probe, log, mongoexport, objects, faults; POST settle, faults, now, clock, save, damage, \
             revoke, delete, clear, lose-object, forget-objects; DELETE faults"
                .to_owned(),
        )),
    }
}

fn now(shared: &Shared, mut body: Value) -> Result<Reply, Wrong> {
    let only = body.as_object_mut().and_then(|map| map.remove("conversation"));
    let fault = Fault::from_json(body).map_err(wrong)?;
    if !fault.kind.is_event() {
        return Err(wrong("that happens on occasions: POST it to faults"));
    }
    perform(shared, &fault.kind, only.as_ref().and_then(Value::as_str));
    Ok(found(&json!({ "done": fault.kind })))
}

fn harm(shared: &Shared, mut body: Value) -> Result<Reply, Wrong> {
    let (conversation, seq) = match body.as_object_mut() {
        Some(map) => (map.remove("conversation"), map.remove("seq")),
        None => (None, None),
    };
    let (Some(Value::String(conversation)), Some(seq)) = (conversation, seq.and_then(|seq| seq.as_i64()))
    else {
        return Err(wrong("name a `conversation` and a `seq`"));
    };
    let damage: Damage = serde_json::from_value(body).map_err(|error| wrong(error.to_string()))?;
    super::damage::damage(shared, &conversation, seq, &damage).map_err(wrong)?;
    Ok(found(&json!({ "done": damage })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    advance_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    user: String,
    conversation: String,
    #[serde(default)]
    seq: i64,
}

fn act(shared: &Shared, name: &str, act: &Act) -> Result<Reply, Wrong> {
    let now = shared.now();
    let mut world = shared.world();
    match name {
        "revoke" => {
            if !revoke_for(&mut world, &act.user, &act.conversation, act.seq, now) {
                return Err(Wrong(404, format!("{} has no message at {}", act.conversation, act.seq)));
            }
        }
        "delete" => hide(&mut world, &act.user, &act.conversation, &[act.seq]),
        _ => clear_for(&mut world, &act.user, &act.conversation),
    }
    Ok(found(&json!({ "done": name })))
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

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn number(&self, name: &str, default: i64) -> Result<i64, Wrong> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().map_err(|_| wrong(format!("{name}={text} is no number")))
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

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| wrong(format!("the body is not what is expected: {error}")))
}

fn found(value: &impl Serialize) -> Reply {
    Reply::json(serde_json::to_string(value).expect("plain data"))
}

fn wrong(text: impl Into<String>) -> Wrong {
    Wrong(400, text.into())
}
