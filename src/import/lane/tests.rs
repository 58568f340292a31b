//! A lane against a model of the server, thousands of times: the laws, faults and kills at random moments,
//! everything from one seed. What must hold is judged on the model server's log alone.
//!
//! `LANE_SEEDS=1000000 cargo test --release --lib lane` runs more of them; `LANE_SEED=n` one, with its
//! story on standard output.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::*;
use crate::log::{Sighting, Who};
use crate::message::SendTime;
use crate::openim::{Lost, Reason};

const A: &str = "a";
const B: &str = "b";
const STEP: Duration = Duration::from_millis(20);

/// A message as the server knows it: what it says, and its name. Equal ones say the same.
#[derive(Debug, Clone)]
struct Msg {
    /// `None`: somebody else's.
    says: Option<u64>,
    id: u32,
    sender: &'static str,
}

#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what can happen to a slot, each apart from the others")]
struct Slot {
    msg: Option<Msg>,
    /// Read before it was written, by somebody else (law 3).
    hidden: bool,
    /// Deleted, by us or by a user.
    deleted: bool,
    /// By a user, and everybody's.
    by_user: bool,
    /// Deleted by `a` for himself.
    gone_for_a: bool,
}

/// How likely each fault is, per thousand steps; a run draws some of them.
#[derive(Debug, Clone, Default)]
struct Faults {
    drop_batch: u32,
    drop_all: u32,
    repeat: u32,
    foreign: u32,
    hide: u32,
    delete_for_a: u32,
    delete: u32,
    stall: u32,
    slow: u32,
    lost_answer: u32,
    late_call: u32,
    refused: u32,
    not_processed: u32,
    comes_back: u32,
    kill: u32,
    poison: u32,
}

struct Server {
    rng: fastrand::Rng,
    faults: Faults,
    queue: VecDeque<Msg>,
    log: Vec<Slot>,
    /// Slots up to here are written; the rest has numbers only.
    written: usize,
    has_read: HashMap<&'static str, i64>,
    /// Calls that were cut off and arrive later.
    late: Vec<(u64, Msg)>,
    stalled_until: u64,
    step: u64,
    ids: u32,
    /// Slots we withdrew before the third stage wrote them.
    may_return: Vec<usize>,
    /// Names that were stored, and how often we sent each message.
    stored: HashSet<u32>,
    copies: u64,
}

impl Server {
    fn chance(&mut self, per_mille: u32) -> bool {
        self.rng.u32(0..1000) < per_mille
    }

    fn message(&mut self, says: Option<u64>, sender: &'static str) -> Msg {
        self.ids += 1;
        Msg { says, id: self.ids, sender }
    }

    /// 20 ms of the server's life.
    fn advance(&mut self) {
        self.step += 1;
        let step = self.step;
        let arrived: Vec<Msg> =
            self.late.iter().filter(|(at, _)| *at <= step).map(|(_, msg)| msg.clone()).collect();
        self.late.retain(|(at, _)| *at > step);
        self.queue.extend(arrived);
        self.write();
        if self.chance(self.faults.foreign) {
            for _ in 0..self.rng.u32(1..4) {
                let sender = if self.rng.bool() { A } else { B };
                let msg = self.message(None, sender);
                self.queue.push_back(msg);
            }
        }
        if self.chance(self.faults.stall) {
            self.stalled_until = step + self.rng.u64(10..1500);
        }
        if self.chance(self.faults.drop_all) {
            self.queue.clear();
        }
        if self.chance(self.faults.repeat) {
            let back = self.rng.usize(1..40).min(self.written);
            let again: Vec<Msg> = self.log[self.written - back..self.written]
                .iter()
                .filter(|slot| !slot.hidden)
                .filter_map(|slot| slot.msg.clone())
                .collect();
            self.copies += again.len() as u64;
            for msg in again.into_iter().rev() {
                self.queue.push_front(msg);
            }
        }
        if self.chance(self.faults.delete_for_a) && self.written > 0 {
            let at = self.written - 1 - self.rng.usize(0..self.written.min(5));
            self.log[at].gone_for_a = true;
        }
        if self.chance(self.faults.delete) && self.written > 0 {
            let at = self.written - 1 - self.rng.usize(0..self.written.min(40));
            self.log[at].deleted = true;
            self.log[at].by_user = true;
        }
        if self.chance(self.faults.comes_back) && !self.may_return.is_empty() {
            let at = self.may_return.swap_remove(self.rng.usize(0..self.may_return.len()));
            self.log[at].deleted = false;
        }
        self.number();
    }

