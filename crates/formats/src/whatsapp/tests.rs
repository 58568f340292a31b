use super::super::testing::{fixture, folder};
use super::super::{ChatKind, DateOrder, Format, Settings};
use crate::mapping::testing::Got;

fn zoned(zone: &str) -> Settings {
    let mut settings = Settings::default();
    settings.about.zone = Some(zone.to_owned());
    settings
}

#[test]
fn android_two_people() {
    let got = fixture(Format::WhatsApp, &zoned("Europe/Berlin"), "whatsapp/WhatsApp Chat with Ann Lee.txt");
    insta::assert_snapshot!(got.text());
}

#[test]
fn ios_a_group() {
    let got = fixture(Format::WhatsApp, &zoned("America/New_York"), "whatsapp/WhatsApp Chat - Book club");
    insta::assert_snapshot!(got.text());
}

#[test]
fn a_zone_is_asked_and_never_guessed() {
    let got = fixture(Format::WhatsApp, &Settings::default(), "whatsapp/WhatsApp Chat with Ann Lee.txt");
    assert!(got.messages.is_empty());
    assert_eq!(got.findings[0], "2 zone-missing 2024-02-28T23:58:00");
}

fn one(settings: &Settings, text: &str) -> Got {
    folder(Format::WhatsApp, settings, &[("WhatsApp Chat with Us.txt", text)])
}

const THREE: &str = "01/02/24, 10:00 - A: x\n01/02/24, 10:01 - B: y\n02/02/24, 10:02 - C: z\n";

#[test]
fn day_and_month_are_asked_where_no_date_tells() {
    let mut settings = zoned("UTC");
    let text = THREE.replace("02/02", "03/04");
    let got = one(&settings, &text);
    assert_eq!(
        got.findings,
        [
            "1 date-order-unknown 01/02/24, 10:00 -",
            "2 date-order-unknown 01/02/24, 10:01 -",
            "3 date-order-unknown 03/04/24, 10:02 -"
        ]
    );
    settings.about.date_order = Some(DateOrder::Mdy);
    assert!(
        one(&settings, &text).messages[0].contains(" 1704189600000 "),
        "{}",
        one(&settings, &text).text()
    );
}

#[test]
fn what_may_be_a_line_of_the_message_before_is_said() {
    let text = "13/02/24, 10:00 - A: to do:\n13/02/24, 14:00 - gate: 4\n14/02/24, 09:00 - eat\n13/02/24, 10:01 - B: ok\n";
    let got = one(&zoned("UTC"), text);
    assert_eq!(got.findings, ["1 header-doubtful 1 ×, the first in line 4"], "{}", got.text());
    // Clocks are put back, and phones differ by minutes.
    let text = "13/02/24, 10:59 - A: x\n13/02/24, 10:01 - B: y\n13/02/24, 10:40 - C: z\n";
    assert_eq!(one(&zoned("UTC"), text).findings, Vec::<String>::new());
}

#[test]
fn the_last_line_can_tell_how_the_first_is_meant() {
    let text = format!("{}{}", THREE.repeat(1000), "13/02/24, 10:00 - A: late\n");
    let got = one(&zoned("UTC"), &text);
    assert_eq!(got.messages.len(), 3001);
    assert_eq!(got.findings, ["1 header-doubtful 999 ×, the first in line 4"]);
    assert!(got.messages[0].contains(" 1706781600000 "), "{}", got.messages[0]);
}

#[test]
fn lines_of_another_shape_belong_to_the_message() {
    let text = "13/02/24, 10:00 - A: he wrote\n[12/31/20, 09:00:00] B: this\n13/02/24, 10:01 - B: I did\n13/02/24, 10:01 - C: x\n";
    let got = one(&zoned("UTC"), text);
    assert_eq!(got.messages.len(), 3, "{}", got.text());
    assert!(got.messages[0].contains(r"he wrote\n[12/31/20, 09:00:00] B: this"));
}

#[test]
fn what_no_message_begins_is_reported() {
    let got = one(
        &zoned("UTC"),
        &format!("stray line\n{}", THREE.replace("/02/24", "/02/2024").replace("02/02", "13/02")),
    );
    assert_eq!(got.findings[0], "1 record-invalid no date and time stand in front of it");
    assert_eq!(got.messages.len(), 3, "{}", got.text());
}

#[test]
fn hours_that_exist_twice_or_never_are_told() {
    let text = "31/03/24, 02:30 - A: never\n27/10/24, 02:30 - B: twice\n27/10/24, 04:30 - C: once\n";
    let got = one(&zoned("Europe/Berlin"), text);
    assert_eq!(got.messages.len(), 3);
    assert_eq!(got.findings, ["1 time-skipped 2024-03-31T02:30:00", "2 time-ambiguous 2024-10-27T02:30:00"]);
}

