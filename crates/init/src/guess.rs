//! From the names and values of columns to a mapping, with a note on each guess. What can't be told is left
//! open and said.

mod apart;
mod chat;
mod ends;
mod files;
mod internal;
mod kinds;
mod outside;
mod reactions;
mod relate;
mod roles;
mod scope;
mod shown;
mod taken_back;
mod versions;

use crate::mapping::mojibake;
use crate::mapping::{Key, Mojibake};
use crate::numbers::plural;

use super::document::string;
use super::names::{Role, fits};
use super::rule::{Condition, Rule};
use super::table::Table;
use super::times::{Order, Written};
use super::values::Column;
use roles::Roles;

pub(crate) use kinds::is_by_app;
pub(crate) use reactions::speaks_of_it;

/// A mapping as far as it could be guessed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guess {
    /// Fields, in the order in which they are to be written.
    pub fields: Vec<Field>,
    /// Fields that every message needs and that could not be guessed, with what to do.
    pub open: Vec<Open>,
    /// Records to leave out.
    pub leave_out: Vec<LeaveOut>,
    /// Times say no zone: one must be set.
    pub needs_zone: bool,
    /// What becomes of UTF-8 read as Latin-1, with why; `None`: there is none, or it is asked.
    pub mojibake: Option<(Mojibake, String)>,
    /// What has to be decided and is no field.
    pub to_do: Vec<String>,
    /// Why ids have to be translated.
    pub translate: Option<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// Columns that no rule uses, each with examples.
    pub unused: Vec<String>,
}

/// A field and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The field.
    pub key: Key,
    /// The rule.
    pub rule: Rule,
    /// Why.
    pub note: String,
}

/// A field that could not be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The field.
    pub key: Key,
    /// What to do about it.
    pub note: String,
    /// Rules to choose from.
    pub choices: Vec<Rule>,
    /// Under each of them, a few messages as they would be.
    pub shown: Vec<Vec<String>>,
}

/// Records to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveOut {
    /// The column that decides.
    pub column: String,
    /// The condition.
    pub condition: Condition,
    /// Under which name they are counted.
    pub reason: &'static str,
    /// Why.
    pub note: String,
}

/// What the user has answered, by the name of a column or of something inherited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// What parts the conversations.
    pub conversation: Option<String>,
    /// Whether the words of HTML are taken, or it is sent as it stands.
    pub html: Option<bool>,
    /// What becomes of UTF-8 read as Latin-1.
    pub mojibake: Option<Mojibake>,
    /// In which encoding the files are.
    pub encoding: Option<String>,
}

/// Guesses a mapping.
pub fn guess(table: &Table, answers: &Answers) -> Guess {
    let roles = Roles::find(table);
    let mut guess = Guess::default();
    let columns = &table.columns;
    if let Some(id) = roles.id {
        guess.field(Key::Id, plain(&columns[id]), "tells messages apart in later passes".to_owned());
    }
    sender(table, &roles, &mut guess);
    chat::conversation(table, &roles, answers, &mut guess);
    time(table, &roles, &mut guess);
    let has_files = files::attachments(table, &roles, &mut guess);
    text(table, &roles, (answers, has_files), &mut guess);
    misread(table, answers, &mut guess);
    kinds::message_types(table, &roles, has_files, &mut guess);
    roles.sender.into_iter().for_each(|at| kinds::by_the_app(&columns[at], &mut guess));
    reactions::reactions(table, roles.text, &mut guess);
    taken_back::taken_back(table, &mut guess);
    taken_back::never_sent(table, &mut guess);
    internal::internal(table, &mut guess);
    versions::versions(table, &roles, &mut guess);
    versions::edits(table, &roles, &mut guess);
    if let Some(platform) = roles.platform {
        kinds::platform(&columns[platform], &mut guess);
    }
    if let Some(quote) = roles.quote {
        let note = format!("the message that is answered: {}", examples(&columns[quote]));
        guess.field(Key::Quote, plain(&columns[quote]), note);
    }
    for at in &roles.by_values {
        let name = columns[*at].name.as_str();
        for field in guess.fields.iter_mut().filter(|field| field.rule.column() == Some(name)) {
            field.note.push_str(" (guessed from the values alone)");
        }
    }
    for Open { key, choices, shown, .. } in &mut guess.open {
        *shown = choices.iter().map(|rule| shown::messages(table, &roles, *key, rule)).collect();
    }
    translate(table, &roles, &mut guess);
    let used = |column: &Column| {
        let reads = |rule: &Rule| rule.reads(&column.name);
        guess.fields.iter().any(|field| reads(&field.rule))
            || guess.open.iter().any(|open| open.choices.iter().any(reads))
            || guess.leave_out.iter().any(|rule| rule.column == column.name)
    };
    guess.unused = columns
        .iter()
        .filter(|column| column.filled > 0 && !used(column))
        .map(|column| format!("{}: {}", string(&column.name), examples(column)))
        .collect();
    for column in columns.iter().filter(|column| column.rounded() > 0) {
        guess.notes.push(format!(
            "`{}` has {} such as `{}`: a spreadsheet has rounded and lost digits; export again",
            column.name,
            plural(column.rounded(), "value", "values"),
            column.examples.first().map_or("", String::as_str),
        ));
    }
    guess
}

