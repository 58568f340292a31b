//! The model of the server: one queue, batches, a second stage whose work costs time.

use std::collections::VecDeque;

/// How it behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    /// Storing a message costs, ms.
    pub(super) message: f64,
    /// And a conversation in a batch, ms.
    pub(super) group: f64,
    /// And one that is begun, ms.
    pub(super) begin: f64,
    /// Batches are closed so often, ms.
    pub(super) interval: u64,
    /// Answers a second that 1 and 64 callers reach together.
    pub(super) answers: (f64, f64),
    /// Storing takes so many times as long, by the time: 0 stands still.
    pub(super) slow: fn(u64) -> f64,
    /// How much of the answer and storing times is chance, 0 to 1.
    pub(super) noise: f64,
    pub(super) seed: u64,
}

impl Model {
    pub(super) const V3_8_3: Self = Self {
        message: 1.86,
        group: 3.4,
        begin: 40.0,
        interval: 100,
        answers: (285.0, 1_500.0),
        slow: |_| 1.0,
        noise: 0.2,
        seed: 1,
    };
    pub(super) const MAIN: Self =
        Self { message: 0.68, group: 4.0, begin: 25.0, answers: (1_147.0, 3_000.0), ..Self::V3_8_3 };
}

pub(super) struct Server {
    model: Model,
    dice: fastrand::Rng,
    queue: VecDeque<(usize, u64)>,
    batches: VecDeque<VecDeque<(usize, Vec<u64>)>>,
    due: bool,
    /// When the second stage is free, ms.
    free: f64,
    /// A group that is being written: when it is done.
    writing: Option<(f64, usize, Vec<u64>)>,
    /// Numbered since it was last asked, by conversation.
    pub(super) numbered: Vec<usize>,
    begun: Vec<bool>,
    /// Live messages: when, and how long it took to be readable.
    pub(super) felt: Vec<(u64, u64)>,
    next_live: u64,
    answered: f64,
}

/// The conversation of live users.
const LIVE: usize = usize::MAX;

impl Server {
    pub(super) fn new(model: Model, conversations: usize) -> Self {
        Self {
            model,
            dice: fastrand::Rng::with_seed(model.seed),
            queue: VecDeque::new(),
            batches: VecDeque::new(),
            due: false,
            free: 0.0,
            writing: None,
            numbered: vec![0; conversations],
            begun: vec![false; conversations],
            felt: Vec::new(),
            next_live: 0,
            answered: 0.0,
        }
    }

    pub(super) fn queue(&mut self, conversation: usize, now: u64) {
        self.queue.push_back((conversation, now));
    }

    /// Answers leave one after the other, at a rate that depends on the callers.
    pub(super) fn answer_time(&mut self, busy: usize, now: u64) -> u64 {
        let (one, many) = self.model.answers;
        let callers = crate::pacing::as_f64(busy.max(1));
        let rate = one * (many / one).powf((callers.ln() / 64f64.ln()).min(1.0));
        let now = ms(now);
        self.answered = self.answered.max(now - 50.0) + 1_000.0 / rate * self.chance();
        whole(self.answered - now).max(1)
    }

    fn chance(&mut self) -> f64 {
        1.0 + self.model.noise * (2.0 * self.dice.f64() - 1.0)
    }

    pub(super) fn step(&mut self, now: u64) {
        if now >= self.next_live {
            self.next_live = now + 80 + self.dice.u64(0..170);
            self.queue.push_back((LIVE, now));
        }
        self.due |= now.is_multiple_of(self.model.interval) || self.queue.len() >= 500;
        if self.queue.is_empty() {
            self.due = false;
        }
        if self.due && self.batches.len() < 2 {
            self.due = false;
            if self.batches.is_empty() && self.writing.is_none() {
                self.free = self.free.max(ms(now));
            }
            self.close();
        }
        let slow = (self.model.slow)(now);
        if slow == 0.0 {
            self.free = self.free.max(ms(now));
            return;
        }
        loop {
            if let Some((done, conversation, times)) = self.writing.take() {
                if done > ms(now) {
                    self.writing = Some((done, conversation, times));
                    return;
                }
                self.written(conversation, &times, now);
            }
            let Some(batch) = self.batches.front_mut() else { return };
            let Some((conversation, times)) = batch.pop_front() else {
                self.batches.pop_front();
                continue;
            };
            let is_new = conversation != LIVE && !std::mem::replace(&mut self.begun[conversation], true);
            let begin = if is_new { self.model.begin } else { 0.0 };
            let cost = begin + self.model.group + self.model.message * crate::pacing::as_f64(times.len());
            self.free += cost * slow * self.chance();
            if conversation != LIVE {
                self.numbered[conversation] += times.len();
            }
            self.writing = Some((self.free, conversation, times));
        }
    }

    fn written(&mut self, conversation: usize, times: &[u64], now: u64) {
        if conversation == LIVE {
            self.felt.extend(times.iter().map(|then| (*then, now - then)));
        }
    }

    /// Live messages that can't be read yet: when they were written.
    pub(super) fn waiting(&self) -> impl Iterator<Item = u64> {
        let in_batches =
            self.batches.iter().flatten().filter(|(to, _)| *to == LIVE).flat_map(|(_, times)| times);
        let in_queue = self.queue.iter().filter(|(to, _)| *to == LIVE).map(|(_, at)| at);
        in_batches.chain(in_queue).copied()
    }

    fn close(&mut self) {
        let count = self.queue.len().min(500);
        let mut groups: VecDeque<(usize, Vec<u64>)> = VecDeque::new();
        for (conversation, at) in self.queue.drain(..count) {
            match groups.iter_mut().find(|(known, _)| *known == conversation) {
                Some((_, times)) => times.push(at),
                None => groups.push_back((conversation, vec![at])),
            }
        }
        self.batches.push_back(groups);
    }
}

pub(super) fn ms(time: u64) -> f64 {
    crate::pacing::as_f64(usize::try_from(time).unwrap_or(usize::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn whole(time: f64) -> u64 {
    time.max(0.0) as u64
}
