//! What was read in the log, and what follows from it.

use super::{Lane, Now, Phase, Receipts, State};
use crate::log::{Fate, Sighting, Who, align};
use crate::message::{Ids, Ordinal, SendTime, Seq, UserId};
use crate::openim::Rejection;
use std::time::Duration;

/// What has to be done, and remembered, because of what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Read in their places.
    pub confirmed: Vec<Receipt>,
    /// Ours, and not in their places: to be deleted by seq. The intent is committed first.
    pub strays: Vec<Stray>,
    /// Copies that the server made (law 5).
    pub copies: Vec<Stray>,
    /// Acknowledged, lost by the server: they will be sent again.
    pub lost: u64,
    /// Messages of others.
    pub foreign: u64,
    /// What somebody else wrote is newer than what is left to send: that ends here.
    pub overtaken: Option<Overtaking>,
    /// Empty slots to be shown to another participant and looked up in the store: [`Lane::examined`].
    pub examine: Vec<Seq>,
    /// How long the newest of them took from its answer to being read, where that was the server's doing.
    pub lag: Option<Duration>,
}

/// A message of somebody else that is newer than what was still to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overtaking {
    /// Its slot.
    pub seq: Seq,
    /// Who wrote it.
    pub by: UserId,
    /// Its `sendTime`.
    pub time: SendTime,
}

impl Overtaking {
    fn of(slot: &Sighting) -> Option<Self> {
        let Who::Newer { by, time, .. } = &slot.who else { return None };
        Some(Self { seq: slot.seq, by: by.clone(), time: *time })
    }
}

/// A confirmed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which.
    pub ordinal: Ordinal,
    /// Its slot.
    pub seq: Seq,
    /// Its names; unknown where it was hidden before its answer was seen.
    pub ids: Option<Ids>,
    /// The slot reads as empty: deleted, or hidden by law 3.
    pub hidden: bool,
}

/// A message of ours in a slot where it should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Which message.
    pub ordinal: Ordinal,
    /// Its slot.
    pub seq: Seq,
    /// Its names.
    pub ids: Ids,
}

/// As whom to ask for the safe bound (law 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The sender of what is probably the newest stored message.
    One(UserId),
    /// Everybody who may have sent the newest one.
    All,
}

/// How eager a run is to have messages confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hurry {
    /// There is enough to send: half a window at once.
    Usual,
    /// Workers have nothing to send.
    Starving,
    /// It is about to stop.
    Draining,
}

/// `maxSeq` is below what was confirmed: the server has lost its numbers and hands them out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FellBack {
    /// What the server says.
    pub max_seq: Seq,
    /// What we had read.
    pub read_to: Seq,
}

impl Lane {
    /// `maxSeq` as the server says it.
    pub fn polled(&mut self, max_seq: Seq, now: Now) -> Result<(), FellBack> {
        if max_seq < self.read_to {
            return Err(FellBack { max_seq, read_to: self.read_to });
        }
        if max_seq > self.max_seq {
            self.grown = now;
            self.asked = false;
            self.misses = 0;
            if self.polled {
                self.note_growth(max_seq.0 - self.max_seq.0);
            }
        }
        self.polled = true;
        self.max_seq = self.max_seq.max(max_seq);
        let (since, max_then) = self.ages;
        if now.saturating_sub(since) >= AGE {
            self.old = max_then;
            self.ages = (now, self.max_seq);
        }
        if let Phase::Probing { again: Some(again), .. } = self.phase
            && now >= again
        {
            self.mark.get_or_insert(self.max_seq);
        }
        Ok(())
    }

    /// Whether the slot was numbered so long ago that what stands there is in the store by now, normally.
    pub fn is_old(&self, seq: Seq, now: Now) -> bool {
        seq <= self.old || (seq <= self.max_seq && now.saturating_sub(self.grown) >= AGE)
    }

    /// Whether more can be read than was.
    pub fn is_behind(&self) -> bool {
        self.read_to < self.bound
    }

    /// Whether there may be something to read.
    pub fn has_news(&self) -> bool {
        self.max_seq > self.read_to && !self.examining
    }