fn sender(table: &Table, roles: &Roles, guess: &mut Guess) {
    let columns = &table.columns;
    let Some(sender) = roles.sender else {
        if guess.doubt(table, roles, Key::SendId) {
            return;
        }
        let note = match roles.mine {
            Some(mine) => format!(
                "no column names the writer; `{}` says whether it was the maker of the export. Write a jq \
                 program: see “Your own export” in docs/formats.md",
                columns[mine].name
            ),
            None => match constant_writer(table) {
                Some(column) => {
                    let note = format!(
                        "`{}` is {} in all records: take it if one person wrote all of them; whose export it is would be \
                         called so too",
                        column.name,
                        examples(column)
                    );
                    return guess.open(Key::SendId, note, vec![plain(column)]);
                }
                None => "no column looks like the writer of a message".to_owned(),
            },
        };
        guess.open(Key::SendId, note, Vec::new());
        return;
    };
    let column = &columns[sender];
    guess.field(Key::SendId, plain(column), format!("{}: {}", different(column, "user"), examples(column)));
    if let Some(nickname) = roles.nickname {
        guess.field(Key::SenderNickname, plain(&columns[nickname]), examples(&columns[nickname]));
    } else if column.illegal() > 0 && !column.examples.iter().any(|example| example.contains('@')) {
        guess.field(Key::SenderNickname, plain(column), "the names that the ids are made of".to_owned());
    }
    if let Some(face) = roles.face_url {
        guess.field(Key::SenderFaceUrl, plain(&columns[face]), examples(&columns[face]));
    }
}

fn time(table: &Table, roles: &Roles, guess: &mut Guess) {
    let Some(time) = roles.time else {
        if guess.doubt(table, roles, Key::SendTime) {
            return;
        }
        guess.open(Key::SendTime, "no column looks like the time of a message".to_owned(), Vec::new());
        return;
    };
    let column = &table.columns[time];
    let Some(written) = column.times.written() else { return };
    let rule = |time: &str| Rule::Time(column.name.clone(), time.to_owned());
    let shown = examples(column);
    let (how, note, zoned) = match written {
        Written::In(unit) => (unit.name().to_owned(), format!("{} since 1970: {shown}", unit.words()), true),
        Written::Rfc3339 { zoned } => ("rfc3339".to_owned(), shown, zoned),
        Written::Pattern { pattern, zoned, order: Order::Plain } => (pattern, shown, zoned),
        Written::Pattern { pattern, zoned, order: Order::Seen(n) } => {
            let first = if pattern.find("%d") < pattern.find("%m") { "day" } else { "month" };
            (
                pattern,
                format!(
                    "{shown}; the {first} comes first: {} above 12 there",
                    plural(n, "value is", "values are")
                ),
                zoned,
            )
        }
        Written::DayOrMonthFirst { day, month, zoned } => {
            guess.needs_zone |= !zoned;
            let note = format!(
                "{shown}: no value tells whether the day or the month comes first. Choose; nothing is guessed here"
            );
            guess.open(Key::SendTime, note, vec![rule(&day), rule(&month)]);
            return;
        }
    };
    guess.needs_zone |= !zoned;
    guess.field(Key::SendTime, rule(&how), note);
}

fn text(table: &Table, roles: &Roles, (answers, has_files): (&Answers, bool), guess: &mut Guess) {
    let Some(text) = roles.text else {
        if guess.doubt(table, roles, Key::Text) {
            return;
        }
        guess.open(Key::Text, "no column looks like the words of a message".to_owned(), Vec::new());
        return;
    };
    let column = &table.columns[text];
    let mut note = format!("{} characters on average", column.average());
    if column.has_lines() {
        note.push_str(", some over several lines");
    }
    let (html, seen) = column.html();
    match answers.html {
        _ if html == 0 => guess.field(Key::Text, plain(column), note),
        Some(words) => guess.field(Key::Text, Rule::Html(column.name.clone(), words), note),
        None => {
            let note = format!(
                "`{}` has HTML in {html} of {seen} records: `html = true` takes its words and keeps links (--html text), \
                 `false` sends it as it stands (--html keep)",
                column.name
            );
            guess.open(
                Key::Text,
                note,
                [true, false].map(|words| Rule::Html(column.name.clone(), words)).into(),
            );
        }
    }
    let empty = table.records.saturating_sub(column.filled);
    // What has files instead of words is a message, and what has neither is left out by itself.
    if empty > 0 && !has_files {
        guess.leave_out.push(LeaveOut {
            column: column.name.clone(),
            condition: Condition::Empty,
            reason: "no-text",
            note: format!(
                "{} without words in `{}`; if they were not left out they would be errors",
                records(empty),
                column.name
            ),
        });
    }
    if column.is_json() {
        guess.notes.push(format!(
            "`{}` holds JSON, which would be sent as it stands; with a jq program it can be taken apart (`fromjson`)",
            column.name
        ));
    }
}

