//! One user scrolling one conversation to its start, and what came of it.

use crate::client::{Client, Shown, Version};
use crate::server::{Dates, Server};
use crate::slots::{EMPTY, Log};
use std::fmt;

/// Who scrolls, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The client's version.
    pub version: Version,
    /// Messages a page: apps take 20 or 40.
    pub page: usize,
    /// So many newer messages stand behind the log by then.
    pub newer: u32,
    /// Whose dates the empty slots have.
    pub dates: Dates,
}

/// How the scrolling ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client says that this is the start.
    AtTheStart,
    /// A call never returns; the client's CPU and database grow.
    Hang,
    /// Pages go on for ever, and repeat.
    Endless,
}

/// What a user saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Who looked.
    pub setting: Setting,
    /// How it ended.
    pub ended: Ended,
    /// Pages that came, the last one included.
    pub pages: usize,
    /// Messages that are in the log and never came.
    pub lost: usize,
    /// Messages that came a second time.
    pub repeated: usize,
    /// Messages that came in front of an older one, or beside one of the same time.
    pub misplaced: usize,
}

impl View {
    /// Everything, once, in order, to the end.
    pub fn is_whole(&self) -> bool {
        self.ended == Ended::AtTheStart && self.lost + self.repeated + self.misplaced == 0
    }
}

/// Logs in with an empty database and pages back to the start.
pub fn view(log: &Log, setting: Setting) -> View {
    let server = Server::new(log, setting.newer, setting.dates);
    let expected = server.ids();
    let most_pages = (4 * expected.div_ceil(setting.page)).max(60);
    let mut client = Client::login(setting.version, server);
    // Newest page first, each page newest first: from the newest message to the oldest.
    let mut shown: Vec<Shown> = Vec::new();
    let mut start = None;
    let mut pages = 0;
    let ended = loop {
        if pages > most_pages {
            break Ended::Endless;
        }
        let Some(page) = client.page(start, setting.page) else { break Ended::Hang };
        pages += 1;
        start = page.shown.first().copied();
        shown.extend(page.shown.iter().rev());
        if page.is_end || page.shown.is_empty() {
            break Ended::AtTheStart;
        }
    };
    let mut seen = vec![false; expected];
    let distinct = shown.iter().filter(|one| one.id != EMPTY);
    let distinct = distinct.filter(|one| !std::mem::replace(&mut seen[one.id as usize], true)).count();
    // Equal times count in any order: whether they come right is an accident of the sort.
    let misplaced = shown.windows(2).filter(|pair| pair[0].time <= pair[1].time).count();
    let (lost, repeated) = (expected - distinct, shown.len() - distinct);
    View { setting, ended, pages, lost, repeated, misplaced }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patch14 => "v3.8.3-patch.14",
            Self::Patch13 => "v3.8.3-patch.13 and main",
        })
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { version, page, newer, dates } = self.setting;
        write!(f, "client {version}, pages of {page}")?;
        if newer > 0 {
            write!(f, ", {newer} newer messages behind")?;
        }
        if dates == Dates::Afresh {
            f.write_str(", after a day")?;
        }
        f.write_str(": ")?;
        match self.ended {
            Ended::AtTheStart => f.write_str("comes to the start")?,
            Ended::Hang => write!(f, "hangs on page {}", self.pages + 1)?,
            Ended::Endless => f.write_str("never comes to the start, pages repeat")?,
        }
        for (count, what) in
            [(self.lost, "never shown"), (self.repeated, "shown again"), (self.misplaced, "out of order")]
        {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
