//! Which records are no messages.

use super::codes;
use super::error::MappingError;
use super::jq::{Failed, Inherited, Program};
use super::native::not_json;
use super::pick::{Picks, Wanted};
use super::records::Record;
use super::settings::{LeaveOut, Values};
use super::value::Value;
use crate::export::Context;
use crate::finding::Finding;
use crate::message::Place;

/// The rules of `leave_out`, ready to be applied.
pub(super) struct Filters {
    rules: Vec<(Test, &'static str)>,
    /// A jq program is among them.
    jq: bool,
}

/// What becomes of a record.
pub(super) enum Verdict {
    Keep,
    /// It is left out for this reason.
    LeaveOut(&'static str),
    /// It can't be said.
    Failed(Finding),
}

enum Test {
    Pick { pick: usize, is: Is },
    Jq(Box<Program>),
}

enum Is {
    In(Vec<String>),
    NotIn(Vec<String>),
    Empty(bool),
}

impl Filters {
    pub(super) fn new(rules: &[LeaveOut], picks: &mut Picks) -> Result<Self, MappingError> {
        let mut made = Vec::new();
        for (n, rule) in rules.iter().enumerate() {
            // Reasons are few, short, and needed as long as the process lives.
            let reason: &'static str = rule.reason.as_ref().map_or("filter", |reason| reason.clone().leak());
            made.push((Test::new(&format!("leave_out[{n}]"), rule, picks)?, reason));
        }
        let jq = made.iter().any(|(test, _)| matches!(test, Test::Jq(_)));
        Ok(Self { rules: made, jq })
    }

    /// What the chunk has in common, as jq sees it; made only if a program is there to see it.
    pub(super) fn inherited(&self, context: &Context) -> Inherited {
        if self.jq { Program::inherited(context) } else { Inherited::NULL }
    }

    /// The first rule that applies decides.
    pub(super) fn judge(
        &self,
        found: &[Option<Value<'_>>],
        record: Record<'_>,
        place: Place,
        inherited: &Inherited,
    ) -> Verdict {
        for (test, reason) in &self.rules {
            match test.so(found, record, place, inherited) {
                Ok(true) => return Verdict::LeaveOut(reason),
                Ok(false) => {}
                Err(failed) => return Verdict::Failed(finding(failed, record, place)),
            }
        }
        Verdict::Keep
    }
}

/// The finding about a record on which a jq program failed.
pub(super) fn finding(failed: Failed, record: Record<'_>, place: Place) -> Finding {
    match failed {
        Failed::NotJson(e) => not_json(place, record.text(), &e),
        Failed::TooDeep => Finding::new(&crate::export::codes::JSON_TOO_DEEP, place, record.text()),
        Failed::Program(why) => Finding::new(&codes::JQ_FAILED, place, &why),
    }
}

impl Test {
    fn new(key: &str, rule: &LeaveOut, picks: &mut Picks) -> Result<Self, MappingError> {
        let bad = |why: &str| MappingError::BadRule { key: key.to_owned(), why: why.to_owned() };
        let is = match (&rule.is, &rule.not, rule.empty) {
            (Some(values), None, None) => Some(Is::In(texts(values))),
            (None, Some(values), None) => Some(Is::NotIn(texts(values))),
            (None, None, Some(empty)) => Some(Is::Empty(empty)),
            (None, None, None) => None,
            _ => return Err(bad("it takes one of `is`, `not` and `empty`")),
        };
        let wanted = match (&rule.column, &rule.inherited) {
            (Some(column), None) => Some(Wanted::Column(column.clone())),
            (None, Some(name)) => Some(Wanted::Inherited(name.clone())),
            (None, None) => None,
            _ => return Err(bad("it takes one of `column` and `inherited`")),
        };
        match (wanted, is, &rule.jq) {
            (Some(wanted), Some(is), None) => Ok(Self::Pick { pick: picks.want(wanted), is }),
            (None, None, Some(jq)) => Ok(Self::Jq(Box::new(Program::new(&format!("{key}.jq"), jq)?))),
            (Some(_), None, None) => Err(bad("it takes one of `is`, `not` and `empty`")),
            _ => Err(bad("it takes a `column` (or `inherited`) or a `jq` program")),
        }
    }

    fn so(
        &self,
        found: &[Option<Value<'_>>],
        record: Record<'_>,
        place: Place,
        inherited: &Inherited,
    ) -> Result<bool, Failed> {
        match self {
            Self::Pick { pick, is } => Ok(is.so(found[*pick].as_ref())),
            Self::Jq(program) => {
                let mut so = false;
                program.run(record, place, inherited, &mut |result| {
                    // As in jq, everything but `false` and `null` is true.
                    so = !matches!(result, "false" | "null");
                    false
                })?;
                Ok(so)
            }
        }
    }
}

impl Is {
    /// Whether it is so. What is absent is empty, and is none of any values.
    fn so(&self, value: Option<&Value<'_>>) -> bool {
        let text = value.map_or("", Value::text);
        match self {
            Self::In(values) => values.iter().any(|v| v == text),
            Self::NotIn(values) => values.iter().all(|v| v != text),
            Self::Empty(empty) => text.is_empty() == *empty,
        }
    }
}

fn texts(values: &Values) -> Vec<String> {
    let text = |value: &toml::Value| Value::from_toml(value).text().to_owned();
    match values {
        Values::One(value) => vec![text(value)],
        Values::Many(values) => values.iter().map(text).collect(),
    }
}
