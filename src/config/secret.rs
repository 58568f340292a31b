//! Where the secret comes from, and that it is never shown.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// How we log in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// The server's `share.yml` secret, changed for a token of the admin user.
    Secret(SecretString),
    /// A token made elsewhere; it can't be renewed by us.
    Token(SecretString),
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nothing was given.
    #[error(
        "no secret: set OPENIM_SECRET, or `secret_file` under [server] in the configuration, or OPENIM_TOKEN"
    )]
    Missing,
    /// The file can't be read.
    #[error("cannot read secret_file: {0}")]
    File(#[from] std::io::Error),
    /// The file has nothing in it.
    #[error("secret_file `{0}` is empty")]
    Empty(PathBuf),
}

impl Credentials {
    /// `OPENIM_TOKEN`, else `OPENIM_SECRET`, else the first line of `secret_file`.
    pub fn find(secret_file: Option<&Path>) -> Result<Self, SecretError> {
        Self::from_values(variable("OPENIM_TOKEN"), variable("OPENIM_SECRET"), secret_file)
    }

    fn from_values(
        token: Option<SecretString>,
        secret: Option<SecretString>,
        secret_file: Option<&Path>,
    ) -> Result<Self, SecretError> {
        match (token, secret, secret_file) {
            (Some(token), ..) => Ok(Self::Token(token)),
            (None, Some(secret), _) => Ok(Self::Secret(secret)),
            (None, None, Some(path)) => Ok(Self::Secret(first_line(path)?)),
            (None, None, None) => Err(SecretError::Missing),
        }
    }
}

/// The first line of a file, which is a secret.
pub fn first_line(path: &Path) -> Result<SecretString, SecretError> {
    let text = SecretString::from(fs_err::read_to_string(path)?);
    let line = text.expose_secret().lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(SecretError::Empty(path.to_owned()));
    }
    Ok(SecretString::from(line))
}

/// `OPENIM_SECRET`, for the rehearsal server to be let in with: it asks for what the importer will say.
pub fn rehearsal_secret() -> Option<String> {
    variable("OPENIM_SECRET").map(|secret| secret.expose_secret().to_owned())
}

/// `OPENIM_CHAT_PASSWORD`, for the rehearsal's chat server to ask for what the importer will say.
pub fn rehearsal_chat_password() -> Option<String> {
    chat_password().map(|password| password.expose_secret().to_owned())
}

/// `OPENIM_CHAT_PASSWORD`: the password of the chat server's admin.
pub fn chat_password() -> Option<SecretString> {
    variable("OPENIM_CHAT_PASSWORD")
}

fn variable(name: &str) -> Option<SecretString> {
    #[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretString::from)
}

/// Which of the pods of an indexed job this is, from 0: Kubernetes says so.
pub fn completion_index() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
    std::env::var("JOB_COMPLETION_INDEX").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_the_file_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs_err::write(&path, " hidden \n# note\n").unwrap();
        let Credentials::Secret(secret) = Credentials::from_values(None, None, Some(&path)).unwrap() else {
            panic!("expected a secret");
        };
        assert_eq!(secret.expose_secret(), "hidden");
        assert!(!format!("{secret:?}").contains("hidden"));
        fs_err::write(&path, "\n").unwrap();
        assert!(matches!(Credentials::from_values(None, None, Some(&path)), Err(SecretError::Empty(_))));
        assert!(matches!(Credentials::from_values(None, None, None), Err(SecretError::Missing)));
    }
}
