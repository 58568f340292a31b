//! What a run does when everything is sent is seen as what it is: on the page, in the objects for programs, in the log.

use std::io::Read;

use serde_json::{Value, json};

use super::run::{Run, export};
use crate::support::{Rehearsal, importer};

/// What comes after sending where the server has fallen over, in this order.
const AFTERWARDS: [&str; 7] = ["settle", "look behind", "clear up", "lists", "look back", "store", "scroll"];

#[test]
fn what_comes_after_sending_has_names() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 3_000);
    let server =
        Rehearsal::start(&["--batch-interval", "20ms", "--storing-lag", "40ms", "--store-lag", "150ms"]);
    let options = ["--control", "--repair", "--rate", "1000/s", "--progress", "json", "--log", "log.jsonl"];
    let mut run = Run::start(dir.path(), &export, &server, &options);
    let mut stdout = run.process.stdout.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        stdout.read_to_string(&mut said).unwrap();
        said
    });
    let sends = run.until(|state| state["confirmed"].as_u64().unwrap() > 300);
    assert_eq!(
        (&sends["phase"], &sends["doing"], &sends["unit"]),
        (&json!("send"), &json!("sending"), &json!("messages"))
    );
    // 3.8.3, killed, repeats what it had in its hands: copies, which are cleared up.
    server.control("/_rehearsal/now", Some(&json!({"kind": "restart", "down-ms": 200, "kill": true})));

    let after = run.until(|state| state["phase"] == "look behind");
    assert_eq!((&after["confirmed"], &after["pending"]), (&json!(3_000), &json!(0)), "{after}");
    assert_eq!(after["unit"], "conversations");
    assert_eq!(
        (&after["pace"]["now"], &after["limit"], &after["eta"]),
        (&json!(0.0), &Value::Null, &Value::Null)
    );
    assert!(after["pace"]["average"].as_f64().unwrap() > 0.0, "that of sending stays: {after}");
    let (pause, switch) = (&after["advice"]["pause"], &after["advice"]["switch"]);
    assert_eq!((&pause["yes"], &switch["yes"]), (&json!(true), &json!(false)), "{after}");
    assert!(pause["because"][0].as_str().unwrap().contains("Nothing is sent any more"), "{pause}");
    assert!(switch["because"][0].as_str().unwrap().contains("looking at what stands behind"), "{switch}");
    let status = run.control(&["status"]);
    assert!(
        status.contains("3,000 of 3,000 messages confirmed") && !status.contains("done about"),
        "{status}"
    );

    let exit = run.process.wait().unwrap().code();
    let said = said.join().unwrap();
    let objects: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(matches!(exit, Some(0 | 8)), "{exit:?}: {said}");
    // The store was asked and has all of it; that the server was killed is no secret of the report.
    let report = importer().current_dir(dir.path()).args(["report", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["report"]["runs"][0]["crash"], true, "{report}");
    let phases: Vec<&str> = objects.iter().filter_map(|object| object["phase"].as_str()).collect();
    assert!(phases.contains(&"look behind"), "{phases:?}");
    // The log has all of them, however short they are.
    let log = fs_err::read_to_string(dir.path().join("log.jsonl")).unwrap();
    let logged: Vec<String> = log
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["message"].as_str().map(str::to_owned)
        })
        .filter_map(|message| message.strip_prefix("phase: ").map(str::to_owned))
        .collect();
    let mut rest = logged.iter();
    for phase in AFTERWARDS.iter().filter(|phase| **phase != "look back") {
        assert!(rest.any(|logged| logged == phase), "{phase} in {logged:?}");
    }
}