    /// The second stage takes a batch and hands out numbers.
    fn number(&mut self) {
        if self.step < self.stalled_until || self.queue.is_empty() || self.chance(700) {
            return;
        }
        let mut batch: Vec<Msg> = self.queue.drain(..self.rng.usize(1..=self.queue.len().min(120))).collect();
        if batch.len() > 100 {
            return;
        }
        if self.chance(self.faults.drop_batch) {
            if self.rng.bool() {
                return;
            }
            let from = self.rng.usize(0..batch.len());
            let to = self.rng.usize(from..=batch.len());
            batch.drain(from..to);
        }
        self.log.extend(batch.into_iter().map(|msg| Slot { msg: Some(msg), ..Slot::default() }));
        if self.chance(self.faults.hide) && self.log.len() > self.written {
            let at = self.rng.usize(self.written..self.log.len());
            self.log[at].hidden = true;
        }
        // Mostly written before anybody looks, sometimes a step later.
        if !self.chance(300) {
            self.write();
        }
    }

    fn write(&mut self) {
        for at in self.written..self.log.len() {
            if let Some(msg) = &self.log[at].msg {
                self.has_read.insert(msg.sender, seq_of(at));
                self.stored.insert(msg.id);
            }
        }
        self.written = self.log.len();
    }

    /// What a participant sees in a slot. Reading what is not written would hide it: never done.
    fn pull(&self, seq: i64, user: &str) -> Option<Msg> {
        let at = usize::try_from(seq - 1).unwrap();
        assert!(at < self.written, "slot {seq} was read before it was written");
        let slot = &self.log[at];
        let invisible = slot.hidden || slot.deleted || (user == A && slot.gone_for_a);
        slot.msg.clone().filter(|_| !invisible)
    }

    /// What the store has in a slot.
    fn search(&self, seq: i64) -> Option<Msg> {
        let slot = &self.log[usize::try_from(seq - 1).unwrap()];
        slot.msg.clone().filter(|_| !slot.deleted)
    }

    fn delete(&mut self, seq: i64) {
        let at = usize::try_from(seq - 1).unwrap();
        let msg = self.log[at].msg.as_ref();
        assert!(msg.is_some_and(|msg| msg.says.is_some()), "a message of somebody else was deleted");
        self.log[at].deleted = true;
        self.may_return.push(at);
    }
}

/// The number of the slot at that place.
fn seq_of(at: usize) -> i64 {
    i64::try_from(at).unwrap() + 1
}

fn msg_id(id: u32) -> MsgId {
    MsgId::new(&format!("{id:032x}"))
}

fn ids(id: u32) -> Ids {
    Ids { server: msg_id(id), client: msg_id(id) }
}

/// What survives a kill.
#[derive(Debug, Clone, Default)]
struct Disk {
    cursor: u64,
    read_to: i64,
    doubt: bool,
    receipts: HashMap<u64, Receipt>,
    rejects: HashSet<u64>,
    withdrawn: HashMap<i64, Ids>,
}

impl Receipts for Disk {
    fn past(&self, ordinal: Ordinal) -> Past {
        match self.receipts.get(&ordinal.0) {
            Some(Receipt { ids: Some(ids), .. }) => Past::Confirmed(ids.clone()),
            None if self.rejects.contains(&ordinal.0) => Past::Rejected,
            _ => Past::Unknown,
        }
    }
}

struct World {
    seed: u64,
    server: Server,
    lane: Lane,
    disk: Disk,
    /// Older states of the disk: a kill takes us back to one of them.
    older: VecDeque<Disk>,
    says: Vec<u64>,
    poison: HashSet<u64>,
    /// The call under way: when it is answered, and how.
    call: Option<(u64, Answered)>,
    /// Slots to delete; their intents are on the disk.
    to_delete: Vec<i64>,
    examine: Vec<Seq>,
    limits: Limits,
    lag: Duration,
    fences: u64,
    withdrawals: u64,
    /// Messages by the names that their copies got.
    sent: HashMap<u32, u64>,
    tell: bool,
}

