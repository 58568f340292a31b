//! Mappings in the language of jq, run by jaq.

use std::fmt;

use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Ctx, Vars, compile, data};
use jaq_json::{Val, read, write};

use super::error::MappingError;
use super::records::Record;
use crate::export::Context;
use crate::export::json::{Skip, Skipped};
use crate::message::Place;

type Data = data::JustLut<Val>;

/// A jq program, compiled; used by all threads.
///
/// Besides `.`, the record, it knows `$inherited` (an object of texts, see [`Context::values`]) and `$line`. A row
/// of a CSV is an object of texts; an empty cell is `null`.
pub(super) struct Program {
    filter: jaq_core::Filter<Data>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

/// Why a program came to no more results.
pub(super) enum Failed {
    /// The record is no JSON; the error is that of the parser.
    NotJson(serde_json::Error),
    /// The record is nested too deep.
    TooDeep,
    /// The program said so.
    Program(String),
}

const VARIABLES: [&str; 2] = ["$inherited", "$line"];

impl Program {
    pub(super) fn new(key: &str, code: &str) -> Result<Self, MappingError> {
        let wrong = |why: String| MappingError::Jq { key: key.to_owned(), why };
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(defs)
            .load(&arena, File { code, path: () })
            .map_err(|errors| wrong(unloadable(code, errors)))?;
        let filter = jaq_core::Compiler::default()
            .with_funs(funs)
            .with_global_vars(VARIABLES)
            .compile(modules)
            .map_err(|errors| wrong(undefined(code, errors)))?;
        Ok(Self { filter })
    }

    /// What the chunk has in common, as the program sees it.
    pub(super) fn inherited(context: &Context) -> Val {
        let text = |text: &str| Val::from(text.to_owned());
        Val::obj(context.values.iter().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// Calls `take` with the JSON text of every result, until it wants no more.
    pub(super) fn run(
        &self,
        record: Record<'_>,
        place: Place,
        inherited: &Val,
        take: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failed> {
        let input = value(record)?;
        let line = Val::from(isize::try_from(place.line).unwrap_or(isize::MAX));
        let vars = Vars::new([inherited.clone(), line]);
        let ctx = Ctx::<Data>::new(&self.filter.lut, vars);
        let mut text = Vec::new();
        for result in self.filter.id.run((ctx, input)) {
            let result = match result {
                Ok(value) => value,
                Err(exception) => {
                    let why = exception.get_err().map_or("it broke off".to_owned(), |e| e.to_string());
                    return Err(Failed::Program(why));
                }
            };
            text.clear();
            write::write(&mut text, &write::Pp::default(), 0, &result).expect("memory takes all");
            if !take(&String::from_utf8_lossy(&text)) {
                break;
            }
        }
        Ok(())
    }
}

fn value(record: Record<'_>) -> Result<Val, Failed> {
    match record {
        Record::Row(row) => {
            let text = |text: &str| Val::from(text.to_owned());
            let cells = row.table.columns.iter().enumerate();
            Ok(Val::obj(cells.map(|(n, name)| (text(name), row.cell(n).map_or(Val::Null, text))).collect()))
        }
        Record::Json(json) => {
            // jaq reads more than JSON, and it reads by recursion.
            let mut skip = Skip::default();
            if skip.piece(json.as_bytes()) == Skipped::Open && !skip.may_end() || skip.too_deep() {
                serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(Failed::NotJson)?;
                return Err(Failed::TooDeep);
            }
            serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(Failed::NotJson)?;
            read::parse_single(json.as_bytes()).map_err(|e| Failed::Program(e.to_string()))
        }
    }
}

fn unloadable(code: &str, errors: load::Errors<&str, ()>) -> String {
    let (_, error) = errors.into_iter().next().expect("there is an error");
    match error {
        load::Error::Io(errors) => {
            errors.first().map_or(String::new(), |(path, why)| format!("`{path}` can't be loaded: {why}"))
        }
        load::Error::Lex(errors) => errors.first().map_or(String::new(), |(expected, at)| {
            format!("{} is expected at {}", expected.as_str(), position(code, at))
        }),
        load::Error::Parse(errors) => errors.first().map_or(String::new(), |(expected, at)| {
            format!("{} is expected at {}", expected.as_str(), position(code, at))
        }),
    }
}

fn undefined(code: &str, errors: compile::Errors<&str, ()>) -> String {
    let (_, errors) = errors.into_iter().next().expect("there is an error");
    errors.first().map_or(String::new(), |(name, kind)| {
        format!("the {} `{name}` is not defined, at {}", kind.as_str(), position(code, name))
    })
}

/// Where in the program `part` of it is.
fn position(code: &str, part: &str) -> String {
    let at = load::span(code, part).start.min(code.len());
    let before = code.get(..at).unwrap_or(code);
    let line = before.matches('\n').count() + 1;
    let rest: String = code.get(at..).unwrap_or_default().chars().take(30).collect();
    if rest.is_empty() { "the end".to_owned() } else { format!("line {line}: `{}`", rest.trim_end()) }
}
