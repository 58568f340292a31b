//! Record to messages: native fields, columns, jq, times, ids. Pure.

use crate::export::Chunk;
use crate::finding::Finding;
use crate::message::{Message, Place};

/// Makes messages of the records of a chunk. Pure, and called from several threads at once.
pub trait Mapper: Send + Sync {
    /// Maps every record of the chunk, in order; a bad record is a finding and never ends the pass.
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink);
}

/// Takes what a mapper makes, in source order.
pub trait Sink {
    /// A record gave this message.
    fn message(&mut self, message: Message<'_>);
    /// A record was left out on purpose, counted under a stable reason: `filter`, `system-row`.
    fn left_out(&mut self, place: Place, reason: &'static str);
    /// A record could not be mapped, or something about it is worth knowing.
    fn finding(&mut self, finding: Finding);
}
