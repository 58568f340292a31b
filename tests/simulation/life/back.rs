//! Ways back, and what is commanded rarely: an import is taken back and sent anew, its job is lost and adopted, an old copy
//! of it is put back.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use openim_importer::after::{self, Adopted};
use openim_importer::import::Limits;
use openim_importer::job::{Committed, Job};
use openim_importer::message::ConversationId;

use super::super::dice::Dice;
use super::super::trouble::Kill;
use super::{BEGAN, Lived, copy_all};

/// A copy of the job, as somebody keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backup {
    /// Passes that it has.
    passes: usize,
}

/// Such a command is given again after a kill, or where something was left, so often.
const TRIES: u32 = 8;

impl Lived {
    /// One of them.
    pub(super) async fn way_back(&mut self, dice: &Dice) {
        // What comes back by itself after that, or was on its way, has to be taken back once more.
        self.life.calm = false;
        match (dice.below(4), self.backup) {
            (0, _) => self.take_back(self.some(dice), dice).await,
            (1, _) => {
                self.lose();
                if dice.per_mille(600) {
                    self.adopt(dice).await;
                }
            }
            (_, None) => {
                self.network.say(|| "BACKUP".to_owned());
                copy_all(&self.job_dir(), &self.folder.path().join("backup"));
                self.backup = Some(Backup { passes: self.passes });
            }
            (_, Some(backup)) => {
                self.network.say(|| format!("PUT BACK, with {} of {} passes", backup.passes, self.passes));
                self.deaths += 1;
                copy_all(&self.folder.path().join("backup"), &self.job_dir());
                self.passes = backup.passes;
            }
        }
    }

    /// All conversations, or one of them.
    fn some(&self, dice: &Dice) -> Option<HashSet<ConversationId>> {
        let conversations = self.life.history.conversations();
        let only = dice.per_mille(400).then(|| dice.throw(|dice| dice.usize(..conversations.len())));
        only.map(|n| HashSet::from([ConversationId(conversations[n].clone())]))
    }

    /// `undo`, until nothing is left of it, and what `run --again` does before it sends.
    pub(super) async fn take_back(&mut self, only: Option<HashSet<ConversationId>>, dice: &Dice) {
        if !self.open().is_started().unwrap() {
            return;
        }
        // It would say of what is taken back that it is there.
        self.backup = None;
        let settings = after::Settings { only, ..after::Settings::default() };
        self.network.say(|| format!("UNDO {:?}", settings.only));
        for _ in 0..TRIES {
            let kill = dice.per_mille(300).then(|| Kill::draw(dice, self.messages()));
            let (client, mut job) = (self.client.clone(), self.open());
            let undo = after::undo(client, &mut job, settings.clone(), false, |_| {});
            let Some(undone) = self.unless_killed(kill, None, undo).await else { continue };
            self.network.say(|| format!("UNDONE {undone:?}"));
            match undone {
                Ok(report) if report.failed > 0 => {}
                Ok(_) => {
                    job.start_again().unwrap();
                    return;
                }
                Err(error) => return self.wrong(format!("undo failed: {error}")),
            }
        }
        self.wrong("undo never ends".to_owned());
    }

    /// The job is lost, and a new one is made of all exports at once. Who gives it to `run` and not to `adopt` is told, or there
    /// is nothing yet that could be told.
    pub(super) fn lose(&mut self) {
        self.network.say(|| "THE JOB IS LOST".to_owned());
        self.backup = None;
        self.deaths += 1;
        let mut job = Job::create(&self.job_dir()).unwrap();
        self.load(&mut job, &self.life.history.passes[..self.passes].concat());
    }

    /// A new job learns from the server what is there.
    pub(super) async fn adopt(&mut self, dice: &Dice) {
        self.adopted = true;
        for _ in 0..TRIES {
            let kill = dice.per_mille(300).then(|| Kill::draw(dice, self.messages()));
            let mut job = self.open();
            job.write_in_place(Committed(Arc::new(|_| {})));
            let (settings, quiet) = (after::Settings::default(), Limits::default().cut_wait);
            let found = Arc::new(Adopted::default());
            let now = BEGAN + i64::try_from(self.network.clock().as_millis()).unwrap();
            let adopt = after::adopt(self.client.clone(), &mut job, settings, quiet, now, Arc::clone(&found));
            let Some(adopted) = self.unless_killed(kill, None, adopt).await else { continue };
            self.network.say(|| format!("ADOPTED {adopted:?} {found:?}"));
            if let Err(error) = adopted {
                self.wrong(format!("adopt failed: {error}"));
            }
            drop(job);
            tokio::time::sleep(Duration::from_millis(1)).await;
            return;
        }
        self.wrong("adopt never ends".to_owned());
    }
}
