//! Who wrote: the finest column that names a person, and the name beside it.

use std::collections::{HashMap, HashSet};

use super::{Doubt, LEAST, Roles, can_be};
use crate::guess::relate::{determines, distinct, repeats, same};
use crate::mapping::Key;
use crate::names::{Role, fits, is_best, is_of_other, words};
use crate::table::Table;

/// Words for somebody who uses the service; whether they stand for the writer depends on what stands beside.
const ANYBODY: [&str; 21] = [
    "user",
    "userid",
    "uid",
    "username",
    "nick",
    "handle",
    "who",
    "actor",
    "email",
    "useremail",
    "用户",
    "用户id",
    "用户名",
    "使用者",
    "benutzer",
    "nutzer",
    "usuario",
    "utilisateur",
    "пользователь",
    "ユーザー",
    "사용자",
];

pub(super) fn find(table: &Table, roles: &mut Roles, taken: &mut [bool]) {
    let columns = &table.columns;
    let can = |c: usize| !taken[c] && is_person(table, c);
    let fit = |c: usize| {
        let name = &columns[c].name;
        let fit = if is_best(name, Role::Sender) { fits(name, Role::Sender) } else { 0 };
        let joined: String =
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if ANYBODY.contains(&joined.as_str()) { fit.saturating_sub(25) } else { fit }
    };
    let all: Vec<usize> = (0..columns.len()).filter(|c| can(*c)).collect();
    let mut named: Vec<(u32, usize)> =
        all.iter().map(|c| (fit(*c), *c)).filter(|(fit, _)| *fit >= LEAST).collect();
    if named.is_empty() {
        // Only names: they stand for ids, unless each chat has just one.
        let name = |c: usize| fits(&columns[c].name, Role::Nickname).saturating_sub(30);
        named = all.iter().map(|c| (name(*c), *c)).filter(|(fit, _)| *fit >= LEAST).collect();
    }
    named.sort_by_key(|(fit, c)| (std::cmp::Reverse(*fit), *c));
    let Some((best_fit, mut best)) = named.first().copied() else {
        unnamed(table, roles, taken, &all);
        return nickname_of(table, roles, taken);
    };
    let persons: Vec<usize> = all
        .iter()
        .copied()
        .filter(|c| *c != best && (fit(*c) >= LEAST || fits(&columns[*c].name, Role::Nickname) >= LEAST))
        .collect();
    // Others that could as well be the writer, and part the records otherwise.
    let shown = table.series(best);
    let independent: Vec<usize> = persons
        .iter()
        .copied()
        .filter(|c| {
            let other = table.series(*c);
            fit(*c) + 20 > best_fit && !determines(&other, &shown) && !determines(&shown, &other)
        })
        .collect();
    if !independent.is_empty() {
        let choices = std::iter::once(best).chain(independent).collect();
        let note = "several columns could be the writer, and they differ".to_owned();
        roles.doubts.push(Doubt { key: Key::SendId, note, choices });
        return;
    }
    let finer = |c: &usize| {
        let other = table.series(*c);
        determines(&other, &shown) && !determines(&shown, &other)
    };
    if let Some(finest) =
        persons.iter().copied().filter(finer).max_by_key(|c| (distinct(&table.series(*c)), fit(*c)))
    {
        best = finest;
    } else {
        // Of two that say the same: what those at the other end are made of too, then what OpenIM takes as it is.
        let is_end = |c: &usize| Some(*c) == roles.receiver || fits(&columns[*c].name, Role::Other) == 100;
        let receivers: HashSet<&str> =
            (0..columns.len()).filter(is_end).flat_map(|at| table.series(at)).collect();
        let rank = |c: usize| {
            let shared = table.series(c).iter().any(|value| !value.is_empty() && receivers.contains(value));
            let id = fits(&columns[c].name, Role::Id) > 0;
            (shared, columns[c].illegal() == 0, id, fit(c))
        };
        let equal = persons.iter().copied().filter(|c| same(&shown, &table.series(*c)));
        best = equal.chain([best]).max_by_key(|c| rank(*c)).unwrap_or(best);
    }
    if is_of_chat(table, roles, best) && best_fit < 90 {
        let note = "in each chat it is one name only: rather the chat's than the writer's".to_owned();
        roles.doubts.push(Doubt { key: Key::SendId, note, choices: vec![best] });
        return;
    }
    if let Some(types) = counted_apart(table, best) {
        let [types, ids] = [types, best].map(|at| &columns[at].name);
        let note = format!(
            "the same `{ids}` stands under more than one `{types}`: if these are different people, \
             `sendID = {{ column = [\"{types}\", \"{ids}\"] }}` tells them apart"
        );
        roles.doubts.push(Doubt { key: Key::SendId, note, choices: vec![best] });
        return;
    }
    roles.sender = Some(best);
    taken[best] = true;
    nickname_of(table, roles, taken);
}

