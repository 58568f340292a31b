//! `run --canary N`: a few conversations of every kind go first, are read back, and then somebody decides.

use std::collections::HashSet;
use std::io::{IsTerminal, stdin};
use std::num::NonZeroUsize;

use super::clock::Clock;
use super::context::note;
use super::prepare::job_failure;
use super::{Exit, Failure, OrFail, night};
use crate::before::{Forecast, Given, canary};
use crate::import::{Outcome, StopSignal};
use crate::job::JobReader;
use crate::message::ConversationId;
use crate::pacing::night::{Part, Shape};
use crate::report::{plural, terminal};

/// The conversations that go first.
#[derive(Debug)]
pub(super) struct Canary {
    pub(super) only: HashSet<ConversationId>,
    /// `single below 10 messages, group below 100, type 101`
    kinds: String,
    messages: u64,
    shape: Shape,
    /// There are no others.
    pub(super) is_all: bool,
}

/// What happens after them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The others.
    GoOn,
    /// Nothing; the sentence to end with.
    Stop(String),
}

impl Canary {
    /// Chooses them: the same ones each time.
    pub(super) fn choose(reader: &JobReader, n: NonZeroUsize) -> Result<Self, Failure> {
        let chosen = canary(reader, n.get()).map_err(job_failure)?;
        let mut only = HashSet::new();
        let mut lengths = Vec::new();
        for no in &chosen.conversations {
            if let Some(conversation) = reader.conversation(*no).map_err(job_failure)? {
                lengths.push(conversation.messages);
                only.insert(conversation.id());
            }
        }
        let kinds: Vec<String> = chosen.kinds.iter().map(ToString::to_string).collect();
        let totals = reader.totals().map_err(job_failure)?;
        Ok(Self {
            is_all: only.len() as u64 >= totals.conversations,
            only,
            kinds: kinds.join(", "),
            messages: chosen.messages,
            shape: Shape::of(lengths),
        })
    }

    /// Says which.
    pub(super) fn say(&self) -> Result<(), Failure> {
        note(&format!(
            "canary: {} with {} first ({})",
            plural(self.only.len() as u64, "conversation", "conversations"),
            plural(self.messages, "message goes", "messages go"),
            self.kinds
        ))
    }

    /// How long the others will take, by how long these took; a clause, empty if they were too few to tell.
    pub(super) fn night(
        &self,
        reader: &JobReader,
        outcome: &Outcome,
        given: Given,
        clock: &Clock,
    ) -> Result<String, Failure> {
        const ENOUGH: u64 = 300;
        if outcome.confirmed_now < ENOUGH || outcome.confirmed_now < self.shape.messages {
            return Ok(String::new());
        }
        let given = Given {
            part: Some(Part { shape: self.shape, took: outcome.took, measured: outcome.measured }),
            ..given
        };
        let forecast = Forecast::of(reader, &given).map_err(job_failure)?;
        Ok(forecast.map_or_else(String::new, |forecast| {
            let fit = clock.fit(&forecast).map_or_else(String::new, |fit| format!("; {}", fit.in_words()));
            format!(", {}{fit}", night::clause(&forecast))
        }))
    }

    /// They are there, and are what was sent: whether the others follow.
    pub(super) async fn next(
        &self,
        outcome: &Outcome,
        (verified, night): (&str, &str),
        yes: bool,
        stop: &StopSignal,
    ) -> Result<Next, Failure> {
        let left = format!(
            "left: {} in {}{night}",
            plural(outcome.left, "message", "messages"),
            plural(outcome.conversations_left, "conversation", "conversations"),
        );
        let refused = match outcome.rejected {
            0 => String::new(),
            n => format!(" {} refused: see rejected.jsonl.", plural(n, "message was", "messages were")),
        };
        note(&format!("canary: {verified}{refused} {left}."))?;
        if yes {
            return Ok(Next::GoOn);
        }
        let stopped = format!(
            "The canary is done. {verified}{refused} {left}: the same command without --canary goes on."
        );
        if !stdin().is_terminal() {
            return Ok(Next::Stop(stopped));
        }
        let asked = ask("Go on with them? [y/N] ")?;
        let goes_on = tokio::select! {
            answer = asked => matches!(answer.unwrap_or_default().trim(), "y" | "Y" | "yes" | "Yes"),
            () = stop.drain.cancelled() => false,
        };
        Ok(if goes_on { Next::GoOn } else { Next::Stop(stopped) })
    }
}

/// Asks, and gives the answer when it comes. A thread of its own: one that waits for somebody to type would
/// keep the runtime from ending.
fn ask(question: &str) -> Result<tokio::sync::oneshot::Receiver<String>, Failure> {
    terminal::ask(question).or_fail(Exit::Internal)?;
    let (tell, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut typed = String::new();
        if stdin().read_line(&mut typed).is_ok() {
            // Nobody waits any more: it was stopped.
            tell.send(typed).ok();
        }
    });
    Ok(answer)
}
