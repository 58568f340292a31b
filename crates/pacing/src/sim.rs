//! The controller against a model of the server, in virtual time: the queue and the second stage as the rehearsal
//! server has them, callers that fill one conversation before they begin the next, polls, and live users.

mod server;
mod tests;

use crate::{Held, Pacing, Seen, Settings};
use server::{Model, Server};
use std::time::Duration;

/// One step, ms.
const DT: u64 = 5;
/// Every so often `maxSeq` is asked for, ms.
const POLL: u64 = 50;
const WINDOW: usize = 64;

/// What paces a run.
#[derive(Debug, Clone)]
enum Pace {
    Controlled(Box<Pacing>),
    Fixed { unconfirmed: usize, calls: usize, breadth: bool },
}

/// A run under way.
struct Run {
    server: Server,
    pace: Pace,
    now: u64,
    callers: Vec<Caller>,
    conversations: Vec<Conversation>,
    next: usize,
    stored: Vec<(u64, usize)>,
    /// The bound as it was, and the calls.
    bounds: Vec<(u64, usize, usize)>,
    most_unconfirmed: usize,
    unnumbered: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Caller {
    conversation: Option<usize>,
    /// When its call is answered; how long it took.
    until: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Default)]
struct Conversation {
    /// When each message was answered that was not seen to be numbered.
    unnumbered: std::collections::VecDeque<u64>,
    left: usize,
    held: bool,
    /// Something of it was numbered.
    is_there: bool,
}

impl Run {
    fn new(model: Model, pace: Pace, conversations: usize, each: usize) -> Self {
        let one = Conversation { left: each, ..Conversation::default() };
        Self {
            server: Server::new(model, conversations),
            callers: vec![Caller::default(); 32],
            conversations: vec![one; conversations],
            pace,
            now: 0,
            next: 0,
            stored: Vec::new(),
            bounds: Vec::new(),
            most_unconfirmed: 0,
            unnumbered: 0,
        }
    }

    fn controlled(model: Model, conversations: usize) -> Self {
        let settings = Settings { max_lag: Some(Duration::from_millis(300)), calls: 32 };
        let pace = Pace::Controlled(Box::new(Pacing::new(settings, Duration::ZERO)));
        Self::new(model, pace, conversations, usize::MAX)
    }

    fn allowed(&self) -> (usize, usize, bool) {
        match &self.pace {
            Pace::Controlled(pacing) => (pacing.unconfirmed(), pacing.calls(), false),
            Pace::Fixed { unconfirmed, calls, breadth } => (*unconfirmed, *calls, *breadth),
        }
    }

    fn limit(&self) -> crate::Limit {
        match &self.pace {
            Pace::Controlled(pacing) => pacing.limit(),
            Pace::Fixed { .. } => crate::Limit::default(),
        }
    }

    /// Conversations of which the first message is under way.
    fn beginnings(&self) -> usize {
        let is_begun = |at: usize, one: &Conversation| {
            let calls = || {
                self.callers.iter().any(|caller| caller.conversation == Some(at) && caller.until.is_some())
            };
            !one.is_there && (!one.unnumbered.is_empty() || (one.held && calls()))
        };
        self.conversations.iter().enumerate().filter(|(at, one)| is_begun(*at, one)).count()
    }

