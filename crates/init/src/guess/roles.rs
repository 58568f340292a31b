//! Which column is for what: by its name, and whether its values can be that in the whole export. A name alone is no
//! reason: a writer differs, an id is in every record, a time is not the same everywhere.

mod person;
mod words;

use crate::guess::relate::determines;
use crate::mapping::Key;
use crate::names::{Role, fits, is_best, is_of_other};
use crate::table::{Table, cell};
use crate::times::Written;
use crate::values::Column;

/// The columns that have a role, by position.
#[derive(Debug, Default)]
pub(super) struct Roles {
    pub(super) id: Option<usize>,
    pub(super) sender: Option<usize>,
    pub(super) nickname: Option<usize>,
    pub(super) face_url: Option<usize>,
    pub(super) receiver: Option<usize>,
    pub(super) kind: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) text: Option<usize>,
    pub(super) message_type: Option<usize>,
    pub(super) platform: Option<usize>,
    pub(super) mine: Option<usize>,
    pub(super) quote: Option<usize>,
    /// Columns whose names say that they name the conversation, best first; whether they part it is seen later.
    pub(super) conversations: Vec<usize>,
    /// Columns whose names say nothing.
    pub(super) by_values: Vec<usize>,
    /// What several columns could be.
    pub(super) doubts: Vec<Doubt>,
}

/// Several columns could be this, or one that should not be taken unasked.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) key: Key,
    pub(super) note: String,
    pub(super) choices: Vec<usize>,
}

/// A name must fit so well to count.
pub(super) const LEAST: u32 = 40;

impl Roles {
    pub(super) fn find(table: &Table) -> Self {
        let mut roles = Self::default();
        let mut taken = vec![false; table.columns.len()];
        roles.time = words::time(table, &mut roles.doubts, &mut roles.by_values);
        roles.text = words::text(table, roles.time, &mut roles.doubts, &mut roles.by_values);
        roles.kind = kind(table);
        for at in [roles.time, roles.text, roles.kind].into_iter().flatten() {
            taken[at] = true;
        }
        let best = |role: Role, taken: &[bool]| {
            let fit = |c: usize| {
                let column = &table.columns[c];
                let fit = fits(&column.name, role);
                let can =
                    !taken[c] && fit >= LEAST && !is_of_other(&column.name) && is_best(&column.name, role);
                (can && can_be(column, role, table.records)).then_some(fit)
            };
            let all = (0..table.columns.len()).filter_map(|c| Some((fit(c)?, std::cmp::Reverse(c))));
            all.max().map(|(_, c)| c.0)
        };
        roles.id = id(table, &taken);
        if let Some(id) = roles.id {
            taken[id] = true;
        }
        roles.receiver = best(Role::Receiver, &taken);
        if let Some(receiver) = roles.receiver {
            taken[receiver] = true;
        }
        roles.mine = best(Role::Mine, &taken);
        person::find(table, &mut roles, &mut taken);
        for role in [Role::Type, Role::FaceUrl, Role::Platform] {
            let is_face = |at: &usize| {
                let may_be_sent = fits(&table.columns[*at].name, Role::Files) >= LEAST;
                role != Role::FaceUrl || !may_be_sent || is_of_writer(table, roles.sender, *at)
            };
            let at = best(role, &taken).filter(is_face);
            if let Some(at) = at {
                taken[at] = true;
            }
            *match role {
                Role::Type => &mut roles.message_type,
                Role::FaceUrl => &mut roles.face_url,
                _ => &mut roles.platform,
            } = at;
        }
        // What it answers is named by words that elsewhere speak of another message.
        let quotes =
            (0..taken.len()).filter(|c| !taken[*c] && can_be(&table.columns[*c], Role::Quote, table.records));
        roles.quote = quotes
            .map(|c| (fits(&table.columns[c].name, Role::Quote), std::cmp::Reverse(c)))
            .filter(|(fit, _)| *fit >= 60)
            .max()
            .map(|(_, c)| c.0)
            .filter(|c| roles.id.is_some_and(|id| answers(table, *c, id)));
        let conversation = |c: &usize| {
            let name = &table.columns[*c].name;
            let fit = fits(name, Role::Group).max(fits(name, Role::Conversation));
            let best = (is_best(name, Role::Group) || is_best(name, Role::Conversation))
                && fits(name, Role::Other) < 100;
            (fit >= LEAST && best && !taken[*c] && !is_of_other(name)).then_some(fit)
        };
        let mut all: Vec<usize> = (0..taken.len()).filter(|c| conversation(c).is_some()).collect();
        all.sort_by_key(|c| std::cmp::Reverse(conversation(c)));
        roles.conversations = all;
        roles
    }
}

