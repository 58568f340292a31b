//! What a structure holds after decoding: validated, and for a quote written again.

use super::{Field, Kind, Rule, Structure};
use crate::json::{write_float, write_string};

/// The value of one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held {
    Text(String),
    Int(i64),
    Float(f64),
    Flag(bool),
    /// `None`: nothing was given, which is not the same as an empty list.
    Texts(Option<Vec<String>>),
    Inner(Vec<Held>),
    Pointer(Option<Vec<Held>>),
}

impl Held {
    /// Zero, in Go's sense.
    pub(super) fn zero(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(String::new()),
            Kind::Int32 | Kind::Int64 => Self::Int(0),
            Kind::Float => Self::Float(0.0),
            Kind::Flag => Self::Flag(false),
            Kind::Texts => Self::Texts(None),
            Kind::Inner(inner) => Self::Inner(zeroes(inner)),
            Kind::Pointer(_) => Self::Pointer(None),
        }
    }

    fn is_zero(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Int(number) => *number == 0,
            Self::Float(number) => *number == 0.0,
            Self::Flag(flag) => !flag,
            Self::Texts(texts) => texts.is_none(),
            Self::Inner(_) => false,
            Self::Pointer(inner) => inner.is_none(),
        }
    }
}

/// A structure into which nothing was decoded.
pub(super) fn zeroes(structure: &Structure) -> Vec<Held> {
    structure.fields.iter().map(|field| Held::zero(field.kind)).collect()
}

/// All fields that break their rule, in order, a line each.
pub(super) fn validate(structure: &Structure, held: &[Held]) -> Result<(), String> {
    let mut errors = Vec::new();
    collect(structure, held, structure.name, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
}

fn collect(structure: &Structure, held: &[Held], path: &str, errors: &mut Vec<String>) {
    for (field, value) in structure.fields.iter().zip(held) {
        let at = || format!("{path}.{}", field.name);
        match (field.kind, value) {
            (Kind::Inner(inner), Held::Inner(held)) | (Kind::Pointer(inner), Held::Pointer(Some(held))) => {
                collect(inner, held, &at(), errors);
            }
            _ => {
                if let Some(tag) = broken(field, value) {
                    let (at, name) = (at(), field.name);
                    errors.push(format!(
                        "Key: '{at}' Error:Field validation for '{name}' failed on the '{tag}' tag"
                    ));
                }
            }
        }
    }
}

fn broken(field: &Field, value: &Held) -> Option<&'static str> {
    let tag = |wrong: bool, tag: &'static str| wrong.then_some(tag);
    match (field.rule, value) {
        (Rule::Required | Rule::AtLeastOne | Rule::AtMostThousand, value) if value.is_zero() => {
            Some("required")
        }
        (Rule::AtLeastOne, Held::Int(number)) => tag(*number < 1, "min"),
        (Rule::AtMostThousand, Held::Texts(Some(texts))) => tag(texts.len() > 1000, "max"),
        (Rule::ZeroToFive, Held::Int(number)) => tag(*number < 0, "gte").or_else(|| tag(*number > 5, "lte")),
        _ => None,
    }
}

/// The structure as Go marshals it.
pub(super) fn write(structure: &Structure, held: &[Held], out: &mut String) {
    out.push('{');
    let mut first = true;
    for (field, value) in structure.fields.iter().zip(held) {
        if field.omit && value.is_zero() {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        write_string(field.json, out);
        out.push(':');
        write_held(field.kind, value, out);
    }
    out.push('}');
}

fn write_held(kind: Kind, value: &Held, out: &mut String) {
    match (kind, value) {
        (_, Held::Text(text)) => write_string(text, out),
        (_, Held::Int(number)) => out.push_str(&number.to_string()),
        (_, Held::Float(number)) => write_float(*number, out),
        (_, Held::Flag(flag)) => out.push_str(if *flag { "true" } else { "false" }),
        (_, Held::Texts(Some(texts))) => {
            out.push('[');
            for (n, text) in texts.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_string(text, out);
            }
            out.push(']');
        }
        (Kind::Inner(inner), Held::Inner(held)) | (Kind::Pointer(inner), Held::Pointer(Some(held))) => {
            write(inner, held, out);
        }
        _ => out.push_str("null"),
    }
}
