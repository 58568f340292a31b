//! Between whom: what parts the conversations, how single chats and groups are told apart, and the other end of a
//! chat of two. What is not said by a column that calls itself so is asked for.

use std::collections::{HashMap, HashSet};

use super::apart::{Apart, apart};
use super::kinds::{kind_of, system_values};
use super::relate::{Series, determines, is_full, writers};
use super::{Answers, Guess, ends, examples, plain, roles::Roles};
use crate::document::string;
use crate::mapping::Key;
use crate::names::{Role, fits, words};
use crate::rule::{Of, Rule};
use crate::table::{Table, cell};
use crate::values::Column;

/// What may stand between the two ids of a pair.
const BETWEEN: [&str; 8] = ["__", "_", "-", ":", "|", ",", "@", " "];

/// A rule for a field, with why.
type Ruled = (Key, Rule, String);

pub(super) fn conversation(table: &Table, roles: &Roles, answers: &Answers, guess: &mut Guess) {
    let sender = roles.sender.map(|at| table.series(at)).unwrap_or_default();
    let kind = kind(table, roles);
    let apart = apart(table, roles, answers);
    let chat = Chat { table, roles, sender, receiver: roles.receiver.map(|at| table.series(at)), kind };
    ends::seen_from_both(table, roles, guess);
    match chat.rules(&apart) {
        Ok(fields) => {
            for (key, rule, note) in fields {
                guess.field(key, rule, note);
            }
        }
        Err(Ask { key, note, choices }) => guess.open(key, note, choices),
    }
}

/// What can't be told.
struct Ask {
    key: Key,
    note: String,
    choices: Vec<Rule>,
}

/// What says whether two people or a group talk.
struct Kind<'t> {
    of: Of,
    values: Series<'t>,
    kinds: Kinds,
}

struct Chat<'t> {
    table: &'t Table,
    roles: &'t Roles,
    sender: Series<'t>,
    receiver: Option<Series<'t>>,
    kind: Option<Kind<'t>>,
}

impl<'t> Chat<'t> {
    fn rules(&self, apart: &Apart<'t>) -> Result<Vec<Ruled>, Ask> {
        let copied = |name: &str| ["cc", "bcc", "kopie", "抄送"].contains(&words(name).concat().as_str());
        let copy = self.table.columns.iter().find(|column| copied(&column.name) && column.filled > 0);
        if let Some(copy) = copy {
            let note = format!(
                "`{}` names others who got it as well ({}): who was in that conversation?",
                copy.name,
                examples(copy)
            );
            return Err(Ask { key: Key::RecvId, note, choices: Vec::new() });
        }
        if let Some(members) = apart.members()
            && let Some(rules) = self.by_members(apart, members)
        {
            return Ok(rules);
        }
        match &self.kind {
            Some(kind) => self.by_kind(kind, apart),
            None => self.without_kind(apart),
        }
    }

    /// What encloses the records lists who takes part.
    fn by_members(&self, apart: &Apart<'t>, members: &str) -> Option<Vec<Ruled>> {
        let lists = self.table.series_around(members);
        let key = members_key(&lists)?;
        let rule = Rule::Members(members.to_owned(), key.clone());
        let all: Vec<Vec<String>> = lists.iter().map(|list| members_of(list, &key)).collect();
        let takes_part = all
            .iter()
            .zip(&self.sender)
            .all(|(all, sender)| all.len() != 2 || all.iter().any(|member| member == sender));
        if !takes_part {
            return None;
        }
        let other = (Key::RecvId, rule.clone(), "the other of the two who take part".to_owned());
        if all.iter().all(|all| all.len() == 2) {
            let single = Rule::Constant(1);
            let note = format!("`{members}` has two members everywhere: all are chats of two");
            return Some(vec![(Key::SessionType, single, note), other]);
        }
        let (group, note) = apart.found()?;
        let two = "a list of two members makes a chat of two".to_owned();
        Some(vec![(Key::SessionType, rule, two), (Key::GroupId, group, note), other])
    }

