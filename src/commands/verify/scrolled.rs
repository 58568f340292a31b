//! `verify --client`: whether users can scroll, in figures and words.

use std::io::{BufWriter, Write as _};

use serde::{Deserialize, Serialize};

use super::super::context::{Context, Counting};
use super::super::prepare::job_failure;
use super::super::{Exit, Failure, OrFail, afterwards};
use super::verdict::SHOWN;
use crate::after::{self, AfterError, Scrolled};
use crate::job::{Job, JobReader, UNSCROLLABLE};
use crate::message::ConversationId;
use crate::openim::Client;
use crate::report::{Unit, count, plural};
use crate::shown::Judgement;

/// What the judge said of all conversations.
#[derive(Debug, Default)]
pub(in super::super) struct Scrollable {
    /// Conversations that were looked at.
    pub(super) judged: u64,
    /// Those of them that can't be scrolled to the start.
    pub(super) broken: Vec<ConversationId>,
    /// Of how many it is not known.
    pub(super) unknown: u64,
    /// Of those that can, for how many that depends on who reads first a day later.
    fading: u64,
    /// Empty slots that were given another date.
    redated: u64,
    /// The first that can't, and why, as lines.
    shown: Vec<String>,
}

/// A conversation of which there is something to say: a line of the job's `not-scrollable.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Noted {
    pub(in super::super) conversation: String,
    pub(in super::super) verdict: Seen,
    /// By which law, and one user who shows it.
    pub(in super::super) reason: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in super::super) mend: Option<String>,
}

/// What was seen of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum Seen {
    /// It can't be scrolled to its start.
    Broken,
    /// It can today, and perhaps not when its empty slots are dated anew.
    Fades,
    /// Nobody knows.
    Unknown,
}

impl Seen {
    pub(in super::super) fn in_words(self) -> &'static str {
        match self {
            Self::Broken => "no",
            Self::Fades => "today",
            Self::Unknown => "unknown",
        }
    }
}

impl Scrollable {
    /// Counts it; what there is to say of it, if anything.
    fn add(&mut self, one: Scrolled) -> Option<Noted> {
        self.judged += 1;
        self.redated += one.redated;
        let (verdict, reason, mend) = match &one.seen {
            Ok(Judgement::Sound | Judgement::Harmless(_)) => return None,
            Ok(judgement @ Judgement::Fades(..)) => {
                self.fading += 1;
                (Seen::Fades, judgement.to_string(), None)
            }
            Ok(judgement @ Judgement::Broken(..)) => {
                self.broken.push(ConversationId(one.name.clone()));
                (Seen::Broken, judgement.to_string(), after::mend(judgement, one.ours))
            }
            Err(unknown) => {
                self.unknown += 1;
                (Seen::Unknown, format!("nobody knows whether it can be scrolled: {unknown}"), None)
            }
        };
        if self.shown.len() < SHOWN {
            let mend = mend.map(|mend| format!("; {mend}")).unwrap_or_default();
            self.shown.push(format!("{}: {reason}{mend}", one.name));
        }
        Some(Noted { conversation: one.name, verdict, reason, mend: mend.map(str::to_owned) })
    }

    /// How a run ends that would have ended with `exit`, were it not for what users see.
    pub(in super::super) fn exit(&self, exit: Exit) -> Exit {
        match exit {
            _ if !self.broken.is_empty() => Exit::Difference,
            Exit::Done if self.unknown > 0 => Exit::Unfinished,
            exit => exit,
        }
    }

    /// How many can't be scrolled to the start.
    pub(super) fn not(&self) -> u64 {
        self.broken.len() as u64
    }

    /// Adds what was seen in another shard.
    pub(super) fn merge(&mut self, other: Self) {
        self.judged += other.judged;
        self.broken.extend(other.broken);
        self.unknown += other.unknown;
        self.fading += other.fading;
        self.redated += other.redated;
        self.shown.extend(other.shown);
    }

    /// Conversations that can be scrolled to the start.
    pub(super) fn can(&self) -> u64 {
        self.judged - self.not() - self.unknown
    }

    /// The conversations that can't be scrolled, each with its reason.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.shown.clone();
        let more = (self.not() + self.fading + self.unknown).saturating_sub(self.shown.len() as u64);
        if more > 0 {
            let more = plural(more, "more conversation", "more conversations");
            lines.push(format!("… and {more}: {UNSCROLLABLE} in the job's folder names them all"));
        }
        lines
    }

    pub(in super::super) fn show(&self, context: &Context) -> Result<(), Failure> {
        let lines = self.lines();
        if lines.is_empty() { Ok(()) } else { context.say(&lines.join("\n")) }
    }

    /// A sentence or two.
    pub(in super::super) fn in_words(&self) -> String {
        let (can, all) = (count(self.can()), plural(self.judged, "conversation", "conversations"));
        let mut said = vec![format!("{can} of {all} can be scrolled to the start.")];
        if self.unknown > 0 {
            said.push(format!("Of {} it is not known: they could not be read whole.", count(self.unknown)));
        }
        if self.redated > 0 {
            said.push(format!("{} dated anew.", plural(self.redated, "empty slot was", "empty slots were")));
        }
        if self.fading > 0 {
            said.push(format!(
                "In {} of them that can change a day after an import, when the server dates empty slots anew: verify then.",
                count(self.fading)
            ));
        }
        said.join(" ")
    }
}

/// Reads and judges all conversations of the job; those that can't be scrolled are named in a file of its folder.
pub(in super::super) async fn scrolled(
    context: &Context,
    job: &Job,
    reader: &JobReader,
    client: &Client,
    settings: after::Settings,
    mends: bool,
) -> Result<Scrollable, Failure> {
    let mut file = BufWriter::new(job.new_file(UNSCROLLABLE).map_err(job_failure)?);
    let mut all = Scrollable::default();
    let total = reader.totals().map_err(job_failure)?.conversations;
    let drawn = Counting::start(context, "scroll", Unit::Conversations, total);
    let judged = after::scroll(client.clone(), reader, &settings, mends, |one| {
        drawn.add(1);
        let Some(noted) = all.add(one) else { return Ok(()) };
        serde_json::to_writer(&mut file, &noted).map_err(|error| AfterError::Io(error.into()))?;
        file.write_all(b"\n").map_err(AfterError::Io)
    })
    .await;
    drawn.finish();
    judged.map_err(afterwards::failure)?;
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).or_fail(Exit::Internal)?;
    file.keep().or_fail(Exit::Internal)?;
    Ok(all)
}

/// What the last `verify --client` had to say of conversations, the first `most` of them.
pub(in super::super) fn noted(reader: &JobReader, most: usize) -> Vec<Noted> {
    let text = fs_err::read_to_string(reader.dir().join(UNSCROLLABLE)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).take(most).collect()
}
