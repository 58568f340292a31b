//! The client's side: its database, and how it fills a page.
//!
//! The clients before v3.8.3-patch.13 are not played: what they show of a sound log is the same.

mod order;
mod rows;

use crate::server::{Answer, Server};
use crate::slots::EMPTY;
pub use order::sort_by_time;
use rows::{Row, Rows};
use std::collections::HashMap;

/// A version of OpenIM's client SDK, as far as paging differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// v3.8.3-patch.14 (June 2026).
    Patch14,
    /// v3.8.3-patch.13; the next release ("main", June 2026) pages the same way.
    Patch13,
}

/// Of a gap, only so many slots are fetched, the highest.
const FETCH: i64 = 50;
/// A call that comes by the same place so often never ends.
const HANGS: u32 = 50;
/// Nor does one that goes on for so long: half a million slots, minutes of waiting.
const MOST_BATCHES: u32 = 10_000;

/// A message as the app gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) seq: i64,
    pub(crate) time: i64,
    pub(crate) id: u32,
}

/// What one call gives the app: oldest first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) shown: Vec<Shown>,
    pub(crate) is_end: bool,
}

#[derive(Debug, Clone, Copy)]
struct Cursor {
    time: i64,
    seq: i64,
    /// The row it stands on; `None`: put there by the app.
    row: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Client<'l> {
    version: Version,
    server: Server<'l>,
    rows: Rows,
    /// The lowest seq of any batch since the conversation was entered; 0: none.
    low: i64,
    /// As far down as the server let it read.
    min: i64,
}

impl<'l> Client<'l> {
    /// Logs in with an empty database: of each conversation the newest message is there.
    pub(crate) fn login(version: Version, server: Server<'l>) -> Self {
        let newest = server.newest();
        let rows = Rows::new(server.ids());
        let mut client = Self { version, rows, low: 0, min: 1, server };
        if let Some(newest) = newest {
            client.rows.insert(newest);
        }
        client
    }

    /// A page of so many messages, older than `start`. `None`: the call does not return.
    pub(crate) fn page(&mut self, start: Option<Shown>, count: usize) -> Option<Page> {
        match start {
            None => self.low = 0,
            Some(start) if self.low == 0 => self.low = start.seq,
            Some(_) => {}
        }
        let mut cursor = start.map(|start| Cursor { time: start.time, seq: start.seq, row: None });
        let mut shown = Vec::new();
        let mut is_end = false;
        let mut passed: HashMap<(i64, i64), u32> = HashMap::new();
        for _ in 0..MOST_BATCHES {
            let (list, ended) = self.batch(cursor, count - shown.len());
            shown.extend(list.iter().filter(|row| row.live).map(Row::shown));
            is_end |= ended;
            let Some(oldest) = list.last().filter(|_| !is_end && shown.len() < count) else {
                sort_by_time(&mut shown, |one| one.time);
                return Some(Page { shown, is_end });
            };
            let next = self.next_cursor(cursor, oldest, &list);
            let stalled =
                cursor.is_some_and(|now| (now.time, now.seq, now.row) == (next.time, next.seq, next.row));
            if stalled && self.version == Version::Patch14 {
                sort_by_time(&mut shown, |one| one.time);
                return Some(Page { shown, is_end: true });
            }
            let times = passed.entry((next.time, next.seq)).or_default();
            *times += 1;
            if *times >= HANGS {
                return None;
            }
            cursor = Some(next);
        }
        None
    }

    /// The rows below the cursor, completed from the server; and whether this is the end.
    fn batch(&mut self, cursor: Option<Cursor>, need: usize) -> (Vec<Row>, bool) {
        let mut list = self.rows.below(cursor.map(|cursor| (cursor.time, cursor.seq)), need);
        let removed = match self.version {
            Version::Patch14 if rows::want_cleaning(&list) => self.rows.to_clean(),
            _ => Vec::new(),
        };
        let top = list.iter().map(|row| row.seq).max().unwrap_or(0);
        match self.version {
            Version::Patch14 => {
                self.fill_between(top, cursor, need, &mut list);
                self.fill_inside(cursor, need, &mut list);
            }
            Version::Patch13 => {
                self.fill_inside(cursor, need, &mut list);
                self.fill_between(top, cursor, need, &mut list);
            }
        }
        let is_end = self.fill_end(cursor, need, &mut list);
        self.rows.remove(&removed);
        if let Some(lowest) = lowest(&list) {
            self.low = if self.low == 0 { lowest } else { self.low.min(lowest) };
        }
        (list, is_end)
    }

    /// The gap between this batch and the ones before.
    fn fill_between(&mut self, top: i64, cursor: Option<Cursor>, need: usize, list: &mut Vec<Row>) {
        if self.low > 0 && top + 1 != self.low {
            let gap: Vec<i64> = highest(top + 1, self.low - 1).collect();
            self.fill(&gap, cursor, need, list);
        }
    }

