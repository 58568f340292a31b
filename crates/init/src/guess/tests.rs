use super::*;
use crate::records::tests::table;

/// The guess as text.
fn guessed(name: &str, text: &str) -> String {
    use std::fmt::Write as _;
    let guess = guess(&table(name, text), &Answers::default());
    let mut out = String::new();
    for Field { key, rule, note } in &guess.fields {
        writeln!(out, "{} = {rule}  # {note}", key.name()).unwrap();
    }
    for Open { key, note, choices, .. } in &guess.open {
        let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
        writeln!(out, "{}?  # {note} {choices:?}", key.name()).unwrap();
    }
    for LeaveOut { column, condition, reason, note } in &guess.leave_out {
        let (condition, value) = condition.value();
        writeln!(out, "leave out {column}: {condition} = {value} ({reason})  # {note}").unwrap();
    }
    if guess.needs_zone {
        out.push_str("zone?\n");
    }
    if let Some(why) = &guess.translate {
        writeln!(out, "translate: {why}").unwrap();
    }
    for note in &guess.notes {
        writeln!(out, "note: {note}").unwrap();
    }
    out
}

#[test]
fn direct_channels_in_the_name_of_the_channel() {
    let text = "\
Post Time,Channel Id,Channel Name,Channel Type,User Id,User Email,Username,Post Id,Replied to Post Id,Post Message,Post Type
1700000000000,c1,town-square,public,u1,ann@x.org,ann,p1,,hello everybody,message
1700000001000,c2,u1__u2,direct,u2,bob@x.org,bob,p2,,hi ann,message
1700000002000,c2,u1__u2,direct,u1,ann@x.org,ann,p3,p2,hi bob,message
1700000003000,c3,ops,private,u1,ann@x.org,ann,,,ann joined the channel.,system_join_channel
1700000004000,c3,ops,private,u2,bob@x.org,bob,p5,,,message
";
    insta::assert_snapshot!(guessed("posts.csv", text), @r#"
    id = "Post Id"  # tells messages apart in later passes
    sendID = "User Id"  # 2 users: `u1`, `u2`
    senderNickname = "Username"  # `ann`, `bob`
    sessionType = { column = "Channel Type", table = { direct = 1 }, default = 3 }  # chats of two: `direct`; groups: `private`, `public`
    groupID = "Channel Id"  # `Channel Id`, 3 conversations: `c1`, `c2`, `c3`
    recvID = { column = "Channel Name", pair = "__" }  # both ends of a chat of two, with `__` between them
    sendTime = { column = "Post Time", time = "ms" }  # milliseconds since 1970: `1700000000000`, `1700000001000`, `1700000002000`
    text = "Post Message"  # 12 characters on average
    quote = "Replied to Post Id"  # the message that is answered: `p2`
    leave out Post Message: empty = true (no-text)  # 1 record without words in `Post Message`; if they were not left out they would be errors
    leave out Post Type: is = ["system_join_channel"] (system-row)  # 1 record that the app wrote itself, not a user
    "#);
}

#[test]
fn chinese_names_local_times_and_ids_that_openim_refuses() {
    let text = "\
消息ID,发送者,昵称,接收者,群号,发送时间,消息类型,内容
m1,zhang@corp.cn,张三,li@corp.cn,,2024/1/5 11:42,文本,你好
m2,li@corp.cn,李四,zhang@corp.cn,,2024/1/5 11:43,图片,https://x/y.png?sig=abc
m3,li@corp.cn,李四,,88001,2024/1/5 11:44,系统通知,李四加入群聊
";
    insta::assert_snapshot!(guessed("export.csv", text), @r#"
    id = "消息ID"  # tells messages apart in later passes
    sendID = "发送者"  # 2 users: `zhang@corp.cn`, `li@corp.cn`
    senderNickname = "昵称"  # `张三`, `李四`
    groupID = "群号"  # where there is one, a group's message: `88001`
    recvID = "接收者"  # elsewhere, the other of two: `li@corp.cn`, `zhang@corp.cn`
    sendTime = { column = "发送时间", time = "%Y/%m/%d %H:%M" }  # `2024/1/5 11:42`, `2024/1/5 11:43`, `2024/1/5 11:44`
    text = "内容"  # 10 characters on average
    leave out 消息类型: is = ["系统通知"] (system-row)  # 1 record that the app wrote itself, not a user
    zone?
    translate: ids such as `zhang@corp.cn`, `li@corp.cn` can't be OpenIM's, which are letters, digits and `_`
    note: `消息类型` has `图片` (1): all are sent as text, as their words stand; leave them out with [[mapping.leave_out]], or name what has their files as `attachments`
    "#);
}

#[test]
fn a_file_a_channel_without_ids_and_a_day_that_nobody_can_tell() {
    let text = "AuthorID;Author;Date;Content;Attachments\n\
        111;ann;03/04/2024 10:00;good morning everyone;\n\
        222;bob;04/04/2024 10:01;morning!;\n";
    insta::assert_snapshot!(guessed("general.csv", text), @r#"
    sendID = "AuthorID"  # 2 users: `111`, `222`
    senderNickname = "Author"  # `ann`, `bob`
    text = "Content"  # 14 characters on average
    groupID?  # no column says plainly what parts the conversations; by the file's name: 1 conversation, the largest `general` with 2 messages of `111`, `222` ["{ inherited = \"@stem\" }"]
    sendTime?  # `03/04/2024 10:00`, `04/04/2024 10:01`: no value tells whether the day or the month comes first. Choose; nothing is guessed here ["{ column = \"Date\", time = \"%d/%m/%Y %H:%M\" }", "{ column = \"Date\", time = \"%m/%d/%Y %H:%M\" }"]
    zone?
    "#);
}

#[test]
fn nothing_is_named_but_the_values_tell() {
    let text = "a,b,c\n1700000000,x7,hello there my friend\n1700000060,x9,how are you today\n";
    insta::assert_snapshot!(guessed("dump.csv", text), @r#"
    sendID = "b"  # 2 users: `x7`, `x9` (guessed from the values alone)
    sendTime = { column = "a", time = "s" }  # seconds since 1970: `1700000000`, `1700000060` (guessed from the values alone)
    text = "c"  # 19 characters on average (guessed from the values alone)
    groupID?  # no column says plainly what parts the conversations; by the file's name: 1 conversation, the largest `dump` with 2 messages of `x7`, `x9` ["{ inherited = \"@stem\" }"]
    "#);
}

#[test]
fn who_wrote_it_is_only_me_or_not_me() {
    let text =
        "id,talker,is_sender,CreateTime,msg\n1,wxid_a,0,1700000000,在吗\n2,wxid_a,1,1700000060,在的 什么事\n";
    insta::assert_snapshot!(guessed("wechat.csv", text), @r#"
    id = "id"  # tells messages apart in later passes
    groupID = "talker"  # `talker`, 1 conversation: `wxid_a`; names stand for ids
    sendTime = { column = "CreateTime", time = "s" }  # seconds since 1970: `1700000000`, `1700000060`
    text = "msg"  # 4 characters on average
    sendID?  # no column names the writer; `is_sender` says whether it was the maker of the export. Write a jq program: see “Your own export” in docs/formats.md []
    "#);
}

#[test]
fn objects_with_paths() {
    let text = r#"
{"_id":"a1","rid":"GENERAL","msg":"hello you","ts":{"$date":"2024-01-31T12:00:00.000Z"},"u":{"_id":"x1","username":"ann"},"client":"android"}
{"_id":"a2","rid":"GENERAL","msg":"hi there","ts":{"$date":"2024-01-31T12:01:00.000Z"},"u":{"_id":"x2","username":"bob"},"client":"ios"}
"#;
    insta::assert_snapshot!(guessed("messages.jsonl", text), @r#"
    id = "_id"  # tells messages apart in later passes
    sendID = "u._id"  # 2 users: `x1`, `x2`
    senderNickname = "u.username"  # `ann`, `bob`
    groupID = "rid"  # `rid`, 1 conversation: `GENERAL`
    sendTime = { column = "ts.$date", time = "rfc3339" }  # `2024-01-31T12:00:00.000Z`, `2024-01-31T12:01:00.000Z`
    text = "msg"  # 8 characters on average
    senderPlatformID = { column = "client", table = { android = 2, ios = 1 }, default = 10 }  # from which kind of device
    "#);
}

#[test]
fn ids_that_a_spreadsheet_rounded_are_named() {
    let text = "id,from,to,time,text\n7.43E+18,a,b,1700000000,hi you\n7.44E+18,a,b,1700000001,hi me\n";
    assert!(guessed("x.csv", text).contains("a spreadsheet has rounded"));
}

#[test]
fn html_is_asked_about_and_answered() {
    let text = "\
from,to,sent at,body
ann,bob,2024-01-01T10:00:00Z,<p>hello</p>
bob,ann,2024-01-01T10:01:00Z,plain
ann,bob,2024-01-01T10:02:00Z,look &amp; <a href=\"\"https://a.example\"\">see</a>
";
    let said = guessed("tickets.csv", text);
    assert!(said.contains("text?  # `body` has HTML in 2 of 3 records"), "{said}");
    assert!(said.contains("{ column = \\\"body\\\", html = true }"), "{said}");
    for words in [true, false] {
        let answers = Answers { html: Some(words), ..Answers::default() };
        let guess = guess(&table("tickets.csv", text), &answers);
        let rule =
            guess.fields.iter().find(|field| field.key == Key::Text).map(|field| field.rule.to_string());
        assert_eq!(rule, Some(format!("{{ column = \"body\", html = {words} }}")));
    }
    // Words that look a little like it.
    let text = "from,to,sent at,body\nann,bob,2024-01-01T10:00:00Z,a < b & <really> so\nbob,ann,2024-01-01T10:01:00Z,<3\n";
    assert!(guessed("chat.csv", text).contains("text = \"body\""));
}

#[test]
fn utf_8_read_as_latin_1_is_repaired_where_it_is_clear() {
    let rows = |words: [&str; 2]| {
        let row = |(n, words): (usize, &&str)| format!("ann,bob,2024-01-01T10:0{n}:00Z,{words}\n");
        "from,to,sent at,body\n".to_owned() + &words.iter().enumerate().map(row).collect::<String>()
    };
    let of = |words| guess(&table("chat.csv", &rows(words)), &Answers::default());
    let clear = of(["cafÃ©", "plain"]);
    let (chosen, why) = clear.mojibake.unwrap();
    assert_eq!((chosen, clear.to_do.len()), (Mojibake::Repair, 0));
    assert!(why.contains("`cafÃ©` for `café`"), "{why}");
    let mixed = of(["cafÃ©", "café"]);
    assert!(mixed.mojibake.is_none());
    assert!(
        mixed.to_do[0].contains("1 value looks") && mixed.to_do[0].contains("1 is right"),
        "{:?}",
        mixed.to_do
    );
    // One text of both kinds is both; the word is named, wherever it stands.
    let one = of(["Größe: cafÃ©", "plain"]);
    assert!(one.mojibake.is_none());
    assert!(one.to_do[0].contains("`cafÃ©` for `café`, and 1 is right"), "{:?}", one.to_do);
    let answers = Answers { mojibake: Some(Mojibake::Keep), ..Answers::default() };
    let answered = guess(&table("chat.csv", &rows(["cafÃ©", "café"])), &answers);
    assert_eq!(
        (answered.mojibake.map(|(chosen, _)| chosen), answered.to_do.len()),
        (Some(Mojibake::Keep), 0)
    );
    let right = of(["café", "«CAFÉ»"]);
    assert_eq!((right.mojibake, right.to_do.len()), (None, 0));
}

#[test]
fn a_room_of_the_same_name_in_another_list_around_it_is_asked_about() {
    for (outer, key) in [("workspaces", "id"), ("teams", "name")] {
        let room = |name: &str, id: &str| {
            format!(
                r#"{{"{key}":"{name}","messages":[{{"id":"{id}1","from":"ann","text":"is it ready","sent_at":"2024-03-01T08:{id}1:00Z"}},{{"id":"{id}2","from":"bob","text":"not yet at all","sent_at":"2024-03-01T08:{id}2:00Z"}}]}}"#
            )
        };
        let export = |second: &str| {
            format!(
                r#"{{"{outer}":[{{"{key}":"x","rooms":[{},{}]}},{{"{key}":"y","rooms":[{},{}]}}]}}"#,
                room("general", "1"),
                room("random", "2"),
                room(&format!("general{second}"), "3"),
                room(&format!("random{second}"), "4")
            )
        };
        let groups = |second: &str| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("export.json");
            fs_err::write(&path, export(second)).unwrap();
            let sources = [path.to_string_lossy().into_owned()];
            let guess = crate::look(&sources, &Answers::default(), &mut |_, _| {}).unwrap().guess.unwrap();
            let found = guess.fields.iter().find(|field| field.key.name() == "groupID");
            let asked: Vec<_> = guess.open.iter().map(|open| open.key.name()).collect();
            (found.map(|field| field.rule.to_string()), asked.join(" "))
        };
        assert_eq!(groups(""), (None, "groupID".to_owned()));
        let by_room = format!("{{ inherited = \"{outer}[].rooms[].{key}\" }}");
        assert_eq!(groups("-y"), (Some(by_room), String::new()));
    }
}

#[test]
fn threads_within_channels_are_asked_about() {
    let export = |inner: &str| {
        let message = |n: u32| {
            format!(
                r#"{{"id":"m{n}","from":"{}","text":"is it ready {n}","ts":170000000{n}}}"#,
                ["ann", "bo"][n as usize % 2]
            )
        };
        let thread =
            |n: u32| format!(r#"{{"id":"t{n}","messages":[{},{}]}}"#, message(n * 2), message(n * 2 + 1));
        let channel =
            |n: u32| format!(r#"{{"id":"c{n}","{inner}":[{},{}]}}"#, thread(n * 2), thread(n * 2 + 1));
        format!(r#"{{"channels":[{},{}]}}"#, channel(0), channel(1))
    };
    for inner in ["threads", "conversations"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("export.json");
        fs_err::write(&path, export(inner)).unwrap();
        let sources = [path.to_string_lossy().into_owned()];
        let guess = crate::look(&sources, &Answers::default(), &mut |_, _| {}).unwrap().guess.unwrap();
        let choices: Vec<String> =
            guess.open.iter().flat_map(|open| &open.choices).map(ToString::to_string).collect();
        for of in ["channels[].id", &format!("channels[].{inner}[].id")] {
            assert!(choices.contains(&format!("{{ inherited = \"{of}\" }}")), "{of}: {choices:?}");
        }
    }
}

#[test]
fn whoever_receives_is_one_person() {
    let said = |to: [&str; 3]| {
        let row = |n: usize| {
            format!(
                "m{n},{},\"{}\",2024-03-01T08:{}:00Z,words of number {n}\n",
                ["ann", "bo", "cy"][n % 3],
                to[n % 3],
                10 + n
            )
        };
        guessed("mail.csv", &(0..12).fold("id,from,to,date,body\n".to_owned(), |text, n| text + &row(n)))
    };
    for to in [
        ["bo;cy", "ann", "bo"],
        ["bo, cy", "ann", "bo"],
        ["x@a.de y; z@a.de", "ann", "bo"],
        ["x@a.de,z@a.de", "ann", "bo"],
    ] {
        assert!(
            said(to).contains("recvID?  # `to` names a receiver, and is not always the other of two"),
            "{to:?}"
        );
    }
    for to in [["bo", "ann", "bo"], ["Lee, Dan", "ann", "bo"]] {
        assert!(said(to).contains("recvID = \"to\""), "{to:?}");
    }
}

#[test]
fn a_room_that_stands_under_several_of_what_holds_rooms_is_asked_about() {
    let csv = |names: [&str; 3], rows: &dyn Fn(usize) -> [String; 3]| {
        let row = |n: usize| {
            let ([around, room, who], minute) = (rows(n), 10 + n);
            format!("{around},{room},m{n},{who},is it ready {n} times,2024-03-01T08:{minute}:00Z\n")
        };
        let head = format!("{},{},id,{},text,date\n", names[0], names[1], names[2]);
        guessed("chat.csv", &(head + &(0..24).map(row).collect::<String>()))
    };
    let person = |n: usize| ["ann", "bob", "cleo", "dan"][n % 4].to_owned();
    let twice = |n: usize| [format!("a{}", n / 12), format!("r{}", n / 6 % 2), person(n)];
    let once = |n: usize| [format!("a{}", n / 12), format!("r{}", n / 6), person(n)];
    let of_the_writer = |n: usize| [format!("a{}", n % 2), format!("r{}", n / 12), person(n)];
    let their_own =
        |n: usize| [format!("a{}", n / 12), format!("r{}", n / 6 % 2), format!("{}{}", person(n), n / 12)];
    let names = [
        "tenant_id",
        "tenantId",
        "Workspace",
        "workspace.name",
        "guild_name",
        "server",
        "team",
        "Organisation",
        "公司",
    ];
    for around in names {
        for (room, sender) in [("room_id", "user_id"), ("channel", "author"), ("conversation", "from")] {
            let names = [around, room, sender];
            let said = csv(names, &twice);
            let asked = format!("groupID?  # the same `{room}` stands under more than one `{around}`");
            let way = format!("`groupID = {{ column = [\"{around}\", \"{room}\"] }}` parts them");
            assert!(said.contains(&asked) && said.contains(&way), "{said}");
            assert!(csv(names, &once).contains(&format!("groupID = \"{room}\"")));
        }
    }
    // Where the writer belongs.
    assert!(csv(["company", "room_id", "user_id"], &of_the_writer).contains("groupID = \"room_id\""));
    // A tenant has people of its own.
    assert!(csv(["tenant_id", "room_id", "user_id"], &their_own).contains("groupID?"));
}

#[test]
fn two_times_of_a_message_are_asked_about_unless_they_are_the_same() {
    let said = |second: &dyn Fn(usize) -> String| {
        let row = |n: usize| {
            let (room, who) = (n % 2, ["ann", "bo", "cy"][n % 3]);
            format!("m{n},r{room},{who},words of number {n},{},{}\n", 1_700_000_000 + n * 60, second(n))
        };
        guessed(
            "chat.csv",
            &(0..12).fold("id,room,from,text,client_time,server_time\n".to_owned(), |text, n| text + &row(n)),
        )
    };
    // Unique both, and yet another moment: seconds later, or as it came.
    assert!(said(&|n| (1_700_000_003 + n * 61).to_string()).contains("sendTime?"));
    assert!(said(&|n| (1_700_000_000 + n * 60).to_string()).contains("sendTime = "));
    assert!(said(&|n| (1_700_000_000_000_u64 + n as u64 * 60_000).to_string()).contains("sendTime = "));
    let local = |n: usize| {
        jiff::Timestamp::from_second(1_700_003_600 + i64::try_from(n).unwrap() * 60)
            .unwrap()
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    };
    assert!(said(&local).contains("sendTime = { column = \"client_time\""));
}

#[test]
fn who_gets_a_copy_is_asked_about_and_what_the_app_wrote_is_left_out() {
    let said = |head: &str, last: [&str; 3]| {
        let row = |n: usize| {
            let from = ["ann", "bo"][n % 2];
            format!(
                "m{n},{from},{},2024-03-01T08:{}:00Z,words of number {n},{}\n",
                ["bo", "ann"][n % 2],
                10 + n,
                last[n % 3]
            )
        };
        guessed("chat.csv", &(0..12).fold(format!("{head}\n"), |text, n| text + &row(n)))
    };
    assert!(said("id,from,to,date,body,Cc", ["", "cy", ""]).contains("recvID?  # `Cc` names others"));
    assert!(said("id,from,to,date,body,Cc", ["", "", ""]).contains("recvID = \"to\""));
    let row = |n: usize| {
        format!(
            "m{n},r{},{},2024-03-01T08:{}:00Z,words of number {n}\n",
            n % 2,
            ["ann", "System", "bo"][n % 3],
            10 + n
        )
    };
    let said =
        guessed("chat.csv", &(0..12).fold("id,room,from,date,body\n".to_owned(), |text, n| text + &row(n)));
    assert!(
        said.contains(
            "leave out from: is = [\"System\"] (system-row)  # 4 records that the app wrote itself"
        ),
        "{said}"
    );
}

#[test]
fn writers_that_are_counted_apart_are_asked_about() {
    let said = |agents: usize| {
        let row = |n: usize| {
            let (kind, id) = [("User", 1 + n / 6), ("Agent", agents), ("User", 5)][n % 3];
            format!("m{n},t{},{kind},{id},words of number {n},2024-03-01T08:{}:00Z\n", n / 6, 10 + n)
        };
        guessed(
            "chat.csv",
            &(0..24).fold("id,room_id,sender_type,sender_id,body,created_at\n".to_owned(), |text, n| {
                text + &row(n)
            }),
        )
    };
    let asked = "sendID?  # the same `sender_id` stands under more than one `sender_type`";
    assert!(said(1).contains(asked), "{}", said(1));
    assert!(said(900).contains("sendID = \"sender_id\""));
}

#[test]
fn what_was_never_sent_is_left_out_and_said() {
    let said = |column: &str, never: &str, else_: &str| {
        let row = |n: usize| {
            let (state, minute) = (if n.is_multiple_of(6) { never } else { else_ }, 10 + n);
            format!(
                "m{n},r{},{},is it ready {n} times,2024-03-01T08:{minute}:00Z,{state}\n",
                n / 12,
                ["ann", "bo", "cy"][n % 3]
            )
        };
        guessed(
            "chat.csv",
            &(0..24).fold(format!("id,room_id,sender_id,text,sent_at,{column}\n"), |text, n| text + &row(n)),
        )
    };
    for (column, never, else_, rule) in [
        ("status", "draft", "sent", "is = [\"draft\"]"),
        ("State", "Scheduled", "delivered", "is = [\"Scheduled\"]"),
        ("message_status", "failed", "read", "is = [\"failed\"]"),
        ("is_draft", "1", "0", "is = [\"1\"]"),
        ("draft", "true", "false", "is = [\"true\"]"),
    ] {
        let said = said(column, never, else_);
        assert!(said.contains(&format!("leave out {column}: {rule} (not-sent)")), "{column}: {said}");
        assert!(said.contains("note: left out: 4 records that were never sent"), "{column}: {said}");
    }
    assert!(!said("status", "delivered", "read").contains("leave out"));
}

#[test]
fn a_chat_that_is_called_as_one_of_the_two_in_it_is_asked_about() {
    let said = |names: [&str; 2], head: &str| {
        let row = |n: usize| {
            let (chat, who) =
                [(names[0], ["Ann", "Bo"]), (names[1], ["Ann", "Cy"]), ("Kitchen", ["Bo", "Cy"])][n % 3];
            let who = who[n / 3 % 2];
            let id = if head.contains("id") { format!(",u{}", who.len() * 7) + who } else { String::new() };
            format!("{chat},{who},2024-03-01T08:{}:00Z,words of number {n}{id}\n", 10 + n)
        };
        guessed("chat.csv", &(0..24).fold(format!("{head}\n"), |text, n| text + &row(n)))
    };
    for head in ["chat,from,time,text", "chat,sender_name,time,text,sender_id"] {
        let called = said(["Bo", "Cy"], head);
        assert!(called.contains("groupID?  # some conversations look like chats of two"), "{called}");
        assert!(said(["Lab", "Garden"], head).contains("groupID = \"chat\""), "{head}");
    }
}

#[test]
fn what_was_taken_back_is_left_out_and_said() {
    let said = |column: &str, taken: &str, not: &str| {
        let row = |n: usize| {
            let (state, minute) = (if n.is_multiple_of(6) { taken } else { not }, 10 + n);
            let (room, who) = (n / 12, ["ann", "bob", "cleo"][n % 3]);
            format!("m{n},r{room},{who},is it ready {n} times,2024-03-01T08:{minute}:00Z,{state}\n")
        };
        let head = format!("id,room_id,sender_id,text,sent_at,{column}\n");
        guessed("chat.csv", &(head + &(0..24).map(row).collect::<String>()))
    };
    for (column, taken, not, rule) in [
        ("is_deleted", "1", "0", "is = [\"1\"]"),
        ("isDeleted", "true", "false", "is = [\"true\"]"),
        ("Deleted", "Yes", "No", "is = [\"Yes\"]"),
        ("recalled", "1", "", "is = [\"1\"]"),
        ("是否撤回", "是", "否", "is = [\"是\"]"),
        ("deleted_at", "2024-03-02T08:00:00Z", "", "empty = false"),
        ("revokeTime", "1709366400000", "0", "not = \"0\""),
        ("status", "deleted", "delivered", "is = [\"deleted\"]"),
        ("msg_status", "Recalled", "read", "is = [\"Recalled\"]"),
        ("deleted_by", "ann", "", "empty = false"),
    ] {
        let said = said(column, taken, not);
        assert!(said.contains(&format!("leave out {column}: {rule} (taken-back)")), "{column}: {said}");
        assert!(said.contains("note: left out: 4 records that were taken back"), "{column}: {said}");
        assert!(said.contains("text = \"text\""), "{column}: {said}");
    }
    for (column, one, other) in
        [("is_deleted", "0", "0"), ("status", "read", "delivered"), ("is_read", "1", "0")]
    {
        assert!(!said(column, one, other).contains("leave out"), "{column}");
    }
    // Of all of them: a column that means something else.
    let all = said("is_deleted", "1", "1");
    assert!(!all.contains("leave out") && all.contains("note: by `is_deleted` all messages"), "{all}");
}
