//! Every finding of the preflight: what it means, how to mend it, and whether one may go on all the same.
//!
//! The names are a promise: `--allow NAME` stands in people's scripts.

use crate::finding::{Code, Severity};

/// What may be found about a server, in the order in which it is shown.
pub const CODES: &[&Code] = &[
    &NOT_OPENIM,
    &NOT_ADMIN,
    &TOKEN_EXPIRES,
    &TOKEN_ENDS_AT_LOGINS,
    &RELEASE_UNCLEAR,
    &RELEASE_DIFFERS,
    &CLOCK_DIFFERS,
    &MISSING_USERS,
    &MISSING_GROUPS,
    &NOT_MEMBERS,
    &BLOCKED,
    &GROUP_DISMISSED,
    &GROUP_MUTED,
    &MEMBER_MUTED,
    &NAME_COLLISION,
    &NAME_COLLISION_POSSIBLE,
    &ALREADY_THERE,
    &NOT_EMPTY,
    &WOULD_NOT_SCROLL,
    &NOTICES_CUT,
    &WRITTEN_SINCE,
    &RETENTION,
    &WEBHOOKS,
    &FRIEND_CHECK,
    &RATE_LIMITER,
    &SETTINGS_UNKNOWN,
    &REDIS_MEMORY,
    &DISK_SPACE,
    &USERS_ONLINE,
    &LIVE_TRAFFIC,
    &NOT_ALL_LOOKED_AT,
    &COULD_NOT_LOOK,
    &NO_BACKUP,
];

/// The code of that name, for `--allow`.
pub fn code(name: &str) -> Option<&'static Code> {
    CODES.iter().copied().find(|code| code.name == name)
}

/// Whether `--allow` takes it: without an OpenIM or its admin's token there is nothing to go on with, and nothing
/// is ever sent a second time.
pub fn can_be_allowed(code: &Code) -> bool {
    !matches!(code.name, "not-openim" | "not-admin" | "already-there")
}

const fn refuse(name: &'static str, means: &'static str, mend: &'static str) -> Code {
    Code { name, severity: Severity::Error, means, mend }
}

const fn warn(name: &'static str, means: &'static str, mend: &'static str) -> Code {
    Code { name, severity: Severity::Warning, means, mend }
}

pub(super) const NOT_OPENIM: Code = refuse(
    "not-openim",
    "what answers at this address is not an OpenIM API",
    "give --api the address of `openim-api` (port 10002 by default), with the path prefix of the proxy before it if there is one",
);

pub(super) const NOT_ADMIN: Code = refuse(
    "not-admin",
    "the token is not an admin's: it can't send for others",
    "log in with OPENIM_SECRET and an --admin-user that stands in `imAdminUserID` of the server's share.yml",
);

pub(super) const TOKEN_EXPIRES: Code = warn(
    "token-expires",
    "the token may expire before the import is done, and only a secret can renew it",
    "set OPENIM_SECRET instead of OPENIM_TOKEN, or give the same command a new token when it stops",
);

pub(super) const TOKEN_ENDS_AT_LOGINS: Code = warn(
    "token-ends-at-logins",
    "on this release every other login of the admin ends our token within five minutes, a chat server's too, and only a secret can renew it",
    "set OPENIM_SECRET instead of OPENIM_TOKEN; an admin user of its own (--admin-user, `imAdminUserID` in share.yml) keeps several importers from ending each other's tokens",
);

pub(super) const RELEASE_UNCLEAR: Code = warn(
    "release-unclear",
    "the server's answers don't say which release it is",
    "give --release 3.8.3 or --release main; only main takes replies (114) and markdown (118)",
);

pub(super) const RELEASE_DIFFERS: Code = refuse(
    "release-differs",
    "the server is of another release than was said",
    "leave --release out, or prepare the job anew for the release that is there",
);

pub(super) const CLOCK_DIFFERS: Code = warn(
    "clock-differs",
    "the server's clock and this machine's disagree",
    "set both by NTP; what is decided by the age of messages follows the server's clock",
);

