//! The beginning of a message: date, time, and what stands around them in the world's locales.

use jiff::civil::DateTime;

use super::super::settings::DateOrder;

/// How the lines of a file begin. One file has one of them: an app writes the whole of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// iOS: `[31/12/2024, 23:59:59] Name: text`
    Bracket,
    /// Android: `31/12/2024, 23:59 - Name: text`
    Dash,
    /// iPhones of long ago: `31/12/2024 23:59:59: Name: text`
    Colon,
}

impl Shape {
    /// In the order in which of equals the first counts.
    pub(super) const ALL: [Self; 3] = [Self::Bracket, Self::Dash, Self::Colon];

    /// As chunks inherit it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bracket => "bracket",
            Self::Dash => "dash",
            Self::Colon => "colon",
        }
    }
}

/// Words between date and time: `27.3.2022 klo 21.41`. In lower case.
const BETWEEN: [&str; 12] =
    ["klo", "kl.", "kl", "kell", "at", "um", "às", "alle", "lúc", "pukul", "saat", "в"];

/// Words behind the time: `21:41 Uhr`. In lower case.
const BEHIND: [&str; 4] = ["uhr", "ч.", "ч", "hrs"];

/// A date and time as they stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) shape: Shape,
    /// The three numbers of the date, in their order.
    pub(super) date: [Number; 3],
    /// Between them: dots never stand in a date that begins with the month.
    pub(super) dots: bool,
    era: Era,
    hour: i8,
    minute: i8,
    second: i8,
    /// Where the rest of the line begins.
    pub(super) rest: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: i16,
    pub(super) digits: u8,
}

/// What a year is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Era {
    Common,
    /// Thailand: 2565 BE is 2022.
    Buddhist,
    /// Japan: R4 is 2022, H30 is 2018.
    Begun(i16),
}

/// Half of the day, as it is called in front of or behind the time. Compared without blanks, dots and capitals.
const HALVES: &[(&str, Half)] = &[
    ("am", Half::Am),
    ("pm", Half::Pm),
    ("ص", Half::Am),
    ("م", Half::Pm),
    ("قظ", Half::Am),
    ("بظ", Half::Pm),
    ("上午", Half::Am),
    ("凌晨", Half::Am),
    ("清晨", Half::Am),
    ("早上", Half::Am),
    ("中午", Half::Pm),
    ("下午", Half::Pm),
    ("傍晚", Half::Pm),
    ("晚上", Half::Pm),
    ("午前", Half::Am),
    ("午後", Half::Pm),
    ("오전", Half::Am),
    ("오후", Half::Pm),
    ("पूर्वाह्न", Half::Am),
    ("अपराह्न", Half::Pm),
    ("पू", Half::Am),
    ("अ", Half::Pm),
    ("μμ", Half::Pm),
    ("πμ", Half::Am),
    ("öö", Half::Am),
    ("ös", Half::Pm),
    ("de", Half::Am),
    ("du", Half::Pm),
    ("fm", Half::Am),
    ("em", Half::Pm),
    ("sa", Half::Am),
    ("ch", Half::Pm),
    ("pd", Half::Am),
    ("md", Half::Pm),
    ("pg", Half::Am),
    ("ptg", Half::Pm),
    ("vorm", Half::Am),
    ("nachm", Half::Pm),
    ("inthemorning", Half::Am),
    ("intheafternoon", Half::Pm),
    ("intheevening", Half::Pm),
    ("atnight", Half::Night),
    ("noon", Half::Pm),
    ("midnight", Half::Am),
    ("delamañana", Half::Am),
    ("delatarde", Half::Pm),
    ("delanoche", Half::Night),
    ("முற்பகல்", Half::Am),
    ("பிற்பகல்", Half::Pm),
    ("dopoledne", Half::Am),
    ("odpoledne", Half::Pm),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
    /// From nine in the evening until six.
    Night,
}

