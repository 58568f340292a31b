//! Users, groups, members, friends, blocks, read positions, mutes, pins and bells.

use std::borrow::Cow;

use super::super::codes;
use super::super::node::Node;
use super::survey::Survey;
use crate::finding::Finding;
use crate::mapping::people::{Kind, Person};
use crate::mapping::{Bell, Relation, Role, Sink};
use crate::message::Place;

/// Tells what a row of a collection other than `msg` says.
pub(super) fn row(row: &Node<'_>, place: Place, survey: &Survey, sink: &mut dyn Sink) {
    let text = |key: &str| Cow::<str>::Owned(row.str(key).into_owned());
    let (user, group, owner) = (text("user_id"), text("group_id"), text("owner_user_id"));
    let (friend, blocked) = (text("friend_user_id"), text("block_user_id"));
    let lost = |sink: &mut dyn Sink, is: bool, what: &str| {
        if is {
            sink.finding(Finding::new(&codes::NOT_CARRIED, place, what));
        }
    };
    let has = |key: &str| !row.get(key).is_empty();
    if !owner.is_empty() && !friend.is_empty() {
        lost(sink, has("remark"), "what somebody calls a friend (remark)");
        lost(sink, row.get("is_pinned").is_true(), "a friend on top of the list of friends");
        sink.relation(Relation::Friends(owner, friend));
    } else if !owner.is_empty() && !blocked.is_empty() {
        sink.relation(Relation::Blocks(owner, blocked));
    } else if !owner.is_empty() && has("conversation_id") {
        lost(sink, row.get("is_private_chat").is_true(), "burning after reading");
        lost(sink, row.get("is_msg_destruct").is_true(), "messages that vanish after a time");
        kept(&owner, &text("conversation_id"), row, sink);
    } else if has("role_level") && !group.is_empty() && !user.is_empty() {
        let role = match row.get("role_level").int() {
            Some(100) => Role::Owner,
            Some(60) => Role::Admin,
            _ => Role::Member,
        };
        if let Some(until) = row.get("mute_end_time").moment() {
            sink.relation(Relation::Muted { group: group.clone(), user: user.clone(), until });
        }
        lost(sink, has("nickname"), "a name of his own within a group");
        sink.relation(Relation::Member { group, user, role });
    } else if has("group_name") && !group.is_empty() {
        match row.get("status").int() {
            Some(2) => lost(sink, true, "that a group was dismissed: it comes back as a group"),
            Some(3) => {
                sink.relation(Relation::Muted { group: group.clone(), user: Cow::Borrowed(""), until: 0 });
            }
            _ => {}
        }
        let says = ["notification", "introduction", "ex"].iter().any(|key| has(key));
        lost(sink, says, "notice, introduction or `ex` of a group");
        sink.person(Person::new(Kind::Group, &group, &row.str("group_name"), &row.str("face_url")));
    } else if has("read_seq") && !user.is_empty() {
        read(&user, row, survey, sink);
    } else if owner.is_empty() && group.is_empty() && !user.is_empty() && has("nickname") {
        // Administrators of the server and its notification accounts are no people.
        if row.get("app_manger_level").int().unwrap_or(0) < 2 {
            let quiet = row.get("global_recv_msg_opt").int().unwrap_or(0) != 0;
            lost(sink, quiet, "that somebody takes no messages at all, or silently");
            sink.person(Person::new(Kind::User, &user, &row.str("nickname"), &row.str("face_url")));
        }
    }
}

/// A conversation for which something is set; most have nothing.
fn kept(user: &str, conversation: &str, row: &Node<'_>, sink: &mut dyn Sink) {
    let pinned = row.get("is_pinned").is_true();
    let bell = match row.get("recv_msg_opt").int() {
        Some(1) => Bell::Nothing,
        Some(2) => Bell::Silent,
        _ => Bell::On,
    };
    if !pinned && bell == Bell::On {
        return;
    }
    if let Some((kind, peer)) = peer(conversation, user) {
        let (user, peer) = (Cow::Borrowed(user), Cow::Borrowed(peer));
        sink.relation(Relation::Kept { user, peer, kind, pinned, bell });
    }
}

fn read(user: &str, row: &Node<'_>, survey: &Survey, sink: &mut dyn Sink) {
    let conversation = row.str("conversation_id");
    let Some(id) = row.get("read_seq").int().and_then(|seq| survey.last_read(&conversation, seq)) else {
        return;
    };
    let Some((kind, peer)) = peer(&conversation, user) else { return };
    let (user, peer, id) = (Cow::Borrowed(user), Cow::Borrowed(peer), Cow::Borrowed(id));
    sink.relation(Relation::Read { user, peer, kind, id });
}

/// Who else is in a conversation of that name. Ids can hold `_`, so that one of both must be known.
fn peer<'a>(conversation: &'a str, user: &str) -> Option<(Kind, &'a str)> {
    if let Some(group) = conversation.strip_prefix("sg_") {
        return Some((Kind::Group, group));
    }
    let both = conversation.strip_prefix("si_")?;
    let behind = both.strip_prefix(user).and_then(|rest| rest.strip_prefix('_'));
    let before = || both.strip_suffix(user).and_then(|rest| rest.strip_suffix('_'));
    behind.or_else(before).map(|peer| (Kind::User, peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_is_told_by_the_one() {
        assert_eq!(peer("si_a_b", "a"), Some((Kind::User, "b")));
        assert_eq!(peer("si_a_b", "b"), Some((Kind::User, "a")));
        assert_eq!(peer("si_a_b_c", "b_c"), Some((Kind::User, "a")));
        assert_eq!(peer("si_a_a", "a"), Some((Kind::User, "a")));
        assert_eq!(peer("sg_g_1", "a"), Some((Kind::Group, "g_1")));
        assert_eq!((peer("si_a_b", "x"), peer("n_a_b", "a")), (None, None));
    }
}
