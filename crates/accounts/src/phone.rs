//! Phones as tables have them and as the chat server wants them: an area code, and digits.

/// A phone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    /// With `+`.
    pub area_code: String,
    /// Digits; a 0 at the beginning stays, and has to be typed.
    pub number: String,
}

/// Why it is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// No area code anywhere.
    #[error(
        "has no area code: write it as +49 170 1234567, give it a column `areaCode`, or name one for all as `area_code` \
         under [accounts]"
    )]
    NoAreaCode,
    /// It begins with `+`, and no country has such a code.
    #[error("begins with no country's code")]
    NoCountry,
    /// Something else than digits and what stands between them.
    #[error("has `{0}` in it, which no phone has")]
    Strange(char),
    /// No digits at all, or more than the server takes.
    #[error("has {0} digits behind its area code; the chat server takes 1 to 19")]
    Digits(usize),
    /// The area code.
    #[error("has `{0}` for an area code, which is a `+` and digits")]
    AreaCode(String),
}

/// Countries' codes of one and of two digits; all others have three.
const SHORT: [&str; 45] = [
    "1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66",
    "81", "82", "84", "86", "90", "91", "92", "93", "94", "95",
];
const SHORT_TOO: &str = "98";

impl Phone {
    /// From what a table has: a number, perhaps with its area code; an area code of its own; and one for all.
    pub fn read(number: &str, area_code: &str, usual: Option<&str>) -> Result<Self, PhoneError> {
        let plain = digits(number)?;
        let (area, rest) = if let Some(all) = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")) {
            let area = country(all).ok_or(PhoneError::NoCountry)?;
            (area.to_owned(), all[area.len()..].to_owned())
        } else {
            let given =
                [area_code, usual.unwrap_or_default()].into_iter().find(|code| !code.trim().is_empty());
            (area_of(given.ok_or(PhoneError::NoAreaCode)?)?, plain)
        };
        // What the server reads is a number of 64 bits.
        if rest.is_empty() || rest.len() > 19 {
            return Err(PhoneError::Digits(rest.len()));
        }
        Ok(Self { area_code: format!("+{area}"), number: rest })
    }
}

/// Without what people put between digits. `(0)` behind a country's code is for those who dial without it.
fn digits(text: &str) -> Result<String, PhoneError> {
    let text =
        if text.trim_start().starts_with(['+', '0']) { text.replace("(0)", "") } else { text.to_owned() };
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            '+' if out.is_empty() => out.push(c),
            ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{2011}' | '\u{2013}' | '\t' => {}
            // As spreadsheets mark what is no number.
            '\'' if out.is_empty() => {}
            other => return Err(PhoneError::Strange(other)),
        }
    }
    Ok(out)
}

fn country(digits: &str) -> Option<&str> {
    let short = |n: usize| digits.get(..n).filter(|code| SHORT.contains(code) || *code == SHORT_TOO);
    short(1).or_else(|| short(2)).or_else(|| digits.get(..3).filter(|code| !code.starts_with('0')))
}

fn area_of(text: &str) -> Result<String, PhoneError> {
    let digits = text.trim().trim_start_matches('+').trim_start_matches("00");
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PhoneError::AreaCode(text.trim().to_owned()));
    }
    Ok(digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: &str, area: &str, usual: Option<&str>) -> Result<(String, String), PhoneError> {
        Phone::read(number, area, usual).map(|phone| (phone.area_code, phone.number))
    }

    #[test]
    fn as_people_write_them() {
        for (number, area, usual, expected) in [
            ("+49 170 1234567", "", None, ("+49", "1701234567")),
            ("0049-170-1234567", "", None, ("+49", "1701234567")),
            ("+49 (0)170/123.4567", "", None, ("+49", "1701234567")),
            ("+1 (415) 555-0100", "", None, ("+1", "4155550100")),
            ("+351 912 345 678", "", None, ("+351", "912345678")),
            ("13800000001", "86", None, ("+86", "13800000001")),
            ("13800000001", "+86", Some("49"), ("+86", "13800000001")),
            ("0170 1234567", "", Some("+49"), ("+49", "01701234567")),
            ("'0170 1234567", "", Some("49"), ("+49", "01701234567")),
            ("+98 912 345", "1", None, ("+98", "912345")),
        ] {
            let (code, digits) = expected;
            assert_eq!(read(number, area, usual), Ok((code.into(), digits.into())), "{number}");
        }
    }

    #[test]
    fn what_is_none_is_said() {
        assert_eq!(read("0170 1234567", "", None), Err(PhoneError::NoAreaCode));
        assert_eq!(read("170x", "49", None), Err(PhoneError::Strange('x')));
        assert_eq!(read("170", "DE", None), Err(PhoneError::AreaCode("DE".into())));
        assert_eq!(read("+049 170", "", None), Err(PhoneError::NoCountry));
        assert_eq!(read("+49", "", None), Err(PhoneError::Digits(0)));
        assert_eq!(read(&"1".repeat(20), "49", None), Err(PhoneError::Digits(20)));
        assert_eq!(
            read("1.38E+10", "86", None),
            Err(PhoneError::Strange('E')),
            "what a spreadsheet made of it"
        );
    }
}
