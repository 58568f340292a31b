//! `init`: looks at an export that nobody described, says how it can be imported, and writes that down.
//!
//! A known format is recognised by `formats`; here is what an unknown one needs: what its [`Table`] of values
//! looks like, a [`guess()`] at what each column is for, the [`Shape`] of JSON; then the [`Survey`] of the whole
//! export through the real mapper, and the [`Template`] of `import.toml`.

// The rooms below, by the names that the whole house uses.
use importer_checks as checks;
use importer_export as export;
use importer_formats as formats;
use importer_mapping as mapping;
use importer_words::{finding, message, numbers, visible};

mod attached;
mod document;
mod guess;
mod mask;
mod names;
mod preset;
mod records;
mod rule;
mod shape;
mod survey;
mod table;
mod template;
mod times;
mod unknown;
mod values;

pub use document::Document;
pub use guess::{Answers, Field, Guess, LeaveOut, Open, guess};
pub use mask::mask;
pub use preset::{Assumed, Needs, media, media_and_users, needs};
pub use rule::{Condition, Of, Rule};
pub use shape::Shape;
pub use survey::{Found, Survey, in_words};
pub use table::Table;
pub use template::{Table as SourceTable, Template};
pub use unknown::{Tick, Unknown, is_native, look};
