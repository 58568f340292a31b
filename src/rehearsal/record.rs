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
    /// 1 single, 3 group, 4 notification.
    pub(super) session: i32,
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

/// What few messages have.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) nickname: Box<str>,
    pub(super) face_url: Box<str>,
    /// JSON text of `offlinePushInfo`, if there is one.
    pub(super) push_info: Option<Box<str>>,
    /// JSON text of `options` where it isn't the one of a plain message.
    pub(super) options: Option<Box<str>>,
    /// `atUserIDList` (main).
    pub(super) at: Vec<Box<str>>,
    /// The `status` the message is kept with, normally 0.
    pub(super) status: i32,
    /// Made by the server itself, not by `send_msg`.
    pub(super) notice: bool,
}

/// All routes, each once.
#[derive(Debug, Default)]
pub(super) struct Routes {
    known: HashMap<(Arc<str>, Box<str>, bool), Arc<Route>>,
}

impl Route {
    /// A message between two users. `key` is the pair in order, without the `si_`.
    pub(super) fn single(sender: &str, receiver: &str) -> Self {
        let (a, b) = if sender <= receiver { (sender, receiver) } else { (receiver, sender) };
        let conversation: Arc<str> = format!("si_{a}_{b}").into();
        let key = conversation[3..].into();
        Self {
            sender: sender.into(),
            receiver: receiver.into(),
            group: "".into(),
            session: 1,
            conversation,
            key,
        }
    }

    /// A message to a group.
    pub(super) fn group(sender: &str, group: &str, receiver: &str) -> Self {
        Self {
            sender: sender.into(),
            receiver: receiver.into(),
            group: group.into(),
            session: 3,
            conversation: format!("sg_{group}").into(),
            key: group.into(),
        }
    }
}

impl Routes {
    /// The shared copy of a route.
    pub(super) fn single(&mut self, sender: &Arc<str>, receiver: &str) -> Arc<Route> {
        self.shared(sender, receiver, false, || Route::single(sender, receiver))
    }

    /// The shared copy of a route into a group, without a receiver.
    pub(super) fn group(&mut self, sender: &Arc<str>, group: &str) -> Arc<Route> {
        self.shared(sender, group, true, || Route::group(sender, group, ""))
    }

    fn shared(
        &mut self,
        sender: &Arc<str>,
        to: &str,
        group: bool,
        make: impl FnOnce() -> Route,
    ) -> Arc<Route> {
        let key = (Arc::clone(sender), Box::from(to), group);
        Arc::clone(self.known.entry(key).or_insert_with(|| Arc::new(make())))
    }
}

/// 32 hexadecimal digits, the form of the server's ids.
pub(super) fn hex(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}
