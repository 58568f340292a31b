//! The admin token: from the secret, renewed by one caller while the others wait, never shown.

use std::sync::{PoisonError, RwLock};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::error::LoginError;

/// How we log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// The server's secret (`share.yml`), changed for a token of the admin user.
    Secret {
        /// The secret.
        secret: SecretString,
        /// One of the server's `imAdminUserID`.
        admin_user: String,
    },
    /// A token made elsewhere. It can't be renewed by us.
    Token {
        /// The token.
        token: SecretString,
        /// Whose it is: the user as whom we ask for `maxSeq`.
        admin_user: String,
    },
}

impl Login {
    /// The user as whom we act.
    pub fn admin_user(&self) -> &str {
        match self {
            Self::Secret { admin_user, .. } | Self::Token { admin_user, .. } => admin_user,
        }
    }
}

/// The token in use. Its number tells a caller whose token was refused whether another was made meanwhile.
#[derive(Debug, Default)]
pub(super) struct Current {
    inner: RwLock<(u64, Option<HeaderValue>)>,
    /// Held while a new one is fetched.
    pub(super) renewing: tokio::sync::Mutex<()>,
}

impl Current {
    pub(super) fn get(&self) -> (u64, Option<HeaderValue>) {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn number(&self) -> u64 {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes a new token into use.
    pub(super) fn set(&self, token: &str) -> Result<(), LoginError> {
        // `sensitive`: reqwest's and hyper's debug output leave it out.
        let mut header = HeaderValue::from_str(token.trim()).map_err(|_| LoginError::StrangeToken)?;
        header.set_sensitive(true);
        crate::secrets::hide(token);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        *inner = (inner.0 + 1, Some(header));
        Ok(())
    }

    pub(super) fn set_secret(&self, token: &SecretString) -> Result<(), LoginError> {
        self.set(token.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_the_token() {
        let current = Current::default();
        current.set("eyJ.hidden.token").unwrap();
        let login = Login::Token { token: "eyJ.hidden.token".into(), admin_user: "imAdmin".into() };
        for shown in [format!("{current:?}"), format!("{login:?}")] {
            assert!(!shown.contains("hidden"), "{shown}");
        }
    }

    #[test]
    fn a_token_with_a_line_break_is_refused_without_being_shown() {
        let error = Current::default().set("a\nhidden").unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}
