//! From the settings to a mapper, checked against how the first source begins.

use std::collections::BTreeSet;

use super::columns::Fields;
use super::draft::Key;
use super::error::MappingError;
use super::filters::Filters;
use super::jq::Program;
use super::native::Native;
use super::object::members;
use super::pick::Picks;
use super::program::ByProgram;
use super::records::{Record, each};
use super::rule::Recipe;
use super::settings::Settings;
use super::{Mapper, Sink};
use crate::export::{Chunk, Head, Table};
use crate::finding::Finding;
use crate::message::{Message, Place};

/// The mapper that the settings describe. `head` is how the first source begins: what the settings name must
/// be there.
///
/// # Errors
/// Rules that can't be, columns that the first source lacks, records that need a mapping and have none.
pub fn build(settings: &Settings, head: Option<&Head>) -> Result<Box<dyn Mapper>, MappingError> {
    let mut picks = Picks::default();
    let filters = Filters::new(&settings.leave_out, &mut picks)?;
    if let Some(jq) = &settings.jq {
        if !settings.fields.is_empty() {
            return Err(bad("jq", "it makes whole messages: take either `jq` or `fields`"));
        }
        let program = Program::new("jq", jq)?;
        columns_exist(settings, &picks, &[], head)?;
        return Ok(Box::new(ByProgram { program, filters, picks }));
    }
    if settings.fields.is_empty() {
        if !settings.leave_out.is_empty() {
            return Err(bad("leave_out", "it needs `fields` or `jq`; for the native format use jq = \".\""));
        }
        native_fits(head)?;
        return Ok(Box::new(Native));
    }
    let mut recipes = settings
        .fields
        .iter()
        .map(|(key, rule)| Recipe::new(*key, rule, settings.zone.as_deref(), &mut picks))
        .collect::<Result<Vec<_>, _>>()?;
    Fields::arrange(&mut recipes);
    let has = |keys: &[Key]| keys.iter().any(|key| settings.fields.contains_key(key));
    for needed in
        [&[Key::SendId][..], &[Key::SendTime], &[Key::RecvId, Key::GroupId], &[Key::Content, Key::Text]]
    {
        if !has(needed) {
            let names: Vec<_> = needed.iter().map(|key| format!("`{}`", key.name())).collect();
            return Err(bad("fields", &format!("{} is missing", names.join(" or "))));
        }
    }
    columns_exist(settings, &picks, &recipes, head)?;
    Ok(Box::new(Fields { recipes, filters, picks }))
}

fn bad(key: &str, why: &str) -> MappingError {
    MappingError::BadRule { key: key.to_owned(), why: why.to_owned() }
}

fn columns_exist(
    settings: &Settings,
    picks: &Picks,
    recipes: &[Recipe],
    head: Option<&Head>,
) -> Result<(), MappingError> {
    let Some((head, table)) = head.and_then(|head| Some((head, head.table()?))) else { return Ok(()) };
    let Some(column) = picks.missing(table) else { return Ok(()) };
    let key = recipes
        .iter()
        .find(|recipe| recipe.columns(picks).contains(&column))
        .map(|recipe| format!("fields.{}", recipe.key.name()))
        .or_else(|| {
            let n = settings.leave_out.iter().position(|rule| rule.column.as_deref() == Some(column))?;
            Some(format!("leave_out[{n}]"))
        })
        .unwrap_or_default();
    Err(MappingError::UnknownColumn {
        key,
        column: column.to_owned(),
        path: head.path.clone(),
        columns: names(&table.columns),
    })
}

/// Without a mapping, the first source must look like the native format: a file of something else would give
/// one error a record.
fn native_fits(head: Option<&Head>) -> Result<(), MappingError> {
    let Some(head) = head else { return Ok(()) };
    let seen: BTreeSet<String> = match head.table() {
        Some(Table { columns, .. }) => columns.iter().cloned().collect(),
        None => head.chunk.as_ref().map(keys).unwrap_or_default(),
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
        (has(Key::Content) || has(Key::Text), "`content` or `text`"),
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
    Err(MappingError::NotNative { path: head.path.clone(), missing: missing.join(", "), seen })
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
