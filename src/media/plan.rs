//! What is to be uploaded: each file is found, read once, gets the name that its content gives it, and is handed on.

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use importer_buckets::{BucketError, Holder};
use importer_media::{Key, Look, Place, PlaceError, Places, Wanted};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::fetch::{Fetch, NotFetched};
use super::progress::Progress;
use super::wanted::Want;
use crate::job::{At, FACE, JobError, MediaBook, MediaFile, MediaObject, ObjectState, SourceInfo};
use crate::message::SourceNo;
use crate::openim::PART;

/// An object that is not there yet.
#[derive(Debug)]
pub struct Open {
    /// What it will be.
    pub object: MediaObject,
    /// Where its bytes are.
    pub place: Place,
    /// The bytes themselves, where one part has them all: they are not read a second time.
    pub bytes: Option<Bytes>,
}

/// Why it can't go on, whatever the files are.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The store in which the export is.
    #[error(transparent)]
    Store(#[from] BucketError),
}

/// What is to be done, and what can't be.
#[derive(Debug, Default)]
pub struct Plan {
    /// Counts.
    pub counts: Counts,
    /// Files that become none, and why, for people.
    pub problems: Vec<MediaFile>,
}

/// Counts of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that messages show, pictures of users and groups not among them.
    pub files: u64,
    /// Objects that they are: each content once.
    pub objects: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Objects that are there already.
    pub there: u64,
    /// Objects that are to be uploaded.
    pub open: u64,
    /// Of these, those that wait until messages that show them are sent.
    pub later: u64,
    /// Bytes of these.
    pub open_bytes: u64,
    /// Files that were not looked at: it was stopped.
    pub unseen: u64,
    /// Files that become no object.
    pub problems: u64,
    /// Pictures of users and groups that are moved.
    pub faces: u64,
    /// Those that could not be had, and stay where they are.
    pub faces_left: u64,
}

/// What shapes a plan.
pub struct Shape<'a> {
    /// The key of the names.
    pub key: &'a Key,
    /// Where files are looked for.
    pub places: &'a Arc<Places>,
    /// Files larger than that are left out, bytes.
    pub max_size: u64,
    /// The address of an object by its name.
    pub url: &'a (dyn Fn(&str) -> String + Sync),
    /// The sources.
    pub sources: &'a [SourceInfo],
    /// The first of these sources: what the book has of it and of later ones is of an earlier look.
    pub first: SourceNo,
    /// Who takes what is to be uploaded; without one the book is left alone.
    pub out: Option<Sender<Open>>,
    /// What lies in the export is uploaded when the messages that show it are sent; only what can't wait is handed on: faces,
    /// which people have at once, and what was fetched.
    pub later: bool,
    /// Only objects of these names are wanted, and the book keeps what it says of files: messages have them already.
    pub only: Option<&'a HashSet<String>>,
    /// Told to stop: what is not planned yet is left.
    pub stop: &'a CancellationToken,
}

impl Shape<'_> {
    /// Whether the book is to know what the plan says of files.
    fn is_kept(&self) -> bool {
        self.out.is_some() && self.only.is_none()
    }
}

impl std::fmt::Debug for Shape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shape").field("max_size", &self.max_size).finish_non_exhaustive()
    }
}

/// How much there is, without reading it: bytes, and whether a file may need more than one part. What is found here is not
/// looked for again.
pub fn survey(wants: &mut [Want], shape: &Shape<'_>) -> (u64, bool) {
    let (mut bytes, mut is_large) = (0, false);
    for want in wants {
        let place = find(want, shape);
        let size = place.and_then(|place| {
            let size = shape.places.size(&place);
            (want.path, want.name, want.found) = (String::new(), String::new(), Some(place));
            size
        });
        match size {
            Ok(size) if size <= shape.max_size => {
                bytes += size;
                is_large |= size > PART;
            }
            Ok(_) => {}
            // What lies behind a link may have any size; a picture of somebody is small.
            Err(_) => is_large |= !want.url.is_empty() && want.kind != FACE,
        }
    }
    (bytes, is_large)
}

