//! Sends: one call after the other, each in the conversation that has most left and may send.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use tracing::Instrument;

use super::cell::{Cell, CellState, Place};
use super::confirm;
use super::engine::Engine;
use super::gate::Admitted;
use super::lane::{Answered, Company, Next};
use super::progress::Count;
use super::settings::{Ended, ImportError};
use crate::job::{Durability, JobError, LostCall, QuotedIds, Reply, Spooled};
use crate::message::{Ordinal, Peer, SendTime};
use crate::openim::{CallError, Lost, Pause, Rate, Reason, Rejection, Stop, Verdict};

/// A message about to go out.
struct Outgoing {
    message: Spooled,
    receiver: Option<String>,
    ordinal: Ordinal,
    is_fence: bool,
}

/// Counts a call until it is answered, or nobody waits for its answer any more.
struct UnderWay<'p>(&'p Count);

impl<'p> UnderWay<'p> {
    fn new(calls: &'p Count) -> Self {
        calls.add(1);
        Self(calls)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.sub(1);
    }
}

/// What to do next with a conversation.
enum Turn {
    Send(Box<Outgoing>),
    /// The job has to know something first: that a message goes out a second time, or the receipt of a
    /// message that is to be quoted.
    Commit,
    /// What is to be sent again may have been stored just now.
    Look,
    Park,
}

/// Works until the queue is closed.
pub(super) async fn work(engine: Arc<Engine>, caller: usize) {
    loop {
        // Who has to wait must not hold a conversation meanwhile: callers that may send would find none.
        engine.pass(caller).await;
        while engine.settings.dial.is_paused() && !engine.is_draining() {
            // Nobody asks the server for anything new: its silence is no sign of death.
            engine.lives();
            engine.settings.dial.wait().await;
        }
        let mut admitted = engine.gate.enter(|| engine.is_draining()).await;
        let Some(cell) = engine.ready.pop().await else { return };
        engine.gate.is_taken(cell.conversation.no);
        cell.lock().place = Place::Sending;
        send_some(&engine, &cell, caller, &mut admitted).await;
    }
}

/// Sends in one conversation until it has to wait, or has had its turn.
async fn send_some(engine: &Arc<Engine>, cell: &Arc<Cell>, caller: usize, admitted: &mut Admitted<'_>) {
    // Where what is under way is bounded, one conversation is sent to its end before the next is begun: the server
    // writes once for each conversation and batch. Elsewhere another may have more left after a while.
    let most = if engine.gate.is_bounded() { usize::MAX } else { engine.settings.limits.window };
    for _ in 0..most {
        if engine.throttle.wait(caller, Instant::now()).is_some() {
            break;
        }
        if engine.gate.is_bounded() && !pass(engine, cell, admitted).await {
            break;
        }
        while let Some(rate) = engine.settings.dial.limiter()
            && may_send(engine, cell)
            && !take_turn(engine, &rate).await
        {}
        // The last question before a call: whoever waited for a turn must not send after a pause.
        if engine.settings.dial.is_paused() && !engine.is_draining() {
            break;
        }
        let turn = {
            let mut state = cell.lock();
            turn(engine, cell, &mut state)
        };
        match turn {
            Ok(Turn::Send(outgoing)) => {
                if !send(engine, cell, *outgoing).await {
                    break;
                }
            }
            Ok(Turn::Commit) => {
                if engine.flushed(cell, Durability::Written).await.is_err() {
                    break;
                }
            }
            Ok(Turn::Look) => {
                if !confirm::look(engine, cell).await {
                    break;
                }
            }
            Ok(Turn::Park) => break,
            Err(error) => {
                engine.end(Err(ImportError::Job(error)));
                break;
            }
        }
    }
    let mut state = cell.lock();
    state.place = Place::Parked;
    engine.flush(cell, &mut state);
    engine.wake(cell, &mut state);
}

fn may_send(engine: &Engine, cell: &Cell) -> bool {
    let state = cell.lock();
    matches!(state.lane.next(engine.now(), engine.lag()), Next::Message(_) | Next::Fence(_))
}

