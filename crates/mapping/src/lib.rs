//! Record to messages: native fields, columns, jq, times, ids. Pure.

// The rooms below, by the names that the whole house uses.
use importer_export as export;
use importer_words::{finding, message, numbers, visible, written};

mod attach;
mod build;
pub mod codes;
mod columns;
mod content;
mod draft;
mod error;
mod filters;
pub mod html;
mod jq;
pub mod mojibake;
mod native;
mod object;
pub mod occupied;
pub mod people;
mod period;
mod pick;
mod program;
mod records;
mod relation;
mod rule;
mod settings;
mod several;
mod sieve;
mod tally;
#[doc(hidden)]
pub mod testing;
mod time;
mod value;

pub use attach::{Attachment, Files, files_in, names_a_file};
pub use build::build;
pub use draft::{Draft, Key};
pub use error::MappingError;
pub use native::{Native, read_message};
pub use period::{Period, Within};
pub use records::{Record, Row, each};
pub use relation::{Bell, Relation, Role};
pub use settings::{Columns, Detail, LeaveOut, Mojibake, More, Rule, Settings, Values};
pub use several::{Named, Several};
pub use tally::Tally;
pub use time::{Doubt, Time, TimeFormat, halves};
pub use value::Value;

use std::sync::Arc;

use crate::export::Chunk;
use crate::finding::Finding;
use crate::message::{Message, Place, SourceNo};

use people::Person;

/// Makes messages of the records of a chunk. Pure, and called from several threads at once.
pub trait Mapper: Send + Sync {
    /// Maps every record of the chunk, in order; a bad record is a finding and never ends the pass. What the
    /// reader found ([`Chunk::findings`]) is not repeated: the pass hands that on itself.
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink);
}

impl<M: Mapper + ?Sized> Mapper for Box<M> {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        (**self).map(chunk, sink);
    }
}

impl<M: Mapper + ?Sized> Mapper for Arc<M> {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        M::map(self, chunk, sink);
    }
}

/// Takes what a mapper makes, in source order.
pub trait Sink {
    /// A record gave this message.
    fn message(&mut self, message: Message<'_>);
    /// A record was left out on purpose, counted under a stable reason: `filter`, `system-row`.
    fn left_out(&mut self, place: Place, reason: &'static str);
    /// A record could not be mapped, or something about it is worth knowing.
    fn finding(&mut self, finding: Finding);
    /// What the export calls a user or group, and what OpenIM will call it; can be told many times.
    ///
    /// [`people::Renamed`] tells of everybody that messages name; a format that knows more (a list of users,
    /// names of groups) tells that itself.
    fn person(&mut self, _person: Person<'_>) {}
    /// A file that must be put where everybody can read it, for messages to show it; can be told many times.
    fn upload(&mut self, _upload: Upload<'_>) {}
    /// What the export tells about people besides their messages; can be told many times.
    fn relation(&mut self, _relation: Relation<'_>) {}
}

/// A sink on the way to another one: it says what it changes, and whatever else comes is passed on.
pub trait Pass {
    /// Where everything goes.
    fn to(&mut self) -> &mut dyn Sink;
    /// As [`Sink::message`].
    fn pass_message(&mut self, message: Message<'_>) {
        self.to().message(message);
    }
    /// As [`Sink::person`].
    fn pass_person(&mut self, person: Person<'_>) {
        self.to().person(person);
    }
    /// As [`Sink::relation`].
    fn pass_relation(&mut self, relation: Relation<'_>) {
        self.to().relation(relation);
    }
}

impl<P: Pass> Sink for P {
    fn message(&mut self, message: Message<'_>) {
        self.pass_message(message);
    }

    fn left_out(&mut self, place: Place, reason: &'static str) {
        self.to().left_out(place, reason);
    }

    fn finding(&mut self, finding: Finding) {
        self.to().finding(finding);
    }

    fn person(&mut self, person: Person<'_>) {
        self.pass_person(person);
    }

    fn upload(&mut self, upload: Upload<'_>) {
        self.to().upload(upload);
    }

    fn relation(&mut self, relation: Relation<'_>) {
        self.pass_relation(relation);
    }
}

/// A file that must be put where everybody can read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upload<'a> {
    /// How the table of media calls it: its path in the export, the id of the service, or its link.
    pub key: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `picture`, `voice`, `video` or `file`; `face` for the picture of a user or group, which no message shows.
    pub kind: &'static str,
    /// Bytes; 0 if that is not known.
    pub size: u64,
    /// Where it can be fetched, without what may be a token in it; empty if it lies next to the export.
    pub link: &'a str,
    /// The same with all that is in it: for whoever fetches it, and for nobody's eyes.
    pub url: &'a str,
    /// Its path in the export; empty if the export has no file.
    pub path: &'a str,
    /// The file itself, as a data URL; empty if it does not stand in the record.
    pub inline: &'a str,
    /// The path of a picture that stands for it; empty if the export has none.
    pub snapshot: &'a str,
    /// The source that names it.
    pub source: SourceNo,
}
