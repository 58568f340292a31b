//! Moves an exported chat history into an OpenIM server: every message once, in order, with its original
//! time, and proves that it is there.
//!
//! `ARCHITECTURE.md` draws the house; the modules stand here in the order a message passes through them.

pub mod finding;
pub mod message;

pub mod checks;
pub mod config;
pub mod export;
pub mod formats;
pub mod init;
pub mod job;
pub mod mapping;
pub mod prepare;

pub mod after;
pub mod before;
pub mod import;
pub mod openim;
pub mod report;

pub mod rehearsal;

pub mod cli;
pub mod commands;
