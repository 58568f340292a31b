//! The one object that `--json` prints: its names are a promise.

use serde::Serialize;

/// Counts of a job over all its passes, and the verdict; `check` counts the pass it made. Fields of design
/// section 4, in its order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// `check`, `run`, `verify` …
    pub command: &'static str,
    /// One sentence.
    pub verdict: String,
    /// Messages in the job.
    pub messages: u64,
    /// Conversations in the job.
    pub conversations: u64,
    /// Read back from the server's log, id for id.
    pub confirmed: u64,
    /// Seen in the store itself (law 8); `null` until checked.
    pub stored: Option<u64>,
    /// Records that the job had already when a later pass brought them again.
    pub already_there: u64,
    /// Can never be sent as they are.
    pub rejected: u64,
    /// Records left out on purpose.
    pub skipped: u64,
    /// Records that the source holds more than once.
    pub duplicates_in_source: u64,
    /// Acknowledged, lost by the server, and sent again.
    pub lost_and_resent: u64,
    /// Second copies in the log that are still there.
    pub doubled: u64,
    /// Empty slots where ours must be.
    pub hidden: u64,
    /// Stored after a message they should precede.
    pub out_of_place: u64,
    /// Belonging before what an earlier pass had sent.
    pub older: u64,
    /// Calls repeated.
    pub retries: u64,
    /// Duration of this command.
    pub seconds: f64,
    /// Messages confirmed a second.
    pub per_second: f64,
    /// What limited the pace, by the share of the time: `lag 93 %, connections 7 %`; empty where nothing was sent.
    pub limited_by: String,
    /// The process's exit code.
    pub exit_code: u8,
}

impl Summary {
    /// Adds the counts of another job.
    pub fn add(&mut self, other: &Self) {
        let counts = [
            (&mut self.messages, other.messages),
            (&mut self.conversations, other.conversations),
            (&mut self.confirmed, other.confirmed),
            (&mut self.already_there, other.already_there),
            (&mut self.rejected, other.rejected),
            (&mut self.skipped, other.skipped),
            (&mut self.duplicates_in_source, other.duplicates_in_source),
            (&mut self.lost_and_resent, other.lost_and_resent),
            (&mut self.doubled, other.doubled),
            (&mut self.hidden, other.hidden),
            (&mut self.out_of_place, other.out_of_place),
            (&mut self.older, other.older),
            (&mut self.retries, other.retries),
        ];
        for (mine, theirs) in counts {
            *mine += theirs;
        }
    }
}

/// How good a verdict is, for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is proved.
    Good,
    /// Something is left to do.
    Open,
    /// Something is wrong.
    Bad,
}
