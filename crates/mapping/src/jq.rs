//! Mappings in the language of jq, run by jaq.

use std::fmt;

use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Ctx, Vars, compile, data};
use jaq_json::{Val, read, write};

use super::counted::Counting;
use super::error::MappingError;
use super::records::Record;
use super::steps;
use crate::export::Context;
use crate::export::json::{Skip, Skipped};
use crate::message::Place;

type Data = data::JustLut<Val>;

/// A jq program, compiled; used by all threads.
///
/// Besides `.`, the record, it knows `$inherited` (an object of texts, see [`Context::values`]) and `$line`. A row
/// of a CSV is an object of texts; an empty cell is `null`.
pub(super) struct Program {
    filter: jaq_core::Filter<Data>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

/// Why a program came to no more results.
pub(super) enum Failed {
    /// The record is no JSON; the error is that of the parser.
    NotJson(serde_json::Error),
    /// The record is nested too deep.
    TooDeep,
    /// The program said so.
    Program(String),
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
    pub(super) fn new(key: &str, code: &str) -> Result<Self, MappingError> {
        // A program is read by recursion, and what is nested too deeply can be told only when it is read.
        let big = std::thread::Builder::new().name("jq".to_owned()).stack_size(READING);
        std::thread::scope(|scope| match big.spawn_scoped(scope, || Self::read(key, code)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(MappingError::Jq { key: key.to_owned(), why: error.to_string() }),
        })
    }

    fn read(key: &str, code: &str) -> Result<Self, MappingError> {
        let wrong = |why: String| MappingError::Jq { key: key.to_owned(), why };
        // As it was written, so that errors name its own places.
        let arena = Arena::default();
        let modules = Loader::new(defs())
            .load(&arena, File { code, path: () })
            .map_err(|errors| wrong(unloadable(code, errors)))?;
        // And as a definition, which is what can be taken apart, with its steps counted.
        let body = load::parse(code, |p| p.term());
        let counting = body
            .as_ref()
            .map(|body| Counting::of(body, funs().map(|(name, ..)| name)))
            .transpose()
            .map_err(wrong)?;
        compiler().compile(modules).map_err(|errors| wrong(undefined(code, errors)))?;
        let (Some(body), Some(mut counting)) = (body, counting) else {
            return Err(wrong("a program is a single filter here: it loads no modules".to_owned()));
        };
        let main = Def { name: MAIN, args: VARIABLES.to_vec(), body };
        let counted = defs().chain([main]).map(|def| counting.def(def)).collect::<Vec<_>>();
        let arena = Arena::default();
        let modules = Loader::new(counted)
            .load(&arena, File { code: CALL_MAIN, path: () })
            .map_err(|errors| wrong(unloadable(CALL_MAIN, errors)))?;
        let filter = compiler().compile(modules).map_err(|errors| wrong(undefined(CALL_MAIN, errors)))?;
        Ok(Self { filter })
    }

