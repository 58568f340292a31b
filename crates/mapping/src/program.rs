//! Records of any kind, made into objects of the native format by a jq program.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attach::Files;
use super::filters::finding;
use super::jq::Program;
use super::native::parse;
use super::sieve::Sieve;
use super::{Mapper, Sink, codes};
use crate::export::Chunk;
use crate::finding::Finding;

/// One record can't be this many messages; a program that makes them does not end.
const MOST_PARTS: u16 = 10_000;

/// Maps records with a jq program.
pub(super) struct ByProgram {
    pub(super) program: Program,
    pub(super) sieve: Sieve,
    pub(super) files: Arc<dyn Files>,
}

impl Mapper for ByProgram {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let inherited = Program::inherited(&chunk.context);
        let mut unknown = BTreeSet::new();
        self.sieve.each(chunk, sink, &mut |place, record, _, sink| {
            let mut part = 0;
            let done = self.program.run(record, place, &inherited, &mut |result| {
                let mut place = place;
                place.part = part;
                if part >= MOST_PARTS {
                    sink.finding(Finding::new(&codes::TOO_MANY_PARTS, place, ""));
                    return false;
                }
                let mut parts = 1;
                if !result.starts_with('{') {
                    sink.finding(Finding::new(&codes::JQ_OUTPUT, place, result));
                } else if let Some(draft) = parse(result, place, &mut unknown, sink) {
                    parts = draft.send(place, Some(&*self.files), sink);
                }
                part += parts;
                true
            });
            match done {
                Ok(()) if part == 0 => sink.left_out(place, "jq"),
                Ok(()) => {}
                Err(failed) => sink.finding(finding(failed, record, place)),
            }
        });
    }
}
