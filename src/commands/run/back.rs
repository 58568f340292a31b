//! Nothing is left to send: what happened meanwhile is looked at where it left traces.

use super::super::context::{Counting, note};
use super::super::prepare::job_failure;
use super::super::verdict::{is_disturbed, look_again};
use super::super::verify::Lists;
use super::super::{Exit, Failure, afterwards, verify};
use super::night::Night;
use crate::after::{self, Step};
use crate::import::{Ended, Outcome};
use crate::job::{Job, JobReader};
use crate::report::Unit;

impl Night<'_> {
    /// After signs of a crash: puts conversations into the lists of people who take part, where the server left that out, and
    /// reads again what nobody was shown because of that.
    pub(super) async fn list(
        &self,
        job: &mut Job,
        reader: &JobReader,
        look: &after::Settings,
        outcome: &Outcome,
    ) -> Result<Lists, Failure> {
        let is_over = matches!(outcome.ended, Ended::Done | Ended::NothingToDo);
        if !is_over || !(outcome.crash_suspected || outcome.hidden > 0) {
            return Ok(Lists::default());
        }
        note(
            "there were signs of a crash of the server: whether people have these conversations in their lists is looked at",
        )?;
        let listed = verify::lists(self.context, reader, &self.client, look, true).await?;
        if listed.made.is_empty() {
            return Ok(listed);
        }
        if let Some(said) = listed.in_words() {
            afterwards::note_deed(reader, "lists", &said)?;
        }
        let only = Some(listed.made.iter().cloned().collect());
        let again = after::Settings { only, ..look.clone() };
        verify::read_again(self.context, job, reader, &self.client, again).await?;
        Ok(listed)
    }

    /// What earlier runs confirmed, the store, and what users will see; how the run ends, and what is said of it.
    pub(super) async fn look_back(
        &self,
        job: &mut Job,
        (reader, look): (&JobReader, after::Settings),
        (outcome, resumed): (&Outcome, bool),
        mut exit: Exit,
        said: &mut Vec<String>,
    ) -> Result<Exit, Failure> {
        if resumed {
            // What earlier runs have confirmed is there still, unless somebody has put the server back since.
            let drawn = Counting::start(self.context, "look back", Unit::Conversations, 0);
            let fallen = after::fallen(self.client.clone(), reader, look.clone()).await;
            drawn.finish();
            let fallen = fallen.map_err(afterwards::failure)?;
            if !fallen.is_empty() {
                *said = vec![format!("Not all is there any more: {}.", afterwards::put_back(&fallen))];
                return Ok(Exit::Difference);
            }
        }
        if outcome.crash_suspected {
            let (stored, is_short) = self.ask_store(job, reader, look.clone()).await?;
            said.push(stored);
            exit = if is_short { Exit::Difference } else { exit };
        }
        if is_disturbed(outcome, reader)? {
            note("something happened to these conversations: whether users can scroll them is looked at")?;
            self.context.board.phase("scroll");
            // What was stored last is what empty slots behind it are dated by (law 15).
            tokio::time::sleep(look.stay_away).await;
            let judged = verify::scrolled(self.context, job, reader, &self.client, look, false).await?;
            judged.show(self.context)?;
            said.push(judged.in_words());
            exit = judged.exit(exit);
        }
        if !self.rehearsed {
            said.extend(look_again(outcome, &self.clock.after(verify::QUARTER)));
        }
        Ok(exit)
    }

    /// Something smelled of a crash of the server: what was read back may stand in its memory alone (law 8). What the
    /// store says, and whether it lacks something.
    async fn ask_store(
        &self,
        job: &mut Job,
        reader: &JobReader,
        look: after::Settings,
    ) -> Result<(String, bool), Failure> {
        note("there were signs of a crash of the server: the store is asked whether it has everything")?;
        let mut drawn = None;
        let (client, seed) = (self.client.clone(), fastrand::u64(..));
        let stored = after::check_store(client, reader, look, after::Extent::All, seed, |step| {
            match (step, &drawn) {
                (Step::Plan(plan), _) => {
                    drawn = Some(Counting::start(self.context, "store", Unit::Messages, plan.messages));
                }
                (Step::Counted(messages, _), Some(drawn)) => drawn.add(messages),
                (Step::Counted(..) | Step::Difference(_), _) => {}
            }
            Ok(())
        })
        .await;
        drop(drawn);
        let stored = stored.map_err(afterwards::failure)?;
        let is_short = stored.not_stored > 0;
        if !is_short && stored.unsure == 0 {
            job.store_has_all().map_err(job_failure)?;
        }
        let mut text = verify::of_the_store(&stored);
        if is_short {
            text.push_str(
                " They can be read until the server's cache forgets them, within a day; `verify --store --repair` \
                 sends them again.",
            );
        }
        Ok((text, is_short))
    }
}
