use std::borrow::Cow;

use super::*;
use crate::message::{Place, SourceNo};

fn parse(text: &str) -> Result<Table, String> {
    Table::parse(Path::new("o.csv"), text).map_err(|error| error.to_string())
}

const HEAD: &str = "conversation,way,groupID,groupName,ownerUserID,memberUserIDs,after\n";

fn message<'a>(sender: &'a str, peer: Peer<'a>) -> Message<'a> {
    Message {
        sender: sender.into(),
        peer,
        nickname: "".into(),
        face_url: "".into(),
        platform: 10,
        content_type: 101,
        content: "{}".into(),
        send_time: SendTime(1),
        ex: "".into(),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id: None,
        quote: None,
        place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
    }
}

fn user(id: &str) -> Peer<'_> {
    Peer::User(Cow::Borrowed(id))
}

#[test]
fn what_is_written_is_read_again() {
    let text = format!(
        "{HEAD}sg_team,behind,,,,,1700000000000\nsi_anna_otto,archive,archive1,\"Anna, Otto\",anna,anna otto,\n"
    );
    let table = parse(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("occupied.csv");
    table.write(&path).unwrap();
    assert_eq!(fs_err::read_to_string(&path).unwrap(), text);
    assert_eq!(Table::read(&path).unwrap(), table);
    assert_eq!(table.behind().count(), 1);
}

#[test]
fn names_are_no_formulas_in_a_spreadsheet() {
    let text = format!("{HEAD}sg_x,archive,archive1,\"'=cmd|'' /C calc'!A0\",'+49,'-1 b,\n");
    let table = parse(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("occupied.csv");
    table.write(&path).unwrap();
    assert_eq!(fs_err::read_to_string(&path).unwrap(), text.replace('"', ""));
    let Some(Way::Archive(archive)) = table.way(&ConversationId("sg_x".to_owned())) else { panic!() };
    assert_eq!((archive.name.as_str(), archive.owner.as_str()), ("=cmd|'' /C calc'!A0", "+49"));
    assert_eq!(archive.members, ["-1", "b"]);
    assert_eq!(Table::read(&path).unwrap(), table);
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (line, said) in [
        ("anna,archive,g,n,anna,anna otto,", "`anna` is no conversation"),
        ("si_a_b,somewhere,,,,,", "`somewhere` is no way"),
        ("si_a_b,archive,,n,a,a b,", "needs a groupID"),
        ("si_a_b,archive,g,n,a,a,", "are its two users"),
        ("si_a_b,archive,g,n,a,a c,", "are its two users"),
        ("sg_x,behind,,,,,soon", "`soon` is no time"),
        ("sg_x,archive,x,n,a,a,", "leads back to itself"),
    ] {
        let error = parse(&format!("{HEAD}{line}\n")).unwrap_err();
        assert!(error.starts_with("o.csv:") && error.contains(said), "{line}: {error}");
    }
    let twice = format!("{HEAD}sg_x,behind,,,,,1\nsg_x,behind,,,,,2\n");
    assert!(parse(&twice).unwrap_err().contains("o.csv:3: `sg_x` stands here a second time"));
}

#[test]
fn only_the_pair_that_is_meant_is_diverted() {
    let table = parse(&format!("{HEAD}si_x_y_z,archive,g,n,x,x y_z,\n")).unwrap();
    assert!(table.of(&message("x", user("y_z"))).is_some());
    assert!(table.of(&message("y_z", user("x"))).is_some());
    assert!(
        table.of(&message("x_y", user("z"))).is_none(),
        "law 11: a private chat would become somebody else's"
    );
    assert!(table.of(&message("x", Peer::Group("y_z".into()))).is_none());
}

#[test]
fn an_archive_can_have_an_archive() {
    let text = format!("{HEAD}si_a_b,archive,g1,n,a,a b,\nsg_g1,archive,g2,n,a,a b,\n");
    let table = parse(&text).unwrap();
    let of = |message: &Message<'_>| match table.of(message) {
        Some(Way::Archive(archive)) => archive.group.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(&message("a", user("b"))), "g2");
    assert_eq!(of(&message("a", Peer::Group("g1".into()))), "g2");
}

#[test]
fn archives_are_named_after_their_conversation_alone() {
    // A promise: a later release must make the same.
    let id = archive_id(&ConversationId::single("otto", "anna"));
    assert_eq!(id, archive_id(&ConversationId("si_anna_otto".into())));
    assert!(id.starts_with("archive") && !id.contains('_') && id.len() == 23, "{id}");
    assert_ne!(id, archive_id(&ConversationId::group("anna_otto")));
}
