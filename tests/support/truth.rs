//! The judge: what an export asks for against what the server's log holds. Shares no code with the importer.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde_json::Value;

use super::Rehearsal;
use super::scroll::entries_shown;

/// What makes one message: sender, time, type, `ex`, content as values.
type Key = String;

/// The messages an export asks for, by conversation, in the order they must stand.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    conversations: BTreeMap<String, Vec<Key>>,
}

/// What became of them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Messages asked for.
    pub messages: usize,
    /// Asked for and not in the log.
    pub lost: usize,
    /// In the log more often than asked for.
    pub doubled: usize,
    /// In the log after one that they should precede.
    pub out_of_order: usize,
    /// In the log, and nobody can read them.
    pub hidden: usize,
    /// In the log with a later time than asked for: sent again behind newer ones, where an older one must not stand.
    pub moved: usize,
    /// In the log and not ours: live traffic.
    pub foreign: usize,
    /// In the log a second time because the server repeated it: the same ids (law 5). Counted as doubled, too.
    pub copies: usize,
    /// Conversations that users can't scroll to the start.
    pub unscrollable: usize,
}

impl Judgement {
    /// Every message once, in order, readable.
    pub(crate) fn is_exact(&self) -> bool {
        let Self { messages, foreign, unscrollable, .. } = *self;
        *self == Self { messages, foreign, unscrollable, ..Self::default() }
    }
}

impl Expected {
    /// Reads native JSONL exports, in this order.
    pub(crate) fn of(exports: &[&Path]) -> Self {
        let mut rows: BTreeMap<String, Vec<(i64, Value)>> = BTreeMap::new();
        for export in exports {
            for line in fs_err::read_to_string(export).unwrap().lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                let (from, to, group) = (text("sendID"), text("recvID"), text("groupID"));
                let conversation = if group.is_empty() {
                    let (a, b) = if from < to { (&from, &to) } else { (&to, &from) };
                    format!("si_{a}_{b}")
                } else {
                    format!("sg_{group}")
                };
                let time = row["sendTime"].as_i64().unwrap();
                rows.entry(conversation).or_default().push((time, row));
            }
        }
        let conversations = rows
            .into_iter()
            .map(|(conversation, mut rows)| {
                // Stable: equal times keep the order of the source.
                rows.sort_by_key(|(time, _)| *time);
                // And follow each other a millisecond apart (law 15).
                let mut last = i64::MIN;
                let keys = rows.into_iter().map(|(time, row)| {
                    last = time.max(last.saturating_add(1));
                    let text = |name: &str| row[name].as_str().unwrap_or_default();
                    let kind = row["contentType"].as_i64().unwrap_or(101);
                    key(text("sendID"), last, kind, text("ex"), &row["content"])
                });
                (conversation, keys.collect())
            })
            .collect();
        Self { conversations }
    }

    /// Takes every conversation's log from the server, after it came to rest, and compares. All of them can be scrolled.
    #[track_caller]
    pub(crate) fn judge(&self, server: &Rehearsal) -> Judgement {
        let judgement = self.judge_and_count(server);
        assert_eq!(judgement.unscrollable, 0, "conversations that users can't scroll");
        judgement
    }

    /// The same where some may be left that can't be scrolled: whoever asks compares their number with what was said.
    pub(crate) fn judge_and_count(&self, server: &Rehearsal) -> Judgement {
        server.control("/_rehearsal/settle", Some(&Value::Null));
        let mut judgement = Judgement::default();
        for (conversation, expected) in &self.conversations {
            let log = server.log(conversation);
            judgement.add(expected, &log);
            judgement.unscrollable += usize::from(!entries_shown(&log).scrolls());
        }
        judgement
    }
}

