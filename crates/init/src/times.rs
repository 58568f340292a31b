//! How the times of a column are written: the unit of numbers, the pattern of texts, and whether the day or
//! the month comes first. Judged by all values, never by the first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::mapping::halves;

/// What is known so far about how a column writes its times.
#[derive(Debug, Clone, Default)]
pub struct Times {
    values: u64,
    none: u64,
    /// Numbers, by unit.
    units: BTreeMap<Unit, u64>,
    /// Texts, by pattern; more than a few mean that these are no times.
    patterns: BTreeMap<String, Dates>,
}

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Seconds since 1970, perhaps with a fraction.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

/// How the times of a column are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Numbers of that unit.
    In(Unit),
    /// As RFC 3339 says; `zoned`: with the zone.
    Rfc3339 {
        /// Every value says its zone.
        zoned: bool,
    },
    /// As this pattern of `strptime` says.
    Pattern {
        /// The pattern.
        pattern: String,
        /// Every value says its zone.
        zoned: bool,
        /// Why the day stands where it stands.
        order: Order,
    },
    /// Both patterns read every value: one must be chosen.
    DayOrMonthFirst {
        /// The pattern with the day first.
        day: String,
        /// The pattern with the month first.
        month: String,
        /// Every value says its zone.
        zoned: bool,
    },
}

impl Written {
    /// As `time` says it; of two ways with the day first.
    pub(super) fn how(self) -> String {
        match self {
            Self::In(unit) => unit.name().to_owned(),
            Self::Rfc3339 { .. } => "rfc3339".to_owned(),
            Self::Pattern { pattern, .. } | Self::DayOrMonthFirst { day: pattern, .. } => pattern,
        }
    }
}

/// Why the day stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The year is first, or the month is a word.
    Plain,
    /// So many values have a number above 12 there.
    Seen(u64),
}

/// The dates of one pattern: what could be the day.
#[derive(Debug, Clone, Default)]
struct Dates {
    count: u64,
    /// Values whose first number is above 12.
    first_above: u64,
    /// Values whose second number is above 12.
    second_above: u64,
    /// Some value had a fraction of a second.
    fraction: bool,
}

impl Unit {
    /// As the `time` setting calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::Ms => "ms",
            Self::Us => "us",
            Self::Ns => "ns",
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::S => "seconds",
            Self::Ms => "milliseconds",
            Self::Us => "microseconds",
            Self::Ns => "nanoseconds",
        }
    }

    /// The unit that puts a number between 1990 and 2100.
    fn of(number: &str) -> Option<Self> {
        let whole = number.split('.').next()?;
        if whole.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return None;
        }
        let n: u128 = whole.parse().ok()?;
        [(Self::S, 1), (Self::Ms, 1_000), (Self::Us, 1_000_000), (Self::Ns, 1_000_000_000)]
            .into_iter()
            .find_map(|(unit, per_second)| {
                (631_152_000..4_102_444_800).contains(&(n / per_second)).then_some(unit)
            })
    }
}

impl Times {
    /// More than so many ways of writing are none.
    const MOST: usize = 4;

    /// Looks at a value; empty ones say nothing.
    pub fn add(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.values += 1;
        if let Some(unit) = Unit::of(text) {
            *self.units.entry(unit).or_default() += 1;
            return;
        }
        let read = (self.patterns.len() <= Self::MOST).then(|| Read::of(text)).flatten();
        let Some(read) = read else {
            self.none += 1;
            return;
        };
        let dates = self.patterns.entry(read.pattern).or_default();
        dates.count += 1;
        dates.first_above += u64::from(read.first > 12);
        dates.second_above += u64::from(read.second > 12);
        dates.fraction |= read.fraction;
    }

    /// How the times are written, if nearly all values are times that are written in one way.
    pub fn written(&self) -> Option<Written> {
        let most = |count: u64| count * 100 >= self.values * 99;
        if self.values == 0 || !most(self.values - self.none) {
            return None;
        }
        if let Some((unit, _)) = self.units.iter().find(|(_, count)| most(**count)) {
            return Some(Written::In(*unit));
        }
        let (pattern, dates) = self.patterns.iter().find(|(_, dates)| most(dates.count))?;
        Self::of(pattern, dates)
    }

