//! Who and what is where: `users.json`, `channels.json` and their like, looked at before the messages are read.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::super::loose::{Number, Object, Text, Texts};
use crate::export::cut::{Cutter, Json};
use crate::export::{CHUNK, Context, ExportError, Found, Input, Origin, Pool};
use crate::message::SourceNo;

/// Users and conversations of an export, or of several. Held in memory: some 300 bytes each.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: HashMap<String, User>,
    /// Bots post under an id of their own; some are users as well.
    bots: HashMap<String, String>,
    /// By the folder of their messages, with the path of the export in front.
    channels: HashMap<String, Channel>,
    names: HashMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) face_url: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Group,
    /// Between these two; twice the same: with oneself.
    Direct(String, String),
}

/// What files tell about users and conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Users,
    Groups,
    Directs,
}

/// A row of `users.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct UserRow<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    real_name: Text<'a>,
    deleted: Number,
    is_bot: Number,
    #[serde(borrow)]
    profile: Object<Profile<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Profile<'a> {
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    real_name: Text<'a>,
    #[serde(borrow)]
    image_512: Text<'a>,
    #[serde(borrow)]
    image_192: Text<'a>,
    #[serde(borrow)]
    image_72: Text<'a>,
    #[serde(borrow)]
    bot_id: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
}

/// A row of `channels.json`, `groups.json`, `mpims.json` or `dms.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ChannelRow<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) creator: Text<'a>,
    /// Who is in it now. Of an archived channel there is nobody.
    #[serde(borrow)]
    pub(super) members: Texts<'a>,
}

impl List {
    /// Which list a file is, by its name.
    pub(super) fn of(file: &str) -> Option<Self> {
        Some(match super::super::unpacked(file) {
            "users.json" | "org_users.json" => Self::Users,
            "channels.json" | "groups.json" | "mpims.json" => Self::Groups,
            "dms.json" => Self::Directs,
            _ => return None,
        })
    }
}

impl UserRow<'_> {
    /// What others see.
    pub(super) fn nickname(&self) -> &str {
        let profile = self.profile.0.as_ref();
        let names = [
            profile.map(|p| &p.display_name),
            Some(&self.real_name),
            profile.map(|p| &p.real_name),
            Some(&self.name),
        ];
        names.into_iter().flatten().find_map(|n| n.some()).unwrap_or_default()
    }

    /// A picture of the user.
    pub(super) fn face_url(&self) -> &str {
        let Some(profile) = &self.profile.0 else { return "" };
        [&profile.image_512, &profile.image_192, &profile.image_72]
            .into_iter()
            .find_map(|i| i.some())
            .unwrap_or("")
    }

    /// His e-mail; none of bots, nor of those whom the workspace doesn't let in any more.
    pub(super) fn email(&self) -> &str {
        let lets_in = self.deleted.0 == 0.0 && self.is_bot.0 == 0.0 && self.id.0 != super::SLACKBOT;
        self.profile.0.as_ref().filter(|_| lets_in).map_or("", |p| &p.email.0)
    }

    fn bot_id(&self) -> &str {
        self.profile.0.as_ref().map_or("", |p| &p.bot_id.0)
    }
}

impl Directory {
    /// Looks at the lists among the files. What is wrong in them the pass will say, with the line: they are read
    /// as records too.
    pub(super) fn read(found: &[Found], max_record: usize) -> Result<Self, ExportError> {
        let mut directory = Self::default();
        for file in found.iter().filter(|f| f.origin != Origin::Stdin) {
            let (root, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            let Some(list) = List::of(name) else { continue };
            rows(file, max_record, &mut |row| match list {
                List::Users => {
                    if let Ok(row) = serde_json::from_str::<UserRow<'_>>(row) {
                        directory.add_user(&row.id.0, row.nickname(), row.face_url(), row.bot_id());
                    }
                }
                List::Groups | List::Directs => {
                    let Ok(row) = serde_json::from_str::<ChannelRow<'_>>(row) else { return };
                    let direct = list == List::Directs;
                    let folder = if direct { &row.id.0 } else { &row.name.0 };
                    let members: Vec<&str> = row.members.0.iter().map(|m| &**m).collect();
                    let members = if direct { &members[..] } else { &[] };
                    directory.add_channel(&row.id.0, &row.name.0, &join(root, folder), members);
                }
            })?;
        }
        Ok(directory)
    }

    /// What is known of a user.
    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id)
    }

    /// The user that a bot is.
    pub(super) fn bot(&self, id: &str) -> Option<&str> {
        self.bots.get(id).map(String::as_str)
    }

    /// The conversation whose messages are in that folder.
    pub(super) fn channel(&self, folder: &str) -> Option<&Channel> {
        self.channels.get(folder)
    }

    /// What the channel of that id is called.
    pub(super) fn channel_name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    pub(super) fn add_user(&mut self, id: &str, name: &str, face_url: &str, bot_id: &str) {
        if !bot_id.is_empty() {
            self.bots.insert(bot_id.to_owned(), id.to_owned());
        }
        self.users.insert(id.to_owned(), User { name: name.to_owned(), face_url: face_url.to_owned() });
    }

    /// Two members, or one: a chat of two. None: a group.
    pub(super) fn add_channel(&mut self, id: &str, name: &str, folder: &str, members: &[&str]) {
        let kind = match members {
            [one] => Kind::Direct((*one).to_owned(), (*one).to_owned()),
            [one, other] => Kind::Direct((*one).to_owned(), (*other).to_owned()),
            _ => Kind::Group,
        };
        if !name.is_empty() {
            self.names.insert(id.to_owned(), name.to_owned());
        }
        self.channels.insert(folder.to_owned(), Channel { id: id.to_owned(), kind });
    }
}

/// A path in a folder.
pub(super) fn join(root: &str, name: &str) -> String {
    if root.is_empty() { name.to_owned() } else { format!("{root}/{name}") }
}

/// Calls `take` for every element of the list that a file is.
fn rows(file: &Found, max: usize, take: &mut dyn FnMut(&str)) -> Result<(), ExportError> {
    let mut input = Input::open(file, SourceNo(0), None)?;
    let (mut cutter, mut pool) = (Json::new(max, Vec::new()), Pool::new(CHUNK));
    let context = Arc::new(Context::default());
    while let Some(chunk) = cutter.next(&mut input, &context, &mut pool)? {
        for span in &chunk.spans {
            let row = &chunk.text[span.start as usize..span.end as usize];
            if let Ok(row) = std::str::from_utf8(row) {
                take(row);
            }
        }
        pool.give(chunk.text);
    }
    Ok(())
}
