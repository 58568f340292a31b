//! `media`: the files of messages go to the server's object storage; `run --media` does the same before the messages.

mod fit;
mod later;
mod list;
mod restored;
mod verify;
mod words;

pub(super) use fit::{must_be_over, must_fit};
pub(super) use later::before_sending;
pub(super) use list::{that_stay, uploaded};
pub(super) use verify::{Files, verify};

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Args;
use importer_buckets::BucketError;
use importer_media::{Key, Places};
use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::context::{Context, print};
use super::intake::{Intake, Plan};
use super::prepare::job_failure;
use super::{Exit, Failure, OrFail, intake, server, shard, stop};
use crate::config::{self, Rate, ServerArgs, SourceArgs};
use crate::export;
use crate::job::{FACE, Job, MediaBook, PassNo, SourceInfo};
use crate::media::{self, Fetch, PlanError, Progress as Done, StoreError, Upload, UploadError, Wants};
use crate::message::SourceNo;
use crate::openim::{self, Client, HostToken, Limits, Reach, Web, check_public_url};
use crate::report::{Progress, Snapshot, Unit};
use list::write_list;
use restored::restored;
use words::{dry_verdict, verdict};

/// The key's file where none is named: beside `import.toml`.
const USUAL_KEY: &str = "media.key";
/// Files larger than that are left out where nothing is said, bytes.
const USUAL_MOST: u64 = 2 << 30;
/// Files under way at once: more gain nothing (measured on both releases).
const USUAL_AT_ONCE: usize = 4;
/// Files that are read ahead of those under way, of at most 5 MiB each.
const AHEAD: usize = 4;
/// Files are looked at; phases, as they are shown.
const LOOK: &str = "look at files";
/// They go out.
const UPLOAD: &str = "upload";
/// How long one call to the store or to a link may take.
const LONGEST_CALL: Duration = Duration::from_mins(10);

/// `media`.
#[derive(Debug, Args)]
pub struct MediaArgs {
    /// What to read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Say how many files there are, how large, and what is missing; send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The sources are the job's next pass
    #[arg(long)]
    pub add: bool,
    /// Where to upload to.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How.
    #[command(flatten)]
    pub how: HowArgs,
}

/// How files are had and uploaded.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Media")]
pub struct HowArgs {
    /// Fetch files that lie behind links, with the tokens of [[media.tokens]]
    #[arg(long)]
    pub fetch: bool,
    /// Fetch at most so many, such as `5/s` or `100/min` [default: as fast as they come]
    #[arg(long, value_name = "N/s", requires = "fetch")]
    pub media_rate: Option<Rate>,
    /// Files under way at once [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub uploads: Option<u16>,
}

/// The object of `--json`.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    command: &'static str,
    verdict: String,
    files: u64,
    objects: u64,
    bytes: u64,
    there: u64,
    uploaded: u64,
    uploaded_bytes: u64,
    missing: u64,
    refused: u64,
    left: u64,
    /// Pictures of users and groups that have an address of this server now.
    faces: u64,
    /// Those that could not be had, and keep the address that they have.
    faces_left: u64,
    /// Uploads of several parts that may lie open in the object storage for ever.
    orphaned_uploads: u64,
    retries: u64,
    seconds: f64,
    exit_code: u8,
}

/// The command.
pub(super) fn command(context: &Context, args: &MediaArgs) -> Result<Exit, Failure> {
    let began = Instant::now();
    let settings = if args.dry_run { None } else { Some(server::settings(context, &args.server)?) };
    let runtime = runtime()?;
    let (add, wait) = (args.add, args.server.wait_for_server);
    let (dir, caller) = (context.job(), Caller::Media);
    let step = Step { context, source: &args.source, how: &args.how, dir, add, wait, caller };
    let (exit, mut outcome) = runtime.block_on(step.take(settings.as_ref()))?;
    outcome.seconds = began.elapsed().as_secs_f64();
    outcome.exit_code = exit.code();
    if context.json() {
        return context.print_json(&outcome).map(|()| exit);
    }
    print(&outcome.verdict).map(|()| exit)
}

