//! Who is to log in: a table of people, what the chat server takes of it, and whether two of them would meet.
//!
//! Nothing here knows a server. The chat server writes a user in several steps and stops at the first that fails: an
//! e-mail that is taken leaves half a user who can never log in. So all of it is decided before the first call.
//!
//! ```text
//! people.csv ─▶ table ─▶ rows ─▶ people (phones, accounts, rules) ─▶ clashes among them ─▶ clashes with the server
//! ```

// The rooms below, by the names that the whole house uses.
use importer_words::{finding, message, numbers};

mod clash;
mod column;
mod person;
mod phone;
mod table;

pub use clash::{Clash, Taken, among, with};
pub use column::Column;
pub use person::{Password, Person, Rules, Told, Wrong, people};
pub use phone::{Phone, PhoneError};
pub use table::{Row, Table, TableError};
