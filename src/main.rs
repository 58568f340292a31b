//! Parse, run, exit.

use std::process::ExitCode;

use clap::Parser;
use openim_importer::cli::Cli;
use openim_importer::commands::{Exit, Failure};
use openim_importer::report::terminal;

fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(usage) => Ok(say_usage(&usage)),
    };
    let exit = ended.unwrap_or_else(|failure| fail(&failure));
    match terminal::all_said() {
        Ok(()) => exit.into(),
        Err(unsaid) => {
            terminal::tell(&format!("openim-import: {unsaid}"));
            // Whatever else a command found is more than that.
            if exit == Exit::Done { Exit::Internal.into() } else { exit.into() }
        }
    }
}

/// Help and version are what was asked for; anything else is a mistake, and may quote what was typed.
fn say_usage(usage: &clap::Error) -> Exit {
    if usage.use_stderr() {
        terminal::tell(&usage.render().to_string());
        return Exit::Usage;
    }
    terminal::remember(usage.print());
    Exit::Done
}

fn fail(failure: &Failure) -> Exit {
    // A reader that has seen enough (`… | head`) is no failure.
    if failure.error.chain().any(terminal::is_reader_gone) {
        return Exit::Done;
    }
    terminal::tell(&format!("openim-import: {}", failure.in_words()));
    failure.exit
}