impl World {
    fn now(&self) -> Now {
        STEP * u32::try_from(self.server.step).unwrap()
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.tell {
            println!("{:>7} ms  {}", self.server.step * 20, what());
        }
    }

    fn sighting(&self, seq: i64, msg: Option<&Msg>, readable: bool) -> Sighting {
        let who = match msg {
            None => Who::Empty { examined: false },
            Some(Msg { says: None, .. }) => Who::Foreign,
            Some(Msg { says: Some(says), id, .. }) => {
                let ids = ids(*id);
                // As the importer does: by name, else by content over the whole conversation.
                let ordinals = self.lane.find(&ids).map_or_else(
                    || (0..).zip(&self.says).filter(|(_, s)| *s == says).map(|(n, _)| Ordinal(n)).collect(),
                    |ordinal| vec![ordinal],
                );
                Who::Ours { ids, ordinals, readable }
            }
        };
        Sighting { seq: Seq(seq), who }
    }

    fn apply(&mut self, effects: Effects) {
        if let Some(lag) = effects.lag {
            self.lag = lag.max(self.lag * 7 / 8);
        }
        if effects != Effects::default() && self.tell {
            println!("            -> {effects:?}");
        }
        self.older.push_back(self.disk.clone());
        if self.older.len() > 8 {
            self.older.pop_front();
        }
        for receipt in effects.confirmed {
            let before = self.disk.receipts.insert(receipt.ordinal.0, receipt);
            assert!(before.is_none(), "confirmed twice: {before:?}");
        }
        for (ordinal, _) in self.lane.take_rejects(true) {
            self.disk.rejects.insert(ordinal.0);
        }
        self.disk.cursor = self.lane.commit_cursor().0;
        self.disk.read_to = self.lane.settled_to().0;
        self.disk.doubt = self.lane.is_in_doubt();
        if !effects.strays.is_empty() {
            for stray in effects.strays {
                self.withdrawals += 1;
                self.to_delete.push(stray.seq.0);
                self.disk.withdrawn.insert(stray.seq.0, stray.ids);
            }
            // The intent is synced, and everything committed before with it.
            self.older.clear();
        }
        self.examine.extend(effects.examine);
    }

    fn kill(&mut self) {
        let back = self.server.rng.usize(0..=self.older.len());
        if let Some(disk) = self.older.iter().rev().nth(back.wrapping_sub(1)) {
            let doubt = self.disk.doubt || disk.doubt;
            self.disk = Disk { doubt, ..disk.clone() };
        }
        self.older.clear();
        let disk = &self.disk;
        self.say(|| format!("KILLED; cursor {}, read to {}", disk.cursor, disk.read_to));
        self.examine.clear();
        self.to_delete = self.disk.withdrawn.keys().copied().collect();
        self.call = None;
        self.lag = Duration::ZERO;
        let start = Start {
            cursor: Ordinal(self.disk.cursor),
            end: Ordinal(self.says.len() as u64),
            overtaken: false,
            read_to: Seq(self.disk.read_to),
            left: Left::Unknown { wait: self.limits.cut_wait, doubt: self.disk.doubt },
            withdrawn: self.disk.withdrawn.iter().map(|(seq, ids)| (Seq(*seq), ids.server.clone())).collect(),
            last: self.disk.receipts.keys().max().map(|n| Ordinal(*n)),
        };
        self.lane = Lane::new(self.limits, start, self.now());
    }

    fn answers(&mut self) {
        if let Some((at, answered)) = self.call.take() {
            if at <= self.server.step {
                self.say(|| format!("answer {answered:?}"));
                self.lane.answered(answered, self.now());
            } else {
                self.call = Some((at, answered));
            }
        }
    }