    /// The gaps within the batch.
    fn fill_inside(&mut self, cursor: Option<Cursor>, need: usize, list: &mut Vec<Row>) {
        let mut held: Vec<i64> = list.iter().map(|row| row.seq).collect();
        held.sort_unstable();
        let mut gaps: Vec<i64> = Vec::new();
        for pair in held.windows(2).rev() {
            let room = FETCH - i64::try_from(gaps.len()).unwrap_or(FETCH);
            gaps.extend((pair[0] + 1..pair[1]).rev().take(usize::try_from(room).unwrap_or(0)));
        }
        gaps.reverse();
        self.fill(&gaps, cursor, need, list);
    }

    /// A list that is too short ends the history, or has to go on below.
    fn fill_end(&mut self, cursor: Option<Cursor>, need: usize, list: &mut Vec<Row>) -> bool {
        let ends = |list: &[Row], min: i64| list.len() < need && lowest(list).unwrap_or(0) <= min;
        if list.len() >= need {
            return false;
        }
        if ends(list, self.min) {
            return true;
        }
        let below: Vec<i64> = highest(self.min, lowest(list).unwrap_or(0) - 1).collect();
        self.fill(&below, cursor, need, list);
        ends(list, self.min)
    }

    /// Fetches slots, keeps them, and merges them into the list.
    fn fill(&mut self, seqs: &[i64], cursor: Option<Cursor>, need: usize, list: &mut Vec<Row>) {
        if seqs.is_empty() {
            return;
        }
        let min = self.server.min_seq();
        let mut answers = self.server.fetch(seqs);
        if seqs.iter().any(|seq| *seq < min) {
            self.min = self.min.max(min);
        }
        if self.version == Version::Patch14 {
            let left_out = seqs.iter().filter(|seq| **seq < min);
            answers.extend(left_out.map(|seq| Answer { seq: *seq, time: 0, id: EMPTY }));
            answers.sort_unstable_by_key(|answer| answer.seq);
            date_by_neighbours(&mut answers, list, cursor);
        }
        // Kept by rising seq: of two with one id in an answer, the lower is the message.
        let mut fresh: Vec<Row> = answers.into_iter().map(|answer| self.rows.insert(answer)).collect();
        fresh.reverse();
        *list = merge(list, &fresh, need);
    }

    fn next_cursor(&self, cursor: Option<Cursor>, oldest: &Row, list: &[Row]) -> Cursor {
        let mut time = oldest.time;
        if self.version == Version::Patch14 && cursor.is_none() && time == 0 {
            time = list.iter().map(|row| row.time).filter(|time| *time != 0).min().unwrap_or(0);
        }
        Cursor { time, seq: oldest.seq, row: Some(oldest.key) }
    }
}

fn lowest(list: &[Row]) -> Option<i64> {
    list.iter().map(|row| row.seq).min()
}

/// The highest [`FETCH`] of a range.
fn highest(from: i64, to: i64) -> std::ops::RangeInclusive<i64> {
    from.max(to - FETCH + 1)..=to
}

/// What has no date takes that of the nearest higher seq that has one, else of the nearest lower, else the cursor's.
fn date_by_neighbours(answers: &mut [Answer], list: &[Row], cursor: Option<Cursor>) {
    if answers.iter().all(|answer| answer.time != 0) {
        return;
    }
    let mut dated: Vec<(i64, i64)> = list.iter().map(|row| (row.seq, row.time)).collect();
    dated.extend(answers.iter().map(|answer| (answer.seq, answer.time)));
    dated.retain(|(_, time)| *time > 0);
    dated.sort_by_key(|(seq, _)| *seq);
    for answer in answers.iter_mut().filter(|answer| answer.time == 0) {
        let above = dated.partition_point(|(seq, _)| *seq <= answer.seq);
        let below = dated.partition_point(|(seq, _)| *seq < answer.seq);
        let neighbour = dated.get(above).or_else(|| dated.get(below.checked_sub(1)?));
        answer.time = neighbour.map_or(cursor.map_or(0, |cursor| cursor.time), |(_, time)| *time);
    }
}

/// Two heads; the one of higher time first, of equal time the list's if its seq is higher. The fresh ones come by
/// falling seq and are *not* sorted by time.
fn merge(list: &[Row], fresh: &[Row], most: usize) -> Vec<Row> {
    let (mut held, mut fresh) = (list.iter().peekable(), fresh.iter().peekable());
    let next = || match (held.peek(), fresh.peek()) {
        (Some(a), Some(b)) if (a.time, a.seq) > (b.time, b.seq) => held.next().copied(),
        (_, Some(_)) => fresh.next().copied(),
        (_, None) => held.next().copied(),
    };
    std::iter::from_fn(next).take(most).collect()
}
