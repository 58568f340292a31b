//! A message as the server keeps it. Compact: there can be millions of them.

use std::collections::HashMap;
use std::sync::Arc;

/// Who wrote to whom: shared by all messages that went the same way.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) sender: Arc<str>,
    /// `recvID` as it was sent; also given for a group by some callers.
    pub(super) receiver: Box<str>,
    /// Empty for a single conversation.
    pub(super) group: Box<str>,
    /// 1 single, 3 group, 4 notification account.
    pub(super) session: i32,
    /// What leads there.
    pub(super) way: Way,
    /// Where its messages belong by right.
    pub(super) conversation: Arc<str>,
    /// The queue's key, which does not separate all conversations (law 11).
    pub(super) key: Arc<str>,
}

/// A message.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) route: Arc<Route>,
    pub(super) server_id: [u8; 16],
    pub(super) client_id: [u8; 16],
    pub(super) send_time: i64,
    pub(super) create_time: i64,
    pub(super) content_type: i32,
    pub(super) platform: i32,
    /// The re-serialised content.
    pub(super) content: Box<str>,
    pub(super) ex: Box<str>,
    pub(super) not_offline_push: bool,
    /// What few messages have.
    pub(super) extra: Option<Box<Extra>>,
}

impl Record {
    /// Written by somebody else while an import runs (law 12).
    pub(super) fn is_live(&self) -> bool {
        self.extra.as_deref().is_some_and(|extra| extra.live)
    }
}

/// What few messages have.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    pub(super) nickname: Box<str>,
    pub(super) face_url: Box<str>,
    /// JSON text of `offlinePushInfo`, if there is one.
    pub(super) push_info: Option<Box<str>>,
    /// JSON text of `options` where it isn't the one of a plain message.
    pub(super) options: Option<Box<str>>,
    /// `atUserIDList` (main).
    pub(super) at: Vec<Box<str>>,
    /// Made by the server itself, not by `send_msg`.
    pub(super) notice: bool,
    /// Written by somebody else while an import runs (law 12).
    pub(super) live: bool,
}

/// The routes of one sender.
type RoutesOf = HashMap<(Box<str>, Way), Arc<Route>>;

/// All routes, each once.
#[derive(Debug, Default)]
pub(super) struct Routes {
    known: HashMap<Arc<str>, RoutesOf>,
}

/// What kind of conversation a route leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum Way {
    /// Two users.
    Single,
    /// A group; `recvID` is empty.
    Group,
    /// A group, the group's id repeated as `recvID`: so do the server's own notices.
    GroupNotice,
    /// From a notification account to a user.
    Account,
    /// Aside, to the `n_` conversation of two users.
    SingleAside,
    /// Aside, to the `n_` conversation of a group.
    GroupAside,
}

impl Way {
    /// It leads to the `n_` conversation beside the people's own.
    pub(super) const fn is_aside(self) -> bool {
        matches!(self, Self::SingleAside | Self::GroupAside)
    }

    pub(super) const fn is_group(self) -> bool {
        matches!(self, Self::Group | Self::GroupNotice | Self::GroupAside)
    }
}

impl Route {
    fn new(sender: &Arc<str>, to: &str, way: Way) -> Self {
        let key: Arc<str> = if way.is_group() {
            to.into()
        } else if sender.as_ref() <= to {
            format!("{sender}_{to}").into()
        } else {
            format!("{to}_{sender}").into()
        };
        let kind = match way {
            Way::Single => "si",
            Way::Group | Way::GroupNotice => "sg",
            Way::Account => "sn",
            Way::SingleAside | Way::GroupAside => "n",
        };
        Self {
            sender: Arc::clone(sender),
            receiver: if way == Way::Group { "".into() } else { to.into() },
            group: if way.is_group() { to.into() } else { "".into() },
            session: match way {
                Way::Account => 4,
                Way::Single | Way::SingleAside => 1,
                Way::Group | Way::GroupNotice | Way::GroupAside => 3,
            },
            way,
            conversation: format!("{kind}_{key}").into(),
            key,
        }
    }
}

impl Routes {
    /// The shared copy of a route.
    pub(super) fn to(&mut self, sender: &Arc<str>, to: &str, way: Way) -> Arc<Route> {
        let routes = self.known.entry(Arc::clone(sender)).or_default();
        let route = routes.entry((to.into(), way)).or_insert_with(|| Arc::new(Route::new(sender, to, way)));
        Arc::clone(route)
    }
}

/// 32 hexadecimal digits, the form of the server's ids.
pub(super) fn hex(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

/// The other way round.
pub(super) fn unhex(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
