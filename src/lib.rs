//! Moves an exported chat history into an OpenIM server: every message once, in order, with its original
//! time, and proves that it is there.
//!
//! `ARCHITECTURE.md` draws the house; the modules stand here in the order a message passes through them.

pub use importer_words::{finding, message, numbers, secrets, visible, written};

pub use importer_accounts as accounts;
pub use importer_checks as checks;
pub use importer_export as export;
pub use importer_formats as formats;
pub use importer_init as init;
pub use importer_mapping as mapping;
pub mod config;
pub mod job;
pub mod prepare;

pub mod log;

pub mod after;
pub mod before;
pub mod import;
pub mod media;
pub use importer_openim as openim;
pub use importer_pacing as pacing;
pub use importer_shown as shown;
pub mod report;

pub use importer_guests as guests;

pub mod control;

pub use importer_rehearsal as rehearsal;

pub mod cli;
pub mod commands;