    /// A column, or what encloses the records, says what each chat is.
    fn by_kind(&self, kind: &Kind<'t>, apart: &Apart<'t>) -> Result<Vec<Ruled>, Ask> {
        let Kinds { direct, groups } = &kind.kinds;
        if direct.is_empty() {
            let (rule, note) = self.apart_or_receiver(apart)?;
            return Ok(vec![(Key::GroupId, rule, note)]);
        }
        let system = system_values(self.table, self.roles);
        let by_app = |row: usize| {
            let of = |at: usize| cell(&self.table.sample[row], at);
            self.roles.message_type.is_some_and(|at| system.iter().any(|value| value == of(at)))
        };
        let rows: Vec<usize> = (0..self.sender.len())
            .filter(|row| direct.iter().any(|value| value == kind.values[*row]) && !by_app(*row))
            .collect();
        if let Some(values) = apart.series() {
            let who = writers(
                &rows.iter().map(|row| values[*row]).collect::<Vec<_>>(),
                &rows.iter().map(|row| self.sender[*row]).collect::<Vec<_>>(),
            );
            if let Some((chat, _)) = who.iter().find(|(_, (_, who))| who.len() > 2) {
                let note = format!("`{chat}` is said to be a chat of two, and more than two write in it");
                return Err(Ask { key: Key::RecvId, note, choices: Vec::new() });
            }
            if !determines(values, &kind.values) {
                let note =
                    "what parts the conversations has chats of two and groups under one name".to_owned();
                return Err(Ask { key: Key::GroupId, note, choices: apart.choices() });
            }
        }
        let (other, note) = self.other_end(apart, &rows)?;
        if groups.is_empty() {
            let single = Rule::Constant(1);
            return Ok(vec![
                (Key::SessionType, single, format!("all are chats of two: {}", list(direct))),
                (Key::RecvId, other, note),
            ]);
        }
        let singles = direct.iter().map(|value| (value.clone(), 1)).collect();
        let rule = Rule::Table(kind.of.clone(), singles, 3);
        let said = format!("chats of two: {}; groups: {}", list(direct), list(groups));
        let (group, group_note) = self.apart_or_receiver(apart)?;
        Ok(vec![
            (Key::SessionType, rule, said),
            (Key::GroupId, group, group_note),
            (Key::RecvId, other, note),
        ])
    }

    /// What names the groups; where nothing does, the other end of a group's message, if that is no writer.
    fn apart_or_receiver(&self, apart: &Apart<'t>) -> Result<(Rule, String), Ask> {
        if let Some(found) = apart.found() {
            return Ok(found);
        }
        if let Some(kind) = &self.kind {
            let people: HashSet<&str> = self.sender.iter().copied().collect();
            let of_group = |row: &usize| kind.kinds.groups.iter().any(|value| value == kind.values[*row]);
            let names_groups = |at: &usize| {
                let ends = self.table.series(*at);
                let mut groups = (0..ends.len()).filter(of_group).map(|row| ends[row]);
                groups.all(|group| !group.is_empty() && !people.contains(group))
            };
            if let Some(at) = ends::others(self.table, self.roles).into_iter().find(names_groups) {
                let column = &self.table.columns[at];
                let note = format!("the group, where it is a group's message: {}", examples(column));
                return Ok((plain(column), note));
            }
        }
        Err(self.ask_apart(apart))
    }

    fn ask_apart(&self, apart: &Apart<'t>) -> Ask {
        Ask { key: Key::GroupId, note: apart.question(&self.sender), choices: apart.choices() }
    }

    /// The other end of the chats of two in these rows.
    fn other_end(&self, apart: &Apart<'t>, rows: &[usize]) -> Result<(Rule, String), Ask> {
        if let (Some(receiver), Some(at)) = (&self.receiver, self.roles.receiver)
            && self.is_other_end(receiver, apart, rows)
        {
            let column = &self.table.columns[at];
            return Ok((plain(column), format!("the other of two: {}", examples(column))));
        }
        if let Some(ends) = self.ends(rows) {
            return Ok(ends);
        }
        let direct: HashSet<usize> = rows.iter().copied().collect();
        let all = self.roles.conversations.iter().copied().chain(0..self.table.columns.len());
        let found = self.roles.sender.and_then(|sender| {
            all.filter(|at| *at != sender)
                .find_map(|at| Some((at, pair(self.table, at, sender, &|row| direct.contains(&row))?)))
        });
        if let Some((at, between)) = found {
            let rule = Rule::Pair(Of::Column(self.table.columns[at].name.clone()), between);
            return Ok((rule, format!("both ends of a chat of two, with `{between}` between them")));
        }
        if let Some((name, between)) = self.pair_around(&direct) {
            let rule = Rule::Pair(Of::Inherited(name.to_owned()), between);
            return Ok((rule, format!("both ends of a chat of two, with `{between}` between them")));
        }
        let note = "nothing tells the other end of a chat of two. If the chat's id is made of both, write \
                    { column = …, pair = \"…\" } with what stands between them; if a column names it, that column; else a \
                    jq program with a table of the chats"
            .to_owned();
        Err(Ask { key: Key::RecvId, note, choices: Vec::new() })
    }

