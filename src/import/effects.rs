//! What follows from what a lane decided: it is counted, handed to the writer, and what has to be done beside the
//! sending is begun.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::cell::{Cell, CellState, Role};
use super::engine::Engine;
use super::lane::{Effects, Overtaking};
use super::{confirm, examine, withdraw};
use crate::job::{Double, Durability, Gone, Overtaken, Receipt, Reject, Step, Under, Withdrawn, Write};
use crate::message::Ordinal;
use crate::openim::Rejection;

impl Engine {
    /// Takes note of effects, and starts what follows from them.
    pub(super) fn apply(self: &Arc<Self>, cell: &Arc<Cell>, state: &mut CellState, effects: Effects) {
        if let Some(lag) = effects.lag {
            self.learn_lag(lag);
        }
        let progress = &self.progress;
        progress.confirmed.add(effects.confirmed.len() as u64);
        let firsts = effects.confirmed.iter().filter(|receipt| receipt.ordinal == Ordinal(0));
        progress.begun.add(firsts.count() as u64);
        progress.hidden.add(effects.confirmed.iter().filter(|receipt| receipt.hidden).count() as u64);
        progress.lost.add(effects.lost);
        progress.foreign.add(effects.foreign);
        progress.doubled.add(effects.copies.len() as u64);
        if !effects.confirmed.is_empty() || !effects.strays.is_empty() {
            self.lives();
            state.lost = None;
        }
        if effects.lost > 0 || !effects.copies.is_empty() {
            self.suspect_crash();
        }
        if effects.lost > 0 {
            tracing::info!(
                conversation = cell.name,
                lost = effects.lost,
                "acknowledged, and lost by the server"
            );
            self.aside(confirm::look_below(self.clone(), cell.clone(), state.lane.cursor()));
        }
        state.unwritten.receipts.extend(effects.confirmed.into_iter().map(|receipt| Receipt {
            ordinal: receipt.ordinal,
            seq: receipt.seq,
            ids: receipt.ids,
            hidden: receipt.hidden,
        }));
        state.unwritten.withdrawn.extend(effects.strays.iter().map(|stray| Withdrawn {
            seq: stray.seq,
            ordinal: stray.ordinal,
            ids: stray.ids.clone(),
        }));
        state.unwritten.doubles.extend(effects.copies.iter().map(|copy| Double {
            seq: copy.seq,
            ordinal: copy.ordinal,
            server: copy.ids.server.clone(),
        }));
        if let Some(Overtaking { seq, by, time }) = effects.overtaken {
            tracing::info!(conversation = cell.name, seq = seq.0, "overtaken: somebody writes there");
            state.unwritten.overtaken.get_or_insert(Overtaken { seq, by, time, keeps: false });
        }
        state.dirty = true;
        self.flush(cell, state);
        if !effects.examine.is_empty() {
            self.aside(examine::examine(self.clone(), cell.clone(), effects.examine));
        }
        if !effects.strays.is_empty() {
            tracing::info!(
                conversation = cell.name,
                slots = ?effects.strays.iter().map(|stray| stray.seq.0).collect::<Vec<_>>(),
                "withdrawing messages of ours that stand in the wrong place"
            );
            progress.withdrawn.add(effects.strays.len() as u64);
            state.deleting += 1;
            let seqs = effects.strays.iter().map(|stray| stray.seq).collect();
            self.aside(withdraw::withdraw(self.clone(), cell.clone(), seqs));
        }
        if !effects.copies.is_empty() {
            tracing::info!(
                conversation = cell.name,
                copies = effects.copies.len(),
                "the server repeated messages"
            );
        }
    }

    /// Hands everything that was decided to the writer. False if it has no room: later then.
    pub(super) fn flush(&self, cell: &Cell, state: &mut CellState) -> bool {
        if !state.dirty {
            return true;
        }
        let all = !self.forget_rejects.load(Ordering::Relaxed)
            && (self.closing.load(Ordering::Relaxed) || self.tally().is_conclusive());
        let rejects =
            state.lane.take_rejects(all).into_iter().map(|(ordinal, rejection)| (ordinal, rejection, false));
        let held = state.lane.take_held().map(|(ordinal, rejection)| (ordinal, rejection, true));
        for (ordinal, rejection, held) in rejects.chain(held) {
            self.progress.rejected.add(u64::from(!held));
            let Rejection { reason, code, detail } = rejection;
            self.progress.refused.add(reason.name(), u64::from(!held), &detail);
            state.unwritten.rejects.push(Reject { ordinal, reason: reason.name(), code, detail, held });
        }
        let is_over = state.lane.is_done() || self.is_draining() || cell.role == Role::Reading;
        let under = if state.lane.is_at_peace() && is_over {
            Under::Nothing
        } else {
            Under::Way { doubt: state.lane.is_in_doubt(), lost: state.lost }
        };
        let unwritten = std::mem::take(&mut state.unwritten);
        let step = Step {
            conv: cell.conversation.no,
            cursor: state.lane.commit_cursor(),
            read_to: state.lane.settled_to(),
            state: under,
            run: self.run,
            receipts: unwritten.receipts,
            rejects: unwritten.rejects,
            withdrawn: unwritten.withdrawn,
            doubles: unwritten.doubles,
            unseen: unwritten.unseen,
            overtaken: unwritten.overtaken,
        };
        match self.writer.try_lazily(Write::Step(Box::new(step))) {
            Ok(()) => {
                state.dirty = false;
                true
            }
            Err(Some(Write::Step(step))) => {
                state.unwritten.receipts = step.receipts;
                state.unwritten.rejects = step.rejects;
                state.unwritten.withdrawn = step.withdrawn;
                state.unwritten.doubles = step.doubles;
                state.unwritten.unseen = step.unseen;
                state.unwritten.overtaken = step.overtaken;
                false
            }
            Err(_) => {
                self.writer_gone(Gone);
                false
            }
        }
    }

    /// Returns when what was decided about the conversation up to now will survive.
    pub(super) async fn flushed(&self, cell: &Cell, durability: Durability) -> Result<(), Gone> {
        loop {
            let handed_in = {
                let mut state = cell.lock();
                state.dirty = true;
                self.flush(cell, &mut state)
            };
            self.writer.surely(Write::Nothing, durability).await?;
            if handed_in {
                return Ok(());
            }
        }
    }
}
