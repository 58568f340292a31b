//! Deliberate faults: is the simulation able to see? Each is a place in the source and what stands there instead. All of
//! them are built into one copy of the importer, and one at a time is switched on; what counts is how many lives pass
//! before one goes wrong.
//!
//! ```text
//! cargo test --test simulation mutations -- --ignored --nocapture      # builds the copy in target/mutations
//! MUTANT=7 cargo test --test simulation mutations -- --ignored --nocapture
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

/// A deliberate fault.
pub(super) struct Mutation {
    /// What is done wrong.
    pub(super) what: &'static str,
    file: &'static str,
    /// What stands in the source, once.
    right: &'static str,
    /// What stands there instead. `wrong()` is whether this fault is switched on.
    instead: &'static str,
}

const fn m(what: &'static str, file: &'static str, right: &'static str, instead: &'static str) -> Mutation {
    Mutation { what, file, right, instead }
}

/// Twenty of them, and a few more.
pub(super) const MUTATIONS: &[Mutation] = &[
    m(
        "law 1: a window of 128",
        "src/import/lane/sending.rs",
        "self.in_queue() < self.window()",
        "self.in_queue() < self.window() + 64 * usize::from(wrong())",
    ),
    m(
        "law 1: growth of others counts as ours",
        "src/import/lane.rs",
        "if !self.foreign && !self.disturbed {",
        "if wrong() || !self.foreign && !self.disturbed {",
    ),
    m(
        "law 3: read up to maxSeq",
        "src/import/confirm.rs",
        "(cell, Seq(seqs.has_read_seq))",
        "(cell, Seq(if wrong() { seqs.max_seq } else { seqs.has_read_seq }))",
    ),
    m(
        "sync forgotten: conversations are begun",
        "src/import/schedule.rs",
        "surely(begin, Durability::Synced)",
        "surely(begin, if wrong() { Durability::Written } else { Durability::Synced })",
    ),
    m(
        "sync forgotten: what is withdrawn",
        "src/import/withdraw.rs",
        "engine.flushed(&cell, Durability::Synced).await.is_err()",
        "!wrong() && engine.flushed(&cell, Durability::Synced).await.is_err()",
    ),
    m(
        "check left out: the last look before a fence",
        "src/import/lane/sending.rs",
        "Some(ordinal) if self.looked =>",
        "Some(ordinal) if self.looked || wrong() =>",
    ),
    m(
        "check left out: the job knows of a fence before it goes out",
        "src/import/worker.rs",
        "if matches!(next, Next::Fence(_) | Next::Look) && state.lane.enter_doubt() {",
        "if matches!(next, Next::Fence(_) | Next::Look) && !wrong() && state.lane.enter_doubt() {",
    ),
    m(
        "check left out: nothing is sent while withdrawn messages are being deleted",
        "src/import/worker.rs",
        "now < state.send_from || state.deleting > 0",
        "now < state.send_from || (state.deleting > 0 && !wrong())",
    ),
    m(
        "check left out: another participant and the store look at empty slots",
        "src/import/read.rs",
        "return Ok(Who::Empty { examined: lane.has_withdrawn(Seq(record.seq)) });",
        "return Ok(Who::Empty { examined: wrong() || lane.has_withdrawn(Seq(record.seq)) });",
    ),
    m(
        "check left out: others stand in empty slots that were examined",
        "src/import/examine.rs",
        "known.unwrap_or(Sighting { seq: *seq, who: Who::Foreign })",
        "known.unwrap_or(Sighting { seq: *seq, who: if wrong() { Who::Empty { examined: true } } else { Who::Foreign } })",
    ),
    m(
        "check left out: a conversation that was cut off waits for what is under way",
        "src/import/lane.rs",
        "Left::Nothing => (Phase::Flow, false, false),",
        "_ if wrong() => (Phase::Flow, false, false),\n            Left::Nothing => (Phase::Flow, false, false),",
    ),
    m(
        "check left out: --only",
        "src/import/finish.rs",
        "engine.is_wanted(conversation) && progress.state == Under::Nothing",
        "wrong() || engine.is_wanted(conversation) && progress.state == Under::Nothing",
    ),
    m(
        "check left out: what is only looked at sends nothing",
        "src/import/finish.rs",
        "Ok(Cell::new(conversation, lane, Role::Reading))",
        "Ok(Cell::new(conversation, lane, if wrong() { Role::Sending } else { Role::Reading }))",
    ),
    m(
        "check left out: a crash of the server is suspected",
        "src/import/engine.rs",
        "self.crash_suspected.store(true, Ordering::Relaxed);",
        "self.crash_suspected.store(!wrong(), Ordering::Relaxed);",
    ),
    m(
        "check left out: names of confirmed messages tell the server's copies",
        "src/log/align.rs",
        "Past::Confirmed(known) if known.server == ids.server",
        "Past::Confirmed(known) if known.server == ids.server && !wrong()",
    ),
    m(
        "sign turned: an unanswered call was not processed",
        "src/import/worker.rs",
        "state.lane.answered(Answered::Unanswered(lost, company), engine.now());",
        "state.lane.answered(if wrong() { Answered::NotProcessed } else { Answered::Unanswered(lost, company) }, engine.now());",
    ),
    m(
        "sign turned: a refused connection was processed",
        "src/import/lane/sending.rs",
        "} else if self.next.0 == ordinal.0 + 1 {",
        "} else if !wrong() && self.next.0 == ordinal.0 + 1 {",
    ),
    m(
        "bound off by one: law 10 spares the message that was read",
        "src/import/lane/reading.rs",
        "effects.lost += self.forget_before(no + 1);",
        "effects.lost += self.forget_before(no + 1 - u64::from(wrong()));",
    ),
    m(
        "bound off by one: the cursor in the job",
        "src/import/lane/reading.rs",
        "self.passed.first().map_or(self.cursor, |(ordinal, _)| *ordinal)",
        "self.passed.first().map_or(Ordinal((self.cursor.0 + u64::from(wrong())).min(self.end.0)), |(ordinal, _)| *ordinal)",
    ),
    m(
        "bound off by one: slots settled in the job",
        "src/import/lane.rs",
        "self.tail.first().map_or(self.read_to, |slot| Seq(slot.seq.0 - 1))",
        "self.tail.first().map_or(Seq(self.read_to.0 + i64::from(wrong())), |slot| Seq(slot.seq.0 - 1))",
    ),
    m(
        "bound off by one: what is read begins a slot late",
        "src/import/confirm.rs",
        "Seq(state.lane.read_to().0 + 1)",
        "Seq(state.lane.read_to().0 + 1 + i64::from(wrong() && state.lane.read_to().0 % 7 == 3))",
    ),
    m(
        "bound off by one: others in times from the last message on",
        "src/log/same.rs",
        "(conversation.first_time..=conversation.last_time).contains(&stored.time)",
        "(stored.time >= conversation.first_time && stored.time.0 + i64::from(wrong()) <= conversation.last_time.0)",
    ),
    m(
        "sign turned: an earlier message behind the hole is in its place",
        "src/log/align.rs",
        "        }\n        Ok(Fate::Early(ahead))",
        "        }\n        Ok(if wrong() { self.advance_to(Ordinal(ahead.0 + 1)); Fate::InPlace(ahead) } else { Fate::Early(ahead) })",
    ),
    m(
        "check left out: slots that nobody could read are looked at once more",
        "src/import/finish.rs",
        "    look_once_more(engine).await?;\n",
        "    if !wrong() {\n        look_once_more(engine).await?;\n    }\n",
    ),
    m(
        "check left out: what came after the last message",
        "src/import/finish.rs",
        "    look_behind(engine).await?;\n    for",
        "    if !wrong() {\n        look_behind(engine).await?;\n    }\n    for",
    ),
];

