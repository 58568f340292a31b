//! `run --behind`: what is left of histories that people have overtaken goes behind what they wrote.

use std::collections::HashSet;
use std::time::Duration;

use super::context::note;
use super::prepare::{job_failure, now};
use super::{Exit, Failure, afterwards};
use crate::after::{self, Behind};
use crate::job::{Job, JobReader};
use crate::openim::Client;
use crate::report::plural;

/// Stands for all of them.
const ALL: &str = "all";

/// Has the job send behind what is left of the named conversations.
pub(super) async fn send_behind(
    job: &mut Job,
    reader: &JobReader,
    client: &Client,
    (names, give_up): (&[String], Duration),
) -> Result<(), Failure> {
    let only = if names.iter().any(|name| name == ALL) { None } else { afterwards::only(names, reader)? };
    refuse_others(reader, only.as_ref())?;
    let settings = after::Settings { give_up, only, ..after::Settings::default() };
    let behind =
        after::send_behind(client.clone(), job, &settings, now()).await.map_err(afterwards::failure)?;
    let Behind { conversations, messages, not } = behind;
    if conversations > 0 {
        note(&format!(
            "{} behind what people have written, in {}",
            plural(messages, "message goes", "messages go"),
            plural(conversations, "conversation", "conversations")
        ))?;
    }
    not.iter().try_for_each(|(name, why)| note(&format!("{name} stays as it is: {why}")))
}

/// A conversation that nobody has overtaken is a mistake.
fn refuse_others(
    reader: &JobReader,
    only: Option<&HashSet<crate::message::ConversationId>>,
) -> Result<(), Failure> {
    for id in only.into_iter().flatten() {
        let found = reader.find(id).map_err(job_failure)?;
        let overtaken = found.map(|found| reader.overtaken(found.no)).transpose().map_err(job_failure)?;
        if overtaken.flatten().is_none() {
            let text = format!(
                "`{id}` is none of the conversations of this job into which people have written what is newer; nothing was \
                 sent"
            );
            return Err(Failure::new(Exit::Usage, text));
        }
    }
    Ok(())
}
