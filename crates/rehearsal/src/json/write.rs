//! Writing: keys sorted, numbers through a 64-bit float, `<`, `>`, `&`, U+2028 and U+2029 escaped.

use super::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `value` as Go marshals a map that was unmarshalled from it.
pub(crate) fn write_compact(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(digits) => write_float(digits.parse().unwrap_or(f64::INFINITY), out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_compact(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members, out),
    }
}

fn write_object(members: &[(Cow<'_, str>, Value<'_>)], out: &mut String) {
    out.push('{');
    if let [(key, value)] = members {
        write_member(key, value, out);
    } else {
        // The last of repeated keys wins.
        let sorted: BTreeMap<&str, &Value<'_>> = members.iter().map(|(k, v)| (k.as_ref(), v)).collect();
        for (n, (key, value)) in sorted.into_iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            write_member(key, value, out);
        }
    }
    out.push('}');
}

fn write_member(key: &str, value: &Value<'_>, out: &mut String) {
    write_string(key, out);
    out.push(':');
    write_compact(value, out);
}

/// A float as Go writes it: plain digits from 1e-6 to below 1e21, else with an exponent without padding.
pub(crate) fn write_float(number: f64, out: &mut String) {
    let size = number.abs();
    if number.fract() == 0.0 && size < 9e15 && (number != 0.0 || number.is_sign_positive()) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        let whole = number as i64;
        out.push_str(itoa(whole, &mut [0; 20]));
        return;
    }
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        // Rust writes 1e-7 and 1e21; Go 1e-07 → 1e-7 and 1e+21.
        let text = format!("{number:e}");
        match text.split_once('e') {
            Some((digits, power)) if !power.starts_with('-') => {
                out.push_str(digits);
                out.push_str("e+");
                out.push_str(power);
            }
            _ => out.push_str(&text),
        }
    } else {
        out.push_str(&number.to_string());
    }
}

fn itoa(mut number: i64, room: &mut [u8; 20]) -> &str {
    let negative = number < 0;
    let mut at = room.len();
    loop {
        at -= 1;
        room[at] = b'0' + u8::try_from((number % 10).abs()).expect("a digit");
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if negative {
        at -= 1;
        room[at] = b'-';
    }
    std::str::from_utf8(&room[at..]).expect("ASCII digits")
}

/// A string with Go's escapes, quotes included.
pub(crate) fn write_string(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, &b) in bytes.iter().enumerate() {
        let escape: Option<&str> = match b {
            b'"' => Some("\\\""),
            b'\\' => Some("\\\\"),
            b'\n' => Some("\\n"),
            b'\r' => Some("\\r"),
            b'\t' => Some("\\t"),
            0x08 => Some("\\b"),
            0x0c => Some("\\f"),
            0..=0x1f | b'<' | b'>' | b'&' => None,
            0xe2 if matches!(&bytes[at..], [_, 0x80, 0xa8 | 0xa9, ..]) => {
                out.push_str(&text[start..at]);
                out.push_str(if bytes[at + 2] == 0xa8 { "\\u2028" } else { "\\u2029" });
                start = at + 3;
                continue;
            }
            _ => continue,
        };
        out.push_str(&text[start..at]);
        start = at + 1;
        if let Some(escape) = escape {
            out.push_str(escape);
        } else {
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(b >> 4)]));
            out.push(char::from(HEX[usize::from(b & 15)]));
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::first_value;
    use super::*;

    fn again(body: &str) -> String {
        let mut out = String::new();
        write_compact(&first_value(body.as_bytes()).unwrap(), &mut out);
        out
    }

    #[test]
    fn recorded_content_is_written_as_recorded() {
        assert_eq!(
            again(r#"{"content": "x", "b": 1, "a": [1, 2.5, 12345678901234567890, {"z": 1, "y": null}]}"#),
            r#"{"a":[1,2.5,12345678901234567000,{"y":null,"z":1}],"b":1,"content":"x"}"#
        );
    }

    #[test]
    fn escapes_and_floats_as_go_writes_them() {
        assert_eq!(
            again(r#""<a href=\"x\">&amp;\u2028\u0001\u007f/""#),
            "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026amp;\\u2028\\u0001\u{7f}/\""
        );
        for (from, to) in [
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("1e-6", "0.000001"),
            ("1e-7", "1e-7"),
            ("-0", "-0"),
            ("0.1", "0.1"),
            ("9007199254740993", "9007199254740992"),
            ("1.50", "1.5"),
            ("123456789012345678", "123456789012345680"),
            ("-5", "-5"),
            ("2.5e-9", "2.5e-9"),
            ("1E400", "inf"),
        ] {
            if to != "inf" {
                assert_eq!(again(from), to, "{from}");
            }
        }
    }
}