/// Waits until one message more may be unconfirmed; fences have nobody to wait for. False: the conversation is let go
/// for another that comes first, or because there are more callers than there may be.
async fn pass(engine: &Engine, cell: &Cell, admitted: &mut Admitted<'_>) -> bool {
    if !matches!(cell.lock().lane.next(engine.now(), engine.lag()), Next::Message(_)) {
        return true;
    }
    let own = || cell.lock().counted.messages;
    engine.gate.pass(admitted, cell.conversation.no, own, || engine.is_draining()).await
}

/// Waits until it may send by the rate, or nothing shall be sent by it. False: the rate is another by now.
async fn take_turn(engine: &Engine, rate: &Rate) -> bool {
    if rate.take().is_ok() {
        return true;
    }
    engine.gate.held_by_rate();
    let turn = rate.turn();
    tokio::pin!(turn);
    loop {
        tokio::select! {
            biased;
            () = &mut turn => return true,
            () = engine.stir.notified() => {}
            () = engine.settings.dial.wait() => {}
        }
        if engine.is_draining() || engine.settings.dial.is_paused() {
            return true;
        }
        if engine.settings.dial.limiter().is_none_or(|now| !std::ptr::eq(&raw const *now, rate)) {
            return false;
        }
    }
}

/// What may go out now; its attempt is noted.
fn turn(engine: &Engine, cell: &Cell, state: &mut CellState) -> Result<Turn, JobError> {
    let now = engine.now();
    if engine.is_draining() || now < state.send_from || state.deleting > 0 {
        return Ok(Turn::Park);
    }
    let next = state.lane.next(now, engine.lag());
    // Before the look, because nothing shall come between that and the fence.
    if matches!(next, Next::Fence(_) | Next::Look) && state.lane.enter_doubt() {
        return Ok(Turn::Commit);
    }
    let ordinal = match next {
        Next::Message(ordinal) | Next::Fence(ordinal) => ordinal,
        Next::Look => return Ok(Turn::Look),
        Next::Wait | Next::Nothing => return Ok(Turn::Park),
    };
    let conv = cell.conversation.no;
    let entry = state.entry(ordinal, || engine.read(|reader| reader.entries(conv, ordinal, PAGE)))?;
    let Some(entry) = entry else {
        return Err(JobError::Damaged {
            path: engine.writer.dir().to_owned(),
            what: format!("message {} of conversation `{}` is not in the index", ordinal.0, cell.name),
        });
    };
    let message = engine.read(|reader| reader.message(&entry))?;
    let message = match entry.reply {
        Reply::No => message,
        Reply::AsText => message.as_text(),
        Reply::To(target) => {
            let quoted = engine.read(|reader| reader.ordinal_of(conv, target))?;
            match quoted.map(|quoted| quote(engine, cell, state, quoted)).transpose()? {
                Some(Quote::Ids(receipt)) => quoting(engine, cell, message, &receipt)?,
                Some(Quote::Pending(quoted)) => {
                    state.lane.await_quoted(quoted);
                    return Ok(Turn::Park);
                }
                Some(Quote::Unwritten) => return Ok(Turn::Commit),
                Some(Quote::None) | None => message.as_text(),
            }
        }
    };
    if matches!(next, Next::Fence(_)) {
        engine.progress.fences.add(1);
        tracing::info!(conversation = cell.name, message = ordinal.0, "sending a message again as a fence");
    }
    let receiver = match &message.peer {
        Peer::User(user) => Some(user.to_string()),
        Peer::Group(_) => None,
    };
    state.lane.sending(next, message.sender.clone(), now);
    engine.recount(state);
    Ok(Turn::Send(Box::new(Outgoing {
        message,
        receiver,
        ordinal,
        is_fence: matches!(next, Next::Fence(_)),
    })))
}

/// Entries taken from the index at once.
const PAGE: usize = 64;

enum Quote {
    Ids(crate::job::Receipt),
    /// Not confirmed yet: wait for it.
    Pending(Ordinal),
    /// Confirmed, and the job doesn't have it yet.
    Unwritten,
    /// It can't be named: rejected, or hidden.
    None,
}

