//! jq programs with the steps put in that [`steps`](super::steps) counts.

use std::collections::{HashMap, HashSet};

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

use super::steps::{HOLD, PARTS, READABLE, SEARCH, STEP, TIMES, WEIGH};

/// Terms in terms, pipes of pipes; what is nested deeper can't be run with the stack that a thread has.
const DEPTH: usize = 300;

/// What is known of the definitions of a program: the parameters of each, and those around the term at hand.
#[derive(Default)]
pub(super) struct Counting<'s> {
    parameters: HashMap<&'s str, Vec<&'s str>>,
    around: Vec<&'s str>,
    /// Within `try … catch`, where an error becomes a text, the value that it is about included.
    caught: bool,
    /// jaq's own filters that may walk through what they are given.
    natives: HashSet<&'static str>,
}

/// jaq's own filters that look at one value at most, and fail for none that holds others; and those of ours.
const LIGHT: &[&str] = &[
    "range",
    "path",
    "path_value",
    "keys_unsorted",
    "key_values",
    "first",
    "last",
    "limit",
    "skip",
    "length",
    "has",
    "reverse",
    "now",
];
/// jaq's own filters that compare what they are given.
const COMPARING: &[&str] =
    &["sort_by", "group_by", "min_by_or_empty", "max_by_or_empty", "contains", "indices", "bsearch"];
/// Those that make a value of each character or match.
const SEARCHING: &[&str] = &["matches", "split_matches", "split_", "explode"];
/// What has no name of its own in a program, so that it hides nothing.
const FACTOR: &str = "$factor of ours";

impl<'s> Counting<'s> {
    /// For this program, with the names of jaq's own filters.
    ///
    /// # Errors
    /// It is nested too deeply.
    pub(super) fn of(
        program: &Term<&'s str>,
        natives: impl Iterator<Item = &'static str>,
    ) -> Result<Self, String> {
        let natives = natives.filter(|name| !LIGHT.contains(name)).collect();
        let mut counting = Self { natives, ..Self::default() };
        counting.gather(program, 0)?;
        Ok(counting)
    }

