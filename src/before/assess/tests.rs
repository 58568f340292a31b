use std::collections::BTreeSet;

use super::*;
use crate::before::facts::{Notices, RetentionLoss};
use crate::before::retention::Loss;
use crate::before::{Allowed, text};
use crate::message::SendTime;

const DAY: i64 = 86_400_000;

/// A server and a history with nothing to say against them but that nobody can see a backup.
fn fine() -> Facts {
    let mut facts = Facts {
        history: Some(History { messages: 1_000, bytes: 300_000, singles: 10, pace: 900.0 }),
        ..Facts::default()
    };
    facts.settings.retain_days = Some(36_500);
    facts.settings.webhooks = Some(Vec::new());
    facts.settings.friend_check = Some(false);
    facts.settings.rate_limiter = Some(false);
    facts
}

fn names(facts: &Facts) -> Vec<&'static str> {
    assess(facts).iter().map(|finding| finding.code.name).collect()
}

fn tally(names: &[&str]) -> Tally {
    Tally { count: 7, looked_at: 120, examples: names.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn a_server_in_order_leaves_the_backup_to_be_thought_of() {
    assert_eq!(names(&fine()), ["no-backup"]);
    let mut empty = fine();
    empty.people.missing_users = Tally { count: 0, looked_at: 1_000_000, examples: Vec::new() };
    assert_eq!(names(&empty), ["no-backup"]);
}

#[test]
fn what_is_no_openim_has_nothing_else_to_be_told_about() {
    let mut facts = fine();
    facts.server.is_openim = false;
    facts.settings = crate::before::Settings::default();
    assert_eq!(names(&facts), ["not-openim"]);
}

/// One change to a fine server for every finding.
fn provoked() -> Vec<Facts> {
    let change = |change: fn(&mut Facts)| {
        let mut facts = fine();
        change(&mut facts);
        facts
    };
    vec![
        change(|f| {
            f.server.is_openim = false;
            f.server.not_openim = "HTTP 200, `<html>…`".into();
        }),
        change(|f| {
            f.server.is_admin = false;
            f.server.admin_user = "u1".into();
        }),
        change(|f| f.server.token_left = Some(Duration::from_mins(50))),
        change(|f| {
            f.server.renews_tokens = false;
            f.server.release_seen = Some(Release::Main);
        }),
        change(|f| f.server.release_seen = None),
        change(|f| {
            f.server.release_said = Some(Release::Main);
            f.server.version = Some("3.8.3-patch.16".into());
        }),
        change(|f| f.server.clock_ahead_ms = Some(-61_000)),
        change(|f| f.people.missing_users = tally(&["ghost", "u7", "x", "y", "z"])),
        change(|f| f.people.missing_groups = tally(&["g1", "g2", "g3", "g4", "g5"])),
        change(|f| f.people.not_members = tally(&["u1 in g1"])),
        change(|f| f.people.blocked = tally(&["u1 blocks u9"])),
        change(|f| f.people.dismissed = tally(&["g1"])),
        change(|f| f.people.muted_groups = tally(&["g1"])),
        change(|f| f.people.muted_members = tally(&["u1 in g1"])),
        change(|f| f.people.collisions = tally(&["group a_b and users a, b"])),
        change(|f| f.people.possible_collisions = tally(&["users a, b and sg_a_b"])),
        change(|f| {
            f.conversations.not_empty = tally(&["si_a_b"]);
            f.conversations.already_there = Tally { count: 2, looked_at: 7, examples: vec!["si_a_b".into()] };
        }),
        change(|f| {
            f.conversations.not_empty = tally(&["si_a_b", "si_a_c"]);
            f.conversations.newer = tally(&["si_a_b (newest from b)"]);
        }),
        change(|f| {
            f.conversations.not_empty = tally(&["si_a_b"]);
            f.conversations.notices =
                vec![Notices { conversation: "si_a_b".into(), user: "a".into(), slots: 1 }];
        }),
        change(|f| f.conversations.written_since = tally(&["si_a_b (newest from b)"])),
        change(|f| {
            f.loss = Some(RetentionLoss {
                loss: Loss { deleted: 1_234_567, hidden: 89 },
                conversations: 456,
                oldest: SendTime(1_000 * DAY),
                days: 365,
                known: true,
                now: SendTime(3_000 * DAY),
            });
            f.settings.cron = Some("0 2 * * *".into());
        }),
        change(|f| {
            f.settings.webhooks = Some(vec!["afterSendSingleMsg".into(), "beforeSendGroupMsg".into()]);
        }),
        change(|f| f.settings.friend_check = Some(true)),
        change(|f| f.settings.rate_limiter = Some(true)),
        change(|f| f.settings = crate::before::Settings::default()),
        change(|f| {
            f.history =
                Some(History { messages: 10_000_000, bytes: 3_000_000_000, singles: 10, pace: 900.0 });
        }),
        change(|f| f.people.online = tally(&["u1", "u2"])),
        change(|f| {
            f.conversations.moving = tally(&["sg_g1"]);
            f.conversations.watched = Duration::from_secs(12);
        }),
        change(|f| f.people.cut_short = vec!["the block lists of receivers: 20,000 of 900,000".into()]),
        change(|f| f.unanswered = vec![("who is online", "no answer: none within 30 s".into())]),
    ]
}

#[test]
fn every_finding_and_how_it_reads() {
    let mut seen = BTreeSet::from(["no-backup"]);
    let mut shown = String::new();
    for facts in provoked() {
        let findings = assess(&facts);
        let findings: Vec<_> = findings.iter().filter(|finding| finding.code != &codes::NO_BACKUP).collect();
        assert!(!findings.is_empty(), "{facts:?}");
        for finding in findings {
            seen.insert(finding.code.name);
            shown += &text(finding, &Allowed::default());
        }
    }
    let all: BTreeSet<&str> = CODES.iter().map(|code| code.name).collect();
    assert_eq!(seen, all);
    insta::assert_snapshot!(shown);
}

#[test]
fn a_retention_that_is_not_told_is_taken_for_the_default_and_said_so() {
    let mut facts = fine();
    facts.settings.retain_days = None;
    facts.loss = Some(RetentionLoss {
        loss: Loss { deleted: 10, hidden: 0 },
        conversations: 1,
        oldest: SendTime(0),
        days: 365,
        known: false,
        now: SendTime(400 * DAY),
    });
    let found = assess(&facts);
    let retention = found.iter().find(|finding| finding.code == &codes::RETENTION).unwrap();
    assert_eq!(
        retention.value,
        "it doesn't tell; the default is 365 days; 10 messages in 1 conversation would be deleted at the next \
         run; the oldest is 400 days old"
    );
}

#[test]
fn a_slow_import_needs_less_memory_at_a_time() {
    let memory = |pace| {
        let mut facts = fine();
        facts.history = Some(History { messages: 10_000_000, bytes: 3_000_000_000, singles: 0, pace });
        assess(&facts).into_iter().find(|f| f.code == &codes::REDIS_MEMORY).map(|f| f.value)
    };
    assert_eq!(memory(900.0).unwrap(), "about 9.8 GiB for 10,000,000 messages at 900 a second");
    assert_eq!(memory(11.574_074).unwrap(), "about 1001.4 MiB for 10,000,000 messages at 11 a second");
    assert_eq!(memory(1.0), None);
}

#[test]
fn a_token_that_lasts_is_no_finding() {
    let mut facts = fine();
    facts.server.token_left = Some(Duration::from_hours(2));
    assert_eq!(names(&facts), ["no-backup"]);
    facts.history = Some(History { messages: 10_000_000, bytes: 0, singles: 0, pace: 900.0 });
    assert!(names(&facts).contains(&"token-expires"));
}

#[test]
fn a_token_of_ones_own_is_ended_by_logins_of_others_on_main() {
    let of = |said, seen, renews_tokens| {
        let mut facts = fine();
        (facts.server.release_said, facts.server.release_seen) = (said, seen);
        facts.server.renews_tokens = renews_tokens;
        names(&facts).contains(&"token-ends-at-logins")
    };
    assert!(of(None, Some(Release::Main), false) && of(Some(Release::Main), Some(Release::Main), false));
    assert!(!of(None, Some(Release::Main), true) && !of(None, Some(Release::V3_8_3), false));
}