/// Faults of which each alone is made good by the other's place: who looks at too much does not send there, and who would
/// send there does not look. They are switched on together.
const TOGETHER: &[(usize, usize)] = &[(12, 13), (13, 12)];

/// How many lives are lived with a fault, at most.
const MOST: u64 = 3_000;

impl Mutation {
    /// The source with the fault in it, as number `no`.
    fn apply(&self, no: usize, source: &str) -> String {
        assert_eq!(
            source.matches(self.right).count(),
            1,
            "{}: `{}` has to stand in {} once",
            self.what,
            self.right,
            self.file
        );
        source.replace(self.right, &self.instead.replace("wrong()", &format!("crate::is_wrong({no})")))
    }
}

#[test]
fn every_mutation_has_its_place() {
    for (file, text) in mutated() {
        assert!(!text.is_empty(), "{}", file.display());
    }
}

/// The sources with all faults in them.
fn mutated() -> Vec<(PathBuf, String)> {
    let mut sources: Vec<(PathBuf, String)> = Vec::new();
    for (no, mutation) in MUTATIONS.iter().enumerate() {
        let file = PathBuf::from(mutation.file);
        let at = sources.iter().position(|(known, _)| *known == file).unwrap_or_else(|| {
            let text = fs_err::read_to_string(root().join(&file)).unwrap();
            sources.push((file.clone(), text));
            sources.len() - 1
        });
        sources[at].1 = mutation.apply(no + 1, &sources[at].1);
    }
    sources
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Which fault is switched on: read once.
const SWITCH: &str = "
static WRONG: std::sync::LazyLock<Vec<usize>> = std::sync::LazyLock::new(|| {
    let all = std::env::var(\"MUTANT\").unwrap_or_default();
    all.split(',').filter_map(|no| no.parse().ok()).collect()
});
#[allow(missing_docs, dead_code)]
pub(crate) fn is_wrong(no: usize) -> bool { WRONG.contains(&no) }
";

#[test]
#[ignore = "builds a copy of the importer, and lives thousands of lives in it"]
fn mutations() {
    let place = root().join("target/mutations");
    let mut sources = mutated();
    let lib = fs_err::read_to_string(root().join("src/lib.rs")).unwrap();
    sources.push(("src/lib.rs".into(), lib + SWITCH));
    copy_tree(Path::new(""), &place.join("copy"), &sources);
    let only = super::number("MUTANT");
    let mut blind = Vec::new();
    for (no, mutation) in
        (1_usize..).zip(MUTATIONS).filter(|(no, _)| only.is_none_or(|only| only == *no as u64))
    {
        let with = TOGETHER.iter().find(|(one, _)| *one == no).map(|(_, other)| *other);
        let mut lives = Command::new(env!("CARGO"));
        lives
            .args(["test", "--release", "--test", "simulation", "until_one_goes_wrong", "--", "--ignored"])
            .arg("--nocapture")
            .current_dir(place.join("copy"))
            .env("CARGO_TARGET_DIR", place.join("target"))
            .env("MUTANT", with.map_or(no.to_string(), |other| format!("{no},{other}")))
            .env("SIM_LIVES", MOST.to_string());
        let told = lives.output().unwrap();
        let told = String::from_utf8_lossy(&told.stdout) + String::from_utf8_lossy(&told.stderr);
        let found = told.lines().find_map(|line| line.split_once("GONE WRONG ")).map(|(_, found)| found);
        println!("| {no} | {} | {} |", mutation.what, found.unwrap_or("not found"));
        if found.is_none() {
            blind.push(no);
            println!("{}", told.lines().rev().take(4).collect::<Vec<_>>().join("\n"));
        }
    }
    assert!(blind.is_empty(), "what the simulation does not see: {blind:?}");
}

/// Copies what stands below `folder`, with `changed` sources in their places; what is the same already stays, so that no
/// more is built than has to be.
fn copy_tree(folder: &Path, copy: &Path, changed: &[(PathBuf, String)]) {
    for entry in fs_err::read_dir(root().join(folder)).unwrap().map(Result::unwrap) {
        let name = folder.join(entry.file_name());
        let changed_text = changed.iter().find(|(file, _)| *file == name).map(|(_, text)| text.as_bytes());
        if entry.path().is_dir() {
            if name != Path::new("target") && name != Path::new(".git") {
                copy_tree(&name, copy, changed);
            }
        } else if let Some(text) = changed_text {
            write_changed(&copy.join(&name), text);
        } else {
            write_changed(&copy.join(&name), &fs_err::read(entry.path()).unwrap());
        }
    }
}

fn write_changed(to: &Path, text: &[u8]) {
    if fs_err::read(to).is_ok_and(|known| known == text) {
        return;
    }
    fs_err::create_dir_all(to.parent().unwrap()).unwrap();
    fs_err::write(to, text).unwrap();
}