/// One thread: each step of a file waits for the one before it, and handing answers from thread to thread took as long as
/// they did: 0.90 of what a bare client does where it was 0.58 a minute before.
fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().or_fail(Exit::Internal)
}

/// The step of `run --media`. What could not be had is no reason not to send the messages; that the server does not
/// answer is. `part`: not all messages are sent, and files wait until theirs are.
pub(super) fn before_run(
    context: &Context,
    source: &SourceArgs,
    how: &HowArgs,
    (dir, add, wait, part): (&Path, bool, bool, bool),
    settings: &openim::Settings,
) -> Result<(), Failure> {
    let caller = if part { Caller::PartOfRun } else { Caller::Run };
    let step = Step { context, source, how, dir: dir.to_owned(), add, wait, caller };
    let (exit, outcome) = runtime()?.block_on(step.take(Some(settings)))?;
    context.say(&outcome.verdict)?;
    if matches!(exit, Exit::Done | Exit::Rejects) {
        return Ok(());
    }
    Err(Failure::new(
        exit,
        "the messages are not sent before their files are there: the same command goes on",
    ))
}

/// Why uploading ended early.
struct Stopped {
    failure: Failure,
    /// It can't work there: the messages may go without their files.
    goes_without: bool,
}

struct Step<'a> {
    context: &'a Context,
    source: &'a SourceArgs,
    how: &'a HowArgs,
    dir: PathBuf,
    add: bool,
    /// `--wait-for-server`.
    wait: bool,
    caller: Caller,
}

/// Who wants the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// `media`: all of them now.
    Media,
    /// `run`, which sends all messages next.
    Run,
    /// `run`, which sends some messages next: their files go then, the others with theirs.
    PartOfRun,
}

