//! Whether everybody who takes part has the conversations in his list, and makes the entries where the server did not.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::visit::{AfterError, Server, Settings, all, look_in_each};
use crate::job::{Conversation, JobError, JobReader, SharedReader};
use crate::log::{entry, lack_it};
use crate::message::{ConversationId, UserId};
use crate::openim::Client;

/// A conversation that not everybody has in his list.
#[derive(Debug, Clone)]
pub struct Unlisted {
    conversation: Conversation,
    /// Who lacks it.
    pub users: Vec<UserId>,
}

impl Unlisted {
    /// Which.
    pub fn id(&self) -> ConversationId {
        self.conversation.id()
    }
}

/// That an entry is not there is remembered by the server for a minute: half of those that were made on a real 3.8.3
/// showed within 2 s, the others after 60 to 68.
const SHOWS_WITHIN: Duration = Duration::from_secs(90);
/// Between two looks.
const AGAIN: Duration = Duration::from_secs(1);

/// The conversations of which something was confirmed and that not everybody has in his list. One that somebody has
/// just begun to write in may still be made.
pub async fn unlisted(
    client: Client,
    reader: &JobReader,
    settings: &Settings,
    mut tell: impl FnMut(),
) -> Result<Vec<Unlisted>, AfterError> {
    let look = move |server: Arc<Server>, desk: Arc<SharedReader>, next: Conversation| async move {
        let is_begun = desk.read(|reader| {
            let progress = reader.progress(next.no)?;
            Ok::<bool, JobError>(
                progress.is_some_and(|known| known.cursor.0 > 0) && reader.undone(next.no)?.is_none(),
            )
        })?;
        let users = if is_begun { lack_it(&server, &desk, &next).await? } else { Vec::new() };
        Ok(Some(Unlisted { conversation: next, users }))
    };
    let (tasks, mut looked) = look_in_each(client, reader, settings, look)?;
    let mut found = Vec::new();
    while let Some(one) = looked.recv().await {
        tell();
        if !one.users.is_empty() {
            found.push(one);
        }
    }
    all(tasks).await?;
    found.sort_by_key(|one| one.conversation.no);
    Ok(found)
}

/// Makes these entries, and waits until they show; gives those that don't.
pub async fn list(
    client: Client,
    settings: &Settings,
    mut unlisted: Vec<Unlisted>,
) -> Result<Vec<Unlisted>, AfterError> {
    let server = Server::new(client, settings.clone());
    for one in &unlisted {
        for user in &one.users {
            server.list(user.as_str(), &entry(&one.conversation, user)).await?;
        }
    }
    let until = Instant::now() + SHOWS_WITHIN;
    loop {
        for one in &mut unlisted {
            let name = one.id().0;
            let mut still = Vec::new();
            for user in std::mem::take(&mut one.users) {
                if server.lists(user.as_str(), &name).await? != Some(true) {
                    still.push(user);
                }
            }
            one.users = still;
        }
        unlisted.retain(|one| !one.users.is_empty());
        if unlisted.is_empty() || Instant::now() >= until {
            return Ok(unlisted);
        }
        server.sleep(AGAIN).await?;
    }
}
