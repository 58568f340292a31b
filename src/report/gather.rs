//! From a job to the facts of its report. Nothing here asks a server: what the job does not know stays unknown.

use serde_json::Value;

use super::facts::{
    Changed, Course, Done, Facts, Fate, Kind, Proof, Records, Run, SetAside, Source, Verified,
};
use super::logins::can_log_in;
use super::numbers::{count, plural};
use crate::finding::Severity;
use crate::job::{JobError, JobReader, Logins, Pair, Sums};
use crate::message::ContentType;
use crate::prepare::Summary;

/// What other rooms know.
pub struct Known<'a> {
    /// When the report is written, ms since 1970.
    pub now: i64,
    /// The job, added up.
    pub sums: Sums,
    /// The last `verify`.
    pub verified: Option<Verified>,
    /// SHA-256 of what `receipts` writes.
    pub receipts: Option<[u8; 32]>,
    /// What a reason for a refusal means and how to mend it.
    pub reason: &'a dyn Fn(&str) -> (&'static str, &'static str),
}

/// Gathers them.
///
/// # Errors
/// A job that can't be read.
pub fn gather(reader: &JobReader, known: Known<'_>) -> Result<Facts, JobError> {
    let passes = passes(reader)?;
    let sums = known.sums;
    let files = files(reader, &passes)?;
    let runs = runs(reader)?;
    let evidence = reader.evidence()?;
    Ok(Facts {
        job: reader.dir().display().to_string(),
        written: known.now,
        records: records(&passes, sums.messages.held),
        kinds: kinds(&sums, files.as_ref()),
        days: sums.by_day.iter().map(|(day, pair)| kind(day_name(*day), *pair)).collect(),
        longest: longest(reader, &sums)?,
        set_aside: set_aside(reader, &passes, known.reason)?,
        changes: changes(reader)?,
        deeds: deeds(reader, files.as_ref())?,
        proof: Proof {
            confirmed: sums.messages.confirmed,
            unread: evidence.unread,
            late: evidence.late,
            verified: known.verified,
            sent_sha256: sums.sent.map(hex),
            receipts_sha256: known.receipts.map(hex),
        },
        sources: sources(reader)?,
        settings: settings(reader)?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        release: release(reader)?,
        runs,
    })
}

/// What came out of the passes, those that sent something once more excepted: they read nothing.
fn passes(reader: &JobReader) -> Result<Vec<Summary>, JobError> {
    let passes = reader.passes()?.into_iter().filter(|pass| pass.ready);
    Ok(passes.filter_map(|pass| Summary::from_json(&pass.summary).ok()).collect())
}

fn records(passes: &[Summary], prepared: u64) -> Records {
    let mut records = Records { prepared, ..Records::default() };
    for pass in passes {
        records.left_out += pass.left_out.values().sum::<u64>();
        records.duplicates += pass.duplicates_in_source;
        records.known += pass.known;
        records.invalid = pass.unsendable_after(records.invalid);
    }
    records.read = records.prepared + records.left_out + records.duplicates + records.known + records.invalid;
    records
}

fn kind(name: impl Into<String>, pair: Pair) -> Kind {
    Kind { name: name.into(), before: pair.held, after: Some(pair.confirmed) }
}

fn kinds(sums: &Sums, files: Option<&Kind>) -> Vec<Kind> {
    let mut kinds = vec![
        kind("messages", sums.messages),
        kind("messages between two people", sums.in_singles),
        kind("messages in groups", sums.in_groups),
    ];
    let mut types: Vec<_> = sums.by_type.iter().flatten().collect();
    types.sort_by_key(|(_, pair)| std::cmp::Reverse(pair.held));
    kinds.extend(types.into_iter().map(|(code, pair)| kind(type_name(*code), *pair)));
    kinds.push(kind("conversations between two people", sums.singles));
    kinds.push(kind("group conversations", sums.groups));
    kinds.extend(files.cloned());
    kinds.retain(|kind| kind.before > 0 || kind.name == "messages");
    kinds
}

/// A content type as people call it.
pub(super) fn type_name(code: i32) -> String {
    match ContentType::from_code(code) {
        Some(ContentType::Text) => "texts".to_owned(),
        Some(ContentType::Picture) => "pictures".to_owned(),
        Some(ContentType::Voice) => "voice messages".to_owned(),
        Some(ContentType::Video) => "videos".to_owned(),
        Some(ContentType::File) => "messages with a file".to_owned(),
        Some(ContentType::At) => "texts that mention somebody".to_owned(),
        Some(ContentType::Custom) => "custom messages".to_owned(),
        Some(ContentType::Quote) => "replies".to_owned(),
        Some(ContentType::Markdown) => "texts in Markdown".to_owned(),
        Some(ContentType::OaNotification) => "messages of notification accounts".to_owned(),
        None => format!("messages of type {code}"),
    }
}

