//! What the command line promises before any work is done.

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
