//! The client of the server that was named, and how a command ends that it gave no answer to.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::context::{Context, note};
use super::{Exit, Failure, OrFail};
use crate::config::{self, ServerArgs, ServerError};
use crate::openim::{self, CallError, Client};
use crate::report::duration;

/// How long a server that says nothing is waited for where nothing is lost by giving up.
const FIRST_ANSWER: Duration = Duration::from_secs(30);
/// The same for an address at which nobody listens: long enough for a restart, short enough for a mistyped port.
const FIRST_CONNECTION: Duration = Duration::from_secs(5);

/// What is asked of the server, which decides how long it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Nothing was ever sent there: the address may be wrong.
    Fresh,
    /// A run has begun there: it is waited for as long as its operator said.
    Begun,
    /// Something is looked at or taken back afterwards.
    Afterwards,
}

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
/// that is down is waited for; an address that can't be right is not. `give_up` is how long at
/// most; with `wait_for_server` so long whatever stands in the way.
pub(super) async fn reach(
    client: &Client,
    wait_for_server: bool,
    (work, give_up): (Work, Duration),
) -> Result<(), Failure> {
    /// Between two looks; the first follow faster.
    const LONGEST: Duration = Duration::from_secs(10);
    /// Between two lines about it.
    const SAY_EVERY: Duration = Duration::from_mins(1);
    let patient = wait_for_server || work == Work::Begun;
    let (start, mut wait, mut said) = (Instant::now(), Duration::from_millis(250), None::<Instant>);
    loop {
        let Err(error) = client.log_in().await else { return Ok(()) };
        let is_wrong = matches!(error, CallError::WrongAddress(_));
        if (is_wrong && !wait_for_server) || (!is_wrong && !error.is_passing()) {
            return Err(no_answer(error));
        }
        let refused = work != Work::Begun && error.nobody_listens();
        let limit = match refused {
            _ if patient => give_up,
            true => give_up.min(FIRST_CONNECTION),
            false => give_up.min(FIRST_ANSWER),
        };
        if start.elapsed() + wait > limit {
            if refused && !patient {
                let text = format!(
                    "nobody listens at {}: look at the address; --wait-for-server waits until somebody does ({error})",
                    client.api()
                );
                return Err(Failure::new(Exit::Usage, text));
            }
            return Err(no_answer(error));
        }
        if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            said = Some(Instant::now());
            let left = duration(limit.saturating_sub(start.elapsed()));
            note(&format!("waiting for the server at {}, {left} at most: {error}", client.api()))?;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// How long a server that falls silent is waited for where no flag says it.
pub(super) fn give_up(context: &Context) -> Duration {
    context.file.import.give_up.unwrap_or(crate::import::Settings::default().give_up)
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
        // Whom the address means is no matter of time.
        CallError::WrongAddress(_) | CallError::NotOpenIm(_) => Exit::Usage,
        // Whatever it is, the same command goes on when it is over.
        CallError::Unreachable(_)
        | CallError::Unanswered { .. }
        | CallError::RateLimited(_)
        | CallError::Refused { .. }
        | CallError::NoSuchCall(_)
        | CallError::Unreadable { .. } => Exit::Unfinished,
    }
}