    fn send(&mut self) {
        for _ in 0..4 {
            let mut next = self.lane.next(self.now(), self.lag);
            if next == Next::Look {
                self.lane.enter_doubt();
                self.disk.doubt = true;
                self.look();
                self.lane.looked();
                next = self.lane.next(self.now(), self.lag);
            }
            let (Next::Message(ordinal) | Next::Fence(ordinal)) = next else { return };
            if let Next::Fence(_) = next {
                self.fences += 1;
                assert!(!self.stands(ordinal), "seed {}: {} is sent again and stands", self.seed, ordinal.0);
                self.lane.enter_doubt();
                self.disk.doubt = true;
            }
            self.say(|| format!("send {next:?}"));
            let sender = if ordinal.0.is_multiple_of(3) { A } else { B };
            self.lane.sending(next, UserId(sender.into()), self.now());
            let answered = self.call_server(ordinal.0, sender);
            let s = &mut self.server;
            let takes = if s.chance(s.faults.slow) { s.rng.u64(1..20) } else { 0 };
            self.call = Some((s.step + takes, answered));
            self.answers();
            if self.call.is_some() {
                return;
            }
        }
    }

    /// Whether a message that is to come can be read in the log: a copy that was not withdrawn (law 14), and did
    /// not take the place of another that is equal.
    fn stands(&self, ordinal: Ordinal) -> bool {
        let receipts = self.disk.receipts.values().filter_map(|receipt| receipt.ids.as_ref());
        let dealt_with: HashSet<&Ids> = self.disk.withdrawn.values().chain(receipts).collect();
        ordinal >= self.lane.cursor()
            && self.server.log[..self.server.written].iter().any(|slot| {
                let is_copy = |msg: &Msg| {
                    self.sent.get(&msg.id) == Some(&ordinal.0) && !dealt_with.contains(&ids(msg.id))
                };
                slot.msg.as_ref().is_some_and(is_copy) && !slot.hidden && !slot.deleted && !slot.gone_for_a
            })
    }

    fn call_server(&mut self, ordinal: u64, sender: &'static str) -> Answered {
        let poison = self.poison.contains(&ordinal);
        let says = self.says[usize::try_from(ordinal).unwrap()];
        let s = &mut self.server;
        let cut = || Answered::Unanswered(Lost::Cut(String::new()), Company::Alone);
        if s.chance(s.faults.not_processed) {
            return Answered::NotProcessed;
        }
        if s.chance(s.faults.refused) || (poison && ordinal.is_multiple_of(2)) {
            let rejection = Rejection { reason: Reason::Malformed, code: 1001, detail: String::new() };
            return if poison { Answered::Rejected(rejection) } else { Answered::NotProcessed };
        }
        if poison {
            return Answered::Unanswered(Lost::Error(500, String::new()), Company::Flows);
        }
        let msg = s.message(Some(says), sender);
        self.sent.insert(msg.id, ordinal);
        if s.chance(s.faults.lost_answer) {
            if s.rng.bool() {
                s.queue.push_back(msg);
            }
            return cut();
        }
        if s.chance(s.faults.late_call) {
            // On its way for a while, but for less than we wait.
            let at = s.step + s.rng.u64(1..200);
            s.late.push((at, msg));
            return cut();
        }
        let answer = Answered::Acknowledged(ids(msg.id));
        s.queue.push_back(msg);
        answer
    }

    fn read(&mut self) {
        let now = self.now();
        // The poller rests where nothing moves.
        if self.lane.is_settling() && !self.server.chance(20) {
            return;
        }
        if !self.lane.is_done()
            && !self.lane.wants_poll(if self.server.rng.bool() { Hurry::Starving } else { Hurry::Usual }, now)
            && !self.server.chance(50)
        {
            return;
        }
        self.look();
    }