/// A column of the kinds of writers, each of which counts its own: agent 1 is not customer 1.
fn counted_apart(table: &Table, sender: usize) -> Option<usize> {
    const WRITERS: [&str; 6] = ["sender", "author", "from", "user", "actor", "creator"];
    let ids = table.series(sender);
    (0..table.columns.len()).find(|at| {
        let name = words(&table.columns[*at].name).concat();
        let stem = ["type", "class", "kind"].iter().find_map(|end| name.strip_suffix(end));
        stem.is_some_and(|stem| WRITERS.contains(&stem))
            && table.columns[sender].is_numbers()
            && table.columns[*at].few.is_some()
            && !determines(&ids, &table.series(*at))
    })
}

fn nickname_of(table: &Table, roles: &mut Roles, taken: &mut [bool]) {
    roles.nickname = roles.sender.and_then(|sender| nickname(table, sender, taken));
    if let Some(nickname) = roles.nickname {
        taken[nickname] = true;
    }
}

/// No column calls itself the writer.
fn unnamed(table: &Table, roles: &mut Roles, taken: &mut [bool], all: &[usize]) {
    let columns = &table.columns;
    let owners: Vec<usize> =
        all.iter().copied().filter(|c| fits(&columns[*c].name, Role::Owner) >= LEAST).collect();
    if !owners.is_empty() {
        let note = "no column calls itself the writer; this names somebody, who may be another".to_owned();
        roles.doubts.push(Doubt { key: Key::SendId, note, choices: owners });
        return;
    }
    let free: Vec<usize> = (0..columns.len())
        .filter(|c| {
            let column = &columns[*c];
            !taken[*c] && is_person(table, *c) && !column.is_worded() && !column.is_numbers()
        })
        .collect();
    // Of a handful of columns what is left over is the writer; of many it may be anything.
    if roles.mine.is_none()
        && let [only] = free[..]
        && columns.len() <= 4
    {
        roles.sender = Some(only);
        roles.by_values.push(only);
        taken[only] = true;
    }
}

/// Whether values like these can name who wrote: in nearly all records, not the same everywhere, no flags, no numbers
/// that count.
fn is_person(table: &Table, at: usize) -> bool {
    let column = &table.columns[at];
    let small = if table.records < 50 { 5 } else { 0 };
    can_be(column, Role::Nickname, table.records)
        && column.filled * 10 >= table.records * 9
        && !column.is_constant()
        && !is_of_other(&column.name)
        && column.different_percent() <= 95 + small
        && !is_of_kind(column)
        && !is_of_file(column)
}

/// What a file is called, and nobody.
fn is_of_file(column: &crate::values::Column) -> bool {
    column.is_known_files() || fits(&column.name, Role::Files) >= 90
}

/// Roles and states of people, not people.
fn is_of_kind(column: &crate::values::Column) -> bool {
    column.few.as_ref().is_some_and(|few| few.keys().all(|value| crate::guess::kinds::is_common_word(value)))
}

/// Whether each chat has one value only, and there are several chats.
fn is_of_chat(table: &Table, roles: &Roles, at: usize) -> bool {
    let values = table.series(at);
    let parts = |series: &[&str]| {
        distinct(series) >= 2 && repeats(series) >= 2 && determines(series, &values) && distinct(&values) >= 2
    };
    let chats = (0..table.columns.len()).filter(|c| {
        let name = &table.columns[*c].name;
        *c != at
            && Some(*c) != roles.receiver
            && fits(name, Role::Group).max(fits(name, Role::Conversation)) >= LEAST
            && !same(&values, &table.series(*c))
    });
    chats.map(|c| table.series(c)).any(|series| parts(&series))
        || table.inherited.iter().any(|column| parts(&table.series_around(&column.name)))
}

/// The column with the names of the writers: it is called so, or is a second name for them beside the id; and
/// its values follow the ids.
fn nickname(table: &Table, sender: usize, taken: &[bool]) -> Option<usize> {
    let fit = |c: usize| {
        let column = &table.columns[c];
        let name = &column.name;
        let fit = fits(name, Role::Nickname).max(fits(name, Role::Sender).saturating_sub(1));
        let address = column.examples.iter().any(|example| example.contains('@'));
        let can = fit >= LEAST
            && !address
            && !is_of_other(name)
            && !is_of_file(column)
            && can_be(column, Role::Nickname, table.records);
        (!taken[c] && can && follows(table, sender, c)).then_some(fit)
    };
    (0..taken.len()).filter_map(|c| Some((fit(c)?, std::cmp::Reverse(c)))).max().map(|(_, c)| c.0)
}

/// Whether the same id has the same name nearly always, and different ones have different names as a rule.
fn follows(table: &Table, id: usize, name: usize) -> bool {
    let mut names = HashMap::new();
    let (mut same, mut all) = (0, 0);
    for (id, name) in table.pairs(id, name).filter(|(id, name)| !id.is_empty() && !name.is_empty()) {
        all += 1;
        same += u32::from(*names.entry(id).or_insert(name) == name);
    }
    let different: HashSet<&str> = names.values().copied().collect();
    all > 0 && same * 10 >= all * 9 && different.len() * 2 >= names.len()
}
