//! How columns hang together in the sample: what follows from what.

use std::collections::{HashMap, HashSet};

/// The values of a column, or of what is inherited, in the sampled records; empty where there is none.
pub(super) type Series<'t> = Vec<&'t str>;

/// Whether each value of `a` always stands beside the same value of `b`.
pub(super) fn determines(a: &[&str], b: &[&str]) -> bool {
    let mut known: HashMap<&str, &str> = HashMap::new();
    a.iter().zip(b).filter(|(a, _)| !a.is_empty()).all(|(a, b)| known.entry(a).or_insert(b) == b)
}

/// Whether the values of both part the records in the same way.
pub(super) fn same(a: &[&str], b: &[&str]) -> bool {
    determines(a, b) && determines(b, a)
}

/// How many different values there are.
pub(super) fn distinct(a: &[&str]) -> usize {
    a.iter().filter(|value| !value.is_empty()).collect::<HashSet<_>>().len()
}

/// How many values there are on average of each different one.
pub(super) fn repeats(a: &[&str]) -> usize {
    a.iter().filter(|value| !value.is_empty()).count() / distinct(a).max(1)
}

/// Whether a record in a hundred, or fewer, has none.
pub(super) fn is_full(a: &[&str]) -> bool {
    a.iter().filter(|value| value.is_empty()).count() * 100 <= a.len()
}

/// The records by the values of `a`: how many, and who wrote in them.
pub(super) fn writers<'s>(a: &[&'s str], writers: &[&'s str]) -> HashMap<&'s str, (usize, HashSet<&'s str>)> {
    let mut found: HashMap<&str, (usize, HashSet<&str>)> = HashMap::new();
    for (n, value) in a.iter().enumerate().filter(|(_, value)| !value.is_empty()) {
        let (count, who) = found.entry(value).or_default();
        *count += 1;
        if let Some(writer) = writers.get(n).filter(|writer| !writer.is_empty()) {
            who.insert(writer);
        }
    }
    found
}