    fn unconfirmed(&self) -> usize {
        let calls = self.callers.iter().filter(|caller| caller.until.is_some()).count();
        self.unnumbered + calls
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    fn step(&mut self) {
        self.now += DT;
        self.server.step(self.now);
        self.answers();
        self.sends();
        if self.now.is_multiple_of(POLL) {
            self.poll();
        }
    }

    fn seconds(&mut self, seconds: u64) {
        for _ in 0..seconds * 1_000 / DT {
            self.step();
        }
    }

    fn answers(&mut self) {
        for caller in &mut self.callers {
            let Some((until, took)) = caller.until else { continue };
            let Some(conversation) = caller.conversation.filter(|_| until <= self.now) else { continue };
            caller.until = None;
            self.conversations[conversation].unnumbered.push_back(self.now);
            self.unnumbered += 1;
            self.server.queue(conversation, self.now);
            if let Pace::Controlled(pacing) = &mut self.pace {
                pacing.answered(Duration::from_millis(took));
            }
        }
    }

    fn sends(&mut self) {
        let (bound, calls, breadth) = self.allowed();
        let is_controlled = matches!(self.pace, Pace::Controlled(_));
        let beginnings = if is_controlled { self.beginnings() } else { 0 };
        let mut unconfirmed = self.unconfirmed() + beginnings * crate::BEGINNING;
        for at in 0..self.callers.len() {
            if self.callers[at].until.is_some() {
                continue;
            }
            let kept = self.callers[at].conversation.filter(|held| !breadth && self.may(*held, false));
            if let Some(held) = self.callers[at].conversation.take() {
                self.conversations[held].held = false;
            }
            if at >= calls {
                continue;
            }
            let Some(conversation) = kept.or_else(|| self.pick()) else { continue };
            self.callers[at].conversation = Some(conversation);
            self.conversations[conversation].held = true;
            if unconfirmed >= bound {
                if let Pace::Controlled(pacing) = &mut self.pace {
                    pacing.held(Held::Unconfirmed);
                }
                continue;
            }
            let one = &mut self.conversations[conversation];
            let is_begun = is_controlled && !one.is_there && one.unnumbered.is_empty();
            unconfirmed += 1 + if is_begun { crate::BEGINNING } else { 0 };
            one.left -= 1;
            let busy = self.callers.iter().filter(|caller| caller.until.is_some()).count() + 1;
            let took = self.server.answer_time(busy, self.now);
            self.callers[at].until = Some((self.now + took, took));
        }
        let all_busy = self.callers.iter().take(calls).all(|caller| caller.conversation.is_some());
        let is_wanted = all_busy && (0..self.conversations.len()).any(|at| self.may(at, true));
        if let Pace::Controlled(pacing) = &mut self.pace
            && is_wanted
        {
            pacing.held(Held::Calls);
        }
        self.most_unconfirmed = self.most_unconfirmed.max(self.unconfirmed());
    }

    fn may(&self, at: usize, free: bool) -> bool {
        let one = &self.conversations[at];
        one.left > 0 && one.unnumbered.len() < WINDOW && !(free && one.held)
    }

    fn pick(&mut self) -> Option<usize> {
        let count = self.conversations.len();
        let found = (0..count).map(|step| (self.next + step) % count).find(|at| self.may(*at, true))?;
        self.next = (found + 1) % count;
        Some(found)
    }

    fn poll(&mut self) {
        let mut stored = 0;
        let now = self.time();
        for (at, one) in self.conversations.iter_mut().enumerate() {
            let numbered = std::mem::take(&mut self.server.numbered[at]).min(one.unnumbered.len());
            let Some(first) = one.unnumbered.front().copied().filter(|_| numbered > 0) else { continue };
            one.unnumbered.drain(..numbered);
            let is_beginning = !std::mem::replace(&mut one.is_there, true);
            stored += numbered;
            self.unnumbered -= numbered;
            if let Pace::Controlled(pacing) = &mut self.pace {
                pacing.numbered(numbered, Duration::from_millis(self.now - first), is_beginning, now);
            }
        }
        self.stored.push((self.now, stored));
        let unconfirmed = self.unconfirmed();
        let oldest = self.conversations.iter().filter_map(|one| one.unnumbered.front()).min();
        let oldest = Duration::from_millis(oldest.map_or(0, |then| self.now - then));
        let beginnings = self.beginnings();
        if let Pace::Controlled(pacing) = &mut self.pace {
            pacing.tick(Seen { unconfirmed, beginnings, oldest }, now);
            self.bounds.push((self.now, pacing.unconfirmed(), pacing.calls()));
        }
    }

    /// Messages stored a second, from one second to another.
    fn rate(&self, from: u64, to: u64) -> f64 {
        let within = self.stored.iter().filter(|(at, _)| (from * 1_000..to * 1_000).contains(at));
        crate::pacing::as_f64(within.map(|(_, count)| count).sum()) / server::ms(to - from)
    }

    /// What 95 of 100 live messages felt at most, ms.
    fn felt(&self, from: u64, to: u64) -> u64 {
        let waiting = self.server.waiting().map(|then| (then, self.now - then));
        let mut felt: Vec<u64> = self
            .server
            .felt
            .iter()
            .copied()
            .chain(waiting)
            .filter(|(at, _)| (from * 1_000..to * 1_000).contains(at))
            .map(|(_, delay)| delay)
            .collect();
        felt.sort_unstable();
        felt.get(felt.len() * 95 / 100).copied().unwrap_or(0)
    }
}
