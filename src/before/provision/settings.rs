//! Conversations that are pinned, or of which somebody is told otherwise than usual.

use std::collections::HashMap;
use std::time::Duration;

use crate::message::ConversationId;
use crate::openim::{CallError, Client, Setting};

use super::super::ask::{Ask, pieces};
use super::ensure::{self, Many};
use super::later::SettingRow;
use super::{Done, Thing};

/// Conversations looked up in one call.
const AT_ONCE: usize = 100;
/// How often, and with which wait, a conversation is looked for that a notice may just be making.
const LOOKS: u32 = 6;
const BETWEEN: Duration = Duration::from_secs(1);

/// Sees to it that one user's conversations are set so. A conversation that he does not have is left alone: on both
/// releases the server says yes, and what it has made then can't be read for a while.
pub(super) async fn ensure(ask: &Ask, rows: Vec<SettingRow>, dry: bool) -> Result<Done, CallError> {
    let mut done = Done::default();
    let Some(user) = rows.first().map(|row| row.user.clone()) else { return Ok(done) };
    let thing = |conversation: &str, row: &SettingRow| {
        Thing::Setting(user.clone(), conversation.to_owned(), row.how())
    };
    let mut wanted: Vec<(ConversationId, SettingRow)> = Vec::new();
    for row in rows {
        match row.conversation() {
            Some(id) => wanted.push((id, row)),
            None => done.failed(thing("a conversation", &row), "it has to name either `peerID` or `groupID`"),
        }
    }
    for wanted in pieces(wanted, AT_ONCE) {
        let mut there = there(ask, &user, &wanted).await?;
        let has =
            |there: &HashMap<String, Setting>| wanted.iter().all(|(id, _)| there.contains_key(id.as_str()));
        for _ in 0..if dry { 0 } else { LOOKS } {
            if has(&there) {
                break;
            }
            tokio::time::sleep(BETWEEN).await;
            there = self::there(ask, &user, &wanted).await?;
        }
        let mut open = Vec::new();
        for (id, row) in wanted {
            match there.get(id.as_str()) {
                None => done.failed(
                    thing(id.as_str(), &row),
                    "there is no such conversation: nothing was written in it",
                ),
                Some(setting) if is_so(setting, &row) => done.counts.settings.there += 1,
                Some(_) => open.push((id, row)),
            }
        }
        let set = Set { user: &user };
        ensure::settle(&set, ask, open, (dry, &mut done), |(id, row)| thing(id.as_str(), row)).await?;
    }
    Ok(done)
}

fn is_so(setting: &Setting, row: &SettingRow) -> bool {
    (setting.pinned, setting.bell) == (row.pinned, row.bell)
}

/// Those of a user's conversations that there are, by name.
async fn there(
    ask: &Ask,
    user: &str,
    wanted: &[(ConversationId, SettingRow)],
) -> Result<HashMap<String, Setting>, CallError> {
    let ids: Vec<&str> = wanted.iter().map(|(id, _)| id.as_str()).collect();
    let found = ask.read(|client| client.settings(user, &ids)).await?;
    Ok(found.into_iter().map(|setting| (setting.conversation.clone(), setting)).collect())
}

struct Set<'a> {
    user: &'a str,
}

impl Many for Set<'_> {
    type Item = (ConversationId, SettingRow);

    /// One call each: what one user has set is no other's.
    async fn act(&self, client: &Client, wanted: &[Self::Item]) -> Result<(), CallError> {
        for (id, row) in wanted {
            let setting = Setting {
                conversation: id.as_str().to_owned(),
                peer: row.peer.clone(),
                group: row.group.clone(),
                pinned: row.pinned,
                bell: row.bell,
            };
            client.set(self.user, &setting).await?;
        }
        Ok(())
    }

    async fn missing(&self, ask: &Ask, wanted: Vec<Self::Item>) -> Result<Vec<Self::Item>, CallError> {
        let there = there(ask, self.user, &wanted).await?;
        let is_done =
            |(id, row): &Self::Item| there.get(id.as_str()).is_some_and(|setting| is_so(setting, row));
        Ok(wanted.into_iter().filter(|item| !is_done(item)).collect())
    }
}
