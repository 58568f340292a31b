//! What stands in `deploy/`, in the workflow and in the scripts of a release is what the program has.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use openim_importer::cli::Cli;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below these places.
fn files(places: &[&str]) -> Vec<(PathBuf, String)> {
    let mut open: Vec<PathBuf> = places.iter().map(|place| root().join(place)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs_err::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let text = fs_err::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// What is typed behind the program's name, in a list of YAML or in a line of a shell.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let words = |line: &str| {
        let plain = line.replace(['[', ']', ',', '"', '\'', '`'], " ");
        plain.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let list = ["args: [", "command: [", "CMD ["].iter().find_map(|head| line.strip_prefix(head));
        // The program's name, and what follows it up to what another program is told.
        let named = line.split_once("openim-import ").map(|(_, rest)| rest);
        for rest in list.into_iter().chain(named) {
            let rest = rest.rsplit("exec openim-import ").next().unwrap_or(rest);
            let end = rest.find(['|', '>', '#', ';']).unwrap_or(rest.len());
            lines.push(words(&rest[..end]));
        }
    }
    lines
}

#[test]
fn every_command_and_option_is_one_of_the_program() {
    let cli = Cli::command();
    let global: Vec<_> = cli.get_arguments().filter_map(clap::Arg::get_long).collect();
    let mut checked = 0;
    for (path, text) in files(&["deploy", "scripts/try-archive", "docs/scale.md"]) {
        for words in command_lines(&text) {
            let Some(command) = words.first().and_then(|name| cli.find_subcommand(name)) else { continue };
            for option in
                words.iter().filter_map(|word| word.strip_prefix("--")).filter(|name| !name.is_empty())
            {
                let name = option.split('=').next().unwrap_or(option);
                let there =
                    global.contains(&name) || command.get_arguments().any(|arg| arg.get_long() == Some(name));
                assert!(there, "{}: `{}` has no --{name}", path.display(), command.get_name());
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "only {checked} options were found: is this still how the files look?");
}

#[test]
fn every_variable_is_one_that_the_program_reads() {
    let mut sources = String::new();
    for (_, text) in files(&["src/cli.rs", "src/config"]) {
        sources.push_str(&text);
    }
    for (path, text) in files(&["deploy"]) {
        for name in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if name.starts_with("OPENIM_") || name == "JOB_COMPLETION_INDEX" {
                let known = name == "OPENIM_IMPORT" || sources.contains(&format!("\"{name}\""));
                assert!(known, "{}: nobody reads {name}", path.display());
            }
        }
    }
}

/// As far as can be said without a parser: no tab, even steps, and the Job's shards are as many as its completions.
#[test]
fn the_number_of_shards_stands_once_in_a_job() {
    let (_, text) = files(&["deploy/kubernetes/shards.yaml"]).remove(0);
    let after = |head: &str| {
        let at = text.find(head).unwrap_or_else(|| panic!("{head}")) + head.len();
        text[at..].chars().take_while(char::is_ascii_digit).collect::<String>()
    };
    assert_eq!(after("completions: "), after("args: [run, /export, --shard, auto/"));
    for (path, text) in files(&["deploy", ".github/workflows"]) {
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            for line in text.lines() {
                let indent = line.len() - line.trim_start_matches(' ').len();
                assert!(!line.contains('\t') && (indent % 2 == 0), "{}: {line}", path.display());
            }
        }
    }
}

/// The release names what binstall looks for, in the words of the version's own section.
#[test]
fn a_release_is_found_where_binstall_looks() {
    let (_, manifest) = files(&["Cargo.toml"]).remove(0);
    let (_, script) = files(&["scripts/release"]).remove(0);
    assert!(manifest.contains("openim-import-{ version }-{ target }{ archive-suffix }"));
    assert!(
        script.contains("name=openim-import-$version-$target") && script.contains("archive=$name.tar.gz")
    );
}
