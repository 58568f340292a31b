//! Conversations are taken back and sent anew, for `retry` and `verify --repair`: what that costs, whether it may be, and
//! how it goes on after whatever cut it short.

use super::context::note;
use super::prepare::job_failure;
use super::{Exit, Failure, afterwards};
use crate::after;
use crate::job::{ConvNo, Conversation, Job, JobReader};
use crate::message::ConversationId;
use crate::openim::Client;
use crate::report::plural;

/// Asks whether these conversations may be taken back.
pub(super) fn is_confirmed(
    job: &Job,
    yes: bool,
    why: &str,
    conversations: &[Conversation],
) -> Result<bool, Failure> {
    let messages = conversations.iter().map(|conversation| conversation.messages).sum();
    let names: Vec<String> = conversations.iter().take(5).map(|conversation| conversation.id().0).collect();
    let more = if conversations.len() > names.len() { ", …" } else { "" };
    let question = format!(
        "{why}, {} taken back and sent anew ({}{more}): {} deleted for everybody and \
         sent once more, which takes as long as it took. Apps that have shown them keep them, and show them beside the new \
         ones.",
        plural(conversations.len() as u64, "conversation is", "conversations are"),
        names.join(", "),
        plural(messages, "message is", "messages are")
    );
    afterwards::is_confirmed(job.dir(), yes, &question)
}

/// Takes back what is noted for it; sending is left. An error: not all could be deleted.
pub(super) async fn take_back(
    job: &mut Job,
    client: &Client,
    settings: after::Settings,
) -> Result<(), Failure> {
    let left = after::take_back(client.clone(), job, settings).await.map_err(afterwards::failure)?;
    if left.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = left.iter().take(5).map(ConversationId::as_str).collect();
    let text = format!(
        "{} not be deleted whole ({}): the same command tries again, nothing else is sent from this job \
         meanwhile",
        plural(left.len() as u64, "conversation could", "conversations could"),
        names.join(", ")
    );
    Err(Failure::new(Exit::Unfinished, text))
}

/// Refuses what would send while conversations are being taken back.
pub(super) fn refuse_meanwhile(reader: &JobReader) -> Result<(), Failure> {
    let conversations = reader.taken_back().map_err(job_failure)?.len() as u64;
    if conversations == 0 {
        return Ok(());
    }
    let text = format!(
        "{} being taken back to be sent anew, and that was cut short: `retry` or `verify --repair`, \
         whichever it was, goes on with it",
        plural(conversations, "conversation is", "conversations are")
    );
    Err(Failure::new(Exit::Usage, text))
}

/// Those of these conversations in which everything is ours; what is said of the others.
pub(super) async fn all_ours(
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
    of: impl IntoIterator<Item = ConvNo>,
    otherwise: &str,
) -> Result<Vec<Conversation>, Failure> {
    let mut names = std::collections::HashSet::new();
    for conv in of {
        names.extend(reader.conversation(conv).map_err(job_failure)?.map(|conversation| conversation.id()));
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let looked = after::Settings { only: Some(names.clone()), ..settings };
    let ours = after::all_ours(client.clone(), reader, &looked).await.map_err(afterwards::failure)?;
    for conversation in &ours {
        names.remove(&conversation.id());
    }
    let mut others: Vec<&str> = names.iter().map(ConversationId::as_str).collect();
    others.sort_unstable();
    if !others.is_empty() {
        let shown = others[..others.len().min(5)].join(", ");
        note(&format!(
            "others have written in {}, such as {shown}: {otherwise}",
            plural(others.len() as u64, "conversation", "conversations")
        ))?;
    }
    Ok(ours)
}
