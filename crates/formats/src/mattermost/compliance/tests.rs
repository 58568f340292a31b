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
fn what_was_deleted_is_known_by_the_row_behind_it_in_whichever_file() {
    let head = "Post Creation Time,Channel Id,Channel Name,Channel Type,User Id,Username,Post Id,Post Message,Post Type\n";
    let row =
        |time: u32, post: &str, words: &str| format!("{time},ch,town,public,u1,ann,{post},{words},message\n");
    // The first batch was made before it was deleted.
    let before = [head, &row(1, "p1", "gone"), &row(2, "p2", "delete this")].concat();
    let after = [head, &row(1, "p1", "gone"), &row(9, "p1", "delete gone"), &row(3, "p3", "stays")].concat();
    let files = [("batch001/posts.csv", &*before), ("batch002/posts.csv", &*after)];
    let mut settings = Settings::default();
    let got = folder(Format::MattermostCompliance, &settings, &files);
    assert_eq!(got.messages.len(), 2, "{}", got.text());
    assert_eq!(got.left_out, ["2 recalled", "2 recalled", "3 recalled"]);
    settings.policy.recalled = Recalled::Keep;
    let kept = folder(Format::MattermostCompliance, &settings, &files);
    assert_eq!((kept.messages.len(), kept.left_out.len()), (4, 1), "{}", kept.text());
}

#[test]
fn a_row_that_breaks_off_is_an_error() {
    let csv = "Post Creation Time,Channel Id,Channel Name,Channel Type,User Id,Post Id,Post Message,Post Type\n1,c,n,public,u,p,wor";
    let got = folder(Format::MattermostCompliance, &Settings::default(), &[("posts.csv", csv)]);
    assert_eq!(got.findings, ["2 record-invalid it breaks off: there is no Post Type"]);
}

#[test]
fn a_column_that_is_missing_is_named_once() {
    let csv = "Post Creation Time,Post Id,Post Type\n1,a,message\n2,b,message\n";
    let got = folder(Format::MattermostCompliance, &Settings::default(), &[("posts.csv", csv)]);
    assert_eq!(got.findings, ["1 column-missing Channel Id"]);
}
