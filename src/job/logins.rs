//! Who can log in: a list in the job's folder, for people and for the report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::JobError;
use super::error::InJob;
use super::folder::NewFile;
use crate::visible::cell;

/// Its file.
pub const LOGINS: &str = "logins.csv";

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// His userID.
    pub user: String,
    /// His name, if it is known.
    pub nickname: String,
    /// He can.
    pub can: bool,
    /// How, or why not, in one word to count by.
    pub kind: String,
    /// The same with what he logs in with.
    pub how: String,
}

/// Everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logins {
    /// By userID.
    pub rows: Vec<LoginRow>,
}

impl Logins {
    /// Writes the list; where it is.
    pub fn keep(&self, dir: &Path) -> Result<PathBuf, JobError> {
        let file = NewFile::make(dir, LOGINS)?;
        let mut out = csv::Writer::from_writer(file);
        let written = |error: csv::Error| std::io::Error::other(error);
        out.write_record(["userID", "nickname", "can_log_in", "kind", "how"]).map_err(written).in_job(dir)?;
        for row in &self.rows {
            let can = if row.can { "yes" } else { "no" };
            out.write_record([&cell(&row.user), &cell(&row.nickname), can, &row.kind, &cell(&row.how)])
                .map_err(written)
                .in_job(dir)?;
        }
        let file = out.into_inner().map_err(|error| std::io::Error::other(error.to_string())).in_job(dir)?;
        file.keep().in_job(dir)?;
        Ok(dir.join(LOGINS))
    }

    /// How many can, and how many can't, by kind; `None`: there is no list.
    pub fn counts(dir: &Path) -> Option<[BTreeMap<String, u64>; 2]> {
        let mut reader = csv::Reader::from_path(dir.join(LOGINS)).ok()?;
        let mut counts: [BTreeMap<String, u64>; 2] = Default::default();
        for record in reader.records() {
            let record = record.ok()?;
            let kind = record.get(3)?.to_owned();
            *counts[usize::from(record.get(2)? != "yes")].entry(kind).or_default() += 1;
        }
        Some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_counted_as_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Logins::counts(dir.path()), None);
        let row = |user: &str, can, kind: &str| LoginRow {
            user: user.into(),
            nickname: "A, \"B\"".into(),
            can,
            kind: kind.into(),
            how: "e-mail".into(),
        };
        let rows = vec![row("a", true, "password"), row("b", true, "password"), row("c", false, "no e-mail")];
        Logins { rows }.keep(dir.path()).unwrap();
        let [can, cannot] = Logins::counts(dir.path()).unwrap();
        assert_eq!((can["password"], cannot["no e-mail"]), (2, 1));
    }
}
