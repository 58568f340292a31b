//! The law for what is left in a log, and where it is broken. Sufficient, not necessary.

use crate::slots::{Entry, Log};
use std::fmt;

/// A slot that breaks the law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// A message older than one before it.
    Older {
        /// Its slot.
        seq: i64,
        /// Its time, ms.
        time: i64,
        /// The highest time before it, ms.
        behind: i64,
    },
    /// A message with the very time of the one before it.
    SameTime {
        /// Its slot.
        seq: i64,
        /// The time of both, ms.
        time: i64,
    },
    /// A message that stands in an earlier slot, too.
    Copy {
        /// Its slot.
        seq: i64,
        /// The earlier slot.
        of: i64,
    },
    /// An empty slot that the server dates out of its place.
    HoleDate {
        /// Its slot.
        seq: i64,
        /// The date, ms.
        time: i64,
    },
}

/// All breaches of a log: how many of each kind, and the first few.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breaches {
    /// Messages older than one before them.
    pub older: usize,
    /// Messages with the time of the one before them.
    pub same_time: usize,
    /// Messages that stand in an earlier slot, too.
    pub copies: usize,
    /// Empty slots with a wrong date.
    pub hole_dates: usize,
    /// The first of each kind.
    pub first: Vec<Breach>,
}

impl Breaches {
    /// The law holds.
    pub fn is_none(&self) -> bool {
        self.first.is_empty()
    }

    fn add(&mut self, breach: Breach) {
        let count = match breach {
            Breach::Older { .. } => &mut self.older,
            Breach::SameTime { .. } => &mut self.same_time,
            Breach::Copy { .. } => &mut self.copies,
            Breach::HoleDate { .. } => &mut self.hole_dates,
        };
        *count += 1;
        if *count == 1 {
            self.first.push(breach);
        }
    }
}

/// Where the log breaks the law.
pub fn breaches(log: &Log) -> Breaches {
    let mut found = Breaches::default();
    let mut at: Vec<i64> = vec![0; log.messages()];
    let mut latest: Option<i64> = None;
    let mut hole: Vec<Entry> = Vec::new();
    let mut next = log.min_seq;
    for entry in &log.entries {
        // Slots that nobody read count as dated by the message below; with none below, that is 0.
        if entry.seq > next && latest.is_none() {
            found.add(Breach::HoleDate { seq: next, time: 0 });
        }
        next = entry.seq + 1;
        if entry.is_empty() {
            hole.push(*entry);
            continue;
        }
        judge_hole(&hole, latest, Some(entry.time), &mut found);
        hole.clear();
        if at[entry.id as usize] > 0 {
            found.add(Breach::Copy { seq: entry.seq, of: at[entry.id as usize] });
        } else {
            match latest {
                Some(behind) if entry.time < behind => {
                    found.add(Breach::Older { seq: entry.seq, time: entry.time, behind });
                }
                Some(behind) if entry.time == behind => {
                    found.add(Breach::SameTime { seq: entry.seq, time: entry.time });
                }
                _ if entry.time <= 0 => {
                    found.add(Breach::Older { seq: entry.seq, time: entry.time, behind: 1 });
                }
                _ => {}
            }
        }
        at[entry.id as usize] = entry.seq;
        latest = latest.max(Some(entry.time));
    }
    judge_hole(&hole, latest, None, &mut found);
    found
}

/// Within a hole dates may not fall either: a slot dated by a message that was deleted later, below one that was
/// dated after that, made a client hang.
fn judge_hole(hole: &[Entry], under: Option<i64>, above: Option<i64>, found: &mut Breaches) {
    let mut under = under.unwrap_or(0);
    for empty in hole {
        let right = empty.time > 0 && under <= empty.time && above.is_none_or(|above| empty.time < above);
        if !right {
            found.add(Breach::HoleDate { seq: empty.seq, time: empty.time });
        }
        under = under.max(empty.time);
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Older { seq, time, behind } => {
                write!(f, "slot {seq} is older ({time}) than what stands before it ({behind})")
            }
            Self::SameTime { seq, time } => {
                write!(f, "slot {seq} has the time of the message before it ({time})")
            }
            Self::Copy { seq, of } => write!(f, "slot {seq} is a copy of slot {of}"),
            Self::HoleDate { seq, time: 0 } => write!(f, "the empty slot {seq} has no date"),
            Self::HoleDate { seq, time } => {
                write!(f, "the empty slot {seq} is dated out of its place ({time})")
            }
        }
    }
}

impl fmt::Display for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |breach: &Breach| match breach {
            Breach::Older { .. } => self.older,
            Breach::SameTime { .. } => self.same_time,
            Breach::Copy { .. } => self.copies,
            Breach::HoleDate { .. } => self.hole_dates,
        };
        for (n, breach) in self.first.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{breach}")?;
            let more = count(breach) - 1;
            if more > 0 {
                write!(f, " (and {more} more)")?;
            }
        }
        Ok(())
    }
}