    /// The one of two columns that has not written.
    fn ends(&self, rows: &[usize]) -> Option<(Rule, String)> {
        let ends = ends::between(self.table, self.roles, &self.sender, rows)?;
        let [own, other] = ends.map(|at| self.table.columns[at].name.clone());
        let note = format!("of `{own}` and `{other}`, the two ends, the one that has not written");
        Some((Rule::Ends(own, other), note))
    }

    /// What is inherited and made of both ends.
    fn pair_around(&self, direct: &HashSet<usize>) -> Option<(&str, &'static str)> {
        let names = self.table.inherited.iter().map(|column| column.name.as_str());
        names.filter(|name| !matches!(*name, "@path" | "@file")).find_map(|name| {
            let values = self.table.series_around(name);
            let rows = direct.iter().map(|row| (values[*row], self.sender[*row])).collect::<Vec<_>>();
            Some((name, between(&rows)?))
        })
    }

    /// Whether this column has the other end in these rows: always somebody else, always the same two in a chat, and
    /// of the same kind as the writers.
    fn is_other_end(&self, receiver: &[&str], apart: &Apart<'t>, rows: &[usize]) -> bool {
        let people: HashSet<&str> = self.sender.iter().copied().collect();
        let ends = |row: usize| {
            let (a, b) = (self.sender[row], receiver[row]);
            (a.min(b), a.max(b))
        };
        let named = rows.iter().all(|row| {
            let to = receiver[*row];
            !to.is_empty() && to != self.sender[*row] && !names_several(to, &people)
        });
        let known = rows.iter().any(|row| people.contains(receiver[*row]));
        let alike = known || rows.len() < 2 || self.looks_like_writers(receiver, rows);
        let Some(values) = apart.series() else { return named && alike };
        let mut chats = HashMap::new();
        let mut pairs = HashMap::new();
        let one = rows.iter().all(|row| {
            *chats.entry(values[*row]).or_insert_with(|| ends(*row)) == ends(*row)
                && *pairs.entry(ends(*row)).or_insert(values[*row]) == values[*row]
        });
        named && alike && one
    }

    /// Whether they are written as the writers are: all numbers, or none.
    fn looks_like_writers(&self, receiver: &[&str], rows: &[usize]) -> bool {
        let number = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
        let address = |text: &&str| text.contains('@');
        let alike = |is: &dyn Fn(&&str) -> bool| {
            let (a, b) = (rows.iter().any(|r| is(&receiver[*r])), self.sender.iter().any(is));
            a == b
        };
        alike(&number) && alike(&address) && rows.iter().all(|row| !receiver[*row].contains(' '))
    }

