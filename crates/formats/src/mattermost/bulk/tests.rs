use super::super::super::testing::{fixture, folder};
use super::super::super::{Format, Replies, SameTime, Settings};

#[test]
fn a_bulk_export() {
    insta::assert_snapshot!(
        fixture(Format::Mattermost, &Settings::default(), "mattermost/bulk.jsonl").text()
    );
}

#[test]
fn answers_can_go_without_quotes() {
    let mut settings = Settings::default();
    settings.policy.replies = Replies::Plain;
    let got = fixture(Format::Mattermost, &settings, "mattermost/bulk.jsonl");
    assert!(!got.text().contains("quote="));
    assert!(got.text().contains(r#"101 {"content":"first answer"}"#), "{}", got.text());
}

#[test]
fn posts_of_one_moment_are_one_message_or_told_apart_by_their_text() {
    let post = |text: &str| {
        format!(
            r#"{{"type":"post","post":{{"team":"t","channel":"c","user":"u","message":"{text}","create_at":1709280000000}}}}"#
        )
    };
    let export = format!("{}\n{}\n", post("a"), post("b"));
    let ids = |settings: &Settings| {
        let got = folder(Format::Mattermost, settings, &[("x.jsonl", &export)]);
        got.messages.iter().map(|m| m.split(" id=").nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut settings = Settings::default();
    assert_eq!(ids(&settings), ["t/c/u/1709280000000", "t/c/u/1709280000000"]);
    settings.about.same_time = SameTime::ByText;
    let ids = ids(&settings);
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.starts_with("t/c/u/1709280000000/")), "{ids:?}");
}
