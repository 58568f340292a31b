//! One binary, a module per promise.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod accounts;
mod adopt;
mod after;
mod bad_input;
mod before;
mod chaos;
mod control;
mod deploy;
mod end_to_end;
mod foreign_exports;
mod foreign_formats;
mod format_runs;
mod format_speed;
mod hostile_formats;
mod hostile_runs;
mod house;
mod import;
mod init;
mod mapped_exports;
mod mapping_speed;
mod media;
mod objects;
mod openim_to_openim;
mod outside;
mod parsers;
mod peak;
mod rehearsal;
mod replies;
mod second_pass;
mod secrets;
mod shards;
mod sources;
mod speed;
mod support;
mod usage;
