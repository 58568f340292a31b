//! What parts the conversations: a column that calls itself so and parts what files, folders and enclosing lists part.
//! Else nothing is chosen, and each choice is shown with the conversations that it would make.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::kinds::is_common_word;
use super::outside;
use super::relate::{Series, determines, distinct, is_full, repeats, same, writers};
use super::roles::Roles;
use super::scope;
use super::{Answers, different, examples, plain};
use crate::names::{Role, fits, is_of_other};
use crate::rule::{Of, Rule};
use crate::table::Table;

/// What parts the conversations, or what could.
pub(super) struct Apart<'t> {
    found: Option<Choice<'t>>,
    choices: Vec<Choice<'t>>,
    members: Option<String>,
    why: String,
    /// Somebody has said what parts them.
    pub(super) answered: bool,
    /// So many records were looked at, where there are more.
    sampled: Option<usize>,
}

struct Choice<'t> {
    column: Option<usize>,
    rule: Rule,
    note: String,
    values: Series<'t>,
}

impl<'t> Apart<'t> {
    /// The rule, with why.
    pub(super) fn found(&self) -> Option<(Rule, String)> {
        self.found.as_ref().map(|choice| (choice.rule.clone(), choice.note.clone()))
    }

    pub(super) fn column(&self) -> Option<usize> {
        self.found.as_ref().and_then(|choice| choice.column)
    }

    pub(super) fn series(&self) -> Option<&Series<'t>> {
        self.found.as_ref().map(|choice| &choice.values)
    }

    /// What is inherited and lists who takes part.
    pub(super) fn members(&self) -> Option<&str> {
        self.members.as_deref()
    }

    /// Rules to choose from.
    pub(super) fn choices(&self) -> Vec<Rule> {
        self.choices.iter().map(|choice| choice.rule.clone()).collect()
    }

    /// Why it is asked, and which conversations each choice would make.
    pub(super) fn question(&self, sender: &[&str]) -> String {
        let mut out = self.why.clone();
        let sampled = self.sampled.map_or_else(String::new, |n| {
            format!(" in {} of all", crate::numbers::plural(n as u64, "record", "records"))
        });
        for choice in &self.choices {
            let made = writers(&choice.values, sender);
            let mut by_size: Vec<_> = made.iter().collect();
            by_size.sort_by_key(|(name, (count, _))| (std::cmp::Reverse(*count), **name));
            let largest = by_size.first().map(|(name, (count, who))| {
                let mut who: Vec<&str> = who.iter().copied().collect();
                who.sort_unstable();
                let shown: Vec<String> =
                    who.iter().take(4).map(|w| format!("`{}`", super::short(w))).collect();
                let more = if who.len() > 4 { format!(" and {} more", who.len() - 4) } else { String::new() };
                format!(
                    "the largest `{}` with {} of {}{more}",
                    super::short(name),
                    crate::numbers::plural(*count as u64, "message", "messages"),
                    shown.join(", ")
                )
            });
            // Writing to a String cannot fail.
            let _infallible = write!(
                out,
                "; {}: {}{sampled}{}",
                choice.note,
                crate::numbers::plural(made.len() as u64, "conversation", "conversations"),
                largest.map(|largest| format!(", {largest}")).unwrap_or_default()
            );
        }
        out
    }
}

/// What encloses the records on the way to them calls itself so.
const ROOMS: &str = "channel channels room rooms chat chats conversation conversations thread threads dialog dialogs group \
     groups dm dms talks 群 会话";

/// What is inherited and lists who takes part.
fn members(table: &Table) -> Option<String> {
    let found = table.inherited.iter().find(|column| {
        let last = column.name.rsplit('.').next().unwrap_or_default();
        let called = crate::names::words(last).concat();
        MEMBERS.split_whitespace().any(|name| name == called) && column.is_json()
    });
    found.map(|column| column.name.clone())
}

/// What a list of those who take part is called.
const MEMBERS: &str =
    "participants members memberids participantids users userids people uids accounts usernames 成员 参与者";

