//! Which messages lack where a count is wrong. What the store has of one sender, receiver and day is listed once, and
//! each conversation's log is opened once, whatever lacks in it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Asked, Slice, Step, StoreReport, each_confirmed};
use crate::after::book::{JobBook, Memory};
use crate::after::difference::{Difference, Kind};
use crate::after::narrow::{Counted, Store, narrow};
use crate::after::visit::AfterError;
use crate::job::{ConvNo, JobError, JobReader, SharedReader, Spooled};
use crate::log::{Log, Lookup, PAGE, look_for, names_in_store, query};
use crate::message::{Ids, MsgId, Ordinal, SendTime, Seq, SourceId};
use crate::openim::StoreQuery;

/// A message that should be in the store.
#[derive(Debug, Clone, Copy)]
struct Ours {
    conv: ConvNo,
    ordinal: Ordinal,
    /// What finds it there, as a number in [`Looking::queries`].
    query: usize,
}

/// Finds out which messages lack in slices whose count is wrong.
pub(super) async fn look_closer(
    asked: &mut Asked<'_>,
    reader: &JobReader,
    wrong: &[(Slice, u64)],
    calls: &mut u64,
    report: &mut StoreReport,
    tell: &mut impl FnMut(Step) -> Result<(), AfterError>,
) -> Result<(), AfterError> {
    if wrong.is_empty() {
        return Ok(());
    }
    let slices: Vec<Slice> = wrong.iter().map(|(slice, _)| *slice).collect();
    let mut ours: Vec<Vec<(SendTime, ConvNo, Ordinal)>> = slices.iter().map(|_| Vec::new()).collect();
    each_confirmed(reader, &asked.server.settings, Some(&slices), |conv, ordinal, time| {
        let at = slices.partition_point(|slice| slice.to <= time);
        if let (Some(slice), Some(ours)) = (slices.get(at), ours.get_mut(at))
            && slice.from <= time
        {
            ours.push((time, conv, ordinal));
        }
    })?;
    let mut looking = Looking::new(asked, SharedReader::new(reader.reopen()?));
    for ((slice, stored), mut ours) in wrong.iter().zip(ours) {
        ours.sort_unstable();
        let whole = Counted { from: slice.from, to: slice.to, messages: *stored };
        let ours = looking.with_queries(ours)?;
        let found = narrow(&mut looking, whole, &ours, calls).await?;
        report.unnamed += found.unnamed;
        report.not_stored += found.unnamed;
        report.unsure += found.unsure;
        let mut missing: BTreeMap<ConvNo, Vec<Ordinal>> = BTreeMap::new();
        for (_, one) in found.missing.iter().filter_map(|at| ours.get(*at)) {
            missing.entry(one.conv).or_default().push(one.ordinal);
        }
        for (conv, ordinals) in missing {
            for (ordinal, difference) in looking.readable(conv, &ordinals).await? {
                report.not_stored += 1;
                note(&mut report.missing, conv, ordinal);
                tell(Step::Difference(difference))?;
            }
        }
    }
    Ok(())
}

fn note(missing: &mut Vec<(ConvNo, Vec<Ordinal>)>, conv: ConvNo, ordinal: Ordinal) {
    const MOST: usize = 1_000_000;
    if missing.iter().map(|(_, ordinals)| ordinals.len()).sum::<usize>() >= MOST {
        return;
    }
    match missing.iter_mut().find(|(known, _)| *known == conv) {
        Some((_, ordinals)) => ordinals.push(ordinal),
        None => missing.push((conv, vec![ordinal])),
    }
}

struct Looking<'a, 'b> {
    asked: &'a mut Asked<'b>,
    desk: SharedReader,
    queries: Vec<StoreQuery>,
    numbers: HashMap<StoreQuery, usize>,
    /// What the store has, by query; `None`: more than can be looked through.
    listed: HashMap<usize, Option<HashSet<MsgId>>>,
    /// How many names that are.
    names: usize,
}

/// More names than that are not kept.
const MOST_NAMES: usize = 500_000;

impl<'a, 'b> Looking<'a, 'b> {
    fn new(asked: &'a mut Asked<'b>, desk: SharedReader) -> Self {
        let (queries, numbers) = (Vec::new(), HashMap::new());
        Self { asked, desk, queries, numbers, listed: HashMap::new(), names: 0 }
    }

