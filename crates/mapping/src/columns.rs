//! Records of any kind, mapped field by field as `[mapping.fields]` says.

use std::sync::Arc;

use super::attach::Files;
use super::draft::{Draft, Key, NO_TEXT};
use super::rule::Recipe;
use super::sieve::Sieve;
use super::value::Value;
use super::{Mapper, Sink, codes};
use crate::export::Chunk;
use crate::finding::Finding;
use crate::message::Place;

/// Maps records field by field.
pub(super) struct Fields {
    pub(super) recipes: Vec<Recipe>,
    pub(super) sieve: Sieve,
    pub(super) files: Arc<dyn Files>,
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

    fn send(&self, found: &[Option<Value<'_>>], place: Place, sink: &mut dyn Sink) {
        let mut draft = Draft::default();
        let may_have_files = self.recipes.iter().any(|recipe| recipe.key == Key::Attachments);
        for recipe in &self.recipes {
            if !needed(recipe.key, &draft) {
                continue;
            }
            match recipe.value(found, draft.get(Key::SendId).map(Value::text)) {
                // A body of tags alone: a picture that is not in it, a signature, an empty line.
                Ok((Some(words), _)) if recipe.takes_words() && words.is_empty() && !may_have_files => {
                    return sink.left_out(place, NO_TEXT);
                }
                Ok((value, warning)) => {
                    if let Some((code, value)) = warning {
                        sink.finding(Finding::new(code, place, &value));
                    }
                    draft.set(recipe.key, value);
                }
                Err(problem) => return sink.finding(Finding::new(problem.code, place, &problem.value)),
            }
        }
        if may_have_files && draft.get(Key::Attachments).is_none() && !draft.has_words() {
            return sink.left_out(place, NO_TEXT);
        }
        draft.send(place, Some(&*self.files), sink);
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
        self.sieve.each(chunk, sink, &mut |place, record, picked, sink| {
            if picked.halves {
                sink.finding(Finding::new(&codes::HALF_CHARACTER, place, record.text()));
            }
            self.send(&picked.values, place, sink);
        });
    }
}