impl Roles {
    /// Whether it has what a message is or says, or who wrote it.
    pub(super) fn is_of_message(&self, at: usize) -> bool {
        let own = [self.id, self.sender, self.nickname, self.kind, self.time, self.text, self.quote];
        own.contains(&Some(at))
    }
}

/// The id of messages: in every record, and never the same, unless the whole record stands there twice.
fn id(table: &Table, taken: &[bool]) -> Option<usize> {
    let fit = |c: usize| {
        let column = &table.columns[c];
        let fit = fits(&column.name, Role::Id);
        let can = !taken[c]
            && fit >= LEAST
            && !is_of_other(&column.name)
            && is_best(&column.name, Role::Id)
            && is_everywhere(table, c)
            && can_be(column, Role::Id, table.records)
            && tells_apart(table, c);
        can.then_some(fit)
    };
    let all = (0..table.columns.len()).filter_map(|c| Some((fit(c)?, std::cmp::Reverse(c))));
    all.max().map(|(_, c)| c.0)
}

/// Whether every record has it, but for what the app wrote.
fn is_everywhere(table: &Table, id: usize) -> bool {
    let missing = table.records.saturating_sub(table.columns[id].filled);
    let types: Vec<usize> =
        (0..table.columns.len()).filter(|c| fits(&table.columns[*c].name, Role::Type) >= LEAST).collect();
    let by_app = |row: &Vec<String>| types.iter().any(|at| super::kinds::is_by_app(cell(row, *at)));
    let empty = table.sample.iter().filter(|row| cell(row, id).is_empty());
    missing == 0 || (missing * 4 <= table.records && empty.clone().count() > 0 && empty.clone().all(by_app))
}

/// Whether it is the same for all that somebody wrote, as far as it is there: a picture of the writer, and none that was sent.
fn is_of_writer(table: &Table, sender: Option<usize>, at: usize) -> bool {
    let Some(sender) = sender else { return true };
    let pairs = || table.pairs(sender, at).filter(|(_, value)| !value.is_empty());
    let (sender, values): (Vec<_>, Vec<_>) = pairs().unzip();
    determines(&sender, &values)
}

/// Whether records with the same id are the same message: an export can have them twice, or as it was before it was edited,
/// by the same writer at the same time. Such versions `check` refuses, who knows all records.
fn tells_apart(table: &Table, id: usize) -> bool {
    let column = &table.columns[id];
    let ids = table.series(id);
    let of_role =
        |role| (0..table.columns.len()).filter(move |c| fits(&table.columns[*c].name, role) >= LEAST);
    let (times, writers): (Vec<usize>, Vec<usize>) =
        (of_role(Role::Time).collect(), of_role(Role::Sender).collect());
    // Of several times that of the edit is another.
    let agree = |one: &[String], other: &[String], c: &usize| one.get(*c) == other.get(*c);
    let is_version = |one: &[String], other: &[String]| {
        times.iter().any(|c| agree(one, other, c)) && writers.iter().all(|c| agree(one, other, c))
    };
    let mut seen: std::collections::HashMap<&str, &[String]> = std::collections::HashMap::new();
    let same = ids.iter().zip(&table.sample).filter(|(id, _)| !id.is_empty()).all(|(id, row)| {
        let first = *seen.entry(id).or_insert(row);
        first == row.as_slice() || is_version(first, row)
    });
    // Of those that were not sampled only the number is known: all must differ, but for whole records seen twice.
    let all_differ =
        column.different().map_or(column.different_percent() == 100, |n| n as u64 == column.filled);
    same && (all_differ || seen.len() < ids.len())
}