    fn look(&mut self) {
        let now = self.now();
        self.lane.polled(Seq(seq_of(self.server.log.len()) - 1), now).unwrap();
        if !self.lane.has_news() {
            return;
        }
        let bound_of = |user: &str| self.server.has_read.get(user).copied().unwrap_or(0);
        let (bound, user, all) = match self.lane.ask() {
            Ask::One(user) => (bound_of(user.as_str()), user.0, false),
            Ask::All => (
                bound_of(A).max(bound_of(B)),
                if self.server.step.is_multiple_of(2) { A } else { B }.into(),
                true,
            ),
        };
        self.lane.bounded(Seq(bound), all);
        let from = self.lane.read_to().0 + 1;
        let to = bound.min(from + 80);
        if to < from {
            return;
        }
        let slots =
            (from..=to).map(|seq| self.sighting(seq, self.server.pull(seq, &user).as_ref(), true)).collect();
        self.say(|| format!("read {from} to {to} as {user}: {slots:?}"));
        let disk = self.disk.clone();
        let effects = self.lane.read(&disk, slots, now);
        self.apply(effects);
    }

    fn examine(&mut self) {
        if self.examine.is_empty() || self.server.chance(500) {
            return;
        }
        let found = std::mem::take(&mut self.examine)
            .into_iter()
            .map(|seq| {
                let msg = self.server.pull(seq.0, B).or_else(|| self.server.pull(seq.0, A));
                let readable = msg.is_some();
                let mut sighting =
                    self.sighting(seq.0, msg.or_else(|| self.server.search(seq.0)).as_ref(), readable);
                if let Who::Empty { examined } = &mut sighting.who {
                    *examined = true;
                }
                sighting
            })
            .collect();
        self.say(|| format!("examined: {found:?}"));
        let (disk, now) = (self.disk.clone(), self.now());
        let effects = self.lane.examined(&disk, found, now);
        self.apply(effects);
    }

    fn step(&mut self) {
        self.server.advance();
        if self.server.chance(self.server.faults.kill) {
            self.kill();
        }
        self.answers();
        self.read();
        self.examine();
        if !self.to_delete.is_empty() && self.server.chance(300) {
            for seq in std::mem::take(&mut self.to_delete) {
                self.say(|| format!("delete {seq}"));
                self.server.delete(seq);
            }
        }
        let effects = self.lane.tick(self.now(), self.lag);
        self.apply(effects);
        self.send();
    }

    /// The end of a run: what came after the last message is read as well, and what was withdrawn is looked
    /// for again until it stays away (law 14).
    fn finish(&mut self) {
        self.server.faults = Faults::default();
        while !self.server.queue.is_empty() || self.lane.read_to().0 < seq_of(self.server.log.len()) - 1 {
            self.step();
        }
        for seq in self.disk.withdrawn.keys().copied().collect::<Vec<_>>() {
            self.server.delete(seq);
        }
    }

    fn judge(&self, seed: u64) {
        let mut judged = HashSet::new();
        let mut want = (0u64..).zip(&self.says).filter(|(n, _)| !self.disk.rejects.contains(n)).peekable();
        for (at, slot) in self.server.log.iter().enumerate() {
            let Some(msg) = slot.msg.as_ref().filter(|_| !slot.deleted || slot.by_user) else { continue };
            let Some(says) = msg.says else { continue };
            if !judged.insert(msg.id) {
                continue;
            }
            let (n, expected) =
                want.next().unwrap_or_else(|| panic!("seed {seed}: slot {} is one too many", at + 1));
            assert_eq!(says, *expected, "seed {seed}: slot {} holds the wrong message for {n}", at + 1);
            let receipt = &self.disk.receipts[&n];
            assert_eq!(receipt.seq.0, seq_of(at), "seed {seed}: the receipt of {n} is wrong");
            assert!(receipt.ids.as_ref().is_none_or(|known| *known == ids(msg.id)), "seed {seed}: {n}");
        }
        assert_eq!(want.peek(), None, "seed {seed}: lost");
        for poison in &self.disk.rejects {
            assert!(self.poison.contains(poison), "seed {seed}: {poison} was rejected");
        }
        for slot in &self.server.log {
            assert!(
                !slot.deleted || slot.by_user || slot.msg.as_ref().is_some_and(|m| m.says.is_some()),
                "seed {seed}: a message of somebody else is gone"
            );
        }
    }
}

