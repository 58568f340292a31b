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

use super::context::note;
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
            .with_writer(Mutex::new(Objects { file, missing: 0 }))
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
struct Objects<W> {
    file: W,
    /// Lines that could not be written since one was.
    missing: u64,
}

impl<W: Write> Write for Objects<W> {
    /// A log that can't be written is no reason to end; that lines are missing is said, at once and where they are.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = without(&String::from_utf8_lossy(bytes)).into_owned();
        let line = match self.missing {
            0 => line,
            // The last one may have been cut off.
            n => format!(
                "\n{{\"level\":\"WARN\",\"message\":\"lines are missing here\",\"lines\":{n}}}\n{line}"
            ),
        };
        match self.file.write_all(line.as_bytes()) {
            Ok(()) => self.missing = 0,
            Err(error) => {
                self.missing += 1;
                if self.missing == 1 {
                    drop(note(&format!(
                        "the log can't be written ({error}): lines are missing in it from now on"
                    )));
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full for a while, in the midst of a line.
    struct Full(Vec<u8>, usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let part = bytes.len().min(self.1);
            if part == 0 {
                self.1 = usize::MAX;
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.1 -= part;
            self.0.extend(&bytes[..part]);
            Ok(part)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_takes_are_missed_where_they_are() {
        let mut objects = Objects { file: Full(Vec::new(), 22), missing: 0 };
        for n in 0..4 {
            objects.write_all(format!("{{\"line\":{n},\"a\":1}}\n").as_bytes()).unwrap();
        }
        let text = String::from_utf8(objects.file.0).unwrap();
        let whole: Vec<&str> = text.lines().filter(|line| line.ends_with('}')).collect();
        let missing = r#"{"level":"WARN","message":"lines are missing here","lines":1}"#;
        assert_eq!(
            whole,
            [r#"{"line":0,"a":1}"#, missing, r#"{"line":2,"a":1}"#, r#"{"line":3,"a":1}"#],
            "{text}"
        );
    }
}
