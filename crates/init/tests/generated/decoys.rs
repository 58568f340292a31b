//! Columns that are beside what matters, and are named as if they did.

use crate::dice::Dice;
use crate::export::Column;
use crate::world::{Message, World, uuid};

type Value = Box<dyn Fn(&World, &Message) -> String>;

/// Some of them.
pub(crate) fn some(world: &World, dice: &mut Dice) -> Vec<Column> {
    let owner = dice.below(world.people.len());
    let tenant = uuid(dice);
    let flags = *dice.pick(&[("true", "false"), ("1", "0"), ("TRUE", "FALSE"), ("yes", "no")]);
    let constant = |text: &str| -> Value {
        let text = text.to_owned();
        Box::new(move |_, _| text.clone())
    };
    let flag = move |yes: fn(&Message) -> bool| -> Value {
        Box::new(move |_, m| if yes(m) { flags.0 } else { flags.1 }.to_owned())
    };
    let medium = dice.percent(70);
    let nth = |m: &Message| usize::try_from(m.time).unwrap_or(0);
    let mut all: Vec<(&str, Value)> = vec![
        ("owner", constant(&world.people[owner].name)),
        ("account", constant(if dice.percent(50) { "main" } else { &world.people[owner].id })),
        ("assigned_to", constant(&world.people[owner].name)),
        ("assignee", Box::new(move |w, m| w.people[w.chats[m.chat].members[0]].id.clone())),
        ("medium", constant("whatsapp")),
        ("source", constant("app")),
        ("team", constant("north")),
        ("workspace", constant("acme")),
        ("organization", constant("Acme Ltd")),
        ("tenant_id", constant(&tenant)),
        ("priority", Box::new(move |_, m| ["high", "low"][nth(m) % 2].to_owned())),
        ("status", Box::new(move |_, m| if m.read { "read" } else { "delivered" }.to_owned())),
        ("read", flag(|m| m.read)),
        ("deleted", flag(|_| false)),
        ("is_bot", flag(|_| false)),
        ("author_verified", flag(|_| true)),
        ("status_code", constant("200")),
        ("delivered_at", Box::new(|_, m| (m.time + 1).to_string())),
        (
            "edited_at",
            Box::new(move |_, m| if m.time % 7 == 0 { (m.time + 60).to_string() } else { String::new() }),
        ),
        ("chat_created_at", Box::new(|w, m| w.chats[m.chat].created.to_string())),
        ("position", Box::new(move |_, m| (nth(m) % 97).to_string())),
        ("device", Box::new(move |_, m| ["iPhone", "Pixel", "PC"][nth(m) % 3].to_owned())),
        ("avatar_url", Box::new(|w, m| format!("https://cdn.example/{}.png", w.people[m.writer].email))),
        ("snippet", Box::new(|_, m| m.text.chars().take(9).collect())),
        ("last_read_by", Box::new(|w, m| w.people[w.chats[m.chat].members[1]].name.clone())),
        ("thread_ts", Box::new(move |_, m| if m.time % 5 == 0 { m.time.to_string() } else { String::new() })),
        ("email", Box::new(|w, m| w.people[m.writer].email.clone())),
        ("internal_note", flag(|_| false)),
        ("is_public", flag(|_| true)),
        ("content_type", constant("text/plain")),
        ("type", constant("text")),
        ("language", constant("en")),
        ("reactions", Box::new(move |_, m| (nth(m) % 3).to_string())),
        ("updated_by", Box::new(|w, m| w.people[w.chats[m.chat].members[0]].name.clone())),
        (
            "comment",
            Box::new(
                move |_, m| if m.time % 9 == 0 { "looked into, all fine".to_owned() } else { String::new() },
            ),
        ),
        ("subject", Box::new(|w, m| w.chats[m.chat].name.clone())),
    ];
    if dice.percent(30) {
        all.push(("group", Box::new(|w, m| w.people[m.writer].role.to_owned())));
    }
    if medium && dice.percent(30) {
        all.push(("channel", constant("whatsapp")));
    }
    dice.shuffle(&mut all);
    all.truncate(dice.below(9));
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
