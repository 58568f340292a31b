//! What becomes of rows.

use super::*;

const RULES: Rules<'static> = Rules { area_code: None, admin_user: "imAdmin" };

fn read(text: &str) -> (Vec<Person>, Vec<String>) {
    let table = Table::parse(text.as_bytes()).unwrap();
    let known = |id: &str| (id == "U1").then(|| "u1".to_owned());
    let told = |user: &str| match user {
        "u1" => Told { nickname: "One".into(), face_url: "f".into(), email: "one@e.example".into() },
        _ => Told::default(),
    };
    let (people, wrong) = people(table, &RULES, known, told);
    (people, wrong.into_iter().map(|wrong| format!("{}: {}", wrong.line, wrong.why)).collect())
}

#[test]
fn the_export_fills_what_the_table_leaves_out() {
    let (people, wrong) =
        read("id,openim_id,nickname,email,kind\nU1,,,,user\n,u2,Two,,user\nG,g,Group,,group\n");
    assert!(wrong.is_empty(), "{wrong:?}");
    let shown: Vec<_> = people
        .iter()
        .map(|p| (p.user.as_str(), p.nickname.as_str(), p.email.as_str(), p.has_contact()))
        .collect();
    assert_eq!(shown, [("u1", "One", "one@e.example", true), ("u2", "Two", "", false)]);
}

#[test]
fn everybody_has_an_account_of_his_own() {
    let (people, wrong) = read("userID,account\na_b,\nab,\nann,ab2\nab2,\n");
    assert!(wrong.is_empty(), "{wrong:?}");
    let accounts: Vec<&str> = people.iter().map(|person| person.account.as_str()).collect();
    assert_eq!((accounts[1], accounts[2]), ("ab", "ab2"));
    assert!(accounts[0].starts_with("ab") && accounts[0].len() == 10, "`_` is none of its characters");
    assert!(accounts[3].starts_with("ab2") && accounts[3].len() == 11, "somebody else was given that one");
    assert_eq!(
        read("userID,account\na_b,\nab,\nann,ab2\nab2,\n").0[0].account,
        accounts[0],
        "the same each time"
    );
}

#[test]
fn what_the_chat_server_would_refuse_is_said_before() {
    let (people, wrong) = read(
        "userID,email,phone,account,password,passwordMD5\n\
         a-b,,,,,\n\
         imAdmin,x@e.example,,,,\n\
         u1,größe@e.example,,,,\n\
         u2,B <b@e.example>,,,,\n\
         u3,b@localhost,,,,\n\
         u4,o'b@e.example,,,,\n\
         u5,b.e.example,,,,\n\
         u6,,0170 1234567,,,\n\
         u7,,,a.b,,\n\
         u8,,,, hush ,\n\
         u9,,,,,hush\n\
         ,c@e.example,,,,\n",
    );
    assert!(people.is_empty());
    assert_eq!(wrong.len(), 12, "{wrong:#?}");
    let says = [
        "2: userID `a-b` has more than",
        "3: userID `imAdmin` is OpenIM's admin",
        "4: e-mail `größe@e.example` has letters beyond ASCII",
        "5: e-mail `B <b@e.example>` is more than one address",
        "6: e-mail `b@localhost` has no dot",
        "7: e-mail `o'b@e.example` has characters",
        "8: e-mail `b.e.example` has no `@`",
        "9: phone `0170 1234567` has no area code: write it as +49 170 1234567",
        "10: account `a.b` has more than letters and digits",
        "11: the password has blanks around it",
        "12: passwordMD5 is no MD5",
        "13: nobody is named",
    ];
    for (wrong, says) in wrong.iter().zip(says) {
        assert!(wrong.starts_with(says), "{wrong}");
        assert!(!wrong.contains("hush"), "{wrong}");
    }
}
