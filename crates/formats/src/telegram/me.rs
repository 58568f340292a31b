//! Who "I" am in the export of one chat of two: the first sender who is not the other side.

use serde::Deserialize;

use super::super::loose::Text;
use super::{is_digits, peer_id, unshifted};
use crate::export::{ExportError, Found, Input, Origin};
use crate::message::SourceNo;

/// What stands in front of the messages.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Front<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    id: Text<'a>,
}

/// Looks for it, as long as only the other side has written; reads no further than it must. `None` for exports
/// that need no such look (groups, whole accounts), where nobody else has written, and for standard input,
/// which can be read only once.
pub(super) fn find(found: &Found) -> Result<Option<String>, ExportError> {
    if found.origin == Origin::Stdin {
        return Ok(None);
    }
    let mut input = Input::open(found, SourceNo(0), None)?;
    let Some(other) = other_side(input.head()) else { return Ok(None) };
    let mut text = Vec::new();
    let mut buf = vec![0; 256 << 10];
    loop {
        match input.read(&mut buf)? {
            0 => return Ok(None),
            n => text.extend_from_slice(&buf[..n]),
        }
        if let Some(me) = first_other_than(&text, &other) {
            return Ok(Some(me));
        }
        // What is kept is longer than a key with its value.
        text.drain(..text.len().saturating_sub(200));
    }
}

/// The other side of a chat of two, as its id stands there.
fn other_side(head: &[u8]) -> Option<String> {
    let end = memchr::memmem::find(head, b"\"messages\"")?;
    let front = std::str::from_utf8(&head[..end]).ok()?.trim_end().trim_end_matches(',');
    let front = format!("{front}}}");
    let front: Front<'_> = serde_json::from_str(&front).ok()?;
    (matches!(&*front.kind.0, "personal_chat" | "bot_chat") && is_digits(&front.id.0))
        .then(|| front.id.0.into_owned())
}

fn first_other_than(text: &[u8], other: &str) -> Option<String> {
    const KEY: &[u8] = b"\"from_id\":";
    let others = [peer_id("user", other), peer_id("user", &unshifted(other).1)];
    memchr::memmem::find_iter(text, KEY).find_map(|at| {
        let value = text[at + KEY.len()..].trim_ascii_start();
        let end = value.iter().skip(1).position(|b| !b.is_ascii_alphanumeric())?;
        let id = std::str::from_utf8(&value[..=end]).ok()?.trim_matches('"');
        let id = if is_digits(id) { format!("user{}", unshifted(id).1) } else { id.to_owned() };
        (id.starts_with("user") && id.len() > 4 && !others.contains(&id)).then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_stands_in_front_of_the_messages() {
        let head = br#"{ "name": "Ann", "type": "personal_chat", "id": 5, "messages": [ {"#;
        assert_eq!(other_side(head).as_deref(), Some("5"));
        let group = br#"{ "name": "G", "type": "private_group", "id": 5, "messages": ["#;
        assert_eq!(other_side(group), None);
        assert_eq!(other_side(br#"{"about":"x","chats":{"list":[{"id":5,"messages":["#), None);
        assert_eq!(other_side(b""), None);
    }

    #[test]
    fn i_am_the_first_who_is_not_the_other_side() {
        let text = br#"{"from_id": "user5"}, {"from_id":"user77", "x":1}, {"from_id": "user78"}"#;
        assert_eq!(first_other_than(text, "5").as_deref(), Some("user77"));
        let old = br#""from_id": 4294967301, "from_id": 4294967373,"#;
        assert_eq!(first_other_than(old, "4294967301").as_deref(), Some("user77"));
        assert_eq!(first_other_than(br#""from_id": "user5", "from_id": "us"#, "5"), None);
        assert_eq!(first_other_than(br#""from_id": "channel9" "#, "5"), None);
    }
}
