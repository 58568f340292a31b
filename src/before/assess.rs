//! Facts to findings. Pure: no network, no clock.

use std::time::Duration;

use crate::finding::{Code, Finding};
use crate::message::Release;
use crate::report::{bytes, count, duration, plural};

use super::codes::{self, CODES};
use super::facts::{Conversations, Facts, History, People, RetentionLoss, ServerFacts, Tally};
use super::forecast::{CACHE_EACH, STORE_EACH};

/// What the facts amount to, in the order of [`CODES`].
pub fn assess(facts: &Facts) -> Vec<Finding> {
    let mut found = Found::default();
    server(&facts.server, facts.history.as_ref(), &mut found);
    people(&facts.people, &mut found);
    conversations(&facts.conversations, &mut found);
    if facts.server.is_openim {
        rules(facts, &mut found);
    }
    if let Some(history) = &facts.history {
        room(history, &mut found);
    }
    for (question, why) in &facts.unanswered {
        found.add(&codes::COULD_NOT_LOOK, format!("{question}: {why}"));
    }
    if facts.server.is_openim {
        found.add(&codes::NO_BACKUP, String::new());
    }
    let order = |finding: &Finding| CODES.iter().position(|code| *code == finding.code);
    found.0.sort_by_key(order);
    found.0
}

#[derive(Default)]
struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, code: &'static Code, value: String) {
        self.0.push(Finding { code, place: None, value });
    }

    /// `3 of 120 users: ghost, u7, x`
    fn tally(&mut self, code: &'static Code, tally: &Tally, what: &str) {
        if tally.count == 0 {
            return;
        }
        let more = if tally.count > tally.examples.len() as u64 { " …" } else { "" };
        let names = tally.examples.join(", ");
        self.add(code, format!("{} of {} {what}: {names}{more}", count(tally.count), count(tally.looked_at)));
    }
}

/// Farther apart than a call can take and NTP leaves it.
const CLOCKS_MS: u64 = 5_000;

fn server(server: &ServerFacts, history: Option<&History>, found: &mut Found) {
    if !server.is_openim {
        found.add(&codes::NOT_OPENIM, server.not_openim.clone());
        return;
    }
    if !server.is_admin {
        found.add(&codes::NOT_ADMIN, format!("admin user `{}`", server.admin_user));
    }
    if let Some(left) = server.token_left {
        // Half as long again as planned, and an hour for whatever comes.
        let needed = Duration::from_hours(1) + history.map_or(Duration::ZERO, History::time).mul_f64(1.5);
        if left < needed {
            let value = format!("good for {} more; {} may be needed", duration(left), duration(needed));
            found.add(&codes::TOKEN_EXPIRES, value);
        }
    }
    let release = server.release_said.or(server.release_seen);
    if !server.renews_tokens && release == Some(Release::Main) {
        found.add(&codes::TOKEN_ENDS_AT_LOGINS, format!("admin user `{}`", server.admin_user));
    }
    match (server.release_said, server.release_seen) {
        (Some(said), Some(seen)) if said != seen => {
            found.add(
                &codes::RELEASE_DIFFERS,
                format!("{said} was said, it answers as {seen}{}", version(server)),
            );
        }
        (None, None) => {
            let assumed = Release::default();
            found.add(&codes::RELEASE_UNCLEAR, format!("taken for {assumed}{}", version(server)));
        }
        _ => {}
    }
    if let Some(ahead) = server.clock_ahead_ms.filter(|ms| ms.unsigned_abs() > CLOCKS_MS) {
        let by = duration(Duration::from_millis(ahead.unsigned_abs()));
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        found.add(&codes::CLOCK_DIFFERS, format!("the server is {by} {side} this machine"));
    }
}

fn version(server: &ServerFacts) -> String {
    server.version.as_ref().map_or_else(String::new, |version| format!(", and calls itself `{version}`"))
}

fn people(people: &People, found: &mut Found) {
    found.tally(&codes::MISSING_USERS, &people.missing_users, "users");
    found.tally(&codes::MISSING_GROUPS, &people.missing_groups, "groups");
    found.tally(&codes::NOT_MEMBERS, &people.not_members, "senders in groups");
    found.tally(&codes::BLOCKED, &people.blocked, "pairs of receiver and sender");
    found.tally(&codes::GROUP_DISMISSED, &people.dismissed, "groups");
    found.tally(&codes::GROUP_MUTED, &people.muted_groups, "groups");
    found.tally(&codes::MEMBER_MUTED, &people.muted_members, "senders in groups");
    found.tally(&codes::NAME_COLLISION, &people.collisions, "pairs of users");
    found.tally(&codes::NAME_COLLISION_POSSIBLE, &people.possible_collisions, "names with `_`");
    found.tally(&codes::USERS_ONLINE, &people.online, "users");
    if !people.cut_short.is_empty() {
        found.add(&codes::NOT_ALL_LOOKED_AT, people.cut_short.join("; "));
    }
}

