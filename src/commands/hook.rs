//! `--on-end`: somebody is told how it ended.

use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use super::context::note;
use crate::control::End;

/// Whoever waits for this program, cron for one, does not wait longer for a command that hangs.
const LONGEST: Duration = Duration::from_mins(10);
/// After so long it is said what is waited for.
const SAID: Duration = Duration::from_secs(15);

/// What a child must not learn: it may be a mail program.
const SECRETS: [&str; 3] = ["OPENIM_SECRET", "OPENIM_TOKEN", "OPENIM_CHAT_PASSWORD"];

/// Runs the command of the operator. What others said (names, the server's words) stands in its environment alone: no
/// shell reads it. That it fails changes nothing about how the run ended.
pub(super) fn on_end(command: &str, ended: &End, job: &str) {
    let mut child = Command::new("sh");
    child.args(["-c", command]);
    for secret in SECRETS {
        child.env_remove(secret);
    }
    for (name, value) in environment(ended, job) {
        child.env(format!("OPENIM_IMPORT_{name}"), value);
    }
    let said = match child.spawn().and_then(|child| wait(child, command, (SAID, LONGEST))) {
        Ok(Some(status)) if status.success() => return,
        Ok(Some(status)) => format!("--on-end: `{command}` failed ({status})"),
        Ok(None) => {
            format!("--on-end: `{command}` still runs after {} s, and is left to itself", LONGEST.as_secs())
        }
        Err(error) => format!("--on-end: `{command}` can't be run: {error}"),
    };
    drop(note(&said));
}

/// Until it has ended, or for so long: `None`.
fn wait(
    mut child: Child,
    command: &str,
    (said, longest): (Duration, Duration),
) -> std::io::Result<Option<ExitStatus>> {
    let (began, mut is_said) = (Instant::now(), false);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= longest {
            return Ok(None);
        }
        if !is_said && began.elapsed() >= said {
            is_said = true;
            let most = longest.as_secs();
            drop(note(&format!(
                "--on-end: waiting for `{command}`, {most} s at most; the import itself has ended"
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn environment(ended: &End, job: &str) -> Vec<(&'static str, String)> {
    // What no environment takes, and no mail either.
    let verdict = crate::secrets::without(&ended.verdict).replace('\0', "");
    vec![
        ("COMMAND", "run".to_owned()),
        ("VERDICT", crate::visible::visible_lines(&verdict).into_owned()),
        ("EXIT_CODE", ended.exit_code.to_string()),
        ("JOB", job.to_owned()),
        ("MESSAGES", ended.messages.to_string()),
        ("CONFIRMED", ended.confirmed.to_string()),
        ("REJECTED", ended.rejected.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_said_is_a_value_and_never_a_command() {
        let dir = tempfile::tempdir().unwrap();
        let trap = dir.path().join("trap");
        let out = dir.path().join("out");
        let verdict = format!("$(touch {0}) `touch {0}`; touch {0}\0\u{1b}[2J", trap.display());
        let ended = End { exit_code: 5, verdict, messages: 12, confirmed: 7, rejected: 1 };
        let command = format!(
            "printf '%s|%s|%s' \"$OPENIM_IMPORT_VERDICT\" $OPENIM_IMPORT_EXIT_CODE $OPENIM_IMPORT_CONFIRMED > {}",
            out.display()
        );
        on_end(&command, &ended, "import.job");
        let out = fs_err::read_to_string(out).unwrap();
        assert!(out.starts_with("$(touch ") && out.ends_with("|5|7"), "{out}");
        assert!(!out.contains('\u{1b}') && !trap.exists());
    }

    #[test]
    fn one_that_hangs_is_not_waited_for_for_ever() {
        let child = Command::new("sh").args(["-c", "exec sleep 30"]).spawn().unwrap();
        let began = Instant::now();
        let ms = Duration::from_millis;
        assert_eq!(wait(child, "sleep", (ms(10), ms(100))).unwrap(), None);
        assert!(began.elapsed() < Duration::from_secs(20));
        let child = Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap();
        let status = wait(child, "exit", (LONGEST, LONGEST)).unwrap();
        assert_eq!(status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn it_learns_no_secret_and_its_failure_is_survived() {
        for secret in SECRETS {
            assert!(secret.starts_with("OPENIM_"));
        }
        on_end("exit 3", &End::default(), "import.job");
    }
}