    fn with_queries(
        &mut self,
        ours: Vec<(SendTime, ConvNo, Ordinal)>,
    ) -> Result<Vec<(SendTime, Ours)>, JobError> {
        let mut with_queries = Vec::with_capacity(ours.len());
        for (time, conv, ordinal) in ours {
            let query = query(&self.message(conv, ordinal)?.0);
            let next = self.queries.len();
            let number = *self.numbers.entry(query.clone()).or_insert(next);
            if number == next {
                self.queries.push(query);
            }
            with_queries.push((time, Ours { conv, ordinal, query: number }));
        }
        Ok(with_queries)
    }

    /// What was sent, and under which names it was confirmed.
    fn message(&self, conv: ConvNo, ordinal: Ordinal) -> Result<(Spooled, Option<Ids>), JobError> {
        self.desk.read(|reader| {
            let conversation = reader.conversation(conv)?;
            let Some(found) = &conversation else { return Err(JobError::NoJob(reader.dir().to_owned())) };
            let mut memory = Memory::default();
            let message = JobBook { reader, conversation: found, memory: &mut memory }.message(ordinal)?;
            let receipt = reader.receipt(conv, ordinal)?;
            Ok((message, receipt.and_then(|receipt| receipt.ids)))
        })
    }

    /// The store lacks these messages of a conversation: those of them that can be read. What nobody can read either
    /// is missing, and was named before.
    async fn readable(
        &self,
        conv: ConvNo,
        ordinals: &[Ordinal],
    ) -> Result<Vec<(Ordinal, Difference)>, AfterError> {
        let Some(conversation) = self.desk.read(|reader| reader.conversation(conv))? else {
            return Ok(Vec::new());
        };
        let mut places: Vec<(Seq, Ordinal)> = Vec::with_capacity(ordinals.len());
        for ordinal in ordinals {
            let receipt = self.desk.read(|reader| reader.receipt(conv, *ordinal))?;
            places.extend(receipt.map(|receipt| (receipt.seq, *ordinal)));
        }
        places.sort_unstable();
        let mut log = Log::open(self.asked.server, &self.desk, &conversation).await?;
        places.retain(|(seq, _)| *seq <= log.bound);
        let mut seen: HashSet<Seq> = HashSet::new();
        let mut rest = places.as_slice();
        while let Some((first, _)) = rest.first() {
            let (page, more) = rest.split_at(rest.partition_point(|(seq, _)| seq.0 < first.0 + PAGE));
            let wanted: Vec<Seq> = page.iter().map(|(seq, _)| *seq).collect();
            let last = wanted.last().copied().unwrap_or(*first);
            seen.extend(log.page(*first, last, &wanted).await?.into_iter().map(|one| one.seq));
            rest = more;
        }
        let mut differences = Vec::new();
        for (seq, ordinal) in places.into_iter().filter(|(seq, _)| seen.contains(seq)) {
            let (message, _) = self.message(conv, ordinal)?;
            let difference = Difference {
                kind: Kind::NotStored,
                conversation: conversation.id().0,
                seq: Some(seq.0),
                place: Some(self.desk.read(|reader| reader.name_of(message.place))?),
                id: message.source_id.map(|SourceId(id)| id),
                detail: String::new(),
            };
            differences.push((ordinal, difference));
        }
        Ok(differences)
    }

    /// Asks for all that is like this message, unless that was done before.
    async fn list(&mut self, number: usize) -> Result<(), AfterError> {
        let Some(query) = self.queries.get(number).filter(|_| !self.listed.contains_key(&number)) else {
            return Ok(());
        };
        let names = names_in_store(self.asked.server, query).await?;
        if self.names > MOST_NAMES {
            self.listed.clear();
            self.names = 0;
        }
        self.names += names.as_ref().map_or(0, HashSet::len);
        self.listed.insert(number, names);
        Ok(())
    }
}

impl Store for Looking<'_, '_> {
    type Error = AfterError;
    type Message = Ours;

    async fn count(&mut self, from: SendTime, to: SendTime) -> Result<u64, AfterError> {
        self.asked.count(from, to).await
    }

    fn questions_for(&self, messages: &[(SendTime, Ours)]) -> u64 {
        let queries: HashSet<usize> = messages.iter().map(|(_, one)| one.query).collect();
        queries.iter().filter(|query| !self.listed.contains_key(query)).count() as u64
    }

    async fn has(&mut self, one: &Ours) -> Result<Lookup, AfterError> {
        let (message, ids) = self.message(one.conv, one.ordinal)?;
        self.list(one.query).await?;
        match (self.listed.get(&one.query), &ids) {
            (Some(Some(names)), Some(ids)) if names.contains(&ids.server) => Ok(Lookup::There),
            (Some(Some(_)), Some(_)) => Ok(Lookup::Absent),
            _ => Ok(look_for(self.asked.server, &message, ids.as_ref()).await?),
        }
    }
}
