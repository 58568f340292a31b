//! What every command begins with: the configuration, the job's folder, how to speak.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Exit, Failure, OrFail};
use crate::config::{Common, ImportFile};
use crate::control::{Board, End, Look};
use crate::job::Shard;
use crate::report::{Form, Progress, Snapshot, Style, Summary, Unit, terminal};

/// The configuration file that is taken where none is named.
const USUAL_FILE: &str = "import.toml";
/// The job folder where none is named.
const USUAL_JOB: &str = "import.job";
/// The job folder of `run --rehearse`: a rehearsal must never pass for the real thing.
const USUAL_REHEARSAL: &str = "import.rehearsal.job";

/// Read once, at the start of a command.
#[derive(Debug)]
pub(super) struct Context {
    /// `import.toml`, or what stands for it where there is none.
    pub(super) file: ImportFile,
    /// Progress: bar, lines, objects or nothing.
    pub(super) style: Style,
    /// What is seen of the command from outside.
    pub(super) board: Board,
    job: Option<PathBuf>,
    /// The job is to be this part of the export.
    shard: Option<Shard>,
    json: bool,
    /// The configuration, if there is one.
    config: Option<PathBuf>,
    /// Its folder.
    beside: PathBuf,
}

impl Context {
    /// The same for a job that is to be that part of an export.
    pub(super) fn of(common: &Common, shard: Option<Shard>) -> Result<Self, Failure> {
        Ok(Self { shard: shard.filter(|shard| !shard.is_whole()), ..Self::new(common)? })
    }

    /// Reads the configuration: the one that was named, else `import.toml` if it is there.
    pub(super) fn new(common: &Common) -> Result<Self, Failure> {
        let usual = || Some(PathBuf::from(USUAL_FILE)).filter(|path| path.exists());
        let config = common.config.clone().or_else(usual);
        let file = config.as_deref().map(ImportFile::read).transpose().or_fail(Exit::Usage)?;
        let file = file.unwrap_or_default();
        Ok(Self {
            style: Style::choose(common.quiet, common.verbose > 0, common.color, common.progress),
            board: Board::default(),
            job: common.job.clone().or_else(|| file.job.clone()),
            shard: None,
            json: common.json || common.progress == Form::Json,
            beside: common.config.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default(),
            file,
            config,
        })
    }

    /// The same with the configuration as it stands in this file now.
    pub(super) fn reread(&self, config: &Path) -> Result<Self, Failure> {
        let file = ImportFile::read(config).or_fail(Exit::Usage)?;
        let (job, beside) = (self.job.clone(), self.beside.clone());
        let (style, board, shard, json) = (self.style, self.board.clone(), self.shard, self.json);
        Ok(Self { file, style, board, job, shard, json, config: Some(config.to_owned()), beside })
    }

    /// The configuration, or where it is looked for when there is none.
    pub(super) fn configuration(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| USUAL_FILE.into())
    }

    /// The job's folder.
    pub(super) fn job(&self) -> PathBuf {
        self.job.clone().unwrap_or_else(|| self.usual(USUAL_JOB))
    }

    /// The folder of a rehearsal.
    pub(super) fn rehearsal_job(&self) -> PathBuf {
        self.job.clone().unwrap_or_else(|| self.usual(USUAL_REHEARSAL))
    }

    /// That folder; each shard has its own.
    fn usual(&self, name: &str) -> PathBuf {
        match self.shard {
            Some(shard) => name.replace(".job", &format!("-{}-of-{}.job", shard.no(), shard.of())).into(),
            None => name.into(),
        }
    }

    /// A file beside the configuration, or here where there is none.
    pub(super) fn beside_configuration(&self, name: &str) -> PathBuf {
        self.beside.join(name)
    }

    /// Whether one object is asked for at the end.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Text for standard output; with `--json` only the object at the end belongs there.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        if self.json {
            return note(text);
        }
        print(text)
    }

    /// A text that is itself the answer, or with `--json` the one object.
    pub(super) fn finish(&self, text: &str, summary: &Summary) -> Result<(), Failure> {
        if self.json { self.end(summary) } else { print(text) }
    }

    /// The last word of a command: its verdict, and with `--json` the one object.
    pub(super) fn end(&self, summary: &Summary) -> Result<(), Failure> {
        self.board.ended(End {
            exit_code: summary.exit_code,
            verdict: summary.verdict.clone(),
            messages: summary.messages,
            confirmed: summary.confirmed,
            rejected: summary.rejected,
        });
        if self.json {
            return self.print_json(summary);
        }
        print(&summary.verdict)
    }

    /// The one object of `--json`; among those of `--progress json` it says that it is the last one.
    pub(super) fn print_json(&self, object: &impl serde::Serialize) -> Result<(), Failure> {
        if self.style != Style::Json {
            return print_json(object);
        }
        print_json(&Last { r#type: "summary", object })
    }

    /// Shows how far it is, here and to whoever looks from outside.
    pub(super) fn draw(&self, look: Look) -> Progress {
        self.board.watch(Look::clone(&look));
        Progress::start(self.style, look)
    }
}

/// A phase that counts up to a number.
pub(super) struct Counting {
    done: Arc<AtomicU64>,
    progress: Progress,
}

impl Counting {
    /// Shown from now on; a total of 0 is not known.
    pub(super) fn start(context: &Context, phase: &'static str, unit: Unit, total: u64) -> Self {
        tracing::info!(total, "phase: {phase}");
        let done = Arc::new(AtomicU64::new(0));
        let watched = Arc::clone(&done);
        let look = move || {
            let done = watched.load(Ordering::Relaxed);
            Snapshot { phase, done, total, unit, ..Snapshot::default() }
        };
        Self { done, progress: context.draw(Arc::new(look)) }
    }

    /// So many more.
    pub(super) fn add(&self, more: u64) {
        self.done.fetch_add(more, Ordering::Relaxed);
    }

    /// It is over.
    pub(super) fn finish(self) {
        self.progress.finish();
    }
}

/// An object among others.
#[derive(serde::Serialize)]
struct Last<'a, T> {
    r#type: &'static str,
    #[serde(flatten)]
    object: &'a T,
}

/// A line on standard output.
#[expect(clippy::unnecessary_wraps, reason = "stands where `print_json` may stand as well")]
pub(super) fn print(text: &str) -> Result<(), Failure> {
    terminal::say(text);
    Ok(())
}

/// The one object of `--json`.
pub(super) fn print_json(object: &impl serde::Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(object).or_fail(Exit::Internal)?;
    terminal::say_json(&json);
    Ok(())
}

/// A line on standard error, for people who watch.
#[expect(clippy::unnecessary_wraps, reason = "stands where `print` may stand as well")]
pub(super) fn note(text: &str) -> Result<(), Failure> {
    terminal::tell(text);
    Ok(())
}
