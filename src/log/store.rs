//! Whether the store itself has a message, behind the cache (law 8): searched for by sender, receiver and day.

use std::collections::HashSet;

use super::same::{Stored, is_same};
use super::server::{LogError, Server};
use crate::job::{Conversation, Entry, JobError, JobReader, Peers, Spooled};
use crate::message::{Ids, MsgId, Ordinal, Peer, SendTime, Seq};
use crate::openim::{CallError, Client, Found, StoreQuery};

/// What a search for one message showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The store has it.
    There,
    /// It has not.
    Absent,
    /// Too much was found to look through.
    Unsure,
}

/// What finds these messages in the store, and others like them.
pub fn queries(
    reader: &JobReader,
    conversation: &Conversation,
    entries: Vec<Entry>,
) -> Result<Vec<StoreQuery>, JobError> {
    let mut queries: Vec<StoreQuery> = Vec::new();
    for entry in entries {
        let message = reader.message(&entry)?;
        let (session_type, receiver) = match (&conversation.peers, &message.peer) {
            (Peers::Group(group), _) => (3, group.as_str().to_owned()),
            (_, Peer::User(user) | Peer::Group(user)) => (1, user.to_string()),
        };
        let query = StoreQuery {
            sender: message.sender.0,
            receiver,
            session_type,
            content_type: 0,
            day: day(message.send_time),
        };
        if !queries.contains(&query) {
            queries.push(query);
        }
    }
    Ok(queries)
}

/// In which slots the store has these messages, under which names. `None`: it has more than can be looked through.
pub async fn in_store(
    client: &Client,
    queries: &[StoreQuery],
) -> Result<Option<HashSet<(Seq, MsgId)>>, CallError> {
    const AT_ONCE: i32 = 1_000;
    const PAGES: i32 = 20;
    let mut found = HashSet::new();
    for query in queries {
        for page in 1.. {
            let (logs, count) = client.search(query, page, AT_ONCE).await?;
            found.extend(logs.into_iter().map(|log| (Seq(log.seq), log.ids.server)));
            if i64::from(page) * i64::from(AT_ONCE) >= count {
                break;
            }
            if page == PAGES {
                return Ok(None);
            }
        }
    }
    Ok(Some(found))
}

/// The names of everything that the store has of one sender to one receiver on one day. `None`: more than can be looked
/// through.
pub async fn names_in_store(server: &Server, query: &StoreQuery) -> Result<Option<HashSet<MsgId>>, LogError> {
    let places = places_in_store(server, query).await?;
    Ok(places.map(|places| places.into_iter().map(|(_, name)| name).collect()))
}

/// The same with the slots in which it stands.
pub async fn places_in_store(
    server: &Server,
    query: &StoreQuery,
) -> Result<Option<HashSet<(Seq, MsgId)>>, LogError> {
    const AT_ONCE: i32 = 1_000;
    const PAGES: i32 = 20;
    let mut places = HashSet::new();
    for page in 1..=PAGES {
        let (found, count) = server.search(query, page, AT_ONCE).await?;
        let is_last = found.is_empty() || i64::from(page) * i64::from(AT_ONCE) >= count;
        places.extend(found.into_iter().map(|one| (Seq(one.seq), one.ids.server)));
        if is_last {
            return Ok(Some(places));
        }
    }
    Ok(None)
}

/// What finds this message in the store, and others like it.
pub fn query(message: &Spooled) -> StoreQuery {
    let (session_type, receiver) = match &message.peer {
        Peer::User(user) => (1, user.to_string()),
        Peer::Group(group) => (3, group.to_string()),
    };
    // Any type: that of a revoked message is another.
    StoreQuery {
        sender: message.sender.0.clone(),
        receiver,
        session_type,
        content_type: 0,
        day: day(message.send_time),
    }
}

/// Looks for one message in the store: by its names, where they are known, else by what it says.
pub async fn look_for(server: &Server, message: &Spooled, ids: Option<&Ids>) -> Result<Lookup, LogError> {
    const AT_ONCE: i32 = 200;
    const PAGES: i32 = 10;
    let query = query(message);
    for page in 1..=PAGES {
        let (found, in_all) = server.search(&query, page, AT_ONCE).await?;
        let is_it = |one: &Found| match ids {
            Some(ids) => one.ids.server == ids.server,
            None => is_same(message, &Stored::found(one)),
        };
        if found.iter().any(is_it) {
            return Ok(Lookup::There);
        }
        if found.is_empty() || i64::from(page) * i64::from(AT_ONCE) >= in_all {
            return Ok(Lookup::Absent);
        }
    }
    Ok(Lookup::Unsure)
}

/// The day of that time, as `search_msg` takes it (UTC).
fn day(time: SendTime) -> String {
    jiff::Timestamp::from_millisecond(time.0)
        .map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// The entries of these messages, as [`queries`] wants them.
pub fn entries_of(
    reader: &JobReader,
    conversation: &Conversation,
    ordinals: &[Ordinal],
) -> Result<Vec<Entry>, JobError> {
    let mut entries = Vec::with_capacity(ordinals.len());
    for ordinal in ordinals {
        entries.extend(reader.entries(conversation.no, *ordinal, 1)?);
    }
    Ok(entries)
}
