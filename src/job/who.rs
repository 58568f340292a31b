//! The table of who is who, whole: everybody whom the export names, and everybody in the messages.

use std::collections::{HashMap, HashSet};

use rusqlite::OptionalExtension;

use super::error::InJob;
use super::key::ConvKey;
use super::lines::{self, EMAILS};
use super::read::{JobReader, each_member, from_sql};
use super::{JobError, UserKey};

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// A group, not a user.
    pub is_group: bool,
    /// What the export calls it; a name where it has names alone.
    pub source_id: String,
    /// What OpenIM calls it.
    pub openim_id: String,
    /// Its name; empty if that isn't known.
    pub nickname: String,
    /// URL of its picture; empty if that isn't known.
    pub face_url: String,
    /// His e-mail; empty if that isn't known.
    pub email: String,
    /// Messages that the user sent, or that the group has, in all passes.
    pub messages: u64,
}

/// Users and groups that the export calls something, then those who are called in messages alone: there both
/// ids are the same. Key of a person: see `person_hashes`.
const EVERYBODY: &str = "
    SELECT p.is_group, p.source_id, p.openim_id,
           iif(p.nickname = '', coalesce(u.nickname, ''), p.nickname) AS nickname,
           iif(p.face_url = '', coalesce(u.face_url, ''), p.face_url) AS face_url
      FROM people p LEFT JOIN users u
           ON p.is_group = 0 AND u.hash IN (p.openim, p.openim | 1) AND u.id = p.openim_id
    UNION ALL
    SELECT 0, u.id, u.id, u.nickname, u.face_url FROM users u
     WHERE NOT EXISTS (SELECT 1 FROM people p WHERE p.openim = u.hash & ~1 AND p.openim_id = u.id)
    UNION ALL
    SELECT 1, c.a, c.a, '', '' FROM conversations c
     WHERE c.b IS NULL AND c.a NOT IN (SELECT openim_id FROM people WHERE is_group = 1)
    ORDER BY 1, 3, 2";

impl JobReader {
    /// Hands on everybody: users first, then groups, sorted by what OpenIM calls them.
    ///
    /// Takes memory for the number of users, 16 bytes each, and for their e-mails, which [`EMAILS`] has; the sorting is
    /// SQLite's, on the disk.
    ///
    /// # Errors
    /// What can't be read; and what `take` says, which ends it.
    pub fn who<E: From<JobError>>(&self, mut take: impl FnMut(Who) -> Result<(), E>) -> Result<(), E> {
        let (sent, mut emails) = (self.sent()?, self.emails()?);
        let mut statement = self.db.prepare(EVERYBODY).in_job(self.dir())?;
        let mut rows = statement.query([]).in_job(self.dir())?;
        while let Some(row) = rows.next().in_job(self.dir())? {
            let mut who = line(row).in_job(self.dir())?;
            if who.is_group {
                who.messages = self.messages_of_group(&who.openim_id)?;
            } else {
                let user = UserKey::of(&who.openim_id);
                who.messages = sent.get(&user).copied().unwrap_or(0);
                // Some exports call people by nothing else.
                let is_email = || is_email(&who.source_id).then(|| who.source_id.clone());
                who.email = emails.remove(&user).or_else(is_email).unwrap_or_default();
            }
            take(who)?;
        }
        Ok(())
    }

    /// How many users sent something, and of how many of these an e-mail is known, as [`Self::who`] tells it: two walks over
    /// tables of people, and none over groups.
    pub fn writers_with_email(&self) -> Result<(u64, u64), JobError> {
        let (sent, emails) = (self.sent()?, self.emails()?);
        let mut with_email: HashSet<UserKey> = emails.into_keys().collect();
        let addresses = "SELECT openim_id, source_id FROM people WHERE is_group = 0 AND source_id LIKE '%@%'
                         UNION ALL SELECT id, id FROM users WHERE id LIKE '%@%'";
        let ids = self.rows(addresses, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        with_email.extend(ids.iter().filter(|(_, id)| is_email(id)).map(|(user, _)| UserKey::of(user)));
        with_email.retain(|user| sent.contains_key(user));
        Ok((sent.len() as u64, with_email.len() as u64))
    }

    /// The e-mail of each user whose e-mail the export tells.
    fn emails(&self) -> Result<HashMap<UserKey, String>, JobError> {
        #[derive(serde::Deserialize)]
        struct Line {
            #[serde(rename = "userID")]
            user: String,
            email: String,
        }
        let lines = lines::read_all::<Line>(self.dir(), EMAILS)?;
        Ok(lines.into_iter().map(|line| (UserKey::of(&line.user), line.email)).collect())
    }

    /// How many messages each user sent.
    fn sent(&self) -> Result<HashMap<UserKey, u64>, JobError> {
        let mut sent = HashMap::new();
        let mut statement = self.db.prepare("SELECT members FROM segments").in_job(self.dir())?;
        let mut rows = statement.query([]).in_job(self.dir())?;
        while let Some(row) = rows.next().in_job(self.dir())? {
            let blob: Vec<u8> = row.get(0).in_job(self.dir())?;
            each_member(&blob, |user, n| *sent.entry(user).or_default() += n);
        }
        Ok(sent)
    }

    fn messages_of_group(&self, group: &str) -> Result<u64, JobError> {
        let messages = self
            .db
            .prepare_cached(
                "SELECT sum(s.messages) FROM conversations c JOIN segments s ON s.conv = c.no WHERE c.key = ?1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([ConvKey::group(group).to_bytes()], |row| row.get::<_, Option<i64>>(0))
                    .optional()
            })
            .in_job(self.dir())?;
        Ok(messages.flatten().map_or(0, from_sql))
    }
}

fn line(row: &rusqlite::Row<'_>) -> rusqlite::Result<Who> {
    Ok(Who {
        is_group: row.get(0)?,
        source_id: row.get(1)?,
        openim_id: row.get(2)?,
        nickname: row.get(3)?,
        face_url: row.get(4)?,
        email: String::new(),
        messages: 0,
    })
}

/// Whether an id of the export is an address that mail could be sent to.
fn is_email(id: &str) -> bool {
    let Some((local, domain)) = id.split_once('@') else { return false };
    let of_an_address = |c: char| c.is_ascii_graphic() && !"@:/,;<>()[]\\\"".contains(c);
    !local.is_empty()
        && domain.trim_matches('.').contains('.')
        && local.chars().chain(domain.chars()).all(of_an_address)
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn an_id_that_is_an_address() {
        for id in ["ann@x.example", "a.b+c@mail.x.example"] {
            assert!(is_email(id), "{id}");
        }
        // A user of Matrix, of a domain of WhatsApp's, of nothing.
        for id in [
            "@ann:matrix.org",
            "ann",
            "ann@host",
            "ann@.",
            "@x.example",
            "a@b@c.d",
            "Ann <a@b.cd>",
            "ann@x. y",
        ] {
            assert!(!is_email(id), "{id}");
        }
    }
}
