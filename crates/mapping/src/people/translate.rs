//! Ids of any kind into ids that OpenIM takes: a function of the id alone, the same in every run and release.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::message::UserId;

/// The longest id made here: client databases keep 64 characters.
const LONGEST: usize = 64;
/// Characters of the checksum: 40 bits, five each.
const CHECKSUM: usize = 8;
/// Digits and letters that can't be taken for one another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A userID for what the export calls a user: letters of any script and digits, never `_`, so that no two
/// pairs of users share the name of a conversation (law 11).
///
/// | the export has | becomes |
/// |---|---|
/// | letters and digits alone | itself |
/// | a UUID | the UUID without its hyphens |
/// | a phone number with `+` | its digits |
/// | anything else | its letters and digits, and eight characters made from the whole of it |
///
/// The eight characters keep `john.doe` and `john-doe` apart.
pub fn user_id(id: &str) -> Cow<'_, str> {
    if id.chars().all(takes) {
        return Cow::Borrowed(id);
    }
    if is_uuid(id) {
        return Cow::Owned(id.replace('-', ""));
    }
    if is_phone(id) {
        return Cow::Owned(id.chars().filter(char::is_ascii_digit).collect());
    }
    let mut made: String = id.chars().filter(|c| takes(*c)).take(LONGEST - CHECKSUM).collect();
    let sum = xxh3_64(id.as_bytes());
    made.extend((1..=CHECKSUM).map(|n| {
        let five_bits = (sum >> (64 - 5 * n) & 31).to_le_bytes()[0];
        char::from(ALPHABET[usize::from(five_bits)])
    }));
    Cow::Owned(made)
}

/// A groupID for what the export calls a group. The server takes any; changed are only those that a queue
/// key `<a>_<b>` of two users could equal (law 11): their `_` becomes `-`.
pub fn group_id(id: &str) -> Cow<'_, str> {
    match id.split_once('_') {
        Some((a, b)) if !a.is_empty() && !b.is_empty() && a.chars().chain(b.chars()).all(takes) => {
            Cow::Owned(format!("{a}-{b}"))
        }
        _ => Cow::Borrowed(id),
    }
}

fn takes(c: char) -> bool {
    c != '_' && UserId::takes(c)
}

fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `+49 170 1234567`, `+1 (202) 555-0175`: E.164 has 15 digits at most, and no country number is shorter
/// than 7 with its prefix.
fn is_phone(id: &str) -> bool {
    let Some(rest) = id.strip_prefix('+') else { return false };
    // WhatsApp writes no-break spaces and no-break hyphens into them.
    let blank = |c: char| matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}' | '\u{2011}' | '\u{202f}');
    (7..=15).contains(&rest.bytes().filter(u8::is_ascii_digit).count())
        && rest.chars().all(|c| c.is_ascii_digit() || blank(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_becomes_of_ids() {
        // The right side is a promise: a later pass, and a later release, must make the same ids.
        for (id, made) in [
            ("alice", "alice"),
            ("MiXed7", "MiXed7"),
            ("李雷", "李雷"),
            ("U061F7AUR", "U061F7AUR"),
            ("7434590312345678901", "7434590312345678901"),
            ("550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000"),
            ("+49 170 1234567", "491701234567"),
            ("+1\u{a0}(202)\u{a0}555\u{2011}0175", "12025550175"),
            ("john.doe@example.com", "johndoeexamplecomkqdp2sjt"),
            ("john-doe@example.com", "johndoeexamplecom797vfj92"),
            ("a_b", "ab7w66gk5h"),
            ("Anna Müller", "AnnaMüllerqty0qv5n"),
            ("हिन्दी", "हनद24a344gn"),
            ("🎉", "dvpdc40p"),
            ("@user:server.org", "userserverorg8fm95jt8"),
            ("+49 callme", "49callmexe4bp6gh"),
            ("", ""),
        ] {
            assert_eq!(user_id(id), made, "{id}");
        }
    }

    #[test]
    fn groups_keep_their_ids_unless_two_users_could_share_it() {
        for same in
            ["g1", "@TGS#2C5SZEAEF", "a_b_c", "_a", "a_", "dev ops_1", "19:x@thread.tacv2", "Familie 🎉", "_"]
        {
            assert!(matches!(group_id(same), Cow::Borrowed(made) if made == same), "{same}");
        }
        assert_eq!(group_id("dev_ops"), "dev-ops");
        assert_eq!(group_id("张_李"), "张-李");
    }

    proptest! {
        #[test]
        fn made_ids_are_legal_and_have_no_underscore(id in "\\PC{1,90}") {
            let made = user_id(&id);
            prop_assert!(UserId::is_legal(&made) && !made.contains('_'), "{}", made);
            prop_assert!(made == id || made.chars().count() <= LONGEST);
            // So translating what was translated changes nothing.
            prop_assert_eq!(user_id(&made), made.as_ref());
        }

        #[test]
        fn different_ids_stay_different(a in "[ab_.@-]{1,6}", b in "[ab_.@-]{1,6}") {
            prop_assume!(a != b);
            prop_assert_ne!(user_id(&a), user_id(&b));
        }

        #[test]
        fn law_11_no_group_is_named_like_a_pair(a in "[a-c_.]{1,3}", b in "[a-c_.]{1,3}", group in "[a-c_.]{1,7}") {
            let (a, b) = (user_id(&a), user_id(&b));
            let (a, b) = if a <= b { (a, b) } else { (b, a) };
            prop_assert_ne!(group_id(&group), format!("{a}_{b}"));
        }
    }
}
