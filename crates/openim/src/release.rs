//! Which release answers, and how long our token is good: told without sending anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::token::Login;
use crate::message::{Release, SendTime};

impl Client {
    /// The release that the shape of an answer gives away; `None` where it is neither's.
    ///
    /// No call says so (contract, section 5). Asked about no users at all, 3.8.3 refuses with 1001 and main
    /// answers with nothing: both were recorded, and nothing is touched. The call needs an admin's token like
    /// any other about users: for somebody else's it is refused with 1002.
    pub async fn release(&self) -> Result<Option<Release>, CallError> {
        #[derive(Serialize)]
        struct Nobody {
            #[serde(rename = "checkUserIDs")]
            users: [&'static str; 0],
        }
        match self.tell("/user/account_check", &Nobody { users: [] }).await {
            Ok(()) => Ok(Some(Release::Main)),
            Err(CallError::Refused { code: 1001, .. }) => Ok(Some(Release::V3_8_3)),
            // Another refusal says something about us, not about the release.
            Err(CallError::Refused { code, .. }) if code != 1002 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a token that the server takes no more is renewed: with the secret, not where one was given to us.
    pub fn renews_tokens(&self) -> bool {
        !matches!(self.login(), Login::Token { .. })
    }

    /// When a token that was given to us expires; `None` where we can make a new one, and where it doesn't
    /// say so.
    pub fn token_expires(&self) -> Option<SendTime> {
        match self.login() {
            Login::Token { token, .. } => expires(token.expose_secret()),
            Login::Secret { .. } => None,
        }
    }
}

/// The claim `exp`, seconds, out of the middle part of a JWT. Whether the token is good is the server's to say.
fn expires(token: &str) -> Option<SendTime> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.trim().split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    claims.exp.checked_mul(1000).map(SendTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_until_when_it_is_good() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"UserID":"imAdmin","PlatformID":10,"exp":1600000000}"#);
        assert_eq!(expires(&format!("eyJh.{claims}.sig")), Some(SendTime(1_600_000_000_000)));
        for strange in ["", "a.b.c", "a..c", "opaque", &format!("a.{}.c", URL_SAFE_NO_PAD.encode("{}"))] {
            assert_eq!(expires(strange), None, "{strange}");
        }
    }
}
