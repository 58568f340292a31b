//! The pass itself: reading on one thread, mapping on all cores, writing in source order, then sorting.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::batch::{Batch, Scratch};
use super::compare::compare;
use super::findings::{Findings, Names};
use super::heap::Heap;
use super::index;
use super::ledger::Ledger;
use super::names;
use super::people;
use super::progress::{Phase, Progress};
use super::relations::{self, RelationRow};
use super::rows::{ByOffset, ConvRow, IndexRow, KeyRow, Note, PersonRow, UserRow};
use super::sort::{RUN, Sorter};
use super::summary::{Summary, Told, Unread};
use super::uploads::{self, UploadRow};
use super::{Behind, Equal, Older, PrepareError, Rules, Times, Way};
use crate::checks::Checker;
use crate::export::{Chunk, Reader, Source, unread};
use crate::job::{Job, JobError, Pass, Shard};
use crate::mapping::Mapper;
use crate::message::{Message, Release};

/// Reads all that `reader` has into the job, as a pass of its own. All of it, or nothing.
///
/// What is wrong with messages is in the summary, never an error: whether they may be skipped is for the
/// caller to say.
pub fn run(
    reader: Reader,
    mapper: &dyn Mapper,
    rules: &Rules,
    job: &mut Job,
    progress: &Progress,
) -> Result<Summary, PrepareError> {
    let mut pass = job.begin_pass(&rules.settings)?;
    let mut gathered = Gathered::new(&pass, rules.run, rules.shard)?;
    progress.phase(Phase::Read);
    let checker = Checker { now: rules.now, release: rules.release, allow_large: rules.allow_large };
    let reader = gather(reader, mapper, checker, &mut pass, &mut gathered, progress)?;
    gathered.summary.unread = reader
        .unread()
        .by_reason()
        .map(|(reason, left)| {
            let means = unread::words(reason).to_owned();
            (reason.to_owned(), Unread { means, count: left.count, first: left.first.clone() })
        })
        .collect();
    let Rules { release, times, allow_large, ref behind, files_overlap, .. } = *rules;
    gathered.file(
        pass,
        reader.sources(),
        release,
        Way { times, allow_large, behind, files_overlap },
        progress,
    )
}

