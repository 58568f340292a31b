//! People write into conversations while their history is being sent, at any moment: nothing of ours comes to stand behind
//! what is newer, and what is left can be sent behind it.

use openim_importer::after;
use openim_importer::import::{Ended, Settings};
use openim_importer::message::{Release, SendTime};
use openim_importer::rehearsal::{Origin, Running, SlotState};

use super::support::{assert_nothing_hidden, client, history, job, run, server, settings, wanted};
use crate::support::scroll::scrolls;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_behind_what_people_write() {
    for (release, fault) in
        [(Release::V3_8_3, "live-traffic:per-second=2"), (Release::Main, "live-traffic:per-second=20")]
    {
        let server = server(release).await;
        let dir = tempfile::tempdir().unwrap();
        let said = history(1_200, 12, 41);
        let mut job = job(dir.path(), &said);
        server.fault(fault.parse().unwrap());
        let stops = Settings { behind_newer: false, ..settings() };
        let outcome = run(stops.clone(), &mut job, &server).await.unwrap();
        assert_eq!(outcome.ended, Ended::Done);
        assert!(outcome.overtaken.conversations > 0, "{outcome:?}");
        assert_eq!(outcome.left, outcome.overtaken.messages);
        server.no_fault(None);
        server.settle().await;
        let names: Vec<String> = wanted(&said).into_keys().collect();
        for name in &names {
            nothing_is_behind(&server, name);
            scrolls(&server, name);
        }
        // The same again leaves them alone.
        let again = run(stops.clone(), &mut job, &server).await.unwrap();
        assert_eq!((again.ended, again.left), (Ended::NothingToDo, outcome.left));
        let now = SendTime(jiff::Timestamp::now().as_millisecond() + 60_000);
        let behind =
            after::send_behind(client(&server), &mut job, &after::Settings::default(), now).await.unwrap();
        assert_eq!((behind.messages, behind.not.len()), (outcome.left, 0), "{behind:?}");
        let outcome = run(stops, &mut job, &server).await.unwrap();
        assert_eq!((outcome.confirmed, outcome.left), (1_200, 0));
        server.settle().await;
        for (name, messages) in wanted(&said) {
            nothing_is_behind(&server, &name);
            scrolls(&server, &name);
            // All of ours, in order.
            let log = server.log(&name);
            let ours =
                log.iter().filter(|slot| slot.origin == Origin::Sent && slot.state == SlotState::Readable);
            // Servers write `<` and `>` in their own way.
            let texts: Vec<String> = ours.map(|slot| text_of(&slot.content)).collect();
            let meant: Vec<String> = messages.iter().map(|one| one.text.clone()).collect();
            assert_eq!(texts, meant, "{name}");
        }
        assert_nothing_hidden(&server);
    }
}

fn text_of(content: &str) -> String {
    let content: serde_json::Value = serde_json::from_str(content).unwrap();
    content["content"].as_str().unwrap().to_owned()
}

fn nothing_is_behind(server: &Running, name: &str) {
    let mut newest = i64::MIN;
    for slot in server.log(name).iter().filter(|slot| slot.state == SlotState::Readable) {
        if slot.origin == Origin::Sent {
            assert!(slot.send_time > newest, "{name}: slot {} is older than what stands above it", slot.seq);
        }
        newest = newest.max(slot.send_time);
    }
}