fn day_name(day: i64) -> String {
    jiff::Timestamp::from_second(day.saturating_mul(86_400))
        .map_or_else(|_| format!("day {day}"), |time| time.strftime("%Y-%m-%d").to_string())
}

fn longest(reader: &JobReader, sums: &Sums) -> Result<Vec<Kind>, JobError> {
    let named = sums.longest.iter().map(|(conv, pair)| {
        let name = reader.conversation(*conv)?.map_or_else(String::new, |conversation| conversation.id().0);
        Ok(kind(name, *pair))
    });
    named.collect()
}

/// Files that messages show: how many there are, and how many can be opened on the server.
fn files(reader: &JobReader, passes: &[Summary]) -> Result<Option<Kind>, JobError> {
    let (files, there) = reader.media_counts()?;
    let name = "files that messages show".to_owned();
    if files == 0 {
        let to_upload = passes.iter().map(|pass| pass.to_upload).sum();
        return Ok((to_upload > 0).then_some(Kind { name, before: to_upload, after: None }));
    }
    Ok(Some(Kind { name, before: files, after: Some(there) }))
}

fn set_aside(
    reader: &JobReader,
    passes: &[Summary],
    reason: &dyn Fn(&str) -> (&'static str, &'static str),
) -> Result<Vec<SetAside>, JobError> {
    let mut all = Vec::new();
    let plain = |fate, code: &str, count, means: String| SetAside {
        fate,
        code: code.to_owned(),
        count,
        means,
        mend: String::new(),
        first: String::new(),
    };
    for (code, n) in reader.reject_counts()? {
        let (means, mend) = reason(&code);
        let mend = mend.to_owned();
        all.push(SetAside { mend, ..plain(Fate::Refused, &code, n, means.to_owned()) });
    }
    for pass in passes {
        for found in &pass.findings {
            let fate = match found.severity {
                Severity::Error => Fate::Invalid,
                Severity::Warning => Fate::Noticed,
            };
            all.push(SetAside {
                mend: found.mend.clone(),
                first: found.first_place.clone(),
                ..plain(fate, &found.code, found.count, found.means.clone())
            });
        }
        for (why, n) in &pass.left_out {
            all.push(plain(Fate::LeftOut, why, *n, "left out on purpose, as the settings say".to_owned()));
        }
        for (why, files) in &pass.unread {
            let means = format!("files that were not read: {}", files.means);
            let first = files.first.first().cloned().unwrap_or_default();
            all.push(SetAside { first, ..plain(Fate::LeftOut, &format!("file/{why}"), files.count, means) });
        }
        for (n, code, means) in [
            (
                pass.duplicates_in_source,
                "duplicate",
                "stand in the sources more than once, and were taken once",
            ),
            (pass.known, "known", "an earlier pass had them"),
        ] {
            all.push(plain(Fate::LeftOut, code, n, means.to_owned()));
        }
        let spread = format!(
            "were sent up to {} ms later than they were written, so that times rise and apps can scroll",
            count(pass.spread_most)
        );
        all.push(plain(Fate::Changed, "spread", pass.spread, spread));
        let behind =
            "stand behind what people had written already, with times after that; their own are in `ex`";
        all.push(plain(Fate::Changed, "behind", pass.behind, behind.to_owned()));
        for (why, n) in &pass.replies.as_text {
            let means = match why.as_str() {
                "release" => {
                    "replies that became text with the quoted words: this release takes no quotes".to_owned()
                }
                _ => "replies that became text with the quoted words".to_owned(),
            };
            all.push(plain(Fate::Changed, &format!("reply-as-text/{why}"), *n, means));
        }
    }
    all.retain(|one| one.count > 0);
    all.sort_by_key(|one| (one.fate, std::cmp::Reverse(one.count)));
    Ok(all)
}

fn runs(reader: &JobReader) -> Result<Vec<Run>, JobError> {
    let runs = reader.runs()?.into_iter().map(|run| {
        let counts: Value = serde_json::from_str(&run.counts).unwrap_or_default();
        let number = |name: &str| counts[name].as_u64();
        let wait = |name: &str| counts["waits"][name].as_u64();
        let adopted = counts["adopted"].is_object().then(|| "adopted".to_owned());
        Run {
            no: run.no,
            began: run.started,
            ended: run.ended,
            how: counts["ended"].as_str().map(str::to_owned).or(adopted),
            server: without_user(&run.api),
            confirmed: number("confirmed"),
            seconds: counts["seconds"].as_f64(),
            limited_by: counts["limited_by"].as_str().filter(|text| !text.is_empty()).map(str::to_owned),
            lost: number("lost_and_resent"),
            retries: number("retries"),
            limited: wait("limited"),
            unreachable: wait("unreachable"),
            unanswered: wait("unanswered"),
            foreign: number("foreign"),
            crash: counts["crash_seen"].as_bool().or(counts["crash_suspected"].as_bool()),
            course: serde_json::from_value::<Course>(counts["course"].clone()).ok(),
        }
    });
    Ok(runs.collect())
}

