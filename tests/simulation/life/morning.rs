//! The morning after: what the server's log has, against what was said of it; and what `verify` says.

use std::collections::HashMap;
use std::time::Duration;

use openim_importer::after::{self, Counts, Event, Extent, Extras, Kind};
use openim_importer::import::Outcome;
use openim_importer::job::Conversation;
use tokio::time::sleep;

use super::super::judge::{self, Judgement};
use super::super::scrolling::scrolling;
use super::{BEGAN, Lived, Story};

impl Lived {
    /// Nothing goes wrong any more, and the last run has said what there is: is it so?
    pub(super) async fn judge(&mut self, outcome: &Outcome) {
        // What a process that was killed had under way, deletions among it, arrives up to four seconds late.
        sleep(Duration::from_secs(5)).await;
        self.network.server().settle().await;
        let by_time = self.story.overtaken == 0;
        let judged = judge::judge(self.network.server(), &self.life.history, self.passes, by_time);
        self.network.say(|| format!("{judged:?}"));
        if self.life.calm && self.story.kills == 0 && self.story.resent + self.story.withdrawn > 0 {
            let Story { resent, withdrawn, .. } = self.story;
            self.wrong(format!("{resent} sent again and {withdrawn} withdrawn for nothing"));
        }
        let (messages, refused) = (self.messages(), self.life.history.refused(self.passes));
        self.story.refused += refused;
        let judged = self.verified(judged).await;
        // After what the server gave out again behind the end was found and deleted.
        self.story.spread = self.life.history.spread;
        self.story.scrolling = scrolling(self.network.server(), &self.life.history);
        self.network.say(|| format!("{:?}", self.story.scrolling));
        if !self.settings.behind_newer && !self.adopted && self.story.scrolling.older > 0 {
            self.wrong(format!("something older behind something newer: {:?}", self.story.scrolling));
        }
        let Judgement { lost, ref doubled, out_of_order, hidden, strange, live_lost, .. } = judged;
        let doubled = doubled.len() as u64;
        // Where the server can have crashed, only the store can tell: it is asked.
        let not_stored = if outcome.crash_suspected {
            self.ask_store(judged.not_stored).await;
            0
        } else {
            judged.not_stored
        };
        for (what, count) in [
            ("lost", lost),
            ("doubled", doubled),
            ("out of order", out_of_order),
            ("read too early", hidden),
            ("in no history", strange),
            ("not stored, and nothing said", not_stored),
            ("in batches of more than a hundred that were sent", judged.overfilled),
            ("of others gone", live_lost.max(0).unsigned_abs()),
        ] {
            if count > 0 {
                self.wrong(format!("{count} {what}"));
            }
        }
        let said = (outcome.messages, outcome.confirmed, outcome.rejected);
        if said != (messages, messages - refused, refused) {
            self.wrong(format!(
                "it says {said:?} are there, confirmed and refused, of {messages} and {refused}"
            ));
        }
        if self.tell {
            for conversation in self.life.history.conversations() {
                for entry in self.network.server().log(&conversation) {
                    self.network.say(|| {
                        format!(
                            "{conversation} {} {:?} stored {} {} {} {}",
                            entry.seq,
                            entry.state,
                            entry.stored,
                            entry.send_time,
                            entry.content,
                            entry.server_msg_id
                        )
                    });
                }
            }
        }
    }

    /// A run has ended in peace: up to a moment ago it has looked behind every conversation that was worked on since the
    /// last time.
    pub(super) fn has_looked(&mut self) {
        /// Its last look at a conversation, its looks at the others, and the calls of both.
        const LAST_LOOK: i64 = 5_000;
        let now = BEGAN + i64::try_from(self.network.clock().as_millis()).unwrap();
        for (conversation, read_to) in self.read_to() {
            let known = self.looked.entry(conversation).or_insert((-1, 0));
            if known.0 != read_to {
                *known = (read_to, now - LAST_LOOK);
            }
        }
    }

    /// Verifies, as people do in the morning. What the server repeats after the run had looked for the last time has to be
    /// found then, and mended by `--repair`; what was there before is no excuse. Gives what is there afterwards.
    async fn verified(&mut self, judged: Judgement) -> Judgement {
        let looked = |id: &str| self.looked.get(id).map_or(0, |(_, until)| *until);
        let early = judged.doubled.iter().filter(|slot| slot.cached_at <= looked(&slot.conversation)).count();
        if early > 0 {
            self.wrong(format!("{early} doubled before the run looked for the last time"));
        }
        let found = self.verify(false).await;
        let said = (found.of(Kind::Missing), found.of(Kind::Doubled), found.of(Kind::OutOfPlace));
        let so = (judged.lost, judged.doubled.len() as u64 + judged.copies, judged.out_of_order);
        if said != so {
            self.wrong(format!("verify says {said:?} are missing, doubled, out of place, and it is {so:?}"));
        }
        if so.1 == 0 {
            return judged;
        }
        self.story.repeated_late += judged.doubled.len() as u64;
        self.verify(true).await;
        self.network.server().settle().await;
        let by_time = self.story.overtaken == 0;
        let judged = judge::judge(self.network.server(), &self.life.history, self.passes, by_time);
        self.network.say(|| format!("mended: {judged:?}"));
        if judged.needless > 0 {
            self.wrong(format!("{} copies that verify --repair did not delete", judged.needless));
        }
        judged
    }

    /// Up to where the log of each conversation was read.
    pub(super) fn read_to(&self) -> HashMap<String, i64> {
        let reader = self.observe();
        let all = reader.conversations(None, usize::MAX >> 1).unwrap();
        let of = |conversation: Conversation| {
            Some((conversation.id().0, reader.progress(conversation.no).unwrap()?.read_to.0))
        };
        all.into_iter().filter_map(of).collect()
    }

    async fn verify(&self, repair: bool) -> Counts {
        let reader = self.observe();
        let mut counts = Counts::default();
        let extras = Extras { repair, lookups: 200 };
        let settings = after::Settings::default();
        after::verify(self.client.clone(), &reader, settings, extras, |event| {
            if let Event::Conversation(checked) = event {
                counts.merge(&checked.counts);
            }
            Ok(())
        })
        .await
        .unwrap();
        self.network.say(|| format!("verify, repair {repair}: {counts:?}"));
        counts
    }

    /// Asks the store, as `run` does where something smelled of a crash; so many messages are not in it.
    async fn ask_store(&mut self, not_stored: u64) {
        let (client, reader) = (self.client.clone(), self.observe());
        let settings = after::Settings::default();
        let report = after::check_store(client, &reader, settings, Extent::All, self.life.seed, |_| Ok(()))
            .await
            .unwrap();
        self.network.say(|| format!("{report:?}"));
        let said = report.not_stored..=report.not_stored + report.unsure;
        if !said.contains(&not_stored) {
            self.wrong(format!(
                "{not_stored} not stored, and {} and {} unsure are said",
                said.start(),
                report.unsure
            ));
        }
    }
}