/// Draws faults and messages, runs to the end, judges. Gives fences and withdrawals.
fn run(seed: u64, tell: bool) -> (u64, u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut some = |most: u32| if rng.u32(0..4) == 0 { rng.u32(1..=most) } else { 0 };
    let faults = Faults {
        drop_batch: some(150),
        drop_all: some(10),
        repeat: some(20),
        foreign: some(200),
        hide: some(60),
        delete_for_a: some(20),
        delete: 0,
        stall: some(5),
        slow: some(300),
        lost_answer: some(60),
        late_call: some(30),
        refused: some(50),
        not_processed: some(100),
        comes_back: some(100),
        kill: some(5),
        poison: some(30),
    };
    let count = rng.u64(1..300);
    // Runs of equal messages, as exports have them.
    let equal = rng.u64(1..4);
    let says = (0..count).map(|n| if rng.u64(0..4) < equal { n } else { n / 3 * 3 }).collect();
    let poison = (0..count).filter(|_| rng.u32(0..1000) < faults.poison).collect();
    let limits = Limits::default();
    let server = Server {
        rng: fastrand::Rng::with_seed(seed ^ 0xfeed),
        faults,
        queue: VecDeque::new(),
        log: Vec::new(),
        written: 0,
        has_read: HashMap::new(),
        late: Vec::new(),
        stalled_until: 0,
        step: 0,
        ids: 0,
        may_return: Vec::new(),
        stored: HashSet::new(),
        copies: 0,
    };
    let start = Start {
        cursor: Ordinal(0),
        end: Ordinal(count),
        overtaken: false,
        read_to: Seq(0),
        left: Left::Nothing,
        withdrawn: Vec::new(),
        last: None,
    };
    let mut world = World {
        seed,
        server,
        lane: Lane::new(limits, start, Duration::ZERO),
        disk: Disk::default(),
        older: VecDeque::new(),
        says,
        poison,
        call: None,
        to_delete: Vec::new(),
        examine: Vec::new(),
        limits,
        lag: Duration::ZERO,
        fences: 0,
        withdrawals: 0,
        sent: HashMap::new(),
        tell,
    };
    if tell {
        println!("{:?}\n{count} messages, {} poison", world.server.faults, world.poison.len());
    }
    let mut step = 0u32;
    while !world.lane.is_done() || !world.to_delete.is_empty() {
        world.step();
        step += 1;
        // Faults end some time, as they do at night; 20 minutes of theirs are enough.
        if step == 60_000 {
            let poison = world.server.faults.poison;
            world.server.faults = Faults { poison, ..Faults::default() };
        }
        assert!(step < 400_000, "seed {seed}: does not end; {:#?}", world.lane);
        if tell && step > 100_000 {
            break;
        }
    }
    assert_eq!(world.lane.cursor(), Ordinal(count));
    world.finish();
    world.judge(seed);
    (world.fences, world.withdrawals)
}

#[test]
fn nothing_lost_doubled_or_out_of_order() {
    #[expect(clippy::disallowed_methods, reason = "how many runs, for those who want more")]
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    if let Some(seed) = number("LANE_SEED") {
        run(seed, true);
        return;
    }
    let first = number("LANE_FIRST").unwrap_or(0);
    let mut sum = (0, 0);
    for seed in first..first + number("LANE_SEEDS").unwrap_or(300) {
        let (fences, withdrawals) = run(seed, false);
        sum = (sum.0 + fences, sum.1 + withdrawals);
    }
    println!("{} fences, {} withdrawals", sum.0, sum.1);
    assert!(sum.0 > 100 && sum.1 > 100, "the faults no longer bite: {sum:?}");
}

/// A conversation at its beginning, its first window sent and acknowledged.
fn a_full_window() -> Lane {
    let start = Start {
        cursor: Ordinal(0),
        end: Ordinal(1_000),
        overtaken: false,
        read_to: Seq(0),
        left: Left::Nothing,
        withdrawn: Vec::new(),
        last: None,
    };
    let mut lane = Lane::new(Limits::default(), start, STEP);
    lane.polled(Seq(0), STEP).unwrap();
    assert_eq!(send_all(&mut lane), Limits::default().window);
    lane
}

/// Sends as much as it may; how much that was.
fn send_all(lane: &mut Lane) -> usize {
    let mut sent = 0;
    while let next @ Next::Message(ordinal) = lane.next(STEP, STEP) {
        lane.sending(next, UserId(A.to_owned()), STEP);
        lane.answered(Answered::Acknowledged(ids(u32::try_from(ordinal.0).unwrap())), STEP);
        sent += 1;
    }
    sent
}

