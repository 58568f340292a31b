//! Which column is for what: by its name, and whether its values can be that.

use std::collections::{HashMap, HashSet};

use crate::names::{Role, fits};
use crate::table::{Table, cell};
use crate::values::Column;

/// The columns that have a role, by position.
#[derive(Debug, Default)]
pub(super) struct Roles {
    pub(super) id: Option<usize>,
    pub(super) sender: Option<usize>,
    pub(super) nickname: Option<usize>,
    pub(super) face_url: Option<usize>,
    pub(super) receiver: Option<usize>,
    pub(super) group: Option<usize>,
    pub(super) conversation: Option<usize>,
    pub(super) kind: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) text: Option<usize>,
    pub(super) message_type: Option<usize>,
    pub(super) platform: Option<usize>,
    pub(super) mine: Option<usize>,
    pub(super) quote: Option<usize>,
    /// Columns whose names say nothing.
    pub(super) by_values: Vec<usize>,
}

const ALL: [Role; 13] = [
    Role::Time,
    Role::Text,
    Role::Sender,
    Role::Id,
    Role::Receiver,
    Role::Group,
    Role::Kind,
    Role::Conversation,
    Role::Mine,
    Role::Type,
    Role::FaceUrl,
    Role::Quote,
    Role::Platform,
];

/// A name must fit so well to count.
const LEAST: u32 = 40;

impl Roles {
    pub(super) fn find(table: &Table) -> Self {
        let mut roles = Self::default();
        let mut scores: Vec<(u32, usize, usize)> = Vec::new();
        for (r, role) in ALL.iter().enumerate() {
            for (c, column) in table.columns.iter().enumerate() {
                let score = fits(&column.name, *role);
                let can_be = score >= LEAST
                    && can_be(column, *role, table.records)
                    && (*role != Role::Id || tells_apart(table, c));
                if can_be {
                    scores.push((score + bonus(column, *role), r, c));
                }
            }
        }
        // The best first; of equals the more important role and the earlier column.
        scores.sort_by_key(|(score, r, c)| (std::cmp::Reverse(*score), *r, *c));
        let mut taken = vec![false; table.columns.len()];
        for (_, r, c) in &scores {
            let slot = roles.slot(ALL[*r]);
            if slot.is_none() && !taken[*c] {
                *slot = Some(*c);
                taken[*c] = true;
            }
        }
        roles.by_values(table, &mut taken);
        roles
    }

    /// What has no telling name: the only column of times, the one with the most words.
    fn by_values(&mut self, table: &Table, taken: &mut [bool]) {
        let free = |taken: &[bool], is: &dyn Fn(&Column) -> bool| -> Vec<usize> {
            (0..taken.len()).filter(|c| !taken[*c] && is(&table.columns[*c])).collect()
        };
        if self.time.is_none()
            && let [only] = free(taken, &|column| can_be(column, Role::Time, table.records))[..]
        {
            self.time = Some(only);
            self.by_values.push(only);
            taken[only] = true;
        }
        if self.text.is_none() {
            let worded = |column: &Column| column.is_worded() && can_be(column, Role::Text, table.records);
            let longest = free(taken, &worded).into_iter().max_by_key(|c| table.columns[*c].average());
            if let Some(longest) = longest {
                self.text = Some(longest);
                self.by_values.push(longest);
                taken[longest] = true;
            }
        }
        if self.sender.is_none()
            && self.mine.is_none()
            && let [only] = free(taken, &|column| {
                !column.is_worded() && !column.is_numbers() && can_be(column, Role::Sender, table.records)
            })[..]
        {
            self.sender = Some(only);
            self.by_values.push(only);
            taken[only] = true;
        }
        self.nickname = self.sender.and_then(|sender| nickname(table, sender, taken));
    }

    fn slot(&mut self, role: Role) -> &mut Option<usize> {
        match role {
            Role::Id => &mut self.id,
            Role::Sender => &mut self.sender,
            // Found by what the values are, see `nickname`.
            Role::Nickname => &mut self.nickname,
            Role::FaceUrl => &mut self.face_url,
            Role::Receiver => &mut self.receiver,
            Role::Group => &mut self.group,
            Role::Conversation => &mut self.conversation,
            Role::Kind => &mut self.kind,
            Role::Time => &mut self.time,
            Role::Text => &mut self.text,
            Role::Type => &mut self.message_type,
            Role::Platform => &mut self.platform,
            Role::Mine => &mut self.mine,
            Role::Quote => &mut self.quote,
        }
    }
}

/// Whether records with the same id are the same: an export can have them twice.
fn tells_apart(table: &Table, id: usize) -> bool {
    let mut seen: HashMap<&str, &[String]> = HashMap::new();
    table.sample.iter().all(|row| match cell(row, id) {
        "" => true,
        id => *seen.entry(id).or_insert(row) == row.as_slice(),
    })
}

/// The column with the names of the writers: it is called so, or is a second name for them beside the id; and
/// its values follow the ids.
fn nickname(table: &Table, sender: usize, taken: &[bool]) -> Option<usize> {
    let fit = |c: usize| {
        let column = &table.columns[c];
        let name = &column.name;
        let fit = fits(name, Role::Nickname).max(fits(name, Role::Sender).saturating_sub(1));
        let address = column.examples.iter().any(|example| example.contains('@'));
        let can = fit >= LEAST && !address && can_be(column, Role::Nickname, table.records);
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

/// Whether values like these can be that.
fn can_be(column: &Column, role: Role, records: u64) -> bool {
    let times = column.times.written().is_some();
    let most = column.filled * 10 >= records * 9;
    let one_line = !column.has_lines() && !column.is_links() && !column.is_json();
    let few = |most: usize| column.few.as_ref().is_some_and(|few| few.len() <= most);
    // What stands in a list belongs to a part of the message.
    if column.filled == 0 || column.name.contains('[') {
        return false;
    }
    match role {
        Role::Id => {
            one_line && column.different_percent() >= 40 && column.longest <= 256 && !column.is_worded()
        }
        Role::Sender => {
            most && one_line
                && !times
                && column.longest <= 128
                && column.different_percent() <= 95 + small(records)
        }
        Role::Nickname => one_line && !times && column.longest <= 128,
        Role::FaceUrl => column.is_links(),
        Role::Receiver | Role::Group => one_line && !times && column.longest <= 256,
        Role::Conversation => one_line && !times && column.longest <= 256 && !column.is_numbers(),
        Role::Kind => few(12) && !times,
        Role::Time => times,
        Role::Text => !times && !column.is_links() && !column.is_uuids(),
        Role::Type => few(24) && !times,
        Role::Platform => few(16) && !times,
        Role::Mine => column
            .few
            .as_ref()
            .is_some_and(|few| few.len() <= 2 && few.keys().all(|value| is_yes_or_no(value))),
        Role::Quote => one_line && column.filled < records,
    }
}

/// In a handful of records everything may differ.
fn small(records: u64) -> u64 {
    if records < 50 { 5 } else { 0 }
}

/// Better of two columns of equal names.
fn bonus(column: &Column, role: Role) -> u32 {
    match role {
        Role::Sender | Role::Receiver => {
            let legal = column.illegal() == 0;
            let id = fits(&column.name, Role::Id) > 0;
            u32::from(legal) * 5 + u32::from(id) * 3
        }
        Role::Text => u32::from(column.is_worded()) * 10,
        // A time in text may be an import's or an edit's as well; so may numbers.
        _ => 0,
    }
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
