//! UTF-8 that somebody read as Latin-1 or Windows-1252 and wrote again: `cafÃ©`, `itâ€™s`.

/// What Windows-1252 has from 0x80 on; the five it lacks are the control characters of Latin-1.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// What a text is, as far as characters that were read wrongly are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing in it could have been read wrongly.
    Plain,
    /// It has letters such as `é` that are what they look like.
    Right,
    /// It was read wrongly; this was meant.
    Wrong(String),
}

/// Looks whether a text was read wrongly. A stretch of it counts that Latin-1 has: it must be UTF-8 from beginning to end
/// when written so again. That `É»` or `Ã©` stands in words of any language together with nothing else is hardly ever so.
pub fn read(text: &str) -> Reading {
    if text.is_ascii() {
        return Reading::Plain;
    }
    if !has_lead(text) {
        let letters = text.chars().any(|c| !c.is_ascii() && byte_of(c).is_some());
        return if letters { Reading::Right } else { Reading::Plain };
    }
    let (mut out, mut bytes, mut from) = (String::new(), Vec::new(), 0);
    let (mut right, mut wrong) = (false, false);
    let mut stretch = |from: usize, to: usize, bytes: &mut Vec<u8>| {
        let as_it_is = &text[from..to];
        match std::str::from_utf8(bytes) {
            Ok(meant) if !bytes.is_ascii() => {
                wrong = true;
                out.push_str(meant);
            }
            Ok(_) => out.push_str(as_it_is),
            Err(_) => {
                right = true;
                out.push_str(as_it_is);
            }
        }
        bytes.clear();
    };
    for (at, c) in text.char_indices() {
        if let Some(byte) = byte_of(c) {
            bytes.push(byte);
            continue;
        }
        stretch(from, at, &mut bytes);
        from = at;
        // Other characters are what they are: they end one stretch, and stand in front of the next.
        stretch(from, at + c.len_utf8(), &mut bytes);
        from = at + c.len_utf8();
    }
    stretch(from, text.len(), &mut bytes);
    match (wrong, right) {
        (true, _) => Reading::Wrong(out),
        (false, true) => Reading::Right,
        (false, false) => Reading::Plain,
    }
}

/// Whether somewhere a character stands that could begin one of UTF-8, and behind it one that could go on with it: quick,
/// because every text is looked at.
fn has_lead(text: &str) -> bool {
    let mut lead = false;
    text.chars().any(|c| {
        let found = lead && matches!(byte_of(c), Some(0x80..=0xbf));
        lead = matches!(c, '\u{c2}'..='\u{f4}');
        found
    })
}

fn byte_of(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0..=0xff => u8::try_from(code).ok(),
        // The last of them is `™`: most scripts are not looked up.
        0x2123.. => None,
        _ => WINDOWS.chars().position(|known| known == c).and_then(|at| u8::try_from(0x80 + at).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As programs break it.
    fn broken(text: &str, windows: bool) -> String {
        let read = |byte: &u8| match byte {
            0x80..=0x9f if windows => WINDOWS.chars().nth(usize::from(byte - 0x80)).unwrap(),
            byte => char::from(*byte),
        };
        text.as_bytes().iter().map(read).collect()
    }

    #[test]
    fn what_was_read_wrongly_is_found_and_mended() {
        for text in ["café", "it’s “so”", "Привет, мир", "日本語", "naïve – 5 °C", "🙂", "Zoë: żółć"]
        {
            for windows in [false, true] {
                assert_eq!(read(&broken(text, windows)), Reading::Wrong(text.to_owned()), "{text} {windows}");
            }
        }
        // Beside what was read rightly.
        assert_eq!(read("日本 cafÃ©"), Reading::Wrong("日本 café".to_owned()));
        // Once is enough: what was broken twice is half mended.
        assert_eq!(read(&broken("cafÃ©", false)), Reading::Wrong("cafÃ©".to_owned()));
    }

    #[test]
    fn what_was_read_rightly_stays() {
        for text in ["café", "«CAFÉ»", "“CAFÉ”", "schön", "Ærø", "25 °C", "Ãndré", "½ €", "naïve"]
        {
            assert_eq!(read(text), Reading::Right, "{text}");
        }
        for text in ["plain", "", "日本語", "Привет", "🙂"] {
            assert_eq!(read(text), Reading::Plain, "{text}");
        }
    }
}
