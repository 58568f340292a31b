//! What an export tells about people besides their messages: who is in which group, who is whose friend, who
//! blocks whom, how far somebody has read, what his e-mail is, who may not write, what somebody has set for a
//! conversation.

use std::borrow::Cow;

use super::people::{Kind, People};

/// One such thing. Ids are the export's own until [`people::Renamed`](super::people::Renamed) has looked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation<'a> {
    /// Somebody is in a group.
    Member {
        /// The group.
        group: Cow<'a, str>,
        /// Who is in it.
        user: Cow<'a, str>,
        /// What he may do there.
        role: Role,
    },
    /// Two are friends. One row a friendship is enough.
    Friends(Cow<'a, str>, Cow<'a, str>),
    /// The first has blocked the second.
    Blocks(Cow<'a, str>, Cow<'a, str>),
    /// Somebody has read so far in a conversation.
    Read {
        /// Who.
        user: Cow<'a, str>,
        /// The other user of a single chat, or the group.
        peer: Cow<'a, str>,
        /// Which of the two `peer` is.
        kind: Kind,
        /// Source id of the last message read.
        id: Cow<'a, str>,
    },
    /// Somebody has this e-mail. Told of nobody who can't log in to where the export comes from any more.
    Email {
        /// Who.
        user: Cow<'a, str>,
        /// His e-mail, as it is written there.
        email: Cow<'a, str>,
    },
    /// A group, or somebody in it, may not write.
    Muted {
        /// The group.
        group: Cow<'a, str>,
        /// Who; empty: everybody but owner and administrators.
        user: Cow<'a, str>,
        /// Until when, ms since 1970; 0 for the whole group, which has no end.
        until: i64,
    },
    /// What somebody has set for one of his conversations.
    Kept {
        /// Who.
        user: Cow<'a, str>,
        /// The other user of a single chat, or the group.
        peer: Cow<'a, str>,
        /// Which of the two `peer` is.
        kind: Kind,
        /// It stands on top of his list.
        pinned: bool,
        /// How he is told of new messages.
        bell: Bell,
    },
}

/// How somebody is told of new messages in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bell {
    /// As usual.
    On,
    /// He gets none: the server refuses what is written to him there.
    Nothing,
    /// He gets them, without a notification.
    Silent,
}

impl Bell {
    /// OpenIM's number for it, `recvMsgOpt`.
    pub fn code(self) -> i32 {
        match self {
            Self::On => 0,
            Self::Nothing => 1,
            Self::Silent => 2,
        }
    }
}

/// What a member of a group may do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Whose group it is.
    Owner,
    /// May do nearly all.
    Admin,
    /// Everybody else.
    Member,
}

impl Relation<'_> {
    /// The same with OpenIM's ids.
    pub(super) fn renamed<'p>(&'p self, people: &'p People) -> Relation<'p> {
        let user = |id: &'p str| people.openim_id(Kind::User, id);
        match self {
            Self::Member { group, user: who, role } => {
                Relation::Member { group: people.openim_id(Kind::Group, group), user: user(who), role: *role }
            }
            Self::Friends(one, other) => Relation::Friends(user(one), user(other)),
            Self::Blocks(who, whom) => Relation::Blocks(user(who), user(whom)),
            Self::Read { user: who, peer, kind, id } => Relation::Read {
                user: user(who),
                peer: people.openim_id(*kind, peer),
                kind: *kind,
                id: Cow::Borrowed(id),
            },
            Self::Email { user: who, email } => {
                Relation::Email { user: user(who), email: Cow::Borrowed(email) }
            }
            Self::Muted { group, user: who, until } => Relation::Muted {
                group: people.openim_id(Kind::Group, group),
                user: if who.is_empty() { Cow::Borrowed("") } else { user(who) },
                until: *until,
            },
            Self::Kept { user: who, peer, kind, pinned, bell } => Relation::Kept {
                user: user(who),
                peer: people.openim_id(*kind, peer),
                kind: *kind,
                pinned: *pinned,
                bell: *bell,
            },
        }
    }
}