    /// How sure it is that these are times and no other numbers: a text with a date is one, a number of the
    /// right size may be a coincidence.
    pub fn is_text(&self) -> bool {
        !self.patterns.is_empty() && self.units.is_empty()
    }

    fn of(pattern: &str, dates: &Dates) -> Option<Written> {
        let seconds = if dates.fraction { "%S%.f" } else { "%S" };
        let pattern = pattern.replace("%S", seconds);
        let zoned = pattern.contains("%z") || pattern.contains("%:z") || pattern.ends_with('Z');
        let (day, month) = (filled(&pattern, "%d", "%m"), filled(&pattern, "%m", "%d"));
        if day == month {
            let iso = pattern.strip_suffix('Z').or(pattern.strip_suffix("%:z")).unwrap_or(&pattern);
            if matches!(iso.strip_suffix("%.f").unwrap_or(iso), "%Y-%m-%dT%H:%M:%S" | "%Y-%m-%d %H:%M:%S") {
                return Some(Written::Rfc3339 { zoned });
            }
            return Some(Written::Pattern { pattern, zoned, order: Order::Plain });
        }
        match (dates.first_above, dates.second_above) {
            (0, 0) => Some(Written::DayOrMonthFirst { day, month, zoned }),
            (n, 0) => Some(Written::Pattern { pattern: day, zoned, order: Order::Seen(n) }),
            (0, n) => Some(Written::Pattern { pattern: month, zoned, order: Order::Seen(n) }),
            // Both: then neither is a day, or two exports were put together.
            _ => None,
        }
    }
}

/// The pattern with these in the place of the two numbers whose order is open.
fn filled(pattern: &str, first: &str, second: &str) -> String {
    pattern.replace("%1", first).replace("%2", second)
}

/// A text that was read as a time.
struct Read {
    /// A `strptime` pattern; `%1` and `%2` stand for day and month where their order is open.
    pattern: String,
    first: u32,
    second: u32,
    fraction: bool,
}