impl Step<'_> {
    /// Without settings of a server it is a dry run.
    async fn take(&self, settings: Option<&openim::Settings>) -> Result<(Exit, Outcome), Failure> {
        let file = &self.context.file.media;
        let job = Job::create(&self.dir).map_err(job_failure)?;
        media::sweep(&self.dir).or_fail(Exit::Internal)?;
        let mut outcome = Outcome { command: "media", ..Outcome::default() };
        let book = job.media().map_err(job_failure)?;
        let lost = self.lost(&job, &book, settings, &mut outcome).await?;
        let is_over = |lost: &&HashSet<_>| lost.is_empty() || outcome.left > 0 || self.names_nothing();
        if let Some(lost) = lost.as_ref().filter(is_over) {
            outcome.verdict = words::begun(lost.len(), (outcome.uploaded, outcome.left));
            outcome.missing = lost.len() as u64;
            let exit = match (outcome.left, lost.is_empty()) {
                (0, true) => Exit::Done,
                (0, false) => Exit::Rejects,
                _ => Exit::Unfinished,
            };
            return Ok((exit, outcome));
        }
        let first = if self.add { job.next_source().map_err(job_failure)? } else { SourceNo(0) };
        let intake_plan = Plan::new(&self.context.file, self.source)?;
        let wants = Wants::new(&self.dir, self.how.fetch, faces(&book)?).or_fail(Exit::Internal)?;
        let (mut wants, sources) = gather(wants, &intake_plan, first)?;
        let key = key(self.context)?;
        let public = file.public_url.as_deref();
        self.refuse_settings()?;
        let client = settings.map(Client::new).transpose().or_fail(Exit::Usage)?;
        let url =
            |name: &str| client.as_ref().map_or_else(String::new, |client| client.object_url(public, name));
        let places = Places::new(&intake_plan.sources(), file.files.as_deref());
        let places = Arc::new(places.without(sources.iter().map(|source| &*source.path)));
        let fetch = if self.how.fetch { Some(self.fetch(settings)?) } else { None };
        let book = Mutex::new(book);
        let done = Arc::new(Done::default());
        let signals = stop::listen();
        let stop = signals.drain.child_token();
        let later = self.caller == Caller::PartOfRun;
        let shape = media::Shape {
            key: &key,
            places: &places,
            max_size: self.max_size(),
            url: &url,
            sources: &sources,
            first,
            out: None,
            later,
            only: lost.as_ref(),
            stop: &stop,
        };
        let (Some(client), Some(settings)) = (&client, settings) else {
            done.total.store(wants.all.len() as u64, Ordering::Relaxed);
            let drawn = draw(self.context, &done, LOOK);
            let plan = media::plan(&wants.all, shape, fetch.as_ref(), &book, &self.dir, &done).await;
            drawn.finish();
            let plan = plan.map_err(not_planned)?;
            outcome.planned(&plan);
            outcome.left = plan.counts.open + plan.counts.unseen;
            outcome.verdict = dry_verdict(&plan);
            return Ok((exit_of(&plan, &media::Uploaded::default()), outcome));
        };
        let (plan, uploaded) =
            self.go((client, settings), (&mut wants.all, fetch.as_ref()), shape, (&book, &done)).await?;
        if lost.is_none() {
            note_end(&book, first, &plan, &uploaded)?;
        }
        let uploaded = uploaded.map_err(|stopped| stopped.failure)?;
        outcome.planned(&plan);
        write_list(&job)?;
        if let Some(lost) = lost {
            return Ok((restored(&book, &lost, &uploaded, &mut outcome)?, outcome));
        }
        outcome.uploaded(&uploaded);
        outcome.left += plan.counts.unseen;
        outcome.retries = done.retries.load(Ordering::Relaxed);
        outcome.orphaned_uploads =
            job.reader().and_then(|reader| reader.orphaned_uploads()).map_err(job_failure)?;
        outcome.verdict = verdict(&plan, &uploaded, outcome.orphaned_uploads, &self.dir);
        Ok((exit_of(&plan, &uploaded), outcome))
    }

    /// Looks at files and uploads them, side by side.
    async fn go(
        &self,
        (client, settings): (&Client, &openim::Settings),
        (wants, fetch): (&mut Vec<media::Want>, Option<&Fetch>),
        mut shape: media::Shape<'_>,
        (book, done): (&Mutex<MediaBook>, &Arc<Done>),
    ) -> Result<(media::Plan, Result<media::Uploaded, Stopped>), Failure> {
        let web = store(settings)?;
        server::reach(client, self.wait, (server::Work::Fresh, server::give_up(self.context))).await?;
        let (total, is_large) = media::survey(wants, &shape);
        let media::Shape { key, places, url, later, .. } = shape;
        if later {
            // What people show is there before what messages show.
            wants.sort_by_key(|want| want.kind != FACE);
        }
        done.total.store(if later { wants.len() as u64 } else { total }, Ordering::Relaxed);
        let (out, mut files) = mpsc::channel(AHEAD);
        shape.out = Some(out);
        let upload = Upload {
            client,
            web: &web,
            book,
            places,
            scratch: &self.dir,
            at_once: at_once(self.context, self.how.uploads),
            give_up: self.context.file.import.give_up.unwrap_or(Duration::from_mins(30)),
            stop: shape.stop.clone(),
            progress: done,
        };
        let drawn = draw(self.context, done, if later { LOOK } else { UPLOAD });
        let uploading = async {
            // Nothing is written to try it where nothing is to be uploaded.
            let Some(first) = files.recv().await else { return Ok(media::Uploaded::default()) };
            media::check(client, &web, key, url, is_large, book).await.map_err(refused)?;
            media::upload(first, files, &upload).await.map_err(gave_up)
        };
        let planning = media::plan(wants, shape, fetch, book, &self.dir, done);
        let (plan, uploaded) = tokio::join!(planning, uploading);
        drawn.finish();
        let plan = plan.map_err(not_planned)?;
        let uploaded = match uploaded {
            // Messages are given addresses: it has to be known that files can get there.
            Ok(uploaded) if plan.counts.later > 0 => {
                media::check(client, &web, key, url, is_large, book).await.map_err(refused).map(|()| uploaded)
            }
            uploaded => uploaded,
        };
        Ok((plan, uploaded))
    }

    /// Of a job that has begun, the names of the objects that are lost: `media` brings back these, and those that wait for
    /// their messages go up.
    async fn lost(
        &self,
        job: &Job,
        book: &MediaBook,
        settings: Option<&openim::Settings>,
        outcome: &mut Outcome,
    ) -> Result<Option<HashSet<String>>, Failure> {
        if self.add || !job.is_started().map_err(job_failure)? {
            shard::refuse(Some(job.shard().map_err(job_failure)?), shard::NO_MEDIA)?;
            return Ok(None);
        }
        if let (Some(settings), Caller::Media) = (settings, self.caller) {
            later::all(self.context, job, (settings, self.wait), outcome).await?;
        }
        book.all_lost().map(Some).map_err(job_failure)
    }

    /// Refuses settings that can't be.
    fn refuse_settings(&self) -> Result<(), Failure> {
        let file = &self.context.file.media;
        if let Some(public) = file.public_url.as_deref() {
            check_public_url(public).map_err(|why| {
                Failure::new(Exit::Usage, format!("`public_url` in [media] is no address of an API: {why}"))
            })?;
        }
        let is_here = |folder: &&Path| !folder.to_str().is_some_and(export::is_address);
        if let Some(folder) = file.files.as_deref().filter(is_here).filter(|folder| !folder.is_dir()) {
            return Err(Failure::new(
                Exit::Usage,
                format!("`files` in [media]: `{}` is no folder", folder.display()),
            ));
        }
        Ok(())
    }

    /// Nothing is named to read.
    fn names_nothing(&self) -> bool {
        self.source.sources.is_empty()
            && self.context.file.sources.is_empty()
            && self.context.file.source.is_empty()
    }

    fn max_size(&self) -> u64 {
        self.context.file.media.max_size.map_or(USUAL_MOST, std::num::NonZeroU64::get)
    }

    fn fetch(&self, settings: Option<&openim::Settings>) -> Result<Fetch, Failure> {
        let file = &self.context.file.media;
        let reach = if file.allow_private { Reach::Anywhere } else { Reach::Public };
        let limits = Limits { bytes: self.max_size(), time: LONGEST_CALL };
        let usual = config::without_server();
        let web = Web::new(settings.unwrap_or(&usual), reach, limits).or_fail(Exit::Usage)?;
        let mut tokens = Vec::new();
        for token in &file.tokens {
            let secret = config::first_line(&token.file).or_fail(Exit::Usage)?;
            tokens.push(HostToken { host: token.host.clone(), token: secret });
        }
        let every = self.how.media_rate.map(config::Rate::every);
        Fetch::new(web.with_tokens(tokens), &self.dir, every).or_fail(Exit::Internal)
    }
}

