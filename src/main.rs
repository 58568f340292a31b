//! Parse, run, exit.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use openim_importer::cli::Cli;
use openim_importer::commands::{Exit, Failure};
use openim_importer::report::terminal;

fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(usage) => return say_usage(&usage),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => fail(&failure),
    }
}

/// Help and version are what was asked for; anything else is a mistake, and may quote what was typed.
fn say_usage(usage: &clap::Error) -> ExitCode {
    if usage.use_stderr() {
        terminal::tell(&usage.render().to_string());
        return Exit::Usage.into();
    }
    match usage.print() {
        Err(error) if !is_broken_pipe(&error) => Exit::Internal.into(),
        _ => Exit::Done.into(),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    // A reader that has seen enough (`… | head`) is no failure.
    if failure.error.chain().any(is_broken_pipe) {
        return Exit::Done.into();
    }
    terminal::tell(&format!("openim-import: {:#}", failure.error));
    failure.exit.into()
}

/// Also within an error of the system that only wraps it: `io::Error` hides what it wraps from `source`.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        error.kind() == io::ErrorKind::BrokenPipe
            || error.get_ref().is_some_and(|inner| is_broken_pipe(inner))
    })
}