pub(super) fn apart<'t>(table: &'t Table, roles: &Roles, answers: &Answers) -> Apart<'t> {
    let column = |at: usize| {
        let column = &table.columns[at];
        let name = fits(&column.name, Role::Group) < 60;
        let names = if name { "; names stand for ids" } else { "" };
        Choice {
            column: Some(at),
            rule: plain(column),
            note: format!(
                "`{}`, {}: {}{names}",
                column.name,
                different(column, "conversation"),
                examples(column)
            ),
            values: table.series(at),
        }
    };
    let inherited = |name: &str, note: String| Choice {
        column: None,
        rule: Rule::Value(Of::Inherited(name.to_owned())),
        note,
        values: table.series_around(name),
    };
    let mut apart = Apart {
        found: None,
        choices: Vec::new(),
        members: members(table),
        why: "no column says plainly what parts the conversations".to_owned(),
        answered: answers.conversation.is_some(),
        sampled: Some(table.sample.len()).filter(|looked_at| (*looked_at as u64) < table.records),
    };
    if let Some(given) = &answers.conversation {
        let note = "chosen with --conversation-from".to_owned();
        apart.found = match table.columns.iter().position(|column| column.name == *given) {
            Some(at) => Some(Choice { note, ..column(at) }),
            None => {
                table.inherited.iter().any(|column| column.name == *given).then(|| inherited(given, note))
            }
        };
        return apart;
    }
    let units = Units::of(table);
    let plausible: Vec<usize> =
        roles.conversations.iter().copied().filter(|at| is_plausible(table, roles, *at)).collect();
    let good = parting(table, roles, &units, &plausible);
    if let Some(finest) = good.first().copied() {
        let shown = table.series(finest);
        let around = scope::around(table, roles, finest);
        if around.is_none() && good.iter().all(|at| determines(&shown, &table.series(*at))) {
            apart.found = Some(column(finest));
            return apart;
        }
        apart.why = match around {
            Some(around) => {
                let [around, rooms] = [around, finest].map(|at| &table.columns[at].name);
                format!(
                    "the same `{rooms}` stands under more than one `{around}`: if these are different conversations, \
                     `groupID = {{ column = [\"{around}\", \"{rooms}\"] }}` parts them"
                )
            }
            None => "several columns could part the conversations, and they do it differently".to_owned(),
        };
    }
    if good.is_empty()
        && plausible.is_empty()
        && let Some(name) = units.plain_enclosing(table)
    {
        let column = table.inherited.iter().find(|column| column.name == name);
        let shown = column.map(examples).unwrap_or_default();
        apart.found = Some(inherited(&name, format!("of what encloses the records: {shown}")));
        return apart;
    }
    if plausible.is_empty()
        && let Some((name, by)) = units.outside()
    {
        let values = table.series_around(name);
        if outside::is_clear(table, roles, &values) {
            let note = format!("{by}: the conversations run side by side, and nothing parts them further");
            apart.found = Some(inherited(name, note));
            return apart;
        }
    }
    apart.choices = plausible.iter().map(|at| column(*at)).collect();
    for name in units.enclosing(table) {
        apart.choices.push(inherited(&name, format!("`{name}` of what encloses the records")));
    }
    if units.folders {
        apart.choices.push(inherited("@folder", "by the folder".to_owned()));
    }
    if !(units.folders && units.parts) {
        apart.choices.push(inherited("@stem", "by the file's name".to_owned()));
    }
    if let Some(constant) = roles.conversations.iter().find(|at| table.columns[**at].is_constant()) {
        let name = &table.columns[*constant].name;
        let _infallible = write!(apart.why, " (`{name}` is the same everywhere)");
    }
    apart
}

