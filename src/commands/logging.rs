//! The log: on standard error warnings always, more with `-v`; in the file of `--log` everything, as JSON lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::{Exit, Failure, OrFail};
use crate::report::terminal;
use crate::secrets::without;

/// Begins to log: what people should know, with `-v` what the importer decides, with `-vv` each call. Only our
/// own lines: other crates may log headers, and the token is in one.
pub(super) fn start(verbose: u8, file: Option<&Path>) -> Result<(), Failure> {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(terminal::log)
        .with_ansi(false)
        .with_target(false)
        .log_internal_errors(false)
        .with_filter(ours(level));
    let objects = file.map(open).transpose().or_fail(Exit::Usage)?.map(|file| {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_writer(Mutex::new(Objects(file)))
            .with_target(false)
            .log_internal_errors(false)
            .with_filter(ours(LevelFilter::TRACE))
    });
    // Somebody else's subscriber, in a test, is as good.
    drop(tracing_subscriber::registry().with(lines).with(objects).try_init());
    Ok(())
}

/// `importer_` begins the name of each room that is a crate.
fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_target("importer_", level)
}

/// Behind what is there; it names conversations, so it is for its owner alone.
fn open(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.open(path).map_err(|error| anyhow::anyhow!("the log `{}`: {error}", path.display()))
}

/// Whole lines, without any secret.
struct Objects(File);

impl Write for Objects {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(without(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