impl Read {
    fn of(text: &str) -> Option<Self> {
        // The longest date in words, `Wednesday, 30 September 2020, 12:00:00.000000 AM +00:00`, is shorter.
        if text.len() > 64 || !text.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        let text = &*halves(text);
        let pieces = pieces(text)?;
        if let Some(read) = compact(&pieces) {
            return Some(read);
        }
        let mut reading = Reading {
            pattern: String::new(),
            date: Vec::new(),
            word: false,
            clock: 0,
            half: false,
            fraction: false,
        };
        let mut at = 0;
        while at < pieces.len() {
            let before = at.checked_sub(1).map(|at| pieces[at]);
            at += reading.take(before, &pieces[at..], text)?;
        }
        reading.finish()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece<'a> {
    Number(&'a str),
    Word(&'a str),
    Sign(char),
}

fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let len = if c.is_ascii_digit() {
            let len = len(|c| c.is_ascii_digit());
            pieces.push(Piece::Number(&rest[..len]));
            len
        } else if c.is_alphabetic() {
            let len = len(char::is_alphabetic);
            pieces.push(Piece::Word(&rest[..len]));
            len
        } else {
            pieces.push(Piece::Sign(c));
            c.len_utf8()
        };
        rest = &rest[len..];
        if pieces.len() > 24 {
            return None;
        }
    }
    Some(pieces)
}

/// `20240131120000`.
fn compact(pieces: &[Piece<'_>]) -> Option<Read> {
    let [Piece::Number(number)] = pieces else { return None };
    if number.len() != 14 {
        return None;
    }
    let part = |from: usize, to: usize| number[from..to].parse::<u32>().unwrap_or(0);
    let date = (1990..2100).contains(&part(0, 4))
        && (1..=12).contains(&part(4, 6))
        && (1..=31).contains(&part(6, 8));
    date.then(|| Read { pattern: "%Y%m%d%H%M%S".to_owned(), first: 0, second: 0, fraction: false })
}

struct Reading {
    pattern: String,
    /// The numbers of the date: value and digits.
    date: Vec<(u32, usize)>,
    /// The month is a word.
    word: bool,
    /// How many numbers of the clock there were.
    clock: usize,
    /// The clock counts to 12.
    half: bool,
    fraction: bool,
}

impl Reading {
    /// Takes some pieces from the front; `None`: this is no time.
    fn take(&mut self, before: Option<Piece<'_>>, pieces: &[Piece<'_>], text: &str) -> Option<usize> {
        let dates = self.date.len() + usize::from(self.word);
        match pieces {
            // What comes after the clock with a sign is an offset.
            [Piece::Sign('+' | '-'), Piece::Number(hours), rest @ ..] if self.clock >= 2 && dates == 3 => {
                match rest {
                    [Piece::Sign(':'), Piece::Number(minutes), ..]
                        if hours.len() == 2 && minutes.len() == 2 =>
                    {
                        self.pattern.push_str("%:z");
                        Some(4)
                    }
                    _ if hours.len() == 4 => {
                        self.pattern.push_str("%z");
                        Some(2)
                    }
                    _ => None,
                }
            }
            [Piece::Sign('.' | ','), Piece::Number(_), ..] if self.clock == 3 && !self.fraction => {
                // `%.f` reads a dot alone.
                if pieces[0] == Piece::Sign(',') {
                    return None;
                }
                self.fraction = true;
                Some(2)
            }
            [Piece::Number(number), rest @ ..] => {
                let clock = matches!(rest, [Piece::Sign(':'), Piece::Number(_), ..])
                    || matches!(rest, [Piece::Word(word), ..] if HOUR.contains(word))
                    || before == Some(Piece::Sign(':'))
                    || matches!(before, Some(Piece::Word(word)) if HOUR.contains(&word) || MINUTE.contains(&word))
                    || dates == 3;
                if clock {
                    self.clock(number)?;
                } else {
                    self.day(number)?;
                }
                Some(1)
            }
            [Piece::Word(word), ..] => {
                self.word(word, text)?;
                Some(1)
            }
            [Piece::Sign(sign), ..] => {
                match sign {
                    '%' => return None,
                    sign => self.pattern.push(*sign),
                }
                Some(1)
            }
            [] => None,
        }
    }

    fn day(&mut self, number: &str) -> Option<()> {
        if self.date.len() + usize::from(self.word) >= 3 || !matches!(number.len(), 1 | 2 | 4) {
            return None;
        }
        self.date.push((number.parse().ok()?, number.len()));
        // Which number it is shows when all are known.
        write!(self.pattern, "%{}", self.date.len()).ok()
    }

    fn clock(&mut self, number: &str) -> Option<()> {
        let (specifier, most) = *[("%H", 24), ("%M", 59), ("%S", 60)].get(self.clock)?;
        if number.len() > 2 || number.parse::<u32>().ok()? > most {
            return None;
        }
        self.pattern.push_str(specifier);
        self.clock += 1;
        Some(())
    }

    fn word(&mut self, word: &str, text: &str) -> Option<()> {
        let lower = word.to_lowercase();
        let starts = |names: &[&str], n: usize| names.iter().any(|name| lower == *name || lower == name[..n]);
        if starts(MONTHS, 3) && !self.word {
            self.word = true;
            let long = lower.len() > 3 || (lower == "may" && text.len() > 24);
            self.pattern.push_str(if long { "%B" } else { "%b" });
        } else if starts(WEEKDAYS, 3) {
            self.pattern.push_str(if lower.len() > 3 { "%A" } else { "%a" });
        } else if matches!(lower.as_str(), "am" | "pm") {
            self.half = true;
            self.pattern.push_str("%p");
        } else if [HOUR, MINUTE, OTHER_MARKS].iter().any(|marks| marks.contains(&word)) {
            self.pattern.push_str(word);
        } else {
            return None;
        }
        Some(())
    }

    /// Puts year, month and day where they belong.
    fn finish(self) -> Option<Read> {
        let mut pattern = if self.half { self.pattern.replace("%H", "%I") } else { self.pattern };
        let mut put = |from: &str, to: &str| pattern = pattern.replacen(from, to, 1);
        let year = |digits: usize| if digits == 4 { "%Y" } else { "%y" };
        let (mut first, mut second) = (0, 0);
        // A day without a clock is a date of birth, or of anything but a message.
        if self.clock < 2 {
            return None;
        }
        match (self.word, self.date.as_slice()) {
            // `2024-01-31`: nobody writes the day in the middle.
            (false, [(_, 4), (month, 1 | 2), (day, 1 | 2)]) if *month <= 12 && *day <= 31 => {
                put("%1", "%Y");
                put("%2", "%m");
                put("%3", "%d");
            }
            (false, [(a, 1 | 2), (b, 1 | 2), (_, digits @ (2 | 4))])
                if *a <= 31 && *b <= 31 && (*a <= 12 || *b <= 12) =>
            {
                put("%3", year(*digits));
                (first, second) = (*a, *b);
            }
            (true, [(_, 4), (day, 1 | 2)]) if *day <= 31 => {
                put("%1", "%Y");
                put("%2", "%d");
            }
            (true, [(day, 1 | 2), (_, digits @ (2 | 4))]) if *day <= 31 => {
                put("%1", "%d");
                put("%2", year(*digits));
            }
            _ => return None,
        }
        Some(Read { pattern, first, second, fraction: self.fraction })
    }
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const HOUR: &[&str] = &["时", "時", "点", "點", "시"];
const MINUTE: &[&str] = &["分", "분"];
const OTHER_MARKS: &[&str] = &["T", "Z", "UTC", "GMT", "年", "月", "日", "秒", "년", "월", "일", "초"];

const WEEKDAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(values: &[&str]) -> Option<Written> {
        let mut times = Times::default();
        for value in values {
            times.add(value);
        }
        times.written()
    }

    fn pattern(values: &[&str]) -> String {
        match written(values) {
            Some(Written::Pattern { pattern, zoned, .. }) => {
                format!("{pattern}{}", if zoned { " zoned" } else { "" })
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn units_by_size() {
        for (value, unit) in [
            ("1700000000", Unit::S),
            ("1433860197.000002", Unit::S),
            ("1700000000123", Unit::Ms),
            ("1700000000123456", Unit::Us),
            ("1700000000123456789", Unit::Ns),
        ] {
            assert_eq!(written(&[value, value]), Some(Written::In(unit)), "{value}");
        }
        for none in ["17", "20240131", "123456789012", "alice", "-1700000000", "1700000000x", "12.5"] {
            assert!(!matches!(written(&[none]), Some(Written::In(_))), "{none}");
        }
    }

    #[test]
    fn patterns() {
        for (value, expected) in [
            ("31.01.2024 12:00", "%d.%m.%Y %H:%M"),
            ("31/1/24, 9:05:07 PM", "%d/%m/%y, %I:%M:%S %p"),
            ("2024/10/4 11:42", "%Y/%m/%d %H:%M"),
            ("2024年1月31日 12:00:05", "%Y年%m月%d日 %H:%M:%S"),
            ("2024年1月31日 12时05分", "%Y年%m月%d日 %H时%M分"),
            ("04-Jun-19 12:07 AM", "%d-%b-%y %I:%M %p"),
            ("Mon, 31 Jan 2024 12:00:00 +0100", "%a, %d %b %Y %H:%M:%S %z zoned"),
            ("January 31, 2024 12:00", "%B %d, %Y %H:%M"),
            ("Thursday, September 18, 2025 6:30 a.m.", "%A, %B %d, %Y %I:%M %p"),
            ("2024/1/31 下午3:05", "%Y/%m/%d %p%I:%M"),
            ("12:07 31.01.2024", "%H:%M %d.%m.%Y"),
            ("20240131120000", "%Y%m%d%H%M%S"),
            ("2024-01-31 12:00", "%Y-%m-%d %H:%M"),
            ("2024-01-31 12:00:00 +08:00", "%Y-%m-%d %H:%M:%S %:z zoned"),
        ] {
            assert_eq!(pattern(&[value]), expected, "{value}");
            let spec = expected.trim_end_matches(" zoned");
            jiff::fmt::strtime::parse(spec, &*halves(value))
                .unwrap_or_else(|e| panic!("{spec} {value}: {e}"));
        }
    }

    #[test]
    fn rfc_3339_with_and_without_zone() {
        for (value, zoned) in [
            ("2024-01-31T12:00:00Z", true),
            ("2024-01-31T12:00:00.123+08:00", true),
            ("2024-01-31 12:00:00", false),
            ("2024-01-31T12:00:00.5", false),
        ] {
            assert_eq!(written(&[value]), Some(Written::Rfc3339 { zoned }), "{value}");
        }
        // Fractions come and go in one column.
        let both = ["2024-01-31T12:00:00Z", "2024-01-31T12:00:00.5Z"];
        assert_eq!(written(&both), Some(Written::Rfc3339 { zoned: true }));
    }

    #[test]
    fn one_value_above_12_decides_and_without_one_nobody_guesses() {
        let mut values = vec!["03/04/2024 10:00"; 500];
        assert_eq!(
            written(&values),
            Some(Written::DayOrMonthFirst {
                day: "%d/%m/%Y %H:%M".to_owned(),
                month: "%m/%d/%Y %H:%M".to_owned(),
                zoned: false,
            })
        );
        values.push("03/13/2024 10:00");
        assert_eq!(pattern(&values), "%m/%d/%Y %H:%M");
        values.pop();
        values.push("13/03/2024 10:00");
        assert_eq!(pattern(&values), "%d/%m/%Y %H:%M");
        // Both ways in one column are no way.
        values.push("03/13/2024 10:00");
        assert_eq!(written(&values), None);
    }

    #[test]
    fn texts_numbers_and_ids_are_no_times() {
        for none in [
            "hello",
            "at 10:30",
            "1.2.3",
            "1.2.3 10:00",
            "2024-01-31",
            "192.168.0.1",
            "1-2",
            "7/8",
            "99/99/2024",
            "31.31.2024 10:00",
            "v2.4",
            "+49 170 1234567",
            "550e8400-e29b-41d4-a716-446655440000",
            "25:00",
            "100%",
            "2024-13-01 10:00",
        ] {
            assert_eq!(written(&[none]), None, "{none}");
        }
        // A text that speaks of a time now and then doesn't make a column of times.
        assert_eq!(written(&["2024-01-31 12:00:00", "see you then"]), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,40}") {
            let mut times = Times::default();
            times.add(&text);
            let _any = times.written();
        }

        #[test]
        fn what_is_guessed_reads_what_it_was_guessed_from(
            date in (1990i16..2060, 1i8..=12, 1i8..=28), clock in (0i8..24, 0i8..60, 0i8..60), which in 0usize..6
        ) {
            let patterns = ["%d.%m.%Y %H:%M:%S", "%m/%d/%y %I:%M %p", "%Y/%m/%d %H:%M", "%d %b %Y %H:%M", "%Y%m%d%H%M%S", "%H:%M %d-%m-%Y"];
            let time = jiff::civil::date(date.0, date.1, date.2).at(clock.0, clock.1, clock.2, 0);
            let text = time.strftime(patterns[which]).to_string();
            let candidates = match written(&[&text]) {
                Some(Written::Pattern { pattern, .. }) => vec![pattern],
                Some(Written::DayOrMonthFirst { day, month, .. }) => vec![day, month],
                other => panic!("{text}: {other:?}"),
            };
            prop_assert!(candidates.iter().any(|pattern| pattern == patterns[which]), "{}: {:?}", text, candidates);
        }
    }
}
