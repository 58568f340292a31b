//! Passes as a whole, against a model that keeps everything in memory.

mod large;
mod model;
mod rules;
mod shards;
mod spread;
mod who;

use std::path::{Path, PathBuf};

use super::*;
use crate::export::{Reader, Settings};
use crate::job::{ConvNo, Entry, Job, JobReader, Spooled};
use crate::mapping::Native;
use crate::message::{ConversationId, Ordinal, SourceNo};

/// 24 November 2026.
pub(super) const NOW: SendTime = SendTime(1_795_478_400_000);

/// A job in a folder of its own, and a folder for sources.
struct Bench {
    dir: tempfile::TempDir,
    release: Release,
    run: usize,
    times: Times,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), release: Release::Main, run: 7, times: Times::default() }
    }

    fn job_dir(&self) -> PathBuf {
        self.dir.path().join("a.job")
    }

    fn job(&self) -> Job {
        Job::create(&self.job_dir()).unwrap()
    }

    fn write(&self, name: &str, lines: &[String]) -> String {
        let path = self.dir.path().join(name);
        fs_err::write(&path, lines.join("\n")).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// One pass over files of native JSON lines.
    fn pass(&self, job: &mut Job, files: &[(&str, Vec<String>)]) -> Summary {
        let sources: Vec<_> = files.iter().map(|(name, lines)| self.write(name, lines)).collect();
        let first = job.next_source().unwrap();
        let reader = Reader::open(&Settings::default(), &sources, first).unwrap().chunk_size(150);
        let rules =
            Rules { run: self.run, times: self.times, ..Rules::new(NOW, self.release, "{}".to_owned()) };
        run(reader, &Native, &rules, job, &Progress::default()).unwrap()
    }
}

fn all(reader: &JobReader, conversation: &str) -> Vec<(Entry, Spooled)> {
    let Some(conv) = reader.find(&ConversationId(conversation.to_owned())).unwrap() else {
        return Vec::new();
    };
    entries(reader, conv.no)
}

fn entries(reader: &JobReader, conv: ConvNo) -> Vec<(Entry, Spooled)> {
    let entries = reader.entries(conv, Ordinal(0), usize::MAX).unwrap();
    entries.into_iter().map(|entry| (entry, reader.message(&entry).unwrap())).collect()
}

/// What the messages of a conversation say, in order.
fn texts(reader: &JobReader, conversation: &str) -> Vec<String> {
    let text = |message: &Spooled| {
        let content: serde_json::Value = serde_json::from_str(message.content()).unwrap();
        content["content"].as_str().or(content["text"].as_str()).unwrap().to_owned()
    };
    all(reader, conversation).iter().map(|(_, message)| text(message)).collect()
}

fn lines_of(dir: &Path, name: &str) -> Vec<serde_json::Value> {
    let text = fs_err::read_to_string(dir.join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
