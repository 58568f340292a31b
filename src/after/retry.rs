//! Refused messages go out again: behind everything else of their conversations, with times after the newest
//! (law 15), or in their places where a conversation waits at them.

use std::collections::BTreeMap;

use super::repair::AGAIN;
use crate::job::{Again, ConvNo, Entry, Job, JobError, Reply};
use crate::message::Ordinal;

/// A refused message that is to go out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// Its conversation waits at it.
    pub held: bool,
    /// What goes out instead, where somebody mended it: a record of the spool, of the same time.
    pub record: Option<Vec<u8>>,
}

/// Lets the job send refused messages again. Gives how many.
///
/// `summary` makes what the job keeps of the pass.
pub fn release(
    job: &mut Job,
    retried: &BTreeMap<(ConvNo, Ordinal), Retried>,
    summary: impl FnOnce(u64) -> String,
) -> Result<u64, JobError> {
    if retried.is_empty() {
        return Ok(0);
    }
    job.begin_sending()?;
    let reader = job.reader()?;
    let mut pass = job.begin_pass(AGAIN)?;
    let mut records = BTreeMap::new();
    for (key, one) in retried {
        if let Some(record) = &one.record {
            let len = u32::try_from(record.len()).unwrap_or(u32::MAX);
            records.insert(*key, (pass.append(record)?, len));
        }
    }
    let mut count = 0;
    {
        let (mut loader, _) = pass.load()?;
        let mut behind: BTreeMap<ConvNo, Vec<Again>> = BTreeMap::new();
        for (key @ (conv, ordinal), one) in retried {
            let found = reader.entries(*conv, *ordinal, 1)?.into_iter().find(|e| e.ordinal == *ordinal);
            let Some(entry) = found else { continue };
            let entry = match records.get(key) {
                // Somebody wrote it anew: whatever it had quoted is in its words.
                Some((offset, len)) => Entry { offset: *offset, len: *len, reply: Reply::No, ..entry },
                None => entry,
            };
            let again = Again { ordinal: *ordinal, entry };
            count += 1;
            if one.held {
                loader.release(*conv, &again)?;
            } else {
                behind.entry(*conv).or_default().push(again);
            }
        }
        for (conv, messages) in behind {
            if let Some(conversation) = reader.conversation(conv)? {
                loader.again(&conversation.peers, &messages)?;
            }
        }
        loader.begun()?;
    }
    pass.finish(&summary(count))?;
    Ok(count)
}
