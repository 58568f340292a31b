//! What may go out next, and what the answers do.

use super::{Attempt, Lane, MOST_UNCONFIRMED, MOST_UNREAD, Now, Phase, Refused, State};
use crate::message::{Ids, Ordinal, UserId};
use crate::openim::{Lost, Reason, Rejection};
use std::time::Duration;

/// Between two fences at most.
const LONGEST_PATIENCE: Duration = Duration::from_mins(5);

/// What may go out next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This message, in its turn.
    Message(Ordinal),
    /// This message as the fence: an earlier copy of it may surface, and whatever of ours then is not in its
    /// place is withdrawn. The job has to know first ([`Lane::is_in_doubt`]).
    Fence(Ordinal),
    /// A last look at the log, then [`Lane::looked`]: a fence is due, and its earlier copy may have been stored
    /// since the log was read.
    Look,
    /// Nothing until something was read, or time has passed.
    Wait,
    /// Nothing more.
    Nothing,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Queued, under these names.
    Acknowledged(Ids),
    /// Refused for good.
    Rejected(Rejection),
    /// It may be in the queue. The second is how other conversations fared since the last try.
    Unanswered(Lost, Company),
    /// Certainly not processed: the same message again.
    NotProcessed,
}

/// How other conversations fare: whether an error is about a message or about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Messages of others were acknowledged meanwhile: it is about this one.
    Flows,
    /// None was: it is the server.
    Stands,
    /// There are no others: the next message will tell.
    Alone,
}

impl Lane {
    /// What may go out now. `lag`: how long messages took lately from their answer to being readable.
    pub fn next(&self, now: Now, lag: Duration) -> Next {
        if self.is_under_way() || self.examining {
            return Next::Wait;
        }
        match self.phase {
            Phase::Flow => {
                if self.has_hole() {
                    return Next::Fence(self.cursor);
                }
                let Some(ordinal) = self.upcoming() else {
                    return if self.attempts.is_empty() { Next::Nothing } else { Next::Wait };
                };
                let has_room = self.in_queue() < self.window() && self.attempts.len() < MOST_UNREAD;
                if has_room && !self.is_awaiting() { Next::Message(ordinal) } else { Next::Wait }
            }
            Phase::Unsure { until } => {
                if now < until || !self.is_quiet(now, self.limits.quiet, lag) || self.is_crowded() {
                    return Next::Wait;
                }
                self.fence_or_look()
            }
            Phase::Probing { again: Some(again), .. }
                if now >= again.max(self.moved + 2 * lag)
                    && self.is_missing(again, now)
                    && !self.is_crowded() =>
            {
                self.fence_or_look()
            }
            Phase::Probing { .. } => Next::Wait,
        }
    }

    fn fence_or_look(&self) -> Next {
        match self.fence() {
            Some(ordinal) if self.looked => Next::Fence(ordinal),
            Some(_) => Next::Look,
            None => Next::Wait,
        }
    }

    /// The log was looked at just now, and what of it can be read was handed to [`Self::read`].
    pub fn looked(&mut self) {
        self.looked = true;
    }

    /// The fence had its time, and is not among what the log had then, nor among what can be read now. Where others
    /// write all the while into what nobody can read (law 13), reading takes longer than storing; where numbers are
    /// handed out and never used, all can't be read at all.
    fn is_missing(&self, again: Now, now: Now) -> bool {
        self.mark.is_some_and(|mark| self.read_to >= mark.max(self.bound))
            || now >= again + 3 * self.limits.patience
    }

    /// Whether it could use more confirmed messages: its window is full, or it has nothing to send.
    pub fn is_blocked(&self, now: Now, lag: Duration) -> bool {
        !self.is_under_way() && matches!(self.next(now, lag), Next::Wait | Next::Nothing)
    }

    /// A call goes out with that message.
    pub fn sending(&mut self, next: Next, sender: UserId, now: Now) {
        let ordinal = match next {
            Next::Message(ordinal) => {
                self.next = Ordinal(ordinal.0 + 1);
                ordinal
            }
            Next::Fence(ordinal) => {
                if self.has_hole() {
                    // Everything behind the hole is lost, or will be withdrawn as it surfaces.
                    self.next = Ordinal(ordinal.0 + 1);
                } else {
                    self.next = self.next.max(Ordinal(ordinal.0 + 1));
                }
                self.phase = Phase::Probing { ordinal, again: None };
                self.mark = None;
                ordinal
            }
            Next::Look | Next::Wait | Next::Nothing => return,
        };
        self.looked = false;
        self.attempt_no += 1;
        self.attempts.push_back(Attempt {
            no: self.attempt_no,
            ordinal,
            sender,
            ids: None,
            state: State::UnderWay { sighted: false },
            at: now,
        });
        self.moved = now;
    }

    /// The job has to be told that a message goes out a second time: true if it did not know yet.
    pub fn enter_doubt(&mut self) -> bool {
        !std::mem::replace(&mut self.doubt, true)
    }

