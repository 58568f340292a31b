//! What is set for every night stands in import.toml, and does there what its flag does.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::run::{Run, export};
use crate::support::{Rehearsal, importer};

/// So many seconds from now by the clock of UTC.
fn in_seconds(seconds: i64) -> String {
    (Timestamp::now() + seconds.seconds()).strftime("%H:%M:%S").to_string()
}

#[test]
fn check_says_whether_the_night_is_long_enough() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 7_200).display().to_string();
    let check = |keys: &str, form: &[&str]| {
        let file = format!("[import]\nclock = \"UTC\"\nschedule = \"00:00,1/s\"\n{keys}");
        fs_err::write(dir.path().join("import.toml"), file).unwrap();
        let said = importer().current_dir(dir.path()).args(["check", &export]).args(form).assert().code(0);
        String::from_utf8(said.get_output().stdout.clone()).unwrap()
    };
    let fit = |keys: &str| -> Value {
        let said: Value = serde_json::from_str(&check(keys, &["--json"])).unwrap();
        said["fit"].clone()
    };
    let later = format!("deadline = \"{}\"\n", in_seconds(3 * 3600));
    let said = check(&later, &[]);
    assert!(
        said.contains("begun now it ends about") && said.contains("by the timetable, before the deadline")
    );
    assert_eq!(fit(&later)["left_at_deadline"], 0);
    // An hour at one a second, of two hours' work.
    let sooner = format!("deadline = \"{}\"\n", in_seconds(3600));
    let said = check(&sooner, &[]);
    assert!(said.contains("comes first: about 3,6"), "{said}");
    let fit = fit(&sooner);
    let left = fit["left_at_deadline"].as_u64().unwrap();
    assert!((3_590..=3_630).contains(&left) && fit["ends"].as_str() > fit["deadline"].as_str(), "{fit}");
    let said = check("redis_memory = \"1MB\"\n", &[]);
    assert!(said.contains("more than 976.6 KiB: it bears"), "{said}");

    for (keys, why) in [
        ("ui = \"0.0.0.0:7071\"", "can be reached from outside"),
        ("ui = \"here\"", "is no address"),
        ("deadline = \"soon\"", "is no deadline"),
        ("redis_memory = \"much\"", "is no size"),
    ] {
        fs_err::write(dir.path().join("import.toml"), format!("[import]\n{keys}\n")).unwrap();
        let said = importer().current_dir(dir.path()).args(["check", &export]).assert().code(2);
        let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
        assert!(said.contains(why) && said.contains("import.toml:2:"), "{said}");
    }
}

#[test]
fn a_run_takes_control_and_deadline_from_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let export = export(dir.path(), 4_000);
    let server = Rehearsal::start(&[]);
    let deadline = in_seconds(15);
    let keys =
        format!("[import]\nclock = \"UTC\"\nrate = \"50/s\"\ncontrol = true\ndeadline = \"{deadline}\"\n");
    fs_err::write(dir.path().join("import.toml"), keys).unwrap();
    // It waits for the address, which is there because the file says so.
    let mut run = Run::start(dir.path(), &export, &server, &[]);
    let state = run.until(|state| state["confirmed"].as_u64().unwrap() > 20);
    assert_eq!((&state["settings"]["rate"], &state["phase"]), (&json!(50), &json!("send")));
    assert_eq!(run.process.wait().unwrap().code(), Some(5));
    let changes = run.file("changes.jsonl");
    assert!(changes.contains("\"deadline\""), "{changes}");
}