    /// Whether its `maxSeq` is worth a question now. What was sent is not left alone for long, even where there is
    /// enough to send elsewhere: how long it took to be readable is taken for the server's doing.
    pub fn wants_poll(&self, hurry: Hurry, now: Now) -> bool {
        const LONG: Duration = Duration::from_millis(200);
        if self.examining {
            return false;
        }
        let least = match hurry {
            _ if self.phase != Phase::Flow => return true,
            Hurry::Usual => self.window() / 2,
            Hurry::Starving => self.window() / 8,
            Hurry::Draining => 1,
        };
        let live = self.attempts.len();
        live > 0 && (live >= least || self.waits(LONG, now) || self.upcoming().is_none() || self.is_stuck())
    }

    /// Whether what has its number is worth being read now, where `maxSeq` is asked for all the while. What leaves the
    /// window by that alone is read a window at once: reading costs the server two calls.
    pub fn wants_reading(&self, hurry: Hurry, now: Now) -> bool {
        const LONG: Duration = Duration::from_secs(1);
        if self.phase != Phase::Flow || self.foreign || self.disturbed || hurry == Hurry::Draining {
            return self.wants_poll(hurry, now);
        }
        let numbered = self.numbered();
        let is_last = self.upcoming().is_none() && numbered == self.attempts.len();
        let is_worth_it = numbered >= self.window() || is_last;
        numbered > 0 && !self.examining && (is_worth_it || self.waits(LONG, now) || self.is_stuck())
    }

    /// Whether the oldest message that was not read is that old.
    fn waits(&self, long: Duration, now: Now) -> bool {
        self.attempts.front().is_some_and(|oldest| now.saturating_sub(oldest.at) >= long)
    }

    /// Whether nothing goes on before something is read.
    fn is_stuck(&self) -> bool {
        self.has_hole() || self.is_awaiting()
    }

    /// As whom to ask how far reading does no harm.
    pub fn ask(&self) -> Ask {
        if self.phase != Phase::Flow || self.attempts.is_empty() {
            return Ask::All;
        }
        // Without others in between, as many of ours were stored as maxSeq moved. The newest of them is asked
        // about first and every second time: mostly it is just not written yet.
        let stored =
            usize::try_from(self.max_seq.0 - self.read_to.0).unwrap_or(usize::MAX).min(self.attempts.len());
        let back = if self.misses.is_multiple_of(2) { 0 } else { self.misses as usize / 2 + 1 };
        match stored.checked_sub(1 + back).and_then(|at| self.attempts.get(at)) {
            Some(attempt) => Ask::One(attempt.sender.clone()),
            None => Ask::All,
        }
    }

    /// Senders of everything that is live, the newest last.
    pub fn senders(&self) -> impl Iterator<Item = &UserId> {
        self.attempts.iter().map(|attempt| &attempt.sender)
    }

    /// The safe bound was asked for. `all`: as everybody who may matter.
    pub fn bounded(&mut self, bound: Seq, all: bool) {
        self.misses = if bound <= self.read_to { self.misses + 1 } else { 0 };
        self.asked |= all || bound >= self.max_seq;
        self.bound = self.bound.max(bound);
    }

    /// How often in a row asking for the safe bound led nowhere.
    pub fn misses(&self) -> u32 {
        self.misses
    }

    /// Which of the live messages has that name: most slots are told by this alone.
    pub fn find(&self, ids: &Ids) -> Option<Ordinal> {
        let mut attempts = self.attempts.iter();
        attempts.find(|attempt| attempt.ids.as_ref() == Some(ids)).map(|attempt| attempt.ordinal)
    }

    /// Takes slots that were read, from the one behind [`Self::read_to`] on, without a gap, and nothing
    /// behind the safe bound.
    pub fn read(&mut self, receipts: &dyn Receipts, slots: Vec<Sighting>, now: Now) -> Effects {
        let Some(last) = slots.last() else { return Effects::default() };
        self.read_to = last.seq;
        if self.is_behind() {
            self.behind = now;
        }
        if slots.iter().any(|slot| matches!(slot.who, Who::Ours { .. })) {
            self.moved = now;
        }
        let is_foreign = |slot: &&Sighting| matches!(slot.who, Who::Foreign | Who::Newer { .. });
        let foreign = slots.iter().filter(is_foreign).count() as u64;
        let mut effects = Effects { foreign, ..Effects::default() };
        self.foreign |= effects.foreign > 0;
        // A number without a message may be one that nobody was given.
        self.disturbed |= slots.iter().any(|slot| matches!(slot.who, Who::Empty { .. }));
        for mut slot in slots {
            self.narrow(&mut slot.who);
            self.tail.push(slot);
        }
        self.judge(receipts, now, &mut effects);
        effects
    }

