//! `provision --accounts`: who is made, who can log in, who can't.

use serde_json::json;

use super::support::Place;
use crate::support::as_admin;

/// md5 of `secret`.
const SECRET: &str = "5ebe2294ecd0e0f08eab7690d2a6ee69";

#[test]
fn people_log_in_with_e_mail_phone_and_account_and_twice_is_once() {
    for release in ["3.8.3", "main"] {
        let place = Place::new(release, &[]);
        place.table(
            "userID,nickname,email,phone,areaCode,account,password\n\
             ann,Ann,ann@e.example,,,,secret\n\
             bea,Bea,,0170 123,49,,secret\n\
             cat_1,Cat,cat@e.example,,,catcat,secret\n\
             dan,Dan,dan@e.example,,,,\n\
             eve,Eve,,,,,secret\n",
        );
        let (exit, said) = place.run(&["--codes-are-set-up"]);
        assert_eq!(exit, Some(0), "{release}: {said}");
        assert!(said.contains("accounts: 4 made"), "{said}");
        assert!(said.contains("eve: no e-mail and no phone"), "{said}");
        assert!(said.contains("4 people can log in") && said.contains("1 can't"), "{said}");
        for way in [
            json!({ "email": "ann@e.example", "password": SECRET }),
            json!({ "areaCode": "+49", "phoneNumber": "0170123", "password": SECRET }),
            json!({ "email": "x@e.example", "account": "catcat", "password": SECRET }),
        ] {
            assert_eq!(place.log_in(&way)["errCode"], 0, "{release} {way}: {said}");
        }
        // Everybody got an account, also who was given none.
        let way = json!({ "email": "x@e.example", "account": "ann", "password": SECRET });
        assert_eq!(place.log_in(&way)["data"]["userID"], "ann");
        let before = place.accounts();
        let (exit, said) = place.run(&["--codes-are-set-up"]);
        assert_eq!((exit, place.accounts()), (Some(0), before), "{said}");
        assert!(said.contains("accounts: 4 there already"), "{said}");
        // Nobody new: nothing to confirm.
        assert_eq!(place.run(&[]).0, Some(0));
    }
}

#[test]
fn a_dry_run_says_who_would_be_made_and_makes_nobody() {
    let place = Place::new("3.8.3", &[]);
    place.table("userID,email\nann,ann@e.example\n");
    let (exit, said) = place.run(&["--dry-run"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("would make user ann"), "{said}");
    assert!(said.contains("would make account of ann: e-mail `ann@e.example`, account `ann`"), "{said}");
    assert!(said.contains("666666"), "the code is said before the first account is made: {said}");
    assert!(place.accounts().is_empty());
}

#[test]
fn what_is_there_stays_as_it_is() {
    let place = Place::new("main", &[]);
    place.table("userID,email,nickname\nann,ann@e.example,Ann\n");
    assert_eq!(place.run(&["--codes-are-set-up"]).0, Some(0));
    place.table("userID,email,nickname\nann,other@e.example,Anna\nbea,bea@e.example,Bea\n");
    let (exit, said) = place.run(&["--codes-are-set-up"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("`ann` has `ann@e.example` for the e-mail, and not `other@e.example`"), "{said}");
    assert_eq!(place.accounts().len(), 2);
}

/// Whom the IM knows and the chat server doesn't (1102), and the other way round.
#[test]
fn half_known_people_are_made_whole() {
    let place = Place::new("3.8.3", &[]);
    let users = json!({ "users": [{ "userID": "ann", "nickname": "Ann of the IM", "faceURL": "" }] });
    as_admin(&place.server.url, "/user/user_register", &users);
    place.table("userID,email,password\nann,ann@e.example,secret\n");
    let (exit, said) = place.run(&["--codes-are-set-up"]);
    assert_eq!(exit, Some(0), "{said}");
    assert_eq!(place.log_in(&json!({ "email": "ann@e.example", "password": SECRET }))["errCode"], 0);
    let info = as_admin(&place.server.url, "/user/get_users_info", &json!({ "userIDs": ["ann"] }));
    assert_eq!(info["data"]["usersInfo"][0]["nickname"], "Ann of the IM");
}

#[test]
fn default_friends_and_groups_leave_no_notice_in_a_history() {
    let place = Place::new("main", &[]);
    place.table("userID,email\nold,old@e.example\n");
    assert_eq!(place.run(&["--codes-are-set-up"]).0, Some(0));
    place.set_default_friend("old");
    place.table("userID,email\nann,ann@e.example\n");
    let (exit, said) = place.run(&["--codes-are-set-up"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("default friends (old) and groups (none) are not made"), "{said}");
    let audit = place.server.audit();
    assert_eq!(audit["conversations"].as_array().map_or(0, Vec::len), 0, "{audit}");
}