pub(super) const MISSING_USERS: Code = refuse(
    "missing-users",
    "people of this history are not registered",
    "`openim-import provision` registers them, `run --provision` does it first; allowed: what is sent to them becomes rejects, and 3.8.3 stores what they sent under a name that nobody has",
);

pub(super) const MISSING_GROUPS: Code = refuse(
    "missing-groups",
    "groups of this history are not there",
    "`openim-import provision` creates them, `run --provision` does it first; allowed: their messages become rejects",
);

pub(super) const NOT_MEMBERS: Code = refuse(
    "not-members",
    "people who write in a group are not its members",
    "`openim-import provision` adds them; allowed: their messages there become rejects (1203)",
);

pub(super) const BLOCKED: Code = refuse(
    "blocked",
    "receivers have blocked the senders of messages to them",
    "take the blocks off until the history is there (`/friend/remove_black`) and put them back with `provision --stage after`; allowed: these messages become rejects (1302)",
);

pub(super) const GROUP_DISMISSED: Code = refuse(
    "group-dismissed",
    "groups of this history are dismissed on the server and take no messages",
    "leave them out of the export, or give the history a new group by mapping its id to another; allowed: their messages become rejects (1204)",
);

pub(super) const GROUP_MUTED: Code = refuse(
    "group-muted",
    "groups of this history are muted: only their owner and admins may write",
    "take the mute off until the history is there (`/group/cancel_mute_group`); allowed: the others' messages become rejects (1403)",
);

pub(super) const MEMBER_MUTED: Code = refuse(
    "member-muted",
    "people who write in a group are muted there",
    "take the mute off until the history is there (`/group/cancel_mute_group_member`); allowed: their messages there become rejects (1402)",
);

pub(super) const NAME_COLLISION: Code = refuse(
    "name-collision",
    "a group on the server is called like the queue of two users' conversation: private messages can end up in that group (law 11)",
    "map one of the users or the group to another id; allowed: only if nobody can write in that group meanwhile",
);

pub(super) const NAME_COLLISION_POSSIBLE: Code = warn(
    "name-collision-possible",
    "registered users could have a conversation of the same name as one of this history: if they write meanwhile, their messages mix (law 11)",
    "map the group or the users to ids without `_`, or import while nobody writes",
);

pub(super) const ALREADY_THERE: Code = refuse(
    "already-there",
    "conversations already hold messages that equal this history's",
    "if an earlier import put them there, go on with its job (--job); if that is lost, `openim-import adopt` rebuilds it from the server, and `run` goes on",
);

pub(super) const NOT_EMPTY: Code = warn(
    "not-empty",
    "conversations already hold messages of others: this history comes after them in the log",
    "import before people start to write; clients sort by time within what they hold, and page by the order of the log",
);

pub(super) const WOULD_NOT_SCROLL: Code = refuse(
    "would-not-scroll",
    "people have written in conversations of this history already, later than it begins: behind newer messages OpenIM's apps can't scroll it, nor what was there before (law 15)",
    "`check SOURCE --api URL --archive all` gives each of these histories an archive: a group beside the conversation with the same members, which `provision` makes (a name in the place of `all`: that one alone); `--behind all` sends them after what people wrote, with times of then; if an earlier import of ours put it there, `undo` that and send it anew; or leave them out (--only names the others). docs/what-your-users-will-see.md compares them",
);

pub(super) const NOTICES_CUT: Code = warn(
    "notices-cut",
    "nothing but notices (friends, group made) stands in conversations of this history: `run` cuts them off before it sends, so that apps page into the history alone (law 15)",
    "nothing; make friends and groups after the history, to have their notices at the end",
);

pub(super) const WRITTEN_SINCE: Code = warn(
    "written-since",
    "people have written in conversations that were begun, since they were read last: nothing of what is left of their history is sent behind that, because apps could not scroll it (law 15)",
    "`run` leaves these alone, ends with exit code 5 and names the ways: `run --behind` sends the rest behind, under later times; `undo --only` takes them back, for an archive, or to send them anew",
);

