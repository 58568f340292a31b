//! Source message → serverMsgID, clientMsgID, seq: proof for people, and for us the only way to tell a copy
//! that the server made of a message (law 5) from one of our own.
//!
//! Packed, up to 256 messages a row. A message costs 34 bytes: two ids of 16 bytes, and where it stands.

use rusqlite::{OptionalExtension, Transaction, params};

use super::error::{InJob, JobError};
use super::packed::{Unpack, put, put_signed, put_text};
use super::read::{block_id, from_sql};
use super::{ConvNo, Job, JobReader};
use crate::message::{Ids, MsgId, Ordinal, Seq};

/// A confirmed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which message of its conversation.
    pub ordinal: Ordinal,
    /// Its slot in the server's log.
    pub seq: Seq,
    /// Its names; unknown where it was hidden before they were seen.
    pub ids: Option<Ids>,
    /// The slot reads as empty: deleted, or read too early by somebody (law 3).
    pub hidden: bool,
}

/// As many messages as a row holds at most.
const MOST: usize = 256;

const THERE: u8 = 1;
const HIDDEN: u8 = 2;
const NAMELESS: u8 = 4;
const SERVER_TEXT: u8 = 8;
const CLIENT_TEXT: u8 = 16;

/// Adds receipts, which come in order.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    conv: ConvNo,
    receipts: &[Receipt],
) -> rusqlite::Result<()> {
    let mut rest = receipts;
    while let Some(first) = rest.first() {
        let fits = |receipt: &&Receipt| receipt.ordinal.0 - first.ordinal.0 < MOST as u64;
        let (row, later) = rest.split_at(rest.iter().take_while(fits).count());
        put_row(transaction, conv, row)?;
        rest = later;
    }
    Ok(())
}

/// Writes one receipt into its row, or makes a row for it: for what is confirmed out of its turn.
pub(super) fn update(transaction: &Transaction<'_>, conv: ConvNo, receipt: &Receipt) -> rusqlite::Result<()> {
    let row = row_of(transaction, conv, receipt.ordinal)?;
    let mut receipts = row.and_then(|(first, data)| unpack(first, &data)).unwrap_or_default();
    match receipts.binary_search_by_key(&receipt.ordinal, |known| known.ordinal) {
        Ok(at) => receipts[at] = receipt.clone(),
        Err(at) => {
            // Only a row that covers it; between the last of one row and the first of the next a row of its own.
            let covers = receipts.last().is_some_and(|last| last.ordinal > receipt.ordinal);
            if !covers {
                return put_row(transaction, conv, std::slice::from_ref(receipt));
            }
            receipts.insert(at, receipt.clone());
        }
    }
    put_row(transaction, conv, &receipts)
}

fn put_row(transaction: &Transaction<'_>, conv: ConvNo, receipts: &[Receipt]) -> rusqlite::Result<()> {
    let Some(first) = receipts.first() else { return Ok(()) };
    transaction
        .prepare_cached("INSERT OR REPLACE INTO receipts (id, data) VALUES (?1, ?2)")?
        .execute(params![block_id(conv, first.ordinal.0), pack(receipts)])
        .map(|_| ())
}

fn row_of(
    db: &rusqlite::Connection,
    conv: ConvNo,
    ordinal: Ordinal,
) -> rusqlite::Result<Option<(Ordinal, Vec<u8>)>> {
    db.prepare_cached("SELECT id, data FROM receipts WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1")?
        .query_row([block_id(conv, 0), block_id(conv, ordinal.0)], |row| {
            let first = from_sql(row.get(0)?) & u64::from(u32::MAX);
            Ok((Ordinal(first), row.get(1)?))
        })
        .optional()
}

fn pack(receipts: &[Receipt]) -> Vec<u8> {
    let mut out = Vec::with_capacity(receipts.len() * 36);
    let mut next = receipts.first().map_or(0, |first| first.ordinal.0);
    let mut seq = 0;
    for receipt in receipts {
        // Ordinals that were refused have no receipt.
        out.extend(std::iter::repeat_n(0, usize::try_from(receipt.ordinal.0 - next).unwrap_or(0)));
        next = receipt.ordinal.0 + 1;
        let mut flags = THERE | if receipt.hidden { HIDDEN } else { 0 };
        match &receipt.ids {
            None => flags |= NAMELESS,
            Some(ids) => {
                flags |= if matches!(ids.server, MsgId::Text(_)) { SERVER_TEXT } else { 0 };
                flags |= if matches!(ids.client, MsgId::Text(_)) { CLIENT_TEXT } else { 0 };
            }
        }
        out.push(flags);
        put_signed(&mut out, receipt.seq.0 - seq);
        seq = receipt.seq.0;
        for id in receipt.ids.iter().flat_map(|ids| [&ids.server, &ids.client]) {
            match id {
                MsgId::Hex(bytes) => out.extend_from_slice(bytes),
                MsgId::Text(text) => put_text(&mut out, text),
            }
        }
    }
    // How many follow is told by the end of the blob.
    put(&mut out, 0);
    out
}

