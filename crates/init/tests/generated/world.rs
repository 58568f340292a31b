//! What really was said: people, chats and messages, before anybody exported them.

use crate::dice::Dice;

pub(crate) struct World {
    pub(crate) people: Vec<Person>,
    pub(crate) chats: Vec<Chat>,
    /// In the order of time.
    pub(crate) messages: Vec<Message>,
}

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: &'static str,
}

#[derive(Clone)]
pub(crate) struct Chat {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) members: Vec<usize>,
    pub(crate) direct: bool,
    pub(crate) created: i64,
    /// In which of the workspaces, each of which counts its rooms anew.
    pub(crate) workspace: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Message {
    pub(crate) chat: usize,
    pub(crate) writer: usize,
    pub(crate) text: String,
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) id: String,
    pub(crate) read: bool,
    /// Its writer took it back: nobody is to read it anew.
    pub(crate) taken_back: bool,
    /// What it said before it was edited; the export has both.
    pub(crate) before: Option<String>,
    /// Files that came with it.
    pub(crate) files: Vec<String>,
    /// It is no message, but somebody's reaction to that one.
    pub(crate) reaction_to: Option<String>,
    /// It stands there as the other of the two has it, once more.
    pub(crate) mirrored: bool,
}

impl Message {
    /// Whether it is one of the messages that are to be sent.
    pub(crate) fn is_to_be_read(&self) -> bool {
        !self.taken_back && !self.mirrored && self.reaction_to.is_none()
    }

    /// As it stood there before it was edited.
    pub(crate) fn unedited(&self) -> Option<Self> {
        let text = self.before.clone()?;
        Some(Self { text, before: None, ..self.clone() })
    }
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
            let created = 1_590_000_000 + 86_400 * n as i64;
            chats.push(Chat { id, name, members, direct, created, workspace: 0 });
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
            let read = dice.percent(70);
            let message = Message { chat, writer, text, time, read, ..Message::default() };
            messages.push(message);
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

    /// Some of the messages were taken back.
    pub(crate) fn take_back(&mut self, dice: &mut Dice) {
        for message in &mut self.messages {
            message.taken_back = dice.percent(15);
        }
    }

    /// Some of them were edited.
    pub(crate) fn edit(&mut self, dice: &mut Dice) {
        for message in &mut self.messages {
            message.before = dice.percent(15).then(|| format!("{} (first try)", message.text));
        }
    }

    /// Some have files, some of these nothing else.
    pub(crate) fn attach(&mut self, dice: &mut Dice, several: bool) {
        for (n, message) in self.messages.iter_mut().enumerate() {
            if !dice.percent(25) {
                continue;
            }
            let ending = *dice.pick(&["jpg", "pdf", "png", "mp4"]);
            let files = if several { dice.between(1, 2) } else { 1 };
            message.files =
                (0..files).map(|file| format!("https://files.example/{n}/{file}.{ending}")).collect();
            if dice.percent(40) {
                message.text.clear();
            }
        }
    }

    /// Some are reacted to.
    pub(crate) fn react(&mut self, dice: &mut Dice) {
        let mut all = Vec::new();
        for (n, message) in std::mem::take(&mut self.messages).into_iter().enumerate() {
            let reaction = Message {
                writer: *dice.pick(&self.chats[message.chat].members),
                text: (*dice.pick(&["👍", "❤️", "😂"])).to_owned(),
                time: message.time + 2,
                id: format!("{}", 900_000_000 + n),
                reaction_to: Some(message.id.clone()),
                before: None,
                files: Vec::new(),
                taken_back: false,
                ..message.clone()
            };
            all.push(message);
            if dice.percent(20) {
                all.push(reaction);
            }
        }
        self.messages = all;
    }

    /// It is what the phone of the first of them has: he takes part in all chats. `both`: the phone of another beside it.
    pub(crate) fn of_a_phone(&mut self, dice: &mut Dice, both: bool) {
        let mut free: Vec<usize> = (1..self.people.len()).collect();
        dice.shuffle(&mut free);
        for chat in &mut self.chats {
            chat.direct &= !free.is_empty();
            chat.members = match free.pop() {
                Some(other) if chat.direct => vec![0, other],
                _ => (0..self.people.len()).collect(),
            };
            chat.direct = chat.members.len() == 2;
        }
        for message in &mut self.messages {
            let members = &self.chats[message.chat].members;
            if !members.contains(&message.writer) {
                message.writer = *dice.pick(members);
            }
        }
        let twice = self.chats.iter().position(|chat| chat.direct).filter(|_| both);
        let same_ids = dice.percent(50);
        let mirrored = |message: &Message| Message {
            mirrored: true,
            id: if same_ids { message.id.clone() } else { format!("{}", 1_700_000_000 + message.time) },
            ..message.clone()
        };
        let of_both = self.messages.iter().filter(|message| Some(message.chat) == twice).map(mirrored);
        let of_both: Vec<Message> = of_both.collect();
        self.messages.extend(of_both);
    }

    /// The same rooms once more, in another workspace, where other things are said.
    pub(crate) fn again_in_another_workspace(&mut self) {
        let (rooms, count) = (self.chats.len(), self.messages.len());
        for room in 0..rooms {
            let Chat { id, name, members, direct, created, .. } = &self.chats[room];
            let (id, name, members) = (id.clone(), name.clone(), members.clone());
            self.chats.push(Chat { id, name, members, direct: *direct, created: *created, workspace: 1 });
        }
        let last = self.messages.last().map_or(0, |message| message.time);
        for n in 0..count {
            let Message { chat, writer, text, time, id, read, .. } = &self.messages[n];
            let message = Message {
                chat: chat + rooms,
                writer: *writer,
                text: format!("{text}, elsewhere"),
                time: last + 77 + time - self.messages[0].time,
                id: id.parse().map_or_else(|_| format!("w{id}"), |n: i64| (n + 500_000_007).to_string()),
                read: *read,
                taken_back: false,
                before: None,
                files: Vec::new(),
                reaction_to: None,
                mirrored: false,
            };
            self.messages.push(message);
        }
    }

    /// Two halves of what was said, which two exports have.
    pub(crate) fn halves(self, dice: &mut Dice) -> [Self; 2] {
        let Self { people, chats, messages } = self;
        let (one, other) = messages.into_iter().partition(|_| dice.percent(50));
        [one, other].map(|messages| Self { people: people.clone(), chats: chats.clone(), messages })
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
