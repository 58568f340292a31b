//! What the command line promises before any work is done.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory as _;
use openim_importer::cli::Cli;
use predicates::str::contains;

use crate::support::{Rehearsal, importer};

#[test]
fn help_names_every_exit_code() {
    let help = importer().arg("--help").assert().success();
    let text = String::from_utf8(help.get_output().stdout.clone()).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for code in [
        "0 done",
        "1 internal",
        "2 usage",
        "3 done, with rejects",
        "4 check",
        "5 unfinished",
        "6 preflight",
        "7 login",
        "8 verification",
    ] {
        assert!(text.contains(code), "{code}");
    }
}

#[test]
fn manual_and_completions() {
    importer().arg("man").assert().success().stdout(contains(".TH openim"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        importer().args(["completions", shell]).assert().success().stdout(contains("openim-import"));
    }
}

#[test]
fn the_rehearsal_server_listens_on_loopback_only() {
    importer().args(["rehearse", "--listen", "0.0.0.0:0"]).assert().code(2).stderr(contains("--public"));
    let server = Rehearsal::start(&[]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    assert!(server.audit().is_object());
}

/// Where the heading of a group leaks to what stands behind it, an option is found in two places.
#[test]
fn an_option_stands_under_the_same_heading_everywhere() {
    let mut headings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for command in Cli::command().get_subcommands() {
        for option in command.get_arguments().filter(|option| !option.is_positional()) {
            let heading = option.get_help_heading().unwrap_or("Options").to_owned();
            headings.entry(option.get_id().to_string()).or_default().insert(heading);
        }
    }
    assert!(headings.len() > 60, "the options are not where this test looks");
    let under = |heading: &str| {
        headings
            .iter()
            .filter(|(_, under)| under.contains(heading))
            .map(|(id, _)| id.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(under("Server"), ["admin_user", "api", "ca", "release", "wait_for_server"]);
    // The same word for another thing.
    let others = ["admin_user", "release", "until", "users", "watch"];
    let twice = headings.iter().filter(|(id, under)| under.len() > 1 && !others.contains(&id.as_str()));
    assert_eq!(twice.collect::<Vec<_>>(), []);
}

#[test]
fn the_manual_says_what_scripts_need() {
    let dir = tempfile::tempdir().unwrap();
    importer().arg("man").arg(dir.path()).assert().success();
    let page = fs_err::read_to_string(dir.path().join("openim-import.1")).unwrap().replace('\\', "");
    for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"] {
        assert!(
            page.contains(&format!(".SH \"{section}\"")) || page.contains(&format!(".SH {section}")),
            "{section}"
        );
    }
    // What the sources read of the environment is said.
    let config = concat!(include_str!("../src/config/secret.rs"), include_str!("../src/config/options.rs"));
    let named = config.split('"').filter(|word| word.starts_with("OPENIM_") && word.len() > 7);
    for name in named.chain(["OPENIM_ACCOUNTS_API", "OPENIM_CHAT_API", "JOB_COMPLETION_INDEX"]) {
        assert!(page.contains(name), "{name}");
    }
    for command in Cli::command().get_subcommands() {
        let page = dir.path().join(format!("openim-import-{}.1", command.get_name()));
        let page = fs_err::read_to_string(page).unwrap().replace('\\', "");
        // What is hidden only says what to type instead.
        let shown = command.get_arguments().filter(|option| !option.is_hide_set());
        for option in shown.filter_map(|option| option.get_long()) {
            assert!(page.contains(&format!("--{option}")), "{}: --{option}", command.get_name());
        }
    }
}

#[test]
fn a_dry_run_is_a_command_of_its_own() {
    let output = importer().args(["run", "--dry-run", "export/"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("`openim-import check` reads, maps and checks everything and sends nothing"),
        "{said}"
    );
    let help = importer().args(["run", "--help"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("--dry-run"));
}
