//! What an operator's table and settings can have wrong: each is said with its place, its value and the way out, before
//! anything is made.

use serde_json::json;

use super::support::Place;

#[test]
fn a_table_that_would_make_half_a_user_makes_nobody() {
    let place = Place::new("3.8.3", &[]);
    for (rows, says) in [
        (
            "ann,a@e.example,,\nbea,a@e.example,,\n",
            "people.csv:3: e-mail `a@e.example` of `bea` is that of `ann` in line 2",
        ),
        (
            "ann,a@e.example,,\nbea, A@e.example ,,\n",
            "people.csv:3: e-mail `A@e.example` of `bea` is that of `ann` in line 2 (but for capitals",
        ),
        (
            "ann,,+49 170,\nbea,,0049-170,\n",
            "people.csv:3: phone `+49 170` of `bea` is that of `ann` in line 2",
        ),
        ("ann,a@e.example,,x1\nbea,b@e.example,,x1\n", "people.csv:3: account `x1` of `bea`"),
        ("ann,a@e.example,,\nann,b@e.example,,\n", "people.csv:3: userID `ann` stands in line 2 already"),
        ("ann,,0170 123,\n", "people.csv:2: phone `0170 123` has no area code"),
        ("a-b,a@e.example,,\n", "people.csv:2: userID `a-b` has more than letters"),
        ("imAdmin,a@e.example,,\n", "people.csv:2: userID `imAdmin` is OpenIM's admin"),
        ("ann,größe@e.example,,\n", "people.csv:2: e-mail `größe@e.example` has letters beyond ASCII"),
        ("ann,a@e.example,,a.b\n", "people.csv:2: account `a.b` has more than letters"),
    ] {
        place.table(&format!("userID,email,phone,account\n{rows}"));
        let (exit, said) = place.run(&["--codes-are-set-up"]);
        assert_eq!(exit, Some(2), "{rows}{said}");
        assert!(said.contains(says) && said.contains("nothing was made"), "{rows}{said}");
    }
    assert!(place.accounts().is_empty());
    assert_eq!(place.server.audit()["users"].as_u64().unwrap_or(0), 0);
}

#[test]
fn what_somebody_has_on_the_server_is_taken() {
    for release in ["3.8.3", "main"] {
        let place = Place::new(release, &[]);
        place.table("userID,email,phone,account\nold,old@e.example,+49 170,oldold\n");
        assert_eq!(place.run(&["--codes-are-set-up"]).0, Some(0));
        let before = place.accounts();
        for (row, says) in [
            (
                "ann,OLD@e.example,,\n",
                "people.csv:2: e-mail `OLD@e.example` of `ann` is taken on the chat server by `old`",
            ),
            (
                "ann,,+49 170,\n",
                "people.csv:2: phone `+49 170` of `ann` is taken on the chat server by `old`",
            ),
            ("ann,a@e.example,,oldold\n", "people.csv:2: account `oldold` of `ann` is taken"),
        ] {
            place.table(&format!("userID,email,phone,account\n{row}"));
            let (exit, said) = place.run(&["--codes-are-set-up"]);
            assert_eq!(exit, Some(2), "{release} {row}{said}");
            assert!(said.contains(says), "{release} {row}{said}");
        }
        assert_eq!(place.accounts(), before, "{release}");
    }
}

#[test]
fn a_server_with_the_fixed_code_wants_a_word() {
    for (codes, says) in [("fixed", "takes 666666"), ("sent", "can't be seen from outside")] {
        let place = Place::new("3.8.3", &["--chat-codes", codes]);
        place.table("userID,email\nann,ann@e.example\n");
        let (exit, said) = place.run(&[]);
        assert_eq!(exit, Some(6), "{said}");
        assert!(said.contains(says) && said.contains("--codes-are-set-up"), "{said}");
        assert!(place.accounts().is_empty());
        assert_eq!(place.run(&["--codes-are-set-up"]).0, Some(0));
    }
}

#[test]
fn wrong_addresses_and_passwords_are_told_apart() {
    let place = Place::new("main", &[]);
    place.table("userID,email\nann,ann@e.example\n");
    let with = |api: &str| {
        let mut args = place.args();
        *args.last_mut().unwrap() = api.to_owned();
        args
    };
    let admin = place.server.chat_admin.clone();
    for (password, api, more, exit, says) in [
        ("wrong", admin.as_str(), &[][..], 7, "refuses the password of its admin `chatAdmin`"),
        (
            "chatAdmin",
            &place.server.chat,
            &[],
            7,
            "is the chat server's address for apps, not the one for its admin",
        ),
        ("chatAdmin", &place.server.url, &[], 7, "is no chat server"),
        ("chatAdmin", "http://127.0.0.1:9", &[], 5, "cannot reach the server"),
        ("chatAdmin", &admin, &["--chat-api", &place.server.url], 2, "name that one as `chat_api`"),
        ("", &admin, &[], 7, "set OPENIM_CHAT_PASSWORD"),
    ] {
        let (got, said) = place.run_as(password, &with(api), more);
        assert_eq!(got, Some(exit), "{api} {more:?}: {said}");
        assert!(said.contains(says), "{api} {more:?}: {said}");
    }
    assert!(place.accounts().is_empty());
}

/// The rows of somebody who was half made by another program: he is named, and nobody claims that he can log in.
#[test]
fn half_a_user_is_not_counted_as_one_who_can_log_in() {
    let place = Place::new("3.8.3", &[]);
    place.table("userID,email\nann,ann@e.example\n");
    assert_eq!(place.run(&["--codes-are-set-up"]).0, Some(0));
    let user = json!({ "userID": "bea", "nickname": "Bea", "email": "ann@e.example", "password": "x" });
    let answer = place.as_chat_admin("/user/import/json", &json!({ "users": [user] }));
    assert_eq!(answer["errCode"], 500, "{answer}");
    place.table("userID,email\nbea,\n");
    let (_, said) = place.run(&["--codes-are-set-up"]);
    assert!(said.contains("0 people can log in"), "{said}");
}
