//! What the server answers to a client: messages, and empty slots with a date.

use crate::slots::{EMPTY, Log};
use std::collections::HashMap;

/// Whose dates the empty slots have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// Those of the log, as they were read: the server keeps a date for a day, for everybody.
    AsRead,
    /// Those that the server finds for the client that reads first, once a day has passed.
    Afresh,
}

/// The log, with newer messages behind it.
#[derive(Debug)]
pub(crate) struct Server<'l> {
    log: &'l Log,
    /// So many, a second apart, after everything that is there.
    newer: i64,
    latest: i64,
    dates: Dates,
    dated: HashMap<i64, i64>,
}

/// One slot as it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) seq: i64,
    pub(crate) time: i64,
    /// [`EMPTY`]: none.
    pub(crate) id: u32,
}

impl<'l> Server<'l> {
    pub(crate) fn new(log: &'l Log, newer: u32, dates: Dates) -> Self {
        Self { log, newer: i64::from(newer), latest: log.latest().max(1), dates, dated: HashMap::new() }
    }

    /// The number of different ids: a made-up id is none of them.
    pub(crate) fn ids(&self) -> usize {
        self.log.messages() + usize::try_from(self.newer).unwrap_or(0)
    }

    pub(crate) fn min_seq(&self) -> i64 {
        self.log.min_seq
    }

    /// What a client with an empty database is given: the newest message, in its slot.
    pub(crate) fn newest(&self) -> Option<Answer> {
        let seq = self.log.max_seq + self.newer;
        if self.newer > 0 {
            return self.message(seq);
        }
        let newest = self.log.message_at_or_below(seq).map(|(seq, _)| seq)?;
        self.message(newest)
    }

    /// The slots asked for, rising in seq. What lies below the min seq is left out.
    pub(crate) fn fetch(&mut self, seqs: &[i64]) -> Vec<Answer> {
        let wanted = seqs.iter().copied().filter(|seq| *seq >= self.log.min_seq);
        let mut answers: Vec<Answer> = wanted
            .map(|seq| {
                self.message(seq).unwrap_or_else(|| Answer { seq, time: self.as_read(seq), id: EMPTY })
            })
            .collect();
        if self.dates == Dates::Afresh {
            self.date(&mut answers);
        }
        answers
    }

    fn message(&self, seq: i64) -> Option<Answer> {
        let behind = seq - self.log.max_seq;
        if behind > 0 {
            let id = self.log.ids + u32::try_from(behind - 1).ok()?;
            return (behind <= self.newer).then_some(Answer { seq, time: self.latest + 1000 * behind, id });
        }
        let entry = self.log.at_or_below(seq).filter(|entry| entry.seq == seq && !entry.is_empty())?;
        Some(Answer { seq, time: entry.time, id: entry.id })
    }

    fn as_read(&self, seq: i64) -> i64 {
        match self.log.at_or_below(seq) {
            Some(entry) if entry.seq == seq => entry.time,
            Some(entry) => entry.below.1,
            None => 0,
        }
    }

    /// The server's own search: highest first; a date holds for all lower ones down to the message that gave it;
    /// what finds nothing leaves itself and all lower ones at 0. Kept for a day.
    fn date(&mut self, answers: &mut [Answer]) {
        let mut found: Option<(i64, i64)> = None;
        let mut nothing = false;
        for answer in answers.iter_mut().rev().filter(|answer| answer.id == EMPTY) {
            if let Some(time) = self.dated.get(&answer.seq) {
                answer.time = *time;
                continue;
            }
            if !nothing && found.is_none_or(|(seq, _)| seq > answer.seq) {
                // The search in its own document of 100 is cut at seq mod 100: for a multiple of 100 at nothing.
                let from = if answer.seq % 100 == 0 { answer.seq - 100 } else { answer.seq };
                found = self.log.message_at_or_below(from).filter(|(_, time)| *time > 0);
                nothing = found.is_none();
            }
            answer.time = found.filter(|_| !nothing).map_or(0, |(_, time)| time);
            self.dated.insert(answer.seq, answer.time);
        }
    }
}
