//! First the conversations that an earlier process left under way, then the others, and among each, usually, those with
//! the most left to send: the last one alone can only go at its own pace, so the giants have to start first.

use rusqlite::params;

use super::ConvNo;
use super::error::{InJob, JobError};
use super::facts::Conversation;
use super::read::{JobReader, from_sql, to_sql};
use crate::message::Ordinal;

/// What is left to do, as it was when the queue was made; walked page by page.
#[derive(Debug)]
pub struct Queue {
    reader: JobReader,
    /// Rank of the next.
    next: u64,
    open: u64,
    conversations: u64,
    unfinished: u64,
    messages: u64,
}

/// Which conversation comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Those with the most left: the whole takes the shortest time.
    #[default]
    Longest,
    /// Those whose last message is the latest: a night that is too short costs the dead chats.
    Recent,
}

impl Order {
    /// As `--order` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Longest => "longest",
            Self::Recent => "recent",
        }
    }
}

/// What is left to send, added up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftToDo {
    /// Conversations.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// Conversations of which nothing is sent.
    pub not_begun: u64,
    /// The longest conversations with what they have left, the longest first.
    pub longest: Vec<(ConvNo, u64)>,
}

/// A conversation with something left to send, or under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Which.
    pub conversation: Conversation,
    /// How many of its messages are confirmed: the first to send.
    pub confirmed: Ordinal,
}

impl Queued {
    /// How many messages it has left.
    pub fn remaining(&self) -> u64 {
        self.conversation.messages.saturating_sub(self.confirmed.0)
    }
}

impl JobReader {
    /// Conversations and messages left, and the longest conversations with what they have left, up to `most` of them.
    pub fn left(&self, most: usize) -> Result<LeftToDo, JobError> {
        let left = "FROM (SELECT s.conv AS conv, sum(s.messages) - coalesce(p.confirmed, 0) AS n,
                             p.confirmed IS NULL OR p.confirmed = 0 AS new
                      FROM segments s LEFT JOIN progress p ON p.conv = s.conv
                      WHERE s.conv NOT IN (SELECT conv FROM undo) GROUP BY s.conv HAVING n > 0)";
        let sums = format!("SELECT count(*), coalesce(sum(n), 0), coalesce(sum(new), 0) {left}");
        let (conversations, messages, not_begun) = self
            .db
            .query_row(&sums, [], |row| {
                Ok((from_sql(row.get(0)?), from_sql(row.get(1)?), from_sql(row.get(2)?)))
            })
            .in_job(self.dir())?;
        let longest = format!("SELECT conv, n {left} ORDER BY n DESC, conv LIMIT ?1");
        let longest = self
            .rows(&longest, [to_sql(most as u64)], |row| Ok((ConvNo(row.get(0)?), from_sql(row.get(1)?))))?;
        Ok(LeftToDo { conversations, messages, not_begun, longest })
    }

    /// Sorts what is left to do; of what was undone or overtaken, nothing is. One walk over all conversations; the order is kept
    /// in a file, not in memory.
    pub fn queue(&self) -> Result<Queue, JobError> {
        self.queue_by(Order::Longest)
    }

    /// The same in another order.
    pub fn queue_by(&self, order: Order) -> Result<Queue, JobError> {
        let order = match order {
            Order::Longest => "remaining DESC",
            Order::Recent => "max(s.last_time) DESC, remaining DESC",
        };
        let reader = self.reopen()?;
        // Not in memory: a million conversations are 20 MB.
        reader.db.pragma_update(None, "temp_store", "FILE").in_job(reader.dir())?;
        reader
            .db
            .execute_batch(&format!(
                "DROP TABLE IF EXISTS temp.queue;
                 CREATE TEMP TABLE queue (rank INTEGER PRIMARY KEY, conv INTEGER NOT NULL, left INTEGER NOT NULL,
                   open INTEGER NOT NULL);
                 INSERT INTO queue (conv, left, open)
                   SELECT s.conv, sum(s.messages) - coalesce(p.confirmed, 0) AS remaining,
                     coalesce(p.state, 0) > 0 AS open
                   FROM segments s LEFT JOIN progress p ON p.conv = s.conv
                   WHERE s.conv NOT IN (SELECT conv FROM undo)
                   GROUP BY s.conv HAVING (remaining > 0 AND s.conv NOT IN (SELECT conv FROM overtaken)) OR open
                   ORDER BY open DESC, {order}, s.conv;",
            ))
            .in_job(reader.dir())?;
        let sums = "SELECT coalesce(sum(open), 0), coalesce(sum(left > 0), 0), count(*), coalesce(sum(left), 0) FROM queue";
        let (open, conversations, unfinished, messages) = reader
            .db
            .query_row(sums, [], |row| {
                let number = |at| row.get(at).map(from_sql);
                Ok((number(0)?, number(1)?, number(2)?, number(3)?))
            })
            .in_job(reader.dir())?;
        Ok(Queue { reader, next: 1, open, conversations, unfinished, messages })
    }
}

impl JobReader {
    /// The conversation with most left to send, and how much; `None` where nothing is left. One walk over all of them.
    pub fn most_left(&self) -> Result<Option<(ConvNo, u64)>, JobError> {
        let found = self.rows(
            "SELECT s.conv, sum(s.messages) - coalesce(p.confirmed, 0) AS remaining
             FROM segments s LEFT JOIN progress p ON p.conv = s.conv
             WHERE s.conv NOT IN (SELECT conv FROM undo)
             GROUP BY s.conv HAVING remaining > 0 ORDER BY remaining DESC, s.conv LIMIT 1",
            [],
            |row| Ok((ConvNo(row.get(0)?), from_sql(row.get(1)?))),
        )?;
        Ok(found.first().copied())
    }
}

impl Queue {
    /// Whether nothing was left to send, and nothing under way, when the queue was made.
    pub fn is_empty(&self) -> bool {
        self.messages == 0 && self.open == 0
    }

    /// How many conversations had something left when the queue was made.
    pub fn conversations(&self) -> u64 {
        self.conversations
    }

    /// How many conversations had something left, or under way, when the queue was made.
    pub fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// How many messages were left when the queue was made.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The next `max` at most; none when all were given out.
    pub fn page(&mut self, max: usize) -> Result<Vec<Queued>, JobError> {
        let page: Vec<(u32, u64)> = self.reader.rows(
            "SELECT q.conv, coalesce(p.confirmed, 0) FROM queue q LEFT JOIN progress p ON p.conv = q.conv
             WHERE q.rank >= ?1 ORDER BY q.rank LIMIT ?2",
            params![to_sql(self.next), to_sql(max as u64)],
            |row| Ok((row.get(0)?, from_sql(row.get(1)?))),
        )?;
        self.next += page.len() as u64;
        page.into_iter()
            .filter_map(|(conv, confirmed)| {
                let conversation = self.reader.conversation(ConvNo(conv)).transpose()?;
                let confirmed = Ordinal(confirmed);
                Some(conversation.map(|conversation| Queued { conversation, confirmed }))
            })
            .collect()
    }
}
