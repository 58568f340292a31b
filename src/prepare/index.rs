//! Walks over all messages by conversation and time, and puts them into the index.

use super::PrepareError;
use super::batch::pair_hash_of;
use super::compare::LOOK;
use super::heap::Heap;
use super::ledger::Ledger;
use super::names::Names;
use super::progress::Progress;
use super::rows::{ConvRow, IndexRow, Note, Says};
use super::sort::Sorted;
use super::spread::Spread;
use super::{Older, Way};
use crate::checks::{Neighbours, TOGETHER, Weight, codes, grown};
use crate::finding::Code;
use crate::job::{ConvKey, Earlier, JobError, Loader, Peers, Position, Reply, Spooled};
use crate::message::{GroupId, Peer, SendTime, UserId};
use crate::numbers::plural;

/// Moved by more than that, a message is named.
const HOUR_MS: u64 = 3_600_000;

/// Puts all messages into the index.
pub(super) fn index(
    mut rows: Sorted<IndexRow>,
    notes: Sorted<Note>,
    (names, heap): (Sorted<ConvRow>, &Heap),
    loader: &mut Loader<'_>,
    ledger: &mut Ledger<'_>,
    way: Way<'_>,
    progress: &Progress,
) -> Result<(), PrepareError> {
    let mut notes = Notes::new(notes)?;
    let mut filing = Filing {
        way,
        loader,
        ledger,
        names: Names::new(names, heap)?,
        open: None,
        before: None,
        neighbours: Neighbours::default(),
        scratch: Vec::new(),
    };
    let mut indexed = 0;
    while let Some(row) = rows.next()? {
        if let Some(reply) = notes.about(row.at)? {
            filing.file(&row, reply)?;
        }
        indexed += 1;
        if indexed % LOOK == 0 {
            progress.indexed(indexed);
            progress.check()?;
        }
    }
    filing.close()?;
    progress.indexed(indexed);
    Ok(())
}

/// The notes, walked beside the rows they are about.
struct Notes {
    notes: Sorted<Note>,
    next: Option<Note>,
}

impl Notes {
    fn new(mut notes: Sorted<Note>) -> Result<Self, JobError> {
        let next = notes.next()?;
        Ok(Self { notes, next })
    }

    /// What the slot of the message there is filled with; `None` if it isn't sent.
    fn about(&mut self, at: Position) -> Result<Option<Reply>, JobError> {
        let mut about = Some(Reply::No);
        while let Some(note) = self.next
            && note.at <= at
        {
            match note.says {
                Says::Drop => about = None,
                Says::Replies(reply) => about = about.map(|_| reply),
            }
            self.next = self.notes.next()?;
        }
        Ok(about)
    }
}

/// Puts messages, which come by conversation and time, into the index.
struct Filing<'a, 'p, 'l> {
    way: Way<'a>,
    loader: &'a mut Loader<'p>,
    ledger: &'a mut Ledger<'l>,
    names: Names<'a>,
    open: Option<Open>,
    /// The conversation before this one, if any of it was filed.
    before: Option<ConvKey>,
    neighbours: Neighbours,
    scratch: Vec<u8>,
}

/// The conversation being filed.
struct Open {
    key: ConvKey,
    peers: Peers,
    /// Whom its name stands for: see [`pair_hash_of`].
    pair: u32,
    earlier: Option<Earlier>,
    /// The latest time of what earlier passes had, as their exports say it.
    last_written: Option<SendTime>,
    /// None of it can be sent, because of its name.
    refused: Option<Refusal>,
    spread: Spread,
    /// It is sent behind what people have written: no time is its own.
    is_behind: bool,
    /// The last pair that was reported for having the same name.
    reported: Option<u32>,
    /// It was said that neighbours are too large.
    large: bool,
    messages: u64,
    same_time: u64,
    first_same: Option<IndexRow>,
}

