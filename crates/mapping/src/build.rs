//! From the settings to a mapper, checked against how the first source begins.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attach::Files;
use super::columns::Fields;
use super::draft::Key;
use super::error::MappingError;
use super::filters::Filters;
use super::jq::Program;
use super::native::{Sieved, WithFiles};
use super::object::members;
use super::pick::{Picks, Wanted};
use super::program::ByProgram;
use super::records::{Record, each};
use super::rule::Recipe;
use super::settings::Settings;
use super::sieve::Sieve;
use super::{Mapper, Sink};
use crate::export::json::first_keys;
use crate::export::{Chunk, Head, Table};
use crate::finding::Finding;
use crate::message::{Message, Place};

/// The mapper that the settings describe. `head` is how the first source begins: what the settings name must
/// be there. `files` makes messages of the files of records.
///
/// # Errors
/// Rules that can't be, columns that the first source lacks, records that need a mapping and have none.
pub fn build(
    settings: &Settings,
    head: Option<&Head>,
    files: Arc<dyn Files>,
) -> Result<Box<dyn Mapper>, MappingError> {
    let mut picks = Picks::default();
    let filters = Filters::new(&settings.leave_out, &mut picks)?;
    let mojibake = settings.mojibake;
    if mojibake.is_some() && settings.fields.is_empty() {
        return Err(bad("mojibake", "it is for what `fields` reads; a jq program mends texts itself"));
    }
    if let Some(jq) = &settings.jq {
        if !settings.fields.is_empty() {
            return Err(bad("jq", "it makes whole messages: take either `jq` or `fields`"));
        }
        if settings.zone.is_some() {
            return Err(bad("zone", "a jq program makes the times itself, so it has no effect beside `jq`"));
        }
        let program = Program::new("jq", jq)?;
        let sieve = Sieve { filters, picks, mojibake };
        picks_exist(settings, &sieve.picks, &[], head)?;
        return Ok(Box::new(ByProgram { program, sieve, files }));
    }
    if settings.fields.is_empty() {
        if settings.zone.is_some() {
            return Err(bad("zone", "times of the native format are milliseconds and have none"));
        }
        native_fits(head)?;
        if settings.leave_out.is_empty() {
            return Ok(Box::new(WithFiles(files)));
        }
        let sieve = Sieve { filters, picks, mojibake };
        picks_exist(settings, &sieve.picks, &[], head)?;
        return Ok(Box::new(Sieved(sieve, files)));
    }
    let mut recipes = settings
        .fields
        .iter()
        .map(|(key, rule)| Recipe::new(*key, rule, settings, &mut picks))
        .collect::<Result<Vec<_>, _>>()?;
    Fields::arrange(&mut recipes);
    let has = |keys: &[Key]| keys.iter().any(|key| settings.fields.contains_key(key));
    let words = &[Key::Content, Key::Text, Key::Attachments];
    for needed in [&[Key::SendId][..], &[Key::SendTime], &[Key::RecvId, Key::GroupId], words] {
        if !has(needed) {
            let names: Vec<_> = needed.iter().map(|key| format!("`{}`", key.name())).collect();
            let missing = names.join(" or ");
            let why = format!(
                "{missing} is missing; where `init` could not decide, what could be it stands there as a comment"
            );
            return Err(bad("fields", &why));
        }
    }
    if !picks.all().iter().any(|wanted| matches!(wanted, Wanted::Column(_))) {
        return Err(bad("fields", "no field comes from a `column`: every record would be the same message"));
    }
    picks_exist(settings, &picks, &recipes, head)?;
    Ok(Box::new(Fields { recipes, sieve: Sieve { filters, picks, mojibake }, files }))
}

fn bad(key: &str, why: &str) -> MappingError {
    MappingError::BadRule { key: key.to_owned(), why: why.to_owned() }
}