#[test]
fn a_message_leaves_the_window_with_its_number() {
    let mut lane = a_full_window();
    lane.polled(Seq(40), STEP).unwrap();
    assert_eq!(send_all(&mut lane), 40, "nothing was read yet");
    assert_eq!(lane.next(STEP, STEP), Next::Wait);
}

#[test]
fn numbers_that_may_be_others_free_nothing() {
    let mut lane = a_full_window();
    // More than were sent: others write, or numbers jumped.
    lane.polled(Seq(65), STEP).unwrap();
    assert_eq!(send_all(&mut lane), 0);
    lane.polled(Seq(70), STEP).unwrap();
    assert_eq!(send_all(&mut lane), 0, "from then on what is read counts");
}

#[test]
fn what_nobody_can_read_is_not_sent_for_ever() {
    let mut lane = a_full_window();
    for _ in 0..100 {
        let numbered = Seq(i64::try_from(lane.live()).unwrap());
        lane.polled(numbered, STEP).unwrap();
        send_all(&mut lane);
    }
    assert_eq!(lane.live(), MOST_UNREAD);
}

#[test]
fn nothing_goes_behind_what_somebody_has_just_written() {
    let mut lane = a_full_window();
    let ours = |seq: i64, n: u32| {
        let who = Who::Ours { ids: ids(n), ordinals: vec![Ordinal(u64::from(n))], readable: true };
        Sighting { seq: Seq(seq), who }
    };
    let time = SendTime(9);
    let newer = Who::Newer { older: Ordinal(1_000), by: UserId(B.to_owned()), time };
    let mut slots: Vec<Sighting> = (0..10).map(|n| ours(i64::from(n) + 1, n)).collect();
    slots.push(Sighting { seq: Seq(11), who: newer });
    slots.extend((10..15).map(|n| ours(i64::from(n) + 2, n)));
    lane.polled(Seq(16), STEP).unwrap();
    lane.bounded(Seq(16), true);
    let effects = lane.read(&Disk::default(), slots, STEP);
    assert_eq!(effects.confirmed.len(), 10);
    let strays: Vec<i64> = effects.strays.iter().map(|stray| stray.seq.0).collect();
    assert_eq!(strays, [12, 13, 14, 15, 16], "what stands behind it is taken back");
    assert_eq!(effects.overtaken, Some(Overtaking { seq: Seq(11), by: UserId(B.to_owned()), time }));
    assert_eq!(send_all(&mut lane), 0);
    // The rest of the window is on its way still, and is taken back as it comes.
    let rest: Vec<Sighting> = (15..64).map(|n| ours(i64::from(n) + 2, n)).collect();
    lane.polled(Seq(65), STEP).unwrap();
    lane.bounded(Seq(65), true);
    let effects = lane.read(&Disk::default(), rest, STEP);
    assert_eq!((effects.confirmed.len(), effects.strays.len(), effects.overtaken), (0, 49, None));
    assert!(lane.is_done() && lane.is_at_peace());
    assert_eq!(lane.cursor(), Ordinal(10));
}

#[test]
fn what_others_wrote_before_our_times_is_in_nobody_s_way() {
    let mut lane = a_full_window();
    let newer = |older| Who::Newer { older: Ordinal(older), by: UserId(B.to_owned()), time: SendTime(9) };
    let who = Who::Ours { ids: ids(0), ordinals: vec![Ordinal(0)], readable: true };
    // The second is newer than the first of ours alone, and that stands above it.
    let slots = vec![
        Sighting { seq: Seq(1), who: newer(0) },
        Sighting { seq: Seq(2), who },
        Sighting { seq: Seq(3), who: newer(1) },
    ];
    lane.polled(Seq(3), STEP).unwrap();
    lane.bounded(Seq(3), true);
    let effects = lane.read(&Disk::default(), slots, STEP);
    assert_eq!((effects.confirmed.len(), effects.foreign, effects.overtaken), (1, 2, None));
}
