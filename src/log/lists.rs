//! Who has a conversation in the list that the server keeps for each user. It makes those entries with a conversation's
//! first messages; a process that is killed just then leaves them out, for both or for one of them, and nothing that is sent
//! later makes up for it (measured on both releases). Whoever has no entry is shown nothing: it is not in the list of his
//! app, and reading as him answers nothing.

use super::server::{LogError, Server};
use crate::job::{Conversation, Peers, SharedReader};
use crate::message::UserId;
use crate::openim::Setting;

/// Of a group, so many who write in it are asked about; where one of them lacks it, everybody.
const SOME: usize = 16;

/// Those who take part in a conversation and do not have it in their lists.
pub async fn lack_it(
    server: &Server,
    job: &SharedReader,
    conversation: &Conversation,
) -> Result<Vec<UserId>, LogError> {
    let name = conversation.id().0;
    let mut people = job.read(|reader| reader.participants(conversation, SOME))?;
    let mut members = Vec::new();
    if let Peers::Group(group) = &conversation.peers {
        members = server.members(group.as_str()).await?;
        // Who has left it is not to have it.
        people.retain(|user| members.iter().any(|member| member == user.as_str()));
    }
    let mut lacking = Vec::new();
    for user in people {
        if server.lists(user.as_str(), &name).await? == Some(false) {
            lacking.push(user);
        }
    }
    if !lacking.is_empty() {
        for member in members.into_iter().map(UserId) {
            if !lacking.contains(&member) && server.lists(member.as_str(), &name).await? == Some(false) {
                lacking.push(member);
            }
        }
    }
    lacking.dedup();
    Ok(lacking)
}

/// The entry in that user's list: nothing is set.
pub fn entry(conversation: &Conversation, user: &UserId) -> Setting {
    let (peer, group) = match &conversation.peers {
        Peers::Single(a, b) => (if user == a { b } else { a }.0.clone(), String::new()),
        Peers::Group(group) => (String::new(), group.as_str().to_owned()),
    };
    Setting { conversation: conversation.id().0, peer, group, ..Setting::default() }
}
