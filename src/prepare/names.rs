//! Names of conversations and users, which went their own way while the messages were sorted.

use super::heap::{Heap, texts};
use super::rows::{ConvRow, UserRow};
use super::sort::Sorted;
use crate::job::{ConvKey, JobError, Loader, Peers};
use crate::message::{GroupId, UserId};

/// Names of conversations, walked beside their messages.
pub(super) struct Names<'h> {
    rows: Sorted<ConvRow>,
    next: Option<ConvRow>,
    heap: &'h Heap,
}

impl<'h> Names<'h> {
    pub(super) fn new(mut rows: Sorted<ConvRow>, heap: &'h Heap) -> Result<Self, JobError> {
        let next = rows.next()?;
        Ok(Self { rows, next, heap })
    }

    /// Who talks in the conversation; of several pairs with one name, that one.
    pub(super) fn find(&mut self, key: ConvKey, pair: u32) -> Result<Option<Peers>, JobError> {
        let mut found = None;
        while let Some(row) = self.next
            && row.key <= key
        {
            if found.is_none() && (row.key, row.pair) == (key, pair) {
                found = Some(row);
            }
            self.next = self.rows.next()?;
        }
        let Some(row) = found else { return Ok(None) };
        let bytes = self.heap.read(row.spot)?;
        let mut texts = texts(&bytes).map(str::to_owned);
        let mut text = || texts.next().unwrap_or_default();
        Ok(Some(if key.is_group() {
            Peers::Group(GroupId(text()))
        } else {
            Peers::Single(UserId(text()), UserId(text()))
        }))
    }
}

/// Puts the users into the job: each once, in the order of their keys.
pub(super) fn users(mut rows: Sorted<UserRow>, heap: &Heap, loader: &mut Loader<'_>) -> Result<(), JobError> {
    let mut last = None;
    while let Some(row) = rows.next()? {
        // The first of a user is one with a name, if there is one.
        if last.replace(row.user) == Some(row.user) || loader.knows_user(row.user)? {
            continue;
        }
        let bytes = heap.read(row.spot)?;
        let mut texts = texts(&bytes);
        let mut text = || texts.next().unwrap_or_default();
        loader.user(text(), text(), text())?;
    }
    Ok(())
}
