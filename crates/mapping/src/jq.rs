//! Mappings in the language of jq.

use super::error::MappingError;
use super::records::Record;
use crate::export::Context;
use crate::export::json::{Skip, Skipped};
use crate::message::Place;

/// What all records of a chunk have in common, as a program sees it.
pub(super) use importer_jq::Value as Inherited;

/// A jq program over records.
///
/// Besides `.`, the record, it knows `$inherited` (an object of texts, see [`Context::values`]) and `$line`. A row
/// of a CSV is an object of texts; an empty cell is `null`.
#[derive(Debug)]
pub(super) struct Program(importer_jq::Program);

/// Why a program came to no more results.
pub(super) enum Failed {
    /// The record is no JSON; the error is that of the parser.
    NotJson(serde_json::Error),
    /// The record is nested too deep.
    TooDeep,
    /// The program said so.
    Program(String),
}

impl Program {
    pub(super) fn new(key: &str, code: &str) -> Result<Self, MappingError> {
        let program = importer_jq::Program::new(code);
        program.map(Self).map_err(|why| MappingError::Jq { key: key.to_owned(), why })
    }

    /// What the chunk has in common, as the program sees it.
    pub(super) fn inherited(context: &Context) -> Inherited {
        let mut values = context.values.iter().map(|(name, value)| (name.as_str(), Some(value.as_str())));
        Inherited::object(&mut values)
    }

    /// Calls `take` with the JSON text of every result, until it wants no more.
    pub(super) fn run(
        &self,
        record: Record<'_>,
        place: Place,
        inherited: &Inherited,
        take: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failed> {
        self.0.run(value(record)?, place.line, inherited, take).map_err(Failed::Program)
    }
}

fn value(record: Record<'_>) -> Result<importer_jq::Value, Failed> {
    match record {
        Record::Row(row) => {
            let mut cells = row.table.columns.iter().enumerate().map(|(n, name)| (&**name, row.cell(n)));
            Ok(importer_jq::Value::object(&mut cells))
        }
        Record::Json(json) => {
            // jaq reads more than JSON, and it reads by recursion.
            let mut skip = Skip::default();
            let is_deep = skip.piece(json.as_bytes()) == Skipped::Open && !skip.may_end() || skip.too_deep();
            serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(Failed::NotJson)?;
            if is_deep {
                return Err(Failed::TooDeep);
            }
            importer_jq::Value::json(json).map_err(Failed::Program)
        }
    }
}
