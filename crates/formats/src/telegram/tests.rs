use super::super::testing::{fixture, folder};
use super::super::{Format, Policy, Settings, Special};
use crate::mapping::testing::Got;

fn read(settings: &Settings, text: &str) -> Got {
    folder(Format::Telegram, settings, &[("result.json", text)])
}

fn chat(kind: &str, messages: &str) -> String {
    format!(r#"{{ "name": "Ann", "type": "{kind}", "id": 5, "messages": [{messages}] }}"#)
}

fn from(id: u64, sender: &str, rest: &str) -> String {
    format!(
        r#"{{"id":{id},"type":"message","date_unixtime":"1600000000","from":"N","from_id":"{sender}","text":"t"{rest}}}"#
    )
}

#[test]
fn both_sides_of_a_chat_of_two_are_known() {
    let got = read(
        &Settings::default(),
        &chat("personal_chat", &[from(1, "user5", ""), from(2, "user77", "")].join(",")),
    );
    assert_eq!(got.findings, Vec::<String>::new());
    assert!(got.messages[0].contains("user5->@user77"), "{}", got.text());
    assert!(got.messages[1].contains("user77->@user5"), "{}", got.text());
}

#[test]
fn topics_of_a_forum_keep_their_names() {
    let topic = |id: u64, title: &str| {
        format!(
            r#"{{"id":{id},"type":"service","date_unixtime":"1600000000","action":"topic_created","title":"{title}","text":""}}"#
        )
    };
    let answers = |id: u64| format!(r#","reply_to_message_id":{id}"#);
    let messages = [
        topic(2, "Food"),
        topic(3, "Trips"),
        from(4, "user5", &answers(2)),
        from(5, "user6", &answers(4)),
        from(6, "user6", &answers(3)),
        from(7, "user6", ""),
        from(8, "user5", &answers(3)).replace(r#""text":"t""#, r#""text":"","photo":"photos/a.jpg""#),
    ];
    let got = read(&Settings::default(), &chat("private_supergroup", &messages.join(",")));
    let expected = ["[Food] t", "\"t\"", "[Trips] t", "\"t\"", "topic"];
    assert_eq!(got.messages.len(), expected.len(), "{}", got.text());
    for (message, words) in got.messages.iter().zip(expected) {
        assert!(message.contains(words), "{}", got.text());
    }
    // Only the real answer is one.
    let quotes: Vec<bool> = got.messages.iter().map(|m| m.contains("quote=")).collect();
    assert_eq!(quotes, [false, true, false, false, false], "{}", got.text());
    // The same numbers in another chat are no topics.
    let two = format!(
        r#"{{"chats":{{"list":[{{"name":"F","type":"private_supergroup","id":1,"messages":[{}]}},
            {{"name":"G","type":"private_group","id":2,"messages":[{},{}]}}]}}}}"#,
        topic(2, "Food"),
        from(2, "user5", ""),
        from(3, "user6", &answers(2))
    );
    let got = read(&Settings::default(), &two);
    assert!(!got.text().contains("[Food]") && got.messages[1].contains("quote="), "{}", got.text());
}

#[test]
fn who_i_am_is_asked_where_only_the_other_side_wrote() {
    let export = chat("personal_chat", &from(1, "user5", ""));
    let got = read(&Settings::default(), &export);
    assert_eq!(got.findings, ["1 peer-unknown Ann"]);
    let mut settings = Settings::default();
    settings.about.me = Some("user9".to_owned());
    assert!(read(&settings, &export).messages[0].contains("user5->@user9"));
}

#[test]
fn what_does_not_say_who_sent_it_is_an_error() {
    let nobody =
        r#"{"id":9,"type":"message","date_unixtime":"1600000000","from":null,"from_id":null,"text":"x"}"#;
    let got = read(
        &Settings::default(),
        &chat("private_group", &[from(1, "user5", ""), nobody.to_owned()].join(",")),
    );
    assert_eq!(
        (got.messages.len(), &*got.findings),
        (1, &["1 sender-missing 9".to_owned()][..]),
        "{}",
        got.text()
    );
    // A deleted account has no name, but an id.
    let deleted = from(2, "user6", "").replace(r#""from":"N""#, r#""from":null"#);
    let got = read(&Settings::default(), &chat("private_group", &deleted));
    assert!(got.messages[0].contains("user6->#chat5") && got.findings.is_empty(), "{}", got.text());
}

#[test]
fn old_exports_have_shifted_numbers_and_local_times() {
    let export = r#"{"name":"Ann","type":"personal_chat","id":4294967301,"messages":[
        {"id":1,"type":"message","date":"2019-07-12T16:55:32","from":"Ann","from_id":4294967301,"text":"a"},
        {"id":2,"type":"message","date":"2019-07-12T16:55:33","from":"Me","from_id":4294967373,"text":"b"}]}"#;
    let got = read(&Settings::default(), export);
    assert_eq!(got.findings, ["2 zone-missing 2019-07-12T16:55:32", "3 zone-missing 2019-07-12T16:55:33"]);
    let mut settings = Settings::default();
    settings.about.zone = Some("+02:00".to_owned());
    insta::assert_snapshot!(read(&settings, export).messages.join("\n"), @r#"
    2:74#0 user5->@user77 1562943332000 101 {"content":"a"} id=user5/1 nick=Ann
    3:183#0 user77->@user5 1562943333000 101 {"content":"b"} id=user5/2 nick=Me
    "#);
}