    /// What the examination of empty slots has shown; slots that are not named stay as they are.
    pub fn examined(&mut self, receipts: &dyn Receipts, found: Vec<Sighting>, now: Now) -> Effects {
        self.examining = false;
        self.behind = now;
        for mut sighting in found {
            self.narrow(&mut sighting.who);
            if let Some(slot) = self.tail.iter_mut().find(|slot| slot.seq == sighting.seq) {
                slot.who = sighting.who;
            }
        }
        let mut effects = Effects::default();
        self.judge(receipts, now, &mut effects);
        effects
    }

    /// What was seen in slots that were long since passed over: whatever of it is ours has its place elsewhere.
    pub fn surfaced(&mut self, receipts: &dyn Receipts, found: Vec<Sighting>) -> Effects {
        let fates = align(&self.book(receipts), self.cursor, self.cursor, &found).fates;
        let mut effects = Effects::default();
        for (mut slot, fate) in found.into_iter().zip(fates) {
            self.take(&mut slot, &fate, &mut effects);
        }
        effects
    }

    /// A name we don't know is that of a call whose answer is missing, although other messages be equal: what
    /// was acknowledged has another name.
    fn narrow(&self, who: &mut Who) {
        let Who::Ours { ids, ordinals, .. } = who else { return };
        if self.ghosts || ordinals.len() == 1 || self.find(ids).is_some() {
            return;
        }
        let nameless = |ordinal: &Ordinal| {
            self.attempts.iter().any(|attempt| attempt.ids.is_none() && attempt.ordinal == *ordinal)
        };
        let can_be: Vec<Ordinal> =
            ordinals.iter().copied().filter(|ordinal| *ordinal < self.cursor || nameless(ordinal)).collect();
        if !can_be.is_empty() {
            *ordinals = can_be;
        }
    }

    fn judge(&mut self, receipts: &dyn Receipts, now: Now, effects: &mut Effects) {
        if self.examining {
            return;
        }
        // Every empty slot is looked at closely before anything is decided. It can hide one of ours, in its
        // place or not; and they are rare, because we read within moments of the writing.
        let unexamined = self.tail.iter().filter(|slot| slot.who == Who::Empty { examined: false });
        effects.examine = unexamined.map(|slot| slot.seq).collect();
        if !effects.examine.is_empty() {
            self.examining = true;
            return;
        }
        let alignment = align(&self.book(receipts), self.cursor, self.end, &self.tail);
        let progress = alignment.cursor > self.cursor;
        effects.overtaken = alignment.overtaken.and_then(|at| Overtaking::of(self.tail.get(at)?));
        if effects.overtaken.is_some() {
            // What of ours stands behind it is withdrawn, and nothing more is sent: behind newer messages nobody could
            // scroll it (law 15).
            (self.end, self.overtaken, self.held) = (alignment.cursor, true, false);
        }
        let mut decided = None;
        let mut tail = std::mem::take(&mut self.tail);
        for (slot, fate) in tail.iter_mut().zip(&alignment.fates) {
            if let Who::Ours { ids, .. } = &slot.who {
                decided = decided.max(self.sighted(ids, fate, now, effects));
            }
            self.take(slot, fate, effects);
        }
        self.cursor = alignment.cursor;
        self.next = self.next.max(self.cursor);
        self.tail = tail.split_off(alignment.keep_from.min(tail.len()));
        if let Some(no) = decided {
            effects.lost += self.forget_before(no + 1);
        }
        self.pass_rejects();
        if progress || decided.is_some() {
            self.after_decision();
        }
    }

    /// Finds the attempt that a slot is; gives its number if that decides it and all before it.
    fn sighted(&mut self, ids: &Ids, fate: &Fate, now: Now, effects: &mut Effects) -> Option<u64> {
        if let Some(attempt) = self.attempts.iter().find(|attempt| attempt.ids.as_ref() == Some(ids)) {
            effects.lag = (attempt.at >= self.behind).then(|| now.saturating_sub(attempt.at));
            return Some(attempt.no);
        }
        // A name that we don't know, and no copy: that of a call whose answer is missing.
        let (Fate::InPlace(ordinal) | Fate::Early(ordinal) | Fate::Surplus(ordinal)) = fate else {
            return None;
        };
        let unknown =
            self.attempts.iter_mut().find(|attempt| attempt.ids.is_none() && attempt.ordinal == *ordinal)?;
        match &mut unknown.state {
            State::UnderWay { sighted } => {
                *sighted = true;
                None
            }
            State::Acknowledged | State::Unanswered => Some(unknown.no),
        }
    }

