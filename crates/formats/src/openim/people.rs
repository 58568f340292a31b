//! Users, groups, members, friends, blocks and read positions.

use std::borrow::Cow;

use super::super::node::Node;
use super::survey::Survey;
use crate::mapping::people::{Kind, Person};
use crate::mapping::{Relation, Role, Sink};

/// Tells what a row of a collection other than `msg` says.
pub(super) fn row(row: &Node<'_>, survey: &Survey, sink: &mut dyn Sink) {
    let text = |key: &str| Cow::<str>::Owned(row.str(key).into_owned());
    let (user, group, owner) = (text("user_id"), text("group_id"), text("owner_user_id"));
    let (friend, blocked) = (text("friend_user_id"), text("block_user_id"));
    if !owner.is_empty() && !friend.is_empty() {
        sink.relation(Relation::Friends(owner, friend));
    } else if !owner.is_empty() && !blocked.is_empty() {
        sink.relation(Relation::Blocks(owner, blocked));
    } else if !row.get("role_level").is_empty() && !group.is_empty() && !user.is_empty() {
        let role = match row.get("role_level").int() {
            Some(100) => Role::Owner,
            Some(60) => Role::Admin,
            _ => Role::Member,
        };
        sink.relation(Relation::Member { group, user, role });
    } else if !row.get("group_name").is_empty() && !group.is_empty() {
        sink.person(Person::new(Kind::Group, &group, &row.str("group_name"), &row.str("face_url")));
    } else if !row.get("read_seq").is_empty() && !user.is_empty() {
        read(&user, row, survey, sink);
    } else if owner.is_empty() && group.is_empty() && !user.is_empty() && !row.get("nickname").is_empty() {
        // Administrators of the server and its notification accounts are no people.
        if row.get("app_manger_level").int().unwrap_or(0) < 2 {
            sink.person(Person::new(Kind::User, &user, &row.str("nickname"), &row.str("face_url")));
        }
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
