//! From the text of a source to chunks of whole records.

mod bson;
mod inherited;
mod json;
mod json_walk;
mod lines;
mod rows;

use std::sync::Arc;

pub use bson::Bson;
pub(crate) use bson::{Bytes, begins as is_bson};
pub use json::Json;
pub use lines::{Begins, Lines};
pub use rows::Rows;

use super::window::Pool;
use super::{Chunk, Context, ExportError, Input, Shape};

/// Cuts the text of one source.
pub trait Cutter: Send {
    /// The next whole records, about [`Pool::size`] bytes of them; `None` at the end of the source.
    fn next(
        &mut self,
        input: &mut Input,
        context: &Arc<Context>,
        pool: &mut Pool,
    ) -> Result<Option<Chunk>, ExportError>;
}
