//! The rooms know only whom they may know (ARCHITECTURE.md, "Invariants"): read off the sources themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which rooms a room may name. `commands` may name all but `cli`, which stands above it.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("message.rs", &[]),
    ("visible.rs", &[]),
    ("secrets.rs", &[]),
    ("written.rs", &[]),
    ("finding.rs", &["message", "visible"]),
    ("accounts", &["finding", "message"]),
    ("buckets", &["secrets"]),
    ("export", &["finding", "message"]),
    ("jq", &[]),
    ("mapping", &["export", "finding", "jq", "message", "visible", "written"]),
    ("formats", &["export", "finding", "mapping", "message", "visible"]),
    ("init", &["checks", "export", "finding", "formats", "mapping", "message", "visible"]),
    ("checks", &["finding", "message"]),
    ("job", &["finding", "message", "visible", "written"]),
    ("prepare", &["checks", "export", "finding", "job", "mapping", "message", "visible"]),
    ("openim", &["finding", "message", "secrets"]),
    ("log", &["finding", "job", "message", "openim", "shown"]),
    (
        "before",
        &["accounts", "finding", "import", "job", "log", "message", "openim", "pacing", "report", "shown"],
    ),
    ("import", &["finding", "job", "log", "message", "openim", "pacing", "shown"]),
    ("after", &["finding", "import", "job", "log", "message", "openim", "shown", "visible", "written"]),
    ("guests", &[]),
    ("pacing", &[]),
    // Their own `log`: a crate can't name ours.
    ("rehearsal", &["guests", "log", "message"]),
    ("media", &["finding", "job", "mapping", "message", "openim"]),
    ("shown", &["log"]),
    ("control", &["config", "guests", "import", "job", "openim", "report", "secrets", "visible"]),
    ("report", &["finding", "job", "message", "pacing", "prepare", "secrets", "visible"]),
    ("config", &["before", "export", "formats", "mapping", "message", "openim", "report", "secrets"]),
];

/// Which words stand only in which room.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("reqwest::", &["openim"]),
    ("rusqlite::", &["job"]),
    ("governor::", &["openim/rate"]),
    ("indicatif::", &["report"]),
    ("stdout()", &["report/terminal"]),
    ("stderr(),", &["report/terminal"]),
    ("print!(", &["shown/examples"]),
    ("println!(", &["shown/examples"]),
    ("env::var", &["config", "buckets"]),
    ("object_store::", &["buckets"]),
    ("SystemTime::now", &["commands", "rehearsal", "job", "import", "before", "after", "openim"]),
];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    walk(&root.join("crates"), &mut found);
    assert!(found.len() > 200, "the sources are not where this test looks");
    found
        .into_iter()
        .map(|path| {
            // `src/job/mod.rs` is `job/mod.rs`, `crates/export/src/csv.rs` is `export/csv.rs`.
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace("/src/", "/");
            let name = name.trim_start_matches("src/").trim_start_matches("crates/");
            let name = name.trim_start_matches("words/").to_owned();
            // What tests name is their own affair.
            let text = fs_err::read_to_string(&path).unwrap();
            let text = text
                .split("#[cfg(test)]\nmod tests")
                .next()
                .and_then(|text| text.split("#[cfg(test)]\nfn").next())
                .unwrap()
                .to_owned();
            (name, text)
        })
        .filter(|(name, _)| {
            !name.ends_with("tests.rs")
                && !name.ends_with("/sim.rs")
                && !name.ends_with("/testing.rs")
                && !name.contains("/tests/")
        })
        .collect()
}

