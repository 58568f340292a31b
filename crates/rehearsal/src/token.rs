//! Tokens: JWT, HS256, signed with the server's secret.

use super::answer::Refusal;
use super::release::Traits;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::borrow::Cow;

/// How long a token lasts: 90 days.
pub(super) const LIFETIME_SECONDS: i64 = 7_776_000;

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Claims {
    #[serde(rename = "UserID", default)]
    pub(super) user: String,
    #[serde(rename = "PlatformID", default)]
    pub(super) platform: i32,
    /// Seconds since 1970; 0 = absent.
    #[serde(default)]
    pub(super) exp: i64,
    #[serde(default)]
    pub(super) nbf: i64,
    #[serde(default)]
    pub(super) iat: i64,
}

/// A fresh token. The serial number keeps two of the same second apart.
pub(super) fn issue(
    secret: &str,
    user: &str,
    platform: i32,
    now_seconds: i64,
    serial: i64,
) -> (String, Claims) {
    let claims = Claims {
        user: user.to_owned(),
        platform,
        exp: now_seconds + LIFETIME_SECONDS,
        nbf: now_seconds - 300 - serial % 86_400,
        iat: now_seconds,
    };
    let payload = serde_json::to_vec(&claims).expect("claims are plain data");
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(sign(secret, &signed).finalize().into_bytes());
    (format!("{signed}.{signature}"), claims)
}

/// What is wrong with a token: its code and name (contract, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    Expired,
    Malformed,
    NotYetValid,
    /// Also a wrong signature.
    Unknown,
    Kicked,
    NotExisting,
}

impl Bad {
    pub(super) fn refusal(self, traits: &Traits, token: &str) -> Refusal {
        let (code, name) = match self {
            Self::Expired => (1501, "TokenExpiredError"),
            Self::Malformed => (1503, "TokenMalformedError"),
            Self::NotYetValid => (1504, "TokenNotValidYetError"),
            Self::Unknown => (1505, "signature is invalid"),
            Self::Kicked => (1506, "TokenKickedError"),
            Self::NotExisting => (1507, "TokenNotExistError"),
        };
        let detail = match self {
            // Read from the cache of tokens, not from the token itself.
            Self::Kicked | Self::NotExisting => return Refusal::bare(traits, code, name),
            _ if traits.gives_tokens_away => format!("{code} {name} jwt parse error, token={token}"),
            _ => String::new(),
        };
        Refusal { status: 200, code, name: Cow::Borrowed(name), detail }
    }
}

/// Whose token it is, if it is sound and valid at that time.
pub(super) fn verify(secret: &str, token: &str, now_seconds: i64) -> Result<Claims, Bad> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Bad::Malformed)?;
    let (head, payload) = signed.split_once('.').ok_or(Bad::Malformed)?;
    let head: serde_json::Value = decoded(head)?;
    if payload.contains('.') {
        return Err(Bad::Malformed);
    }
    let claims: Claims = decoded(payload)?;
    if head.get("alg").and_then(serde_json::Value::as_str) != Some("HS256") {
        return Err(Bad::Unknown);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Bad::Malformed)?;
    sign(secret, signed).verify_slice(&signature).map_err(|_| Bad::Unknown)?;
    if claims.exp != 0 && now_seconds >= claims.exp {
        return Err(Bad::Expired);
    }
    if now_seconds < claims.nbf {
        return Err(Bad::NotYetValid);
    }
    Ok(claims)
}

fn decoded<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Bad> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Bad::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Bad::Malformed)
}

fn sign(secret: &str, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;

    #[test]
    fn what_was_issued_is_good_until_it_expires() {
        let (token, _) = issue("s", "imAdmin", 10, NOW, 0);
        assert_ne!(token, issue("s", "imAdmin", 10, NOW, 1).0);
        assert_eq!(verify("s", &token, NOW).unwrap().user, "imAdmin");
        assert_eq!(verify("s", &token, NOW + LIFETIME_SECONDS), Err(Bad::Expired));
        assert_eq!(verify("s", &token, NOW - 301), Err(Bad::NotYetValid));
        assert_eq!(verify("t", &token, NOW), Err(Bad::Unknown));
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        for token in ["", "abc", "a.b.c", "a.b", "....", "eyJhbGciOiJIUzI1NiJ9.e30.!"] {
            assert_eq!(verify("s", token, NOW), Err(Bad::Malformed), "{token}");
        }
    }
}
