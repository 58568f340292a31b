//! Programs in the language of jq, run by jaq with bounds: on steps, time, depth and size for each record.
//!
//! A crate of its own because jaq is most of what there is to compile: whoever changes a mapping doesn't wait for it.

mod counted;
mod steps;

use std::fmt;

use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Ctx, Vars, compile, data};
use jaq_json::{Val, read, write};

use counted::Counting;

pub use steps::Bounds;

type Data = data::JustLut<Val>;

/// A jq program, compiled; used by all threads.
///
/// Besides `.`, the record, it knows `$inherited` and `$line`.
pub struct Program {
    filter: jaq_core::Filter<Data>,
    bounds: Bounds,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

/// A value that a program reads.
#[derive(Debug, Clone)]
pub struct Value(Val);

impl Value {
    /// `null`.
    pub const NULL: Self = Self(Val::Null);

    /// An object of texts; nothing is `null`.
    pub fn object(entries: &mut dyn Iterator<Item = (&str, Option<&str>)>) -> Self {
        let text = |text: &str| Val::from(text.to_owned());
        Self(Val::obj(entries.map(|(name, value)| (text(name), value.map_or(Val::Null, text))).collect()))
    }

    /// What this JSON is.
    ///
    /// It is read by recursion, and more than JSON is taken: whoever calls this has looked at both.
    ///
    /// # Errors
    /// It can't be read.
    pub fn json(text: &str) -> Result<Self, String> {
        read::parse_single(text.as_bytes()).map(Self).map_err(|error| error.to_string())
    }
}

const VARIABLES: [&str; 2] = ["$inherited", "$line"];
const MAIN: &str = "main__";
const CALL_MAIN: &str = "main__($inherited; $line)";

/// Stack for reading a program: some ten thousand brackets. It is taken only as far as it is needed.
const READING: usize = 256 << 20;

/// What reaches beyond the record is not there: the environment, which has the secret in it, other inputs, the log, the
/// end of the process.
fn is_kept(name: &str) -> bool {
    !matches!(
        name,
        "env"
            | "input"
            | "inputs"
            | "debug"
            | "debug_empty"
            | "stderr"
            | "stderr_empty"
            | "halt"
            | "halt_error"
            | "input_filename"
            | "input_line_number"
    )
}

fn defs<'s>() -> impl Iterator<Item = Def<&'s str>> {
    let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    all.filter_map(|def| -> Option<Def<&'s str>> { is_kept(def.name).then_some(def) })
}

fn funs() -> impl Iterator<Item = jaq_core::native::Fun<Data>> {
    let all = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    all.filter(|(name, ..)| is_kept(name))
}

fn compiler<'s>() -> jaq_core::Compiler<&'s str, Data> {
    jaq_core::Compiler::default().with_funs(funs().chain(steps::filters())).with_global_vars(VARIABLES)
}

/// What an error says, and of what it is about only the beginning: that may be without end.
fn said(error: &impl fmt::Display) -> String {
    struct Short(String);
    impl fmt::Write for Short {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            const LONGEST: usize = 4_000;
            let room = LONGEST.saturating_sub(self.0.len());
            let whole = text.len() <= room;
            self.0.push_str(if whole { text } else { &text[..text.floor_char_boundary(room)] });
            if whole { Ok(()) } else { Err(fmt::Error) }
        }
    }
    let mut text = Short(String::new());
    let whole = fmt::Write::write_fmt(&mut text, format_args!("{error}"));
    if whole.is_err() {
        text.0.push('…');
    }
    text.0
}

impl Program {
    /// Reads a program.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn new(code: &str) -> Result<Self, String> {
        // A program is read by recursion, and what is nested too deeply can be told only when it is read.
        let big = std::thread::Builder::new().name("jq".to_owned()).stack_size(READING);
        std::thread::scope(|scope| match big.spawn_scoped(scope, || Self::read(code)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(error.to_string()),
        })
    }

