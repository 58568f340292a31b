//! What lies beside the files that are read: all of it counted, each under a reason.

use std::collections::BTreeMap;

/// Files of folders and archives that were not read, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread(BTreeMap<&'static str, Left>);

/// Files that were left out for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<String>,
}

/// Would belong to the export, but its path begins with a dot, or leads out of its archive.
pub const HIDDEN: &str = "hidden";
/// Written as exports are, but not called as those of the format.
pub const OTHER_NAME: &str = "other-name";
/// An archive beside files that are read: users send such.
pub const ARCHIVE: &str = "archive";
/// Not as `include` says.
pub const NOT_INCLUDED: &str = "not-included";
/// Known to have no messages: indexes, logs, lists of canvases.
pub const NO_MESSAGES: &str = "no-messages";
/// Read beforehand, for names and members.
pub const DIRECTORY: &str = "directory";
/// Pictures, recordings, documents.
pub const OTHER_KIND: &str = "other-kind";
/// What an operating system puts into folders and archives.
pub const SYSTEM: &str = "system-file";
/// Named twice, or reached over a link: read once.
pub const SAME_FILE: &str = "same-file";
/// A link that leads nowhere.
pub const DEAD_LINK: &str = "dead-link";
/// Called as a file of the export is, and no file: a link in an archive, or a folder with data.
pub const NO_FILE: &str = "no-file";

/// Reasons that may mean that messages are missing: they are warned of.
const DOUBTFUL: [&str; 4] = [OTHER_NAME, ARCHIVE, DEAD_LINK, NO_FILE];

/// What a reason means, for people.
pub fn words(reason: &str) -> &'static str {
    match reason {
        HIDDEN => "begins with a dot, or leads out of its archive",
        OTHER_NAME => "could have messages, but is not called as files of the format are",
        ARCHIVE => "an archive beside other files",
        NOT_INCLUDED => "not named by `include`",
        NO_MESSAGES => "known to have no messages",
        DIRECTORY => "read for names and members alone",
        SYSTEM => "of the operating system",
        SAME_FILE => "named twice",
        DEAD_LINK => "a link that leads nowhere",
        NO_FILE => "a link within an archive, or a folder that has data",
        _ => "picture, recording or document: no messages in it; `media` uploads what messages show",
    }
}

/// So many of each reason are named.
const NAMED: usize = 3;

/// Endings of files in which messages could be.
const WRITTEN: [&str; 10] = ["jsonl", "ndjson", "json", "csv", "tsv", "txt", "log", "bson", "html", "htm"];

impl Unread {
    /// Counts a file.
    pub(super) fn note(&mut self, reason: &'static str, path: &str) {
        let left = self.0.entry(reason).or_default();
        left.count += 1;
        if left.first.len() < NAMED {
            left.first.push(path.to_owned());
        }
    }

    /// Takes what another source has left out, too.
    pub(super) fn add(&mut self, other: Self) {
        for (reason, more) in other.0 {
            let left = self.0.entry(reason).or_default();
            left.count += more.count;
            left.first.extend(more.first);
            left.first.truncate(NAMED);
        }
    }

    /// Files by reason.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, &Left)> {
        self.0.iter().map(|(reason, left)| (*reason, left))
    }

    /// How many files were left out.
    pub fn count(&self) -> u64 {
        self.0.values().map(|left| left.count).sum()
    }

    /// Those of these reasons as a finding says them: how many, and the names of the first.
    pub(super) fn value(&self, reasons: &[&'static str]) -> Option<String> {
        let left = || self.0.iter().filter(|(reason, _)| reasons.contains(reason)).map(|(_, left)| left);
        let count: u64 = left().map(|left| left.count).sum();
        let names: Vec<String> =
            left().flat_map(|left| &left.first).take(NAMED).map(|name| format!("`{name}`")).collect();
        (count > 0).then(|| format!("{count}: {}", names.join(", ")))
    }

    /// Those that may hold messages.
    pub(super) fn doubtful(&self) -> Option<String> {
        self.value(&DOUBTFUL)
    }
}

/// A name without the ending of its packing.
fn plain(name: &str) -> &str {
    [".gz", ".zst", ".zstd"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// Whether a file is called as texts are, packed or not.
pub(super) fn is_written(inside: &str) -> bool {
    let lower = inside.to_ascii_lowercase();
    plain(&lower).rsplit_once('.').is_some_and(|(_, ending)| WRITTEN.contains(&ending))
}

/// Why a file that does not belong, and is not hidden, is none of the export's: by its name alone.
pub(super) fn by_name(inside: &str) -> &'static str {
    let parts = || inside.split('/');
    let name = parts().next_back().unwrap_or(inside);
    let lower = name.to_ascii_lowercase();
    let litter = |part: &str| part == "__MACOSX" || part == ".DS_Store" || part.starts_with("._");
    if parts().any(litter) || matches!(&*lower, "thumbs.db" | "desktop.ini") {
        return SYSTEM;
    }
    let plain = plain(&lower);
    match plain.rsplit_once('.') {
        _ if parts().any(|part| part.starts_with('.')) => OTHER_KIND,
        Some((_, "zip")) => ARCHIVE,
        _ if is_written(&lower) => OTHER_NAME,
        _ if plain.len() < lower.len() => OTHER_NAME,
        _ => OTHER_KIND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_hold_messages_is_told_from_what_users_sent() {
        for (inside, reason) in [
            ("general/all.json", OTHER_NAME),
            ("2024.CSV", OTHER_NAME),
            ("logs/2024.log.gz", OTHER_NAME),
            ("dump.gz", OTHER_NAME),
            ("messages2.html", OTHER_NAME),
            ("chats/Ann.zip", ARCHIVE),
            ("photos/cat.jpg", OTHER_KIND),
            ("README", OTHER_KIND),
            (".git/config.json", OTHER_KIND),
            ("__MACOSX/._a.json", SYSTEM),
            ("a/.DS_Store", SYSTEM),
            ("photos/Thumbs.db", SYSTEM),
        ] {
            assert_eq!(by_name(inside), reason, "{inside}");
        }
    }

    #[test]
    fn they_are_counted_and_the_first_are_named() {
        let mut unread = Unread::default();
        for n in 0..5 {
            unread.note(OTHER_NAME, &format!("{n}.json"));
        }
        unread.note(ARCHIVE, "a.zip");
        unread.note(OTHER_KIND, "a.jpg");
        assert_eq!(unread.count(), 7);
        assert_eq!(unread.doubtful().unwrap(), "6: `a.zip`, `0.json`, `1.json`");
        assert_eq!(unread.value(&[HIDDEN]), None);
        let mut both = unread.clone();
        both.add(unread);
        assert_eq!((both.count(), both.0[OTHER_NAME].first.len()), (14, 3));
    }
}