impl Outcome {
    fn uploaded(&mut self, uploaded: &media::Uploaded) {
        self.uploaded += uploaded.objects + uploaded.known;
        self.uploaded_bytes += uploaded.bytes;
        (self.refused, self.left) = (uploaded.refused.len() as u64, uploaded.left);
    }

    fn planned(&mut self, plan: &media::Plan) {
        let counts = plan.counts;
        (self.files, self.objects, self.bytes) = (counts.files, counts.objects, counts.bytes);
        (self.there, self.missing) = (counts.there, counts.problems);
        (self.faces, self.faces_left) = (counts.faces, counts.faces_left);
    }
}

/// Notes in the book that nothing is left to be done, or can be.
fn note_end(
    book: &Mutex<MediaBook>,
    first: SourceNo,
    plan: &media::Plan,
    uploaded: &Result<media::Uploaded, Stopped>,
) -> Result<(), Failure> {
    let book = book.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match uploaded {
        Ok(uploaded) if uploaded.left + plan.counts.unseen == 0 => book.ended(first),
        Err(stopped) if stopped.goes_without => book.nothing_waits(first).and_then(|()| book.ended(first)),
        _ => Ok(()),
    }
    .map_err(job_failure)
}

fn exit_of(plan: &media::Plan, uploaded: &media::Uploaded) -> Exit {
    if uploaded.left + plan.counts.unseen > 0 {
        Exit::Unfinished
    } else if plan.counts.problems > 0 || !uploaded.refused.is_empty() {
        Exit::Rejects
    } else {
        Exit::Done
    }
}

