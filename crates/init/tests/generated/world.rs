//! What really was said: people, chats and messages, before anybody exported them.

use crate::dice::Dice;

pub(crate) struct World {
    pub(crate) people: Vec<Person>,
    pub(crate) chats: Vec<Chat>,
    /// In the order of time.
    pub(crate) messages: Vec<Message>,
}

pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: &'static str,
}

pub(crate) struct Chat {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) members: Vec<usize>,
    pub(crate) direct: bool,
    pub(crate) created: i64,
}

pub(crate) struct Message {
    pub(crate) chat: usize,
    pub(crate) writer: usize,
    pub(crate) text: String,
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) id: String,
    pub(crate) read: bool,
}

const NAMES: [&[&str]; 6] = [
    &[
        "Ann Lee",
        "Bob Stone",
        "Cleo Young",
        "Dan Reyes",
        "Eva Novak",
        "Finn Moore",
        "Gwen Tanaka",
        "Hugo Bell",
    ],
    &["Jürgen", "Bärbel", "Käthe", "Jörg", "Günther", "Ännchen", "Björn", "Anke"],
    &["王伟", "李娜", "张敏", "刘洋", "陈静", "赵磊", "周婷", "吴刚"],
    &["Анна", "Борис", "Зоя", "Жанна", "Илья", "Ольга", "Пётр", "Юрий"],
    &["民秀", "さくら", "健太", "美咲", "翔太", "陽菜", "蓮", "結衣"],
    &["Zoë", "José", "François", "Chloé", "Inês", "Óscar", "Renée", "Núria"],
];

const WORDS: [&[&str]; 4] = [
    &[
        "see you tomorrow morning",
        "the printer is out of paper again",
        "can you send the invoice",
        "ok",
        "thanks, that works for me",
        "price went up by ten percent",
        "no idea, ask the others",
        "is it \"done\"; really?",
        "first line\nsecond line",
        "see https://example.com/a?b=c",
        "yes",
        "42",
    ],
    &["明天早上见", "打印机又没纸了", "请把发票发给我", "好的", "谢谢，可以的", "不知道", "价格涨了百分之十"],
    &["до завтра", "принтер опять без бумаги", "пришли счёт", "ладно", "спасибо, подходит", "не знаю"],
    &[
        "bis später, schöne Grüße",
        "der Drucker ist leer",
        "schick mir die Rechnung",
        "ja",
        "weiß nicht",
        "über Köln",
    ],
];

const GROUPS: [&[&str]; 3] = [
    &["general", "random", "it-helpdesk", "garden", "kitchen", "board-games", "support-eu", "hiking"],
    &["General", "Kitchen", "Hiking", "Book Club", "Support", "Team East", "Release 2", "Fußball"],
    &["同学群", "技术部", "周末登山", "家庭群", "项目组", "销售部", "食堂", "读书会"],
];

impl World {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let names = *dice.pick(&NAMES);
        let words = *dice.pick(&WORDS);
        let groups = *dice.pick(&GROUPS);
        let ids = dice.below(6);
        let chat_ids = dice.below(6);
        let count = dice.between(3, 8);
        let twins = dice.percent(12);
        let mut people: Vec<Person> = (0..count)
            .map(|n| {
                let login = format!(
                    "{}.{}",
                    ["ann", "bob", "cleo", "dan", "eva", "finn", "gwen", "hugo"][n],
                    dice.below(90)
                );
                let name = names[n].to_owned();
                let id = match ids {
                    0 => name.clone(),
                    1 => format!("{}", 10 + n * 7 + dice.below(7)),
                    2 => format!("U{:08X}", dice.next() as u32),
                    3 => login.clone(),
                    4 => uuid(dice),
                    _ => format!("{login}@mail.example"),
                };
                Person {
                    id,
                    name,
                    email: format!("{login}@mail.example"),
                    role: if dice.percent(50) { "staff" } else { "customers" },
                }
            })
            .collect();
        if twins && ids != 0 {
            let (first, rest) = people.split_at_mut(1);
            rest[0].name.clone_from(&first[0].name);
        }
        let only_groups = dice.percent(45);
        let mut chats: Vec<Chat> = Vec::new();
        let number = dice.between(1, 6);
        for (n, group) in groups.iter().take(number).enumerate() {
            let direct = !only_groups && dice.percent(55);
            let mut members: Vec<usize> = (0..count).collect();
            dice.shuffle(&mut members);
            members.truncate(if direct { 2 } else { dice.between(3, count) });
            if direct
                && chats.iter().any(|chat| chat.direct && members.iter().all(|m| chat.members.contains(m)))
            {
                continue;
            }
            let name = if direct { people[members[1]].name.clone() } else { (*group).to_owned() };
            let id = match chat_ids {
                0 => format!("{}", 3 + n * 2),
                1 => format!("c{}", 100 + n * 7),
                2 => uuid(dice),
                3 if direct => format!("{}__{}", people[members[0]].id, people[members[1]].id),
                4 => format!("19:{:016x}@thread.v2", dice.next()),
                _ if !direct => group.to_lowercase().replace(' ', "-"),
                _ => format!("dm-{n}"),
            };
            chats.push(Chat { id, name, members, direct, created: 1_590_000_000 + 86_400 * n as i64 });
        }
        let mut time = 1_600_000_000 + dice.below(90_000_000) as i64;
        let mut messages = Vec::new();
        let several = dice.between(4, 14);
        for n in 0..several * chats.len() {
            time += dice.between(5, 9_000) as i64;
            // Everybody in the first chats has said something.
            let chat = dice.below(chats.len());
            let writer = *dice.pick(&chats[chat].members);
            let tail = if dice.percent(80) { format!(" ({n})") } else { String::new() };
            let text = format!("{}{tail}", dice.pick(words));
            messages.push(Message { chat, writer, text, time, id: String::new(), read: dice.percent(70) });
        }
        let style = dice.below(5);
        let mut last = vec![0; chats.len()];
        for (n, message) in messages.iter_mut().enumerate() {
            last[message.chat] += 1;
            message.id = match style {
                0 => format!("{}", n + 1),
                1 => uuid(dice),
                2 => format!("{}", 1_000_000_000_000_000_000 + n as i64 * 1_048_583),
                // Counted in each chat.
                3 => format!("{}", last[message.chat]),
                _ => format!("m-{n}"),
            };
        }
        Self { people, chats, messages }
    }

    /// Whoever else is in a chat of two.
    pub(crate) fn other(&self, message: &Message) -> Option<usize> {
        let chat = &self.chats[message.chat];
        chat.direct.then(|| chat.members.iter().copied().find(|m| *m != message.writer)).flatten()
    }
}

pub(crate) fn uuid(dice: &mut Dice) -> String {
    let (a, b) = (dice.next(), dice.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a as u32,
        (a >> 32) as u16,
        (a >> 52) as u16 & 0xfff,
        b as u16 & 0xfff,
        b >> 16
    )
}
