//! Accounts in the chat server: the recordings, making them, and what is refused before anything is made.

mod command;
mod many;
mod migration;
mod recordings;
mod refused;
mod secret;
mod support;
