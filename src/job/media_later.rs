//! Objects that messages have the address of already, and that are uploaded when those messages are sent: of a job of which
//! only some conversations go out tonight.

use std::collections::HashSet;

use rusqlite::params;

use super::error::{InJob, JobError};
use super::media::{FACE, MediaBook, MediaObject, OBJECT, object};
use super::read::{JobReader, from_sql};
use super::schema::Table;
use crate::message::{ConversationId, Ordinal, SourceNo};

/// Where their bytes are: a file, or an entry of an archive. They stand here until they are on the server.
pub(super) const TABLE: Table = Table {
    name: "media_later",
    version: 1,
    sql: "CREATE TABLE media_later (name TEXT PRIMARY KEY, archive TEXT, path TEXT NOT NULL) WITHOUT ROWID;",
};

/// Where the bytes of an object are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The archive that they are in, if they are in one.
    pub archive: Option<String>,
    /// Their file, or what the archive calls them.
    pub path: String,
}

impl MediaBook {
    /// Those that wait for their messages, and where their bytes are.
    pub fn waiting(&self) -> Result<Vec<(MediaObject, At)>, JobError> {
        self.flush()?;
        let sql = format!(
            "SELECT {OBJECT}, archive, path FROM objects JOIN media_later USING (name) ORDER BY archive, path"
        );
        self.db
            .prepare(&sql)
            .and_then(|mut statement| {
                statement
                    .query_map([], |row| {
                        Ok((object(row)?, At { archive: row.get("archive")?, path: row.get("path")? }))
                    })?
                    .collect()
            })
            .in_job(&self.dir)
    }

    /// Messages of a job that has begun have its address, and it can't be had: it is lost, as what the storage loses is.
    pub fn given_up(&self, name: &str, why: &str) -> Result<(), JobError> {
        self.lost(name, why)?;
        self.write_all(|db| db.execute("DELETE FROM media_later WHERE name = ?1", params![name]).map(drop))
    }

    /// Nothing can be uploaded: messages of sources from that number on go without their files.
    pub fn nothing_waits(&self, first: SourceNo) -> Result<(), JobError> {
        self.write_all(|db| {
            db.execute(
                "DELETE FROM media_later
                 WHERE name NOT IN (SELECT object FROM media WHERE object IS NOT NULL AND source < ?1)",
                [first.0],
            )
            .map(drop)
        })
    }
}

impl JobReader {
    /// The names of those that wait for their messages.
    pub fn media_waiting(&self) -> Result<HashSet<String>, JobError> {
        if self.lacks("media_later")? {
            return Ok(HashSet::new());
        }
        self.db
            .prepare("SELECT name FROM media_later")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .in_job(self.dir())
    }

    /// How many files messages show that wait for them, pictures of users and groups not among them.
    pub fn files_waiting(&self) -> Result<u64, JobError> {
        if self.lacks("media_later")? {
            return Ok(0);
        }
        self.db
            .query_row(
                "SELECT count(*) FROM media JOIN media_later ON media_later.name = media.object WHERE kind <> ?1",
                [FACE],
                |row| row.get(0).map(from_sql),
            )
            .in_job(self.dir())
    }

    /// Which of these objects messages show: of these conversations, or of all.
    pub fn shown_of(
        &self,
        objects: &HashSet<String>,
        only: Option<&HashSet<ConversationId>>,
    ) -> Result<HashSet<String>, JobError> {
        const PAGE: usize = 1024;
        let mut shown = HashSet::new();
        let mut last = None;
        loop {
            let conversations = self.conversations(last, PAGE)?;
            let Some(of_page) = conversations.last() else { return Ok(shown) };
            last = Some(of_page.no);
            for conversation in conversations {
                if only.is_some_and(|only| !only.contains(&conversation.id())) {
                    continue;
                }
                let mut next = Ordinal(0);
                loop {
                    let entries = self.entries(conversation.no, next, PAGE)?;
                    let Some(of_page) = entries.last() else { break };
                    next = Ordinal(of_page.ordinal.0 + 1);
                    for entry in &entries {
                        let message = self.spool()?.message(entry)?;
                        shown.extend(
                            names_in(message.content())
                                .filter(|name| objects.contains(*name))
                                .map(str::to_owned),
                        );
                    }
                    if shown.len() == objects.len() {
                        return Ok(shown);
                    }
                }
            }
        }
    }
}

/// What may be the name of an object in the address of one. Names are 128 bits that nobody guesses: what is called so is it.
fn names_in(content: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    content.split("/object/").skip(1).map(move |rest| {
        let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
        &rest[..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::record::tests::message;
    use crate::job::{Job, MediaFile, ObjectState};
    use crate::message::Message;
    use crate::prepare::few;

    fn planned(name: &str) -> (MediaObject, MediaFile) {
        let object = MediaObject {
            name: name.to_owned(),
            hash: "h".to_owned(),
            parts: vec!["a".to_owned()],
            size: 7,
            mime: "image/png".to_owned(),
            width: 3,
            height: 4,
            seconds: 0,
            url: format!("http://x/object/{name}"),
            state: ObjectState::Planned,
            upload: None,
            why: String::new(),
        };
        let file = MediaFile {
            source: SourceNo(0),
            key: format!("{name} as a file"),
            kind: "picture".to_owned(),
            place: String::new(),
            object: Some(name.to_owned()),
            problem: None,
            why: String::new(),
        };
        (object, file)
    }

    #[test]
    fn they_wait_until_they_are_there_or_nothing_names_them() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::create(dir.path()).unwrap();
        let (book, reader) = (job.media().unwrap(), job.reader().unwrap());
        let at = At { archive: Some("/a.zip".to_owned()), path: "in/1.png".to_owned() };
        for name in ["i/1.png", "i/2.png", "i/3.png"] {
            let (object, file) = planned(name);
            book.plan_later(Some(&object), &file).unwrap();
            book.wait_later(name, &at).unwrap();
        }
        assert_eq!(reader.media_waiting().unwrap().len(), 0, "with the next write");
        assert_eq!(book.waiting().unwrap()[0], (planned("i/1.png").0, at));
        book.settle("i/1.png", ObjectState::Completed, "").unwrap();
        book.settle("i/2.png", ObjectState::Refused, "no").unwrap();
        assert_eq!(reader.files_waiting().unwrap(), 2);
        assert_eq!(
            reader.media_waiting().unwrap(),
            HashSet::from(["i/2.png".to_owned(), "i/3.png".to_owned()])
        );
        book.given_up("i/2.png", "no").unwrap();
        assert_eq!(book.all_lost().unwrap(), HashSet::from(["i/2.png".to_owned()]));
        book.begin_anew(SourceNo(0), &[]).unwrap();
        assert_eq!(book.waiting().unwrap(), []);
    }

    #[test]
    fn what_a_message_shows_is_told_by_its_address() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        let content = r#"{"sourcePicture":{"url":"https://x/api/object/i/1.png"},"snapshotPicture":{"url":"https://x/api/object/i/2.png?type=image&width=640"},"text":"/object/ /object/i/3.pngs"}"#;
        few(&mut job, &[Message { content: content.into(), ..message() }]).unwrap();
        let reader = job.reader().unwrap();
        let all = ["i/1.png", "i/2.png", "i/3.png"].map(str::to_owned).into();
        let shown = HashSet::from(["i/1.png", "i/2.png"].map(str::to_owned));
        assert_eq!(reader.shown_of(&all, None).unwrap(), shown);
        assert_eq!(reader.shown_of(&all, Some(&HashSet::new())).unwrap(), HashSet::new());
    }
}
