//! Whatever breaks, whenever: every message once, in order, none hidden, no message of others lost. The importer
//! and the server are processes of their own; what arrived is judged by the server's log alone.
//!
//! Small in `cargo test`; large, with the table, on demand:
//! `cargo test --release -- --ignored --nocapture --test-threads 1 chaos::large` (see ARCHITECTURE.md).

mod export;
mod large;
mod run;
mod small;
mod table;

pub(crate) use export::{Importer, export};
pub(crate) use run::{Scenario, Step};