/// Whether a column names messages of this export that are answered: some are known, and none answers itself.
fn answers(table: &Table, quote: usize, id: usize) -> bool {
    let known: std::collections::HashSet<&str> = table.series(id).into_iter().collect();
    let named: Vec<&str> = table.series(quote).into_iter().filter(|value| !value.is_empty()).collect();
    let whole = table.sample.len() as u64 == table.records;
    !named.is_empty() && (!whole || named.iter().any(|value| known.contains(value)))
}

/// The column that says whether two people or a group talk: all its values are such words.
fn kind(table: &Table) -> Option<usize> {
    let fit = |c: usize| {
        let column = &table.columns[c];
        let named = fits(&column.name, Role::Kind);
        let typed = fits(&column.name, Role::Type).saturating_sub(10);
        let few = column.few.as_ref().filter(|few| few.len() <= 12)?;
        let known = few.keys().all(|value| super::kinds::is_kind(value));
        let words = few.keys().any(|value| value.parse::<u32>().is_err());
        let full = column.filled * 100 >= table.records * 99 && !column.name.contains('[');
        let fit = if named >= LEAST { named } else { typed };
        (full && fit >= LEAST && known && (words || named >= 60)).then_some(fit)
    };
    let all = (0..table.columns.len()).filter_map(|c| Some((fit(c)?, std::cmp::Reverse(c))));
    all.max().map(|(_, c)| c.0)
}

/// A column that says by its name what each chat is, in words that are not known here.
pub(super) fn unknown_kind(table: &Table) -> Option<usize> {
    (0..table.columns.len()).find(|c| {
        let column = &table.columns[*c];
        let few = column.few.as_ref().is_some_and(|few| {
            (2..=8).contains(&few.len()) && !few.keys().all(|value| super::kinds::is_kind(value))
        });
        let common =
            column.few.as_ref().is_some_and(|few| few.keys().all(|v| super::kinds::is_common_word(v)));
        few && !common && fits(&column.name, Role::Kind) >= 60
    })
}

/// Whether values like these can be that.
pub(super) fn can_be(column: &Column, role: Role, records: u64) -> bool {
    let times = column.times.written().is_some();
    let one_line = !column.has_lines() && !column.is_links() && !column.is_json();
    let few = |most: usize| column.few.as_ref().is_some_and(|few| few.len() <= most);
    // What stands in a list belongs to a part of the message.
    if column.filled == 0 || column.name.contains('[') {
        return false;
    }
    match role {
        Role::Id => one_line && column.longest <= 256 && !column.is_worded() && !is_moment(column),
        Role::Nickname => one_line && !times && column.longest <= 128 && !column.is_flags(),
        Role::FaceUrl => column.is_links(),
        Role::Receiver => one_line && !times && column.longest <= 256 && !column.is_flags(),
        Role::Time => times,
        Role::Text => !times && !column.is_links() && !column.is_uuids(),
        Role::Type => few(24) && !times && !column.is_flags(),
        Role::Platform => few(16) && !times,
        Role::Mine => column
            .few
            .as_ref()
            .is_some_and(|few| few.len() <= 2 && few.keys().all(|value| is_yes_or_no(value))),
        Role::Quote => one_line && column.filled < records,
        _ => false,
    }
}

/// Whether its values are moments and no ids: a number of 19 digits may look like nanoseconds.
fn is_moment(column: &Column) -> bool {
    column.times.written().is_some_and(|written| !matches!(written, Written::In(_)))
}

fn is_yes_or_no(value: &str) -> bool {
    matches!(
        value.to_lowercase().as_str(),
        "0" | "1"
            | "true"
            | "false"
            | "yes"
            | "no"
            | "y"
            | "n"
            | "是"
            | "否"
            | "in"
            | "out"
            | "sent"
            | "received"
            | "incoming"
            | "outgoing"
    )
}
