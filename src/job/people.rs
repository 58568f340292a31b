//! Who is who: what the export calls users and groups, and what OpenIM calls them. Asked for by provisioning
//! and by whoever wants the table.

use rusqlite::params;

use super::JobError;
use super::error::InJob;
use super::key::UserKey;
use super::loader::Loader;
use super::read::{JobReader, to_sql};

/// A user or group that the export names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// A group, not a user.
    pub is_group: bool,
    /// What OpenIM calls it.
    pub openim_id: String,
    /// What the export calls it.
    pub source_id: String,
    /// Its name; empty if that isn't known.
    pub nickname: String,
    /// URL of its picture; empty if that isn't known.
    pub face_url: String,
    /// The user file gives it this id: then another may have it as well.
    pub listed: bool,
}

/// Place of a person in the table, for paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonKey(i64, i64);

/// Sorts the table: by what OpenIM calls it, then by what the export calls it.
pub fn person_hashes(is_group: bool, openim_id: &str, source_id: &str) -> (UserKey, UserKey) {
    let mark = u64::from(is_group);
    let of = |id: &str| UserKey::from_bits(UserKey::of(id).to_bits() & !1 | mark);
    (of(openim_id), of(source_id))
}

const COLUMNS: &str = "openim, source, is_group, openim_id, source_id, nickname, face_url, listed";

impl JobReader {
    /// The table, page by page.
    pub fn people(
        &self,
        after: Option<PersonKey>,
        limit: usize,
    ) -> Result<Vec<(PersonKey, Person)>, JobError> {
        let PersonKey(openim, source) = after.unwrap_or(PersonKey(i64::MIN, i64::MIN));
        self.rows(
            &format!(
                "SELECT {COLUMNS} FROM people WHERE (openim, source) > (?1, ?2)
                 ORDER BY openim, source LIMIT ?3"
            ),
            params![openim, source, to_sql(limit as u64)],
            person,
        )
    }

    /// Whom OpenIM calls so; several, if the user file makes one of them.
    pub fn called(&self, is_group: bool, openim_id: &str) -> Result<Vec<Person>, JobError> {
        let (openim, _) = person_hashes(is_group, openim_id, "");
        let people = self.rows(
            &format!("SELECT {COLUMNS} FROM people WHERE openim = ?1 ORDER BY source"),
            [openim.to_sql()],
            person,
        )?;
        Ok(people.into_iter().map(|(_, person)| person).filter(|p| p.openim_id == openim_id).collect())
    }
}

impl Loader<'_> {
    /// Adds somebody, or what is known better now: what is empty leaves what was there.
    pub fn person(&self, person: &Person) -> Result<(), JobError> {
        let (openim, source) = person_hashes(person.is_group, &person.openim_id, &person.source_id);
        self.execute(
            "INSERT INTO people VALUES (?1, ?2, ?9, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (openim, source) DO UPDATE SET
               nickname = iif(excluded.nickname = '', nickname, excluded.nickname),
               face_url = iif(excluded.face_url = '', face_url, excluded.face_url),
               listed = excluded.listed",
            params![
                openim.to_sql(),
                source.to_sql(),
                person.is_group,
                person.openim_id,
                person.source_id,
                person.nickname,
                person.face_url,
                person.listed,
                self.pass().0
            ],
        )
    }

    /// Whom the job knows and OpenIM calls the same, other than the person: somebody who isn't listed, if
    /// there is one.
    pub fn namesake(&self, person: &Person) -> Result<Option<Person>, JobError> {
        let (openim, source) = person_hashes(person.is_group, &person.openim_id, &person.source_id);
        self.query(
            &format!(
                "SELECT {COLUMNS} FROM people WHERE openim = ?1 AND source <> ?2 ORDER BY listed, source LIMIT 1"
            ),
            params![openim.to_sql(), source.to_sql()],
            |row| self::person(row).map(|(_, person)| person),
        )
    }
}

/// Somebody whom this pass calls otherwise than an earlier one did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// What the export calls him, in both.
    pub source_id: String,
    /// What OpenIM calls him since the earlier pass.
    pub before: String,
    /// What OpenIM would call him in this one.
    pub now: String,
}

impl Loader<'_> {
    /// Those whom this pass calls otherwise than an earlier one did; asked once, behind the last
    /// [`Self::person`]. SQLite makes itself an index for it.
    pub fn renamed(&self, mut each: impl FnMut(Renamed) -> Result<(), JobError>) -> Result<(), JobError> {
        if self.pass().0 == 1 {
            return Ok(());
        }
        let mut statement = self
            .db()
            .prepare(
                "SELECT new.source_id, old.openim_id, new.openim_id FROM people new JOIN people old
                   ON old.source = new.source AND old.is_group = new.is_group
                  AND old.source_id = new.source_id AND old.openim <> new.openim
                 WHERE new.pass = ?1 AND old.pass < ?1 ORDER BY new.source_id, old.openim_id",
            )
            .in_job(self.dir())?;
        let mut rows = statement.query([self.pass().0]).in_job(self.dir())?;
        while let Some(row) = rows.next().in_job(self.dir())? {
            let of = |at| row.get(at).in_job(self.dir());
            each(Renamed { source_id: of(0)?, before: of(1)?, now: of(2)? })?;
        }
        Ok(())
    }
}

fn person(row: &rusqlite::Row<'_>) -> rusqlite::Result<(PersonKey, Person)> {
    let person = Person {
        is_group: row.get(2)?,
        openim_id: row.get(3)?,
        source_id: row.get(4)?,
        nickname: row.get(5)?,
        face_url: row.get(6)?,
        listed: row.get(7)?,
    };
    Ok((PersonKey(row.get(0)?, row.get(1)?), person))
}