/// What pictures of users and groups are called that are there, or on their way.
fn faces(book: &MediaBook) -> Result<HashSet<String>, Failure> {
    let files = book.files().map_err(job_failure)?.into_iter();
    Ok(files.filter(|file| file.kind == FACE && file.object.is_some()).map(|file| file.key).collect())
}

/// Reads the whole export for the files that it names, and, where links are fetched, for the pictures of its people.
fn gather(mut wants: Wants, plan: &Plan, first: SourceNo) -> Result<(Wants, Vec<SourceInfo>), Failure> {
    if plan.sources().is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "name the SOURCE, or `sources` in the configuration: its files are looked for beside it",
        ));
    }
    let Intake { mut reader, mapper } = plan.open(first)?;
    while let Some(chunk) = reader.next_chunk().map_err(intake::failure)? {
        mapper.map(&chunk, &mut wants);
        wants.checked().or_fail(Exit::Internal)?;
    }
    let sources = reader.sources().iter().map(|source| SourceInfo {
        no: source.no,
        pass: PassNo(0),
        path: source.path.clone(),
        bytes: source.bytes,
        modified: source.modified,
        sha256: source.sha256,
        etag: source.etag.clone(),
    });
    let sources = sources.collect();
    Ok((wants, sources))
}

/// The key of the names.
fn key(context: &Context) -> Result<Key, Failure> {
    let file = context.file.media.key_file.clone();
    Key::load(&file.unwrap_or_else(|| context.beside_configuration(USUAL_KEY))).or_fail(Exit::Usage)
}

/// Files under way at once.
fn at_once(context: &Context, typed: Option<u16>) -> usize {
    let file = context.file.media.uploads.and_then(|n| usize::try_from(n.get()).ok());
    typed.map(usize::from).or(file).unwrap_or(USUAL_AT_ONCE).min(64)
}

/// The client for the object store, which is often on a private network, and that is its operator's affair.
fn store(settings: &openim::Settings) -> Result<Web, Failure> {
    let limits = Limits { bytes: u64::MAX, time: LONGEST_CALL };
    Web::new(settings, Reach::Anywhere, limits).or_fail(Exit::Usage)
}

fn draw(context: &Context, done: &Arc<Done>, phase: &'static str) -> Progress {
    let watched = Arc::clone(done);
    let in_bytes = phase != LOOK;
    let look = move || {
        let read = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        let done = if in_bytes { read(&watched.done) } else { read(&watched.files) };
        Snapshot {
            phase,
            done,
            // How much lies behind links is known when it is here.
            total: read(&watched.total).max(done),
            unit: if in_bytes { Unit::Bytes } else { Unit::Steps },
            retries: read(&watched.retries),
            ..Snapshot::default()
        }
    };
    context.draw(Arc::new(look))
}

fn refused(error: StoreError) -> Stopped {
    let goes_without = !matches!(&error, StoreError::Call(_) | StoreError::Job(_));
    let exit = match &error {
        StoreError::Call(error) => server::exit_of(error),
        StoreError::Job(_) => Exit::Internal,
        _ => Exit::Preflight,
    };
    Stopped { failure: Failure { exit, error: error.into() }, goes_without }
}

fn not_planned(error: PlanError) -> Failure {
    match error {
        PlanError::Job(error) => job_failure(error),
        PlanError::Store(error) => of_store(error),
    }
}

/// The store of the export tells nothing: for now, or for good.
fn of_store(error: BucketError) -> Failure {
    let exit = if matches!(error, BucketError::GaveUp { .. }) { Exit::Unfinished } else { Exit::Usage };
    Failure { exit, error: error.into() }
}

fn gave_up(error: UploadError) -> Stopped {
    let exit = match &error {
        UploadError::Job(_) => Exit::Internal,
        UploadError::Call(error) => server::exit_of(error),
        UploadError::Web(_) | UploadError::Export(BucketError::GaveUp { .. }) => Exit::Unfinished,
        UploadError::Export(_) => Exit::Usage,
    };
    let error = anyhow::Error::from(error);
    let error = anyhow::anyhow!("{error:#}; what is uploaded stays, and the same command goes on");
    Stopped { failure: Failure { exit, error }, goes_without: false }
}
