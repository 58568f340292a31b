//! From the ids of the source to those of the server.

use std::borrow::Cow;

/// Translates ids. Called for every message, from several threads.
pub trait IdMap: Send + Sync {
    /// The user that the source calls so.
    fn user<'a>(&self, id: Cow<'a, str>) -> Cow<'a, str>;
    /// The group that the source calls so.
    fn group<'a>(&self, id: Cow<'a, str>) -> Cow<'a, str>;
}

/// Ids stay as they are.
#[derive(Debug, Clone, Copy)]
pub struct SameIds;

impl IdMap for SameIds {
    fn user<'a>(&self, id: Cow<'a, str>) -> Cow<'a, str> {
        id
    }

    fn group<'a>(&self, id: Cow<'a, str>) -> Cow<'a, str> {
        id
    }
}