/// Why, and what was seen.
type Refusal = (&'static Code, String);

impl Filing<'_, '_, '_> {
    fn file(&mut self, row: &IndexRow, reply: Reply) -> Result<(), JobError> {
        if self.open.as_ref().is_none_or(|open| open.key != row.at.conv()) {
            self.close()?;
            self.open = Some(self.open(row)?);
        }
        // Taken out for as long as `self` is needed whole.
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let filed = self.file_in(&mut open, row, reply);
        self.open = Some(open);
        filed
    }

    fn file_in(&mut self, open: &mut Open, row: &IndexRow, reply: Reply) -> Result<(), JobError> {
        if let Some((code, value)) = &open.refused {
            let message = self.message(row)?;
            return self.ledger.reject(code, &message, value);
        }
        if row.pair != open.pair {
            return self.refuse_pair(open, row);
        }
        let time = row.at.time();
        if open.last_written.is_some_and(|last| last > time) && !self.takes_older(open, row)? {
            return Ok(());
        }
        let mut weight = Weight::of_record(row.at.offset(), row.len);
        let spool = &self.ledger.spool;
        let grown = |at, len| spool.read(at, len).map(|message| grown(message.content()) as u64);
        if let Some(bytes) = self.neighbours.too_large_with(&mut weight, grown)?
            && !self.takes_large(open, row, bytes)?
        {
            return Ok(());
        }
        if open.messages == 0 {
            self.loader.conversation(open.key, &open.peers, open.earlier.as_ref())?;
            self.ledger.summary.conversations += 1;
        }
        let spread = open.spread.next(time);
        if open.is_behind {
            self.ledger.summary.behind += 1;
        } else {
            self.ledger.summary.spread += u64::from(spread > 0);
            self.ledger.summary.spread_most = self.ledger.summary.spread_most.max(spread);
        }
        if spread > HOUR_MS && !open.is_behind {
            let message = self.message(row)?;
            let value = format!("{} minutes, in {}", spread / 60_000, open.peers.conversation());
            self.ledger.say(&codes::TIME_MOVED, &message, &value)?;
        }
        if self.neighbours.next(SendTime(time.0.saturating_add_unsigned(spread)), weight) {
            open.same_time += 1;
            open.first_same.get_or_insert(*row);
        }
        self.loader.entry(row.at.offset(), row.len, time, spread, reply)?;
        self.loader.member(row.sender);
        open.messages += 1;
        self.count(time, row.len);
        Ok(())
    }

    /// A message that is older than what an earlier pass has: whether it is sent behind that.
    fn takes_older(&mut self, open: &Open, row: &IndexRow) -> Result<bool, JobError> {
        let message = self.message(row)?;
        let name = open.peers.conversation();
        let behind = open.earlier.as_ref().map_or(0, |earlier| earlier.last_sent.0.abs_diff(row.at.time().0));
        if self.way.times.older == Older::Refuse && behind > HOUR_MS {
            let value = format!("{} minutes older, in {name}", behind / 60_000);
            self.ledger.say(&codes::WOULD_NOT_SCROLL, &message, &value)?;
            self.ledger.reject(&codes::WOULD_NOT_SCROLL, &message, &value)?;
            return Ok(false);
        }
        self.ledger.summary.older += 1;
        self.ledger.say(&codes::OLDER, &message, name.as_str())?;
        Ok(true)
    }

    /// A message that makes its neighbours too large for one stored document: whether it is sent all the same.
    fn takes_large(&mut self, open: &mut Open, row: &IndexRow, bytes: u64) -> Result<bool, JobError> {
        if self.way.allow_large && std::mem::replace(&mut open.large, true) {
            return Ok(true);
        }
        let message = self.message(row)?;
        let value = format!("{bytes} bytes up to here in {}", open.peers.conversation());
        if self.way.allow_large {
            self.ledger.say(&codes::NEIGHBOURS_TOO_LARGE_ALLOWED, &message, &value)?;
        } else {
            self.ledger.say(&codes::NEIGHBOURS_TOO_LARGE, &message, &value)?;
            self.ledger.reject(&codes::NEIGHBOURS_TOO_LARGE, &message, &value)?;
        }
        Ok(self.way.allow_large)
    }

    fn count(&mut self, time: SendTime, len: u32) {
        let summary = &mut *self.ledger.summary;
        summary.messages += 1;
        summary.bytes += u64::from(len);
        summary.first_time = Some(summary.first_time.map_or(time.0, |first| first.min(time.0)));
        summary.last_time = Some(summary.last_time.map_or(time.0, |last| last.max(time.0)));
    }

    fn open(&mut self, row: &IndexRow) -> Result<Open, JobError> {
        let key = row.at.conv();
        let peers = match self.names.find(key, row.pair)? {
            Some(peers) => peers,
            // Its name was taken for one met before: a chance of one in 2^64 a conversation.
            None => peers_of(&self.message(row)?),
        };
        let earlier = self.loader.earlier(key)?;
        let (peers, pair) = match &earlier {
            Some(earlier) => {
                check_name(&earlier.peers, &peers)?;
                (earlier.peers.clone(), pair_of(&earlier.peers, &mut self.scratch))
            }
            None => (peers, row.pair),
        };
        let rival = key.rival();
        // Beside each other in the sort, or one of them in an earlier pass.
        let collides = self.before == Some(rival) || self.loader.earlier(rival)?.is_some();
        let refused = collides.then(|| (&codes::GROUP_NAME_COLLISION, name_of(&peers)));
        if let Some((code, value)) = &refused {
            let message = self.message(row)?;
            self.ledger.say(code, &message, value)?;
        }
        if let Some(earlier) = &earlier {
            for (at, len) in self.loader.last_records(earlier, TOGETHER)? {
                self.neighbours.beside(Weight::of_record(at, len));
            }
        }
        let last_written = earlier.as_ref().map(|earlier| self.loader.last_written(earlier)).transpose()?;
        let before = earlier.as_ref().filter(|_| self.way.times.older != Older::Stay);
        let behind = self.way.behind.get(&peers.conversation()).copied();
        let spread = Spread::after(self.way.times.equal, before.map(|earlier| earlier.last_sent).max(behind));
        Ok(Open {
            key,
            peers,
            spread,
            is_behind: behind.is_some(),
            pair,
            earlier,
            last_written,
            refused,
            reported: None,
            large: false,
            messages: 0,
            same_time: 0,
            first_same: None,
        })
    }

    fn close(&mut self) -> Result<(), JobError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.neighbours.clear();
        self.before = None;
        if open.messages == 0 {
            return Ok(());
        }
        self.before = Some(open.key);
        self.loader.end()?;
        self.ledger.summary.same_time += open.same_time;
        if let Some(first) = open.first_same {
            let message = self.message(&first)?;
            let of = open.peers.conversation();
            let value =
                format!("{} of {} of {of}", open.same_time, plural(open.messages, "message", "messages"));
            self.ledger.say(&codes::SAME_TIME, &message, &value)?;
        }
        Ok(())
    }

    /// Law 11: another pair of users under the same name.
    fn refuse_pair(&mut self, open: &mut Open, row: &IndexRow) -> Result<(), JobError> {
        let message = self.message(row)?;
        let peers = peers_of(&message);
        check_name(&open.peers, &peers)?;
        let value =
            format!("{} and {} are both {}", name_of(&open.peers), name_of(&peers), peers.conversation());
        if open.reported.replace(row.pair) != Some(row.pair) {
            self.ledger.say(&codes::CONVERSATION_COLLISION, &message, &value)?;
        }
        self.ledger.reject(&codes::CONVERSATION_COLLISION, &message, &value)
    }

    fn message(&self, row: &IndexRow) -> Result<Spooled, JobError> {
        self.ledger.spool.read(row.at.offset(), row.len)
    }
}

/// One key, one name: else two names have the same hash, and nothing is right any more.
fn check_name(a: &Peers, b: &Peers) -> Result<(), JobError> {
    let (a, b) = (a.conversation(), b.conversation());
    if a == b { Ok(()) } else { Err(JobError::HashCollision(a.0, b.0)) }
}

fn peers_of(message: &Spooled) -> Peers {
    match &message.peer {
        Peer::User(to) => {
            let (a, b) = (message.sender.clone(), UserId(to.to_string()));
            if a <= b { Peers::Single(a, b) } else { Peers::Single(b, a) }
        }
        Peer::Group(group) => Peers::Group(GroupId(group.to_string())),
    }
}

fn pair_of(peers: &Peers, scratch: &mut Vec<u8>) -> u32 {
    match peers {
        Peers::Single(a, b) => pair_hash_of(a.as_str(), Some(b.as_str()), scratch),
        Peers::Group(group) => pair_hash_of(group.as_str(), None, scratch),
    }
}

/// In words.
fn name_of(peers: &Peers) -> String {
    match peers {
        Peers::Single(a, b) => format!("`{a}` with `{b}`"),
        Peers::Group(group) => format!("group `{group}`"),
    }
}