/// What is known of a quoted message of the same conversation.
fn quote(engine: &Engine, cell: &Cell, state: &CellState, quoted: Ordinal) -> Result<Quote, JobError> {
    if quoted >= state.lane.cursor() {
        // Behind the cursor and never to come, where it is refused: then the cursor passes it.
        return Ok(Quote::Pending(quoted));
    }
    let conv = cell.conversation.no;
    let receipt = engine.read(|reader| reader.receipt(conv, quoted))?;
    Ok(match receipt {
        Some(receipt) if receipt.ids.is_some() => Quote::Ids(receipt),
        None if state.lane.knows(quoted) => Quote::Unwritten,
        // Refused, or hidden before its names were seen.
        Some(_) | None => Quote::None,
    })
}

fn quoting(
    engine: &Engine,
    cell: &Cell,
    message: Spooled,
    receipt: &crate::job::Receipt,
) -> Result<Spooled, JobError> {
    let conv = cell.conversation.no;
    let target = engine.read(|reader| {
        let Some(entry) = reader.entries(conv, receipt.ordinal, 1)?.pop() else { return Ok(None) };
        let target = reader.message(&entry)?;
        Ok(Some(if entry.reply == Reply::AsText { target.as_text() } else { target }))
    })?;
    let (Some(target), Some(ids)) = (target, &receipt.ids) else { return Ok(message.as_text()) };
    let (client, server) = (ids.client.to_string(), ids.server.to_string());
    Ok(message
        .quoting(&target, &QuotedIds { client_msg_id: &client, server_msg_id: &server, seq: receipt.seq }))
}

/// Makes the call and takes its answer. False: the conversation has to wait.
async fn send(engine: &Arc<Engine>, cell: &Arc<Cell>, outgoing: Outgoing) -> bool {
    let Outgoing { message, receiver, ordinal, is_fence } = outgoing;
    let called = engine.now();
    let verdict = {
        let _under_way = UnderWay::new(&engine.progress.calls);
        let attempt =
            tracing::trace_span!("send", conversation = cell.name, ordinal = ordinal.0, fence = is_fence);
        engine.client.send(message.content_type.code(), message.body).instrument(attempt).await
    };
    let progress = &engine.progress;
    match verdict {
        Verdict::Delivered { ids, .. } => {
            progress.acknowledged.add(1);
            engine.gate.answered(engine.now().saturating_sub(called));
            engine.throttle.answered(Instant::now());
            let stop = engine.tally().count(None);
            debug_assert!(stop.is_none(), "a success is no reason to stop");
            let mut state = cell.lock();
            state.refused_since = None;
            state.lane.answered(Answered::Acknowledged(ids), engine.now());
            true
        }
        Verdict::Reject(rejection) => {
            engine.throttle.answered(Instant::now());
            rejected(engine, cell, rejection, receiver).await
        }
        Verdict::Wait(pause) => {
            progress.retried(pause.kind(), &pause.to_string());
            if matches!(pause, Pause::Unreachable(_)) {
                engine.suspect_crash();
            }
            engine.throttle.paused(&pause, Instant::now());
            cell.lock().lane.answered(Answered::NotProcessed, engine.now());
            true
        }
        Verdict::Unanswered(lost) => {
            unanswered(engine, cell, lost).await;
            false
        }
        Verdict::Stop(Stop::NotOpenIm(what)) if progress.acknowledged.get() > 0 => {
            // It was one before: a proxy's page for a moment.
            unanswered(engine, cell, Lost::Error(0, what)).await;
            false
        }
        Verdict::Stop(stop) => {
            cell.lock().lane.answered(Answered::NotProcessed, engine.now());
            engine.end(Err(ImportError::Server(stop)));
            false
        }
        Verdict::RefreshToken => {
            // The client has renewed it as often as it makes sense.
            cell.lock().lane.answered(Answered::NotProcessed, engine.now());
            engine.end(Err(ImportError::Server(Stop::Login(crate::openim::LoginError::FreshToken))));
            false
        }
    }
}

