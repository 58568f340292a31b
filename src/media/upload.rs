//! The files go out as they are planned, several at once: announce, put, complete. Every step is in the book before the next one, so that
//! a process that takes over goes on in the midst of a file.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use importer_buckets::BucketError;
use importer_media::{Bytes as Readable, Place, PlaceError, Places};

use super::CAUSE;
use super::patience::Patience;
use super::plan::{self, Open as Planned, PlanError};
use super::progress::Progress;
use crate::job::{JobError, MediaBook, MediaObject, ObjectState};
use crate::openim::{self, Announce, Begun, CallError, Client, PART, Put, Web, WebError, digest};

/// Signatures of parts are asked for that many at a time: they last a quarter of an hour.
const SIGNED_AT_ONCE: usize = 8;
/// So old they may become before others are asked for.
const SIGNED_FOR: Duration = Duration::from_mins(10);
/// How often an upload is begun anew whose bytes the server did not like.
const BEGINNINGS: u32 = 3;

/// What an upload needs.
#[derive(Debug)]
pub struct Upload<'a> {
    /// The API.
    pub client: &'a Client,
    /// The object store.
    pub web: &'a Web,
    /// The job's book.
    pub book: &'a Mutex<MediaBook>,
    /// Where files lie.
    pub places: &'a Arc<Places>,
    /// Where entries of archives are unpacked.
    pub scratch: &'a Path,
    /// Files under way at once.
    pub at_once: usize,
    /// How long the server may give no sign of life.
    pub give_up: Duration,
    /// Told to stop: what is under way ends with its part.
    pub stop: CancellationToken,
    /// How far it is.
    pub progress: &'a Progress,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Objects that are there now.
    pub objects: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Objects whose content the server had already.
    pub known: u64,
    /// Objects that it refused, with the reason.
    pub refused: Vec<(String, String)>,
    /// Objects that are left.
    pub left: u64,
}

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The server gave no sign of life for too long, or lets us in no more.
    #[error("{0}")]
    Call(#[from] CallError),
    /// Its object store gave none.
    #[error("the object storage {0}")]
    Web(#[from] WebError),
    /// The store in which the export is.
    #[error(transparent)]
    Export(BucketError),
}

impl From<PlanError> for UploadError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Job(error) => Self::Job(error),
            PlanError::Store(error) => Self::Export(error),
        }
    }
}

/// What became of one file.
enum Made {
    Put,
    Known,
    Refused(String),
    Stopped,
}

/// An upload that was begun, as it stands in the book. That of one part has its address, which lasts a week; the others
/// are signed when they are needed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) id: String,
    part_size: u64,
    #[serde(default)]
    pub(super) put: Option<Put>,
}

impl Open {
    /// One of so many parts that the server has just opened.
    pub(super) fn new(begun: &openim::Upload, parts: usize) -> Self {
        let put = begun.puts.first().filter(|_| parts == 1).cloned();
        Self { id: begun.id.clone(), part_size: begun.part_size, put }
    }

    /// That of an object, if one was begun.
    pub(super) fn of(object: &MediaObject) -> Option<Self> {
        serde_json::from_str(object.upload.as_deref()?).ok()
    }

