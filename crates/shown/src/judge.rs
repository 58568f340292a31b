//! The verdict on a log.

use crate::client::Version;
use crate::law::{Breaches, breaches};
use crate::server::Dates;
use crate::short::shortened;
use crate::slots::Log;
use crate::view::{Setting, View, view};
use std::fmt;

/// Where pages end comes round after so many newer messages.
const NEWER: u32 = 60;
/// Up to so many slots the figures are those of the whole log.
const WHOLE: usize = 200_000;

/// What users will see of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The law holds: everything, once, in order, to the start.
    Sound,
    /// The law is broken, and everybody sees everything all the same, also when people write on.
    Harmless(Breaches),
    /// The same today; a day later, when the server has to date its empty slots anew, it depends on who reads first.
    Fades(Breaches, View),
    /// It can't be scrolled: by which law, and one user who shows it.
    Broken(Breaches, View),
}

impl Judgement {
    /// Everything can be scrolled, once, in order, to the start.
    pub fn scrolls(&self) -> bool {
        !matches!(self, Self::Broken(..))
    }
}

/// Judges a log.
///
/// 100,000 messages take 20 ms where the law holds, and below a second where it is broken somewhere.
pub fn judge(log: &Log) -> Judgement {
    let found = breaches(log);
    let fades = has_hole_across_a_hundred(log);
    if found.is_none() && !fades {
        return Judgement::Sound;
    }
    let short = shortened(log);
    if !found.is_none()
        && let Some(setting) = harmful(&short, Dates::AsRead)
    {
        return Judgement::Broken(found, figures(log, &short, setting));
    }
    if fades && let Some(setting) = harmful(&short, Dates::Afresh) {
        return Judgement::Fades(found, figures(log, &short, setting));
    }
    if found.is_none() { Judgement::Sound } else { Judgement::Harmless(found) }
}

/// The first setting in which not everything is shown.
fn harmful(log: &Log, dates: Dates) -> Option<Setting> {
    let settings = (0..NEWER).flat_map(|newer| {
        [Version::Patch14, Version::Patch13].into_iter().flat_map(move |version| {
            [20, 40].into_iter().map(move |page| Setting { version, page, newer, dates })
        })
    });
    settings.into_iter().find(|setting| !view(log, *setting).is_whole())
}

/// The figures of the whole log, where it is not too long for that.
fn figures(log: &Log, short: &Log, setting: Setting) -> View {
    if log.entries.len() <= WHOLE {
        let whole = view(log, setting);
        if !whole.is_whole() {
            return whole;
        }
    }
    view(short, setting)
}

/// Such a hole is dated by whoever reads it first, once a day.
fn has_hole_across_a_hundred(log: &Log) -> bool {
    let missing = |from: i64, to: i64| to >= from && to / 100 > (from - 1) / 100;
    let mut next = log.min_seq;
    for entry in &log.entries {
        if missing(next, entry.seq - 1) || (entry.is_empty() && entry.seq % 100 == 0) {
            return true;
        }
        next = entry.seq + 1;
    }
    missing(next, log.max_seq)
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sound => f.write_str("can be scrolled to the start"),
            Self::Harmless(found) => write!(f, "can be scrolled to the start, although {found}"),
            Self::Fades(_, view) => {
                write!(
                    f,
                    "can be scrolled to the start today; it depends on who reads first tomorrow: {view}"
                )
            }
            Self::Broken(found, view) => write!(f, "can't be scrolled to the start: {found} ({view})"),
        }
    }
}
