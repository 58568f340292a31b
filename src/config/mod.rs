//! TOML, environment and flags become one fully resolved plan. The only room that reads the environment.
//!
//! File < environment < flags. Nothing behind this room asks where a setting came from.

mod file;
mod options;
mod secret;
mod server;
mod timetable;
mod values;

pub use file::{
    AccountsSection, ConfigError, EqualTimes, ImportFile, ImportSection, OlderMessages, OnReject, Order,
    ServerSection, SourceTable, TimeSection,
};
pub use options::{ClockArgs, Common, JobsArgs, PaceArgs, ServerArgs, SourceArgs};
pub use secret::{
    Credentials, SecretError, chat_password, completion_index, first_line, rehearsal_chat_password,
    rehearsal_secret,
};
pub use server::{AccountsAddress, ServerError, USUAL_ADMIN, accounts, rehearsal, server, without_server};
pub use timetable::{Deadline, Pace, Timetable};
pub use values::{MaxLag, Rate, Size, parse_duration, parse_loopback, parse_max_lag, parse_moment};
