//! Everything that a report says, as data: `report --json` prints it, text and HTML are made of it.
//!
//! What isn't known is `null` here and "not known" there; no number stands for another.

use serde::{Deserialize, Serialize};

/// A job, told from its beginning to now. Times are ms since 1970, lists have the most important first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Folder of the job.
    pub job: String,
    /// When this was written.
    pub written: i64,
    /// What the records of the export became.
    pub records: Records,
    /// In the export against on the server, kind by kind; the first one is all messages.
    pub kinds: Vec<Kind>,
    /// Messages by the day on which they were written (UTC).
    pub days: Vec<Kind>,
    /// The longest conversations.
    pub longest: Vec<Kind>,
    /// What was left out, changed or refused.
    pub set_aside: Vec<SetAside>,
    /// The runs of the job.
    pub runs: Vec<Run>,
    /// What was changed while runs were under way, the first change first.
    pub changes: Vec<Changed>,
    /// What was done to the server besides sending.
    pub deeds: Vec<Done>,
    /// How it was proved.
    pub proof: Proof,
    /// What was read.
    pub sources: Vec<Source>,
    /// By which the last run went, as name and value.
    pub settings: Vec<(String, String)>,
    /// Of this program.
    pub version: String,
    /// The release of the server that the messages were prepared for.
    pub release: Option<String>,
}

/// What the records of the export became: the first is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Records {
    /// Messages and records that were read, in all passes.
    pub read: u64,
    /// Messages that were prepared to be sent.
    pub prepared: u64,
    /// Left out on purpose.
    pub left_out: u64,
    /// Stand in the sources more than once; each is sent once.
    pub duplicates: u64,
    /// Known from an earlier pass.
    pub known: u64,
    /// Can't be sent as they are.
    pub invalid: u64,
}

/// One kind of thing, before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// `messages`, `pictures`, `2024-05-01`, `sg_team` …
    pub name: String,
    /// In the export.
    pub before: u64,
    /// Confirmed on the server; `None`: not known.
    pub after: Option<u64>,
}

/// Something that is not as it was in the export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// What happened to it.
    pub fate: Fate,
    /// A stable name.
    pub code: String,
    /// How many.
    pub count: u64,
    /// What it means.
    pub means: String,
    /// How to mend it; empty where there is nothing to mend.
    pub mend: String,
    /// Where the first is; empty if it is about no place.
    pub first: String,
}

/// What happened to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The server refused it.
    Refused,
    /// It can't be sent.
    Invalid,
    /// Left out on purpose.
    LeftOut,
    /// It was sent otherwise than it stands in the export.
    Changed,
    /// It was sent as it is, and is worth knowing.
    Noticed,
}

/// A run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Run {
    /// Its number.
    pub no: u32,
    /// When it began.
    pub began: i64,
    /// When it ended; `None`: it was killed, or runs.
    pub ended: Option<i64>,
    /// How it ended, a word or two; `None` as above.
    pub how: Option<String>,
    /// The server's address, without anything secret.
    pub server: String,
    /// What it counted; all of it `None` where it was killed.
    pub confirmed: Option<u64>,
    /// Seconds.
    pub seconds: Option<f64>,
    /// What limited the pace, by the share of the time.
    pub limited_by: Option<String>,
    /// Acknowledged, lost by the server and sent again.
    pub lost: Option<u64>,
    /// Calls made again.
    pub retries: Option<u64>,
    /// How often the server limited the rate, could not be reached, did not answer.
    pub limited: Option<u64>,
    /// As above.
    pub unreachable: Option<u64>,
    /// As above.
    pub unanswered: Option<u64>,
    /// Messages of others seen between ours.
    pub foreign: Option<u64>,
    /// Whether there were signs of a crash of the server.
    pub crash: Option<bool>,
    /// The course of it.
    pub course: Option<Course>,
}

/// A setting of a run was changed while it was under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// When; `None`: what stands in the job's list is no time.
    pub at: Option<i64>,
    /// `operator`, `file`, `timetable`, `deadline`.
    pub by: String,
    /// What was asked for: `rate 200/s`.
    pub what: String,
    /// What held from then on, all causes together.
    pub holds: String,
}

/// How a run went over its time, in slices of equal length.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Length of a slice, seconds.
    pub every: u64,
    /// Messages confirmed in each.
    pub confirmed: Vec<u64>,
    /// How long messages waited for their numbers in each at worst, ms.
    pub lag_ms: Vec<u64>,
}

/// Something that was done to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// When; `None`: not known.
    pub at: Option<i64>,
    /// By which command.
    pub command: String,
    /// What came of it.
    pub said: String,
}

/// How it was proved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Confirmed messages.
    pub confirmed: u64,
    /// Of these, shown to nobody who takes part.
    pub unread: u64,
    /// Of these, behind messages that were written later.
    pub late: u64,
    /// The last `verify`.
    pub verified: Option<Verified>,
    /// SHA-256 over the bodies of all confirmed messages, conversation by conversation in the order of sending; `None`: not
    /// known.
    pub sent_sha256: Option<String>,
    /// SHA-256 of what `receipts` writes: which message stands where, under which names; `None`: not known.
    pub receipts_sha256: Option<String>,
}

/// How a verification ended; kept in the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// ms since 1970.
    pub at: i64,
    /// Its verdict.
    pub verdict: String,
    /// Whether something was found that must not be.
    #[serde(default)]
    pub failed: bool,
}

/// A source that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// As it was given.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Of all its bytes.
    pub sha256: String,
    /// By which pass.
    pub pass: u32,
}
