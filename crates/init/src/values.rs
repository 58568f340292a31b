//! What the values of a column, or of a key of JSON objects, look like. Bounded: a column of any length takes
//! less than a megabyte.

use std::collections::{BTreeMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use super::attached::Attached;
use super::mask::mask;
use super::times::Times;
use crate::finding::shorten;
use crate::mapping::html::is_html;
use crate::mapping::mojibake::{self, Reading};
use crate::message::UserId;

/// What the values of a column look like.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name: a column's, or the path of keys.
    pub name: String,
    /// Values that are not empty.
    pub filled: u64,
    /// The first few different ones, fit to be shown.
    pub examples: Vec<String>,
    /// All values and how often, as long as there are few and they are short.
    pub few: Option<BTreeMap<String, u64>>,
    /// Characters of the longest.
    pub longest: usize,
    /// How its times are written, if it has times.
    pub times: Times,
    characters: u64,
    /// Values that were looked at closely.
    seen: u64,
    is_time: bool,
    /// Values with blanks or line ends, or in a script that needs none.
    worded: u64,
    lines: u64,
    numbers: u64,
    links: u64,
    objects: u64,
    uuids: u64,
    illegal: u64,
    rounded: u64,
    html: u64,
    misread: u64,
    read_rightly: u64,
    attached: Attached,
    different: HashSet<u64>,
    /// How many values were filled when `different` was full.
    full_at: u64,
}

impl Default for Column {
    fn default() -> Self {
        Self::new("")
    }
}

impl Column {
    const EXAMPLES: usize = 3;
    const FEW: usize = 24;
    const FEW_LENGTH: usize = 40;
    const DIFFERENT: usize = 1 << 16;
    /// Of words it is enough to know that they differ.
    const DIFFERENT_WORDS: usize = 1 << 12;
    /// So many values are looked at closely.
    const CLOSELY: u64 = 100_000;

    /// Of that name, still without values.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            filled: 0,
            examples: Vec::new(),
            few: Some(BTreeMap::new()),
            longest: 0,
            times: Times::default(),
            characters: 0,
            seen: 0,
            is_time: false,
            worded: 0,
            lines: 0,
            numbers: 0,
            links: 0,
            objects: 0,
            uuids: 0,
            illegal: 0,
            rounded: 0,
            html: 0,
            misread: 0,
            read_rightly: 0,
            attached: Attached::default(),
            different: HashSet::new(),
            full_at: 0,
        }
    }

    /// Looks at one value.
    pub fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        self.common(value);
        if self.seen == Self::CLOSELY {
            // Only a time can still say something: whether the day comes first.
            if self.is_time {
                self.times.add(value);
            }
            return;
        }
        let new = self.full_at == 0 && self.different.insert(xxh3_64(value.as_bytes()));
        let most = if self.worded * 2 > self.seen { Self::DIFFERENT_WORDS } else { Self::DIFFERENT };
        if new && self.different.len() >= most {
            self.full_at = self.seen + 1;
        }
        if new && self.examples.len() < Self::EXAMPLES {
            self.examples.push(shorten(&mask(value)));
        }
        let length = value.chars().count();
        self.longest = self.longest.max(length);
        self.characters += length as u64;
        self.seen += 1;
        let count = |counter: &mut u64, yes: bool| *counter += u64::from(yes);
        count(&mut self.worded, value.contains([' ', '\n', '\u{3000}']) || value.chars().any(is_ideograph));
        count(&mut self.lines, value.contains('\n'));
        count(&mut self.numbers, value.bytes().all(|b| b.is_ascii_digit()));
        count(&mut self.links, value.starts_with("http://") || value.starts_with("https://"));
        count(&mut self.objects, value.starts_with(['{', '[']) && value.ends_with(['}', ']']));
        count(&mut self.uuids, length == 36 && value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'));
        count(&mut self.rounded, is_rounded(value));
        count(&mut self.html, is_html(value));
        self.attached.add(value);
        match mojibake::read(value) {
            Reading::Wrong(_) => self.misread += 1,
            Reading::Mixed(_) => {
                self.misread += 1;
                self.read_rightly += 1;
            }
            Reading::Right => self.read_rightly += 1,
            Reading::Plain => {}
        }
        self.times.add(value);
        if self.seen == Self::CLOSELY {
            self.is_time = self.times.written().is_some();
        }
    }

    /// What a single one of very many values can change.
    fn common(&mut self, value: &str) {
        self.filled += 1;
        if let Some(few) = &mut self.few {
            if let Some(count) = few.get_mut(value) {
                *count += 1;
            } else if few.len() < Self::FEW && value.chars().nth(Self::FEW_LENGTH).is_none() {
                few.insert(value.to_owned(), 1);
            } else {
                self.few = None;
            }
        }
        // What has words is no id.
        if self.worded * 3 < self.seen.max(1) {
            self.illegal += u64::from(!UserId::is_legal(value));
        }
    }

    /// How many of a hundred values differ from all before them.
    pub fn different_percent(&self) -> u64 {
        let among = if self.full_at > 0 { self.full_at } else { self.seen };
        (self.different.len() as u64 * 100).checked_div(among).unwrap_or(0)
    }

    /// How many different values there are; `None`: more than can be counted.
    pub fn different(&self) -> Option<usize> {
        (self.full_at == 0).then_some(self.different.len())
    }

    /// Characters of a value, on average.
    pub fn average(&self) -> u64 {
        self.characters.checked_div(self.seen).unwrap_or(0)
    }

    /// Whether most values look like words.
    pub fn is_worded(&self) -> bool {
        self.filled > 0 && self.worded * 3 >= self.seen && !self.is_links() && self.objects * 2 < self.seen
    }

    /// Whether some value goes over several lines.
    pub fn has_lines(&self) -> bool {
        self.lines > 0
    }

    /// Whether all values are the same; of a handful of records that says nothing.
    pub fn is_constant(&self) -> bool {
        self.filled >= 4 && self.different.len() == 1
    }

    /// Whether its values are flags, statuses and the like: yes and no, numbers of a digit or two.
    pub fn is_flags(&self) -> bool {
        let flag = |value: &String| {
            matches!(
                value.to_lowercase().as_str(),
                "true" | "false" | "yes" | "no" | "y" | "n" | "t" | "f" | "是" | "否" | "on" | "off"
            ) || (value.len() == 1 && value.bytes().all(|b| b.is_ascii_digit()))
        };
        self.few.as_ref().is_some_and(|few| !few.is_empty() && few.len() <= 3 && few.keys().all(flag))
    }

    /// Whether all values are whole numbers.
    pub fn is_numbers(&self) -> bool {
        self.filled > 0 && self.numbers == self.seen
    }

    /// Whether all values are links.
    pub fn is_links(&self) -> bool {
        self.filled > 0 && self.links * 10 >= self.seen * 9
    }

    /// Whether all values are UUIDs.
    pub fn is_uuids(&self) -> bool {
        self.filled > 0 && self.uuids == self.seen
    }

    /// Whether most values are JSON.
    pub fn is_json(&self) -> bool {
        self.filled > 0 && self.objects * 10 >= self.seen * 9
    }

    /// How many values could not be the id of a user.
    pub fn illegal(&self) -> u64 {
        self.illegal
    }

    /// Whether nearly all values are links, names of files, or JSON of these.
    pub fn is_files(&self) -> bool {
        self.filled > 0 && self.attached.files * 10 >= self.seen * 9
    }

    /// Whether nearly all values end as files of a kind that is known do.
    pub fn is_known_files(&self) -> bool {
        self.filled > 0 && self.attached.known * 10 >= self.seen * 9
    }

    /// What stands between several files in a value.
    pub fn file_split(&self) -> Option<&'static str> {
        self.attached.split()
    }

    /// How many values are HTML, of those that were looked at.
    pub fn html(&self) -> (u64, u64) {
        (self.html, self.seen)
    }

    /// How many values look like UTF-8 read as Latin-1, and how many have such characters rightly.
    pub fn misread(&self) -> (u64, u64) {
        (self.misread, self.read_rightly)
    }

    /// How many values a spreadsheet has rounded.
    pub fn rounded(&self) -> u64 {
        self.rounded
    }
}

