//! Exports as people hold them: for each format which files belong to it, how they are cut, and what becomes of
//! what.
//!
//! A format is a [`Layout`] and a [`Mapper`]. Its file begins with a table of what becomes what, the traps, and
//! where the shape was learnt. [`Format`] lists them, [`recognise()`] tells which one it is, [`open`] gives both
//! halves.

// The rooms below, by the names that the whole house uses.
use importer_export as export;
use importer_mapping as mapping;
use importer_words::{finding, message, visible};

mod recognise;
mod registry;
mod settings;

mod chatlab;
mod discord;
mod easemob;
mod feishu;
mod gchat;
mod matrix;
mod mattermost;
mod netease;
mod openim;
mod qq;
mod rocketchat;
mod rongcloud;
mod slack;
mod telegram;
mod tencent;
mod wechat;
mod wecom;
mod whatsapp;
mod zulip;

pub mod codes;
mod compose;
mod content;
mod faces;
mod local;
mod loose;
mod media;
mod namesakes;
mod node;
mod ordinary;
mod own;
mod pairs;
mod roots;
mod table;
#[cfg(test)]
mod testing;
mod uploaded;

pub use faces::Faced;
pub use own::files;
pub use recognise::{Apart, recognise, recognise_apart, tables_and_json};
pub use registry::{Format, FormatError, Preset, open};
pub use roots::{Rooted, Roots};
pub use settings::{
    About, ChatKind, DateOrder, Edited, Incomplete, Media, Placeholder, Policy, Recalled, Replies, SameName,
    SameTime, Settings, Special, WithoutLink,
};
pub use table::TableError;
pub use uploaded::{File as UploadedFile, Outcome as UploadOutcome, Problem as UploadProblem, Uploaded};

#[cfg(doc)]
use crate::{export::Layout, mapping::Mapper};

/// Takes what a first reading does not ask for.
struct Ignore;

impl mapping::Sink for Ignore {
    fn message(&mut self, _: message::Message<'_>) {}
    fn left_out(&mut self, _: message::Place, _: &'static str) {}
    fn finding(&mut self, _: finding::Finding) {}
}

/// A file name without the ending of its packing.
fn unpacked(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((rest, "gz" | "zst" | "zstd")) => rest,
        _ => name,
    }
}

/// The ending of a file name behind which no packing stands, in lower case; empty if there is none.
fn ending(name: &str) -> String {
    unpacked(name).rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_ascii_lowercase())
}
