//! The job is lost, and the server has part of its history: the new one learns from the server's log what is
//! there. Nothing is sent and nothing deleted.
//!
//! Each conversation is read up to its safe bound (law 3) and aligned with the export. What is decided goes
//! into the job: baseline, cursor, receipts, copies. What the earlier import left unsettled in its last window
//! is left to `run`, which settles it as it does after every crash. Conversations in which nothing of ours can
//! be read are begun as well: what was sent there may still be in the queue, and only a fence can tell (law 10).

mod walk;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::visit::{self, AfterError, Round, Server, Settings};
use crate::import::Receipts;
use crate::job::{
    ConvNo, Conversation, Durability, Gone, Job, JobError, JobReader, Overtaken, Receipt, Reject,
    SharedReader, Step, Under,
};
use crate::job::{Write, WriterHandle};
use crate::log::{Log, Lookup, PAGE, Past, Seen, Sighting, Stored, Who, candidates, entries_of, look_for};
use crate::message::{Ordinal, Seq};
use crate::openim::{ACTIVE_AT_ONCE, Client, Reason, pages};
use walk::{End, Found, Walk};

/// What was found; numbers that anybody may look at while it works.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Messages of the job.
    pub messages: AtomicU64,
    /// Conversations of the job.
    pub conversations: AtomicU64,
    /// Conversations looked at.
    pub looked_at: AtomicU64,
    /// Conversations in which something of ours stands.
    pub begun: AtomicU64,
    /// Messages that are there.
    pub found: AtomicU64,
    /// Of these, messages that stand behind later ones.
    pub late: AtomicU64,
    /// Of these, messages whose slot reads as empty.
    pub hidden: AtomicU64,
    /// Copies that the server made.
    pub doubled: AtomicU64,
    /// Second copies under names of their own: `run` deletes them.
    pub strays: AtomicU64,
    /// Messages behind one that is missing: `run` takes them back and sends them again in order.
    pub behind: AtomicU64,
    /// Messages that are not there although many later ones are: rejects of the new job.
    pub not_there: AtomicU64,
    /// Messages of others.
    pub foreign: AtomicU64,
    /// Conversations that hold something, of which nobody sees anything.
    pub blank: AtomicU64,
}

/// Finds what the server has of the job's messages, and writes it into the job. `quiet` is how long calls of
/// the earlier import may still be under way.
pub async fn adopt(
    client: Client,
    job: &mut Job,
    settings: Settings,
    quiet: Duration,
    now: i64,
    adopted: Arc<Adopted>,
) -> Result<(), AfterError> {
    let began = Instant::now();
    let reader = job.reader()?;
    let totals = reader.totals()?;
    adopted.messages.store(totals.messages, Ordering::Relaxed);
    adopted.conversations.store(totals.conversations, Ordering::Relaxed);
    job.begin_adopting(now)?;
    let run = job.begin_run(now, client.api(), "{}")?;
    let writer = job.writer()?;
    let workers = settings.connections;
    let server = Server::new(client, settings);
    let shared = Arc::new(Shared {
        server,
        writer: writer.handle(),
        run,
        adopted: Arc::clone(&adopted),
        lookups: AtomicU64::new(LOOKUPS),
    });
    // What it had deleted last may come back when the store is written (law 14). Read before that, it would
    // be hidden for a day, and then come back for good.
    let quiet = quiet.max(shared.server.settings.stay_away);
    let result = read_all(&shared, &reader, workers, quiet.saturating_sub(began.elapsed())).await;
    drop(shared);
    let closed = tokio::task::spawn_blocking(move || writer.close()).await;
    // The writer's own error says more than what followed from it.
    closed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    result?;
    job.write_rejects(&|name| Reason::from_name(name).map_or("", Reason::means))?;
    let found = adopted.found.load(Ordering::Relaxed);
    let elapsed = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    job.end_run(run, now.saturating_add(elapsed), &serde_json::json!({ "adopted": found }).to_string())?;
    job.end_adopting()?;
    Ok(())
}

