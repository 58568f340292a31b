use super::super::testing::fixture;
use super::super::{Format, Policy, Recalled, Settings};
use crate::message::Release;

#[test]
fn collections_as_mongoexport_writes_them() {
    insta::assert_snapshot!(fixture(Format::OpenIm, &Settings::default(), "openim/relaxed").text());
}

#[test]
fn canonical_json_and_a_dump_say_the_same() {
    let messages = |path: &str| {
        let got = fixture(Format::OpenIm, &Settings::default(), path);
        let line = |message: &String| message.split_once('#').map(|(_, rest)| rest.to_owned());
        got.messages.iter().map(line).collect::<Vec<_>>()
    };
    let relaxed = messages("openim/relaxed");
    assert!(relaxed.len() > 10);
    assert_eq!(messages("openim/canonical").len(), relaxed.len());
    // Numbers in contents stay texts, and places are those of the file: everything else is the same.
    assert_eq!(messages("openim/canonical"), relaxed);
    assert_eq!(messages("openim/dump"), relaxed);
}

#[test]
fn chat_logs_of_version_2() {
    let mut settings = Settings::default();
    settings.about.zone = Some("Asia/Shanghai".to_owned());
    insta::assert_snapshot!(fixture(Format::OpenIm, &settings, "openim/v2").text());
}

#[test]
fn what_the_next_release_takes_goes_as_it_is() {
    let settings = Settings { release: Release::Main, ..Settings::default() };
    let got = fixture(Format::OpenIm, &settings, "openim/relaxed");
    assert!(got.messages.iter().any(|m| m.contains(" 118 {\"content\": \"# title\"}")), "{}", got.text());
}

#[test]
fn recalled_messages_are_kept_if_asked() {
    let policy = Policy { recalled: Recalled::Keep, ..Policy::default() };
    let got = fixture(Format::OpenIm, &Settings { policy, ..Settings::default() }, "openim/relaxed");
    assert!(got.messages.iter().any(|m| m.contains("taken back")), "{}", got.text());
}

#[test]
fn links_to_the_old_server_are_moved() {
    let mut settings = Settings::default();
    settings.media.base_url = Some("https://new.example.com".to_owned());
    let text = fixture(Format::OpenIm, &settings, "openim/relaxed").text();
    let messages = text.split("\nperson:").next().unwrap();
    assert!(messages.contains("https://new.example.com/object/ann/1.png"), "{text}");
    assert!(!messages.contains("https://old.example.com"), "{text}");
}
