//! What docs/security.md claims can be tried again: the last column of its table names tests that are there.

use std::path::Path;

/// Names of functions and modules with the path of their file: `control/door::damaged_requests`.
fn names(folder: &Path) -> Vec<String> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = files.filter(|file| file.path().extension().is_some_and(|e| e == "rs"));
    files
        .flat_map(|file| {
            let path = file.path().strip_prefix(folder).unwrap().with_extension("").display().to_string();
            let path = path.replace('/', "::").replace("::mod", "");
            let text = fs_err::read_to_string(file.path()).unwrap();
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let named = words.windows(2).filter(|pair| matches!(pair[0], "fn" | "mod"));
            named.map(|pair| format!("{path}::{}", pair[1])).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_attack_names_the_test_that_tries_it_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs_err::read_to_string(root.join("docs/security.md")).unwrap();
    let (_, table) = text.split_once("\n## Attacks\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 25, "{}", rows.len());
    let tests = names(&root.join("tests"));
    for row in rows {
        let last = row.trim_end_matches([' ', '|']).rsplit("| ").next().unwrap();
        let commands: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!commands.is_empty(), "no test: {row}");
        for command in commands {
            let words: Vec<&str> = command.split(' ').collect();
            let (found, filter) = match words.as_slice() {
                ["cargo", "test", "-p", name, filter @ ..] => {
                    let source = root.join("crates").join(name.trim_start_matches("importer-")).join("src");
                    (names(&source), filter.first().copied().unwrap_or_default())
                }
                ["cargo", "test", "--lib", filter] => (names(&root.join("src")), *filter),
                ["cargo", "test", filter, "--", "--ignored"]
                | ["cargo", "test", "--features", "object-store", "--test", "tests", filter]
                | [filter] => (tests.clone(), *filter),
                _ => panic!("what is `{command}`? {row}"),
            };
            assert!(found.iter().any(|name| name.contains(filter)), "`{command}` tries nothing: {row}");
        }
    }
}
