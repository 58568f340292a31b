//! Records that not everybody in the conversation may read: notes of a help desk for its own people.

use super::taken_back::is_no;
use super::{Guess, records};
use crate::names::{Role, fits, words};
use crate::table::Table;
use crate::values::Column;

/// Asks where a flag or a state says so of some of them.
pub(super) fn internal(table: &Table, guess: &mut Guess) {
    for column in &table.columns {
        let Some(count) = by_flag(column).or_else(|| by_state(column)) else { continue };
        if (1..table.records).contains(&count) {
            guess.to_do.push(format!(
                "internal: by `{}` not everybody may read {}, as it seems. Leave them out with [[mapping.leave_out]], or take \
                 this line out to send them to all in the conversation",
                column.name,
                records(count)
            ));
        }
    }
}

/// `internal`: yes; `public`: no.
fn by_flag(column: &Column) -> Option<u64> {
    let few = column.few.as_ref().filter(|_| column.is_flags())?;
    let name = words(&column.name);
    let is = |all: &str| {
        all.split_whitespace().any(|word| name.iter().any(|n| n == word) || name.concat() == word)
    };
    let wanted = if is("public ispublic approved isapproved visible customervisible 公开 öffentlich público")
    {
        false
    } else if is(
        "internal isinternal internalnote private isprivate privatenote note isnote whisper iswhisper hidden ishidden spam isspam \
                  内部 私密 intern interno interne privé privado скрытый",
    ) {
        true
    } else {
        return None;
    };
    Some(few.iter().filter(|(value, _)| is_no(value) != wanted).map(|(_, count)| *count).sum())
}

/// `visibility`: `internal`.
fn by_state(column: &Column) -> Option<u64> {
    const STATES: &str = "internal internal_note internal_comment private_note note whisper agents agents_only staff_only 内部 内部备注";
    let name = words(&column.name).concat();
    let told = fits(&column.name, Role::Type) >= 60
        || ["type", "kind", "visibility", "audience", "access", "scope"]
            .iter()
            .any(|end| name.ends_with(end));
    let few = column.few.as_ref().filter(|_| told)?;
    let is = |value: &str| {
        let value = value.to_lowercase().replace([' ', '-'], "_");
        STATES.split_whitespace().any(|state| state == value)
    };
    Some(few.iter().filter(|(value, _)| is(value)).map(|(_, count)| *count).sum())
}

#[cfg(test)]
mod tests {
    use crate::guess::{Answers, guess};
    use crate::records::tests::table;

    #[test]
    fn notes_for_the_own_people_are_asked_about() {
        let asked = |column: &str, [all, some]: [&str; 2]| {
            let row = |n: usize| {
                let (room, who) = (n / 6, ["ann", "bo", "cy"][n % 3]);
                let value = if n % 5 == 4 { some } else { all };
                format!("m{n},r{room},{who},words of number {n},2024-03-01T08:{}:00Z,{value}\n", 10 + n)
            };
            let head = format!("id,room_id,sender_id,text,sent_at,{column}\n");
            let text = (0..12).fold(head, |text, n| text + &row(n));
            guess(&table("chat.csv", &text), &Answers::default()).to_do
        };
        for (column, values) in [
            ("public", ["true", "false"]),
            ("is_public", ["1", "0"]),
            ("internal", ["0", "1"]),
            ("Internal Note", ["no", "yes"]),
            ("isPrivate", ["false", "true"]),
            ("visibility", ["public", "internal"]),
            ("comment_type", ["comment", "Internal note"]),
            ("commenttype", ["comment", "internal_note"]),
            ("内部", ["否", "是"]),
        ] {
            let asked = asked(column, values);
            assert!(asked.len() == 1 && asked[0].contains("may read 2 records"), "{column}: {asked:?}");
        }
        for (column, values) in [
            ("public", ["true", "true"]),
            ("internal", ["false", "false"]),
            ("is_read", ["true", "false"]),
            ("visibility", ["public", "public"]),
            ("type", ["text", "image"]),
        ] {
            assert_eq!(asked(column, values), [""; 0], "{column}");
        }
    }
}
