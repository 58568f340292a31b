//! Mattermost: the bulk export and the compliance export, and what both have in common.

mod bulk;
mod compliance;
mod line;

use std::borrow::Cow;

use super::compose::Mentions;

pub(super) use bulk::Bulk;
pub(super) use compliance::Compliance;

/// Whom a text calls on: `@name` of a user for whom `find` has an id.
fn mentions<'a>(words: &str, find: impl Fn(&str) -> Option<Cow<'a, str>>) -> Mentions<'a> {
    let mut mentions = Mentions::default();
    for (at, _) in words.match_indices('@') {
        let before = words[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '@') {
            continue;
        }
        let name = &words[at + 1..];
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
        let name = name[..end.unwrap_or(name.len())].to_ascii_lowercase();
        // The dot behind a name ends the sentence, unless there is such a user.
        let mut name = name.as_str();
        loop {
            if matches!(name, "channel" | "all" | "here") {
                mentions.all = true;
            } else if let Some(id) = find(name) {
                mentions.users.push(id);
            } else if name.ends_with(['.', '-', '_']) {
                name = &name[..name.len() - 1];
                continue;
            }
            break;
        }
    }
    mentions
}