    fn gather(&mut self, term: &Term<&'s str>, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!(
                "the program is nested more than {DEPTH} deep, each `|` and `,` counted; a long list can be written \
                 as a text and split"
            ));
        }
        if let Term::Def(defs, _) = term {
            for def in defs {
                self.parameters.entry(def.name).or_default().extend(&def.args);
            }
        }
        children(term).into_iter().try_for_each(|child| self.gather(child, depth + 1))
    }

    /// The same definition, with its steps.
    pub(super) fn def(&mut self, def: Def<&'s str>) -> Def<&'s str> {
        self.around.push(def.name);
        let body = self.term(def.body);
        self.around.pop();
        Def { body, ..def }
    }

    /// The same program, with a step at each call, each collected element and each turn of a fold.
    fn term(&mut self, term: Term<&'s str>) -> Term<&'s str> {
        match term {
            Term::Call(name, args) => self.call(name, args),
            Term::Arr(inner) => Term::Arr(inner.map(|inner| Box::new(after(self.term(*inner))))),
            Term::Fold(name, over, pattern, parts) => Term::Fold(
                name,
                Box::new(after(self.term(*over))),
                pattern,
                parts.into_iter().map(|part| before(STEP, self.term(part))).collect(),
            ),
            Term::Def(defs, rest) => {
                Term::Def(defs.into_iter().map(|def| self.def(def)).collect(), self.boxed(rest))
            }
            Term::Str(format, parts) => {
                let part = |part| match part {
                    StrPart::Term(term) => StrPart::Term(weighed(self.term(term))),
                    other => other,
                };
                Term::Str(format, parts.into_iter().map(part).collect())
            }
            Term::Obj(pairs) => {
                // `{$a}` and `{a}` have a name alone, which is read as it stands there.
                let pair = |(key, value): (_, Option<_>)| match value {
                    Some(value) => (self.compared(key), Some(self.term(value))),
                    None => (self.term(key), None),
                };
                Term::Obj(pairs.into_iter().map(pair).collect())
            }
            Term::Neg(term) => {
                let term = self.term(*term);
                Term::Neg(Box::new(if self.caught { weighed(term) } else { term }))
            }
            Term::BinOp(left, op, right) => self.operation(*left, op, *right),
            Term::Label(name, term) => Term::Label(name, self.boxed(term)),
            Term::TryCatch(term, catch) => {
                let around = self.caught;
                self.caught |= catch.is_some();
                let term = self.boxed(term);
                self.caught = around;
                Term::TryCatch(term, catch.map(|catch| self.boxed(catch)))
            }
            Term::IfThenElse(cases, otherwise) => Term::IfThenElse(
                cases.into_iter().map(|(when, then)| (self.term(when), self.term(then))).collect(),
                otherwise.map(|otherwise| self.boxed(otherwise)),
            ),
            Term::Path(head, Path(parts)) => {
                let head = self.boxed(head);
                let head = if self.caught { Box::new(weighed(*head)) } else { head };
                let mut part = |part| match part {
                    Part::Index(at) => Part::Index(self.compared(at)),
                    Part::Range(from, to) => {
                        Part::Range(from.map(|from| self.term(from)), to.map(|to| self.term(to)))
                    }
                };
                Term::Path(head, Path(parts.into_iter().map(|(p, opt)| (part(p), opt)).collect()))
            }
            Term::Recurse => after(Term::Recurse),
            other @ (Term::Id | Term::Num(_) | Term::Break(_) | Term::Var(_)) => other,
        }
    }

    fn operation(
        &mut self,
        left: Term<&'s str>,
        op: BinaryOp<&'s str>,
        right: Term<&'s str>,
    ) -> Term<&'s str> {
        let both_vary = !is_constant(&left) && !is_constant(&right);
        match op {
            // What a pipe hands on one by one may have no end.
            BinaryOp::Pipe(_) => {
                let left = after(self.term(left));
                Term::BinOp(Box::new(left), op, Box::new(self.term(right)))
            }
            BinaryOp::Math(op @ (Math::Mul | Math::Div)) => self.bounded(op, left, right),
            // `l *= r` is `r as $x | l |= . * $x`.
            BinaryOp::UpdateMath(op @ (Math::Mul | Math::Div)) => {
                let factor = self.term(right);
                let update = self.bounded(op, Term::Id, Term::Var(FACTOR));
                let update = Term::BinOp(Box::new(self.term(left)), BinaryOp::Update, Box::new(update));
                Term::BinOp(Box::new(factor), BinaryOp::Pipe(Some(Pattern::Var(FACTOR))), Box::new(update))
            }
            BinaryOp::Cmp(_) | BinaryOp::Math(Math::Sub) | BinaryOp::UpdateMath(Math::Sub) if both_vary => {
                Term::BinOp(Box::new(weighed(self.term(left))), op, Box::new(weighed(self.term(right))))
            }
            BinaryOp::Math(_) if self.caught => {
                Term::BinOp(Box::new(weighed(self.term(left))), op, Box::new(weighed(self.term(right))))
            }
            _ => Term::BinOp(Box::new(self.term(left)), op, Box::new(self.term(right))),
        }
    }

    /// An operator that may make much of little.
    fn bounded(&mut self, op: Math, left: Term<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
        let name = if op == Math::Mul { TIMES } else { PARTS };
        Term::Call(name, vec![weighed(self.term(left)), weighed(self.term(right))])
    }

    /// What is compared or said, unless it stands in the program itself.
    fn compared(&mut self, term: Term<&'s str>) -> Term<&'s str> {
        if is_constant(&term) { self.term(term) } else { weighed(self.term(term)) }
    }

    fn call(&mut self, name: &'s str, args: Vec<Term<&'s str>>) -> Term<&'s str> {
        let known = self.parameters.get(name).map(Vec::as_slice).unwrap_or_default();
        // What is handed over as a value is looked at: it may grow from call to call.
        let values = known.iter().any(|parameter| parameter.starts_with('$'));
        // A definition can call itself only from within.
        let holds = self.around.contains(&name) && known.iter().any(|parameter| !parameter.starts_with('$'));
        let compares = COMPARING.contains(&name);
        let arg = |arg| match self.term(arg) {
            arg if compares => weighed(arg),
            arg if values => after(arg),
            arg => arg,
        };
        let call = Term::Call(name, args.into_iter().map(arg).collect());
        match name {
            // The one that gives without end and without a call; behind others a step would end their tail calls.
            "range" => after(call),
            "fromjson" => before(READABLE, call),
            _ if holds => before(HOLD, call),
            _ if SEARCHING.contains(&name) => before(SEARCH, call),
            _ if self.natives.contains(name) && !self.parameters.contains_key(name) => before(WEIGH, call),
            _ => before(STEP, call),
        }
    }

    #[expect(clippy::boxed_local, reason = "terms hold boxes")]
    fn boxed(&mut self, term: Box<Term<&'s str>>) -> Box<Term<&'s str>> {
        Box::new(self.term(*term))
    }
}

/// What a term is made of.
fn children<'t, 's>(term: &'t Term<&'s str>) -> Vec<&'t Term<&'s str>> {
    match term {
        Term::Call(_, args) => args.iter().collect(),
        Term::Arr(inner) => inner.as_deref().into_iter().collect(),
        Term::Fold(_, over, _, parts) => [&**over].into_iter().chain(parts).collect(),
        Term::Def(defs, rest) => defs.iter().map(|def| &def.body).chain([&**rest]).collect(),
        Term::Str(_, parts) => parts
            .iter()
            .filter_map(|part| if let StrPart::Term(term) = part { Some(term) } else { None })
            .collect(),
        Term::Obj(pairs) => pairs.iter().flat_map(|(key, value)| [key].into_iter().chain(value)).collect(),
        Term::Neg(term) | Term::Label(_, term) => vec![term],
        Term::BinOp(left, _, right) => vec![left, right],
        Term::TryCatch(term, catch) => [&**term].into_iter().chain(catch.as_deref()).collect(),
        Term::IfThenElse(cases, otherwise) => {
            cases.iter().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref()).collect()
        }
        Term::Path(head, Path(parts)) => {
            let ends = parts.iter().flat_map(|(part, _)| match part {
                Part::Index(at) => [Some(at), None],
                Part::Range(from, to) => [from.as_ref(), to.as_ref()],
            });
            [&**head].into_iter().chain(ends.flatten()).collect()
        }
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => Vec::new(),
    }
}

/// Whether a term is one value of no size, whatever the record is.
fn is_constant(term: &Term<&str>) -> bool {
    match term {
        Term::Num(_) | Term::Arr(None) => true,
        Term::Str(_, parts) => parts.iter().all(|part| !matches!(part, StrPart::Term(_))),
        Term::Obj(pairs) => pairs.is_empty(),
        Term::Call(name, args) => args.is_empty() && ["true", "false", "null"].contains(name),
        _ => false,
    }
}

fn weighed(term: Term<&str>) -> Term<&str> {
    pipe(term, Term::Call(WEIGH, Vec::new()))
}

fn before<'s>(look: &'static str, term: Term<&'s str>) -> Term<&'s str> {
    pipe(Term::Call(look, Vec::new()), term)
}

fn after(term: Term<&str>) -> Term<&str> {
    pipe(term, Term::Call(STEP, Vec::new()))
}

fn pipe<'s>(left: Term<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}