impl Header {
    /// Reads the beginning of a line; `None` if it goes on with what the line before began.
    pub(super) fn read(line: &str) -> Option<Self> {
        // Most lines that begin nothing show it in their first byte.
        let first = *line.as_bytes().first()?;
        if first.is_ascii_alphabetic() {
            return None;
        }
        let mut at = Cursor { text: line, at: 0 };
        at.marks();
        let bracket = at.take('[');
        at.marks();
        let ahead = at.time_ahead();
        if ahead.is_some() {
            at.blanks();
            at.takes(&[',', '،']);
            at.blanks();
        }
        let (date, dots, era, korean) = at.date()?;
        at.blanks();
        let before = if ahead.is_none() {
            at.takes(&[',', '،', '、']);
            at.blanks();
            at.word(&BETWEEN);
            at.blanks();
            at.half()
        } else {
            None
        };
        let (hour, minute, second, exact) = match ahead {
            Some(time) => time,
            None => at.time()?,
        };
        at.blanks();
        let half = before.or_else(|| at.half());
        at.word(&BEHIND);
        at.blanks();
        let shape = if bracket {
            at.takes(&[']'])?;
            at.marks();
            at.take(' ');
            Shape::Bracket
        } else if exact && half.is_none() && at.take(':') {
            at.take(' ').then_some(Shape::Colon)?
        } else if korean {
            at.takes(&[',', '-'])?;
            at.take(' ');
            Shape::Dash
        } else {
            at.takes(&['-', '–', '—'])?;
            if !at.take(' ') && !at.take('\u{a0}') {
                return None;
            }
            Shape::Dash
        };
        let hour = match half {
            Some(Half::Am | Half::Night) if hour == 12 => 0,
            Some(Half::Pm) if hour < 12 => hour + 12,
            Some(Half::Night) if (6..12).contains(&hour) => hour + 12,
            _ => hour,
        };
        Some(Self { shape, date, dots, era, hour, minute, second, rest: at.at })
    }

    /// The local time, if its date is written in that order.
    pub(super) fn local(&self, order: DateOrder) -> Option<DateTime> {
        let [a, b, c] = self.date;
        let (year, month, day) = match order {
            DateOrder::Dmy => (c, b, a),
            DateOrder::Mdy => (c, a, b),
            DateOrder::Ymd => (a, b, c),
        };
        let year = match (self.era, year.digits) {
            (Era::Begun(start), _) => start + year.value,
            (Era::Buddhist, 0..=2) => 2500 + year.value - 543,
            (Era::Buddhist, _) => year.value - 543,
            (Era::Common, 0..=2) => 2000 + year.value,
            // No other calendar comes near.
            (Era::Common, _) if year.value > 2400 => year.value - 543,
            (Era::Common, _) => year.value,
        };
        let (month, day) = (i8::try_from(month.value).ok()?, i8::try_from(day.value).ok()?);
        // Iran: 1401 is 2022. Nothing else comes near, and no phone was there in the 14th century.
        if self.era == Era::Common && (1300..1500).contains(&year) {
            let date = persian(year, month, day)?;
            return Some(date.at(self.hour, self.minute, self.second, 0));
        }
        DateTime::new(year, month, day, self.hour, self.minute, self.second, 0).ok()
    }
}

/// A day of the Persian calendar: six months of 31 days, then of 30; 8 leap years in 33.
fn persian(year: i16, month: i8, day: i8) -> Option<jiff::civil::Date> {
    let longest = if month <= 6 { 31 } else { 30 };
    if !(1..=12).contains(&month) || !(1..=longest).contains(&day) {
        return None;
    }
    let before = |year: i32| 365 * year + year / 33 * 8 + (year % 33 + 3) / 4;
    let in_year = if month <= 7 { (i32::from(month) - 1) * 31 } else { 186 + (i32::from(month) - 7) * 30 };
    // The first day of 1300 is 21 March 1921.
    let days = before(i32::from(year) + 1595) - before(1300 + 1595) + in_year + i32::from(day) - 1;
    jiff::civil::date(1921, 3, 21).checked_add(jiff::Span::new().days(days)).ok()
}

/// Marks of writing direction and the byte order mark; phones put them anywhere.
pub(super) const fn is_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\t')
}

/// The noughts of scripts that phones write dates in; the other nine follow each.
const ZEROS: [char; 12] = ['٠', '۰', '०', '০', '੦', '૦', '௦', '౦', '೦', '൦', '๐', '၀'];

