//! How a command ends: the documented exit codes, and failures that know theirs.

use std::fmt;
use std::process::ExitCode;

/// The exit codes, a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done and verified, also "nothing to do".
    Done = 0,
    /// A defect of ours, or of the machine.
    Internal = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Done, with rejects.
    Rejects = 3,
    /// `check` found errors, nothing was sent.
    Check = 4,
    /// Unfinished: the same command goes on, or the verdict names the one that does.
    Unfinished = 5,
    /// Preflight refused.
    Preflight = 6,
    /// Login.
    Login = 7,
    /// Verification found a difference.
    Difference = 8,
}

impl Exit {
    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that could not do its work: what to say, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What to say.
    pub error: anyhow::Error,
}

impl Failure {
    /// A failure with a text of its own.
    pub fn new(exit: Exit, text: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self { exit, error: anyhow::Error::msg(text) }
    }

    /// What to say, with what stands behind it, each once: many errors have their cause in their own words.
    pub fn in_words(&self) -> String {
        let mut words = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if words.is_empty() {
                words = cause;
            } else if !words.contains(&cause) {
                words = format!("{words}: {cause}");
            }
        }
        words
    }
}

/// What nobody foresaw is internal.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Internal, error }
    }
}

/// Says with which exit code an error ends the command.
pub trait OrFail<T> {
    /// The error ends the command with this code.
    fn or_fail(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure { exit, error: error.into() })
    }
}
