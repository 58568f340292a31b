//! Signed addresses. The signature is our own; its shape, its age and what it covers are the real ones.

use super::bucket::hex;
use super::names::query_escaped;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// How long a signed address lasts, seconds.
pub(super) const ADDRESS_SECONDS: i64 = 604_800;
/// How old the signature of a part may be, seconds, whatever is said of it (measured: 880 taken, 910 refused).
pub(super) const PART_SECONDS: i64 = 900;
/// The bucket, and the first part of each path.
pub(super) const BUCKET: &str = "openim";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer<'a> {
    pub(super) secret: &'a str,
    /// The address that is given to clients, without a slash at its end unless somebody configured one.
    pub(super) address: &'a str,
    /// ms
    pub(super) now: i64,
}

/// What is wrong with a signed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// Nothing is signed.
    Denied,
    /// It is, with something else.
    Mismatch,
    /// Too old.
    Skewed,
}

impl Signer<'_> {
    /// An address that anybody may use for a week.
    pub(super) fn presigned(&self, method: &str, key: &str, extra: &[(&str, &str)]) -> String {
        let date = date(self.now);
        let day = date.get(..8).unwrap_or_default();
        let mut query = format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={date}&X-Amz-Expires={ADDRESS_SECONDS}\
             &X-Amz-SignedHeaders=host",
            query_escaped(&format!("rehearsal/{day}/us-east-1/s3/aws4_request"))
        );
        for (name, value) in extra {
            query.extend(["&", name, "=", &query_escaped(value)]);
        }
        let path = format!("/{BUCKET}/{key}");
        let signature = signature(self.secret, &[method, &path, &query]);
        format!("{}{path}?{query}&X-Amz-Signature={signature}", self.address)
    }

    /// What signs parts: their common address, and for each what its headers are.
    pub(super) fn parts(&self, key: &str, upload: &str, numbers: &[i64]) -> Value {
        let date = date(self.now);
        let parts: Vec<Value> = numbers
            .iter()
            .map(|number| {
                let text = self.authorization(key, upload, &number.to_string(), &date);
                json!({
                    "partNumber": number, "url": "",
                    "query": [{ "key": "partNumber", "values": [number.to_string()] }],
                    "header": [
                        { "key": "Authorization", "values": [text] },
                        { "key": "X-Amz-Content-Sha256", "values": ["UNSIGNED-PAYLOAD"] },
                        { "key": "X-Amz-Date", "values": [date] },
                    ],
                })
            })
            .collect();
        json!({
            "url": format!("{}/{BUCKET}/{key}", self.address),
            "query": [{ "key": "uploadId", "values": [upload] }],
            "header": null,
            "parts": if parts.is_empty() { Value::Null } else { parts.into() },
        })
    }

    fn authorization(&self, key: &str, upload: &str, number: &str, date: &str) -> String {
        let day = date.get(..8).unwrap_or_default();
        let signature = signature(self.secret, &[key, upload, number, date]);
        format!(
            "{ALGORITHM} Credential=rehearsal/{day}/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
        )
    }

    /// Whether a presigned call is what was signed.
    pub(super) fn check_presigned(&self, method: &str, path: &str, query: &str) -> Result<(), Unsigned> {
        let Some((signed, given)) = query.split_once("&X-Amz-Signature=") else {
            return Err(Unsigned::Denied);
        };
        if signature(self.secret, &[method, path, signed]) != given {
            return Err(Unsigned::Mismatch);
        }
        let date = signed.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Date=")).unwrap_or_default();
        self.not_older(date, ADDRESS_SECONDS)
    }

    /// Whether the PUT of a part has the headers that were signed.
    pub(super) fn check_part(
        &self,
        key: &str,
        upload: &str,
        number: &str,
        (authorization, date): (Option<&str>, Option<&str>),
    ) -> Result<(), Unsigned> {
        let (Some(authorization), Some(date)) = (authorization, date) else { return Err(Unsigned::Denied) };
        if self.authorization(key, upload, number, date) != authorization {
            return Err(Unsigned::Mismatch);
        }
        self.not_older(date, PART_SECONDS)
    }

    fn not_older(&self, text: &str, seconds: i64) -> Result<(), Unsigned> {
        let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text)
            .and_then(|time| jiff::tz::TimeZone::UTC.to_timestamp(time))
            .map_err(|_| Unsigned::Mismatch)?;
        let age = self.now / 1000 - signed.as_second();
        if age > seconds || age < -PART_SECONDS { Err(Unsigned::Skewed) } else { Ok(()) }
    }
}

/// `20261128T221500Z`
fn date(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn signature(secret: &str, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    for part in parts {
        mac.update(part.as_bytes());
        mac.update(b"\n");
    }
    hex(&mac.finalize().into_bytes())
}