pub(super) const RETENTION: Code = refuse(
    "retention",
    "the server deletes old messages at night, these among them (law 6)",
    "raise `retainChatRecords` in the server's openim-crontask.yml above the age of the oldest message, in days, and restart openim-crontask; or leave the old ones out with --since",
);

pub(super) const WEBHOOKS: Code = refuse(
    "webhooks",
    "the server calls webhooks for every message: a bot behind them would see, answer or refuse the whole history",
    "switch them off in the server's webhooks.yml until the history is there",
);

pub(super) const FRIEND_CHECK: Code = refuse(
    "friend-check",
    "the server takes messages between friends only",
    "set `friendVerify: false` in the server's openim-rpc-msg.yml until the history is there, or make them friends first (`provision --stage after` before the run); allowed: messages between others become rejects (1303)",
);

pub(super) const RATE_LIMITER: Code = warn(
    "rate-limiter",
    "the server limits the rate of calls (429): the import adapts, and takes longer",
    "switch `ratelimiter` off in the server's openim-api.yml until the history is there",
);

pub(super) const SETTINGS_UNKNOWN: Code = warn(
    "settings-unknown",
    "the server does not tell its settings",
    "look them up in its config folder before you go on",
);

pub(super) const REDIS_MEMORY: Code = warn(
    "redis-memory",
    "every message stays in the server's Redis for 24 hours (law 9)",
    "compare with `redis-cli info memory` and `maxmemory`; a lower --rate spreads it over more days",
);

pub(super) const DISK_SPACE: Code = warn(
    "disk-space",
    "the history takes room on the server",
    "compare with `df` on the machines of MongoDB and Kafka",
);

pub(super) const USERS_ONLINE: Code = warn(
    "users-online",
    "people of this history are online: every message is pushed to them as it arrives (law 12)",
    "import while nobody is logged in, or stop openim-msggateway meanwhile",
);

pub(super) const LIVE_TRAFFIC: Code = warn(
    "live-traffic",
    "people are writing in conversations of this history right now (law 12)",
    "import while nobody writes; where somebody does, the window shrinks from 64 to 32",
);

pub(super) const NOT_ALL_LOOKED_AT: Code = warn(
    "not-all-looked-at",
    "not everything was looked at, to keep the preflight short",
    "`check --api URL --thorough` looks at everything",
);

pub(super) const COULD_NOT_LOOK: Code = warn(
    "could-not-look",
    "the server did not answer a question of the preflight",
    "look it up yourself, or try again",
);

pub(super) const NO_BACKUP: Code = warn(
    "no-backup",
    "whether there is a backup of the server can't be seen from here",
    "back up MongoDB before the first message (`mongodump`); `undo` takes back what was imported, and nothing else",
);

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let names: HashSet<&str> = CODES.iter().map(|code| code.name).collect();
        assert_eq!(names.len(), CODES.len());
        for name in names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
            assert_eq!(code(name).map(|code| code.name), Some(name));
        }
    }

    #[test]
    fn the_documentation_names_every_finding_and_whether_it_refuses() {
        let text = include_str!("../../docs/before.md");
        for code in CODES {
            let name = format!("`{}`", code.name);
            let row = text.lines().find(|line| line.starts_with('|') && line.contains(&name));
            let row = row.unwrap_or_else(|| panic!("{name} is not in docs/before.md"));
            assert_eq!(row.contains("| refuses |"), code.severity == Severity::Error, "{row}");
        }
    }

    #[test]
    fn every_finding_says_how_to_mend_it() {
        for code in CODES {
            assert!(!code.means.is_empty() && !code.mend.is_empty(), "{}", code.name);
            assert!(!code.means.ends_with('.') && !code.mend.ends_with('.'), "{}", code.name);
        }
    }
}