/// Chinese, Japanese and Korean need no blanks between words.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

/// `7.43E+18`
fn is_rounded(value: &str) -> bool {
    let Some((digits, exponent)) = value.split_once("E+") else { return false };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    number(whole) && number(fraction) && number(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column<'a>(values: impl IntoIterator<Item = &'a str>) -> Column {
        let mut column = Column::new("c");
        values.into_iter().for_each(|value| column.add(value));
        column
    }

    #[test]
    fn shapes() {
        assert!(column(["hello there", "ok", "see you at ten"]).is_worded());
        assert!(column(["你好", "在吗"]).is_worded());
        assert!(!column(["alice", "bob"]).is_worded());
        assert!(column(["1", "22", ""]).is_numbers());
        assert!(column(["https://a/b", "http://c"]).is_links());
        assert!(column(["{\"a\":1}", "[]"]).is_json());
        assert!(column(["550e8400-e29b-41d4-a716-446655440000"]).is_uuids());
        assert_eq!(column(["a", "a@b", "a_b", "x y"]).illegal(), 2);
        assert_eq!(column(["7.43E+18", "1E+5", "E+", "a1.0E+2"]).rounded(), 2);
        assert!(column(["a\nb"]).has_lines());
    }

    #[test]
    fn few_values_are_kept_and_examples_are_masked() {
        let kinds = column(["text", "image", "text", "  ", "text"]);
        assert_eq!(kinds.few.as_ref().unwrap()["text"], 3);
        assert_eq!((kinds.filled, kinds.different(), kinds.different_percent()), (4, Some(2), 50));
        let links = column(["https://x/y?token=hush"]);
        assert_eq!(links.examples, ["https://x/y?…"]);
    }

    #[test]
    fn memory_is_bounded() {
        let numbers: Vec<String> = (0..200_000).map(|n| n.to_string()).collect();
        let column = column(numbers.iter().map(String::as_str));
        assert_eq!((column.different(), column.different_percent(), column.few.is_none()), (None, 100, true));
        assert!(column.different.len() <= Column::DIFFERENT);
    }
}
