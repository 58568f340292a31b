//! Users: who is registered, who is online.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::job::JobReader;
use crate::openim::CallError;

use super::super::ask::Ask;
use super::super::facts::{Facts, Tally};
use super::{Looks, PreflightError, soften};

/// Users looked up in one call.
const AT_ONCE: usize = 1_000;
/// Users asked about in one call whether they are online: each is looked up by itself there.
const ONLINE_AT_ONCE: usize = 500;

#[derive(Default)]
struct Seen {
    missing: Tally,
    online: Tally,
    unanswered: Option<String>,
    users: usize,
}

pub(super) async fn look(
    ask: &Ask,
    looks: &Looks<'_>,
    job: &JobReader,
    facts: &mut Facts,
) -> Result<(), PreflightError> {
    let mut after = None;
    let next = || -> Result<Option<Vec<String>>, PreflightError> {
        let page = job.users(after, AT_ONCE)?;
        after = page.last().map(|user| user.key).or(after);
        Ok((!page.is_empty()).then(|| page.into_iter().map(|user| user.id.0).collect()))
    };
    // Once the server has no answer to it there is no use in asking it a thousand times.
    let silent = Arc::new(AtomicBool::new(false));
    let work = |ask: Ask, users| {
        let silent = Arc::clone(&silent);
        async move { Ok(page(&ask, users, &silent).await?) }
    };
    let mut unanswered = None;
    ask.all(next, work, |seen: Seen| {
        facts.people.missing_users.add(seen.missing);
        facts.people.online.add(seen.online);
        unanswered = unanswered.take().or(seen.unanswered);
        looks.looked.add(seen.users);
        Ok(())
    })
    .await?;
    facts.unanswered.extend(unanswered.map(|why| ("who is online", why)));
    Ok(())
}

async fn page(ask: &Ask, users: Vec<String>, silent: &AtomicBool) -> Result<Seen, CallError> {
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    let exist = ask.read(|client| client.users_exist(&ids)).await?;
    let mut seen = Seen { users: users.len(), ..Seen::default() };
    let mut registered = Vec::with_capacity(ids.len());
    for (id, exists) in ids.iter().zip(exist) {
        seen.missing.look((!exists).then(|| (*id).to_owned()));
        if exists {
            registered.push(*id);
        }
    }
    for ids in registered.chunks(ONLINE_AT_ONCE) {
        if silent.load(Ordering::Relaxed) {
            break;
        }
        match soften(ask.read(|client| client.online(ids)).await)? {
            Ok(online) => {
                let count = online.len() as u64;
                let looked_at = ids.len() as u64;
                let examples = online.into_iter().take(Tally::EXAMPLES).collect();
                seen.online.add(Tally { count, looked_at, examples });
            }
            Err(why) => {
                silent.store(true, Ordering::Relaxed);
                seen.unanswered = Some(why);
            }
        }
    }
    Ok(seen)
}
