//! How the calls under `/object/` are refused: always HTTP 200, and by release with the reason in one field or
//! in two.

use crate::answer::Refusal;
use crate::release::Traits;
use std::borrow::Cow;

/// 500. Main has the reason in `errDlt`, 3.8.3 in both.
pub(super) fn internal(traits: &Traits, text: impl Into<String>) -> Refusal {
    let mut refusal = Refusal::internal(text);
    if traits.repeats_names {
        refusal.name = Cow::Owned(refusal.detail.clone());
    }
    refusal
}

/// 500 of the store itself: 3.8.3 gives its stack away.
pub(super) fn of_store(traits: &Traits, text: &str) -> Refusal {
    if traits.repeats_names {
        internal(traits, format!("Error: {text}{}", trace(0)))
    } else {
        internal(traits, text)
    }
}

/// There is no such name.
pub(super) fn unknown(traits: &Traits) -> Refusal {
    if traits.repeats_names {
        Refusal::not_found("mongo: no documents in result mongo find one")
    } else {
        internal(traits, "mongo: no documents in result")
    }
}

/// The body could not be read: HTTP 200 here, with the parser's words and a stack trace.
pub(super) fn unreadable(refusal: Refusal) -> Refusal {
    if refusal.status == 200 {
        return refusal;
    }
    // The other calls say EOF of a body that ends too early; these read it in another way.
    let said = match refusal.detail.as_str() {
        "unexpected EOF" | "EOF" => "unexpected end of JSON input",
        said => said,
    };
    let name = format!("Error: Error: {said}{}", trace(0));
    Refusal { status: 200, name: Cow::Owned(name), detail: String::new(), ..refusal }
}

/// An upload's id that is none.
pub(super) fn bad_id(traits: &Traits, why: &str) -> Refusal {
    let said =
        if traits.repeats_names { format!("invalid multipart upload id: {why}") } else { why.to_owned() };
    internal(traits, said)
}

/// What stands behind an error: where it came from. Filled up to that many bytes with what was before.
pub(super) fn trace(filled: usize) -> String {
    const PLACE: &str = " -> objects.serve (/rehearsal/objects:1)";
    let mut text = format!(" |{PLACE}");
    while text.len() < filled {
        let left = filled - text.len();
        text.push_str(&PLACE[..left.min(PLACE.len())]);
    }
    text
}
