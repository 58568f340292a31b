//! The canary: a few conversations are sent and read back before the others.

use std::num::NonZeroUsize;

use super::super::canary::{Canary, Next};
use super::super::verdict::{Known, verdict};
use super::super::{Exit, Failure, mark_read, verify};
use super::night::Night;
use crate::after::{self, AfterError, MarkReport};
use crate::before::Given;
use crate::import::{self, Ended, Outcome, StopSignal};
use crate::job::{Job, JobReader};

/// What was sent, and what became of the read positions, if that was asked for.
pub(super) type Sent = (Outcome, Option<Result<MarkReport, AfterError>>);

/// What came of the canary.
pub(super) enum Canaried {
    /// The others follow.
    GoOn,
    /// There are no others.
    All(Box<Sent>),
    /// The run ends with it.
    Over(Exit, String, Box<Outcome>),
}

impl Night<'_> {
    /// Sends the canary and reads it back; how the run ends, unless the others follow.
    pub(super) async fn canary(
        &self,
        job: &mut Job,
        reader: &JobReader,
        mut settings: import::Settings,
        stop: &StopSignal,
        n: NonZeroUsize,
    ) -> Result<Canaried, Failure> {
        let canary = Canary::choose(reader, n)?;
        canary.say()?;
        let only = Some(canary.only.clone());
        let look = after::Settings {
            only: only.clone(),
            give_up: settings.give_up,
            stop: stop.drain.clone(),
            ..after::Settings::default()
        };
        settings.only = only;
        let (outcome, marked) = self.import(job, reader, settings, stop.clone()).await?;
        if !matches!(outcome.ended, Ended::Done | Ended::NothingToDo) {
            let (exit, verdict) = verdict(&outcome, Known::of(reader)?, true);
            return Ok(Canaried::Over(exit, verdict, Box::new(outcome)));
        }
        let (exit, verified) = verify::part(self.context, job, reader, &self.client, look).await?;
        if exit != Exit::Done {
            let text = format!("The canary is sent, and the rest is not. {verified}");
            return Ok(Canaried::Over(exit, text, Box::new(outcome)));
        }
        if canary.is_all {
            return Ok(Canaried::All(Box::new((outcome, marked))));
        }
        let release = self.args.server.release.or(self.context.file.server.release).unwrap_or_default();
        let rate = self.args.pace.rate.or(self.context.file.import.rate).map(|rate| rate.0.get());
        let given = Given { release, rate, ..Given::default() };
        let night = canary.night(reader, &outcome, given, &self.clock)?;
        match canary.next(&outcome, (&verified, &night), self.args.yes, stop).await? {
            Next::GoOn => Ok(Canaried::GoOn),
            Next::Stop(text) => {
                let text = match marked {
                    Some(Ok(marked)) => format!("{text} {}", mark_read::verdict(&marked)),
                    _ => text,
                };
                Ok(Canaried::Over(Exit::Done, text, Box::new(outcome)))
            }
        }
    }
}