/// Makes the plan, notes it in the book, and hands on what is to be uploaded, as fast as that is taken. Reads every file;
/// fetches those behind links, if that is asked for.
pub async fn plan(
    wants: &[Want],
    shape: Shape<'_>,
    fetch: Option<&Fetch>,
    book: &Mutex<MediaBook>,
    scratch: &Path,
    progress: &Progress,
) -> Result<Plan, PlanError> {
    let mut plan = Plan::default();
    let mut seen: HashSet<String> = HashSet::new();
    // What was fetched is not fetched again: of files of the export, the bytes count, whatever they were last time.
    let known: Known =
        lock(book).files()?.into_iter().filter_map(|file| Some((file.key, file.object?))).collect();
    if shape.is_kept() {
        lock(book).begin_anew(shape.first, shape.sources)?;
    }
    for (n, want) in wants.iter().enumerate() {
        if shape.stop.is_cancelled() {
            plan.counts.unseen = (wants.len() - n) as u64;
            break;
        }
        let open =
            one(want, &shape, (fetch, &known, progress), book, scratch, (&mut plan, &mut seen)).await?;
        progress.file();
        let (Some(open), Some(out)) = (open, &shape.out) else { continue };
        // Nobody takes it: uploading ended, and says why.
        if out.send(open).await.is_err() {
            break;
        }
    }
    lock(book).flush()?;
    Ok(plan)
}

/// Objects by what an export calls them.
type Known = HashMap<String, String>;

/// Plans one file; what is to be uploaded of it.
async fn one(
    want: &Want,
    shape: &Shape<'_>,
    (fetch, known, progress): (Option<&Fetch>, &Known, &Progress),
    book: &Mutex<MediaBook>,
    scratch: &Path,
    (plan, seen): (&mut Plan, &mut HashSet<String>),
) -> Result<Option<Open>, PlanError> {
    let is_face = want.kind == FACE;
    plan.counts.files += u64::from(!is_face);
    let (object, place, bytes) = match examine(want, shape, (fetch, known), book, scratch).await? {
        Examined::There(object, ..) if shape.only.is_some_and(|only| !only.contains(&object.name)) => {
            return Ok(None);
        }
        Examined::Not(..) if shape.only.is_some() => return Ok(None),
        Examined::There(object, place, bytes) => (object, place, bytes),
        Examined::Not(..) if is_face => {
            plan.counts.faces_left += 1;
            return Ok(None);
        }
        Examined::Not(problem, why) => {
            let file = named(want, String::new(), None, Some((problem, why)));
            if shape.is_kept() {
                lock(book).plan_later(None, &file)?;
            }
            plan.counts.problems += 1;
            plan.problems.push(file);
            return Ok(None);
        }
    };
    plan.counts.faces += u64::from(is_face);
    // What stood in a record lies in no file that stays.
    let shown = place.as_ref().filter(|_| want.written.is_none()).map(Place::shown);
    let file = named(want, shown.unwrap_or_default(), Some(&object.name), None);
    let book = lock(book);
    let stands = if seen.insert(object.name.clone()) { Some(book.object(&object.name)?) } else { None };
    if shape.is_kept() {
        book.plan_later(Some(&object), &file)?;
    }
    // What is not uploaded is done already.
    let Some(stands) = stands else {
        progress.bytes(object.size);
        return Ok(None);
    };
    plan.counts.objects += 1;
    plan.counts.bytes += object.size;
    if stands.as_ref().is_some_and(|stands| stands.url != object.url) && shape.out.is_some() {
        book.moved(&object.name, &object.url)?;
    }
    let state = stands.as_ref().map_or(ObjectState::Planned, |stands| stands.state);
    if state >= ObjectState::Completed {
        plan.counts.there += 1;
        progress.bytes(object.size);
        return Ok(None);
    }
    let Some(place) = place else { return Ok(None) };
    plan.counts.open += 1;
    plan.counts.open_bytes += object.size;
    // What was refused is tried at once: messages have to know what becomes of it.
    if shape.later
        && !is_face
        && want.stays()
        && state != ObjectState::Refused
        && let Some(at) = written_down(&place)
    {
        book.wait_later(&object.name, &at)?;
        plan.counts.later += 1;
        return Ok(None);
    }
    Ok(Some(Open { object: stands.unwrap_or(*object), place, bytes }))
}

