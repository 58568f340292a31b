//! Chats of two by two columns: whose export it is, and who is at the other end. Either of them may have written.

use std::collections::HashSet;

use super::Guess;
use super::relate::{Series, same};
use super::roles::{LEAST, Roles};
use crate::names::{Role, fits};
use crate::table::{Table, cell};

/// Columns whose names say that they have whoever is at the other end, whoever wrote.
pub(super) fn others(table: &Table, roles: &Roles) -> Vec<usize> {
    let named =
        |at: &usize| fits(&table.columns[*at].name, Role::Other) == 100 || roles.receiver == Some(*at);
    (0..table.columns.len()).filter(|at| named(at) && !roles.is_of_message(*at)).collect()
}

/// Two columns, the own end and the other, of which the writer is now the one, now the other, in all of these rows. Of several that could be the own end
/// and differ none is taken.
pub(super) fn between(
    table: &Table,
    roles: &Roles,
    sender: &Series<'_>,
    rows: &[usize],
) -> Option<[usize; 2]> {
    others(table, roles).into_iter().find_map(|other| {
        let is_own = |own: &usize| {
            let ends = |row: usize| [*own, other].map(|at| cell(&table.sample[row], at));
            let wrote = |row: &usize| ends(*row).iter().position(|end| *end == sender[*row]);
            let apart = |row: &usize| {
                let [own, other] = ends(*row);
                !own.is_empty() && !other.is_empty() && own != other && wrote(row).is_some()
            };
            let both = || (0..2).all(|end| rows.iter().any(|row| wrote(row) == Some(end)));
            *own != other && !roles.is_of_message(*own) && rows.iter().all(apart) && both()
        };
        let mut found: Vec<usize> = (0..table.columns.len()).filter(is_own).collect();
        found.sort_by_key(|at| fits(&table.columns[*at].name, Role::Owner) < LEAST);
        let own = *found.first()?;
        let shown = table.series(own);
        let alike = found.iter().all(|at| same(&table.series(*at), &shown));
        (alike || found.len() == 1).then_some([own, other])
    })
}

/// Asks where the exports of both ends lie in it, and nothing says which records are the same message.
pub(super) fn seen_from_both(table: &Table, roles: &Roles, guess: &mut Guess) {
    let told = roles.id.is_some_and(|id| {
        let column = &table.columns[id];
        column.different().is_some_and(|different| (different as u64) < column.filled)
    });
    let called = |role: Role| {
        let is = move |at: &usize| fits(&table.columns[*at].name, role) == 100 && !roles.is_of_message(*at);
        (0..table.columns.len()).filter(is)
    };
    let mirrored = |own: usize, other: usize| {
        let pairs: HashSet<(&str, &str)> = table.pairs(own, other).collect();
        pairs.iter().any(|(own, other)| !own.is_empty() && own != other && pairs.contains(&(*other, *own)))
    };
    let found = called(Role::Other)
        .find_map(|other| Some([called(Role::Owner).find(|own| mirrored(*own, other))?, other]));
    if let Some(both) = found.filter(|_| !told) {
        let [own, other] = both.map(|at| &table.columns[at].name);
        guess.to_do.push(format!(
            "both ends: `{own}` and `{other}` stand the other way round as well, so that a message may stand there once for \
             each of them, and would be sent twice. Keep one of each in the export, and take this line out"
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::guess::{Answers, Guess, guess};
    use crate::records::tests::table;

    /// Ann's phone: with Bob, with Cy and, where `group` says its name, with both.
    fn phone(own: &str, other: &str, group: Option<&str>, more: &str) -> Guess {
        let mut text = format!("id,{own},{other},from,text,sent_at,chat_type\n");
        for n in 0..24 {
            let (with, kind) = match (n % 3, group) {
                (2, Some(group)) => (group, "group"),
                (n, _) => (["Bob", "Cy", "Cy"][n], "direct"),
            };
            let other_wrote = if with == "Bob" { "Bob" } else { "Cy" };
            let from = if n % 4 < 2 { "Ann" } else { other_wrote };
            let kind = if group.is_some() { kind } else { "" };
            writeln!(text, "m{n},Ann,{with},{from},words number {n},1700000{n:03},{kind}").unwrap();
        }
        guess(&table("phone.csv", &(text + more)), &Answers::default())
    }

    fn rules(guess: &Guess) -> Vec<String> {
        let of = |field: &crate::Field| format!("{} = {}", field.key.name(), field.rule);
        let peers =
            guess.fields.iter().map(of).filter(|rule| rule.contains("ID =") && !rule.contains("send"));
        peers.chain(guess.open.iter().map(|open| format!("{}?", open.key.name()))).collect()
    }

    #[test]
    fn the_two_ends_of_a_phone_are_a_chat_of_two_and_a_group_stays_one() {
        for (own, other) in [
            ("account", "chat_with"),
            ("owner", "peer"),
            ("me", "other"),
            ("my_number", "contact"),
            ("Account Id", "Partner"),
            ("device_user", "with"),
            ("本机号码", "对方"),
            ("Konto", "Gesprächspartner"),
        ] {
            let ends =
                format!("recvID = {{ column = [\"{own}\", \"{other}\"], join = \" | \", pair = \" | \" }}");
            let alone = phone(own, other, None, "");
            assert_eq!((rules(&alone), alone.to_do.len()), (vec![ends.clone()], 0), "{own} {other}");
            let with_group = rules(&phone(own, other, Some("Kitchen"), ""));
            assert_eq!(with_group, [format!("groupID = \"{other}\""), ends], "{own} {other}");
        }
        // Whose it is stands nowhere, or in another way than who wrote.
        assert_eq!(
            rules(&phone("place", "chat_with", None, "m99,Rome,Bob,Ann,hello,1700000999,\n")),
            ["recvID?"]
        );
        // In a chat of two writes a third.
        let third = phone("account", "chat_with", None, "m99,Ann,Bob,Zed,hello,1700000999,\n");
        assert_eq!(rules(&third).iter().filter(|rule| !rule.ends_with('?')).count(), 0);
    }

    #[test]
    fn what_both_ends_have_is_asked_about() {
        let mirrored = |id: &str| {
            format!("{id},Bob,Ann,Ann,words number 0,1700000000,\nm98,Bob,Ann,Bob,once more,1700000998,\n")
        };
        assert_eq!(phone("account", "chat_with", None, &mirrored("m99")).to_do.len(), 1);
        // The same id: told apart by that.
        assert_eq!(phone("account", "chat_with", None, &mirrored("m0")).to_do.len(), 0);
    }
}
