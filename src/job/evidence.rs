//! What the receipts of a job say of it as a whole: the verdict says no more than they do.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::error::{InJob, JobError};
use super::read::{JobReader, from_sql};
use super::receipts::{Receipt, unpack};
use super::{ConvNo, Conversation};
use crate::message::{Ordinal, SendTime, Seq};

/// What is known of all confirmed messages that were not undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Messages that stand behind one that was written later: sent again, brought by a later pass, or found so.
    pub late: u64,
    /// Messages that nobody was shown: seen in the store alone, or told by the empty slot between their neighbours.
    pub unread: u64,
}

impl JobReader {
    /// One walk over the receipts, and over the entries of conversations that more than one pass or a message out of
    /// its turn went into: only there anything can stand behind what is later.
    pub fn evidence(&self) -> Result<Evidence, JobError> {
        let mut evidence = Evidence::default();
        let undone: HashSet<u32> =
            self.rows("SELECT conv FROM undo", [], |row| row.get(0))?.into_iter().collect();
        let superseded = self.all_superseded()?;
        let several = "SELECT conv FROM segments GROUP BY conv HAVING count(*) > 1";
        let mut mixed: BTreeSet<u32> = self.rows(several, [], |row| row.get(0))?.into_iter().collect();
        let mut last: Option<(u32, Receipt)> = None;
        self.each_row_of_receipts(|conv, receipts| {
            if undone.contains(&conv) {
                return;
            }
            for receipt in receipts {
                if let Some((known, last)) = &last
                    && *known == conv
                {
                    // What a run read twice, around its end, stands in two rows.
                    if last.ordinal >= receipt.ordinal {
                        continue;
                    }
                    if last.seq >= receipt.seq {
                        mixed.insert(conv);
                    }
                }
                let again = superseded.get(&conv).is_some_and(|all| all.contains(&receipt.ordinal));
                evidence.unread += u64::from(!again && receipt.hidden);
                last = Some((conv, receipt));
            }
        })?;
        for conv in mixed.into_iter().filter(|conv| !undone.contains(conv)) {
            if let Some(conversation) = self.conversation(ConvNo(conv))? {
                evidence.late += self.late(&conversation, superseded.get(&conv))?;
            }
        }
        Ok(evidence)
    }

    /// Messages of a conversation that stand behind one that was written later.
    fn late(
        &self,
        conversation: &Conversation,
        superseded: Option<&HashSet<Ordinal>>,
    ) -> Result<u64, JobError> {
        const PAGE: usize = 4_096;
        let mut placed: Vec<(Seq, SendTime)> = Vec::new();
        let mut from = Ordinal(0);
        loop {
            let receipts = self.receipts(conversation.no, from, PAGE)?;
            let (Some(first), Some(last)) = (receipts.first(), receipts.last()) else { break };
            from = Ordinal(last.ordinal.0 + 1);
            let many = usize::try_from(from.0 - first.ordinal.0).unwrap_or(PAGE);
            let mut entries = self.entries(conversation.no, first.ordinal, many)?.into_iter();
            for receipt in &receipts {
                if superseded.is_some_and(|all| all.contains(&receipt.ordinal)) {
                    continue;
                }
                if let Some(entry) = entries.find(|entry| entry.ordinal == receipt.ordinal) {
                    placed.push((receipt.seq, entry.written()));
                }
            }
        }
        placed.sort_unstable();
        let mut latest = SendTime(i64::MIN);
        let late = placed.into_iter().filter(|(_, time)| {
            let is_late = *time < latest;
            latest = latest.max(*time);
            is_late
        });
        Ok(late.count() as u64)
    }

