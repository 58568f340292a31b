//! Every fault of the rehearsal server alone: whatever it does, everything arrives once and in order.

use std::num::NonZeroU32;
use std::time::Duration;

use openim_importer::import::{Dial, Ended, ImportError, Limits, Outcome, Settings, StopSignal};
use openim_importer::message::Release;
use openim_importer::openim::{Client, Reason};
use openim_importer::rehearsal::{Fault, FaultKind, Options, Running, Users};

use super::support::*;

/// 1,500 messages in 12 conversations, with a fault all the while; judged on the server's side. What users can't scroll
/// afterwards, the importer says.
async fn survive(release: Release, fault: &str, repair: bool) -> (Outcome, Running) {
    let server = server(release).await;
    server.fault(fault.parse::<Fault>().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let said = in_twelve();
    let mut job = job(dir.path(), &said);
    let settings = Settings { repair, ..settings() };
    let outcome = run(settings, &mut job, &server).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
    server.no_fault(None);
    server.settle().await;
    assert_eq!(outcome.ended, Ended::Done, "{fault}");
    assert_eq!((outcome.confirmed, outcome.left), (1_500, 0), "{fault}");
    assert_exact_or_said(&server, &job, &said).await;
    (outcome, server)
}

fn in_twelve() -> Vec<Said> {
    history(1_500, 12, 11)
}

/// On both releases, and users can scroll all of it.
async fn both(fault: &str) {
    for release in [Release::V3_8_3, Release::Main] {
        let (_, server) = survive(release, fault, false).await;
        assert_exact(&server, &in_twelve());
    }
}

/// On both releases; the server leaves holes or copies that users may not be able to scroll past.
async fn both_or_said(fault: &str) {
    for release in [Release::V3_8_3, Release::Main] {
        survive(release, fault, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers() {
    both("lose-answer:chance=0.01").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections() {
    both("close-before-body:chance=0.01").await;
    both("close-after-body:chance=0.01").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_a_proxy() {
    both("proxy-error:chance=0.01,processed=true").await;
    both("proxy-error:chance=0.01,status=504").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_that_say_nothing() {
    both("error-500:chance=0.01").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_other_calls() {
    both("lose-answer:chance=0.02,path=*").await;
    both("proxy-error:chance=0.02,path=*,processed=true").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_hang() {
    for processed in ["true", "false"] {
        let server = server(Release::V3_8_3).await;
        server.fault(format!("hang:chance=0.01,ms=60000,processed={processed}").parse().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let said = history(1_000, 12, 12);
        let mut job = job(dir.path(), &said);
        let mut impatient = client_settings(&server.url());
        impatient.timeout = Duration::from_millis(700);
        let client = Client::new(&impatient).unwrap();
        let outcome = run_with(client, settings(), &mut job, StopSignal::default()).await.unwrap();
        assert_eq!(outcome.ended, Ended::Done);
        assert!(outcome.retries > 0);
        assert_exact(&server, &said);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limiter() {
    both("rate-limit:per-second=700").await;
    both("too-many:chance=0.01,retry-after=1,times=3").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_die() {
    both("expire-token:after=300,every=400,times=3").await;
    both("kick-token:after=300,every=400,times=3").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_queue() {
    for release in [Release::V3_8_3, Release::Main] {
        let (outcome, _) = survive(release, "lose-queue:after=3,every=15", false).await;
        assert!(outcome.lost_and_resent > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_queue() {
    let (outcome, server) = survive(Release::V3_8_3, "repeat-queue:after=3,every=15,last=40", false).await;
    assert!(outcome.doubled > 0, "found and reported");
    assert_eq!(outcome.doubled, server.audit().total.doubled);
    let (outcome, server) = survive(Release::V3_8_3, "repeat-queue:after=3,every=15,last=40", true).await;
    assert!(outcome.repaired > 0);
    assert_eq!((outcome.doubled, server.audit().total.doubled), (0, 0), "found and deleted");
}

/// A second stage that is killed at the first batch of a conversation never makes its people's records: nobody
/// can read what stands there, and only the store shows it. Copies of the server are deleted there as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_where_nobody_can_read() {
    let server = strict_server(Release::V3_8_3).await;
    server.fault("read-gap:ms=1500,times=1".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let said = history(20, 1, 21);
    register(&server, &said).await;
    let mut job = job(dir.path(), &said);
    let killed = async {
        wait_while(|| server.audit().total.max_seq == 0).await;
        server.now(&FaultKind::Restart { down_ms: 10, kill: true }, None);
        wait_while(|| server.audit().total.tally.written == 0).await;
        server.now(&FaultKind::RepeatQueue { last: 10 }, None);
    };
    let settings = Settings { repair: true, ..settings() };
    let (outcome, ()) = tokio::join!(run(settings, &mut job, &server), killed);
    let outcome = outcome.unwrap();
    server.settle().await;
    assert_eq!((outcome.confirmed, outcome.hidden), (20, 20), "nobody can read them");
    assert!(outcome.repaired > 0, "there was something to delete");
    assert_eq!((outcome.doubled, server.audit().total.doubled), (0, 0), "copies are deleted all the same");
    assert!(!outcome.returning);
}

/// One of the two has cleared the conversation between two copies (law 13): he sees the later one alone, which says
/// nothing about the earlier one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_that_somebody_has_cleared() {
    for user in ["a0", "b0"] {
        let server = server(Release::V3_8_3).await;
        let dir = tempfile::tempdir().unwrap();
        let said = history(300, 1, 23);
        let mut job = job(dir.path(), &said);
        let copied = async |more: u64| {
            server.now(&FaultKind::RepeatQueue { last: 10 }, None);
            wait_while(|| server.audit().total.doubled < more).await;
        };
        let strikes = async {
            wait_while(|| server.audit().total.messages < 50).await;
            copied(1).await;
            clear(&server, user, "si_a0_b0").await;
            copied(11).await;
        };
        let settings = Settings { repair: true, dial: Dial::at(NonZeroU32::new(150)), ..settings() };
        let (outcome, ()) = tokio::join!(run(settings, &mut job, &server), strikes);
        let outcome = outcome.unwrap();
        server.settle().await;
        assert!(outcome.repaired > 10, "{} copies", outcome.repaired);
        assert_eq!((outcome.doubled, server.audit().total.doubled), (0, 0), "cleared by {user}");
        assert_exact(&server, &said);
    }
}

/// A conversation that nobody can read, in which others write all the while: the fence goes out all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_write_where_nobody_can_read() {
    let server = strict_server(Release::Main).await;
    server.fault("read-gap:ms=1500,times=1".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let said = history(40, 1, 24);
    register(&server, &said).await;
    let mut job = job(dir.path(), &said);
    let killed = async {
        wait_while(|| server.audit().total.max_seq == 0).await;
        server.fault("lose-answer:times=1".parse().unwrap());
        server.fault("live-traffic:per-second=5".parse().unwrap());
        server.now(&FaultKind::Restart { down_ms: 10, kill: true }, None);
    };
    let (outcome, ()) = tokio::join!(run(settings(), &mut job, &server), killed);
    assert_eq!(outcome.unwrap().ended, Ended::Done);
    server.no_fault(None);
    server.settle().await;
    assert_exact_or_said(&server, &job, &said).await;
}

/// Killed at a conversation's first batch, and storing nothing: what is sent again stands in the cache alone, where
/// nobody can read it, and is taken for lost. When somebody can, it is found, and withdrawn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_could_read_surfaces() {
    let server = strict_server(Release::Main).await;
    server.fault("read-gap:ms=1500,times=1".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    // More than may be sent and not read.
    let said: Vec<Said> = (0..400)
        .map(|n| Said {
            conversation: "sg_g1".to_owned(),
            time: 1_500_000_000_000 + n * 1_000,
            // b1 is no member yet: what he says comes after everything else.
            sender: if n < 399 { "a1" } else { "b1" }.to_owned(),
            text: format!("message {n}"),
        })
        .collect();
    register_users(&server, &said).await;
    make_groups(&server, &[("g1".to_owned(), ["a1".to_owned()].into())].into()).await;
    let mut job = job(dir.path(), &said);
    let strikes = async {
        wait_while(|| server.audit().total.max_seq == 0).await;
        server.fault("lose-store".parse().unwrap());
        server.now(&FaultKind::Restart { down_ms: 10, kill: true }, None);
        // What came after the kill is written and never stored. One is sent again as a fence, and once more when all
        // that was read as empty.
        let received = || server.audit().total.tally.received;
        let mut before = 0;
        while before == 0 || received() > before {
            before = received();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        wait_while(|| received() < before + 2).await;
        assert!(server.audit().total.tally.never_stored > 0);
        server.no_fault(None);
        // He gets a record of the conversation.
        client(&server).invite("g1", &["b1"]).await.unwrap();
    };
    // Slow enough that the first batch does not take them all.
    let settings =
        Settings { dial: Dial::at(NonZeroU32::new(200)), give_up: Duration::from_mins(1), ..settings() };
    let all = async { tokio::join!(run(settings, &mut job, &server), strikes) };
    let (outcome, ()) = tokio::time::timeout(Duration::from_mins(3), all).await.expect("it struck");
    let outcome = outcome.unwrap();
    server.settle().await;
    assert_eq!((outcome.ended, outcome.confirmed), (Ended::Done, 400));
    assert!(outcome.withdrawn > 0, "there was something to withdraw");
    assert_exact_or_said(&server, &job, &said).await;
}

/// What the server repeats while the run clears up is looked at before it ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_made_at_the_very_end() {
    let server = server(Release::V3_8_3).await;
    server.fault("repeat-queue:after=3,every=15,last=40".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let said = history(1_500, 12, 22);
    let mut job = job(dir.path(), &said);
    let over = StopSignal::default().at_once;
    let late = async {
        // The first copy that is deleted: from now on the run clears up.
        while server.audit().total.deleted == 0 && !over.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.no_fault(None);
        server.now(&FaultKind::RepeatQueue { last: 30 }, None);
        !over.is_cancelled()
    };
    let settings = Settings { repair: true, ..settings() };
    let all = async {
        let outcome = run(settings, &mut job, &server).await;
        over.cancel();
        outcome
    };
    let (outcome, in_time) = tokio::join!(all, late);
    let outcome = outcome.unwrap();
    server.settle().await;
    assert!(in_time, "copies were made before the end, and deleted");
    assert_eq!((outcome.doubled, server.audit().total.doubled), (0, 0), "all copies are deleted");
    assert_exact_or_said(&server, &job, &said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_jump() {
    both_or_said("jump-seq:chance=0.05,by=66").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_written_late() {
    both("read-gap:chance=0.2,ms=400").await;
}

/// How long storing takes is known to the process that takes over: it waits for what the first one had sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "by the clock: where this machine stands still for a second, the server stores later than it was seen to"]
async fn slow_storing_outlives_a_kill() {
    let mut options = Options { users: Users::Auto, watch_again: true, ..Options::fast(Release::V3_8_3) };
    options.timing.storing_lag = Duration::from_millis(700);
    let server = start(options).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(500, 10, 31);
    let mut job = job(dir.path(), &said);
    let stop = StopSignal::default();
    let cut_off = async {
        // Some were read back, and more is on its way.
        while server.audit().total.tally.received < 420 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.at_once.cancel();
    };
    // The first process learns it from what it reads, and has patience until then.
    let first =
        Settings { limits: Limits { stale: Duration::from_secs(5), ..settings().limits }, ..settings() };
    let (outcome, ()) = tokio::join!(run_until(first, &mut job, &server, stop.clone()), cut_off);
    let outcome = outcome.unwrap();
    assert!(outcome.confirmed > 0 && outcome.confirmed < 420, "{} confirmed", outcome.confirmed);
    assert_eq!(run(settings(), &mut job, &server).await.unwrap().ended, Ended::Done);
    assert_exact(&server, &said);
    let again = server.audit().total.tally;
    assert_eq!((again.again_though_stored, again.again_though_queued), (0, 0), "it waited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_write_meanwhile() {
    for release in [Release::V3_8_3, Release::Main] {
        let (outcome, server) = survive(release, "live-traffic:per-second=20", false).await;
        assert!(outcome.foreign > 0);
        assert!(server.audit().total.tally.dropped.is_empty(), "{:?}", server.audit().total.tally.dropped);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_revoke_delete_and_clear() {
    both("users-act:per-second=40").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts() {
    for kill in ["true", "false"] {
        both_or_said(&format!("restart:after=500,down-ms=700,kill={kill}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_fall_back_stop_the_run() {
    let server = server(Release::V3_8_3).await;
    // By more than is read at once: what was confirmed is overwritten, and maxSeq can't climb back unseen.
    server.fault("fall-back-seq:after=60,by=400,times=1".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let said = history(3_000, 3, 13);
    let mut job = job(dir.path(), &said);
    let error = run(settings(), &mut job, &server).await.unwrap_err();
    assert!(matches!(&error, ImportError::Overwriting(fallen) if fallen.len() == 1), "{error}");
    assert!(error.to_string().contains("si_") || error.to_string().contains("sg_"), "{error}");
}

/// Where nothing above was read, numbers that are handed out twice cost only what stood in them, and it is sent again;
/// where something was, the run stops. How far it has read by then is nobody's to say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_fall_back_early_lose_nothing() {
    for release in [Release::V3_8_3, Release::Main] {
        let server = server(release).await;
        server.fault("fall-back-seq:after=1,by=10,times=1".parse().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let said = in_twelve();
        let mut job = job(dir.path(), &said);
        match run(settings(), &mut job, &server).await {
            Ok(outcome) => {
                server.settle().await;
                assert_eq!((outcome.confirmed, outcome.left), (1_500, 0));
                assert_exact_or_said(&server, &job, &said).await;
            }
            Err(ImportError::Overwriting(fallen)) => assert_eq!(fallen.len(), 1),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_stops_at_once() {
    let server = server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let mut job = job(dir.path(), &history(10, 2, 14));
    let mut wrong = client_settings(&server.url());
    wrong.login =
        openim_importer::openim::Login::Secret { secret: "hush".into(), admin_user: "imAdmin".into() };
    let client = Client::new(&wrong).unwrap();
    let error = run_with(client, settings(), &mut job, StopSignal::default()).await.unwrap_err();
    assert!(matches!(error, ImportError::Server(_)), "{error:?}");
    assert!(!error.to_string().contains("hush"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_given_up_after_a_while() {
    let server = server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(4_000, 8, 15);
    let mut job = job(dir.path(), &said);
    server.fault("restart:after=1000,down-ms=3600000,kill=false".parse().unwrap());
    let settings = Settings { give_up: Duration::from_secs(3), drain: Duration::from_secs(1), ..settings() };
    let outcome = run(settings, &mut job, &server).await.unwrap();
    assert!(matches!(&outcome.ended, Ended::GaveUp(cause) if cause.contains("server")), "{outcome:?}");
    assert!(outcome.left > 0);
}

/// Somebody who is not registered, and a group that does not exist.
fn strangers(said: &mut [Said]) {
    for one in said {
        one.conversation = one.conversation.replace("sg_", "sg_missing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_messages_are_rejects_and_the_rest_goes_on() {
    let server = strict_server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(300, 6, 16);
    register(&server, &said).await;
    let mut some = said.clone();
    strangers(&mut some[..20]);
    let refused = some.iter().filter(|one| one.conversation.contains("missing")).count() as u64;
    assert!(refused > 3);
    let mut job = job(dir.path(), &some);
    let outcome = run(settings(), &mut job, &server).await.unwrap();
    assert_eq!((outcome.ended, outcome.rejected, outcome.left), (Ended::Done, refused, 0));
    assert_eq!(outcome.confirmed, 300 - refused);
    let kept: Vec<Said> = some.iter().filter(|one| !one.conversation.contains("missing")).cloned().collect();
    assert_exact(&server, &kept);
    let reader = job.reader().unwrap();
    assert_eq!(reader.reject_counts().unwrap(), [(Reason::GroupUnknown.name().to_owned(), refused)]);
    let lines = fs_err::read_to_string(dir.path().join("rejected.jsonl")).unwrap();
    assert_eq!(lines.lines().count() as u64, refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_conversations_wait_and_go_on_in_order() {
    let server = strict_server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(300, 6, 17);
    let groups = register_users(&server, &said).await;
    let in_groups = said.iter().filter(|one| one.conversation.starts_with("sg_")).count() as u64;
    let mut job = job(dir.path(), &said);
    let hold = || Settings { limits: Limits { hold: true, ..settings().limits }, ..settings() };
    let outcome = run(hold(), &mut job, &server).await.unwrap();
    assert_eq!((outcome.ended, outcome.left), (Ended::Done, in_groups));
    assert_eq!(outcome.held.len(), groups.len());
    make_groups(&server, &groups).await;
    let outcome = run(hold(), &mut job, &server).await.unwrap();
    assert_eq!((outcome.ended, outcome.left, outcome.confirmed), (Ended::Done, 0, 300));
    assert_eq!((outcome.held.len(), outcome.rejected), (0, 0));
    assert_exact(&server, &said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_where_everything_is_refused_stops_early_and_forgets() {
    let server = strict_server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said = history(2_000, 10, 18);
    let mut job = job(dir.path(), &said);
    let outcome = run(settings(), &mut job, &server).await.unwrap();
    let Ended::MostlyRejected(reason, _) = &outcome.ended else { panic!("{outcome:?}") };
    assert!(reason.mend().contains("`provision`"));
    assert_eq!((outcome.rejected, outcome.left), (0, 2_000), "nothing is a reject yet");
    assert!(server.audit().total.tally.received < 600);
    register(&server, &said).await;
    // Receivers that were refused stay unknown to 3.8.3 for five seconds.
    let patient = Settings { receiver_wait: Duration::from_secs(15), ..settings() };
    let outcome = run(patient, &mut job, &server).await.unwrap();
    assert_eq!((outcome.ended, outcome.confirmed, outcome.rejected), (Ended::Done, 2_000, 0));
    assert_exact(&server, &said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_registered_a_moment_ago_is_waited_for() {
    let server = strict_server(Release::V3_8_3).await;
    let dir = tempfile::tempdir().unwrap();
    let said: Vec<Said> =
        history(200, 4, 19).into_iter().filter(|one| one.conversation.starts_with("si_")).collect();
    // Refused once, a receiver stays unknown to 3.8.3 for five seconds after he was registered.
    let first = job(dir.path(), &said[..4]);
    drop(first);
    let client = client(&server);
    client.log_in().await.unwrap();
    let body = client_body(&said[0]);
    drop(client.send(101, body).await);
    register(&server, &said).await;
    let other = tempfile::tempdir().unwrap();
    let mut job = job(other.path(), &said);
    let settings = Settings { receiver_wait: Duration::from_secs(15), ..settings() };
    let outcome = run(settings, &mut job, &server).await.unwrap();
    assert_eq!((outcome.rejected, outcome.left), (0, 0));
    assert_exact(&server, &said);
}

/// A store that gives no answer is no store that has nothing: empty slots are judged when it has answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_does_not_answer() {
    for release in [Release::V3_8_3, Release::Main] {
        let server = server(release).await;
        let dir = tempfile::tempdir().unwrap();
        let said = history(600, 6, 31);
        // Users delete for everybody what was just written: empty slots, of which only the store can tell.
        server.fault("jump-seq:by=3,every=4".parse().unwrap());
        server.fault("users-act:act=revoke,per-second=20".parse().unwrap());
        server.fault("error-500:path=/msg/search_msg,times=12".parse().unwrap());
        let mut job = job(dir.path(), &said);
        let outcome = run(settings(), &mut job, &server).await.unwrap();
        server.settle().await;
        assert_eq!((outcome.ended, outcome.confirmed, outcome.left), (Ended::Done, 600, 0));
        assert_exact_or_said(&server, &job, &said).await;
        let unseen = job.reader().unwrap().unseen(None, 1).unwrap();
        assert!(unseen.is_empty(), "looked at once more, or left for the next run: {unseen:?}");
    }
}

/// A server or a proxy that asks for a day, or for more than any clock holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_makes_us_wait_for_ever() {
    for asked in ["86400", "9223372036854775808"] {
        let server = server(Release::Main).await;
        server.fault(format!("too-many:retry-after={asked},after=20,times=3").parse().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let said = history(200, 4, 32);
        let mut job = job(dir.path(), &said);
        let settings = Settings { give_up: Duration::from_secs(8), ..settings() };
        let run = tokio::time::timeout(Duration::from_mins(4), run(settings, &mut job, &server));
        let outcome = run.await.expect("it waits as long as it was asked to").unwrap();
        assert_eq!((outcome.ended, outcome.confirmed), (Ended::Done, 200), "{asked}");
        assert_exact(&server, &said);
    }
}
