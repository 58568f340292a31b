//! Bodies of answers, with a bound on what they take: as bytes, and as what is read of them.

use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::transport::{NoAnswer, causes};

/// Reads bodies, none longer than it may be, and long ones one after the other: however many calls are under way,
/// memory has a bound.
#[derive(Debug)]
pub(super) struct Bodies {
    long: tokio::sync::Semaphore,
}

impl Bodies {
    /// So much every body may take at any time.
    const SHORT: usize = 1 << 20;

    pub(super) fn new() -> Self {
        Self { long: tokio::sync::Semaphore::new(1) }
    }

    pub(super) async fn read<B>(&self, body: B, most: usize) -> Result<Bytes, NoAnswer>
    where
        B: http_body::Body<Data = Bytes, Error: std::error::Error + 'static>,
    {
        let mut body = std::pin::pin!(body);
        let mut whole = Vec::new();
        let mut turn = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| NoAnswer::Cut(causes(&error)))?;
            let Ok(data) = frame.into_data() else { continue };
            if whole.len() + data.len() > most {
                return Err(NoAnswer::TooLong(format!("the answer has more than {} MiB", most >> 20)));
            }
            if whole.is_empty() && body.is_end_stream() {
                return bounded(data);
            }
            if turn.is_none() && whole.len() + data.len() > Self::SHORT {
                turn = self.long.acquire().await.ok();
            }
            whole.extend_from_slice(&data);
        }
        bounded(whole.into())
    }
}

/// So many values an answer may have: the members of the largest group, and ten thousand messages with all their fields,
/// are fewer. What is read of a value takes a hundred bytes where three stand in the answer (`{},`), so that 15 MiB of
/// them took 522 MB.
const MOST_VALUES: usize = 500_000;

fn bounded(body: Bytes) -> Result<Bytes, NoAnswer> {
    if body.len() > MOST_VALUES && values(&body) > MOST_VALUES {
        return Err(NoAnswer::TooLong(format!("the answer has more values than {MOST_VALUES}")));
    }
    Ok(body)
}

/// How many values follow another one: the commas outside of texts.
fn values(json: &[u8]) -> usize {
    let (mut rest, mut values) = (json, 0);
    while let Some(at) = memchr::memchr2(b'"', b',', rest) {
        let is_text = rest[at] == b'"';
        rest = &rest[at + 1..];
        if is_text {
            rest = behind_text(rest);
        } else {
            values += 1;
        }
    }
    values
}

/// What stands behind the quote that ends a text.
fn behind_text(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_texts_are_no_values() {
        for (json, expected) in [
            (r#"{"a":[1,2,3],"b":4}"#, 3),
            (r#"{"a":"1,2,\",3,\\","b":",,,"}"#, 1),
            (r#"{"a":"\\\\,","b":1}"#, 1),
            (r#"["open, "#, 0),
            (r#"["open, \"#, 0),
            ("", 0),
        ] {
            assert_eq!(values(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn few_bytes_that_become_many() {
        let list = |unit: &str, n: usize| Bytes::from(format!("[{}{unit}]", format!("{unit},").repeat(n)));
        for unit in ["{}", "0", "\"\"", "null"] {
            assert!(bounded(list(unit, MOST_VALUES + 1)).is_err(), "{unit}");
            assert!(bounded(list(unit, MOST_VALUES)).is_ok(), "{unit}");
        }
        assert!(bounded(Bytes::from(format!("[\"{}\"]", ",".repeat(20 << 20)))).is_ok());
    }
}
