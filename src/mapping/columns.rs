//! Records of any kind, mapped field by field as `[mapping.fields]` says.

use super::draft::{Draft, Key};
use super::filters::{Filters, Verdict};
use super::native::not_json;
use super::pick::Picks;
use super::records::each;
use super::rule::Recipe;
use super::value::Value;
use super::{Mapper, Sink, codes};
use crate::export::Chunk;
use crate::finding::Finding;
use crate::message::Place;

/// Maps records field by field.
pub(super) struct Fields {
    pub(super) recipes: Vec<Recipe>,
    pub(super) filters: Filters,
    pub(super) picks: Picks,
}

impl Fields {
    /// Brings the recipes into the order in which they need each other: the peer of a pair is told by the
    /// sender, and whether there is a pair at all by the kind of chat.
    pub(super) fn arrange(recipes: &mut [Recipe]) {
        recipes.sort_by_key(|recipe| match recipe.key {
            Key::SendId => 0,
            Key::SessionType => 1,
            Key::GroupId => 2,
            Key::RecvId => 3,
            _ => 4,
        });
    }

    fn send<'r>(&'r self, found: &[Option<Value<'r>>], place: Place, sink: &mut dyn Sink) {
        let mut draft = Draft::default();
        for recipe in &self.recipes {
            if !needed(recipe.key, &draft) {
                continue;
            }
            match recipe.value(found, draft.get(Key::SendId).map(Value::text)) {
                Ok((value, warning)) => {
                    if let Some((code, value)) = warning {
                        sink.finding(Finding::new(code, place, &value));
                    }
                    draft.set(recipe.key, value);
                }
                Err(problem) => return sink.finding(Finding::new(problem.code, place, &problem.value)),
            }
        }
        draft.send(place, sink);
    }
}

/// Whether the kind of chat, as far as it is known, has use for the field: one file holds single chats and
/// groups, and the columns of one kind mean nothing in the other.
fn needed(key: Key, draft: &Draft<'_>) -> bool {
    let group = || draft.get(Key::GroupId).is_some_and(|group| !group.is_empty());
    match key {
        Key::GroupId => draft.get(Key::SessionType).map(Value::text) != Some("1"),
        Key::RecvId => !group(),
        _ => true,
    }
}

impl Mapper for Fields {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let located = self.picks.locate(&chunk.context);
        let inherited = self.filters.inherited(&chunk.context);
        // What the first file lacks is said before the pass; a later one can lack it too.
        let missing = chunk.context.table.as_ref().and_then(|table| self.picks.missing(table));
        each(chunk, sink, &mut |place, record, sink| {
            if let Some(column) = missing {
                return sink.finding(Finding::new(&codes::COLUMN_MISSING, place, column));
            }
            let found = match self.picks.pick(&located, record) {
                Ok(found) => found,
                Err(e) => return sink.finding(not_json(place, record.text(), &e)),
            };
            match self.filters.judge(&found.values, record, place, &inherited) {
                Verdict::Keep => {
                    if found.halves {
                        sink.finding(Finding::new(&codes::HALF_CHARACTER, place, record.text()));
                    }
                    self.send(&found.values, place, sink);
                }
                Verdict::LeaveOut(reason) => sink.left_out(place, reason),
                Verdict::Failed(finding) => sink.finding(finding),
            }
        });
    }
}
