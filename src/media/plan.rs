//! What is to be uploaded: each file is found, read once, and gets the name that its content gives it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use importer_media::{Key, Look, Place, PlaceError, Places, Wanted};

use super::fetch::Fetch;
use super::progress::Progress;
use super::wanted::Want;
use crate::job::{FACE, JobError, MediaBook, MediaFile, MediaObject, ObjectState};
use crate::message::SourceNo;
use crate::openim::PART;

/// What is to be done, and with what.
#[derive(Debug)]
pub struct Plan {
    /// Objects that are not there yet, and where their bytes are.
    pub open: Vec<(MediaObject, Place)>,
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
    /// Bytes that are to be uploaded.
    pub open_bytes: u64,
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
    pub places: &'a Places,
    /// Files larger than that are left out, bytes.
    pub max_size: u64,
    /// The address of an object by its name.
    pub url: &'a dyn Fn(&str) -> String,
    /// What the sources are called.
    pub sources: &'a HashMap<SourceNo, String>,
    /// The first of these sources: what the book has of it and of later ones is of an earlier look.
    pub first: SourceNo,
    /// Whether the book is left alone.
    pub dry: bool,
}

impl std::fmt::Debug for Shape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shape").field("max_size", &self.max_size).finish_non_exhaustive()
    }
}

/// Makes the plan, and notes it in the book. Reads every file; fetches those behind links, if that is asked for.
pub async fn plan(
    wants: &[Want],
    shape: &Shape<'_>,
    fetch: Option<&Fetch>,
    book: &MediaBook,
    scratch: &Path,
    progress: &Progress,
) -> Result<Plan, JobError> {
    let mut plan = Plan { open: Vec::new(), counts: Counts::default(), problems: Vec::new() };
    let mut seen: HashSet<String> = HashSet::new();
    // What was fetched is not fetched again: of files of the export, the bytes count, whatever they were last time.
    let known: HashMap<(SourceNo, String), String> =
        book.files()?.into_iter().filter_map(|file| Some(((file.source, file.key), file.object?))).collect();
    if !shape.dry {
        book.forget_from(shape.first)?;
    }
    for want in wants {
        let is_face = want.kind == FACE;
        plan.counts.files += u64::from(!is_face);
        let (file, object) = match examine(want, shape, fetch, &known, book, scratch).await? {
            Examined::There(object, place) => {
                // What stood in a record lies in no file that stays.
                let shown = place.as_ref().filter(|_| want.written.is_none()).map(Place::shown);
                let file = named(want, shown.unwrap_or_default(), Some(&object.name), None);
                (file, Some((object, place)))
            }
            Examined::Not(problem, why) => (named(want, String::new(), None, Some((problem, why))), None),
        };
        plan.counts.faces += u64::from(is_face && object.is_some());
        if is_face && object.is_none() {
            plan.counts.faces_left += 1;
            progress.file();
            continue;
        }
        if !shape.dry {
            book.together(|book| {
                if let Some((object, _)) = &object {
                    book.put_object(object)?;
                }
                book.put_file(&file)
            })?;
        }
        progress.file();
        let Some((object, place)) = object else {
            plan.counts.problems += 1;
            plan.problems.push(file);
            continue;
        };
        if !seen.insert(object.name.clone()) {
            continue;
        }
        plan.counts.objects += 1;
        plan.counts.bytes += object.size;
        let stands = book.object(&object.name)?;
        if stands.as_ref().is_some_and(|object| object.state >= ObjectState::Completed) {
            if stands.is_some_and(|stands| stands.url != object.url) && !shape.dry {
                book.moved(&object.name, &object.url)?;
            }
            plan.counts.there += 1;
        } else if let Some(place) = place {
            plan.counts.open_bytes += object.size;
            plan.open.push((stands.unwrap_or(*object), place));
        }
    }
    Ok(plan)
}

enum Examined {
    There(Box<MediaObject>, Option<Place>),
    Not(&'static str, String),
}

async fn examine(
    want: &Want,
    shape: &Shape<'_>,
    fetch: Option<&Fetch>,
    known: &HashMap<(SourceNo, String), String>,
    book: &MediaBook,
    scratch: &Path,
) -> Result<Examined, JobError> {
    let source = shape.sources.get(&want.source).cloned().unwrap_or_default();
    let (key, path, name) = (want.key.clone(), want.path.clone(), want.name.clone());
    let found = match &want.written {
        Some(path) => Ok(Place::File(path.clone())),
        None => shape.places.find(&Wanted { source, key, path, name }),
    };
    let place = match found {
        Ok(place) => place,
        Err(PlaceError::Missing) if !want.url.is_empty() => {
            if let Some(object) = known.get(&(want.source, want.key.clone()))
                && let Some(object) = book.object(object)?
                && object.state >= ObjectState::Completed
            {
                let moved = MediaObject { url: (shape.url)(&object.name), ..object };
                return Ok(Examined::There(Box::new(moved), None));
            }
            let Some(fetch) = fetch else {
                return Ok(Examined::Not(
                    "missing",
                    "lies behind a link, which is fetched with --fetch".to_owned(),
                ));
            };
            match fetch.get(&want.url).await {
                Ok(path) => Place::File(path),
                Err(why) => return Ok(Examined::Not("missing", why)),
            }
        }
        Err(error) => return Ok(refused(&error)),
    };
    Ok(match measure(&place, scratch, shape.max_size) {
        Ok(Some((digest, look))) if digest.size > 0 => {
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
            Examined::There(Box::new(object), Some(place))
        }
        Ok(Some(_)) => Examined::Not("empty", "has no bytes".to_owned()),
        Ok(None) => Examined::Not("too-large", format!("has more than {} bytes", shape.max_size)),
        Err(error) => refused(&error),
    })
}

fn refused(error: &PlaceError) -> Examined {
    match error {
        PlaceError::Missing => Examined::Not("missing", error.to_string()),
        _ => Examined::Not("unreadable", error.to_string()),
    }
}

/// Reads a file once; `None`: it is too large.
fn measure(
    place: &Place,
    scratch: &Path,
    max_size: u64,
) -> Result<Option<(importer_media::Digest, Look)>, PlaceError> {
    // A sparse file of ten gigabytes costs nothing to make, and much to read.
    if let Place::File(path) = place
        && fs_err::metadata(path)?.len() > max_size
    {
        return Ok(None);
    }
    let mut bytes = place.open(scratch, max_size)?;
    let Some(digest) = importer_media::digest(&mut *bytes, PART, max_size)? else { return Ok(None) };
    let look = importer_media::look(&mut *bytes)?;
    Ok(Some((digest, look)))
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
