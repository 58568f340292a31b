//! `verify --client`: whether users can scroll, in figures and words.

use super::super::context::Context;
use super::super::{Failure, afterwards};
use super::verdict::SHOWN;
use crate::after::{self, Scrolled};
use crate::job::JobReader;
use crate::openim::Client;
use crate::report::count;
use crate::shown::Judgement;

/// What the judge said of all conversations.
#[derive(Debug, Default)]
pub(super) struct Scrollable {
    /// Conversations judged.
    pub(super) judged: u64,
    /// Of these, how many can't be scrolled to the start.
    pub(super) broken: u64,
    /// Of the others, for how many that depends on who reads first a day later.
    fading: u64,
    /// Empty slots that were given another date.
    redated: u64,
    /// The first that can't, and why, as lines.
    shown: Vec<String>,
}

impl Scrollable {
    fn add(&mut self, one: &Scrolled) {
        self.judged += 1;
        self.redated += one.redated;
        match &one.judgement {
            Judgement::Sound | Judgement::Harmless(_) => return,
            Judgement::Fades(..) => self.fading += 1,
            Judgement::Broken(..) => self.broken += 1,
        }
        if self.shown.len() < SHOWN {
            let mend = after::mend(&one.judgement);
            let mend = if mend.is_empty() { String::new() } else { format!("; {mend}") };
            self.shown.push(format!("{}: {}{mend}", one.name, one.judgement));
        }
    }

    /// The conversations that can't be scrolled, each with its reason.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.shown.clone();
        let more = (self.broken + self.fading).saturating_sub(self.shown.len() as u64);
        if more > 0 {
            lines.push(format!("… and {} more conversations", count(more)));
        }
        lines
    }

    pub(super) fn show(&self, context: &Context) -> Result<(), Failure> {
        let lines = self.lines();
        if lines.is_empty() { Ok(()) } else { context.say(&lines.join("\n")) }
    }

    /// A sentence or two.
    pub(super) fn in_words(&self) -> String {
        let can = count(self.judged - self.broken);
        let mut said =
            vec![format!("{can} of {} conversations can be scrolled to the start.", count(self.judged))];
        if self.redated > 0 {
            said.push(format!("{} empty slots were dated anew.", count(self.redated)));
        }
        if self.fading > 0 {
            said.push(format!(
                "In {} of them that can change a day after an import, when the server dates empty slots anew: verify then.",
                count(self.fading)
            ));
        }
        said.join(" ")
    }
}

/// Reads and judges all conversations of the job.
pub(super) async fn scrolled(
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
    mends: bool,
) -> Result<Scrollable, Failure> {
    let mut all = Scrollable::default();
    after::scroll(client.clone(), reader, settings, mends, |one| {
        all.add(&one);
        Ok(())
    })
    .await
    .map_err(afterwards::failure)?;
    Ok(all)
}
