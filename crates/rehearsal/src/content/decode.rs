//! Decoding weakly, as mapstructure does: `"4"` is a number, `4` a text, one text a list; all that can't be
//! converted is named.

use super::held::{Held, zeroes};
use super::{Kind, Structure};
use crate::json::Value;
use std::collections::BTreeMap;

/// What the structure holds, or what could not be converted, in the server's words.
pub(super) fn decode(structure: &Structure, content: &Value<'_>) -> Result<Vec<Held>, String> {
    let mut errors = Vec::new();
    let held = inner(structure, content, "", &mut errors);
    if errors.is_empty() {
        return Ok(held);
    }
    errors.sort_unstable();
    Err(format!("{} error(s) decoding:\n\n* {}", errors.len(), errors.join("\n* ")))
}

fn inner(structure: &Structure, value: &Value<'_>, path: &str, errors: &mut Vec<String>) -> Vec<Held> {
    let Value::Object(members) = value else {
        errors.push(format!("'{path}' expected a map, got '{}'", kind_of(value)));
        return zeroes(structure);
    };
    structure
        .fields
        .iter()
        .map(|field| {
            let exact = value.get(field.key);
            let fold =
                || members.iter().rev().find(|(k, _)| k.eq_ignore_ascii_case(field.key)).map(|(_, v)| v);
            match exact.or_else(fold) {
                None | Some(Value::Null) => Held::zero(field.kind),
                Some(value) => {
                    let at =
                        if path.is_empty() { field.key.to_owned() } else { format!("{path}.{}", field.key) };
                    one(field.kind, value, &at, errors)
                }
            }
        })
        .collect()
}

fn one(kind: Kind, value: &Value<'_>, at: &str, errors: &mut Vec<String>) -> Held {
    let held = match kind {
        Kind::Text => text(value).map(Held::Text).ok_or_else(|| unconvertible(at, "string", value)),
        Kind::Int32 => int(value, at, 32).map(Held::Int),
        Kind::Int64 => int(value, at, 64).map(Held::Int),
        Kind::Float => float(value, at).map(Held::Float),
        Kind::Flag => flag(value, at).map(Held::Flag),
        Kind::Texts => return Held::Texts(Some(texts(value, at, errors))),
        Kind::Inner(structure) => return Held::Inner(inner(structure, value, at, errors)),
        Kind::Pointer(structure) => return Held::Pointer(Some(inner(structure, value, at, errors))),
    };
    held.unwrap_or_else(|error| {
        errors.push(error);
        Held::zero(kind)
    })
}

fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone().into_owned()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "0" }.to_owned()),
        Value::Number(digits) => Some(number(digits).to_string()),
        _ => None,
    }
}

fn int(value: &Value<'_>, at: &str, bits: u32) -> Result<i64, String> {
    match value {
        // Go keeps the lower bits of what is too large for 32, and of what is too large for 64 only the sign.
        Value::Number(digits) => Ok(cut(whole(number(digits)), bits)),
        Value::Bool(flag) => Ok(i64::from(*flag)),
        Value::String(text) if text.is_empty() => Ok(0),
        Value::String(text) => parse_int(text, bits).map_err(|why| {
            let quoted = quoted(text);
            format!("cannot parse '{at}' as int: strconv.ParseInt: parsing {quoted}: {why}")
        }),
        other => Err(unconvertible(at, if bits == 32 { "int32" } else { "int64" }, other)),
    }
}

fn float(value: &Value<'_>, at: &str) -> Result<f64, String> {
    match value {
        Value::Number(digits) => Ok(number(digits)),
        Value::Bool(flag) => Ok(f64::from(u8::from(*flag))),
        Value::String(text) if text.is_empty() => Ok(0.0),
        // Go takes underscores between digits.
        Value::String(text) => text.replace('_', "").parse().map_err(|_| {
            let quoted = quoted(text);
            format!("cannot parse '{at}' as float: strconv.ParseFloat: parsing {quoted}: invalid syntax")
        }),
        other => Err(unconvertible(at, "float64", other)),
    }
}

fn flag(value: &Value<'_>, at: &str) -> Result<bool, String> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Number(digits) => Ok(number(digits) != 0.0),
        Value::String(text) => match text.as_ref() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" | "" => Ok(false),
            _ => {
                let quoted = quoted(text);
                Err(format!(
                    "cannot parse '{at}' as bool: strconv.ParseBool: parsing {quoted}: invalid syntax"
                ))
            }
        },
        other => Err(unconvertible(at, "bool", other)),
    }
}

/// Anything that is no list becomes a list of one; an empty object an empty list.
fn texts(value: &Value<'_>, at: &str, errors: &mut Vec<String>) -> Vec<String> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(members) if members.is_empty() => &[],
        other => std::slice::from_ref(other),
    };
    let mut list = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        list.push(match item {
            Value::Null => String::new(),
            item => text(item).unwrap_or_else(|| {
                errors.push(unconvertible(&format!("{at}[{n}]"), "string", item));
                String::new()
            }),
        });
    }
    list
}

fn number(digits: &str) -> f64 {
    digits.parse().unwrap_or(f64::INFINITY)
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be within 64 bits")]
fn whole(number: f64) -> i64 {
    if number.abs() < 9.2e18 { number as i64 } else { i64::MIN }
}

#[expect(clippy::cast_possible_truncation, reason = "that is what Go does")]
const fn cut(number: i64, bits: u32) -> i64 {
    if bits == 32 { number as i32 as i64 } else { number }
}

/// With base prefixes and underscores, as Go's base 0.
fn parse_int(text: &str, bits: u32) -> Result<i64, &'static str> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return Err("invalid syntax");
    }
    let size = i128::from_str_radix(&digits, base).unwrap_or(i128::MAX);
    let number = if negative { -size } else { size };
    let limit = 1i128 << (bits - 1);
    if (-limit..limit).contains(&number) {
        i64::try_from(number).map_err(|_| "value out of range")
    } else {
        Err("value out of range")
    }
}

/// As Go's `strconv.Quote`.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            c => {
                let code = u32::from(c);
                let escaped = match code {
                    0..0x80 => format!("\\x{code:02x}"),
                    _ if c.escape_debug().count() == 1 => c.to_string(),
                    0x80..0x1_0000 => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                };
                out.push_str(&escaped);
            }
        }
    }
    out.push('"');
    out
}

fn unconvertible(at: &str, wanted: &str, value: &Value<'_>) -> String {
    let given = match value {
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        other => kind_of(other),
    };
    format!("'{at}' expected type '{wanted}', got unconvertible type '{given}', value: '{}'", printed(value))
}

const fn kind_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// As Go's `%v` prints it.
fn printed(value: &Value<'_>) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(digits) => printed_float(number(digits)),
        Value::String(text) => text.clone().into_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().map(|(k, v)| (k, v)).collect();
            let members: Vec<_> = sorted.into_iter().map(|(k, v)| format!("{k}:{}", printed(v))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

/// With an exponent of at least two digits below 1e-4 and from 1e21 on.
fn printed_float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
            format!("{digits}e{sign}{power:0>2}")
        }
        None => text,
    }
}
