//! What the steps behind the reading write to: figures, findings, rejects.

use super::findings::{Findings, about};
use super::summary::Summary;
use crate::finding::{Code, Finding, Severity};
use crate::job::{JobError, Lines, Shard, Spool, Spooled};

/// Figures, findings and rejects of a pass, and the spool to look up what they are about.
pub(super) struct Ledger<'a> {
    pub(super) spool: Spool,
    pub(super) lines: &'a mut Lines,
    pub(super) findings: &'a mut Findings,
    pub(super) summary: &'a mut Summary,
    pub(super) shard: Shard,
}

impl Ledger<'_> {
    /// A finding about a message in the spool.
    pub(super) fn say(
        &mut self,
        code: &'static Code,
        message: &Spooled,
        value: &str,
    ) -> Result<(), JobError> {
        self.findings.add(self.lines, &about(code, message, value))
    }

    /// A finding about no conversation: every shard makes it, and one has it in its figures.
    pub(super) fn note(&mut self, finding: &Finding) -> Result<(), JobError> {
        if !self.shard.is_first() {
            self.summary.elsewhere += u64::from(finding.code.severity == Severity::Error);
            return Ok(());
        }
        self.findings.add(self.lines, finding)
    }

    /// A message in the spool that can't be sent after all.
    pub(super) fn reject(
        &mut self,
        code: &'static Code,
        message: &Spooled,
        value: &str,
    ) -> Result<(), JobError> {
        self.summary.rejected += 1;
        self.findings.reject(self.lines, message, code, value)
    }

    /// `posts.csv:17`.
    pub(super) fn place(&mut self, message: &Spooled) -> String {
        self.findings.names().place(message.place)
    }
}