    /// As the book has it.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Uploads them as they come.
pub async fn upload(
    first: Planned,
    files: Receiver<Planned>,
    with: &Upload<'_>,
) -> Result<Uploaded, UploadError> {
    let files = tokio::sync::Mutex::new((Some(first), files));
    let sum = Mutex::new(Uploaded::default());
    let worker = || async {
        loop {
            let file = match &mut *files.lock().await {
                (first @ Some(_), _) => first.take(),
                (None, more) => more.recv().await,
            };
            let Some(file) = file else { return Ok::<(), UploadError>(()) };
            if with.stop.is_cancelled() {
                sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner).left += 1;
                continue;
            }
            let made = match one(&file, with).await {
                Ok(made) => made,
                Err(error) => {
                    with.stop.cancel();
                    return Err(error);
                }
            };
            let object = &file.object;
            let mut sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match made {
                Made::Put => {
                    sum.objects += 1;
                    sum.bytes += object.size;
                }
                Made::Known => sum.known += 1,
                Made::Refused(why) => sum.refused.push((object.name.clone(), why)),
                Made::Stopped => sum.left += 1,
            }
        }
    };
    let workers: Vec<_> = (0..with.at_once.max(1)).map(|_| worker()).collect();
    let mut first = Ok(());
    for ended in join_all(workers).await {
        if first.is_ok() {
            first = ended;
        }
    }
    book(with).flush()?;
    first?;
    Ok(sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// All of them side by side, on this task: what they share they share by reference.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

/// Uploads one file; goes on with what was begun.
async fn one(planned: &Planned, with: &Upload<'_>) -> Result<Made, UploadError> {
    let object = &planned.object;
    let mut patience = Patience::new(with);
    let file = Announce {
        hash: &object.hash,
        size: object.size,
        name: &object.name,
        content_type: &object.mime,
        cause: CAUSE,
        max_parts: if object.parts.len() > 1 { 0 } else { -1 },
    };
    let mut open = Open::of(object);
    let mut said = String::new();
    // Its one part may have been put, and even completed, when an earlier process ended: put once more, it would
    // lie in the store for ever.
    if let Some(upload) = open.as_ref().filter(|upload| upload.put.is_some())
        && patience.call(|| with.client.complete_upload(&upload.id, &object.parts, &file)).await?.is_ok()
    {
        with.progress.bytes(object.size);
        with.progress.file();
        return settled(object, with, Made::Put);
    }
    for _ in 0..BEGINNINGS {
        let upload = match open.take() {
            Some(open) => open,
            None => match announce(object, &file, with, &mut patience).await? {
                Err(refusal) => return refused(object, with, refusal),
                Ok(Begun::Known) => match known(object, with, &mut patience).await? {
                    None => {
                        with.progress.bytes(object.size);
                        return settled(object, with, Made::Known);
                    }
                    Some(why) => return refused(object, with, why),
                },
                Ok(Begun::Upload(begun)) => {
                    let open = Open::new(&begun, object.parts.len());
                    match object.parts.len() {
                        1 => book(with).begun_alone(object, &open.text())?,
                        _ => book(with).begun(&object.name, &open.text())?,
                    }
                    open
                }
            },
        };
        if upload.part_size != PART && object.parts.len() > 1 {
            return refused(object, with, format!("the server wants parts of {} bytes", upload.part_size));
        }
        match parts(planned, &upload, with, &mut patience).await? {
            Parts::Put => {}
            Parts::Stopped => return Ok(Made::Stopped),
            Parts::Unreadable(why) => return refused(object, with, why),
            Parts::Over(why) => {
                said = why;
                continue;
            }
        }
        match patience.call(|| with.client.complete_upload(&upload.id, &object.parts, &file)).await? {
            Ok(()) => {
                with.progress.file();
                return settled(object, with, Made::Put);
            }
            // A one-part upload whose bytes were once not liked is dead: it is begun anew. So is one whose bytes
            // are not there any more.
            Err(why) => said = why,
        }
        book(with).begun(&object.name, "")?;
        with.progress.retry();
    }
    refused(object, with, said)
}

/// Asks the server for an upload. Of one that may have been opened without an answer the book knows: there is no call that
/// closes it.
async fn announce(
    object: &MediaObject,
    file: &Announce<'_>,
    with: &Upload<'_>,
    patience: &mut Patience<'_>,
) -> Result<Result<Begun, String>, UploadError> {
    // What has one part is opened by its bytes alone.
    if object.parts.len() == 1 {
        return patience.call(|| with.client.begin_upload(file)).await;
    }
    book(with).announced(&object.name)?;
    let unanswered = AtomicU64::new(0);
    let begun = patience
        .call(|| async {
            let begun = with.client.begin_upload(file).await;
            let is_unanswered = matches!(begun, Err(CallError::Unanswered { .. }));
            unanswered.fetch_add(u64::from(is_unanswered), Ordering::Relaxed);
            begun
        })
        .await;
    let unanswered = unanswered.into_inner();
    if unanswered > 0 {
        book(with).orphaned(&object.name, unanswered)?;
    }
    begun
}

/// What came of the parts.
enum Parts {
    Put,
    Stopped,
    /// The file is not what it was.
    Unreadable(String),
    /// The upload is over: it has to be begun anew.
    Over(String),
}

async fn parts(
    planned: &Planned,
    upload: &Open,
    with: &Upload<'_>,
    patience: &mut Patience<'_>,
) -> Result<Parts, UploadError> {
    let object = &planned.object;
    // Of one part nothing can be done already.
    let mut done = if object.parts.len() > 1 { book(with).parts_done(&object.name)? } else { Vec::new() };
    done.resize(object.parts.len(), 0);
    let mut bytes: Option<Box<dyn Readable>> = None;
    let mut signed: Vec<Put> = upload.put.clone().into_iter().collect();
    let mut since = Instant::now();
    for (n, sum) in object.parts.iter().enumerate() {
        if done[n] == 1 {
            with.progress.bytes(part_len(object, n));
            continue;
        }
        if with.stop.is_cancelled() {
            return Ok(Parts::Stopped);
        }
        let part = match &planned.bytes {
            Some(bytes) => bytes.clone(),
            None => match read_part(&mut bytes, planned, n, with).await {
                Ok(part) if digest(&part) == *sum => Bytes::from(part),
                Ok(_) => return Ok(Parts::Unreadable(plan::CHANGED.to_owned())),
                Err(error) => {
                    let error = plan::not_ours(error, with.scratch)?;
                    return Ok(Parts::Unreadable(plan::in_words(&error)));
                }
            },
        };
        let number = u32::try_from(n + 1).unwrap_or(u32::MAX);
        loop {
            if upload.put.is_none()
                && (since.elapsed() > SIGNED_FOR || !signed.iter().any(|put| put.part == number))
            {
                let numbers: Vec<u32> = (n..done.len())
                    .filter(|n| done[*n] == 0)
                    .take(SIGNED_AT_ONCE)
                    .filter_map(|n| u32::try_from(n + 1).ok())
                    .collect();
                signed = match patience.call(|| with.client.sign_parts(&upload.id, &numbers)).await? {
                    Ok(signed) => signed,
                    Err(why) => return Ok(Parts::Over(why)),
                };
                since = Instant::now();
            }
            let Some(put) = signed.iter().find(|put| put.part == number) else {
                return Ok(Parts::Over("the server signs no address for its bytes".to_owned()));
            };
            match with.web.put(put, part.clone(), sum).await {
                Ok(()) => break,
                Err(error) if error.is_about_the_upload() => return Ok(Parts::Over(error.to_string())),
                Err(error) if error.is_about_the_signature() => {
                    // Of one part, another address; of several, another signature.
                    if upload.put.is_some() {
                        patience.rest(UploadError::Web(error)).await?;
                        return Ok(Parts::Over(
                            "the signature of its address is not good any more".to_owned(),
                        ));
                    }
                    signed.clear();
                    patience.rest(UploadError::Web(error)).await?;
                }
                Err(error) => patience.rest(UploadError::Web(error)).await?,
            }
        }
        patience.good();
        with.progress.bytes(part.len() as u64);
        done[n] = 1;
        if done.len() > 1 {
            book(with).parts_put(&object.name, &done)?;
        }
    }
    Ok(Parts::Put)
}

/// Whether what the server says it has can be read; else why not.
async fn known(
    object: &MediaObject,
    with: &Upload<'_>,
    patience: &mut Patience<'_>,
) -> Result<Option<String>, UploadError> {
    loop {
        match super::verify::differs(object, with.web).await {
            Ok(None) => return Ok(None),
            Ok(Some(why)) => return Ok(Some(why)),
            Err(WebError::Refused { status: 404, .. }) => {
                return Ok(Some(
                    "the server remembers its content, and its object storage has lost it; the server forgets within \
                     twelve hours, or when Redis is emptied: the same command tries it again"
                        .to_owned(),
                ));
            }
            Err(error) if error.is_passing() => patience.rest(UploadError::Web(error)).await?,
            Err(error) => return Ok(Some(format!("can't be opened: {error}"))),
        }
    }
}

fn settled(object: &MediaObject, with: &Upload<'_>, made: Made) -> Result<Made, UploadError> {
    // What the server had already was read back.
    let state = if matches!(made, Made::Known) { ObjectState::Verified } else { ObjectState::Completed };
    let book = book(with);
    book.completed_later(&object.name, state);
    if book.waits() {
        book.flush()?;
    }
    Ok(made)
}

fn refused(object: &MediaObject, with: &Upload<'_>, why: String) -> Result<Made, UploadError> {
    book(with).settle(&object.name, ObjectState::Refused, &why)?;
    Ok(Made::Refused(why))
}

fn book<'a>(with: &Upload<'a>) -> std::sync::MutexGuard<'a, MediaBook> {
    with.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn part_len(object: &MediaObject, n: usize) -> u64 {
    object.size.saturating_sub(n as u64 * PART).min(PART)
}

/// Reads a part; opens the file at the first that is read. What is far is read on a thread of its own: calls under way would
/// seem to get no answer meanwhile.
async fn read_part(
    file: &mut Option<Box<dyn Readable>>,
    planned: &Planned,
    n: usize,
    with: &Upload<'_>,
) -> Result<Vec<u8>, PlaceError> {
    let (object, place) = (&planned.object, &planned.place);
    let wanted = (n as u64 * PART, part_len(object, n), object.size);
    if !place.is_in_store() {
        return read_at(file, with.places, (place, with.scratch), wanted);
    }
    let (place, places, scratch) = (place.clone(), Arc::clone(with.places), with.scratch.to_owned());
    let mut open = file.take();
    let reading = tokio::task::spawn_blocking(move || {
        let part = read_at(&mut open, &places, (&place, &scratch), wanted);
        (open, part)
    });
    match reading.await {
        Ok((open, part)) => {
            *file = open;
            part
        }
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// So many bytes from there on, of a file that has so many.
fn read_at(
    file: &mut Option<Box<dyn Readable>>,
    places: &Places,
    (place, scratch): (&Place, &Path),
    (from, len, size): (u64, u64, u64),
) -> Result<Vec<u8>, PlaceError> {
    let file = match file {
        Some(file) => file,
        None => file.insert(places.open(place, scratch, size)?),
    };
    let mut part = vec![0; usize::try_from(len).unwrap_or_default()];
    file.seek(std::io::SeekFrom::Start(from))?;
    file.read_exact(&mut part)?;
    Ok(part)
}
