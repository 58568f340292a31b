//! Recordings of the real servers, replayed against the rehearsal server by `../shared/contract/replay-media.py`.

use std::path::Path;
use std::process::Command;

use crate::support::Rehearsal;

/// A recording, and the server to replay it against.
pub(crate) struct Replay<'a> {
    pub(crate) release: &'a str,
    pub(crate) file: &'a str,
    /// Options of the rehearsal server, besides the usual ones.
    pub(crate) options: &'a [&'a str],
    /// What the replay has to know of the server, besides its address and its store's.
    pub(crate) places: fn(&Rehearsal) -> Vec<String>,
    /// Variables of the replay.
    pub(crate) environment: &'a [(&'a str, &'a str)],
    /// So many answers have to agree.
    pub(crate) least: u32,
}

/// Replays, and fails at an answer that differs and is not known to. Says so, and does nothing, without `../shared`.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn replay(recording: &Replay<'_>, known: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/contract");
    if !folder.join("replay-media.py").exists() {
        eprintln!("skipped: ../shared/contract is not there");
        return;
    }
    let Replay { release, file, options, places, environment, least } = recording;
    let options = [&["--answer-time", "0s", "--release", release], *options].concat();
    let server = Rehearsal::start(&options);
    let output = Command::new("python3")
        .arg(folder.join("replay-media.py"))
        .arg(folder.join(file))
        .args([format!("host={}", server.url), format!("store={}", server.store)])
        .args(places(&server))
        .env("SHOW", "50")
        .envs(environment.iter().copied())
        .output()
        .expect("python3 is there, as the replay needs it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let differs = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit()) && !line.contains(" agree, ");
    for line in said.lines().filter(differs) {
        assert!(known.iter().any(|known| line.contains(known)), "{release}: {line}\n{said}");
    }
    let agree = said.lines().find_map(|line| line.split(" agree").next()?.parse::<u32>().ok());
    assert!(agree.is_some_and(|agree| agree >= *least), "{release}: {said}\n{output:?}");
}
