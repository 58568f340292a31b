//! The records that are messages, with what a mapping picks from them.

use super::filters::{Filters, Verdict};
use super::mojibake;
use super::native::not_json;
use super::pick::{Picked, Picks};
use super::records::{Record, each};
use super::settings::Mojibake;
use super::value::Value;
use super::{Sink, codes};
use crate::export::Chunk;
use crate::finding::Finding;
use crate::message::Place;

/// Leaves out what the rules say, and picks what the mapping needs from the rest.
pub(super) struct Sieve {
    pub(super) filters: Filters,
    pub(super) picks: Picks,
    /// What becomes of what was read wrongly; `None`: it is said.
    pub(super) mojibake: Option<Mojibake>,
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
            let mut picked = match self.picks.pick(&located, record) {
                Ok(picked) => picked,
                Err(e) => return sink.finding(not_json(place, record.text(), &e)),
            };
            self.reread(&mut picked, place, sink);
            match self.filters.judge(&picked.values, record, place, &inherited) {
                Verdict::Keep => take(place, record, &picked, sink),
                Verdict::LeaveOut(reason) => sink.left_out(place, reason),
                Verdict::Failed(finding) => sink.finding(finding),
            }
        });
    }

    /// Texts that were read wrongly when the export was made: mended, or said once a record.
    fn reread(&self, picked: &mut Picked<'_>, place: Place, sink: &mut dyn Sink) {
        if self.mojibake == Some(Mojibake::Keep) {
            return;
        }
        for value in picked.values.iter_mut().flatten() {
            // Lists and objects stand there as JSON: their texts are read where they are taken apart.
            let (Value::Text(text) | Value::List(text) | Value::Object(text)) = value else { continue };
            let Some(meant) = mojibake::meant(text) else { continue };
            if self.mojibake.is_none() {
                let (word, meant) = mojibake::first_word(text, &meant);
                let shown = format!("{word} (meant: {meant})");
                return sink.finding(Finding::new(&codes::MOJIBAKE, place, &shown));
            }
            *text = meant.into();
        }
    }
}