    /// What the chunk has in common, as the program sees it.
    pub(super) fn inherited(context: &Context) -> Val {
        let text = |text: &str| Val::from(text.to_owned());
        Val::obj(context.values.iter().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// Calls `take` with the JSON text of every result, until it wants no more.
    pub(super) fn run(
        &self,
        record: Record<'_>,
        place: Place,
        inherited: &Val,
        take: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failed> {
        let input = value(record)?;
        let line = Val::from(isize::try_from(place.line).unwrap_or(isize::MAX));
        let vars = Vars::new([inherited.clone(), line]);
        let ctx = Ctx::<Data>::new(&self.filter.lut, vars);
        let mut text = Vec::new();
        steps::begin();
        for result in self.filter.id.run((ctx, input)) {
            let result = match result {
                Ok(value) => value,
                Err(exception) => {
                    let why = exception.get_err().map_or("it broke off".to_owned(), |error| said(&error));
                    return Err(Failed::Program(why));
                }
            };
            steps::weigh(&result).map_err(Failed::Program)?;
            text.clear();
            write::write(&mut text, &write::Pp::default(), 0, &result).expect("memory takes all");
            if !take(&String::from_utf8_lossy(&text)) {
                break;
            }
        }
        Ok(())
    }
}

fn value(record: Record<'_>) -> Result<Val, Failed> {
    match record {
        Record::Row(row) => {
            let text = |text: &str| Val::from(text.to_owned());
            let cells = row.table.columns.iter().enumerate();
            Ok(Val::obj(cells.map(|(n, name)| (text(name), row.cell(n).map_or(Val::Null, text))).collect()))
        }
        Record::Json(json) => {
            // jaq reads more than JSON, and it reads by recursion.
            let mut skip = Skip::default();
            if skip.piece(json.as_bytes()) == Skipped::Open && !skip.may_end() || skip.too_deep() {
                serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(Failed::NotJson)?;
                return Err(Failed::TooDeep);
            }
            serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(Failed::NotJson)?;
            read::parse_single(json.as_bytes()).map_err(|e| Failed::Program(e.to_string()))
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::SourceNo;

    /// The results for a record, or why there are none.
    fn run(code: &str, record: &str) -> Result<Vec<String>, String> {
        let program = Program::new("jq", code).map_err(|error| error.to_string())?;
        let place = Place { source: SourceNo(0), line: 7, byte: 0, part: 0 };
        let mut results = Vec::new();
        let done = program.run(Record::Json(record), place, &Val::Null, &mut |result| {
            results.push(result.to_owned());
            true
        });
        match done {
            Ok(()) => Ok(results),
            Err(Failed::Program(why)) => Err(why),
            Err(_) => Err("no record".to_owned()),
        }
    }

    #[test]
    fn steps_change_nothing() {
        for (code, result) in [
            (".a + 1, $line", vec!["2", "7"]),
            ("def f: .a; [f, (.b[] | select(. > 1))]", vec!["[1,2,3]"]),
            ("reduce .b[] as $x (0; . + $x)", vec!["5"]),
            (".b |= map(. * 10) | .b", vec!["[20,30]"]),
            ("[limit(3; repeat(1))] | length", vec!["3"]),
            ("to_entries | map(.key) | join(\",\")", vec!["\"a,b\""]),
            ("try error(\"x\") catch .", vec!["\"x\""]),
            ("[paths]", vec!["[[\"a\"],[\"b\"],[\"b\",0],[\"b\",1]]"]),
            ("\"\\(.a)!\" | test(\"1\")", vec!["true"]),
            ("del(.b) | with_entries(.value += 1)", vec!["{\"a\":2}"]),
        ] {
            assert_eq!(run(code, "{\"a\":1,\"b\":[2,3]}").unwrap(), result, "{code}");
        }
    }

    #[test]
    fn nothing_beyond_the_record_is_there() {
        for code in [
            "env",
            "env.HOME",
            "$ENV",
            "$ENV.HOME",
            "input",
            "[inputs]",
            "debug",
            "debug(1)",
            "stderr",
            "halt",
            "halt_error",
            "input_filename",
            "include \"x\"; .",
            "import \"x\" as x; .",
            "import \"x\" as $x; .",
        ] {
            assert!(run(code, "{}").is_err(), "{code}");
        }
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        for code in [
            "def f: f; f",
            "def f: 1 + f; f",
            "def f: [f]; f",
            "def f: {a: f}; f",
            "[repeat(1)]",
            "[range(1e15)] | length",
            "last(range(1e15))",
            "range(1e15) | empty",
            "reduce repeat(1) as $x (0; . + 1)",
            "reduce range(1e9) as $x (null; [.])",
            "reduce range(60) as $x (\"x\"; . + .)",
            "reduce range(60) as $x ([1]; . + .)",
            "until(false; .)",
            "[recurse(.)]",
            "first(repeat(empty))",
            // Each call holds on to the one before it, or to a value that grows.
            "def f(g): f(g); f(.)",
            "def f(g): f(g | g); f(.)",
            "def f(g): def h(k): f(k); h(g | g); f(.)",
            "def f($x; $y): f($y; [$x]); f(1; 2)",
            "reduce range(40) as $x (123456789123456789; . * .)",
        ] {
            let why = run(code, "{}").unwrap_err();
            assert!(why.contains("the program"), "{code}: {why}");
        }
    }

    #[test]
    fn values_that_are_held_often_are_not_walked_through_for_ever() {
        let shared = "reduce range(60) as $x ([1]; [., .])";
        for rest in [
            "",
            "tojson",
            "\"\\(.)\"",
            "@sh",
            "[..] | length",
            "last(..)",
            "[paths] | length",
            ".. |= .",
            "flatten",
            "[., [.]] | unique",
            "[., .] | sort",
            "sort_by(.)",
            ". == [.[0], .[1], 2]",
            ". - .",
            "contains([.])",
            ".[.]",
            "{(.): 1}",
            "error",
            "implode",
        ] {
            let code = format!("{shared} | {rest}");
            let why = run(code.trim_end_matches([' ', '|']), "{}").expect_err(rest);
            assert!(why.len() < 5_000, "{rest}: {}", why.len());
            let is_bound = why.contains("the program") || why.contains("cannot");
            assert!(is_bound || rest == "error", "{rest}: {why}");
        }
        // What is caught is said by us, not by jaq, which would write all of it.
        for rest in ["implode", ".a", ". * 1", "1 + .", "1 - .", "-."] {
            let said = run(&format!("{shared} | try ({rest}) catch length"), "{}").unwrap();
            assert!(said[0].parse::<u32>().unwrap() < 100, "{rest}: {said:?}");
        }
        let objects = "reduce range(60) as $x ({a: 1}; {a: ., b: .})";
        assert!(run(&format!("{objects} | tojson"), "{}").unwrap_err().contains("the program"));
    }

    #[test]
    fn little_does_not_become_much_at_one_blow() {
        for code in [
            "\"x\" * 10000000000",
            "\"xx\" * 9223372036854775807",
            "10000000000 * \"x\"",
            "{a: \"x\"} | .a *= 10000000000",
            "\"x\" * 123456789123456789123456789",
            "\"x\" * 4000000 | gsub(\"x\"; \"\")",
            "\"x\" * 4000000 | [match(\".\"; \"g\")] | length",
            "\"x\" * 200000 | [match(\"a*?\"; \"g\")] | length",
            "\"x\" * 4000000 | explode",
            "\"x\" * 4000000 / \"\"",
            "\"x\" * 4000000 / \"x\"",
        ] {
            let why = run(code, "{}").unwrap_err();
            assert!(why.contains("the program"), "{code}: {why}");
        }
    }

    /// Nothing stops one search: of a text at the bound it comes back, and the steps over its matches are counted;
    /// on a machine that has other things to do, its time is over first.
    #[test]
    fn the_longest_search_comes_back() {
        let code = "\"x\" * 131072 | [match(\"a*?\"; \"g\")] | length";
        let why = run(code, "{}").unwrap_err();
        assert!(why.contains("steps for this record") || why.contains("takes longer"), "{why}");
    }

    #[test]
    fn operators_with_bounds_are_what_they_were() {
        for (code, results) in [
            ("(1, 2) * (10, 100)", vec!["10", "100", "20", "200"]),
            ("(12, 60) / (2, 3)", vec!["6.0", "4.0", "30.0", "20.0"]),
            ("\"ab\" * 3, 3 * \"ab\", \"ab\" * 0", vec!["\"ababab\"", "\"ababab\"", "null"]),
            ("{a: {b: 1}} * {a: {c: 2}}", vec![r#"{"a":{"b":1,"c":2}}"#]),
            (".b[] *= 10 | .b", vec!["[20,30]"]),
            (".a *= (2, 3) | .a", vec!["2", "3"]),
            ("\"a,b\" / \",\" , (\"abc\" / \"\")", vec![r#"["a","b"]"#, r#"["a","b","c"]"#]),
            ("{a: \"x,y\"} | .a /= \",\"", vec![r#"{"a":["x","y"]}"#]),
            (".b - [2], (.b == .b), ([1, [2]] | index(2))", vec!["[3]", "true", "null"]),
            ("try (\"x\" * {}) catch length", vec!["25"]),
            (
                "{a, \"b\"} , (2 as $x | {$x}), {(.a | tostring): 3}",
                vec![r#"{"a":1,"b":[2,3]}"#, r#"{"x":2}"#, r#"{"1":3}"#],
            ),
            ("[..] | length, (.. |= .)", vec![]),
        ] {
            let got = run(code, "{\"a\":1,\"b\":[2,3]}").unwrap();
            assert!(results.is_empty() || got == results, "{code}: {got:?}");
        }
    }

    #[test]
    fn text_of_the_export_is_read_as_json_only_within_bounds() {
        for (text, why) in [
            ("[".repeat(200_000), "more than 512 deep"),
            ("{\\\"a\\\":".repeat(200_000), "more than 512 deep"),
            ("1".repeat(500_000), "more than 4000 digits"),
        ] {
            let record = format!("{{\"a\":\"{text}\"}}");
            for code in [".a | fromjson", ".a | tonumber", ".a | try fromjson catch error"] {
                let said = run(code, &record).unwrap_err();
                assert!(said.contains(why), "{code}: {said}");
            }
        }
        let said = run(".a | fromjson", "{\"a\":\"[[\\\"[[[\\\", 12]]\"}").unwrap();
        assert_eq!(said, ["[[\"[[[\",12]]"]);
    }

    #[test]
    fn a_program_nested_too_deeply_is_wrong() {
        for code in
            ["[".repeat(5000) + "1" + &"]".repeat(5000), "1, ".repeat(5000) + "1", "-".repeat(5000) + "1"]
        {
            let why = run(&code, "{}").unwrap_err();
            assert!(why.contains("nested more than 300 deep"), "{why}");
        }
        let list = format!("[{}1]", "1,".repeat(200));
        assert_eq!(run(&format!("{list} | length"), "{}").unwrap(), ["201"]);
    }

    #[test]
    fn a_definition_with_filters_may_be_called_often() {
        let code = "def pick(g): map(select(g)); [range(8000) as $n | [$n] | pick(. >= 0)] | length";
        assert_eq!(run(code, "{}").unwrap(), ["8000"]);
        let code = "def walk2(g): if type == \"array\" then map(walk2(g)) else g end; walk2(. + 1)";
        assert_eq!(run(code, "[1,[2,[3]]]").unwrap(), ["[2,[3,[4]]]"]);
    }
}