async fn unanswered(engine: &Arc<Engine>, cell: &Arc<Cell>, lost: Lost) {
    tracing::info!(conversation = cell.name, "unanswered: {lost}");
    engine.progress.retried(lost.kind(), &lost.to_string());
    engine.throttle.unanswered(&lost, Instant::now());
    if matches!(lost, Lost::Cut(_)) {
        engine.suspect_crash();
    }
    let acknowledged = engine.progress.acknowledged.get();
    {
        let mut state = cell.lock();
        let company = if engine.active_len() <= 1 && engine.fed.load(Ordering::Relaxed) {
            Company::Alone
        } else if acknowledged > state.acknowledged_then {
            Company::Flows
        } else {
            Company::Stands
        };
        state.acknowledged_then = acknowledged;
        state.lost = Some(if matches!(lost, Lost::TimedOut(_)) { LostCall::TimedOut } else { LostCall::Cut });
        state.lane.answered(Answered::Unanswered(lost, company), engine.now());
    }
    // A process that takes over has to wait as long as we would.
    if engine.flushed(cell, Durability::Written).await.is_err() {
        engine.writer_gone(crate::job::Gone);
    }
}

/// The message was refused. False: the conversation has to wait.
async fn rejected(
    engine: &Arc<Engine>,
    cell: &Arc<Cell>,
    rejection: Rejection,
    receiver: Option<String>,
) -> bool {
    if let (Reason::ReceiverUnknown, Some(receiver)) = (rejection.reason, &receiver) {
        let since = cell.lock().refused_since.unwrap_or_else(|| engine.now());
        if engine.now() < since + engine.settings.receiver_wait && is_registered(engine, receiver).await {
            // A cache of the server lags behind the registration: the same message again, in a moment.
            engine.progress.retried("receiver not known yet", receiver);
            let mut state = cell.lock();
            state.refused_since = Some(since);
            state.send_from = engine.now() + RECEIVER_AGAIN;
            state.lane.answered(Answered::NotProcessed, engine.now());
            return false;
        }
    }
    let (reason, detail) = (rejection.reason, rejection.detail.clone());
    tracing::debug!(conversation = cell.name, reason = reason.name(), detail, "refused");
    engine.lives();
    let mostly = engine.tally().count(Some(reason));
    let mut state = cell.lock();
    state.refused_since = None;
    state.dirty = true;
    state.lane.answered(Answered::Rejected(rejection), engine.now());
    if let Some(reason) = mostly {
        engine.end(Ok(Ended::MostlyRejected(reason, detail)));
        return false;
    }
    true
}

/// Between two tries of a message whose receiver is registered.
const RECEIVER_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

async fn is_registered(engine: &Engine, user: &str) -> bool {
    match engine.client.users_exist(&[user]).await {
        Ok(exist) => exist == [true],
        // It can't be known now; asked again in a moment.
        Err(error) => {
            let passing = error.is_passing();
            engine.call_failed(&error);
            passing
        }
    }
}

/// Where `--until` ends a conversation: the first message that is later.
pub(super) fn end_at(
    engine: &Engine,
    conversation: &crate::job::Conversation,
    until: Option<SendTime>,
) -> Result<Ordinal, JobError> {
    let all = Ordinal(conversation.messages);
    let Some(until) = until.filter(|until| conversation.last_time > *until) else { return Ok(all) };
    let mut from = Ordinal(0);
    loop {
        let page = engine.read(|reader| reader.entries(conversation.no, from, 256))?;
        if let Some(later) = page.iter().find(|entry| entry.send_time > until) {
            return Ok(later.ordinal);
        }
        match page.last() {
            Some(last) => from = Ordinal(last.ordinal.0 + 1),
            None => return Ok(all),
        }
    }
}

/// Whether an error of a call is that of a participant who may not read.
pub(super) fn is_refusal(error: &CallError) -> bool {
    matches!(error, CallError::Refused { .. }) && !error.is_passing()
}