    fn take(&mut self, slot: &mut Sighting, fate: &Fate, effects: &mut Effects) {
        let seq = slot.seq;
        let stray = |ordinal: Ordinal, ids: &Ids| Stray { ordinal, seq, ids: ids.clone() };
        match (&slot.who, fate) {
            (Who::Ours { ids, readable, .. }, Fate::InPlace(ordinal)) => {
                self.confirm(*ordinal, seq, Some(ids.clone()), !readable, effects);
            }
            (
                Who::Ours { ids, .. } | Who::Former { ids, .. },
                Fate::Early(ordinal) | Fate::Surplus(ordinal),
            ) => {
                self.withdrawn.insert(ids.server.clone());
                self.withdrawn_slots.insert(seq);
                effects.strays.push(stray(*ordinal, ids));
            }
            (Who::Ours { ids, ordinals, .. }, Fate::Returned) => {
                self.withdrawn_slots.insert(seq);
                effects.strays.push(stray(ordinals.first().copied().unwrap_or(self.cursor), ids));
            }
            (Who::Former { ids, ordinal }, Fate::Returned) => {
                self.withdrawn_slots.insert(seq);
                effects.strays.push(stray(*ordinal, ids));
            }
            (Who::Ours { ids, .. }, Fate::Copy(ordinal)) => {
                self.disturbed = true;
                effects.copies.push(stray(*ordinal, ids));
            }
            (Who::Empty { .. }, Fate::Hidden(ordinal)) => {
                let ids = self.attempts.iter().find(|a| a.ordinal == *ordinal).and_then(|a| a.ids.clone());
                self.confirm(*ordinal, seq, ids, true, effects);
            }
            (Who::Empty { .. }, Fate::Empty) => return,
            _ => {}
        }
        // It may be shown to `align` again, behind an empty slot that is not judged yet.
        slot.who = Who::Foreign;
    }

    fn confirm(&mut self, ordinal: Ordinal, seq: Seq, ids: Option<Ids>, hidden: bool, effects: &mut Effects) {
        if let Some(ids) = &ids {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((ordinal, ids.clone()));
        }
        // It was refused after an attempt that had been queued after all.
        self.refused.remove(&ordinal);
        effects.confirmed.push(Receipt { ordinal, seq, ids, hidden });
    }

    /// Law 10: what was sent before one that was read is there, or lost. Gives how many messages were lost
    /// that had been acknowledged and have to be sent again.
    pub(super) fn forget_before(&mut self, no: u64) -> u64 {
        let mut lost = 0;
        while self.attempts.front().is_some_and(|attempt| attempt.no < no) {
            let Some(attempt) = self.attempts.pop_front() else { break };
            self.out_of_queue = self.out_of_queue.saturating_sub(1);
            let again = attempt.ordinal >= self.cursor && !self.refused.contains_key(&attempt.ordinal);
            lost += u64::from(again && attempt.state == State::Acknowledged);
        }
        self.ghosts = false;
        lost
    }

    /// Refused messages that the cursor has passed become rejects.
    pub(super) fn pass_rejects(&mut self) {
        while self.cursor < self.end && self.refused.get(&self.cursor).is_some_and(|refused| !refused.perhaps)
        {
            self.cursor.0 += 1;
        }
        while let Some(entry) = self.refused.first_entry() {
            if *entry.key() >= self.cursor {
                break;
            }
            let (ordinal, refused) = entry.remove_entry();
            self.passed.push((ordinal, refused.rejection));
        }
        self.next = self.next.max(self.cursor);
    }

