//! Bodies of calls. What can't be read is refused with HTTP 200 and a stack trace, unlike in the IM.

use super::super::answer::Refusal;
use super::super::body::{Fields, parse};
use super::super::json::Value;

/// The body's value.
pub(super) fn body(bytes: &[u8]) -> Result<Value<'_>, Refusal> {
    parse(bytes).map_err(|refusal| traced(&refusal))
}

/// The fields of an object.
pub(super) fn fields<'v, 'a>(
    value: &'v Value<'a>,
    structure: &'static str,
) -> Result<Fields<'v, 'a>, Refusal> {
    Fields::of(value, structure, structure).map_err(|refusal| traced(&refusal))
}

/// All were of the right type.
pub(super) fn finish(fields: Fields<'_, '_>) -> Result<(), Refusal> {
    fields.finish().map_err(|refusal| traced(&refusal))
}

fn traced(refusal: &Refusal) -> Refusal {
    // Another parser than the IM's: it has other words for a body that ends too soon.
    let said =
        if refusal.detail == "unexpected EOF" { "unexpected end of JSON input" } else { &refusal.detail };
    let name = format!("Error: Error: {said} | -> (*Api) api.go:1 -> (*Engine) gin.go:1");
    Refusal { status: 200, code: 1001, name: name.into(), detail: String::new() }
}

/// What a `null` among users does to it.
pub(super) fn panicked() -> Refusal {
    let said = "Error: 500 panic error runtime error: invalid memory address or nil pointer dereference | -> panic.go:1";
    Refusal { status: 200, code: 2, name: said.into(), detail: String::new() }
}
