//! Decoding weakly, as mapstructure does, and checking, as the validator does.

use super::{Field, Kind, Structure};
use crate::rehearsal::json::{Value, write_float};

/// What is wrong with the content, in the server's words.
pub(super) fn check(structure: &'static Structure, content: &Value<'_>) -> Result<(), String> {
    let mut errors = Vec::new();
    decode(structure, Some(content), "", &mut errors);
    if !errors.is_empty() {
        errors.sort();
        let points = errors.join("\n* ");
        return Err(format!("{} error(s) decoding:\n\n* {points}", errors.len()));
    }
    let mut missing = Vec::new();
    validate(structure, Some(content), structure.name, &mut missing);
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

/// Exactly, else in any case.
fn member<'v, 'a>(value: Option<&'v Value<'a>>, key: &str) -> Option<&'v Value<'a>> {
    let value = value?;
    value.get(key).or_else(|| match value {
        Value::Object(members) => {
            members.iter().rev().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v)
        }
        _ => None,
    })
}

fn decode(structure: &Structure, value: Option<&Value<'_>>, path: &str, errors: &mut Vec<String>) {
    for field in structure.fields {
        let Some(value) = member(value, field.key).filter(|v| !matches!(v, Value::Null)) else { continue };
        let at = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        match (&field.kind, value) {
            (Kind::Inner(inner), Value::Object(_)) => decode(inner, Some(value), &at, errors),
            (Kind::Inner(_), other) => {
                errors.push(format!("'{at}' expected a map, got '{}'", go_kind(other)));
            }
            (kind, value) if fits(kind, value) => {}
            (kind, value) => errors.push(format!(
                "'{at}' expected type '{}', got unconvertible type '{}', value: '{}'",
                go_type(kind),
                go_value_type(value),
                go_value(value)
            )),
        }
    }
}

fn fits(kind: &Kind, value: &Value<'_>) -> bool {
    match (kind, value) {
        (Kind::Texts { .. }, _) | (_, Value::Bool(_) | Value::Number(_)) | (Kind::Text, Value::String(_)) => {
            true
        }
        (Kind::Int32 | Kind::Int64, Value::String(text)) => text.is_empty() || text.parse::<i64>().is_ok(),
        (Kind::Flag, Value::String(text)) => {
            matches!(
                text.as_ref(),
                "" | "1"
                    | "t"
                    | "T"
                    | "true"
                    | "TRUE"
                    | "True"
                    | "0"
                    | "f"
                    | "F"
                    | "false"
                    | "FALSE"
                    | "False"
            )
        }
        _ => false,
    }
}

fn validate(structure: &Structure, value: Option<&Value<'_>>, path: &str, missing: &mut Vec<String>) {
    for field in structure.fields {
        let value = member(value, field.key).filter(|v| !matches!(v, Value::Null));
        let at = format!("{path}.{}", field.name);
        if let Kind::Inner(inner) = &field.kind {
            validate(inner, value, &at, missing);
        } else if let Some(tag) = failed(field, value) {
            let name = field.name;
            missing
                .push(format!("Key: '{at}' Error:Field validation for '{name}' failed on the '{tag}' tag"));
        }
    }
}

fn failed(field: &Field, value: Option<&Value<'_>>) -> Option<&'static str> {
    if !field.required {
        return None;
    }
    match (&field.kind, value) {
        (_, None) => Some("required"),
        (Kind::Texts { most }, Some(Value::Array(items))) => (items.len() > *most).then_some("max"),
        (Kind::Texts { .. } | Kind::Inner(_), Some(_)) => None,
        (_, Some(value)) => is_zero(&field.kind, value).then_some("required"),
    }
}

fn is_zero(kind: &Kind, value: &Value<'_>) -> bool {
    match (kind, value) {
        (Kind::Text, Value::String(text)) => text.is_empty(),
        (Kind::Text, _) => false,
        (_, Value::Number(digits)) => digits.parse::<f64>().is_ok_and(|n| n.trunc() == 0.0),
        (_, Value::String(text)) => text.is_empty() || text.parse::<f64>().is_ok_and(|n| n == 0.0),
        (_, Value::Bool(flag)) => !flag,
        _ => true,
    }
}

const fn go_kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

const fn go_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Flag => "bool",
        Kind::Texts { .. } => "[]string",
        Kind::Inner(inner) => inner.name,
    }
}

const fn go_value_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        other => go_kind(other),
    }
}

/// As `%v` prints it.
fn go_value(value: &Value<'_>) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(digits) => {
            let mut out = String::new();
            write_float(digits.parse().unwrap_or_default(), &mut out);
            out
        }
        Value::String(text) => text.clone().into_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let sorted: std::collections::BTreeMap<_, _> = members.iter().map(|(k, v)| (k, v)).collect();
            let members: Vec<_> = sorted.into_iter().map(|(k, v)| format!("{k}:{}", go_value(v))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}
