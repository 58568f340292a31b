//! The only HTTP client: calls, answers, token. It never repeats a call that may have been processed.
//!
//! [`Client::send`] is `send_msg` and gives a [`Verdict`], read off one table (`answer.rs`). Everything else
//! is a typed call that gives its data or a [`CallError`]. The bodies of both releases are read alike: 3.8.3
//! writes empty fields as `null`, main leaves them out.

// The rooms below, by the names that the whole house uses.
use importer_words::{finding, message, secrets};

mod answer;
mod bodies;
mod client;
mod error;
mod patience;
mod plain;
mod rate;
mod token;
mod transport;
mod trust;
mod wire;

mod chat;
mod friends;
mod groups;
mod log;
mod objects;
mod release;
mod server;
mod settings;
mod store;
mod users;
mod web;

pub use answer::{Lost, Pause, Reason, Rejection, Stop, Verdict, verdict};
pub use chat::{Account, Chat, ChatSettings, Defaults, NewAccount, Way, password_digest};
pub use client::{Client, Settings};
pub use error::{CallError, LoginError, SetupError};
pub use groups::{CreateGroup, Group, GroupStatus, Member, Role};
pub use log::{
    ACTIVE_AT_ONCE, DOCUMENT, LogRecord, Pulled, Range, Records, Seqs, page_end, pages, read_pulled,
};
pub use objects::{Announce, Begun, PART, Put, Upload, check_public_url, digest, hash_of_parts};
pub use patience::{LONGEST_RETRY_AFTER, NoMore, Patience, retry_after};
pub use rate::Rate;
pub use server::{Notice, ServerConfig, Version};
pub use settings::Setting;
pub use store::{Found, StoreQuery};
pub use token::Login;
pub use transport::{Answer, Exchange, NoAnswer};
pub use users::{NewUser, UserInfo};
pub use web::{HostToken, Limits, Reach, Received, Web, WebError};
pub use wire::redact;

#[cfg(test)]
mod tests;