/// The columns that part what files, folders and enclosing lists part, the finest first.
fn parting(table: &Table, roles: &Roles, units: &Units<'_>, plausible: &[usize]) -> Vec<usize> {
    let mut good: Vec<usize> =
        plausible.iter().copied().filter(|at| !units.cross(&table.series(*at))).collect();
    // What follows from the writer is his role, not his conversation, where there is anything else.
    let sender = roles.sender.map(|at| table.series(at)).unwrap_or_default();
    let of_writer = |at: &usize| repeats(&sender) >= 2 && determines(&sender, &table.series(*at));
    let free: Vec<usize> = good.iter().copied().filter(|at| !of_writer(at)).collect();
    if free.is_empty() {
        let role_like = |at: &usize| {
            let values = table.series(*at);
            let name = table.columns[*at].name.to_lowercase();
            distinct(&values) > 1
                && distinct(&values) < distinct(&sender)
                && ["group", "team", "role", "groupe", "grupo", "gruppe"].contains(&&*name)
        };
        good.retain(|at| !role_like(at));
    } else {
        good = free;
    }
    // The constant stands for the conversation only where nothing else could.
    if good.iter().any(|at| distinct(&table.series(*at)) > 1) {
        good.retain(|at| distinct(&table.series(*at)) > 1);
    } else if units.several() {
        good.clear();
    }
    good.sort_by_key(|at| {
        let column = &table.columns[*at];
        let fit = fits(&column.name, Role::Group);
        (std::cmp::Reverse(distinct(&table.series(*at))), column.illegal() > 0, std::cmp::Reverse(fit), *at)
    });
    good
}

/// Whether a column can name conversations at all.
fn is_plausible(table: &Table, roles: &Roles, at: usize) -> bool {
    let column = &table.columns[at];
    let values = table.series(at);
    let one_line = !column.has_lines() && !column.is_links() && !column.is_json();
    let common = column.few.as_ref().is_some_and(|few| few.keys().all(|value| is_common_word(value)));
    let truth = column.few.as_ref().is_some_and(|few| {
        few.len() <= 2
            && few
                .keys()
                .all(|value| matches!(value.to_lowercase().as_str(), "true" | "false" | "0" | "yes" | "no"))
    });
    let sender = roles.sender.map(|sender| table.series(sender)).unwrap_or_default();
    one_line
        && column.times.written().is_none_or(|_| column.is_numbers())
        && column.longest <= 256
        && column.average() <= 80
        && !column.name.contains('[')
        && !is_of_other(&column.name)
        && is_full(&values)
        && !common
        && !truth
        && (values.len() < 10 || distinct(&values) * 10 <= values.len() * 6)
        && (distinct(&values) < 2 || !same(&values, &sender))
}

/// What parts the records outside of them: files, folders, enclosing lists.
struct Units<'t> {
    folder: Series<'t>,
    path: Series<'t>,
    files: bool,
    folders: bool,
    /// The files of a folder are parts of it: they are called by numbers, dates, or the same in several folders.
    parts: bool,
    enclosing: Vec<(String, Series<'t>)>,
}

impl<'t> Units<'t> {
    fn of(table: &'t Table) -> Self {
        let folder = table.series_around("@folder");
        let path = table.series_around("@path");
        let stems = table.series_around("@stem");
        let enclosing = table
            .inherited
            .iter()
            .filter(|column| !column.name.starts_with('@') && is_key(&column.name) && !column.is_json())
            .map(|column| (column.name.clone(), table.series_around(&column.name)))
            .filter(|(_, values)| is_full(values))
            .collect();
        let files = distinct(&path) > 1;
        let parts = files && (are_parts(&stems) || distinct(&stems) < distinct(&path));
        Self { files, folders: distinct(&folder) > 1, parts, folder, path, enclosing }
    }

    /// Whether something outside of the records parts them.
    fn several(&self) -> bool {
        self.files || self.enclosing.iter().any(|(_, values)| distinct(values) > 1)
    }

    /// Whose name could be that of a conversation: the folder, where its files are parts of it; else the file, where all
    /// are in one folder.
    fn outside(&self) -> Option<(&'static str, &'static str)> {
        match (self.enclosing.iter().any(|(_, values)| distinct(values) > 1), self.folders, self.parts) {
            (false, true, true) => Some(("@folder", "by the folder")),
            (false, false, false) if self.files => Some(("@stem", "by the file's name")),
            _ => None,
        }
    }

