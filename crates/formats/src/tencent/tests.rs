use super::super::testing::{fixture, folder};
use super::super::{Format, Policy, Recalled, Settings};

#[test]
fn folders_of_hourly_files() {
    insta::assert_snapshot!(fixture(Format::Tencent, &Settings::default(), "tencent").text());
}

#[test]
fn recalled_messages_are_kept_if_asked() {
    let policy = Policy { recalled: Recalled::Keep, ..Policy::default() };
    let settings = Settings { policy, ..Settings::default() };
    let got = fixture(Format::Tencent, &settings, "tencent");
    assert!(got.messages.iter().any(|m| m.contains("recalled words")), "{}", got.text());
    assert!(got.messages.iter().any(|m| m.contains("[message recalled]")), "{}", got.text());
}

#[test]
fn a_group_that_no_file_names_can_be_told() {
    let file = "{\"MsgList\":[\n{\"From_Account\":\"a\",\"MsgTimestamp\":1709280000,\"MsgSeq\":1,\"MsgBody\":[{\"MsgType\":\"TIMTextElem\",\"MsgContent\":{\"Text\":\"x\"}}]},\n]}\n";
    let mut settings = Settings::default();
    let read = |settings: &Settings| folder(Format::Tencent, settings, &[("2024030101.json", file)]);
    assert_eq!(read(&settings).findings, ["2 conversation-unknown 1"]);
    settings.about.chat_name = Some("@TGS#1".to_owned());
    assert!(read(&settings).messages[0].contains("a->#@TGS#1"));
}

#[test]
fn lines_without_a_list_around_them_are_read_too() {
    let line = "{\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgTimestamp\":1709280000,\"MsgSeq\":1,\"MsgRandom\":2,\"MsgBody\":[{\"MsgType\":\"TIMTextElem\",\"MsgContent\":{\"Text\":\"x\"}}]},\n";
    let got = folder(Format::Tencent, &Settings::default(), &[("2024030101", &line.repeat(3))]);
    assert_eq!(got.messages.len(), 3, "{}", got.text());
    // A file that breaks off still gives what it has.
    let cut = format!("{{\"MsgList\":[\n{line}{}", &line[..40]);
    let got = folder(Format::Tencent, &Settings::default(), &[("2024030101", &cut)]);
    assert_eq!((got.messages.len(), got.findings.len()), (1, 1), "{}", got.text());
}

#[test]
fn both_ends_of_a_chat_of_two_share_what_tells_messages_apart() {
    let got = fixture(Format::Tencent, &Settings::default(), "tencent");
    let ids: Vec<&str> =
        got.messages.iter().filter_map(|m| m.split(" id=").nth(1)?.split(' ').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), got.messages.len(), "{ids:?}");
}
