//! What can go wrong with a call, in words for the person at the keyboard.

use std::path::PathBuf;
use std::time::Duration;

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address can't be used.
    #[error("`{url}` is no address of an API: {why}; write it as http://host:10002 or https://host/api")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The certificate file can't be read.
    #[error("cannot read the certificate authority: {0}")]
    Ca(std::io::Error),
    /// The certificate file holds none.
    #[error("`{}` is no certificate in PEM form: {why}", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        why: String,
    },
    /// The proxy's address can't be used.
    #[error("`{url}` is no address of a proxy: {why}")]
    Proxy {
        /// As it was given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// TLS can't be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// Why we are not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// 1002 from `get_admin_token`.
    #[error("the server refuses the secret ({0}); it stands in its share.yml as `secret`")]
    Secret(String),
    /// 1001 from `get_admin_token`.
    #[error("`{user}` is no admin user of the server ({said}); set --admin-user to one of its imAdminUserID")]
    AdminUser {
        /// As whom we tried.
        user: String,
        /// The server's words.
        said: String,
    },
    /// Another refusal.
    #[error("the server refuses to log `{user}` in: {said} ({code})")]
    Other {
        /// As whom we tried.
        user: String,
        /// The server's code.
        code: i32,
        /// The server's words.
        said: String,
    },
    /// 20001 from the chat server's admin address.
    #[error(
        "the chat server refuses the password of its admin `{account}`: set OPENIM_CHAT_PASSWORD, or `password_file` \
         under [accounts]"
    )]
    ChatPassword {
        /// As whom we tried.
        account: String,
    },
    /// 20002 from the chat server's admin address.
    #[error("the chat server has no admin `{account}`: name another as `account` under [accounts]")]
    ChatAccount {
        /// As whom we tried.
        account: String,
    },
    /// The chat server, at its address for everybody.
    #[error(
        "`{address}` is the chat server's address for apps, not the one for its admin (as delivered port 10009): name \
         that one as `api` under [accounts]"
    )]
    NotForAdmins {
        /// As it was given.
        address: String,
    },
    /// Somebody else answers where the chat server's admin address should be.
    #[error(
        "`{address}` is no chat server: {what}; `api` under [accounts] is the address of its admin API (admin-api, as \
         delivered port 10009), not that of OpenIM"
    )]
    NoChat {
        /// As it was given.
        address: String,
        /// What was there instead.
        what: String,
    },
    /// A token that was given to us is refused.
    #[error("the server refuses the token that was given; give a new one, or the secret")]
    GivenToken,
    /// A token that it made for us is refused.
    #[error(
        "the server refuses the token that it has just made: are there several servers with different secrets behind one address?"
    )]
    FreshToken,
    /// Not fit for a header.
    #[error("the token has characters that no token has")]
    StrangeToken,
}

/// Why a call has no data to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection: certainly not processed.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// What can't become right by waiting: no such host, a certificate that isn't trusted, no HTTP. Certainly not
    /// processed, or not by an OpenIM.
    #[error("{0}")]
    WrongAddress(String),
    /// It may have been processed.
    #[error("no answer to `{path}`: {why}")]
    Unanswered {
        /// Which call.
        path: &'static str,
        /// What happened instead.
        why: String,
    },
    /// 429: certainly not processed.
    #[error("the server limits the rate of calls (429)")]
    RateLimited(Option<Duration>),
    /// The server's own refusal.
    #[error("`{path}` was refused: {said} ({code})")]
    Refused {
        /// Which call.
        path: &'static str,
        /// The server's code.
        code: i32,
        /// The server's words, fit to show.
        said: String,
    },
    /// This release has no such call.
    #[error("the server has no `{0}`")]
    NoSuchCall(&'static str),
    /// Somebody else answers at that address.
    #[error(
        "this is no OpenIM API: {0}; the address is that of openim-api (default port 10002), with the path prefix of a proxy if there is one"
    )]
    NotOpenIm(String),
    /// An answer whose data are not as the contract says.
    #[error("`{path}` gave an answer that cannot be read: {why}")]
    Unreadable {
        /// Which call.
        path: &'static str,
        /// What the parser said.
        why: String,
    },
    /// We are not let in.
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl CallError {
    /// Whether the machine is there and refuses the connection.
    pub fn nobody_listens(&self) -> bool {
        matches!(self, Self::Unreachable(why) if why.contains("refused"))
    }

    /// Whether the same call may well succeed later: the server is down, busy or behind a proxy in trouble.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Unanswered { .. } | Self::RateLimited(_) => true,
            // "Internal", database, network: the server's own troubles.
            Self::Refused { code, .. } => matches!(code, 500 | 90_000..),
            Self::WrongAddress(_)
            | Self::NoSuchCall(_)
            | Self::NotOpenIm(_)
            | Self::Unreadable { .. }
            | Self::Login(_) => false,
        }
    }

    /// What kind of trouble it is, in a few words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "not reachable",
            Self::Unanswered { .. } => "no answer",
            Self::RateLimited(_) => "rate limited (429)",
            Self::Refused { .. } => "error of the server",
            Self::WrongAddress(_) | Self::NoSuchCall(_) | Self::NotOpenIm(_) | Self::Unreadable { .. } => {
                "not an answer of OpenIM"
            }
            Self::Login(_) => "login",
        }
    }

    /// The server's own code, where it refused.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}