    fn without_kind(&self, apart: &Apart<'t>) -> Result<Vec<Ruled>, Ask> {
        if let Some(at) = super::roles::unknown_kind(self.table) {
            let column = &self.table.columns[at];
            let note = format!(
                "`{}` says what each chat is, in words not known here ({}): write which are chats of two, as \
                 sessionType = {{ column = {}, table = {{ \"…\" = 1 }}, default = 3 }}",
                column.name,
                examples(column),
                plain(column)
            );
            return Err(Ask { key: Key::GroupId, note, choices: apart.choices() });
        }
        let all: Vec<usize> = (0..self.sender.len()).collect();
        if let Some((rule, note)) = self.ends(&all) {
            return Ok(vec![(Key::RecvId, rule, note)]);
        }
        if let Some(other) = self.other_of_two(apart) {
            let column = &self.table.columns[other];
            let note = format!(
                "`{}` names who is at the other end of a chat of two, as it seems ({}), and nothing says whose export it is \
                 in the same way as who wrote. With such a column: {{ column = [\"…\", {}], join = \" | \", pair = \" | \" }}",
                column.name,
                examples(column),
                string(&column.name)
            );
            return Err(Ask { key: Key::RecvId, note, choices: Vec::new() });
        }
        let Some(receiver) = &self.receiver else { return self.without_receiver(apart) };
        let at = self.roles.receiver.unwrap_or_default();
        let column = &self.table.columns[at];
        let filled: Vec<usize> = all.iter().copied().filter(|row| !receiver[*row].is_empty()).collect();
        if filled.is_empty() {
            return self.without_receiver(apart);
        }
        let direct = |note: String| vec![(Key::RecvId, plain(column), note)];
        // A column of groups that is empty where there is a receiver.
        if let Some(group) = self.groups_beside(receiver) {
            let group = &self.table.columns[group];
            return Ok(vec![
                (
                    Key::GroupId,
                    plain(group),
                    format!("where there is one, a group's message: {}", examples(group)),
                ),
                (Key::RecvId, plain(column), format!("elsewhere, the other of two: {}", examples(column))),
            ]);
        }
        if is_full(receiver) && filled.len() == all.len() {
            if !self.is_other_end(receiver, apart, &all) {
                let note = format!(
                    "`{}` names a receiver, and is not always the other of two: {}",
                    column.name,
                    examples(column)
                );
                return Err(Ask { key: Key::RecvId, note, choices: vec![plain(column)] });
            }
            if let Some(group) = self.crowd(receiver) {
                let note =
                    format!("several write to `{group}`, who never writes: a group, or somebody silent?");
                return Err(Ask { key: Key::RecvId, note, choices: vec![plain(column)] });
            }
            return Ok(direct(format!(
                "all are chats of two: {}; no column tells of groups",
                examples(column)
            )));
        }
        if self.is_other_end(receiver, apart, &filled)
            && let (Some((group, note)), Some(values)) = (apart.found(), apart.series())
        {
            let of_two: HashSet<&str> = filled.iter().map(|row| values[*row]).collect();
            if all.iter().all(|row| !receiver[*row].is_empty() || !of_two.contains(values[*row])) {
                let rule = Rule::Filled(column.name.clone());
                return Ok(vec![
                    (Key::SessionType, rule, "who has a receiver writes to one other".to_owned()),
                    (Key::GroupId, group, note),
                    (Key::RecvId, plain(column), format!("the other of two: {}", examples(column))),
                ]);
            }
        }
        let note = format!("`{}` names a receiver in some records only: {}", column.name, examples(column));
        Err(Ask { key: Key::RecvId, note, choices: vec![plain(column)] })
    }

    fn without_receiver(&self, apart: &Apart<'t>) -> Result<Vec<Ruled>, Ask> {
        let Some((rule, note)) = apart.found() else { return Err(self.ask_apart(apart)) };
        if let (Some(at), Some(sender)) = (apart.column(), self.roles.sender)
            && let Some(between) = pair(self.table, at, sender, &|_| true)
        {
            let column = &self.table.columns[at];
            let rule = Rule::Pair(Of::Column(column.name.clone()), between);
            return Ok(vec![(
                Key::RecvId,
                rule,
                format!("both ends of a chat of two: {}", examples(column)),
            )]);
        }
        if let Some(other) = self.looks_like_receiver(apart) {
            let column = &self.table.columns[other];
            let note = format!(
                "`{}` has the other end of some chats, as it seems: {}",
                column.name,
                examples(column)
            );
            return Err(Ask { key: Key::RecvId, note, choices: vec![plain(column)] });
        }
        if let Some(values) = apart.series() {
            let mut pairs: HashSet<&str> =
                values.iter().copied().filter(|value| is_direct_name(value)).collect();
            if !apart.answered {
                pairs.extend(self.named_after_a_writer(values));
            }
            let mixed = apart.column().is_some()
                && values.iter().zip(&self.sender).any(|(value, sender)| holds_sender(value, sender));
            if !pairs.is_empty() || mixed {
                let note = format!(
                    "some conversations look like chats of two ({}), and nothing says which are",
                    list(&pairs.iter().take(3).map(|s| (*s).to_owned()).collect::<Vec<_>>())
                );
                return Err(Ask { key: Key::GroupId, note, choices: vec![rule] });
            }
        }
        Ok(vec![(Key::GroupId, rule, note)])
    }