#[test]
fn control_characters_that_are_no_json_are_read() {
    let got = read(&Settings::default(), &chat("private_group", &from(1, "user5", r#","via_bot":"a\x0Bb""#)));
    assert_eq!(got.messages.len(), 1, "{}", got.text());
}

#[test]
fn oddities_go_as_the_policy_says() {
    let export = chat(
        "private_group",
        r#"{"id":1,"type":"message","date_unixtime":"1600000000","from":"N","from_id":"user1","text":"","file":"stickers/a.webp","media_type":"sticker","sticker_emoji":"😀"},
           {"id":2,"type":"message","date_unixtime":"1600000000","from":"N","from_id":"user1","text":"","poll":{"question":"Q?","closed":false,"total_voters":3,"answers":[{"text":"A","voters":2,"chosen":false},{"text":"B","voters":1,"chosen":true}]}}"#,
    );
    let with = |special| {
        let policy = Policy { stickers: special, polls: special, ..Policy::default() };
        let settings = Settings { policy, ..Settings::default() };
        read(&settings, &export)
    };
    insta::assert_snapshot!(with(Special::Text).messages.join("\n"), @r#"
    1:64#0 user1->#chat5 1600000000000 101 {"content":"[sticker] 😀"} id=chat5/1 nick=N
    2:241#0 user1->#chat5 1600000000000 101 {"content":"[poll] Q?\n- A (2)\n- B (1)"} id=chat5/2 nick=N
    "#);
    insta::assert_snapshot!(with(Special::Custom).messages.join("\n"), @r#"
    1:64#0 user1->#chat5 1600000000000 110 {"data":"{\"emoji\":\"😀\",\"path\":\"stickers/a.webp\",\"type\":\"sticker\"}","description":"[sticker] 😀","extension":""} id=chat5/1 nick=N
    2:241#0 user1->#chat5 1600000000000 110 {"data":"{\"answers\":[{\"text\":\"A\",\"voters\":2},{\"text\":\"B\",\"voters\":1}],\"closed\":false,\"question\":\"Q?\",\"type\":\"poll\",\"voters\":3}","description":"[poll] Q?\n- A (2)\n- B (1)","extension":""} id=chat5/2 nick=N
    "#);
    assert_eq!(with(Special::Skip).left_out, ["1 special-skipped", "2 special-skipped"]);
}

#[test]
fn a_whole_account() {
    insta::assert_snapshot!(fixture(Format::Telegram, &Settings::default(), "telegram/account").text());
}

#[test]
fn one_chat() {
    insta::assert_snapshot!(fixture(Format::Telegram, &Settings::default(), "telegram/chat").text());
}

#[test]
fn files_are_linked_behind_a_base_url() {
    let mut settings = Settings::default();
    settings.media.base_url = Some("https://files.example".to_owned());
    settings.media.placeholder.preview = Some("https://files.example/play.png".to_owned());
    let got = fixture(Format::Telegram, &settings, "telegram/account");
    let linked: Vec<&str> =
        got.messages.iter().filter(|m| m.contains("files.example")).map(String::as_str).collect();
    insta::assert_snapshot!(linked.join("\n"), @r#"
    106:2143#0 user1001->@user1002 1709280004000 102 {"sourcePicture":{"type":"image/jpeg","size":2048,"width":800,"height":600,"url":"https://files.example/photos/photo_1@01-03-2024_10-00-04.jpg"},"bigPicture":{"type":"image/jpeg","size":2048,"width":800,"height":600,"url":"https://files.example/photos/photo_1@01-03-2024_10-00-04.jpg"},"snapshotPicture":{"type":"image/jpeg","size":0,"width":800,"height":600,"url":"https://files.example/play.png"}} id=user1001/4 nick=Ann Lee
    125:2582#0 user1002->@user1001 1709280005000 103 {"sourceUrl":"https://files.example/voice_messages/audio_1@01-03-2024.ogg","dataSize":900,"duration":7} id=user1001/5 nick=Bob Jones
    367:7763#0 user1001->#chat55 1709280008000 104 {"videoUrl":"https://files.example/video_files/clip.mp4","videoType":"video/mp4","videoSize":70000,"duration":3,"snapshotUrl":"https://files.example/play.png","snapshotSize":0,"snapshotWidth":320,"snapshotHeight":240} id=chat55/8 nick=Ann Lee
    "#);
}

#[test]
fn an_offset_in_the_date_counts_and_needs_no_zone() {
    for (date, expected) in [
        ("2023-11-30T10:00:01+02:00", " 1701331201000 "),
        ("2023-11-30T10:00:01Z", " 1701338401000 "),
        ("2023-11-30T10:00:01.250-05:00", " 1701356401250 "),
    ] {
        let message =
            from(1, "user5", "").replace("\"date_unixtime\":\"1600000000\"", &format!("\"date\":\"{date}\""));
        let got = read(&Settings::default(), &chat("private_supergroup", &message));
        assert_eq!(got.findings, Vec::<String>::new());
        assert!(got.messages[0].contains(expected), "{}", got.text());
    }
}