/// As the book has it; `None`: its path is no text.
fn written_down(place: &Place) -> Option<At> {
    let text = |holder: &Holder| match holder {
        Holder::Disk(path) => path.to_str().map(str::to_owned),
        Holder::Bucket(object) => Some(object.address.to_string()),
    };
    Some(match place {
        Place::File(holder) => At { archive: None, path: text(holder)? },
        Place::Entry { archive, name } => At { archive: Some(text(archive)?), path: name.clone() },
    })
}

pub(super) fn lock(book: &Mutex<MediaBook>) -> MutexGuard<'_, MediaBook> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where its bytes are.
fn find(want: &Want, shape: &Shape<'_>) -> Result<Place, PlaceError> {
    if let Some(place) = &want.found {
        return Ok(place.clone());
    }
    if let Some(path) = &want.written {
        return Ok(Place::File(Holder::Disk(path.clone())));
    }
    // They stand in the order of their numbers.
    let source = shape.sources.binary_search_by_key(&want.source, |source| source.no);
    let source = source.map(|at| shape.sources[at].path.clone()).unwrap_or_default();
    let (key, path, name) = (want.key.clone(), want.path.clone(), want.name.clone());
    shape.places.find(&Wanted { source, key, path, name })
}

enum Examined {
    There(Box<MediaObject>, Option<Place>, Option<Bytes>),
    Not(&'static str, String),
}

async fn examine(
    want: &Want,
    shape: &Shape<'_>,
    (fetch, known): (Option<&Fetch>, &Known),
    book: &Mutex<MediaBook>,
    scratch: &Path,
) -> Result<Examined, PlanError> {
    let place = match find(want, shape) {
        Ok(place) => place,
        Err(PlaceError::Missing) if !want.url.is_empty() => {
            if let Some(object) = known.get(&want.key)
                && let Some(object) = lock(book).object(object)?
                && object.state >= ObjectState::Completed
            {
                let moved = MediaObject { url: (shape.url)(&object.name), ..object };
                return Ok(Examined::There(Box::new(moved), None, None));
            }
            let Some(fetch) = fetch else {
                return Ok(Examined::Not(
                    "missing",
                    "lies behind a link, which is fetched with --fetch".to_owned(),
                ));
            };
            match fetch.get(&want.url).await {
                Ok(path) => Place::File(Holder::Disk(path)),
                Err(NotFetched::Link(why)) => return Ok(Examined::Not("missing", why)),
                Err(NotFetched::Here(error)) => return Err(JobError::io(scratch, error).into()),
            }
        }
        Err(error) => return Ok(refused(&not_ours(error, scratch)?)),
    };
    let (most, keeps) = (shape.max_size, shape.out.is_some());
    // What is large or far is read on a thread of its own: calls under way would seem to get no answer meanwhile.
    let measured = if !place.is_in_store() && shape.places.size(&place).is_ok_and(|size| size <= PART) {
        measure(&place, shape.places, most, keeps, scratch)
    } else {
        let (place, places, scratch) = (place.clone(), Arc::clone(shape.places), scratch.to_owned());
        match tokio::task::spawn_blocking(move || measure(&place, &places, most, keeps, &scratch)).await {
            Ok(measured) => measured,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    };
    Ok(match measured {
        Ok(Some((digest, look, bytes))) if digest.size > 0 => {
            let (hash, size) = (digest.hash(), digest.size);
            let mut name = shape.key.name(&hash, size);
            if !look.ending.is_empty() {
                name = format!("{name}.{}", look.ending);
            }
            let object = MediaObject {
                url: (shape.url)(&name),
                name,
                hash,
                parts: digest.parts,
                size,
                mime: look.mime.to_owned(),
                width: look.width,
                height: look.height,
                seconds: look.seconds,
                state: ObjectState::Planned,
                upload: None,
                why: String::new(),
            };
            Examined::There(Box::new(object), Some(place), bytes)
        }
        Ok(Some(_)) => Examined::Not("empty", "has no bytes".to_owned()),
        Ok(None) => Examined::Not("too-large", format!("has more than {} bytes", shape.max_size)),
        Err(error) => refused(&not_ours(error, scratch)?),
    })
}

/// That there is no room to unpack a file, or that its store is away, is no fault of the file's.
pub(super) fn not_ours(error: PlaceError, scratch: &Path) -> Result<PlaceError, PlanError> {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        PlaceError::Read(error) if matches!(error.kind(), StorageFull | QuotaExceeded) => {
            Err(JobError::io(scratch, error).into())
        }
        PlaceError::Store(error) => Err(error.into()),
        error => Ok(error),
    }
}

fn refused(error: &PlaceError) -> Examined {
    let problem = if is_missing(error) { "missing" } else { "unreadable" };
    Examined::Not(problem, in_words(error))
}

fn is_missing(error: &PlaceError) -> bool {
    match error {
        PlaceError::Read(read) => read.kind() == std::io::ErrorKind::NotFound,
        error => matches!(error, PlaceError::Missing),
    }
}

/// Why a file can't be had; shorter than it was is another one.
pub(super) fn in_words(error: &PlaceError) -> String {
    match error {
        error if is_missing(error) => PlaceError::Missing.to_string(),
        PlaceError::Read(read) if read.kind() == std::io::ErrorKind::UnexpectedEof => CHANGED.to_owned(),
        PlaceError::Replaced => CHANGED.to_owned(),
        error => error.to_string(),
    }
}

/// It has other bytes than when it was looked at.
pub(super) const CHANGED: &str = "changed since it was looked at";

type Measured = (importer_media::Digest, Look, Option<Bytes>);

/// Reads a file once; `None`: it is too large.
fn measure(
    place: &Place,
    places: &Places,
    most: u64,
    keeps: bool,
    scratch: &Path,
) -> Result<Option<Measured>, PlaceError> {
    // A sparse file of ten gigabytes costs nothing to make, and much to read.
    if matches!(place, Place::File(_)) && places.size(place)? > most {
        return Ok(None);
    }
    let mut file = places.open(place, scratch, most)?;
    // Room for all of it at once, and for the byte that says whether there is more.
    let size = file.seek(SeekFrom::End(0))?.min(PART) + 1;
    file.rewind()?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    (&mut file).take(PART + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > PART {
        let Some(digest) = importer_media::digest(&mut *file, PART, most)? else { return Ok(None) };
        return Ok(Some((digest, importer_media::look(&mut *file)?, None)));
    }
    if bytes.len() as u64 > most {
        return Ok(None);
    }
    let digest = importer_media::digest_of(&bytes, PART);
    let mut bytes = std::io::Cursor::new(bytes);
    let look = importer_media::look(&mut bytes)?;
    // What is only counted is not kept.
    let bytes = keeps.then(|| bytes.into_inner().into());
    Ok(Some((digest, look, bytes)))
}

fn named(want: &Want, place: String, object: Option<&str>, problem: Option<(&str, String)>) -> MediaFile {
    let (problem, why) =
        problem.map_or((None, String::new()), |(problem, why)| (Some(problem.to_owned()), why));
    MediaFile {
        source: want.source,
        key: want.key.clone(),
        kind: want.kind.to_owned(),
        place,
        object: object.map(str::to_owned),
        problem,
        why,
    }
}