fn changes(reader: &JobReader) -> Result<Vec<Changed>, JobError> {
    let all = reader.changes(usize::MAX)?.into_iter().map(|change| Changed {
        at: change.time.parse().ok().map(jiff::Timestamp::as_millisecond),
        by: change.by,
        what: change.what,
        holds: change.holds,
    });
    Ok(all.collect())
}

/// An address without user and password.
fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

fn deeds(reader: &JobReader, files: Option<&Kind>) -> Result<Vec<Done>, JobError> {
    let mut all: Vec<Done> = reader
        .deeds()?
        .into_iter()
        .map(|deed| Done { at: Some(deed.at), command: deed.command, said: deed.said })
        .collect();
    let done = |command: &str, said: String| Done { at: None, command: command.to_owned(), said };
    if let Some(Kind { before, after: Some(after), .. }) = files {
        let said =
            format!("{} of {} can be opened on the server", count(*after), plural(*before, "file", "files"));
        let waiting = match reader.files_waiting()? {
            0 => String::new(),
            n => format!(
                "; {} when messages are sent that show {}",
                plural(n, "goes up", "go up"),
                if n == 1 { "it" } else { "them" }
            ),
        };
        let open = match reader.orphaned_uploads()? {
            0 => String::new(),
            n => format!(
                "; {} may lie open in its object storage",
                plural(n, "upload of a large file", "uploads of large files")
            ),
        };
        all.push(done("media", said + &waiting + &open));
    }
    if let Some(kinds) = Logins::counts(reader.dir()) {
        all.push(done("provision --accounts", can_log_in(&kinds)));
    }
    let (withdrawn, doubled) = reader.repair_counts()?;
    if withdrawn > 0 {
        let said = format!(
            "{} deleted, each is there once more",
            plural(withdrawn, "message that stood out of place was", "messages that stood out of place were")
        );
        all.push(done("run", said));
    }
    if doubled > 0 {
        let copies = plural(doubled, "copy that the server made stands", "copies that the server made stand");
        let said = format!("{copies} there besides");
        all.push(done("run", said));
    }
    let (conversations, undone) = reader.undone_in_all()?;
    if conversations > 0 {
        let said = format!(
            "{}: {} deleted, {} left because not as imported, {} could not be deleted",
            plural(conversations, "conversation", "conversations"),
            plural(undone.deleted, "message", "messages"),
            count(undone.kept),
            count(undone.failed)
        );
        all.push(done("undo", said));
    }
    Ok(all)
}

fn sources(reader: &JobReader) -> Result<Vec<Source>, JobError> {
    let mut all = Vec::new();
    for pass in reader.passes()? {
        for source in reader.sources(pass.no)? {
            let sha256 = hex(source.sha256);
            all.push(Source { path: source.path, bytes: source.bytes, sha256, pass: pass.no.0 });
        }
    }
    Ok(all)
}

/// Of the last run that says them.
fn settings(reader: &JobReader) -> Result<Vec<(String, String)>, JobError> {
    let runs = reader.runs()?.into_iter().rev();
    let said = runs.filter_map(|run| {
        let counts: Value = serde_json::from_str(&run.counts).ok()?;
        counts["settings"].as_object().cloned()
    });
    let settings = said.take(1).flatten().map(|(name, value)| {
        let value = match value {
            Value::String(text) => text,
            Value::Null => "none".to_owned(),
            other => other.to_string(),
        };
        (name, value)
    });
    Ok(settings.collect())
}

/// The first word of what shaped a pass.
fn release(reader: &JobReader) -> Result<Option<String>, JobError> {
    let passes = reader.passes()?;
    let first = passes.iter().filter_map(|pass| pass.settings.split(' ').next());
    Ok(first.filter(|word| matches!(*word, "3.8.3" | "main")).map(str::to_owned).next_back())
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(nibble.into(), 16));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_nothing_secret() {
        assert_eq!(without_user("https://a:b@im.example.com/api?key=1"), "https://im.example.com/api");
        assert_eq!(without_user("http://[::1]:10002"), "http://[::1]:10002");
        assert_eq!(without_user("http://im/a@b"), "http://im/a@b");
    }

    #[test]
    fn bytes_are_written_as_everybody_does() {
        let mut bytes = [0; 32];
        bytes[..3].copy_from_slice(&[0xde, 0xad, 0x01]);
        assert!(hex(bytes).starts_with("dead0100") && hex(bytes).len() == 64);
    }

    #[test]
    fn what_was_read_is_the_sum_of_what_became_of_it() {
        let pass =
            Summary { rejected: 3, unmapped: 2, known: 5, duplicates_in_source: 7, ..Summary::default() };
        let mended =
            Summary { mended: 4, left_out: [("notice".to_owned(), 11)].into(), ..Summary::default() };
        let records = records(&[pass, mended], 100);
        assert_eq!((records.invalid, records.left_out, records.read), (1, 11, 124));
    }
}