    /// The call under way was answered, or was given up.
    pub fn answered(&mut self, answered: Answered, now: Now) {
        let Some(mut attempt) = self.attempts.pop_back() else { return };
        self.moved = now;
        attempt.at = now;
        let State::UnderWay { sighted } = attempt.state else {
            self.attempts.push_back(attempt);
            return;
        };
        let ordinal = attempt.ordinal;
        match answered {
            Answered::Acknowledged(ids) => {
                self.errors.1 = 0;
                self.refused.values_mut().for_each(|refused| refused.tentative = false);
                self.acknowledged(attempt, ids, now);
            }
            Answered::Rejected(rejection) => self.refuse(ordinal, rejection, false, now),
            Answered::Unanswered(lost, company) => {
                // What was sighted meanwhile can also be what an earlier process had sent.
                let sighted = sighted && !self.ghosts;
                if !sighted {
                    attempt.state = State::Unanswered;
                    self.attempts.push_back(attempt);
                }
                self.unanswered(ordinal, &lost, company, now);
            }
            Answered::NotProcessed => {
                if let Phase::Probing { .. } = self.phase {
                    self.phase = Phase::Unsure { until: now };
                } else if self.next.0 == ordinal.0 + 1 {
                    self.next = ordinal;
                }
            }
        }
        self.out_of_queue = self.out_of_queue.min(self.attempts.len());
    }

    fn acknowledged(&mut self, mut attempt: Attempt, ids: Ids, now: Now) {
        if let Phase::Probing { again, .. } = &mut self.phase {
            *again = Some(now + self.patience);
            self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
        }
        // It can have been read before its answer was there.
        let read = self.withdrawn.contains(&ids.server)
            || self.recent.iter().rev().any(|(_, known)| known.server == ids.server);
        attempt.ids = Some(ids);
        attempt.state = State::Acknowledged;
        if read {
            self.forget_before(attempt.no);
            self.after_decision();
        } else {
            self.attempts.push_back(attempt);
        }
    }

    fn unanswered(&mut self, ordinal: Ordinal, lost: &Lost, company: Company, now: Now) {
        let wait = match lost {
            Lost::TimedOut(_) => self.limits.timeout_wait,
            Lost::Cut(_) | Lost::Proxy(_) | Lost::Error(..) => self.limits.cut_wait,
        };
        if self.has_unknown() {
            self.phase = Phase::Unsure { until: now + wait };
        } else {
            self.after_decision();
        }
        if let Some(suspect) = self.refused.iter().find(|(_, refused)| refused.tentative).map(|(o, _)| *o) {
            // The next one fares no better: it was not the message.
            self.refused.remove(&suspect);
            self.errors = (suspect, 0);
            return;
        }
        let errors = if self.errors.0 == ordinal { self.errors.1 } else { 0 };
        self.errors = (ordinal, errors + u32::from(company != Company::Stands));
        if self.errors.1 >= self.limits.tries && self.has_unknown() {
            let (code, detail) = match lost {
                Lost::Error(code, said) => (*code, said.clone()),
                Lost::Proxy(status) => (i32::from(*status), lost.to_string()),
                Lost::Cut(_) | Lost::TimedOut(_) => (0, lost.to_string()),
            };
            let rejection = Rejection { reason: Reason::Unexplained, code, detail };
            self.refuse(ordinal, rejection, company == Company::Alone, now);
            self.phase = Phase::Unsure { until: now + wait };
        }
    }

    /// The message is a reject, unless an earlier attempt of it turns up.
    fn refuse(&mut self, ordinal: Ordinal, rejection: Rejection, tentative: bool, now: Now) {
        let perhaps = self.ghosts || self.attempts.iter().any(|attempt| attempt.ordinal == ordinal);
        if ordinal < self.cursor {
            self.fence_refused = true;
        } else {
            let holds = self.limits.hold || (self.limits.hold_mendable && rejection.reason.is_mendable());
            self.refused.insert(ordinal, Refused { rejection, perhaps, tentative });
            if holds && !self.held && ordinal < self.end {
                self.held = true;
                self.end = ordinal;
            }
        }
        if self.phase != Phase::Flow {
            self.phase = Phase::Unsure { until: now };
        }
        self.pass_rejects();
        self.after_decision();
    }

    /// The first missing message, or, if none is, the last one again; `None` if there is none to be had.
    pub(super) fn fence(&self) -> Option<Ordinal> {
        let last = self.recent.back().map(|(ordinal, _)| *ordinal).or(self.last);
        self.first_due(self.cursor).or(last.filter(|_| !self.fence_refused))
    }

    /// The next message in its turn.
    pub(super) fn upcoming(&self) -> Option<Ordinal> {
        self.first_due(if self.attempts.is_empty() { self.cursor } else { self.next })
    }

    /// The first message from there on that is neither refused nor behind the end.
    fn first_due(&self, from: Ordinal) -> Option<Ordinal> {
        (from.0..self.end.0).map(Ordinal).find(|ordinal| !self.refused.contains_key(ordinal))
    }

    /// The next message in place can't come any more, although later ones were sent.
    pub(super) fn has_hole(&self) -> bool {
        self.next > self.cursor
            && !self.attempts.is_empty()
            && !self.refused.contains_key(&self.cursor)
            && self.cursor < self.end
            && self.attempts.iter().all(|attempt| attempt.ordinal != self.cursor)
    }

    /// Something was sent of which we don't know the name.
    pub(super) fn has_unknown(&self) -> bool {
        self.ghosts || self.attempts.iter().any(|attempt| attempt.state == State::Unanswered)
    }

    fn is_crowded(&self) -> bool {
        self.in_queue() >= MOST_UNCONFIRMED || self.attempts.len() >= MOST_UNREAD + MOST_UNCONFIRMED
    }
}
