//! The client of the server that was named, and how a command ends that it gave no answer to.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::context::{Context, note};
use super::{Exit, Failure, OrFail};
use crate::cli::ServerArgs;
use crate::config::{self, ServerError};
use crate::openim::{self, CallError, Client};
use crate::report::duration;

/// How long the server is waited for where nothing is lost by giving up.
pub(super) const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// The client; nothing is sent yet.
pub(super) fn client(context: &Context, args: &ServerArgs) -> Result<Client, Failure> {
    Client::new(&settings(context, args)?).or_fail(Exit::Usage)
}

/// Where the server is and how we log in.
pub(super) fn settings(context: &Context, args: &ServerArgs) -> Result<openim::Settings, Failure> {
    config::server(args, &context.file.server).map_err(|error| {
        let exit = if matches!(error, ServerError::Secret(_)) { Exit::Login } else { Exit::Usage };
        Failure { exit, error: error.into() }
    })
}

/// Waits until the server lets us in. At night nobody is there to start the command a second time, so a server
/// that is down is waited for; `limit` is how long.
pub(super) async fn reach(client: &Client, limit: Duration) -> Result<(), Failure> {
    /// Between two looks; the first follow faster.
    const LONGEST: Duration = Duration::from_secs(10);
    let (start, mut wait) = (Instant::now(), Duration::from_millis(250));
    loop {
        let Err(error) = client.log_in().await else { return Ok(()) };
        // What can't become right is said at once.
        let wrong = matches!(error, CallError::WrongAddress(_));
        if wrong || !error.is_passing() || start.elapsed() + wait > limit {
            return Err(no_answer(error));
        }
        if wait == LONGEST / 40 {
            let left = limit.saturating_sub(start.elapsed());
            note(&format!(
                "waiting for the server at {}, {} at most: {error}",
                client.api(),
                duration(left)
            ))?;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// A command ends because the server gave no answer.
pub(super) fn no_answer(error: CallError) -> Failure {
    let exit = exit_of(&error);
    let error = anyhow::Error::from(error);
    let again = "when that is mended, the same command goes on";
    Failure {
        exit,
        error: if exit == Exit::Unfinished { anyhow::anyhow!("{error:#}; {again}") } else { error },
    }
}

/// How a command ends that the server gave no answer to.
pub(super) fn exit_of(error: &CallError) -> Exit {
    match error {
        CallError::Login(_) => Exit::Login,
        CallError::NotOpenIm(_) => Exit::Preflight,
        CallError::WrongAddress(_) => Exit::Usage,
        // Whatever it is, the same command goes on when it is over.
        CallError::Unreachable(_)
        | CallError::Unanswered { .. }
        | CallError::RateLimited(_)
        | CallError::Refused { .. }
        | CallError::NoSuchCall(_)
        | CallError::Unreadable { .. } => Exit::Unfinished,
    }
}
