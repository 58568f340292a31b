use super::super::super::testing::{fixture, folder};
use super::super::super::{Edited, Format, Recalled, Settings};

#[test]
fn a_compliance_export() {
    let got = fixture(Format::MattermostCompliance, &Settings::default(), "mattermost/compliance.csv");
    insta::assert_snapshot!(got.text());
}

#[test]
fn all_versions_and_what_was_deleted_can_be_had() {
    let mut settings = Settings::default();
    settings.policy.edited = Edited::All;
    settings.policy.recalled = Recalled::Text;
    let got = fixture(Format::MattermostCompliance, &settings, "mattermost/compliance.csv");
    assert!(got.text().contains("frist") && got.text().contains("[message deleted]"), "{}", got.text());
}

#[test]
fn a_column_that_is_missing_is_named_once() {
    let csv = "Post Creation Time,Post Id,Post Type\n1,a,message\n2,b,message\n";
    let got = folder(Format::MattermostCompliance, &Settings::default(), &[("posts.csv", csv)]);
    assert_eq!(got.findings, ["1 column-missing Channel Id"]);
}