    /// A column without a telling name that behaves like the other end: people who write elsewhere, never the writer
    /// himself, the same two in a chat.
    fn looks_like_receiver(&self, apart: &Apart<'t>) -> Option<usize> {
        let people: HashSet<&str> = self.sender.iter().copied().filter(|who| !who.is_empty()).collect();
        (0..self.table.columns.len()).find(|at| {
            if Some(*at) == self.roles.sender || Some(*at) == self.roles.nickname {
                return false;
            }
            let values = self.table.series(*at);
            let filled: Vec<usize> = (0..values.len()).filter(|row| !values[*row].is_empty()).collect();
            let different: HashSet<&str> = filled.iter().map(|row| values[*row]).collect();
            different.len() >= 2
                && different.iter().all(|value| people.contains(value))
                && self.is_other_end(&values, apart, &filled)
        })
    }

    /// Conversations that are called as one of the two who write in them: as a phone calls a chat of two.
    fn named_after_a_writer(&self, values: &Series<'t>) -> Vec<&'t str> {
        let names = self.roles.nickname.map(|at| self.table.series(at));
        let by_name = names.iter().flat_map(|names| writers(values, names));
        let all = writers(values, &self.sender).into_iter().chain(by_name);
        all.filter(|(chat, (_, who))| who.len() == 2 && who.contains(chat)).map(|(chat, _)| chat).collect()
    }

    /// A column that calls itself the other end, where nothing that parts the conversations has more than two writers in
    /// any of them.
    fn other_of_two(&self, apart: &Apart<'t>) -> Option<usize> {
        let crowds = |other: &usize| {
            let values = apart.series().cloned().unwrap_or_else(|| self.table.series(*other));
            writers(&values, &self.sender).values().any(|(_, who)| who.len() > 2)
        };
        let all = ends::others(self.table, self.roles);
        all.into_iter().find(|other| self.roles.receiver != Some(*other) && !crowds(other))
    }

    /// Somebody to whom several write, and who never writes.
    fn crowd(&self, receiver: &[&'t str]) -> Option<&'t str> {
        let people: HashSet<&str> = self.sender.iter().copied().collect();
        let who = writers(receiver, &self.sender);
        who.into_iter().find(|(to, (_, who))| who.len() > 1 && !people.contains(to)).map(|(to, _)| to)
    }

    /// A column of groups that is filled just where the receiver is not.
    fn groups_beside(&self, receiver: &[&str]) -> Option<usize> {
        self.roles.conversations.iter().copied().find(|at| {
            let values = self.table.series(*at);
            values.iter().zip(receiver).all(|(group, to)| group.is_empty() != to.is_empty())
        })
    }
}

/// What says whether two people or a group talk: a column, or what encloses the records.
fn kind<'t>(table: &'t Table, roles: &Roles) -> Option<Kind<'t>> {
    if let Some(at) = roles.kind {
        let column = &table.columns[at];
        let kinds = Kinds::of(column)?;
        return Some(Kind { of: Of::Column(column.name.clone()), values: table.series(at), kinds });
    }
    table.inherited.iter().filter(|column| !column.name.starts_with('@')).find_map(|column| {
        let last = column.name.rsplit('.').next().unwrap_or_default();
        let named = last == "type" || last == "kind" || fits(last, Role::Kind) >= 60;
        let few = column.few.as_ref()?;
        let known = few.keys().all(|value| super::kinds::is_kind(value));
        let kinds = (named && known).then(|| Kinds::of(column)).flatten()?;
        let values = table.series_around(&column.name);
        is_full(&values).then(|| Kind { of: Of::Inherited(column.name.clone()), values, kinds })
    })
}

/// The values that say what a chat is.
struct Kinds {
    direct: Vec<String>,
    groups: Vec<String>,
}

impl Kinds {
    /// `None`: it says nothing about that.
    fn of(column: &Column) -> Option<Self> {
        let mut kinds = Self { direct: Vec::new(), groups: Vec::new() };
        let few = column.few.as_ref()?;
        // `private` is a group where there are direct chats or public ones as well, else it is a chat of two.
        let is = |wanted: &str| few.keys().any(|value| value.to_lowercase() == wanted);
        let private = if is("public") || few.keys().any(|value| kind_of(value) == Some(1)) { 3 } else { 1 };
        for value in few.keys() {
            match kind_of(value).or_else(|| (value.to_lowercase() == "private").then_some(private)) {
                Some(1) => kinds.direct.push(value.clone()),
                Some(_) => kinds.groups.push(value.clone()),
                None => return None,
            }
        }
        (!kinds.direct.is_empty() || !kinds.groups.is_empty()).then_some(kinds)
    }
}

/// The key under which the members of a list stand; empty: they are texts themselves.
fn members_key(lists: &[&str]) -> Option<String> {
    let first: Vec<serde_json::Value> = serde_json::from_str(lists.first()?).ok()?;
    match first.first()? {
        serde_json::Value::String(_) => Some(String::new()),
        serde_json::Value::Object(members) => ["id", "name", "user_id", "username"]
            .into_iter()
            .find(|key| members.contains_key(*key))
            .map(str::to_owned),
        _ => None,
    }
}

fn members_of(list: &str, key: &str) -> Vec<String> {
    let all: Vec<serde_json::Value> = serde_json::from_str(list).unwrap_or_default();
    let name = |member: &serde_json::Value| {
        let value = if key.is_empty() { Some(member) } else { member.get(key) };
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    all.iter().filter_map(name).collect()
}

/// What stands between the two ends in nearly all values, one of which is the sender.
fn pair(table: &Table, at: usize, sender: usize, only: &dyn Fn(usize) -> bool) -> Option<&'static str> {
    let rows: Vec<(&str, &str)> = table
        .sample
        .iter()
        .enumerate()
        .filter(|(n, _)| only(*n))
        .map(|(_, row)| (cell(row, at), cell(row, sender)))
        .collect();
    between(&rows)
}

/// The same of values with their senders.
fn between<'t>(rows: &[(&'t str, &'t str)]) -> Option<&'static str> {
    let rows: Vec<_> = rows.iter().filter(|(both, sender)| !both.is_empty() && !sender.is_empty()).collect();
    BETWEEN.into_iter().find(|between| {
        let other = |(both, sender): &(&'t str, &str)| -> Option<&'t str> {
            let rest = both.strip_prefix(sender).and_then(|rest| rest.strip_prefix(between));
            rest.or_else(|| both.strip_suffix(sender)?.strip_suffix(between))
                .filter(|other| !other.is_empty())
        };
        let others: Vec<&str> = rows.iter().filter_map(|row| other(row)).collect();
        // An address begins with a name as well: the other end is somebody who writes, in some chat at least.
        let known = || others.iter().any(|other| rows.iter().any(|(_, sender)| sender == other));
        !rows.is_empty() && others.len() * 20 >= rows.len() * 19 && known()
    })
}

/// Whether it is no one person: `bo; cy`, two addresses.
fn names_several(to: &str, people: &HashSet<&str>) -> bool {
    let parts = to.split([';', ',', '|', '、', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let (known, all) =
        parts.fold((0, 0), |(known, all), part| (known + u32::from(people.contains(part)), all + 1));
    all > 1 && (known > 0 || to.contains(';') || to.matches('@').count() > 1)
}

/// Whether a name is made of the sender and something else: `u1__u2`.
fn holds_sender(value: &str, sender: &str) -> bool {
    let behind = |rest: Option<&str>| {
        rest.is_some_and(|rest| {
            BETWEEN.iter().any(|between| rest.strip_prefix(between).is_some_and(|r| !r.is_empty()))
        })
    };
    let front = |rest: Option<&str>| {
        rest.is_some_and(|rest| {
            BETWEEN.iter().any(|between| rest.strip_suffix(between).is_some_and(|r| !r.is_empty()))
        })
    };
    !sender.is_empty() && (behind(value.strip_prefix(sender)) || front(value.strip_suffix(sender)))
}

/// What chats of two are called as a rule: `dm-17`, `direct:a`, `私聊`.
fn is_direct_name(value: &str) -> bool {
    let value = value.to_lowercase();
    [
        "dm-",
        "dm_",
        "dm:",
        "dm/",
        "direct-",
        "direct_",
        "direct:",
        "im-",
        "im_",
        "private-chat",
        "private_chat",
        "单聊",
        "私聊",
        "c2c",
        "si_",
    ]
    .iter()
    .any(|mark| value.starts_with(mark))
}

fn list(values: &[String]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}
