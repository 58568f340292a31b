//! A server that was put back from an older copy shows it in its numbers: they are below what the job has read.

use super::visit::{AfterError, Round, Server, Settings};
use crate::job::JobReader;
use crate::message::Seq;
use crate::openim::{ACTIVE_AT_ONCE, Client};

/// Conversations of the job whose numbers are below what it has read in them, by name. One call for some hundred
/// conversations; those that were undone are left out.
pub async fn fallen(
    client: Client,
    reader: &JobReader,
    settings: Settings,
) -> Result<Vec<String>, AfterError> {
    let server = Server::new(client, settings);
    let round = Round::new(reader.reopen()?);
    let mut fallen = Vec::new();
    loop {
        let mut page: Vec<(String, Seq)> = Vec::new();
        let mut is_last = false;
        while page.len() < ACTIVE_AT_ONCE {
            let Some(conversation) = round.next(&server.settings).await? else {
                is_last = true;
                break;
            };
            let Some(progress) = reader.progress(conversation.no)? else { continue };
            if progress.cursor.0 > 0 && reader.undone(conversation.no)?.is_none() {
                page.push((conversation.id().0, progress.read_to));
            }
        }
        if !page.is_empty() {
            let names: Vec<&str> = page.iter().map(|(name, _)| name.as_str()).collect();
            let seqs = server.seqs(server.client.admin_user(), &names).await?;
            let below = page.iter().zip(seqs).filter(|((_, read_to), seqs)| seqs.max_seq < read_to.0);
            fallen.extend(below.map(|((name, _), _)| name.clone()));
        }
        if is_last {
            return Ok(fallen);
        }
    }
}
