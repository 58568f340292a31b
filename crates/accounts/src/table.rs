//! The table: CSV with a header (`,`, `;` or tab between cells), or JSON lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::Value;

use super::column::Column;

/// Everything that a table says.
#[derive(Debug)]
pub struct Table {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Columns that have nothing to do with accounts, by their names.
    pub unused: Vec<String>,
    /// Which columns there are.
    pub columns: Vec<Column>,
}

/// Printed by `users` for people; nobody takes it for an account's.
const COUNTED: &str = "messages";

/// A row. What it says of passwords is kept apart: nothing shows it.
#[derive(Debug, Default)]
pub struct Row {
    /// From 1.
    pub line: u64,
    cells: HashMap<Column, String>,
    /// As it is typed.
    pub password: Option<SecretString>,
    /// As apps send it.
    pub password_digest: Option<SecretString>,
}

impl Row {
    /// What stands there, without blanks around it; empty where there is nothing.
    pub fn get(&self, column: Column) -> &str {
        self.cells.get(&column).map_or("", String::as_str)
    }

    fn put(&mut self, column: Column, cell: &str) {
        let secret = || Some(SecretString::from(cell)).filter(|_| !cell.is_empty());
        match column {
            Column::Password => self.password = secret(),
            Column::PasswordDigest => self.password_digest = secret(),
            _ => drop(self.cells.insert(column, cell.trim().to_owned())),
        }
    }
}

/// Why a table can't be used. No message shows a cell that may be a password.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It can't be read.
    #[error("cannot read the table of people `{}`: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Something in it is not as it must be.
    #[error("{}:{line}: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What, and the way out.
        why: String,
    },
}

impl Table {
    /// Reads it.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let bytes = fs_err::read(path).map_err(|error| TableError::Read { path: path.to_owned(), error })?;
        Self::parse(&bytes).map_err(|(line, why)| TableError::Line { path: path.to_owned(), line, why })
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, (u64, String)> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count() as u64 - 1;
            (line, "this is no UTF-8: save the table as CSV in UTF-8".to_owned())
        })?;
        let table = if text.trim_start().starts_with('{') { json(text) } else { csv(text) }?;
        table.check()?;
        Ok(table)
    }

    fn check(&self) -> Result<(), (u64, String)> {
        let has = |column: &Column| self.columns.contains(column);
        if !has(&Column::User) && !has(&Column::Source) {
            let why = "no column says who it is: call the one with OpenIM's userIDs `userID`, or the one with the \
                       export's ids `id` (`openim-import users` prints such a table)";
            return Err((1, why.to_owned()));
        }
        Ok(())
    }
}

fn csv(text: &str) -> Result<Table, (u64, String)> {
    let head = text.lines().next().unwrap_or_default();
    let often = |c: char| head.matches(c).count();
    let delimiter = [b';', b'\t'].into_iter().find(|c| often(char::from(*c)) > often(',')).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    // What the parser says of a line can quote it.
    let bad = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        (line, "this is no line of a CSV: is a quotation mark missing?".to_owned())
    };
    let header = reader.headers().map_err(|error| bad(&error))?.clone();
    if header.iter().all(|name| name.trim().is_empty()) {
        return Err((1, "the table is empty; a CSV begins with the names of its columns".to_owned()));
    }
    let mut columns = Vec::new();
    let mut unused = Vec::new();
    for name in &header {
        let column = Column::of(name);
        if let Some(column) = column {
            if columns.contains(&Some(column)) {
                return Err((
                    1,
                    format!("two columns are the {}: `{}` is the second", column.name(), name.trim()),
                ));
            }
        } else if name.trim() != COUNTED {
            unused.push(name.trim().to_owned());
        }
        columns.push(column);
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| bad(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            let why = format!(
                "{} where the header has {}: is a `{}` in a cell that has no quotation marks?",
                crate::numbers::plural(record.len() as u64, "cell", "cells"),
                header.len(),
                char::from(delimiter)
            );
            return Err((line, why));
        }
        let mut row = Row { line, ..Row::default() };
        for (column, cell) in columns.iter().zip(&record) {
            if let Some(column) = column {
                row.put(*column, cell);
            }
        }
        rows.push(row);
    }
    Ok(Table { rows, unused, columns: columns.into_iter().flatten().collect() })
}

fn json(text: &str) -> Result<Table, (u64, String)> {
    let mut table = Table { rows: Vec::new(), unused: Vec::new(), columns: Vec::new() };
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| (line, format!("no JSON at column {}", error.column())))?;
        let Value::Object(members) = value else { return Err((line, "this is no JSON object".to_owned())) };
        let mut row = Row { line, ..Row::default() };
        let mut here = Vec::new();
        for (name, value) in &members {
            let Some(column) = Column::of(name) else {
                if !table.unused.contains(name) {
                    table.unused.push(name.clone());
                }
                continue;
            };
            if here.contains(&column) {
                return Err((line, format!("two keys are the {}: `{name}` is one", column.name())));
            }
            here.push(column);
            if !table.columns.contains(&column) {
                table.columns.push(column);
            }
            match value {
                Value::String(text) => row.put(column, text),
                Value::Number(number) if !number.is_f64() => row.put(column, &number.to_string()),
                Value::Null => {}
                _ => return Err((line, format!("`{name}` is no text: put it in quotation marks"))),
            }
        }
        table.rows.push(row);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn wrong(text: &str) -> String {
        let (line, why) = Table::parse(text.as_bytes()).unwrap_err();
        format!("{line}: {why}")
    }

    #[test]
    fn csv_of_any_delimiter_and_json_lines_say_the_same() {
        for text in [
            "\u{feff}userID,E-Mail,password,department\r\nann, ann@e.example , pw ,Sales\r\n",
            "userID;E-Mail;password;department\nann;ann@e.example; pw ;Sales\n",
            "userID\tE-Mail\tpassword\tdepartment\nann\tann@e.example\t pw \tSales\n",
            "{\"userID\":\"ann\",\"email\":\"ann@e.example\",\"password\":\" pw \",\"department\":1}\n",
        ] {
            let table = Table::parse(text.as_bytes()).unwrap();
            assert_eq!(table.rows.len(), 1, "{text}");
            let row = &table.rows[0];
            assert_eq!((row.get(Column::User), row.get(Column::Email)), ("ann", "ann@e.example"));
            assert_eq!(row.get(Column::Phone), "");
            assert_eq!(row.password.as_ref().unwrap().expose_secret(), " pw ", "as it is typed");
            assert_eq!(table.unused, ["department"]);
            assert!(!format!("{table:?}").contains("pw "));
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_no_password() {
        assert!(wrong("").starts_with("1: the table is empty"));
        assert!(wrong("name,email\nA,b\n").contains("call the one with OpenIM's userIDs `userID`"));
        assert!(wrong("userID,email,mail\n").starts_with("1: two columns are the email"));
        let shown = wrong("userID,password\nann,hush,hush\n");
        assert!(shown.starts_with("2: 3 cells where the header has 2") && !shown.contains("hush"), "{shown}");
        let shown = wrong("{\"userID\":\"a\"}\n{\"userID\":\"b\",\"password\":[\"hush\"]}\n");
        assert!(shown.starts_with("2: `password` is no text") && !shown.contains("hush"), "{shown}");
        let latin = b"userID,name\nann,J\xfcrgen\n";
        assert!(Table::parse(latin).unwrap_err().1.contains("UTF-8"));
    }
}
