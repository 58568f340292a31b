//! Without faults: everything once, in order, nothing hidden; stopping and going on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openim_importer::import::{self, Dial, Ended, Progress, Settings, StopSignal};
use openim_importer::job::Order;
use openim_importer::message::Release;

use super::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_thousand_messages_in_any_order() {
    for release in [Release::V3_8_3, Release::Main] {
        let server = server(release).await;
        let dir = tempfile::tempdir().unwrap();
        let said = history(12_000, 30, 1);
        let mut job = job(dir.path(), &said);
        let outcome = run(settings(), &mut job, &server).await.unwrap();
        assert_eq!(outcome.ended, Ended::Done);
        assert_eq!((outcome.confirmed, outcome.left, outcome.rejected), (12_000, 0, 0));
        assert_eq!((outcome.withdrawn, outcome.lost_and_resent, outcome.doubled), (0, 0, 0));
        assert_exact(&server, &said);
        let audit = server.audit();
        assert_eq!(audit.total.tally.received, 12_000, "nothing was sent twice");
        assert!(audit.total.tally.dropped.is_empty());

        let again = run(settings(), &mut job, &server).await.unwrap();
        assert_eq!((again.ended, again.confirmed), (Ended::NothingToDo, 12_000));
        assert_eq!(server.audit().total.tally.received, 12_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_short_conversations() {
    let server = server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(4_000, 1_500, 2);
    let mut job = job(dir.path(), &said);
    let settings = Settings { active: 100, ..settings() };
    let outcome = run(settings, &mut job, &server).await.unwrap();
    assert_eq!((outcome.ended, outcome.confirmed), (Ended::Done, 4_000));
    assert_exact(&server, &said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_run_goes_on() {
    let server = server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(6_000, 20, 3);
    let mut job = job(dir.path(), &said);
    let mut runs = 0;
    loop {
        let stop = StopSignal::default();
        let (drain, progress) = (stop.drain.clone(), Arc::new(Progress::default()));
        let shown = progress.clone();
        // After some messages, not after some time: a machine under load would never get so far as to send one.
        let timer = tokio::spawn(async move {
            while shown.acknowledged.get() < 500 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            drain.cancel();
        });
        let settings = Settings { dial: Dial::at(std::num::NonZeroU32::new(4_000)), ..settings() };
        let outcome = import::run(settings, &mut job, client(&server), stop, progress).await.unwrap();
        timer.abort();
        runs += 1;
        assert_eq!(outcome.fences, 0, "a run that was stopped in peace leaves nothing unknown");
        // Stopped in the very moment when the last message was confirmed, nothing is left for the next run.
        if let Ended::Done | Ended::NothingToDo = outcome.ended {
            break;
        }
        assert_eq!(outcome.ended, Ended::Stopped);
        assert_eq!(outcome.confirmed + outcome.left, 6_000);
    }
    assert!(runs > 2, "{runs} runs");
    assert_exact(&server, &said);
    assert_eq!(server.audit().total.tally.received, 6_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_too_short_costs_the_dead_chats() {
    let server = server(Release::Main).await;
    let dir = tempfile::tempdir().unwrap();
    let mut said = history(6_000, 60, 5);
    said.retain(|one| one.conversation != "si_a0_b0");
    let mut job = job(dir.path(), &said);
    let (stop, progress) = (StopSignal::default(), Arc::new(Progress::default()));
    let settings = Settings { order: Order::Recent, connections: 2, ..settings() };
    let deadline = async {
        while progress.acknowledged.get() < 1_000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.drain.cancel();
    };
    let run = import::run(settings, &mut job, client(&server), stop.clone(), progress.clone());
    let (outcome, ()) = tokio::join!(run, deadline);
    assert_eq!(outcome.unwrap().ended, Ended::Stopped);
    // Those written in last come first: how many messages each has, and how many of them arrived.
    let mut chats: BTreeMap<&str, (i64, u64)> = BTreeMap::new();
    for one in &said {
        let chat = chats.entry(&one.conversation).or_insert((i64::MIN, 0));
        *chat = (chat.0.max(one.time), chat.1 + 1);
    }
    let mut chats: Vec<_> = chats.into_iter().collect();
    chats.sort_by_key(|(_, (last, _))| std::cmp::Reverse(*last));
    let audit = server.audit();
    let there: Vec<(u64, u64)> = chats
        .iter()
        .map(|(id, (_, all))| (audit.conversations.get(*id).map_or(0, |chat| chat.messages), *all))
        .collect();
    let begun = there.iter().rposition(|(there, _)| *there > 0).unwrap();
    let whole = there.iter().filter(|(there, all)| there == all).count();
    assert!(begun < 45, "the dead ones are not begun: {there:?}");
    assert!(whole >= 8 && begun + 1 - whole <= 12, "what is begun is finished: {there:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_run_sends_nothing_is_not_given_up_and_goes_on() {
    let server = server(Release::Main).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(3_000, 20, 3);
    let mut job = job(dir.path(), &said);
    let (dial, progress) = (Dial::at(std::num::NonZeroU32::new(2_000)), Arc::new(Progress::default()));
    let give_up = Duration::from_secs(8);
    let settings = Settings { dial: dial.clone(), give_up, ..settings() };
    let shown = progress.clone();
    let pause = async {
        while shown.acknowledged.get() < 500 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        dial.pause(Some("by a test".to_owned()));
        // What was under way when it was paused is still confirmed.
        while shown.confirmed.get() < shown.acknowledged.get() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let before = server.audit().total.tally.received;
        assert!((500..3_000).contains(&before), "{before}");
        tokio::time::sleep(give_up + Duration::from_secs(1)).await;
        assert_eq!(server.audit().total.tally.received, before, "sent while it was paused");
        dial.pause(None);
        dial.set_rate(None);
    };
    let run = import::run(settings, &mut job, client(&server), StopSignal::default(), progress.clone());
    let (outcome, ()) = tokio::join!(run, pause);
    assert_eq!(outcome.unwrap().ended, Ended::Done);
    assert_exact(&server, &said);
    assert_eq!(server.audit().total.tally.received, 3_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_cut_off_goes_on() {
    let server = server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(6_000, 20, 4);
    let mut job = job(dir.path(), &said);
    let mut runs = 0;
    loop {
        let stop = StopSignal::default();
        let now = stop.at_once.clone();
        let timer = tokio::spawn(async move {
            // Ever longer: a machine under load needs its time to find out what was under way.
            tokio::time::sleep(Duration::from_millis(1_000 + 200 * runs)).await;
            now.cancel();
        });
        let settings = Settings { dial: Dial::at(std::num::NonZeroU32::new(3_000)), ..settings() };
        let outcome = run_until(settings, &mut job, &server, stop).await.unwrap();
        timer.abort();
        runs += 1;
        assert!(runs < 60, "it does not end");
        if let Ended::Done | Ended::NothingToDo = outcome.ended {
            break;
        }
    }
    assert!(runs > 1, "{runs} runs");
    assert_exact(&server, &said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_pass_stands_behind_the_first() {
    let server = server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let mut all = history(2_000, 10, 5);
    all.sort_by_key(|said| said.time);
    let (first, second) = all.split_at(1_500);
    let mut job = job(dir.path(), first);
    run(settings(), &mut job, &server).await.unwrap();
    add(&mut job, second);
    let outcome = run(settings(), &mut job, &server).await.unwrap();
    assert_eq!((outcome.ended, outcome.confirmed, outcome.confirmed_now), (Ended::Done, 2_000, 500));
    assert_exact(&server, &all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_job_over_the_same_history_is_noticed() {
    let server = server(Release::V3_8_3).await;
    let said = history(500, 4, 6);
    let first = tempfile::tempdir().unwrap();
    run(settings(), &mut job(first.path(), &said), &server).await.unwrap();
    let received = server.audit().total.tally.received;
    let second = tempfile::tempdir().unwrap();
    let error = run(settings(), &mut job(second.path(), &said), &server).await.unwrap_err();
    assert!(error.to_string().contains("`adopt`"), "{error}");
    assert_eq!(server.audit().total.tally.received, received, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_kept() {
    let server = server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(1_200, 30, 7);
    let mut job = job(dir.path(), &said);
    let settings = Settings { dial: Dial::at(std::num::NonZeroU32::new(600)), ..settings() };
    let outcome = run(settings, &mut job, &server).await.unwrap();
    assert_eq!(outcome.confirmed, 1_200);
    assert!(outcome.took >= Duration::from_millis(1_950), "{:?}", outcome.took);
    assert_exact(&server, &said);
}
