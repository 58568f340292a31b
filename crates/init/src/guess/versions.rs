//! Messages that the export has as they were before they were edited, too.

use std::collections::{HashMap, HashSet};

use super::Guess;
use super::roles::{LEAST, Roles};
use crate::names::{Role, fits, is_of_other, words};
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

/// Asks where a record names the message that it is a later version of.
pub(super) fn edits(table: &Table, roles: &Roles, guess: &mut Guess) {
    const STEMS: [&str; 6] = ["edit", "replac", "revis", "supersed", "correct", "amend"];
    let Some(id) = roles.id else { return };
    let ids: HashSet<&str> = table.series(id).into_iter().collect();
    for (at, column) in table.columns.iter().enumerate().filter(|(at, _)| *at != id) {
        let named = words(&column.name).iter().any(|word| STEMS.iter().any(|stem| word.starts_with(stem)));
        let values = table.series(at);
        let mut filled = values.iter().filter(|value| !value.is_empty()).peekable();
        let few = column.filled * 2 < table.records && filled.peek().is_some();
        // A number of edits is no id, even if there is one of that number.
        let counts = column.is_flags() || column.times.written().is_some_and(|_| !column.is_numbers());
        if named && few && !counts && filled.all(|value| ids.contains(value)) {
            guess.to_do.push(format!(
                "edits: by `{}` {} of other messages. All would be sent: keep one of each in the export, and \
                 take this line out",
                column.name,
                plural(column.filled, "record is a later version", "records are later versions"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::guess::{Answers, guess};
    use crate::records::tests::table;

    #[test]
    fn records_that_are_later_versions_are_asked_about() {
        let asked = |column: &str, value: &dyn Fn(usize) -> String| {
            let row = |n: usize| {
                let (room, who) = (n / 6, ["ann", "bo", "cy"][n / 2 % 3]);
                format!("m{n},r{room},{who},words of number {n},2024-03-01T08:{}:00Z,{}\n", 10 + n, value(n))
            };
            let head = format!("id,room_id,sender_id,text,sent_at,{column}\n");
            let text = (0..12).fold(head, |text, n| text + &row(n));
            guess(&table("chat.csv", &text), &Answers::default()).to_do.len()
        };
        let before = |n: usize| if n % 4 == 3 { format!("m{}", n - 1) } else { String::new() };
        for column in ["edit_of", "editedMessageId", "replaces_id", "Revision Of", "superseded_message"] {
            assert_eq!(asked(column, &before), 1, "{column}");
        }
        assert_eq!(asked("reply_to", &before), 0);
        assert_eq!(asked("edited", &|n| (n % 2).to_string()), 0);
        assert_eq!(asked("edited_by", &|n| if n % 4 == 3 { "ann".to_owned() } else { String::new() }), 0);
    }
}