/// A column that is called as the writer is, and the same everywhere.
fn constant_writer(table: &Table) -> Option<&Column> {
    let called = |column: &&Column| column.is_constant() && fits(&column.name, Role::Sender) >= 90;
    table.columns.iter().find(called)
}

/// UTF-8 that was read as Latin-1 when the export was made. Where everything with such characters is so, it is clear.
fn misread(table: &Table, answers: &Answers, guess: &mut Guess) {
    let columns = || table.columns.iter().chain(&table.inherited);
    let (wrong, right) = columns().map(Column::misread).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    if wrong == 0 {
        return;
    }
    let example = columns().flat_map(|column| &column.examples).find_map(|example| {
        let meant = mojibake::meant(example)?;
        let (word, meant) = mojibake::first_word(example, &meant);
        Some(format!(", such as `{}` for `{}`", short(word), short(&meant)))
    });
    let values = plural(wrong, "value looks", "values look");
    let note = format!("{values} like UTF-8 that was read as Latin-1{}", example.unwrap_or_default());
    match answers.mojibake.or((right == 0).then_some(Mojibake::Repair)) {
        Some(chosen) => guess.mojibake = Some((chosen, note)),
        None => guess.to_do.push(format!(
            "mojibake in [mapping]: {note}, and {} right: \"repair\" mends those that can have been meant otherwise, \
             \"keep\" sends all as they stand (--mojibake)",
            plural(right, "is", "are")
        )),
    }
}

/// Ids that OpenIM can't take have to become others.
fn translate(table: &Table, roles: &Roles, guess: &mut Guess) {
    let odd = [roles.sender, roles.receiver].into_iter().flatten().map(|at| &table.columns[at]);
    if let Some(column) = odd.filter(|column| column.illegal() > 0).max_by_key(|column| column.illegal()) {
        guess.translate = Some(format!(
            "ids such as {} can't be OpenIM's, which are letters, digits and `_`",
            examples(column)
        ));
    }
}

impl Guess {
    fn field(&mut self, key: Key, rule: Rule, note: String) {
        self.fields.push(Field { key, rule, note });
    }

    /// Asks, where several columns could be this; says whether it is so.
    fn doubt(&mut self, table: &Table, roles: &Roles, key: Key) -> bool {
        let Some(doubt) = roles.doubts.iter().find(|doubt| doubt.key == key) else { return false };
        let columns = || doubt.choices.iter().map(|at| &table.columns[*at]);
        let shown: Vec<String> =
            columns().map(|column| format!("`{}` has {}", column.name, examples(column))).collect();
        let choices = columns().map(|column| choice(column, key)).collect();
        self.open(key, format!("{}: {}", doubt.note, shown.join("; ")), choices);
        true
    }

    fn open(&mut self, key: Key, note: String, choices: Vec<Rule>) {
        self.open.push(Open { key, note, choices, shown: Vec::new() });
    }
}

/// A column as the rule of a field.
fn choice(column: &Column, key: Key) -> Rule {
    let Some(how) = column.times.written().map(Written::how) else { return plain(column) };
    if key == Key::SendTime { Rule::Time(column.name.clone(), how) } else { plain(column) }
}

/// A column as a rule.
fn plain(column: &Column) -> Rule {
    Rule::of_column(&column.name)
}

fn examples(column: &Column) -> String {
    let shown: Vec<String> = column.examples.iter().map(|example| format!("`{}`", short(example))).collect();
    shown.join(", ")
}

fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST).chain(['…']).collect()
    }
}

/// `1 record`, `17 records`.
fn records(n: u64) -> String {
    plural(n, "record", "records")
}

/// `17 users`.
fn different(column: &Column, what: &str) -> String {
    match column.different() {
        Some(n) => plural(n as u64, what, &format!("{what}s")),
        None => format!("very many {what}s"),
    }
}

#[cfg(test)]
mod tests;
