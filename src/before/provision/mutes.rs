//! Groups, and people in them, that may not write. Each call leaves a notice of today, also where it changes nothing: so
//! what is muted already is left alone.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::openim::{CallError, Client, GroupStatus};

use super::super::ask::Ask;
use super::ensure::{self, Many};
use super::{Done, Thing};

/// Who is to be muted in one group.
#[derive(Debug, Default)]
pub(super) struct Muted {
    pub(super) group: String,
    /// Everybody but owner and administrators.
    pub(super) whole: bool,
    /// Users, and until when: ms, 0 = for as long as can be said.
    pub(super) members: Vec<(String, i64)>,
}

/// Ends as close as this are the same: the server counts from when it got the call.
const SAME_END_MS: i64 = 60_000;
/// Members read in one call.
const PAGE: i32 = 500;

/// Sees to it that they are muted. Whose time is over by now is left alone.
pub(super) async fn ensure(ask: &Ask, muted: Muted, dry: bool) -> Result<Done, CallError> {
    let mut done = Done::default();
    let group = muted.group.as_str();
    let now = Timestamp::now().as_millisecond();
    let members: Vec<(String, i64)> =
        muted.members.into_iter().filter(|(_, until)| *until == 0 || *until > now).collect();
    let thing = |user: &str| Thing::Mute(group.to_owned(), (!user.is_empty()).then(|| user.to_owned()));
    let wanted =
        || muted.whole.then_some("").into_iter().chain(members.iter().map(|(user, _)| user.as_str()));
    let ids = [group];
    let there = ask.read(|client| client.groups(&ids)).await?;
    let status = match there.get(group).map(|group| group.status) {
        Some(GroupStatus::Dismissed) => Err("the group is dismissed"),
        Some(status) => Ok(status),
        None => Err("the group is not there"),
    };
    let status = match status {
        Ok(status) => status,
        Err(why) => {
            wanted().for_each(|user| done.failed(thing(user), why));
            return Ok(done);
        }
    };
    if muted.whole && status == GroupStatus::Muted {
        done.counts.mutes.there += 1;
    } else if muted.whole {
        ensure::settle(&Whole, ask, vec![group.to_owned()], (dry, &mut done), |_| thing("")).await?;
    }
    if members.is_empty() {
        return Ok(done);
    }
    let ends = ends(ask, group).await?;
    let mut open = Vec::new();
    for (user, until) in members {
        match ends.get(&user) {
            None => done.failed(thing(&user), "not in the group"),
            Some(end) if is_until(*end, until) => done.counts.mutes.there += 1,
            Some(_) => open.push((user, until)),
        }
    }
    ensure::settle(&Member { group }, ask, open, (dry, &mut done), |(user, _)| thing(user)).await?;
    Ok(done)
}

/// Whether somebody who may not write until `end` may not until `wanted`.
fn is_until(end: i64, wanted: i64) -> bool {
    let for_ever = Timestamp::now().as_millisecond() + i64::from(u32::MAX / 2) * 1000;
    end > 0 && end >= (if wanted == 0 { for_ever } else { wanted.min(for_ever) }) - SAME_END_MS
}

/// Until when each member of a group may not write, ms.
async fn ends(ask: &Ask, group: &str) -> Result<HashMap<String, i64>, CallError> {
    let mut ends = HashMap::new();
    for page in 1.. {
        let (members, total) = ask.read(|client| client.members_page(group, page, PAGE)).await?;
        let last = members.is_empty() || i64::from(page) * i64::from(PAGE) >= total;
        ends.extend(members.into_iter().map(|member| (member.user, member.mute_end_time)));
        if last {
            break;
        }
    }
    Ok(ends)
}

struct Whole;

impl Many for Whole {
    type Item = String;

    async fn act(&self, client: &Client, groups: &[String]) -> Result<(), CallError> {
        for group in groups {
            client.mute_group(group).await?;
        }
        Ok(())
    }

    async fn missing(&self, ask: &Ask, groups: Vec<String>) -> Result<Vec<String>, CallError> {
        let ids: Vec<&str> = groups.iter().map(String::as_str).collect();
        let there = ask.read(|client| client.groups(&ids)).await?;
        let is_muted = |id: &String| there.get(id).is_some_and(|group| group.status == GroupStatus::Muted);
        Ok(groups.into_iter().filter(|id| !is_muted(id)).collect())
    }
}

struct Member<'a> {
    group: &'a str,
}

impl Many for Member<'_> {
    type Item = (String, i64);

    /// One call each: there is none for many.
    async fn act(&self, client: &Client, members: &[Self::Item]) -> Result<(), CallError> {
        for (user, until) in members {
            client.mute_member(self.group, user, seconds(*until, Timestamp::now().as_millisecond())).await?;
        }
        Ok(())
    }

    async fn missing(&self, ask: &Ask, members: Vec<Self::Item>) -> Result<Vec<Self::Item>, CallError> {
        let ends = ends(ask, self.group).await?;
        let is_done = |(user, until): &Self::Item| ends.get(user).is_some_and(|end| is_until(*end, *until));
        Ok(members.into_iter().filter(|member| !is_done(member)).collect())
    }
}

/// How long from now on, as the server takes it.
fn seconds(until: i64, now: i64) -> u32 {
    if until == 0 {
        u32::MAX
    } else {
        u32::try_from((until - now).max(1000).div_euclid(1000) + 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_given_in_seconds_from_now() {
        assert_eq!(seconds(1_000_500, 1_000_000), 2);
        assert_eq!(seconds(3_600_000 + 1_000_000, 1_000_000), 3_601);
        assert_eq!((seconds(0, 1_000_000), seconds(i64::MAX, 1_000_000)), (u32::MAX, u32::MAX));
        assert_eq!(seconds(5, 1_000_000), 2);
    }

    #[test]
    fn an_end_that_was_reached_counts_as_there() {
        let now = Timestamp::now().as_millisecond();
        assert!(is_until(now + 3_600_000, now + 3_610_000));
        assert!(!is_until(now + 3_600_000, now + 7_200_000));
        assert!(!is_until(0, now + 5_000) && !is_until(0, 0));
        assert!(
            is_until(now + i64::from(u32::MAX) * 1000, 0)
                && is_until(now + i64::from(u32::MAX) * 1000, i64::MAX)
        );
    }
}