#[test]
fn rooms_name_only_whom_they_may() {
    let rooms: Vec<&str> = MAY_NAME.iter().map(|(room, _)| room.trim_end_matches(".rs")).collect();
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some((room, may)) = MAY_NAME.iter().find(|(room, _)| {
            file == *room || file.strip_prefix(room).is_some_and(|rest| rest.starts_with('/'))
        }) else {
            continue;
        };
        for named in named(&text) {
            if rooms.contains(&&*named) && named != *room && !may.contains(&&*named) {
                wrong.push(format!("{file}: `{room}` names `{named}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What stands behind each `crate::`, in a path, in a `use` and in the braces of one.
fn named(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut found = Vec::new();
    for behind in code.join("\n").split("crate::").skip(1) {
        let (mut depth, mut is_next) = (0, true);
        for (at, c) in behind.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                c if is_next && c.is_alphabetic() => found.push(word(&behind[at..])),
                _ => {}
            }
            // Only the first word of a path, and in braces that of each that stands there.
            is_next = depth == 1 && (matches!(c, '{' | ',') || is_next && c.is_whitespace());
            if depth <= 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn names_in_braces_are_seen() {
    let text = "use crate::{job::{Job, after}, log};\nuse crate::{\n    cli::Cli,\n    before,\n};\n// crate::no\nfn f(a: crate::media::A) {}";
    assert_eq!(named(text), ["job", "log", "cli", "before", "media"]);
}

/// A room that knows another one is not known to it, nor over a third one.
#[test]
fn no_room_stands_in_a_circle() {
    let room = |file: &str| file.split(['/', '.']).next().unwrap_or_default().to_owned();
    let mut knows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources() {
        knows.entry(room(&file)).or_default().extend(named(&text));
    }
    let rooms: BTreeSet<String> = knows.keys().cloned().collect();
    for (room, names) in &mut knows {
        // Within a crate its own modules are meant.
        names.retain(|name| name != room && rooms.contains(name) && !(room == "rehearsal" && name == "log"));
    }
    assert!(
        knows.contains_key("commands") && knows.contains_key("cli"),
        "the rooms are not where this test looks"
    );
    // Whoever knows nobody that is left is taken away; what stays then stands in a circle.
    while let Some(free) = knows.iter().find(|(_, names)| names.iter().all(|n| !knows.contains_key(n))) {
        let free = free.0.clone();
        knows.remove(&free);
    }
    assert!(knows.is_empty(), "in circles, or above one: {knows:#?}");
}

#[test]
fn words_stand_only_in_their_room() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (word, rooms) in ONLY_IN {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in lines.filter(|line| line.contains(word)) {
                if !rooms.iter().any(|room| file.starts_with(room)) {
                    wrong.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// "1 messages" stands nowhere: whatever is counted goes through `plural`.
#[test]
fn what_is_counted_is_said_in_the_singular() {
    let nouns = "messages conversations files users groups records rows people copies chats histories lines receipts \
                 rejects notices slots uploads questions calls values cells";
    // A number that is never one: of several, of a setting, a rate, or with a case of its own.
    let several = [
        "{n} files, among them",
        "out of {} files: everybody",
        "in all {} conversations: whoever",
        "{:.0} messages a second",
        "{rate} messages a second",
        "{MESSAGES} messages of",
        "All {} messages are confirmed",
        "{} messages in {conversations} are confirmed",
        "in {html} of {seen} records",
        "of {} conversations that hold messages",
    ];
    let mut wrong = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.starts_with("rehearsal/")) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, _) in line.match_indices("} ") {
                let placeholder = line[..at].rsplit('{').next().unwrap_or_default();
                let word: String = line[at + 2..].chars().take_while(char::is_ascii_lowercase).collect();
                if !placeholder.contains(['"', ' ', '('])
                    && nouns.split_whitespace().any(|noun| noun == word)
                    && !several.iter().any(|known| line.contains(known))
                {
                    wrong.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What an export calls its people and files would be a formula in a spreadsheet.
#[test]
fn tables_for_people_neutralise_their_cells() {
    let mut tables = 0;
    for (name, text) in sources().into_iter().filter(|(_, text)| text.contains("csv::Writer::from")) {
        tables += 1;
        let neutralises = text.contains("use crate::visible::") && text.contains("cell");
        assert!(neutralises, "{name} writes a table, and not through visible::cell");
    }
    assert!(tables >= 6, "{tables}");
}

/// Whoever reads "law 8" or "contract, section 5" finds it in the repository.
#[test]
fn what_is_cited_of_the_contract_stands_in_docs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contract = fs_err::read_to_string(root.join("docs/contract.md")).unwrap();
    let laws = fs_err::read_to_string(root.join("tests/rehearsal/laws.rs")).unwrap();
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let mut cited = 0;
    for (name, text) in sources() {
        for (before, place) in
            [("law ", "\n| "), ("contract, section ", "\n## "), ("contract, table ", "\nTable ")]
        {
            for after in text.split(before).skip(1) {
                let number = number(after);
                if number.is_empty() {
                    continue;
                }
                cited += 1;
                let there =
                    ["", ".", ",", " "].iter().any(|end| contract.contains(&format!("{place}{number}{end}")));
                assert!(there, "{name} cites `{before}{number}`, which is not in docs/contract.md");
            }
        }
    }
    assert!(cited > 100, "{cited}: the citations are not where this test looks");
    for law in 1..=14 {
        assert!(laws.contains(&format!("fn law_{law}_")), "law {law} has no test");
    }
}

/// What tests alone ask of a crate has it built twice, and everything above it: once for the program, once for them.
#[test]
fn tests_ask_for_no_features_of_their_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = fs_err::read_dir(root.join("crates")).unwrap().map(|folder| folder.unwrap().path());
    for manifest in crates.chain([root.to_owned()]).map(|folder| folder.join("Cargo.toml")) {
        let text = fs_err::read_to_string(&manifest).unwrap();
        let tests = text.split("[dev-dependencies]").nth(1).unwrap_or_default();
        let tests = tests.split("\n[").next().unwrap_or_default();
        assert!(!tests.contains("features ="), "{}", manifest.display());
    }
}
