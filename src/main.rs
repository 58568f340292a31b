//! Parse, run, exit.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use openim_importer::cli::Cli;
use openim_importer::commands::{self, Exit, Failure};

fn main() -> ExitCode {
    match commands::run(&Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(failure) => fail(&failure),
    }
}

#[expect(clippy::print_stderr, reason = "the last word of the process")]
fn fail(failure: &Failure) -> ExitCode {
    // A reader that has seen enough (`… | head`) is no failure.
    if failure.error.chain().any(is_broken_pipe) {
        return Exit::Done.into();
    }
    eprintln!("openim-import: {:#}", failure.error);
    failure.exit.into()
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