/// Adds these messages to the job as a pass of their own, unexamined: for tests, and for what is made by
/// hand. Ids, equal messages and quotes are treated as in [`run`]; times stay.
pub fn few(job: &mut Job, messages: &[Message<'_>]) -> Result<Summary, PrepareError> {
    few_with(job, messages, Times { equal: Equal::Keep, older: Older::Stay })
}

/// The same with equal times spread.
pub fn few_spread(job: &mut Job, messages: &[Message<'_>]) -> Result<Summary, PrepareError> {
    few_with(job, messages, BEHIND)
}

fn few_with(job: &mut Job, messages: &[Message<'_>], times: Times) -> Result<Summary, PrepareError> {
    let mut pass = job.begin_pass("{}")?;
    let mut gathered = Gathered::new(&pass, RUN, Shard::WHOLE)?;
    gathered.take(&Batch::unexamined(messages), &mut pass)?;
    let way = Way { times, allow_large: true, behind: &Behind::new(), files_overlap: true };
    gathered.file(pass, &[], Release::Main, way, &Progress::default())
}

/// Adds messages that had been rejected and were mended, as a pass of their own; the caller has examined them.
/// `lines` is how many rejects of earlier passes they stand for; `allow_large` as in [`Rules`].
pub fn mended(
    job: &mut Job,
    settings: &str,
    lines: u64,
    allow_large: bool,
    feed: impl FnOnce(&mut dyn FnMut(&Message<'_>) -> Result<(), JobError>) -> Result<(), JobError>,
) -> Result<Summary, PrepareError> {
    let shard = job.shard()?;
    let mut pass = job.begin_pass(settings)?;
    let mut gathered = Gathered::new(&pass, RUN, shard)?;
    gathered.summary.mended = lines;
    feed(&mut |message| gathered.take(&Batch::unexamined(std::slice::from_ref(message)), &mut pass))?;
    let way = Way { times: BEHIND, allow_large, behind: &Behind::new(), files_overlap: true };
    gathered.file(pass, &[], Release::Main, way, &Progress::default())
}

/// What was mended is wanted, wherever it belongs.
const BEHIND: Times = Times { equal: Equal::Spread, older: Older::Behind };

/// What the reading gathers for the sorting.
struct Gathered {
    index: Sorter<IndexRow>,
    keys: Sorter<KeyRow>,
    notes: Sorter<Note>,
    /// Names that the rows below point to.
    heap: Heap,
    users: Sorter<UserRow>,
    conversations: Sorter<ConvRow>,
    people: Sorter<PersonRow>,
    uploads: Sorter<UploadRow>,
    faces: HashSet<u64>,
    relations: Sorter<RelationRow>,
    shard: Shard,
    run: usize,
    findings: Findings,
    summary: Summary,
    /// So far, before it is known which are there twice.
    messages: u64,
}

/// A chunk on its way to a mapper, with its number and the batch to fill.
type Work = (u64, Chunk, Batch);

/// More can't be kept busy by one reader, and each has its room.
const MOST_MAPPERS: usize = 6;

/// So many bytes of text may be under way before more is read: more than all batches of the usual size have.
const MOST_UNDER_WAY: usize = 8 << 20;

/// Reads, maps and writes until the reader is done.
///
/// As many chunks are under way as there are batches: who reads takes one, who writes gives it back. So
/// memory is bounded even when one chunk takes far longer than its neighbours.
fn gather(
    reader: Reader,
    mapper: &dyn Mapper,
    checker: Checker,
    pass: &mut Pass<'_>,
    gathered: &mut Gathered,
    progress: &Progress,
) -> Result<Reader, PrepareError> {
    let mappers = thread::available_parallelism().map_or(2, usize::from).min(MOST_MAPPERS);
    let (batches, shard) = (2 * mappers + 2, gathered.shard);
    let (give, free) = sync_channel::<Batch>(batches);
    let (send, work) = sync_channel::<Work>(batches);
    let (hand_in, done) = sync_channel::<Done>(batches);
    for _ in 0..batches {
        give.send(Batch::default()).expect("there is room for all batches");
    }
    let work = Mutex::new(work);
    thread::scope(|scope| {
        let reading = scope.spawn(move || read(reader, &free, &send, progress));
        for _ in 0..mappers {
            let hand_in = hand_in.clone();
            let work = &work;
            let scratch = Scratch::new(mappers, shard);
            scope.spawn(move || map(work, &hand_in, mapper, checker, scratch));
        }
        drop(hand_in);
        let written = write(&done, &give, pass, gathered, progress);
        // Whoever still waits for a batch or wants to hand one in learns that nobody is there any more.
        drop((done, give));
        let read = match reading.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        written?;
        read
    })
}

/// Takes batches, fills the work with chunks.
fn read(
    mut reader: Reader,
    free: &Receiver<Batch>,
    send: &SyncSender<Work>,
    progress: &Progress,
) -> Result<Reader, PrepareError> {
    let (mut spare, mut under_way) = (Vec::new(), 0);
    'all: for number in 0.. {
        // Nothing is read beside what is large: 64 MiB may be one record, and each has its copies.
        while spare.is_empty() || under_way > MOST_UNDER_WAY {
            // An error here and below: the writing has stopped, and says why.
            let Ok(mut batch) = free.recv() else { break 'all };
            under_way -= std::mem::take(&mut batch.bytes);
            reader.recycle(std::mem::take(&mut batch.text));
            spare.push(batch);
        }
        progress.check()?;
        let Some(chunk) = reader.next_chunk()? else { break };
        under_way += chunk.text.len();
        let Some(batch) = spare.pop() else { break };
        let totals = reader.totals();
        progress.read(totals.read, totals.bytes);
        if send.send((number, chunk, batch)).is_err() {
            break;
        }
    }
    Ok(reader)
}

/// What a mapping thread hands in: a batch with its number, or `None` if it panicked; without that the others
/// would wait for its batch for ever.
type Done = Option<(u64, Batch)>;

fn map(
    work: &Mutex<Receiver<Work>>,
    hand_in: &SyncSender<Done>,
    mapper: &dyn Mapper,
    checker: Checker,
    mut scratch: Scratch,
) {
    struct Alarm<'a>(&'a SyncSender<Done>);
    impl Drop for Alarm<'_> {
        fn drop(&mut self) {
            if thread::panicking() {
                // Nobody there: nobody waits.
                drop(self.0.send(None));
            }
        }
    }
    let alarm = Alarm(hand_in);
    loop {
        // A thread that waits here holds the lock: the others have nothing to do either.
        let next = work.lock().map(|work| work.recv());
        let Ok(Ok((number, chunk, mut batch))) = next else { break };
        batch.fill(chunk, mapper, checker, &mut scratch);
        if alarm.0.send(Some((number, batch))).is_err() {
            break;
        }
    }
}

/// Takes batches in the order of their numbers.
fn write(
    done: &Receiver<Done>,
    give: &SyncSender<Batch>,
    pass: &mut Pass<'_>,
    gathered: &mut Gathered,
    progress: &Progress,
) -> Result<(), PrepareError> {
    // At most as many as there are batches.
    let mut early = BTreeMap::new();
    let mut next = 0;
    while let Ok(Some((number, batch))) = done.recv() {
        early.insert(number, batch);
        while let Some(mut batch) = early.remove(&next) {
            gathered.take(&batch, pass)?;
            batch.let_go();
            progress.mapped(gathered.messages, gathered.summary.rejected + gathered.summary.unmapped);
            next += 1;
            // The reader may have come to its end, and need no more.
            drop(give.send(batch));
        }
    }
    Ok(())
}

impl Gathered {
    fn new(pass: &Pass<'_>, run: usize, shard: Shard) -> Result<Self, JobError> {
        // Names and notes are far fewer than messages: they need not have as much room.
        let few = run.div_ceil(8);
        let (mut heap, mut uploads) = (Heap::new(pass.dir()), Sorter::new(pass.dir(), few));
        uploads::known(pass, &mut heap, &mut uploads)?;
        let mut relations = Sorter::new(pass.dir(), few);
        relations::known(pass, &mut heap, &mut relations)?;
        Ok(Self {
            index: Sorter::new(pass.dir(), run),
            keys: Sorter::new(pass.dir(), run),
            notes: Sorter::new(pass.dir(), few),
            users: Sorter::new(pass.dir(), few),
            conversations: Sorter::new(pass.dir(), few),
            people: Sorter::new(pass.dir(), few),
            heap,
            uploads,
            faces: HashSet::new(),
            relations,
            shard,
            run: few,
            findings: Findings::new(Names::new(pass.source_names()?)),
            summary: Summary { pass: pass.no().0, ..Summary::default() },
            messages: 0,
        })
    }

    fn take(&mut self, batch: &Batch, pass: &mut Pass<'_>) -> Result<(), JobError> {
        if let Some(source) = batch.source {
            self.findings.names().note(source, &batch.name);
        }
        let base = pass.append(&batch.records)?;
        self.messages += batch.index.len() as u64;
        for row in &batch.index {
            self.index.push(IndexRow { at: row.at.moved(base), ..*row })?;
        }
        for row in &batch.keys {
            // What another shard has is no record here: it sorts between those before it and those behind it.
            let base = if self.shard.has(row.at.0.conv()) { base } else { base - 1 };
            self.keys.push(KeyRow { at: ByOffset(row.at.0.moved(base)), ..*row })?;
        }
        let base = self.heap.append(&batch.heap)?;
        for row in &batch.users {
            self.users.push(UserRow { spot: row.spot.moved(base), ..*row })?;
        }
        for row in &batch.conversations {
            self.conversations.push(ConvRow { spot: row.spot.moved(base), ..*row })?;
        }
        for row in &batch.people {
            self.people.push(PersonRow { spot: row.spot.moved(base), ..*row })?;
        }
        for row in &batch.uploads {
            self.uploads.push(row.moved(base))?;
        }
        self.faces.extend(&batch.faces);
        for row in &batch.relations {
            self.relations.push(row.moved(base))?;
        }
        pass.lines().rejects(&batch.rejects)?;
        for finding in &batch.findings {
            self.findings.add(pass.lines(), finding)?;
        }
        let summary = &mut self.summary;
        if self.shard.is_first() {
            summary.records += batch.tally.count();
        }
        summary.rejected += batch.rejected;
        summary.unmapped += batch.unmapped;
        summary.elsewhere += batch.elsewhere;
        for (reason, count) in &batch.left_out {
            *summary.left_out.entry((*reason).to_owned()).or_default() += count;
        }
        Ok(())
    }

    /// Sorts, compares, and puts everything into the job.
    fn file(
        self,
        mut pass: Pass<'_>,
        sources: &[Source],
        release: Release,
        way: Way<'_>,
        progress: &Progress,
    ) -> Result<Summary, PrepareError> {
        let Self {
            index,
            keys,
            mut notes,
            heap,
            users,
            conversations,
            people,
            uploads,
            faces,
            relations,
            shard,
            run,
            mut findings,
            mut summary,
            messages: _,
        } = self;
        summary.to_upload = uploads::write(uploads, &heap, &pass, run)?;
        summary.faces = faces.len() as u64;
        let [groups, friends, blacks, read, emails, mutes, kept] = relations::write(relations, &heap, &pass)?;
        summary.told = Told { groups, friends, blacks, read, emails, mutes, kept };
        let spool = pass.spool()?;
        let (mut loader, lines) = pass.load()?;
        for source in sources {
            let etag = source.etag.as_deref();
            loader.source(source.no, &source.path, source.bytes, source.modified, &source.sha256, etag)?;
        }
        let mut ledger = Ledger { spool, lines, findings: &mut findings, summary: &mut summary, shard };
        progress.phase(Phase::Compare);
        compare(keys.sorted()?, &mut notes, (release, way.files_overlap), &loader, &mut ledger, progress)?;
        progress.phase(Phase::Index);
        let names = (conversations.sorted()?, &heap);
        index::index(index.sorted()?, notes.sorted()?, names, &mut loader, &mut ledger, way, progress)?;
        names::users(users.sorted()?, &heap, &mut loader)?;
        people::people(people.sorted()?, &heap, &loader, &mut ledger)?;
        summary.findings = findings.counted();
        pass.finish(&serde_json::to_string(&summary).expect("figures and texts are JSON"))?;
        Ok(summary)
    }
}