impl Judgement {
    fn add(&mut self, expected: &[Key], log: &[Value]) {
        self.messages += expected.len();
        // Where each message is wanted; equal ones take the places in turn.
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, key) in expected.iter().enumerate().rev() {
            places.entry(key).or_default().push(place);
        }
        // The place of what stands there, in the order of the log; what has another time than asked for comes after.
        let mut found: Vec<Option<usize>> = Vec::new();
        let mut strangers: Vec<(usize, Key, usize)> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for entry in log {
            let state = entry["state"].as_str().unwrap();
            if matches!(state, "deleted" | "empty") || entry["origin"] != "sent" {
                continue;
            }
            let content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap_or_default();
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            let time = entry["sendTime"].as_i64().unwrap();
            let key = key(text("sendID"), time, entry["contentType"].as_i64().unwrap(), text("ex"), &content);
            let is_new = entry["serverMsgID"].as_str().is_none_or(|id| seen.insert(id));
            let left = places.get_mut(key.as_str());
            if !is_new {
                let ours = left.is_some() || expected.iter().any(|asked| is_later(asked, &key));
                self.doubled += usize::from(ours);
                self.copies += usize::from(ours);
                self.foreign += usize::from(!ours);
                continue;
            }
            let hidden = usize::from(state == "hidden");
            self.hidden += left.as_ref().map_or(0, |_| hidden);
            match left.map(Vec::pop) {
                Some(Some(place)) => found.push(Some(place)),
                Some(None) => self.doubled += 1,
                None => {
                    strangers.push((found.len(), key, hidden));
                    found.push(None);
                }
            }
        }
        let mut lost: Vec<usize> = places.into_values().flatten().collect();
        lost.sort_unstable();
        for (at, key, hidden) in strangers {
            // The latest that can have become it.
            if let Some(n) = lost.iter().rposition(|place| is_later(&expected[*place], &key)) {
                found[at] = Some(lost.remove(n));
                self.moved += 1;
                self.hidden += hidden;
            } else if expected.iter().any(|asked| is_later(asked, &key)) {
                self.doubled += 1;
            } else {
                self.foreign += 1;
            }
        }
        let mut latest = None;
        for place in found.into_iter().flatten() {
            self.out_of_order += usize::from(latest.is_some_and(|latest| place < latest));
            latest = latest.max(Some(place));
        }
        self.lost += lost.len();
    }
}

/// The same message with a later time.
fn is_later(asked: &str, found: &str) -> bool {
    let parts = |key: &str| -> Option<(String, i64)> {
        let mut parts = key.splitn(3, '|');
        let (sender, time, rest) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        Some((format!("{sender}|{rest}"), time))
    };
    matches!((parts(asked), parts(found)), (Some(asked), Some(found)) if asked.0 == found.0 && asked.1 < found.1)
}

fn key(sender: &str, time: i64, kind: i64, ex: &str, content: &Value) -> Key {
    format!("{sender}|{time}|{kind}|{ex}|{}", as_floats(content))
}

/// Numbers pass through a 64-bit float in the server; key order is sorted by `Value` itself.
fn as_floats(value: &Value) -> Value {
    match value {
        Value::Number(n) => n.as_f64().map_or(Value::Null, Value::from),
        Value::Array(list) => list.iter().map(as_floats).collect(),
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), as_floats(v))).collect(),
        other => other.clone(),
    }
}

pub(super) fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[test]
fn the_judge_sees_every_kind_of_damage() {
    let entry = |n: i64, state: &str| serde_json::json!({"state": state, "origin": "sent", "sendID": "a", "sendTime": n, "contentType": 101, "ex": "", "content": "{\"content\":\"x\"}"});
    let expected: Vec<Key> =
        (0..4).map(|n| key("a", n, 101, "", &serde_json::json!({"content": "x"}))).collect();
    let judge = |log: &[Value]| {
        let mut judgement = Judgement::default();
        judgement.add(&expected, log);
        (judgement.lost, judgement.doubled, judgement.out_of_order, judgement.hidden, judgement.foreign)
    };
    let log = |order: &[i64]| order.iter().map(|n| entry(*n, "readable")).collect::<Vec<_>>();
    assert_eq!(judge(&log(&[0, 1, 2, 3])), (0, 0, 0, 0, 0));
    assert_eq!(judge(&log(&[0, 1, 3])), (1, 0, 0, 0, 0));
    assert_eq!(judge(&log(&[0, 1, 1, 2, 3])), (0, 1, 0, 0, 0));
    assert_eq!(judge(&log(&[0, 2, 1, 3])), (0, 0, 1, 0, 0));
    let mut strange = log(&[0, 1, 9, 2, 3]);
    strange[2]["sendID"] = "z".into();
    assert_eq!(judge(&strange), (0, 0, 0, 0, 1));
    // The same with a later time: a second one where nothing lacks, else what was sent again behind newer ones.
    assert_eq!(judge(&log(&[0, 1, 2, 3, 9])), (0, 1, 0, 0, 0));
    let mut moved = Judgement::default();
    moved.add(&expected, &log(&[0, 1, 3, 9]));
    assert_eq!((moved.lost, moved.moved, moved.out_of_order), (0, 1, 1));
    assert!(!moved.is_exact());
    assert_eq!(judge(&[log(&[0, 1, 2]), vec![entry(3, "hidden")]].concat()), (0, 0, 0, 1, 0));
    assert_eq!(judge(&[log(&[0, 1, 2]), vec![entry(3, "deleted")]].concat()), (1, 0, 0, 0, 0));
}
