//! `run --rehearse`: a rehearsal server in this process, and a job folder that can't pass for the real thing.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::{Exit, Failure, OrFail};
use crate::config;
use crate::message::Release;
use crate::openim;
use crate::rehearsal::{AnswerTime, Options, Running, Server, Timing};

/// Stands in the folder of a rehearsed job.
const MARK: &str = "rehearsal.txt";
const WORDS: &str = "This job was sent to a rehearsal server. `run --rehearse` makes it anew each time.\n";

/// Starts the server: as the real one in what it does, faster in how long it takes.
pub(super) async fn start(release: Release) -> Result<(Running, openim::Settings), Failure> {
    let options = Options::new(release);
    let timing = Timing {
        answer: AnswerTime::Fixed(Duration::ZERO),
        store_lag: Duration::from_millis(50),
        unlisted_for: Duration::from_millis(200),
        ..Timing::measured(release)
    };
    let options = Options { timing, ..options };
    let secret = options.secret.clone();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let running = Server::start(options, any).await.or_fail(Exit::Internal)?;
    let settings = config::rehearsal(running.url(), &secret);
    Ok((running, settings))
}

/// Takes an earlier rehearsal out of the folder. Anything else in it stays, and is refused.
pub(super) fn make_room(dir: &Path) -> Result<(), Failure> {
    if dir.join(MARK).exists() {
        return fs_err::remove_dir_all(dir).or_fail(Exit::Usage);
    }
    if dir.join("job.sqlite").exists() {
        let text =
            format!("`{}` holds a job that is no rehearsal; name another folder with --job", dir.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(())
}

/// Marks the folder of a rehearsal.
pub(super) fn mark(dir: &Path) -> Result<(), Failure> {
    fs_err::write(dir.join(MARK), WORDS).or_fail(Exit::Usage)
}

/// What was rehearsed was sent nowhere: such a folder is not for a real run.
pub(super) fn refuse(dir: &Path) -> Result<(), Failure> {
    if dir.join(MARK).exists() {
        let text = format!("`{}` is the job of a rehearsal; name another folder with --job", dir.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(())
}
