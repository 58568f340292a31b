//! What there is to import: a few conversations, equal times and equal messages among them.

use openim_importer::message::{Message, Peer, Place, SendTime, SourceNo};

use super::dice::Dice;

/// A message that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) conversation: String,
    pub(super) sender: String,
    /// As the export says.
    pub(super) written: i64,
    pub(super) text: String,
}

/// A history.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// Pass by pass, in source order.
    pub(super) passes: Vec<Vec<Said>>,
    /// Equal times are spread.
    pub(super) spread: bool,
}

/// A text that the server does not take: whatever says it is refused for good.
pub(super) const REFUSED: &str = "";

const BEGAN: i64 = 1_700_000_000_000;

impl History {
    pub(super) fn draw(dice: &Dice) -> Self {
        let conversations = dice.few(4);
        let passes = 1 + u64::from(dice.per_mille(200));
        let spread = dice.per_mille(500);
        let equal = if dice.per_mille(400) { 600 } else { 0 };
        let refused = if dice.per_mille(200) { 150 } else { 0 };
        let mut time = BEGAN;
        let mut history = Self { passes: Vec::new(), spread };
        for _ in 0..passes {
            let messages = match dice.below(20) {
                0 => 1 + dice.below(500),
                1..=6 => 1 + dice.below(120),
                _ => 1 + dice.below(20),
            };
            // What an earlier pass has at the same time, in the same words, is no message of this one.
            time += 1_000;
            let mut said: Vec<Said> = Vec::new();
            for n in 0..messages {
                if !dice.per_mille(equal) {
                    time += 1_000;
                }
                let which = dice.below(conversations);
                let (a, b) = (format!("a{which}"), format!("b{which}"));
                let conversation =
                    if which % 3 == 2 { format!("sg_g{which}") } else { format!("si_{a}_{b}") };
                let sender = if dice.per_mille(500) { a } else { b };
                // Some say the same at the same time.
                let text = if dice.per_mille(refused) {
                    REFUSED.to_owned()
                } else if dice.per_mille(200) {
                    "ok".to_owned()
                } else {
                    format!("message {n} of {time}")
                };
                said.push(Said { conversation, sender, written: time, text });
            }
            history.passes.push(said);
        }
        history
    }

    /// In turn in so many conversations, as people write.
    pub(super) fn in_turn(messages: u64, conversations: u64) -> Self {
        let said = (0..messages).map(|n| {
            let which = n % conversations;
            let (a, b) = (format!("a{which}"), format!("b{which}"));
            Said {
                conversation: format!("si_{a}_{b}"),
                sender: if n % 3 == 0 { a } else { b },
                written: BEGAN + 1_000 * n.cast_signed(),
                text: format!("message {n}"),
            }
        });
        Self { passes: vec![said.collect()], spread: false }
    }

    /// What has to stand in a conversation, in order: sender, `sendTime`, text.
    pub(super) fn expected(&self, conversation: &str, passes: usize) -> Vec<(String, i64, String)> {
        let mut last = i64::MIN;
        let mut expected = Vec::new();
        for pass in self.passes.iter().take(passes) {
            let mut said: Vec<&Said> = pass.iter().filter(|one| one.conversation == conversation).collect();
            said.sort_by_key(|one| one.written);
            for one in said {
                let time = if self.spread { one.written.max(last + 1) } else { one.written };
                last = time;
                expected.push((one.sender.clone(), time, one.text.clone()));
            }
        }
        expected
    }

    /// How many messages the server refuses.
    pub(super) fn refused(&self, passes: usize) -> u64 {
        self.passes.iter().take(passes).flatten().filter(|said| said.text == REFUSED).count() as u64
    }

    pub(super) fn conversations(&self) -> Vec<String> {
        let all = self.passes.iter().flatten().map(|one| one.conversation.clone());
        all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }
}

impl Said {
    pub(super) fn message(&self) -> Message<'_> {
        let peer = if let Some(group) = self.conversation.strip_prefix("sg_") {
            Peer::Group(group.into())
        } else {
            let (a, b) = self.conversation["si_".len()..].split_once('_').unwrap();
            Peer::User(if self.sender == a { b } else { a }.into())
        };
        Message {
            sender: self.sender.as_str().into(),
            peer,
            nickname: "".into(),
            face_url: "".into(),
            platform: 10,
            content_type: 101,
            content: serde_json::json!({ "content": self.text }).to_string().into(),
            send_time: SendTime(self.written),
            ex: "".into(),
            not_offline_push: true,
            online_only: false,
            offline_push_info: None,
            source_id: None,
            quote: None,
            place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
        }
    }
}
