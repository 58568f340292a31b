//! What is left of histories that people's messages have overtaken goes behind these: each message gets a time after the
//! newest that stands there, and keeps its own in `ex`.

use std::sync::Arc;

use super::visit::{AfterError, Server, Settings, all, look_in_each};
use crate::job::{Conversation, Job, JobError, Overtaken, SharedReader, Under};
use crate::log::{Log, PAGE};
use crate::message::{Ordinal, SendTime, Seq};
use crate::openim::{Client, pages};
use crate::written::WRITTEN_AT;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Behind {
    /// Conversations of which the rest goes behind.
    pub conversations: u64,
    /// Messages of these.
    pub messages: u64,
    /// Those that stay as they are for now, by name, each with the reason.
    pub not: Vec<(String, &'static str)>,
}

/// Where the rest of a conversation goes, or why it can't yet.
type Place = Result<(Ordinal, SendTime), &'static str>;

/// Has the job send behind what is left of the conversations that `settings` are about and that were overtaken.
/// `now`: what people write next must not come to stand behind newer messages in turn.
pub async fn send_behind(
    client: Client,
    job: &mut Job,
    settings: &Settings,
    now: SendTime,
) -> Result<Behind, AfterError> {
    let reader = job.reader()?;
    let look = move |server: Arc<Server>, desk: Arc<SharedReader>, next: Conversation| async move {
        let known = desk.read(|reader| -> Result<_, JobError> {
            // What was undone has nothing left.
            let is_undone = reader.undone(next.no)?.is_some();
            Ok(reader.overtaken(next.no)?.filter(|_| !is_undone))
        })?;
        let Some(overtaken) = known else { return Ok(None) };
        let place = place(&server, &desk, &next, &overtaken, now).await?;
        Ok(Some((next, place)))
    };
    let (tasks, mut found) = look_in_each(client, &reader, settings, look)?;
    let (mut behind, mut moves) = (Behind::default(), Vec::new());
    while let Some((conversation, place)) = found.recv().await {
        match place {
            Ok((from, after)) => {
                behind.conversations += 1;
                behind.messages += conversation.messages - from.0;
                moves.push((conversation.no, from, after));
            }
            Err(why) => behind.not.push((conversation.id().0, why)),
        }
    }
    all(tasks).await?;
    behind.not.sort_unstable();
    job.send_behind(&moves)?;
    Ok(behind)
}

async fn place(
    server: &Server,
    desk: &SharedReader,
    conversation: &Conversation,
    overtaken: &Overtaken,
    now: SendTime,
) -> Result<Place, AfterError> {
    let progress = desk.read(|reader| reader.progress(conversation.no))?;
    if progress.is_some_and(|progress| progress.state != Under::Nothing) {
        return Ok(Err("a run that was cut off has left something under way there: first `run`"));
    }
    if overtaken.keeps {
        return Ok(Err(
            "what an earlier job sent stands there behind what is missing, and would come twice: first \
                       `undo --only` it",
        ));
    }
    let mut log = Log::open(server, desk, conversation).await?;
    if log.bound < log.max_seq {
        return Ok(Err("somebody is writing there just now: again in a moment"));
    }
    let from = progress.map_or(Ordinal(0), |progress| progress.cursor);
    let mut newest = overtaken.time;
    let first = Seq(overtaken.seq.0.min(log.bound.0).max(1));
    for (first, last) in pages(first, log.bound, PAGE) {
        for seen in log.page(first, last, &[]).await? {
            newest = newest.max(seen.stored.time);
            if seen.stored.ex.contains(WRITTEN_AT) {
                return Ok(Err(
                    "messages stand there already that went behind, and this job knows nothing of it: was \
                               its folder put back from a backup? `verify` shows what stands there",
                ));
            }
        }
    }
    if newest.0.saturating_add_unsigned(conversation.messages - from.0) >= now.0 {
        return Ok(Err(
            "its times, a millisecond a message behind what was written last, would reach into the future: \
                       again in a moment",
        ));
    }
    Ok(Ok((from, newest)))
}
