//! A line of a bulk export.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::loose::{Number, Object, Objects, Text, Texts};
use crate::mapping::Role;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) post: Object<Post<'a>>,
    #[serde(borrow)]
    pub(super) direct_post: Object<Post<'a>>,
    #[serde(borrow)]
    pub(super) user: Object<User<'a>>,
    #[serde(borrow)]
    pub(super) bot: Object<Bot<'a>>,
    #[serde(borrow)]
    pub(super) channel: Object<Channel<'a>>,
}

/// A post in a channel, one between members, or an answer in one of them: the last has neither channel nor
/// members.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Post<'a> {
    #[serde(borrow)]
    pub(super) team: Text<'a>,
    #[serde(borrow)]
    pub(super) channel: Text<'a>,
    #[serde(borrow)]
    pub(super) channel_members: Texts<'a>,
    #[serde(borrow)]
    pub(super) user: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Text<'a>,
    #[serde(borrow)]
    pub(super) create_at: Text<'a>,
    #[serde(borrow)]
    pub(super) edit_at: Text<'a>,
    #[serde(borrow)]
    pub(super) props: Object<Props<'a>>,
    #[serde(borrow)]
    pub(super) reactions: Objects<Reaction<'a>>,
    #[serde(borrow)]
    pub(super) attachments: Objects<File<'a>>,
    #[serde(borrow)]
    pub(super) replies: Objects<Post<'a>>,
}

/// What integrations put beside a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Props<'a> {
    #[serde(borrow)]
    pub(super) override_username: Text<'a>,
    #[serde(borrow)]
    pub(super) override_icon_url: Text<'a>,
    #[serde(borrow)]
    pub(super) attachments: Objects<Attachment<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attachment<'a> {
    #[serde(borrow)]
    pretext: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    title_link: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    fallback: Text<'a>,
    #[serde(borrow)]
    fields: Objects<Field<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Field<'a> {
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reaction<'a> {
    #[serde(borrow)]
    pub(super) user: Text<'a>,
    #[serde(borrow)]
    pub(super) emoji_name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File<'a> {
    #[serde(borrow)]
    pub(super) path: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User<'a> {
    #[serde(borrow)]
    pub(super) username: Text<'a>,
    #[serde(borrow)]
    nickname: Text<'a>,
    #[serde(borrow)]
    first_name: Text<'a>,
    #[serde(borrow)]
    last_name: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    /// The path of a picture.
    #[serde(borrow)]
    pub(super) profile_image: Text<'a>,
    delete_at: Number,
    #[serde(borrow)]
    pub(super) teams: Objects<Team<'a>>,
}

/// A team that somebody is in, with the channels that he is in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Team<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) channels: Objects<Member<'a>>,
}

/// A channel that somebody is in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Member<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    /// Words with blanks between.
    #[serde(borrow)]
    roles: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Bot<'a> {
    #[serde(borrow)]
    pub(super) username: Text<'a>,
    #[serde(borrow)]
    pub(super) display_name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channel<'a> {
    #[serde(borrow)]
    pub(super) team: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) display_name: Text<'a>,
}

impl User<'_> {
    /// What others see.
    pub(super) fn shown(&self) -> Cow<'_, str> {
        let full = format!("{} {}", self.first_name.0, self.last_name.0);
        match (self.nickname.some(), full.trim()) {
            (Some(nickname), _) => Cow::Borrowed(nickname),
            (None, "") => Cow::Borrowed(&*self.username.0),
            (None, full) => Cow::Owned(full.to_owned()),
        }
    }

    /// Whether the server doesn't let him in any more.
    pub(super) fn is_deactivated(&self) -> bool {
        self.delete_at.0 > 0.0
    }

    /// His e-mail; none where he is not let in.
    pub(super) fn email(&self) -> &str {
        if self.is_deactivated() { "" } else { &self.email.0 }
    }
}

impl Member<'_> {
    /// What he may do there.
    pub(super) fn role(&self) -> Role {
        let is_admin = self.roles.0.split_whitespace().any(|role| role == "channel_admin");
        if is_admin { Role::Admin } else { Role::Member }
    }
}

/// The words of what an integration has attached.
pub(super) fn attached(attachment: &Attachment<'_>) -> String {
    let title = match (attachment.title.some(), attachment.title_link.some()) {
        (Some(title), Some(link)) => format!("{title} ({link})"),
        (title, link) => title.or(link).unwrap_or_default().to_owned(),
    };
    let mut lines = vec![attachment.pretext.0.to_string(), title, attachment.text.0.to_string()];
    lines.extend(attachment.fields.0.iter().map(|field| format!("{}: {}", field.title.0, field.value.0)));
    lines.retain(|line| !line.is_empty());
    if lines.is_empty() { attachment.fallback.0.to_string() } else { lines.join("\n") }
}