/// The value of a digit of any script that phones write dates in.
fn digit(c: char) -> Option<i16> {
    if c.is_ascii_digit() {
        return Some(c as i16 - '0' as i16);
    }
    if c.is_ascii() {
        return None;
    }
    let c = c as u32;
    ZEROS
        .iter()
        .map(|zero| c.wrapping_sub(*zero as u32))
        .find(|n| *n < 10)
        .and_then(|n| i16::try_from(n).ok())
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip(&mut self, fits: impl Fn(char) -> bool) {
        while let Some(c) = self.peek().filter(|c| fits(*c)) {
            self.at += c.len_utf8();
        }
    }

    fn marks(&mut self) {
        self.skip(is_mark);
    }

    fn blanks(&mut self) {
        self.skip(|c| is_blank(c) || is_mark(c));
    }

    fn take(&mut self, sign: char) -> bool {
        self.takes(&[sign]).is_some()
    }

    fn takes(&mut self, signs: &[char]) -> Option<char> {
        let c = self.peek().filter(|c| signs.contains(c))?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn number(&mut self) -> Option<Number> {
        let (mut value, mut digits) = (0_i16, 0);
        while let Some((c, n)) = self.peek().and_then(|c| Some((c, digit(c)?))) {
            if digits == 4 {
                return None;
            }
            value = value * 10 + n;
            digits += 1;
            self.at += c.len_utf8();
        }
        (digits > 0).then_some(Number { value, digits })
    }

    /// Three numbers, whether dots are between them, the era, and whether it is written as in Korea.
    fn date(&mut self) -> Option<([Number; 3], bool, Era, bool)> {
        let a = self.number()?;
        self.marks();
        let sign = self.takes(&['/', '.', '-', '년', '年'])?;
        self.blanks();
        let b = self.number()?;
        self.marks();
        self.takes(&['/', '.', '-', '월', '月'])?;
        self.blanks();
        let mut era = Era::Common;
        for (sign, start) in [('R', 2018), ('H', 1988)] {
            if self.take(sign) {
                era = Era::Begun(start);
            }
        }
        let c = self.number()?;
        self.takes(&['.', '일', '日']);
        // Bulgaria: `27.3.22 г.`
        let end = self.at;
        self.blanks();
        if !self.word(&["г."]) {
            self.at = end;
        }
        let rest = &self.text[self.at..];
        for name in [" BE", "\u{a0}BE", " พ.ศ.", " AD", " CE"] {
            if rest.starts_with(name) {
                self.at += name.len();
                if !matches!(name, " AD" | " CE") {
                    era = Era::Buddhist;
                }
            }
        }
        Some(([a, b, c], sign == '.', era, sign == '년'))
    }

    /// Hour, minute, second, and whether the second stands there.
    fn time(&mut self) -> Option<(i8, i8, i8, bool)> {
        let small = |n: Number| i8::try_from(n.value).ok().filter(|_| n.digits <= 2);
        let hour = small(self.number()?)?;
        let (mut second, mut exact) = (0, false);
        let minute = if let Some(sign) = self.takes(&[':', '.', '：']) {
            let minute = small(self.number()?)?;
            if self.peek() == Some(sign)
                && self.text[self.at + sign.len_utf8()..].chars().next().and_then(digit).is_some()
            {
                self.at += sign.len_utf8();
                (second, exact) = (small(self.number()?)?, true);
            }
            minute
        } else {
            // Canada: `21 h 41`, `21 h 41 min 35 s`
            self.blanks();
            self.take('h').then_some(())?;
            self.blanks();
            let minute = small(self.number()?)?;
            let end = self.at;
            self.blanks();
            if self.word(&["min"]) {
                self.blanks();
                (second, exact) = (small(self.number()?)?, true);
                self.blanks();
                self.word(&["s"]);
            } else {
                self.at = end;
            }
            minute
        };
        (hour < 25 && minute < 60 && second < 61).then_some((hour % 24, minute, second.min(59), exact))
    }

    /// A time in front of the date: `21:41, 27/03/2022`. Nothing else begins with a number and a colon.
    fn time_ahead(&mut self) -> Option<(i8, i8, i8, bool)> {
        let begun = self.at;
        let hour = self.number().is_some_and(|n| n.digits <= 2) && self.peek() == Some(':');
        self.at = begun;
        let time = if hour { self.time() } else { None };
        if time.is_none() {
            self.at = begun;
        }
        time
    }

    /// One of these words, if it stands here whole.
    fn word(&mut self, words: &[&str]) -> bool {
        let rest = &self.text[self.at..];
        // In most places stands none.
        if !rest.starts_with(char::is_alphabetic) {
            return false;
        }
        let found = words.iter().find_map(|word| {
            let head: String = rest.chars().take(word.chars().count()).collect();
            let after = rest[head.len()..].chars().next();
            (head.to_lowercase() == *word && !after.is_some_and(char::is_alphabetic)).then_some(head.len())
        });
        self.at += found.unwrap_or(0);
        found.is_some()
    }

    /// The half of the day, if it stands here.
    fn half(&mut self) -> Option<Half> {
        // Longer than any of them; a name would be far longer before the sign that ends it.
        let rest = &self.text[self.at..];
        let mut word = String::new();
        let mut best = None;
        for (n, c) in rest.char_indices().take(24) {
            if digit(c).is_some() || matches!(c, ']' | '-' | '–' | '—' | '[' | ',') {
                break;
            }
            if !(is_blank(c) || is_mark(c) || c == '.') {
                word.extend(c.to_lowercase());
            }
            if let Some((_, half)) = HALVES.iter().find(|(name, _)| *name == word) {
                best = Some((n + c.len_utf8(), *half));
            }
        }
        let (end, half) = best?;
        self.at += end;
        self.take('.');
        Some(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_of_more_places() {
        for (line, order, expected) in [
            ("27.3.2022 klo 21.41 - Ada: one: 1", DateOrder::Dmy, "2022-03-27T21:41:00"),
            ("00:05, 28/03/2022 - Bo: two", DateOrder::Dmy, "2022-03-28T00:05:00"),
            ("2022-03-28 00 h 05 - Bo: two", DateOrder::Ymd, "2022-03-28T00:05:00"),
            ("[2022-03-27 21 h 41 min 35 s] Ada: x", DateOrder::Ymd, "2022-03-27T21:41:35"),
            ("3.4.22 г., 12:30 ч. - Ada: three", DateOrder::Dmy, "2022-04-03T12:30:00"),
            ("27.03.22, 21:41 Uhr - Ada: x", DateOrder::Dmy, "2022-03-27T21:41:00"),
            ("28/3/22, முற்பகல் 12:05 - Bo: two", DateOrder::Dmy, "2022-03-28T00:05:00"),
            ("27/3/22, பிற்பகல் 9:41 - Ada: x", DateOrder::Dmy, "2022-03-27T21:41:00"),
            ("27/03/2022 21:41:35: Ada: one: 1", DateOrder::Dmy, "2022-03-27T21:41:35"),
            ("۱۴۰۱/۱/۷،\u{200f} ۲۱:۴۱ - Ada: x", DateOrder::Ymd, "2022-03-27T21:41:00"),
        ] {
            assert_eq!(read(line, order).0, expected, "{line}");
            assert!(read(line, order).1.contains(": "), "{line}");
        }
        // A time alone, a word that only begins so, and what has no seconds are no beginnings.
        for line in ["21:41, see you - Bo: x", "27.3.2022 klossi 21.41 - A: x", "27/03/2022 21:41: Ada: one"]
        {
            assert_eq!(Header::read(line), None, "{line}");
        }
    }

    #[test]
    fn persian_days() {
        for (day, expected) in [
            ((1300, 1, 1), "1921-03-21"),
            ((1401, 1, 14), "2022-04-03"),
            ((1399, 12, 30), "2021-03-20"),
            ((1402, 12, 29), "2024-03-19"),
            ((1403, 7, 1), "2024-09-22"),
            ((1404, 1, 1), "2025-03-21"),
        ] {
            assert_eq!(persian(day.0, day.1, day.2).unwrap().to_string(), expected, "{day:?}");
        }
        assert_eq!((persian(1401, 13, 1), persian(1401, 7, 31), persian(1401, 1, 0)), (None, None, None));
    }

    #[track_caller]
    fn read(line: &str, order: DateOrder) -> (String, String) {
        let header = Header::read(line).unwrap_or_else(|| panic!("no header: {line}"));
        (header.local(order).map(|t| t.to_string()).unwrap_or_default(), line[header.rest..].to_owned())
    }

    #[test]
    fn shapes_of_the_world() {
        use DateOrder::{Dmy, Mdy, Ymd};
        let cases = [
            ("12/31/24, 11:59 PM - A: x", Mdy, "2024-12-31T23:59:00"),
            ("12/31/24, 11:59\u{202f}PM - A: x", Mdy, "2024-12-31T23:59:00"),
            ("31/12/2024, 23:59 - A: x", Dmy, "2024-12-31T23:59:00"),
            ("31/12/24, 23:59 - A: x", Dmy, "2024-12-31T23:59:00"),
            ("31/12/24, 11:59 pm - A: x", Dmy, "2024-12-31T23:59:00"),
            ("[31/12/24, 23:59:58] A: x", Dmy, "2024-12-31T23:59:58"),
            ("\u{200e}[31/12/24, 23:59:58] A: x", Dmy, "2024-12-31T23:59:58"),
            ("[31.12.24, 23:59:58] A: x", Dmy, "2024-12-31T23:59:58"),
            ("[12/31/24, 11:59:58 PM] A: x", Mdy, "2024-12-31T23:59:58"),
            ("[01/20/19 11:23] A: x", Mdy, "2019-01-20T11:23:00"),
            ("2024/12/31, 23:59 - A: x", Ymd, "2024-12-31T23:59:00"),
            ("31.12.24, 23:59 - A: x", Dmy, "2024-12-31T23:59:00"),
            ("31-12-2024 23:59 - A: x", Dmy, "2024-12-31T23:59:00"),
            ("2024-12-31, 11:59 p.m. - A: x", Ymd, "2024-12-31T23:59:00"),
            ("20/6/2020, 12:08 a. m. - A: x", Dmy, "2020-06-20T00:08:00"),
            ("20/6/2020, 00:08 a. m. - A: x", Dmy, "2020-06-20T00:08:00"),
            ("31/12/2024 23.59 - A: x", Dmy, "2024-12-31T23:59:00"),
            ("[31/12/2024 23.59.58] A: x", Dmy, "2024-12-31T23:59:58"),
            ("3/27/2565 BE, 13:05 - A: x", Mdy, "2022-03-27T13:05:00"),
            ("27/3/2565, 13:05 - A: x", Dmy, "2022-03-27T13:05:00"),
            ("3/27/R4, 13:05 - A: x", Mdy, "2022-03-27T13:05:00"),
            ("\u{200f}٣١/١٢/٢٠٢٤، ١١:٥٩ م - A: x", Dmy, "2024-12-31T23:59:00"),
            ("31/12/24, 3:05 in the afternoon - A: x", Dmy, "2024-12-31T15:05:00"),
            ("31/12/24, 11:05 at night - A: x", Dmy, "2024-12-31T23:05:00"),
            ("2022/4/26 下午1:23 - A: x", Ymd, "2022-04-26T13:23:00"),
            ("[2022/4/26 下午1:23:45] A: x", Ymd, "2022-04-26T13:23:45"),
            ("[2022. 4. 26. 오후 1:23:45] A: x", Ymd, "2022-04-26T13:23:45"),
            ("2022년 4월 26일 오후 1:23, A: x", Ymd, "2022-04-26T13:23:00"),
            ("31/12/24, 24:05 - A: x", Dmy, "2024-12-31T00:05:00"),
        ];
        for (line, order, time) in cases {
            assert_eq!(read(line, order), (time.to_owned(), "A: x".to_owned()), "{line}");
        }
    }

    #[test]
    fn what_begins_no_message() {
        let lines = [
            "",
            "text",
            "12",
            "12/31",
            "12/31/24",
            "12/31/24, 11:59",
            "1/2/3 - x",
            "[12/31/24] x",
            "3.5 - 4.5 is fine",
            "12/31/24, 11:59 XX - A: x",
            "[x]",
            "[12/31/24, 11:59:01 A: x",
            "99999/1/1, 10:00 - A: x",
            "é",
            "٣",
            "10:00 - 11:00 break",
            "1/2/2024, 10:00-12:00 open",
        ];
        for line in lines {
            assert_eq!(Header::read(line), None, "{line}");
        }
    }

    #[test]
    fn a_day_that_is_none_is_no_time() {
        assert_eq!(read("31/12/24, 23:59 - A: x", DateOrder::Mdy).0, "");
        assert_eq!(read("30/02/24, 23:59 - A: x", DateOrder::Dmy).0, "");
    }
}
