//! The table of what was tried, and what came of it.

use std::fmt::Write;

use super::run::{Outcome, Scenario};

/// Rows, one for each scenario over all its runs.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Row>);

#[derive(Debug, Default)]
struct Row {
    name: String,
    release: &'static str,
    runs: u64,
    blows: u64,
    messages: usize,
    lost: usize,
    doubled: usize,
    out_of_order: usize,
    hidden: usize,
    live_lost: u64,
    again_though_stored: u64,
    again_though_queued: u64,
    deleted: u64,
    inexact: u64,
}

impl Table {
    /// Plays it and adds it to its row.
    pub(super) fn play(&mut self, scenario: &Scenario) -> Outcome {
        let outcome = scenario.play();
        let at = self.0.iter().position(|row| row.name == scenario.name && row.release == scenario.release);
        let at = at.unwrap_or_else(|| {
            let (name, release) = (scenario.name.clone(), scenario.release);
            self.0.push(Row { name, release, ..Row::default() });
            self.0.len() - 1
        });
        let row = &mut self.0[at];
        let judged = &outcome.judgement;
        row.runs += 1;
        row.blows += u64::from(outcome.blows);
        row.messages += judged.messages;
        row.lost += judged.lost;
        row.doubled += judged.doubled;
        row.out_of_order += judged.out_of_order;
        row.hidden += judged.hidden;
        row.live_lost += outcome.live_lost;
        row.again_though_stored += outcome.again_though_stored;
        row.again_though_queued += outcome.again_though_queued;
        row.deleted += outcome.deleted;
        row.inexact += u64::from(!outcome.is_exact());
        outcome
    }

    /// The same, if its name is wanted.
    pub(super) fn play_if(&mut self, is_wanted: impl Fn(&str) -> bool, scenario: &Scenario) {
        if is_wanted(&scenario.name) {
            self.play(scenario);
        }
    }

    /// Runs that were not exact.
    pub(super) fn inexact(&self) -> u64 {
        self.0.iter().map(|row| row.inexact).sum()
    }

    /// As Markdown.
    pub(super) fn text(&self) -> String {
        let mut text = "| fault | release | runs | kills, strikes | messages | lost | doubled | out of order | hidden | live messages lost | sent again although stored | sent again while queued | deleted to restore order |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n".to_owned();
        for row in &self.0 {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.name,
                row.release,
                row.runs,
                row.blows,
                row.messages,
                row.lost,
                row.doubled,
                row.out_of_order,
                row.hidden,
                row.live_lost,
                row.again_though_stored,
                row.again_though_queued,
                row.deleted
            )
            .unwrap();
        }
        text
    }
}