/// The receipts of a row; `None`: it is damaged.
pub(super) fn unpack(first: Ordinal, data: &[u8]) -> Option<Vec<Receipt>> {
    let mut from = Unpack(data);
    let mut receipts = Vec::new();
    let (mut ordinal, mut seq) = (first.0, 0i64);
    while !from.is_empty() {
        let flags = from.byte()?;
        if flags & THERE != 0 {
            seq = seq.wrapping_add(from.signed()?);
            let mut id = |text: u8| {
                if flags & text != 0 {
                    from.text().map(MsgId::new)
                } else {
                    from.bytes(16).and_then(|bytes| bytes.try_into().ok()).map(MsgId::Hex)
                }
            };
            let ids = if flags & NAMELESS != 0 {
                None
            } else {
                Some(Ids { server: id(SERVER_TEXT)?, client: id(CLIENT_TEXT)? })
            };
            receipts.push(Receipt {
                ordinal: Ordinal(ordinal),
                seq: Seq(seq),
                ids,
                hidden: flags & HIDDEN != 0,
            });
        }
        ordinal += 1;
    }
    Some(receipts)
}

impl Job {
    /// Notes that messages can be read of which nobody was shown anything when they were confirmed.
    pub fn are_shown(&mut self, shown: &[(ConvNo, Vec<Ordinal>)]) -> Result<(), JobError> {
        let reader = self.reader()?;
        let transaction = self.db.transaction().in_job(&self.dir)?;
        for (conv, ordinals) in shown {
            for ordinal in ordinals {
                if let Some(receipt) = reader.receipt(*conv, *ordinal)? {
                    update(&transaction, *conv, &Receipt { hidden: false, ..receipt }).in_job(&self.dir)?;
                }
            }
        }
        transaction.commit().in_job(&self.dir)
    }
}

impl JobReader {
    /// The receipt of a message; `None` if it is not confirmed.
    pub fn receipt(&self, conv: ConvNo, ordinal: Ordinal) -> Result<Option<Receipt>, JobError> {
        let Some((first, data)) = row_of(&self.db, conv, ordinal).in_job(self.dir())? else {
            return Ok(None);
        };
        let receipts = unpack(first, &data).ok_or_else(|| self.damaged("a receipt"))?;
        Ok(receipts.into_iter().find(|receipt| receipt.ordinal == ordinal))
    }

    /// At least `enough` receipts of a conversation from that message on, in order, if there are so many.
    pub fn receipts(&self, conv: ConvNo, from: Ordinal, enough: usize) -> Result<Vec<Receipt>, JobError> {
        let start = row_of(&self.db, conv, from).in_job(self.dir())?.map_or(from, |(first, _)| first);
        let mut statement = self
            .db
            .prepare_cached("SELECT id, data FROM receipts WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
            .in_job(self.dir())?;
        let mut rows = statement
            .query([block_id(conv, start.0), block_id(conv, u64::from(u32::MAX))])
            .in_job(self.dir())?;
        let mut receipts = Vec::new();
        while let Some(row) = rows.next().in_job(self.dir())? {
            let first = Ordinal(from_sql(row.get(0).in_job(self.dir())?) & u64::from(u32::MAX));
            let data: Vec<u8> = row.get(1).in_job(self.dir())?;
            let more = unpack(first, &data).ok_or_else(|| self.damaged("a receipt"))?;
            // What a run read twice, around its end, stands in two rows.
            let next = receipts.last().map_or(from, |last: &Receipt| Ordinal(last.ordinal.0 + 1));
            receipts.extend(more.into_iter().filter(|receipt| receipt.ordinal >= next));
            if receipts.len() >= enough {
                break;
            }
        }
        Ok(receipts)
    }

    /// The last confirmed message below that one.
    pub fn last_receipt(&self, conv: ConvNo, below: Ordinal) -> Result<Option<Receipt>, JobError> {
        let Some(last) = below.0.checked_sub(1) else { return Ok(None) };
        let Some((first, data)) = row_of(&self.db, conv, Ordinal(last)).in_job(self.dir())? else {
            return Ok(None);
        };
        let receipts = unpack(first, &data).ok_or_else(|| self.damaged("a receipt"))?;
        Ok(receipts.into_iter().rev().find(|receipt| receipt.ordinal < below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = MsgId> {
        prop_oneof![any::<[u8; 16]>().prop_map(MsgId::Hex), ".{0,40}".prop_map(|text| MsgId::new(&text))]
    }

    fn receipts() -> impl Strategy<Value = Vec<Receipt>> {
        let ids = prop::option::of((id(), id()).prop_map(|(server, client)| Ids { server, client }));
        let one = (0u64..3, 1i64..1 << 40, ids, any::<bool>());
        prop::collection::vec(one, 0..40).prop_map(|all| {
            let mut ordinal = 7;
            all.into_iter()
                .map(|(gap, seq, ids, hidden)| {
                    ordinal += gap + 1;
                    Receipt { ordinal: Ordinal(ordinal), seq: Seq(seq), ids, hidden }
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn receipts_come_back(receipts in receipts()) {
            let first = receipts.first().map_or(Ordinal(0), |receipt| receipt.ordinal);
            prop_assert_eq!(unpack(first, &pack(&receipts)), Some(receipts));
        }

        #[test]
        fn strange_bytes_are_no_panic(bytes: Vec<u8>) {
            drop(unpack(Ordinal(0), &bytes));
        }
    }

    #[test]
    fn a_message_costs_34_bytes() {
        let one = |n: u64| Receipt {
            ordinal: Ordinal(n),
            seq: Seq(n.cast_signed() + 1),
            ids: Some(Ids { server: MsgId::Hex([1; 16]), client: MsgId::Hex([2; 16]) }),
            hidden: false,
        };
        let many: Vec<Receipt> = (0..100).map(one).collect();
        assert_eq!(pack(&many).len(), 3401);
    }
}