    /// Whether these values join what is parted outside.
    fn cross(&self, values: &[&str]) -> bool {
        let lists = self
            .enclosing
            .iter()
            .any(|(name, around)| is_plain(name) && distinct(around) > 1 && !determines(values, around));
        let folders = self.folders && !determines(values, &self.folder) && !are_dates(&self.folder);
        let files = self.files && !self.parts && !determines(values, &self.path);
        lists || folders || files
    }

    /// What encloses the records, calls itself a room and differs from one to the next.
    fn plain_enclosing(&self, table: &Table) -> Option<String> {
        let rooms = || self.enclosing.iter().filter(|(name, _)| is_plain(name) && name.contains(['[', '*']));
        if let Some((name, values)) = rooms()
            .filter(|(name, values)| !self.joins(values) && !self.again(name, values))
            .max_by_key(|(name, values)| (distinct(values), name.rsplit('.').next() == Some("id")))
        {
            // Threads of a channel: either could be what people see as one.
            let held = |name: &str| name.rsplit_once(['.', '*']).map_or(0, |(held, _)| held.len());
            let in_others = rooms().any(|(outer, around)| {
                held(outer) < held(name) && distinct(around) > 1 && !same(around, values)
            });
            return (!in_others).then(|| name.clone());
        }
        // A document a chat, which says its name: as its file or folder does.
        let outside =
            |values: &[&str]| same(values, &self.path) || (self.parts && same(values, &self.folder));
        self.enclosing
            .iter()
            .filter(|(name, values)| {
                let fit = fits(name, Role::Group).max(fits(name, Role::Conversation));
                fit >= 60 && self.files && outside(values)
            })
            .map(|(name, _)| name.clone())
            .find(|name| table.inherited.iter().any(|column| column.name == *name))
    }

    /// Whether a room of this name stands again in another of the lists or keys around it: `general` of two workspaces.
    fn again(&self, name: &str, values: &[&str]) -> bool {
        self.enclosing.iter().any(|(outer, around)| {
            let held = if outer.ends_with('*') {
                outer
            } else {
                outer.rsplit_once('.').map_or("", |(held, _)| held)
            };
            // Below it: a list, keys, or one key that all of them have.
            let further_out = held.ends_with([']', '*'])
                && name.strip_prefix(held).is_some_and(|rest| rest.matches('.').count() > 1);
            further_out && !are_dates(around) && !determines(values, around)
        })
    }

    fn joins(&self, values: &[&str]) -> bool {
        self.files && !self.parts && !determines(values, &self.path)
    }

    fn enclosing(&self, _: &Table) -> Vec<String> {
        self.enclosing
            .iter()
            .filter(|(_, values)| distinct(values) > 1)
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// Whether the name of something inherited is one of an id or a name.
fn is_key(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    matches!(last.as_str(), "id" | "_id" | "*" | "name" | "key" | "title" | "slug" | "uid" | "uuid")
        || fits(name, Role::Group).max(fits(name, Role::Conversation)) >= 60
}

/// Whether what it stands in is called a room.
fn is_plain(name: &str) -> bool {
    let known: HashSet<&str> = ROOMS.split_whitespace().collect();
    name.to_lowercase().split(['.', '[', ']', '_']).any(|step| known.contains(step))
}

/// Names that go on with numbers or are dates: parts of one export, not chats.
fn are_parts(names: &[&str]) -> bool {
    let all: HashSet<&str> = names.iter().copied().collect();
    let bare = |name: &&str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let skeletons: HashSet<String> = all.iter().map(bare).collect();
    let digits = all.iter().all(|name| name.contains(|c: char| c.is_ascii_digit()));
    let part = |skeleton: &String| {
        let word = skeleton.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        word.is_empty() || PARTS.split_whitespace().any(|part| word == part)
    };
    digits && skeletons.len() == 1 && skeletons.iter().all(part)
}

const PARTS: &str = "message messages msg msgs part parts export data all dump chunk page history archive backup log logs \
     chat_messages file out batch year month day 聊天记录 消息 导出";

fn are_dates(names: &[&str]) -> bool {
    names.iter().all(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '/'))
    })
}
