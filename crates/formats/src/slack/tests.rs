use super::super::testing::{fixture, folder};
use super::super::{Format, Policy, Recalled, Replies, Settings};

#[test]
fn a_workspace() {
    let got = fixture(Format::Slack, &Settings::default(), "slack");
    insta::assert_snapshot!(got.text());
}

#[test]
fn tokens_never_get_out() {
    for base_url in [None, Some("https://files.example".to_owned())] {
        let mut settings = Settings::default();
        settings.media.base_url = base_url;
        let got = fixture(Format::Slack, &settings, "slack");
        assert!(!got.text().contains("xoxe"), "{}", got.text());
    }
    // Neither where a record can't be read.
    let got = folder(
        Format::Slack,
        &Settings::default(),
        &[(
            "general/2024-03-01.json",
            r#"["https://files.slack.com/x?t=xoxe-1-not-for-anybody", {"ts":"?t=xoxe-1-not-for-anybody","user":"U1","text":"x"}]"#,
        )],
    );
    assert_eq!(got.findings.len(), 3, "{}", got.text());
    assert!(!got.text().contains("not-for-anybody"), "{}", got.text());
}

#[test]
fn files_that_were_fetched_are_linked() {
    let mut settings = Settings::default();
    settings.media.base_url = Some("https://files.example/slack".to_owned());
    let got = fixture(Format::Slack, &settings, "slack");
    let links: Vec<&String> = got.messages.iter().filter(|m| m.contains("https://files.example/")).collect();
    assert_eq!(links.len(), 3, "{}", got.text());
    assert!(links.iter().any(|m| m.contains("https://files.example/slack/__uploads/F0PDF/plan%202024.pdf")));
    assert!(got.uploads.is_empty());
}

#[test]
fn the_policy_decides_about_what_was_deleted_and_answered() {
    let policy = Policy { recalled: Recalled::Text, replies: Replies::Plain, ..Policy::default() };
    let settings = Settings { policy, ..Settings::default() };
    let got = fixture(Format::Slack, &settings, "slack");
    assert!(got.messages.iter().any(|m| m.contains(r#"{"content":"[message deleted]"}"#)));
    assert!(!got.messages.iter().any(|m| m.contains("quote=")));
}

#[test]
fn a_folder_that_no_list_names_is_a_group_of_that_name() {
    let day = r#"[{"type":"message","user":"U1","text":"x","ts":"1709280001.000200"}]"#;
    let got = folder(Format::Slack, &Settings::default(), &[("old-name/2024-03-01.json", day)]);
    assert!(got.messages[0].contains("U1->#old-name"), "{}", got.text());
    assert_eq!(got.findings, ["1 channel-unlisted old-name"]);
    // Of a chat of two the members are not known without the list.
    let got = folder(Format::Slack, &Settings::default(), &[("D024BE91L/2024-03-01.json", day)]);
    assert!(got.messages.is_empty() && got.findings[0].contains("conversation-unknown"), "{}", got.text());
}

#[test]
fn files_of_a_month_and_of_all_are_read_and_each_message_once() {
    let message =
        |n: u32| format!(r#"{{"type":"message","user":"U1","text":"m{n}","ts":"170928000{n}.000200"}}"#);
    let list =
        |numbers: &[u32]| format!("[{}]", numbers.iter().map(|n| message(*n)).collect::<Vec<_>>().join(","));
    let got = folder(
        Format::Slack,
        &Settings::default(),
        &[
            ("channels.json", r#"[{"id":"C1","name":"general"}]"#),
            ("general/2024-03-01.json", &list(&[1])),
            ("general/2024-3-2.json", &list(&[2])),
            ("general/2024-04.json", &list(&[3])),
            ("general/all.json", &list(&[1, 4])),
            ("general/notes.json", &list(&[5])),
        ],
    );
    // The pass takes out what is there twice.
    assert_eq!(got.messages.len(), 5, "{}", got.text());
    assert!(
        got.findings.iter().any(|f| f.contains("files-left-out 1: `") && f.contains("notes.json")),
        "{}",
        got.text()
    );
}

#[test]
fn a_dump_has_answers_inside_the_message_that_they_answer() {
    let reply = |n: u32| {
        format!(
            r#"{{"type":"message","user":"U{n}","ts":"167257000{n}.000100","text":"r{n}","thread_ts":"1672570000.000100"}}"#
        )
    };
    let dump = format!(
        r#"{{"name":"general","channel_id":"C0ABC","messages":[
            {{"type":"message","user":"U1","ts":"1672570000.000100","text":"root","thread_ts":"1672570000.000100",
              "slackdump_thread_replies":[{},{}]}},
            {{"type":"message","user":"U2","ts":"1672570020.000100","text":"last"}}]}}"#,
        reply(2),
        reply(3)
    );
    let got = folder(Format::Slack, &Settings::default(), &[("C0ABC.json", &dump)]);
    assert_eq!((got.messages.len(), got.findings.len()), (4, 0), "{}", got.text());
    assert!(got.messages.iter().all(|m| m.contains("->#C0ABC")), "{}", got.text());
    let quotes: Vec<bool> =
        got.messages.iter().map(|m| m.contains("C0ABC/1672570000.000100") && m.contains("quote=")).collect();
    assert_eq!(quotes, [false, true, true, false], "{}", got.text());
    // Who takes part in a chat of two stands in no dump.
    let direct = dump.replace("C0ABC", "D0ABC");
    let got = folder(Format::Slack, &Settings::default(), &[("D0ABC.json", &direct)]);
    assert!(got.messages.is_empty() && got.findings[0].contains("conversation-unknown"), "{}", got.text());
}

#[test]
fn times_are_read_without_a_float() {
    assert_eq!(super::millis("1433860197.000002"), Some(1_433_860_197_000));
    assert_eq!(super::millis("1709280001.999900"), Some(1_709_280_001_999));
    assert_eq!(super::millis("1709280001"), Some(1_709_280_001_000));
    assert_eq!(super::millis("1709280001.5"), Some(1_709_280_001_500));
    for wrong in ["", "x", "1.x", "NaN", "99999999999999999999.0", "9223372036854775807.0"] {
        assert_eq!(super::millis(wrong), None, "{wrong}");
    }
}
