//! Who can log in, in a line.

use std::collections::BTreeMap;

use super::numbers::count;

/// `3 people can log in (2 with a password, 1 with a code), 1 can't (1 no e-mail and no phone)`
///
/// `kinds`: how many can, by how, and how many can't, by why.
pub fn can_log_in<K: AsRef<str> + Ord>(kinds: &[BTreeMap<K, u64>; 2]) -> String {
    let part = |kinds: &BTreeMap<K, u64>, what: &str| {
        let all: u64 = kinds.values().sum();
        let each: Vec<String> =
            kinds.iter().map(|(kind, n)| format!("{} {}", count(*n), kind.as_ref())).collect();
        let each = if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) };
        format!("{} {what}{each}", count(all))
    };
    let can = part(&kinds[0], "people can log in");
    if kinds[1].is_empty() { can } else { format!("{can}, {}", part(&kinds[1], "can't")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_said_with_their_reasons() {
        let kinds = [BTreeMap::from([("with a password", 1_200)]), BTreeMap::from([("no e-mail", 3)])];
        assert_eq!(
            can_log_in(&kinds),
            "1,200 people can log in (1,200 with a password), 3 can't (3 no e-mail)"
        );
        assert_eq!(can_log_in::<&str>(&[BTreeMap::new(), BTreeMap::new()]), "0 people can log in");
    }
}
