//! What an export has besides its messages: some taken back, edited or with files, reactions, rooms of two workspaces; or
//! how it was made: by a phone, in an old encoding.

use crate::dice::Dice;
use crate::export::{Column, time, workspace};
use crate::world::{Message, World};

/// What an export has besides, drawn by dice of their own.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Besides {
    /// How it says that a message was taken back.
    pub(crate) taken_back: Option<TakenBack>,
    /// Edited messages stand there twice, with this column.
    pub(crate) edited: Option<&'static str>,
    /// The column of their files.
    pub(crate) files: Option<&'static str>,
    /// What the rooms stand in.
    pub(crate) workspaces: Option<&'static str>,
    /// Reactions are records of their own.
    pub(crate) reactions: Option<Reactions>,
    /// It is somebody's phone: the columns of whose it is and of who is at the other end.
    pub(crate) phone: Option<(&'static str, &'static str)>,
    /// Which flag says that some are notes that not everybody may read, and what it says then.
    pub(crate) internal: Option<(&'static str, &'static str, &'static str)>,
    /// In which encoding it is, where all of it can be written so.
    pub(crate) encoding: Option<&'static encoding_rs::Encoding>,
}

/// How a record says that it is a reaction.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reactions {
    Type(&'static str, &'static str),
    Flag(&'static str),
    Target(&'static str),
    /// By a type, and the emoji stands in a column of its own.
    Apart(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum TakenBack {
    Flag(&'static str, (&'static str, &'static str)),
    Time(&'static str, &'static str),
    State(&'static str, &'static str),
}

impl Besides {
    pub(crate) fn draw(world: &mut World, dice: &mut Dice) -> Self {
        let mut besides = Self::default();
        if dice.percent(12) {
            world.take_back(dice);
            besides.taken_back = Some(match dice.below(3) {
                0 => TakenBack::Flag(
                    dice.word(&[
                        "is_deleted",
                        "deleted",
                        "is_recalled",
                        "revoked",
                        "removed",
                        "is_revoked",
                        "已撤回",
                        "is_draft",
                    ]),
                    *dice.pick(&[
                        ("true", "false"),
                        ("1", "0"),
                        ("TRUE", "FALSE"),
                        ("yes", "no"),
                        ("Y", "N"),
                    ]),
                ),
                1 => TakenBack::Time(
                    dice.word(&["deleted_at", "recalled_at", "revoke_time", "date_deleted", "delete_time"]),
                    dice.word(&["", "0"]),
                ),
                _ => TakenBack::State(
                    dice.word(&["status", "state", "message_status", "msg_state"]),
                    dice.word(&[
                        "deleted",
                        "recalled",
                        "REVOKED",
                        "withdrawn",
                        "Deleted",
                        "draft",
                        "scheduled",
                        "failed",
                    ]),
                ),
            });
        }
        if dice.percent(6) {
            world.edit(dice);
            besides.edited =
                Some(dice.word(&["edited_at", "updated_at", "version", "revision", "edit_count"]));
        }
        if dice.percent(10) {
            let name = dice.word(&[
                "attachment",
                "attachment_url",
                "attachments",
                "file_url",
                "media_url",
                "files",
                "image_url",
                "附件",
            ]);
            world.attach(dice, name.ends_with('s'));
            besides.files = Some(name);
        }
        if dice.percent(10) && world.chats.iter().all(|chat| !chat.direct) {
            world.again_in_another_workspace();
            besides.workspaces = Some(dice.word(&[
                "tenant_id",
                "workspace",
                "server",
                "guild",
                "team_id",
                "company",
                "org_id",
                "space_id",
                "network",
                "community",
                "租户ID",
            ]));
        }
        besides.draw_more(world, dice);
        besides
    }

    fn draw_more(&mut self, world: &mut World, dice: &mut Dice) {
        if dice.percent(8) {
            world.react(dice);
            let name = dice.word(&["type", "event", "message_type", "record_type", "event_type"]);
            let value = dice.word(&["reaction", "reaction_added", "Reaction", "REACTION", "emoji_reaction"]);
            self.reactions = Some(match dice.below(4) {
                0 => Reactions::Type(name, value),
                1 => Reactions::Flag("is_reaction"),
                2 => Reactions::Target(dice.word(&["reaction_to", "reacted_to_id", "reaction_target"])),
                _ => Reactions::Apart(name),
            });
        }
        if dice.percent(10) && self.workspaces.is_none() {
            let both = dice.percent(20);
            world.of_a_phone(dice, both);
            self.phone = Some((
                dice.word(&[
                    "account",
                    "owner",
                    "me",
                    "my_number",
                    "account_id",
                    "self",
                    "profile",
                    "本机",
                    "user_account",
                ]),
                dice.word(&[
                    "chat_with",
                    "peer",
                    "other",
                    "contact",
                    "partner",
                    "counterpart",
                    "peer_id",
                    "interlocutor",
                    "对方",
                    "联系人",
                    "собеседник",
                    "Kontakt",
                    "with",
                ]),
            ));
        }
        if dice.percent(4) {
            self.internal = Some(*dice.pick(&[
                ("public", "false", "true"),
                ("internal", "1", "0"),
                ("is_private", "true", "false"),
                ("visibility", "internal", "public"),
                ("comment_type", "internal_note", "comment"),
            ]));
        }
        if dice.percent(10) {
            let labels = [
                "windows-1252",
                "windows-1251",
                "gb18030",
                "shift_jis",
                "big5",
                "euc-kr",
                "windows-1250",
                "utf-16le",
            ];
            self.encoding = encoding_rs::Encoding::for_label(dice.word(&labels).as_bytes());
        }
    }

    /// The columns that tell of it.
    pub(crate) fn columns(self, time_format: usize) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        match self.taken_back {
            Some(TakenBack::Flag(name, (yes, no))) => columns.push((
                name.to_owned(),
                Box::new(move |_, m| if m.taken_back { yes } else { no }.to_owned()),
            )),
            Some(TakenBack::Time(name, never)) => {
                // A zero stands among numbers alone.
                let never = if matches!(time_format, 0 | 1 | 4) { never } else { "" };
                let value = move |m: &Message| {
                    if m.taken_back { time(m.time + 90, time_format) } else { never.to_owned() }
                };
                columns.push((name.to_owned(), Box::new(move |_, m| value(m))));
            }
            Some(TakenBack::State(name, gone)) => {
                let value = move |m: &Message| {
                    if m.taken_back {
                        gone
                    } else if m.read {
                        "read"
                    } else {
                        "sent"
                    }
                };
                columns.push((name.to_owned(), Box::new(move |_, m| value(m).to_owned())));
            }
            None => {}
        }
        if let Some(name) = self.edited {
            let value = move |m: &Message| match (m.before.is_some(), name.ends_with("_at")) {
                (true, true) => time(m.time + 60, time_format),
                (false, true) => String::new(),
                (edited, false) => usize::from(edited).to_string(),
            };
            columns.push((name.to_owned(), Box::new(move |_, m| value(m))));
        }
        if let Some(name) = self.files {
            columns.push((name.to_owned(), Box::new(|_, m| m.files.join(", "))));
        }
        let only = |m: &Message, yes: &'static str, no: &'static str| {
            if m.reaction_to.is_some() { yes } else { no }.to_owned()
        };
        match self.reactions {
            Some(Reactions::Type(name, word)) => {
                columns.push((name.to_owned(), Box::new(move |_, m| only(m, word, "message"))));
            }
            Some(Reactions::Flag(name)) => {
                columns.push((name.to_owned(), Box::new(move |_, m| only(m, "1", "0"))));
            }
            Some(Reactions::Target(name)) => {
                columns.push((name.to_owned(), Box::new(|_, m| m.reaction_to.clone().unwrap_or_default())));
            }
            Some(Reactions::Apart(name)) => {
                columns.push((name.to_owned(), Box::new(move |_, m| only(m, "reaction", "text"))));
                columns.push(("emoji".to_owned(), Box::new(move |_, m| only(m, "👍", ""))));
            }
            None => {}
        }
        if let Some((name, yes, no)) = self.internal {
            columns.push((name.to_owned(), Box::new(move |_, m| if m.read { no } else { yes }.to_owned())));
        }
        if let Some(name) = self.workspaces {
            columns.push((name.to_owned(), Box::new(|w, m| workspace(w, m.chat).to_owned())));
        }
        columns
    }
}