    /// Something was decided: back to normal where nothing is unknown any more.
    pub(super) fn after_decision(&mut self) {
        let (attempts, ghosts) = (&self.attempts, self.ghosts);
        for (ordinal, refused) in &mut self.refused {
            refused.perhaps &= ghosts || attempts.iter().any(|attempt| attempt.ordinal == *ordinal);
        }
        self.pass_rejects();
        if self.attempts.is_empty() {
            // Everything that was sent is there or lost: what is missing goes out again in its turn.
            self.next = self.cursor;
        }
        let over = match self.phase {
            Phase::Flow => false,
            Phase::Unsure { .. } => !self.has_unknown(),
            Phase::Probing { ordinal, .. } => {
                self.cursor > ordinal || self.attempts.iter().all(|attempt| attempt.ordinal != ordinal)
            }
        };
        if over && !self.is_under_way() {
            self.phase = Phase::Flow;
            self.patience = self.limits.patience;
        }
        if self.attempts.is_empty() && !self.ghosts {
            self.doubt = false;
        }
    }

    /// Rejects for the job. Those behind the last confirmed message are kept back unless `all`: a run that is
    /// stopped because nearly everything is refused forgets them, and the next one sends them again.
    pub fn take_rejects(&mut self, all: bool) -> Vec<(Ordinal, Rejection)> {
        let firm = self.recent.back().map(|(ordinal, _)| *ordinal);
        let (taken, kept) = std::mem::take(&mut self.passed)
            .into_iter()
            .partition(|(ordinal, _)| all || firm.is_some_and(|firm| *ordinal < firm));
        self.passed = kept;
        taken
    }

    /// The cursor that the job may have: not behind rejects that are kept back.
    pub fn commit_cursor(&self) -> Ordinal {
        self.passed.first().map_or(self.cursor, |(ordinal, _)| *ordinal)
    }

    /// Lets time pass: notices that nothing moves any more.
    pub fn tick(&mut self, now: Now, lag: Duration) -> Effects {
        let mut effects = Effects::default();
        self.looked = false;
        if self.examining || self.is_under_way() {
            return effects;
        }
        let waiting = !self.attempts.is_empty() || self.ghosts;
        if self.phase == Phase::Flow {
            // Also where more could be sent: it may be kept from that because so much of ours is unconfirmed, and what
            // is lost stays so for ever.
            if waiting && self.is_quiet(now, self.limits.stale, lag) {
                self.phase = Phase::Unsure { until: now };
            } else {
                return effects;
            }
        }
        if self.is_quiet(now, self.limits.quiet, lag) {
            self.judge_trailing(now, &mut effects);
            self.settle_without_fence(now, lag);
        }
        effects
    }

    /// Where no fence is needed, or none can be had, quiet has to do.
    fn settle_without_fence(&mut self, now: Now, lag: Duration) {
        let Phase::Unsure { until } = self.phase else { return };
        if now < until || self.examining {
            return;
        }
        // An earlier process had everything confirmed and had sent nothing twice: nothing can be left.
        let is_all = !self.overtaken || self.peaceful;
        let needless = self.cursor >= self.end && self.attempts.is_empty() && !self.doubt && is_all;
        let impossible = self.fence().is_none() && self.is_quiet(now, 4 * self.limits.stale, lag);
        if needless || impossible {
            self.attempts.clear();
            self.out_of_queue = 0;
            self.ghosts = false;
            self.after_decision();
        }
    }

    /// Nothing follows any more: empty slots at the end can be the last messages.
    fn judge_trailing(&mut self, now: Now, effects: &mut Effects) {
        let empties: Vec<Seq> = self
            .tail
            .iter()
            .filter(|slot| matches!(slot.who, Who::Empty { .. }))
            .map(|slot| slot.seq)
            .collect();
        let in_order = self
            .attempts
            .iter()
            .map(|attempt| attempt.ordinal.0)
            .eq((self.cursor.0..).take(self.attempts.len()));
        let all_known =
            !self.ghosts && self.attempts.iter().all(|attempt| attempt.state == State::Acknowledged);
        if !empties.is_empty() && all_known && in_order && empties.len() == self.attempts.len() {
            for seq in empties {
                if let Some(attempt) = self.attempts.pop_front() {
                    self.out_of_queue = self.out_of_queue.saturating_sub(1);
                    self.confirm(attempt.ordinal, seq, attempt.ids, true, effects);
                    self.cursor = Ordinal(attempt.ordinal.0 + 1);
                }
            }
            self.tail.clear();
            self.moved = now;
            self.pass_rejects();
            self.after_decision();
        }
    }
}

/// The third stage takes seconds under load.
const AGE: Duration = Duration::from_millis(2_800);

/// Names kept of confirmed messages; older ones are looked up in the job.
const RECENT: usize = 256;
