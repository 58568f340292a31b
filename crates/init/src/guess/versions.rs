//! Messages that the export has as they were before they were edited, too.

use std::collections::HashMap;

use super::Guess;
use super::roles::{LEAST, Roles};
use crate::names::{Role, fits, is_of_other};
use crate::numbers::plural;
use crate::table::{Table, cell};

/// Asks where ids are counted in each chat, so that no column tells messages apart: where one does, `check` refuses two that
/// have the same id and are not the same.
pub(super) fn versions(table: &Table, roles: &Roles, guess: &mut Guess) {
    let (None, Some(sender), Some(time)) = (roles.id, roles.sender, roles.time) else { return };
    let is_id = |at: &usize| {
        let name = &table.columns[*at].name;
        fits(name, Role::Id) >= LEAST && !is_of_other(name)
    };
    let Some(id) = (0..table.columns.len()).find(is_id) else { return };
    let mut first: HashMap<[&str; 3], &[String]> = HashMap::new();
    let mut versions = 0;
    for row in &table.sample {
        let says = [id, sender, time].map(|at| cell(row, at));
        versions += u64::from(!says[0].is_empty() && *first.entry(says).or_insert(row) != row.as_slice());
    }
    if versions > 0 {
        guess.to_do.push(format!(
            "versions: {} what another of the same `{}`, writer and time says in other words, as if it was edited. All would be \
             sent: keep one of each in the export, and take this line out",
            plural(versions, "record says", "records say"),
            table.columns[id].name
        ));
    }
}