#[test]
fn the_kind_of_chat_is_asked_where_nothing_tells() {
    let two = "13/02/24, 10:00 - A: x\n13/02/24, 10:01 - B: y\n";
    let got = folder(Format::WhatsApp, &zoned("UTC"), &[("_chat.txt", two)]);
    assert!(got.findings.iter().all(|f| f.contains("chat-kind-unknown")), "{}", got.text());
    let mut settings = zoned("UTC");
    settings.about.chat = Some(ChatKind::Direct);
    assert!(folder(Format::WhatsApp, &settings, &[("_chat.txt", two)]).messages[0].contains("A->@B"));
    settings.about.chat = Some(ChatKind::Group);
    settings.about.chat_name = Some("Us".to_owned());
    assert!(folder(Format::WhatsApp, &settings, &[("_chat.txt", two)]).messages[0].contains("A->#Us"));
}

#[test]
fn broken_bytes_are_reported_with_their_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("WhatsApp Chat with Us.txt");
    fs_err::write(
        &path,
        [THREE.replace("01/02", "13/02").as_bytes(), b"13/02/24, 10:03 - A: \xc3\x28\n"].concat(),
    )
    .unwrap();
    let path = [path.to_string_lossy().into_owned()];
    let got = super::super::testing::sources(Format::WhatsApp, &zoned("UTC"), &path, 1 << 16).unwrap();
    assert!(got.findings.iter().any(|f| f.starts_with("4 encoding-broken")), "{}", got.text());
}

#[test]
fn the_apps_own_lines_are_nobodys() {
    let text = "[25/12/2022, 08:15:00] Ann: \u{200e}Messages and calls are end-to-end encrypted.\r\n\
        [25/12/2022, 08:15:01] Ann: merry\r\n\
        \u{200e}[25/12/2022, 08:17:00] Bob: plan.pdf \u{200e}document omitted\r\n\
        [26/12/2022, 08:16:00] Ann: \u{200e}\u{200e}Your security code with Ann changed. \u{200e}Tap to learn more.\r\n\
        [26/12/2022, 08:17:00] Ann: \u{200f}\u{200f}something of a new version\r\n";
    let got = folder(Format::WhatsApp, &zoned("UTC"), &[("WhatsApp Chat - Ann.txt", text)]);
    assert_eq!(got.messages.len(), 2, "{}", got.text());
    assert!(got.messages[0].contains("Ann->@Bob") && got.messages[0].contains("merry"), "{}", got.text());
    assert!(got.messages[1].contains("plan.pdf"), "{}", got.text());
    assert_eq!(got.left_out, ["1 system-row", "4 system-row", "5 app-text-unknown"]);
    assert!(got.findings.iter().any(|f| f.contains("app-text-unknown")), "{:?}", got.findings);
}

#[test]
fn a_pasted_chat_stays_in_its_message_where_records_end_with_crlf() {
    let text = "[22/01/20, 10:00:00] Bea: look what Carl wrote:\n\
        [21/01/20, 18:03:11] Carl: I will be late\n\
        [21/01/20, 18:04:00] Carl: sorry\r\n\
        [22/01/20, 10:01:00] Dan: typical\r\n\
        [22/01/20, 10:02:00] Bea: one more\nline\r\n";
    let got = folder(Format::WhatsApp, &zoned("UTC"), &[("WhatsApp Chat with Us.txt", text)]);
    assert_eq!(got.messages.len(), 3, "{}", got.text());
    assert!(got.messages[0].contains("Carl: I will be late"), "{}", got.text());
    assert!(!got.text().contains("Carl->"), "{}", got.text());
    // With bare line ends everywhere nothing tells them apart.
    let got = folder(
        Format::WhatsApp,
        &zoned("UTC"),
        &[("WhatsApp Chat with Us.txt", &text.replace("\r\n", "\n"))],
    );
    assert_eq!(got.messages.len(), 5, "{}", got.text());
}

#[test]
fn an_old_iphone_and_a_second_export() {
    let text = "27/03/2022 21:41:35: Ann: one: 1\n28/03/2022 00:05:00: Bob: two\nmore\n03/04/2022 12:30:00: Ann: three\n";
    let got = folder(Format::WhatsApp, &zoned("UTC"), &[("WhatsApp Chat with Ann (1).txt", text)]);
    assert_eq!(got.messages.len(), 3, "{}", got.text());
    assert!(
        got.messages[1].contains("Bob->@Ann") && got.messages[1].contains("two\\nmore"),
        "{}",
        got.text()
    );
}