/// What all workers share.
struct Shared {
    server: Server,
    writer: WriterHandle,
    run: u32,
    adopted: Arc<Adopted>,
    /// How often the store may still be asked.
    lookups: AtomicU64,
}

/// So many empty slots are looked up in the store; the others are taken for messages that are hidden or deleted.
const LOOKUPS: u64 = 200;

/// A conversation that holds something, and how long its log was at first.
type Task = (Conversation, Seq);

async fn read_all(
    shared: &Arc<Shared>,
    reader: &JobReader,
    workers: u16,
    quiet: Duration,
) -> Result<(), AfterError> {
    let mut first = HashMap::new();
    each_page(shared, reader, async |page| {
        let grown = page.iter().filter(|(_, max_seq)| max_seq.0 > 0);
        first.extend(grown.map(|(conversation, max_seq)| (conversation.no, *max_seq)));
        Ok(())
    })
    .await?;
    shared.server.sleep(quiet).await?;
    let (tasks, queue) = mpsc::channel::<Task>(usize::from(workers) * 2);
    let queue = Arc::new(Mutex::new(queue));
    let mut all = JoinSet::new();
    for _ in 0..workers {
        let (shared, queue, desk) =
            (Arc::clone(shared), Arc::clone(&queue), SharedReader::new(reader.reopen()?));
        all.spawn(async move {
            loop {
                let next = queue.lock().await.recv().await;
                let Some((conversation, first)) = next else { return Ok(()) };
                Reading::of(&shared, &desk, &conversation).read(first).await?;
                shared.adopted.looked_at.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    drop(queue);
    let fed = each_page(shared, reader, async |page| {
        let (empty, held): (Vec<_>, Vec<_>) = page.into_iter().partition(|(_, max_seq)| max_seq.0 == 0);
        let rows = empty.iter().map(|(conversation, _)| (conversation.no, Seq(0))).collect();
        shared.write(Write::Activate { run: shared.run, conversations: rows }).await?;
        shared.adopted.looked_at.fetch_add(empty.len() as u64, Ordering::Relaxed);
        for (conversation, _) in held {
            let was = first.get(&conversation.no).copied().unwrap_or(Seq(0));
            // Workers that ended early have an error to tell.
            if tasks.send((conversation, was)).await.is_err() {
                break;
            }
        }
        Ok(())
    })
    .await;
    drop(tasks);
    visit::all(all).await.and(fed)?;
    shared.writer.surely(Write::Nothing, Durability::Synced).await.map_err(gone)
}

/// All conversations of the job with their `maxSeq`, page by page.
async fn each_page(
    shared: &Shared,
    reader: &JobReader,
    mut take: impl AsyncFnMut(Vec<(Conversation, Seq)>) -> Result<(), AfterError>,
) -> Result<(), AfterError> {
    let round = Round::new(reader.reopen()?);
    loop {
        shared.go_on()?;
        let mut page = Vec::new();
        while page.len() < ACTIVE_AT_ONCE
            && let Some(conversation) = round.next(&shared.server.settings).await?
        {
            page.push(conversation);
        }
        if page.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = page.iter().map(|conversation| conversation.id().0).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let seqs = shared.server.seqs(shared.server.client.admin_user(), &names).await?;
        take(page.into_iter().zip(seqs.iter().map(|seqs| Seq(seqs.max_seq))).collect()).await?;
    }
}

impl Shared {
    async fn write(&self, entry: Write) -> Result<(), AfterError> {
        self.writer.lazily(entry).await.map_err(gone)
    }

    /// Takes one of the questions to the store: each is a walk over all it holds (law 8).
    fn may_ask_the_store(&self) -> bool {
        self.lookups.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Unless it is stopped.
    fn go_on(&self) -> Result<(), AfterError> {
        if self.server.settings.stop.is_cancelled() { Err(AfterError::Stopped) } else { Ok(()) }
    }
}

/// [`Job::writer`] has failed; its own error is told when it is closed.
fn gone(_: Gone) -> AfterError {
    AfterError::Stopped
}

/// One conversation being read.
struct Reading<'a> {
    shared: &'a Shared,
    desk: &'a SharedReader,
    conversation: &'a Conversation,
    walk: Walk,
    /// Written down, once something of ours was found.
    activated: bool,
    /// Receipts not in the job yet.
    receipts: Vec<Receipt>,
    late: Vec<Receipt>,
    /// Receipts handed to the writer that may not be readable yet.
    unsure: usize,
    /// The last slot in which something of ours stands.
    newest: Seq,
    /// Others' message with the latest time.
    others: Option<Overtaken>,
}

impl<'a> Reading<'a> {
    fn of(shared: &'a Shared, desk: &'a SharedReader, conversation: &'a Conversation) -> Self {
        let walk = Walk::new(Ordinal(conversation.messages));
        let (receipts, late) = (Vec::new(), Vec::new());
        let (unsure, newest, others) = (0, Seq(0), None);
        Self { shared, desk, conversation, walk, activated: false, receipts, late, unsure, newest, others }
    }

    async fn read(mut self, first: Seq) -> Result<(), AfterError> {
        let mut log = Log::open(&self.shared.server, self.desk, self.conversation).await?;
        let mut seen_any = false;
        for (from, to) in pages(Seq(1), log.bound, PAGE) {
            self.shared.go_on()?;
            // Any empty slot can be one of ours.
            let wanted: Vec<Seq> = (from.0..=to.0).map(Seq).collect();
            let seen = log.page(from, to, &wanted).await?;
            seen_any |= !seen.is_empty();
            let veiled = self.veiled(&seen).await?;
            let slots = self.identify(from, to, seen, &veiled)?;
            let known = Known { desk: self.desk, conv: self.conversation.no };
            let found = self.walk.take(&known, slots);
            self.note(found).await?;
        }
        if log.bound.0 > 0 && !seen_any {
            tracing::warn!(
                conversation = log.name(),
                slots = log.bound.0,
                "nobody sees anything in it: what stood there was deleted, or may not be read"
            );
            self.count(|adopted| &adopted.blank, 1);
        }
        self.end(&log, first).await
    }

    /// What everybody who looked has deleted for himself comes without its words (law 13), and can be one of several messages
    /// of that moment: those of them that the store has.
    async fn veiled(&self, seen: &[Seen]) -> Result<HashMap<Seq, Vec<Ordinal>>, AfterError> {
        let mut told = HashMap::new();
        for one in seen.iter().filter(|one| !one.stored.is_shown()) {
            let several = self.desk.read(|reader| {
                let ordinals = candidates(reader, self.conversation, &one.stored)?;
                entries_of(reader, self.conversation, &ordinals)?
                    .iter()
                    .map(|entry| Ok((entry.ordinal, reader.message(entry)?)))
                    .collect::<Result<Vec<_>, JobError>>()
            })?;
            let mut there = Vec::new();
            for (ordinal, message) in several.iter().filter(|_| several.len() > 1) {
                if !self.shared.may_ask_the_store()
                    || look_for(&self.shared.server, message, None).await? != Lookup::Absent
                {
                    there.push(*ordinal);
                }
            }
            if !there.is_empty() {
                told.insert(one.seq, there);
            }
        }
        Ok(told)
    }

    /// Whose messages stand in these slots.
    fn identify(
        &mut self,
        from: Seq,
        to: Seq,
        seen: Vec<Seen>,
        veiled: &HashMap<Seq, Vec<Ordinal>>,
    ) -> Result<Vec<Sighting>, AfterError> {
        let conversation = self.conversation;
        let mut seen = seen.into_iter().peekable();
        let mut foreign = 0;
        let slots = self.desk.read(|reader| {
            (from.0..=to.0)
                .map(Seq)
                .map(|seq| {
                    let Some(one) = seen.next_if(|one| one.seq == seq) else {
                        // Several participants were asked.
                        return Ok(Sighting { seq, who: Who::Empty { examined: true } });
                    };
                    let ordinals = match veiled.get(&seq) {
                        Some(ordinals) => ordinals.clone(),
                        None => candidates(reader, conversation, &one.stored)?,
                    };
                    let who = if ordinals.is_empty() {
                        foreign += 1;
                        let Stored { sender, time, .. } = &one.stored;
                        Overtaken::keep_newest(&mut self.others, seq, sender, *time);
                        Who::Foreign
                    } else {
                        self.newest = seq;
                        Who::Ours { ids: one.ids, ordinals, readable: true }
                    };
                    Ok(Sighting { seq, who })
                })
                .collect::<Result<Vec<_>, AfterError>>()
        })?;
        self.count(|adopted| &adopted.foreign, foreign);
        Ok(slots)
    }

    /// What others wrote, if it is newer than the first message that is not there.
    fn overtaken(&mut self, cursor: Ordinal) -> Result<Option<Overtaken>, JobError> {
        let next = self.desk.read(|reader| reader.entries(self.conversation.no, cursor, 1))?.pop();
        Ok(self.others.take().filter(|others| next.is_some_and(|next| next.send_time <= others.time)))
    }

    /// Takes note of what was found.
    async fn note(&mut self, found: Found) -> Result<(), AfterError> {
        let Found { receipts, late, doubles, strays } = found;
        let receipts = self.without_absent(receipts).await?;
        let hidden = receipts.iter().chain(&late).filter(|receipt| receipt.hidden).count();
        self.count(|adopted| &adopted.found, receipts.len() + late.len());
        self.count(|adopted| &adopted.late, late.len());
        self.count(|adopted| &adopted.hidden, hidden);
        self.count(|adopted| &adopted.doubled, doubles.len());
        self.count(|adopted| &adopted.strays, strays.len());
        if !self.activated {
            let seqs = receipts.iter().chain(&late).map(|receipt| receipt.seq);
            let seqs = seqs.chain(strays.iter().map(|stray| stray.seq));
            if let Some(first) = seqs.min() {
                self.activate(Seq(first.0 - 1)).await?;
                self.count(|adopted| &adopted.begun, 1);
            }
        }
        self.unsure += receipts.len() + late.len();
        self.receipts.extend(receipts);
        self.late.extend(late);
        if !doubles.is_empty() || !strays.is_empty() || self.receipts.len() >= AT_ONCE {
            let step = Step { doubles, withdrawn: strays, ..self.step(Ordinal(0), Seq(0)) };
            self.write(step).await?;
        }
        if self.unsure >= walk::RECENT / 2 {
            let last = self.step(Ordinal(0), Seq(0));
            self.write(last).await?;
            self.shared.writer.surely(Write::Nothing, Durability::Written).await.map_err(gone)?;
            self.unsure = 0;
        }
        Ok(())
    }

    /// Leaves out those whose slot is empty and which the store doesn't have either: they were refused, and
    /// the empty slot is another's.
    async fn without_absent(&mut self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>, AfterError> {
        let mut there = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            if receipt.ids.is_none() && self.shared.may_ask_the_store() {
                let message = self.desk.read(|reader| {
                    let entry = reader.entries(self.conversation.no, receipt.ordinal, 1)?.pop();
                    entry.map(|entry| reader.message(&entry)).transpose()
                })?;
                if let Some(message) = message
                    && look_for(&self.shared.server, &message, None).await? == Lookup::Absent
                {
                    self.walk.is_not_there(receipt.ordinal);
                    continue;
                }
            }
            there.push(receipt);
        }
        Ok(there)
    }

    async fn activate(&mut self, baseline: Seq) -> Result<(), AfterError> {
        self.activated = true;
        let conversations = vec![(self.conversation.no, baseline)];
        self.shared.write(Write::Activate { run: self.shared.run, conversations }).await
    }

    /// What is noted and not written yet.
    fn step(&mut self, cursor: Ordinal, read_to: Seq) -> Step {
        Step {
            conv: self.conversation.no,
            cursor,
            read_to,
            state: Under::Way { doubt: false, lost: None },
            run: self.shared.run,
            receipts: std::mem::take(&mut self.receipts),
            rejects: Vec::new(),
            withdrawn: Vec::new(),
            doubles: Vec::new(),
            unseen: Vec::new(),
            overtaken: None,
        }
    }

    async fn write(&mut self, step: Step) -> Result<(), AfterError> {
        self.shared.write(Write::Step(Box::new(step))).await?;
        for receipt in std::mem::take(&mut self.late) {
            self.shared.write(Write::Receipt(self.conversation.no, receipt)).await?;
        }
        Ok(())
    }

    async fn end(mut self, log: &Log<'_>, first: Seq) -> Result<(), AfterError> {
        let found = self.walk.finish(&Known { desk: self.desk, conv: self.conversation.no });
        self.note(found).await?;
        let walk = std::mem::replace(&mut self.walk, Walk::new(Ordinal(0)));
        let End { cursor, read_to, behind, passed } = walk.end();
        if !self.activated {
            self.activate(read_to).await?;
            self.count(|adopted| &adopted.begun, usize::from(behind > 0));
        }
        self.count(|adopted| &adopted.behind, usize::try_from(behind).unwrap_or(usize::MAX));
        self.count(|adopted| &adopted.not_there, passed.len());
        let reject = |ordinal: Ordinal| Reject {
            ordinal,
            reason: Reason::NotThere.name(),
            code: 0,
            detail: String::new(),
            held: false,
        };
        let passed: Vec<Ordinal> = passed.into_iter().collect();
        for some in passed.chunks(AT_ONCE) {
            let rejects = some.iter().copied().map(reject).collect();
            let step = Step { rejects, ..self.step(cursor, read_to) };
            self.write(step).await?;
        }
        // Whole, and nothing of it came in lately: there is nothing to settle. What others wrote meanwhile is
        // a fence as well.
        let whole = cursor.0 >= self.conversation.messages && log.bound >= log.max_seq;
        // Nor where nothing more goes out, because behind newer messages nobody could scroll it (law 15): what stands
        // there stays.
        let overtaken = if whole { None } else { self.overtaken(cursor)? };
        let overtaken = overtaken.map(|one| Overtaken { keeps: behind > 0, ..one });
        let state = match (whole || overtaken.is_some(), self.newest > first) {
            (true, false) => Under::Nothing,
            (true, true) => Under::Way { doubt: true, lost: None },
            (false, _) => Under::Way { doubt: false, lost: None },
        };
        let step = Step { state, overtaken, ..self.step(cursor, read_to) };
        self.write(step).await
    }

    fn count(&self, which: impl Fn(&Adopted) -> &AtomicU64, number: usize) {
        which(&self.shared.adopted).fetch_add(number as u64, Ordering::Relaxed);
    }
}

/// Receipts and rejects written at once.
const AT_ONCE: usize = 1_024;

/// What was found long ago is in the job.
struct Known<'a> {
    desk: &'a SharedReader,
    conv: ConvNo,
}

impl Receipts for Known<'_> {
    fn past(&self, ordinal: Ordinal) -> Past {
        let receipt = self.desk.read(|reader| reader.receipt(self.conv, ordinal));
        // An error of the job shows itself wherever something is written; unknown harms nobody.
        receipt.ok().flatten().and_then(|receipt| receipt.ids).map_or(Past::Unknown, Past::Confirmed)
    }
}
