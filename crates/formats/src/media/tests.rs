use std::num::NonZeroU64;

use super::super::settings::Placeholder;
use super::*;

fn picture<'a>() -> Medium<'a> {
    Medium {
        kind: Kind::Picture,
        key: "photos/a b.jpg".into(),
        path: "photos/a b.jpg".into(),
        name: "a b.jpg".into(),
        size: 10,
        width: 3,
        height: 4,
        ..Medium::default()
    }
}

fn linked_to(url: &str, reach: Reach) -> Medium<'_> {
    Medium { path: "".into(), link: Some(Link { url: url.into(), reach }), ..picture() }
}

fn settings() -> Settings {
    Settings::default()
}

fn codes_of(outcome: &Outcome) -> Vec<&str> {
    outcome.codes.iter().map(|c| c.name).collect()
}

fn json(outcome: &Outcome) -> &str {
    &outcome.content.as_ref().unwrap().json
}

#[test]
fn a_file_next_to_the_export_is_a_text_until_somebody_puts_it_somewhere() {
    let outcome = resolve(&picture(), &settings(), &Table::default(), "");
    assert_eq!(json(&outcome), r#"{"content":"[picture] a b.jpg"}"#);
    assert_eq!(codes_of(&outcome), ["media-local"]);
    assert!(outcome.upload);
}

#[test]
fn a_base_url_makes_it_a_picture() {
    let settings = Settings { base_url: Some("https://files.example/x/".to_owned()), ..settings() };
    let outcome = resolve(&picture(), &settings, &Table::default(), "");
    assert!(json(&outcome).contains(r#""url":"https://files.example/x/photos/a%20b.jpg""#), "{outcome:?}");
    assert!(
        json(&outcome).contains(r#""sourcePicture":{"type":"image/jpeg","size":10,"width":3,"height":4"#)
    );
    assert!(outcome.codes.is_empty() && !outcome.upload);
}

#[test]
fn a_secret_never_gets_into_a_message() {
    let medium = linked_to("https://files.slack.com/a.png?t=xoxe-1", Reach::Secret);
    for without_link in [WithoutLink::Text, WithoutLink::Custom, WithoutLink::Skip] {
        let outcome = resolve(&medium, &Settings { without_link, ..settings() }, &Table::default(), "");
        assert!(!format!("{:?}", outcome.content).contains("xoxe"), "{outcome:?}");
        assert_eq!(codes_of(&outcome), ["media-link-needs-secret"]);
    }
}

#[test]
fn a_link_that_expires_is_sent_and_listed() {
    let outcome =
        resolve(&linked_to("https://cos/a?sign=1", Reach::Expires), &settings(), &Table::default(), "");
    assert!(json(&outcome).contains("https://cos/a?sign=1"));
    assert_eq!(codes_of(&outcome), ["media-link-expires"]);
    assert!(outcome.upload);
}

#[test]
fn what_is_missing_is_put_in_said_or_left_out() {
    let medium = Medium { width: 0, ..linked_to("https://x/a.png", Reach::Open) };
    let with = |incomplete| resolve(&medium, &Settings { incomplete, ..settings() }, &Table::default(), "");
    let placeholder = with(Incomplete::Placeholder);
    assert!(json(&placeholder).contains(r#""width":640,"height":4"#), "{placeholder:?}");
    assert_eq!(codes_of(&placeholder), ["media-incomplete"]);
    assert_eq!(json(&with(Incomplete::Text)), r#"{"content":"[picture] a b.jpg https://x/a.png"}"#);
    assert!(json(&with(Incomplete::Custom)).contains(r#"\"type\":\"picture\""#));
    assert!(with(Incomplete::Skip).content.is_none());
}

#[test]
fn a_video_without_a_preview_goes_as_a_file_unless_there_is_one_for_all() {
    let medium = Medium {
        kind: Kind::Video,
        name: "v.mp4".into(),
        seconds: 3,
        ..linked_to("https://x/v", Reach::Open)
    };
    let outcome = resolve(&medium, &settings(), &Table::default(), "");
    assert_eq!(json(&outcome), r#"{"sourceUrl":"https://x/v","fileName":"v.mp4","fileSize":10}"#);
    assert_eq!(codes_of(&outcome), ["video-as-file"]);
    let placeholder = Placeholder {
        preview: Some("https://x/play.png".to_owned()),
        height: NonZeroU64::new(9).unwrap(),
        ..Placeholder::default()
    };
    let outcome = resolve(&medium, &Settings { placeholder, ..settings() }, &Table::default(), "");
    assert!(json(&outcome).contains(
        r#""videoType":"video/mp4","videoSize":10,"duration":3,"snapshotUrl":"https://x/play.png""#
    ));
}

#[test]
fn kinds_are_told_by_type_or_name() {
    assert_eq!(Kind::of("image/png", "x"), Kind::Picture);
    assert_eq!(Kind::of("", "a/b.MP4"), Kind::Video);
    assert_eq!(Kind::of("image/svg+xml", "x.svg"), Kind::File);
    assert_eq!(Kind::of("", "noending"), Kind::File);
    assert_eq!(Kind::of("audio/mpeg", "song.mp3"), Kind::File);
}