    /// The same with other bounds.
    #[must_use]
    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    fn read(code: &str) -> Result<Self, String> {
        // As it was written, so that errors name its own places.
        let arena = Arena::default();
        let modules = Loader::new(defs())
            .load(&arena, File { code, path: () })
            .map_err(|errors| unloadable(code, errors))?;
        // And as a definition, which is what can be taken apart, with its steps counted.
        let body = load::parse(code, |p| p.term());
        let counting =
            body.as_ref().map(|body| Counting::of(body, funs().map(|(name, ..)| name))).transpose()?;
        compiler().compile(modules).map_err(|errors| undefined(code, errors))?;
        let (Some(body), Some(mut counting)) = (body, counting) else {
            return Err("a program is a single filter here: it loads no modules".to_owned());
        };
        let main = Def { name: MAIN, args: VARIABLES.to_vec(), body };
        let counted = defs().chain([main]).map(|def| counting.def(def)).collect::<Vec<_>>();
        let arena = Arena::default();
        let modules = Loader::new(counted)
            .load(&arena, File { code: CALL_MAIN, path: () })
            .map_err(|errors| unloadable(CALL_MAIN, errors))?;
        let filter = compiler().compile(modules).map_err(|errors| undefined(CALL_MAIN, errors))?;
        Ok(Self { filter, bounds: Bounds::default() })
    }

    /// Calls `take` with the JSON text of every result, until it wants no more.
    ///
    /// # Errors
    /// What the program said, or which bound it reached.
    pub fn run(
        &self,
        record: Value,
        line: u64,
        inherited: &Value,
        take: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), String> {
        let line = Val::from(isize::try_from(line).unwrap_or(isize::MAX));
        let vars = Vars::new([inherited.0.clone(), line]);
        let ctx = Ctx::<Data>::new(&self.filter.lut, vars);
        let mut text = Vec::new();
        steps::begin(self.bounds);
        for result in self.filter.id.run((ctx, record.0)) {
            let result = match result {
                Ok(value) => value,
                Err(exception) => {
                    return Err(exception.get_err().map_or("it broke off".to_owned(), |error| said(&error)));
                }
            };
            steps::weigh(&result)?;
            text.clear();
            write::write(&mut text, &write::Pp::default(), 0, &result).map_err(|error| error.to_string())?;
            if !take(&String::from_utf8_lossy(&text)) {
                break;
            }
        }
        Ok(())
    }
}

fn unloadable(code: &str, errors: load::Errors<&str, ()>) -> String {
    let (_, error) = errors.into_iter().next().expect("there is an error");
    match error {
        load::Error::Io(errors) => {
            errors.first().map_or(String::new(), |(path, why)| format!("`{path}` can't be loaded: {why}"))
        }
        load::Error::Lex(errors) => errors.first().map_or(String::new(), |(expected, at)| {
            format!("{} is expected at {}", expected.as_str(), position(code, at))
        }),
        load::Error::Parse(errors) => errors.first().map_or(String::new(), |(expected, at)| {
            format!("{} is expected at {}", expected.as_str(), position(code, at))
        }),
    }
}

fn undefined(code: &str, errors: compile::Errors<&str, ()>) -> String {
    let (_, errors) = errors.into_iter().next().expect("there is an error");
    errors.first().map_or(String::new(), |(name, kind)| {
        format!("the {} `{name}` is not defined, at {}", kind.as_str(), position(code, name))
    })
}

/// Where in the program `part` of it is.
fn position(code: &str, part: &str) -> String {
    let at = load::span(code, part).start.min(code.len());
    let before = code.get(..at).unwrap_or(code);
    let line = before.matches('\n').count() + 1;
    let rest: String = code.get(at..).unwrap_or_default().chars().take(30).collect();
    if rest.is_empty() { "the end".to_owned() } else { format!("line {line}: `{}`", rest.trim_end()) }
}
