//! What a program may do, and what it can't use up.

use importer_jq::{Bounds, Program, Value};

/// The results for a record, or why there are none. A tenth of the usual bounds: what ends, ends sooner.
fn run(code: &str, record: &str) -> Result<Vec<String>, String> {
    let program = Program::new(code)?.within(Bounds { steps: 200_000, size: 4 << 20 });
    let mut results = Vec::new();
    program.run(Value::json(record)?, 7, &Value::NULL, &mut |result| {
        results.push(result.to_owned());
        true
    })?;
    Ok(results)
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
    for code in ["[".repeat(5000) + "1" + &"]".repeat(5000), "1, ".repeat(5000) + "1", "-".repeat(5000) + "1"]
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
