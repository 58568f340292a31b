//! The records that are messages, with what a mapping picks from them.

use super::filters::{Filters, Verdict};
use super::native::not_json;
use super::pick::{Picked, Picks};
use super::records::{Record, each};
use super::{Sink, codes};
use crate::export::Chunk;
use crate::finding::Finding;
use crate::message::Place;

/// Leaves out what the rules say, and picks what the mapping needs from the rest.
pub(super) struct Sieve {
    pub(super) filters: Filters,
    pub(super) picks: Picks,
}

impl Sieve {
    /// Calls `take` for every record that is to be mapped.
    pub(super) fn each(
        &self,
        chunk: &Chunk,
        sink: &mut dyn Sink,
        take: &mut dyn FnMut(Place, Record<'_>, &Picked<'_>, &mut dyn Sink),
    ) {
        let located = self.picks.locate(&chunk.context);
        let inherited = self.filters.inherited(&chunk.context);
        // What the first file lacks is said before the pass; a later one can lack it too.
        let missing = chunk.context.table.as_ref().and_then(|table| self.picks.missing(table));
        each(chunk, sink, &mut |place, record, sink| {
            if let Some(column) = missing {
                return sink.finding(Finding::new(&codes::COLUMN_MISSING, place, column));
            }
            let picked = match self.picks.pick(&located, record) {
                Ok(picked) => picked,
                Err(e) => return sink.finding(not_json(place, record.text(), &e)),
            };
            match self.filters.judge(&picked.values, record, place, &inherited) {
                Verdict::Keep => take(place, record, &picked, sink),
                Verdict::LeaveOut(reason) => sink.left_out(place, reason),
                Verdict::Failed(finding) => sink.finding(finding),
            }
        });
    }
}