fn conversations(conversations: &Conversations, found: &mut Found) {
    found.tally(&codes::ALREADY_THERE, &conversations.already_there, "conversations that hold messages");
    let others = Tally {
        count: conversations
            .not_empty
            .count
            .saturating_sub(conversations.already_there.count + conversations.newer.count)
            .saturating_sub(conversations.notices.len() as u64),
        ..conversations.not_empty.clone()
    };
    found.tally(&codes::WOULD_NOT_SCROLL, &conversations.newer, "conversations that hold messages");
    if !conversations.notices.is_empty() {
        let slots: i64 = conversations.notices.iter().map(|notices| notices.slots).sum();
        let first = conversations.notices.first().map_or("", |notices| &notices.conversation);
        let notices = plural(slots.unsigned_abs(), "notice", "notices");
        let held = plural(conversations.notices.len() as u64, "conversation", "conversations");
        let value = format!("{notices} in {held}, such as {first}");
        found.add(&codes::NOTICES_CUT, value);
    }
    found.tally(&codes::WRITTEN_SINCE, &conversations.written_since, "conversations that were begun");
    found.tally(&codes::NOT_EMPTY, &others, "conversations");
    let what = format!("conversations in {}", duration(conversations.watched));
    found.tally(&codes::LIVE_TRAFFIC, &conversations.moving, &what);
}

/// What the server's settings, told or not, do to this history.
fn rules(facts: &Facts, found: &mut Found) {
    let settings = &facts.settings;
    if let Some(loss) = &facts.loss {
        retention(loss, settings.cron.as_deref(), found);
    }
    match settings.webhooks.as_deref() {
        None | Some([]) => {}
        Some(hooks) => found.add(&codes::WEBHOOKS, hooks.join(", ")),
    }
    let singles = facts.history.map_or(0, |history| history.singles);
    if settings.friend_check == Some(true) && (singles > 0 || facts.history.is_none()) {
        found.add(
            &codes::FRIEND_CHECK,
            format!("`friendVerify` is on, {} single conversations", count(singles)),
        );
    }
    if settings.rate_limiter == Some(true) {
        found.add(&codes::RATE_LIMITER, "`ratelimiter.enable` is on".to_owned());
    }
    let unknown = settings.unknown();
    if !unknown.is_empty() {
        found.add(&codes::SETTINGS_UNKNOWN, unknown.join("; "));
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn retention(lost: &RetentionLoss, cron: Option<&str>, found: &mut Found) {
    if lost.loss.is_none() {
        return;
    }
    let age = lost.now.0.saturating_sub(lost.oldest.0) / DAY_MS;
    let rule = match (lost.known, cron) {
        (true, Some(cron)) => format!("it keeps {} days (cron `{cron}`)", count_days(lost.days)),
        (true, None) => format!("it keeps {} days", count_days(lost.days)),
        (false, _) => format!("it doesn't tell; the default is {} days", count_days(lost.days)),
    };
    let hidden = match lost.loss.hidden {
        0 => String::new(),
        n => format!(", and {} newer ones would be hidden with them", count(n)),
    };
    found.add(
        &codes::RETENTION,
        format!(
            "{rule}; {} in {} would be deleted at the next run{hidden}; the oldest is {} days old",
            plural(lost.loss.deleted, "message", "messages"),
            plural(lost.conversations, "conversation", "conversations"),
            count_days(age),
        ),
    );
}

fn count_days(days: i64) -> String {
    count(u64::try_from(days).unwrap_or(0))
}

/// Below these nobody needs to look.
const MEMORY_WORTH_SAYING: u64 = 256 << 20;
const DISK_WORTH_SAYING: u64 = 1 << 30;

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, shown with two digits"
)]
fn room(history: &History, found: &mut Found) {
    const DAY: f64 = 24.0 * 60.0 * 60.0;
    let all = history.messages * CACHE_EACH + history.bytes;
    // Messages leave the cache after a day: a slow import never has all of them in it.
    let in_a_day = (history.pace * DAY / history.messages.max(1) as f64).min(1.0);
    let memory = (all as f64 * in_a_day) as u64;
    if memory >= MEMORY_WORTH_SAYING {
        let pace = count(history.pace as u64);
        found.add(
            &codes::REDIS_MEMORY,
            format!(
                "about {} for {} at {pace} a second",
                bytes(memory),
                plural(history.messages, "message", "messages")
            ),
        );
    }
    let disk = history.messages * STORE_EACH + history.bytes;
    if disk >= DISK_WORTH_SAYING {
        let each = bytes(disk);
        found.add(
            &codes::DISK_SPACE,
            format!("at most {each} in MongoDB before its compression, and as much in Kafka until its retention is over"),
        );
    }
}

#[cfg(test)]
mod tests;
