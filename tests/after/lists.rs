//! A server that is killed at the first messages of a conversation leaves it out of people's lists: they are shown nothing
//! of it, and nothing that is sent later makes up for it.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::history;
use super::world::World;
use crate::support::as_admin;

fn verdict(answer: &super::world::Answer) -> &str {
    answer.json["verdict"].as_str().unwrap()
}

/// Who has it in his list.
fn listed(world: &World, user: &str, conversation: &str) -> bool {
    let ask = json!({ "ownerUserID": user, "conversationIDs": [conversation] });
    let told = as_admin(&world.server.url, "/conversation/get_conversations", &ask);
    told["data"]["conversations"].as_array().is_some_and(|found| found.len() == 1)
}

fn imported() -> World {
    let world = World::new(&["--unlisted-for", "2s"]);
    world.export("chat.jsonl", &history(30));
    world.run(&["chat.jsonl", "--provision"]).is(0, &json!({ "confirmed": 30 }));
    world
}

#[test]
fn a_run_puts_them_there_and_reads_again() {
    for release in ["3.8.3", "main"] {
        let options = ["--release", release, "--unlisted-for", "2s", "--fault", "read-gap:ms=1500,times=1"];
        let world = World::new(&options);
        world.export(
            "chat.jsonl",
            &history(60).into_iter().filter(|said| said.conversation == "si_a_b").collect::<Vec<_>>(),
        );
        let max_seq =
            || world.server.control("/_rehearsal/audit", None)["total"]["max_seq"].as_i64().unwrap();
        let run = std::thread::scope(|scope| {
            scope.spawn(|| {
                while max_seq() == 0 {
                    std::thread::sleep(Duration::from_millis(20));
                }
                let kill = json!({ "kind": "restart", "down-ms": 100, "kill": true });
                world.server.control("/_rehearsal/now", Some(&kill));
            });
            world.run(&["chat.jsonl", "--provision", "--repair"])
        });
        assert!(verdict(&run).contains("1 conversation was put into 2 lists"), "{}", verdict(&run));
        // The slots that the killed server had given out are empty, which is another thing to be mended.
        assert!(matches!(run.code, 0 | 8), "{}", run.json);
        run.is(run.code, &json!({ "confirmed": 20, "hidden": 0 }));
        assert_eq!(["a", "b"].map(|user| listed(&world, user, "si_a_b")), [true, true]);
        let verified = world.json(&["verify", "--client"]);
        verified.is(run.code, &json!({ "confirmed": 20, "hidden": 0, "scroll_unknown": 0 }));
        assert!(!verdict(&verified).contains("missing from"), "{}", verdict(&verified));
        let report = fs_err::read_to_string(world.path("import.job/report.html")).unwrap();
        assert!(report.contains("put into 2 lists"), "what was done to the server stands in the report");
    }
}

/// One of the two has it, and reads everything: that the other sees nothing is found all the same.
#[test]
fn verify_finds_who_lacks_it_and_puts_it_there() {
    let world = imported();
    for (conversation, user) in [("si_a_b", "b"), ("sg_g", "a")] {
        world.damage(conversation, 1, &json!({ "kind": "unlist", "user": user }));
    }
    world.json(&["verify"]).is(0, &json!({ "confirmed": 30 }));
    let found = world.json(&["verify", "--client"]);
    found.is(8, &json!({ "confirmed": 30 }));
    let said = "2 conversations are missing from 2 lists of people who take part";
    assert!(verdict(&found).contains(said) && verdict(&found).contains("si_a_b (b)"), "{}", verdict(&found));
    let mended = world.json(&["verify", "--repair"]);
    mended.is(0, &json!({ "confirmed": 30 }));
    assert!(verdict(&mended).contains("2 conversations were put into 2 lists"), "{}", verdict(&mended));
    assert_eq!([listed(&world, "b", "si_a_b"), listed(&world, "a", "sg_g")], [true, true]);
    world.json(&["verify", "--client"]).is(0, &json!({ "scrollable": 3 }));
}

/// Who has left a group is not to have it, and gets it from nobody.
#[test]
fn who_has_left_a_group_is_not_put_there() {
    let world = imported();
    world.damage("sg_g", 1, &json!({ "kind": "unlist", "user": "a" }));
    let kick = json!({ "groupID": "g", "kickedUserIDs": ["a"], "reason": "", "sendMessage": false });
    let kicked = as_admin(&world.server.url, "/group/kick_group", &kick);
    assert_eq!(kicked["errCode"], Value::from(0), "{kicked}");
    world.json(&["verify", "--repair"]).is(0, &json!({ "confirmed": 30 }));
    assert!(!listed(&world, "a", "sg_g"));
}