    pub(super) fn all_superseded(&self) -> Result<HashMap<u32, HashSet<Ordinal>>, JobError> {
        let mut all: HashMap<u32, HashSet<Ordinal>> = HashMap::new();
        let rows: Vec<(u32, i64)> =
            self.rows("SELECT conv, ordinal FROM superseded", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (conv, ordinal) in rows {
            all.entry(conv).or_default().insert(Ordinal(from_sql(ordinal)));
        }
        Ok(all)
    }

    /// All rows of receipts in order, each with its conversation.
    fn each_row_of_receipts(&self, mut take: impl FnMut(u32, Vec<Receipt>)) -> Result<(), JobError> {
        let mut statement =
            self.db.prepare_cached("SELECT id, data FROM receipts ORDER BY id").in_job(self.dir())?;
        let mut rows = statement.query([]).in_job(self.dir())?;
        while let Some(row) = rows.next().in_job(self.dir())? {
            let id: i64 = row.get(0).in_job(self.dir())?;
            let data: Vec<u8> = row.get(1).in_job(self.dir())?;
            let first = Ordinal(from_sql(id) & u64::from(u32::MAX));
            let receipts = unpack(first, &data).ok_or_else(|| self.damaged("a receipt"))?;
            take(u32::try_from(id >> 32).unwrap_or(u32::MAX), receipts);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::record::tests::message;
    use crate::job::{Again, Durability, Job, Step, Under, Write};
    use crate::message::Message;
    use crate::prepare::few;

    fn at(time: i64) -> Message<'static> {
        Message { send_time: SendTime(time), source_id: Some(format!("m{time}").into()), ..message() }
    }

    async fn confirm(job: &Job, conv: ConvNo, seqs: &[(u64, i64)], hidden: &[u64]) {
        let writer = job.writer().unwrap();
        let handle = writer.handle();
        let receipts: Vec<Receipt> = seqs
            .iter()
            .map(|(ordinal, seq)| Receipt {
                ordinal: Ordinal(*ordinal),
                seq: Seq(*seq),
                ids: None,
                hidden: hidden.contains(ordinal),
            })
            .collect();
        let last = receipts.last().unwrap();
        let step = Step {
            conv,
            cursor: Ordinal(last.ordinal.0 + 1),
            read_to: last.seq,
            state: Under::Nothing,
            run: 1,
            receipts: receipts.clone(),
            rejects: Vec::new(),
            withdrawn: Vec::new(),
            doubles: Vec::new(),
            unseen: Vec::new(),
            overtaken: None,
        };
        let begin = Write::Activate { run: 1, conversations: vec![(conv, Seq(0))] };
        handle.lazily(begin).await.unwrap();
        handle.surely(Write::Step(Box::new(step)), Durability::Written).await.unwrap();
        drop(handle);
        writer.close().unwrap();
    }

    #[tokio::test]
    async fn what_stands_behind_later_ones_and_what_was_never_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        few(&mut job, &[at(1), at(2), at(3), at(9)]).unwrap();
        let reader = job.reader().unwrap();
        let conversation = reader.conversations(None, 1).unwrap().remove(0);
        let conv = conversation.no;
        confirm(&job, conv, &[(0, 1), (1, 2), (2, 3), (3, 4)], &[1]).await;
        assert_eq!(reader.evidence().unwrap(), Evidence { late: 0, unread: 1 });
        // The second goes out again, behind the rest; a later pass brings one that is older, and one that is not.
        let entry = reader.entries(conv, Ordinal(1), 1).unwrap()[0];
        let mut pass = job.begin_pass("again").unwrap();
        let (mut loader, _) = pass.load().unwrap();
        loader.again(&conversation.peers, &[Again { ordinal: Ordinal(1), entry }]).unwrap();
        loader.begun().unwrap();
        pass.finish("{}").unwrap();
        confirm(&job, conv, &[(4, 5)], &[]).await;
        assert_eq!(reader.evidence().unwrap(), Evidence { late: 1, unread: 0 });
        few(&mut job, &[at(5), at(10)]).unwrap();
        confirm(&job, conv, &[(5, 6), (6, 7)], &[]).await;
        assert_eq!(reader.evidence().unwrap(), Evidence { late: 2, unread: 0 });
        let undone = crate::job::Undone { is_done: true, ..crate::job::Undone::default() };
        job.undo(&[(conv, undone, Vec::new())]).unwrap();
        assert_eq!(reader.evidence().unwrap(), Evidence::default());
    }
}
