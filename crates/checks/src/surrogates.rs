//! Lone surrogates in JSON: `\ud83d` without its other half. Exports cut texts in the middle of an emoji;
//! the server takes them and stores U+FFFD, our parser doesn't.

/// The text with every lone surrogate replaced as the server does, or `None` if there is none.
pub(super) fn replaced(json: &str) -> Option<String> {
    let bytes = json.as_bytes();
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(step) = memchr::memchr(b'\\', &bytes[at..]) {
        at += step;
        let Some(unit) = unit_at(bytes, at) else {
            // Some other escape: its second byte must not be taken for the beginning of one.
            at = (at + 2).min(bytes.len());
            continue;
        };
        let is_pair = (0xd800..0xdc00).contains(&unit)
            && unit_at(bytes, at + 6).is_some_and(|next| (0xdc00..0xe000).contains(&next));
        if is_pair {
            at += 12;
        } else if (0xd800..0xe000).contains(&unit) {
            out.push_str(json.get(kept..at)?);
            out.push_str("\\ufffd");
            at += 6;
            kept = at;
        } else {
            at += 6;
        }
    }
    if kept == 0 {
        return None;
    }
    out.push_str(json.get(kept..)?);
    Some(out)
}

/// The code unit of the `\uXXXX` that begins there.
fn unit_at(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_ones_are_replaced() {
        for (json, want) in [
            (r#""\ud83d\ude00""#, None),
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""\ude00\ud83d""#, Some(r#""\ufffd\ufffd""#)),
            (r#""\ud83d\ud83d\ude00!""#, Some(r#""\ufffd\ud83d\ude00!""#)),
            (r#""a\\ud83d\n\\""#, None),
            (r#""\\\ud83dé""#, Some(r#""\\\ufffdé""#)),
            (r#""\ud8"#, None),
            ("\\", None),
            ("\\u", None),
            ("\\ué12", None),
        ] {
            assert_eq!(replaced(json).as_deref(), want, "{json}");
        }
    }
}
