//! The client of the server that was named, and how a command ends that it gave no answer to.

use super::context::Context;
use super::{Exit, Failure, OrFail};
use crate::cli::ServerArgs;
use crate::config;
use crate::openim::{CallError, Client};

/// The client; nothing is sent yet.
pub(super) fn client(context: &Context, args: &ServerArgs) -> Result<Client, Failure> {
    let settings = config::server(args, &context.file.server).or_fail(Exit::Usage)?;
    Client::new(&settings).or_fail(Exit::Usage)
}

/// How a command ends that the server gave no answer to.
pub(super) fn exit_of(error: &CallError) -> Exit {
    match error {
        CallError::Login(_) => Exit::Login,
        CallError::NotOpenIm(_) => Exit::Preflight,
        // Whatever it is, the same command goes on when it is over.
        CallError::Unreachable(_)
        | CallError::Unanswered { .. }
        | CallError::RateLimited(_)
        | CallError::Refused { .. }
        | CallError::NoSuchCall(_)
        | CallError::Unreadable { .. } => Exit::Unfinished,
    }
}