/// What the mapping picks must be in the first source, as far as that can be told: columns of a CSV, once
/// each, and what paths and folders say.
fn picks_exist(
    settings: &Settings,
    picks: &Picks,
    recipes: &[Recipe],
    head: Option<&Head>,
) -> Result<(), MappingError> {
    let Some((head, context)) = head.and_then(|h| Some((h, &h.chunk.as_ref()?.context))) else {
        return Ok(());
    };
    let key = |wanted: &Wanted| {
        let field = recipes.iter().find(|recipe| recipe.wants(picks).contains(&wanted));
        let rule = settings.leave_out.iter().position(|rule| match wanted {
            Wanted::Column(column) => rule.column.as_ref() == Some(column),
            Wanted::Inherited(name) => rule.inherited.as_ref() == Some(name),
        });
        match (field, rule) {
            (Some(recipe), _) => format!("fields.{}", recipe.key.name()),
            (None, n) => format!("leave_out[{}]", n.unwrap_or_default()),
        }
    };
    for wanted in picks.all() {
        match (wanted, &context.table) {
            (Wanted::Column(column), Some(table)) => {
                match table.columns.iter().filter(|c| *c == column).count() {
                    0 => {
                        return Err(MappingError::UnknownColumn {
                            key: key(wanted),
                            column: column.clone(),
                            path: head.path.clone(),
                            columns: names(&table.columns),
                        });
                    }
                    1 => {}
                    n => {
                        let why = format!("`{}` has {n} columns called `{column}`", head.path);
                        return Err(MappingError::BadRule { key: key(wanted), why });
                    }
                }
            }
            (Wanted::Inherited(name), _) if name.starts_with('@') && context.value(name).is_none() => {
                let there: Vec<String> = context.values.iter().map(|(name, _)| name.clone()).collect();
                let why = format!("nothing called `{name}` is inherited; there is {}", names(&there));
                return Err(MappingError::BadRule { key: key(wanted), why });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Without a mapping, the first source must look like the native format: a file of something else would give
/// one error a record.
fn native_fits(head: Option<&Head>) -> Result<(), MappingError> {
    let Some(head) = head else { return Ok(()) };
    let seen: BTreeSet<String> = match head.table() {
        Some(Table { columns, .. }) => columns.iter().cloned().collect(),
        None => match head.chunk.as_ref().map(keys).unwrap_or_default() {
            // A record longer than what was looked at, or a document that is no record at all.
            none if none.is_empty() => first_keys(&head.text).into_iter().collect(),
            keys => keys,
        },
    };
    if seen.is_empty() {
        // Nothing, or nothing that can be read: findings will say what it is.
        return Ok(());
    }
    let has = |key: Key| seen.iter().any(|name| Key::by_name(name) == Some(key));
    let missing: Vec<&str> = [
        (has(Key::SendId), "`sendID`"),
        (has(Key::SendTime), "`sendTime`"),
        (has(Key::RecvId) || has(Key::GroupId), "`recvID` or `groupID`"),
        (has(Key::Content) || has(Key::Text) || has(Key::Attachments), "`content` or `text`"),
    ]
    .into_iter()
    .filter_map(|(has, name)| (!has).then_some(name))
    .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let columns: Vec<String> = seen.into_iter().collect();
    let seen = match head.table() {
        Some(_) => format!("the columns {}", names(&columns)),
        None => format!("the keys {}", names(&columns)),
    };
    // No column is called `1700000000000`.
    let is_row = head.table().is_some() && columns.iter().any(|name| name.parse::<f64>().is_ok());
    let first_row = if is_row {
        "; its first line looks like a message, not a header: set `header = false` in [export.csv]"
    } else {
        ""
    };
    Err(MappingError::NotNative { path: head.path.clone(), missing: missing.join(", "), seen, first_row })
}

/// All keys of the records of a chunk.
fn keys(chunk: &Chunk) -> BTreeSet<String> {
    struct Nothing;
    impl Sink for Nothing {
        fn message(&mut self, _: Message<'_>) {}
        fn left_out(&mut self, _: Place, _: &'static str) {}
        fn finding(&mut self, _: Finding) {}
    }
    let mut keys = BTreeSet::new();
    each(chunk, &mut Nothing, &mut |_, record, _| {
        if let Record::Json(text) = record {
            // What is broken will be a finding of the pass.
            let mut here = Vec::new();
            if members(text, &mut |key, _| here.push(key.into_owned())).is_ok() {
                keys.extend(here);
            }
        }
    });
    keys
}

fn names(names: &[String]) -> String {
    const MOST: usize = 30;
    let mut list: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        list.push(format!("and {} more", names.len() - MOST));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests;
