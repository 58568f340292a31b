//! The client of the server that was named, and how a command ends that it gave no answer to.

use super::context::Context;
use super::{Exit, Failure, OrFail};
use crate::cli::ServerArgs;
use crate::config::{self, ServerError};
use crate::openim::{self, CallError, Client};

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
