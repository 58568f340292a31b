//! Reading a body into a call's fields, as Go's `encoding/json` does: names in any case, the last of
//! repeated keys wins, `null` is nothing, and the first value of a wrong type is named.

use super::answer::Refusal;
use super::json::{self, Value};
use std::borrow::Cow;
use std::cell::RefCell;

/// The members of an object, and the first wrong one among those asked for so far.
pub(super) struct Fields<'v, 'a> {
    /// What errors call the structure: `SendMsgReq.SendMsg`.
    structure: &'static str,
    members: &'v [(Cow<'a, str>, Value<'a>)],
    wrong: RefCell<Option<(usize, String)>>,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) skip: usize,
    pub(super) show: usize,
}

/// The body's first value.
pub(super) fn parse(body: &[u8]) -> Result<Value<'_>, Refusal> {
    json::first_value(body).ok_or_else(|| Refusal::body(json::syntax_error(body)))
}

impl<'v, 'a> Fields<'v, 'a> {
    /// The fields of the value, which must be an object or `null`. `whole` is Go's name of the structure.
    pub(super) fn of(value: &'v Value<'a>, structure: &'static str, whole: &str) -> Result<Self, Refusal> {
        let members = match value {
            Value::Object(members) => members.as_slice(),
            Value::Null => &[],
            other => {
                return Err(Refusal::body(format!(
                    "json: cannot unmarshal {} into Go value of type {whole}",
                    other.kind()
                )));
            }
        };
        Ok(Self { structure, members, wrong: RefCell::new(None) })
    }

    /// The first value of a wrong type, in the order of the body.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        self.wrong.into_inner().map_or(Ok(()), |(_, error)| Err(Refusal::body(error)))
    }

    /// All values of that name that are not `null`, and their places.
    pub(super) fn all(
        &self,
        name: &'static str,
    ) -> impl Iterator<Item = (usize, &'v Value<'a>)> + use<'v, 'a> {
        self.members
            .iter()
            .enumerate()
            .filter(move |(_, (key, value))| {
                key.len() == name.len() && key.eq_ignore_ascii_case(name) && !matches!(value, Value::Null)
            })
            .map(|(place, (_, value))| (place, value))
    }

    fn last<T>(
        &self,
        name: &'static str,
        kind: &str,
        read: impl Fn(&'v Value<'a>) -> Option<T>,
    ) -> Option<T> {
        let mut last = None;
        for (place, value) in self.all(name) {
            match read(value) {
                Some(good) => last = Some(good),
                None => self.is_wrong(place, value, name, kind),
            }
        }
        last
    }

    pub(super) fn is_wrong(&self, place: usize, value: &Value<'_>, name: &str, kind: &str) {
        self.first_wrong(place, || {
            let what = match value {
                // Go gives the digits only where a number was wanted, of another kind.
                Value::Number(digits) if kind.starts_with("int") || kind.starts_with("uint") => {
                    Cow::Owned(format!("number {digits}"))
                }
                other => Cow::Borrowed(other.kind()),
            };
            let structure = self.structure;
            format!("json: cannot unmarshal {what} into Go struct field {structure}.{name} of type {kind}")
        });
    }

    fn first_wrong(&self, place: usize, error: impl FnOnce() -> String) {
        let mut wrong = self.wrong.borrow_mut();
        if wrong.as_ref().is_none_or(|(first, _)| place < *first) {
            *wrong = Some((place, error()));
        }
    }

    pub(super) fn text(&self, name: &'static str) -> &'v str {
        self.text_if(name).unwrap_or_default()
    }

    /// Same, of a field that stands directly in `structure`.
    pub(super) fn text_of(&self, name: &'static str, structure: &'static str) -> &'v str {
        let own = Self { structure, members: self.members, wrong: RefCell::new(None) };
        let text = own.text(name);
        if let Some((place, error)) = own.wrong.into_inner() {
            self.first_wrong(place, || error);
        }
        text
    }

    pub(super) fn text_if(&self, name: &'static str) -> Option<&'v str> {
        self.last(name, "string", |value| match value {
            Value::String(text) => Some(text.as_ref()),
            _ => None,
        })
    }

    pub(super) fn int32(&self, name: &'static str) -> i32 {
        self.int32_if(name).unwrap_or_default()
    }

    pub(super) fn int32_if(&self, name: &'static str) -> Option<i32> {
        self.last(name, "int32", |value| match value {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        })
    }

    pub(super) fn int64(&self, name: &'static str) -> i64 {
        self.last(name, "int64", |value| match value {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        })
        .unwrap_or_default()
    }

    pub(super) fn uint64(&self, name: &'static str) -> u64 {
        self.last(name, "uint64", |value| match value {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// `pagination`, which must be there.
    pub(super) fn page(&self) -> Result<Page, Refusal> {
        let page = self
            .object("pagination", "sdkws.RequestPagination")
            .ok_or_else(|| Refusal::args("pagination is empty"))?;
        let page = Fields::of(page, "pagination", "sdkws.RequestPagination")?;
        let (number, show) = (page.int32("pageNumber"), page.int32("showNumber"));
        page.finish()?;
        if number < 1 {
            return Err(Refusal::args("pageNumber is invalid"));
        }
        let show = usize::try_from(show).unwrap_or_default();
        Ok(Page { skip: usize::try_from(number - 1).unwrap_or_default().saturating_mul(show), show })
    }

    pub(super) fn flag(&self, name: &'static str) -> bool {
        self.flag_if(name).unwrap_or_default()
    }

    pub(super) fn flag_if(&self, name: &'static str) -> Option<bool> {
        self.last(name, "bool", |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    /// A list of strings. A wrong element is named like the list itself.
    pub(super) fn texts(&self, name: &'static str) -> Vec<&'v str> {
        let mut last = Vec::new();
        for (place, value) in self.all(name) {
            let Value::Array(items) = value else {
                self.is_wrong(place, value, name, "[]string");
                continue;
            };
            last.clear();
            for item in items {
                match item {
                    Value::String(text) => last.push(text.as_ref()),
                    Value::Null => last.push(""),
                    other => self.is_wrong(place, other, name, "string"),
                }
            }
        }
        last
    }

    /// A list of whole numbers.
    pub(super) fn numbers(&self, name: &'static str) -> Vec<i64> {
        let mut last = Vec::new();
        for (place, value) in self.all(name) {
            let Value::Array(items) = value else {
                self.is_wrong(place, value, name, "[]int64");
                continue;
            };
            last.clear();
            for item in items {
                match item {
                    Value::Number(digits) if digits.parse::<i64>().is_ok() => {
                        last.push(digits.parse().unwrap_or_default());
                    }
                    Value::Null => last.push(0),
                    other => self.is_wrong(place, other, name, "int64"),
                }
            }
        }
        last
    }

    /// A list of objects.
    pub(super) fn objects(&self, name: &'static str, kind: &str) -> Vec<&'v Value<'a>> {
        let mut last = Vec::new();
        for (place, value) in self.all(name) {
            match value {
                Value::Array(items) => last = items.iter().collect(),
                other => self.is_wrong(place, other, name, kind),
            }
        }
        last
    }

    /// An object.
    pub(super) fn object(&self, name: &'static str, kind: &str) -> Option<&'v Value<'a>> {
        self.last(name, kind, |value| matches!(value, Value::Object(_)).then_some(value))
    }
}
