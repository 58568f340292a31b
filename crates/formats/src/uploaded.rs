//! What became of the files of messages when they were uploaded: their addresses, and their true measures, read off
//! their bytes.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::codes;
use super::content::{Content, Picture, Video};
use super::media::{Kind, Medium};
use crate::finding::Code;
use crate::message::SourceNo;

/// What became of the files, by source and by what the export calls them. Held in memory, some 300 bytes a file.
#[derive(Debug, Default)]
pub struct Uploaded {
    rows: HashMap<String, Outcome>,
    sum: u64,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is there.
    There(File),
    /// It is not, and why.
    Not(Problem),
}

/// A file that everybody can open. 0 stands for what its bytes don't tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its address.
    pub url: String,
    /// By its bytes.
    pub mime: String,
    /// Bytes.
    pub size: u64,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
    /// Rounded up.
    pub seconds: u64,
}

/// Why a file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Neither in the export nor behind a link that was fetched.
    Missing,
    /// It has no bytes: the server takes no such file.
    Empty,
    /// More than `max_size`.
    TooLarge,
    /// It can't be read, leads out of the export, or changed while it was read.
    Unreadable,
    /// The server did not take it.
    Refused,
}

impl Problem {
    /// The finding for it.
    fn code(self) -> &'static Code {
        match self {
            Self::Missing => &codes::MEDIA_MISSING,
            Self::Empty => &codes::MEDIA_EMPTY,
            Self::TooLarge => &codes::MEDIA_TOO_LARGE,
            Self::Unreadable => &codes::MEDIA_UNREADABLE,
            Self::Refused => &codes::MEDIA_REFUSED,
        }
    }
}

impl Uploaded {
    /// Adds what became of a file.
    pub fn add(&mut self, source: SourceNo, key: &str, outcome: Outcome) {
        self.sum = xxh3_64_with_seed(format!("{source:?} {key} {outcome:?}").as_bytes(), self.sum);
        // What lies behind a link is the same whoever names it.
        self.rows.entry(key.to_owned()).or_insert_with(|| outcome.clone());
        self.rows.insert(exact(source, key), outcome);
    }

    /// Whether nothing was uploaded.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Tells one state of it from another.
    pub fn fingerprint(&self) -> u64 {
        self.sum
    }

    /// Whether a source of any number has a file that is called so.
    pub fn has(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// `linked`: the export has a link to it, and what it is called is the service's own id or the link itself. Paths and
    /// names are those of one export alone: two chats of WhatsApp have an `IMG-20240301-WA0001.jpg` each.
    pub(super) fn find(&self, source: SourceNo, key: &str, linked: bool) -> Option<&Outcome> {
        if self.rows.is_empty() || key.is_empty() {
            return None;
        }
        self.rows.get(&exact(source, key)).or_else(|| self.rows.get(key).filter(|_| linked))
    }
}

/// Chats exported one by one have files of the same name.
fn exact(source: SourceNo, key: &str) -> String {
    format!("{}\n{key}", source.0)
}

/// Larger pictures have no smaller copy on the server, bytes.
const LARGEST_COPIED: u64 = 50 << 20;
/// Pixels of the copy that lists show.
const COPY: u64 = 640;

/// The message of a file that is there.
pub(super) fn content(
    medium: &Medium<'_>,
    file: &File,
    snapshot: Option<&File>,
    codes: &mut Vec<&'static Code>,
) -> Content {
    let or = |a: u64, b: u64| if a > 0 { a } else { b };
    let seconds = or(file.seconds, medium.seconds);
    let as_file = || Content::file(&file.url, name_of(medium), file.size);
    match medium.kind {
        // What the server makes no copy of, its apps don't show either.
        Kind::Picture if file.width > 0 && file.height > 0 && file.mime != "image/heic" => {
            let source = Picture {
                kind: &file.mime,
                size: file.size,
                width: file.width,
                height: file.height,
                url: &file.url,
            };
            let has_copies = matches!(&*file.mime, "image/png" | "image/jpeg" | "image/gif" | "image/webp");
            let url = format!("{}?type=image&width={COPY}&height={COPY}", file.url);
            let (width, height) = within(file.width, file.height);
            let copy = if has_copies && file.size <= LARGEST_COPIED {
                Picture { kind: "image/png", size: 0, width, height, url: &url }
            } else {
                source
            };
            Content::picture(&source, &source, &copy)
        }
        Kind::Voice if seconds > 0 => Content::voice(&file.url, file.size, seconds),
        Kind::Video => match snapshot {
            Some(still) if seconds > 0 && still.width > 0 && still.height > 0 => Content::video(&Video {
                video_url: &file.url,
                video_type: &file.mime,
                video_size: file.size,
                duration: seconds,
                snapshot_url: &still.url,
                snapshot_size: still.size,
                snapshot_width: still.width,
                snapshot_height: still.height,
            }),
            _ => {
                codes.push(&codes::VIDEO_AS_FILE);
                as_file()
            }
        },
        Kind::Picture | Kind::Voice => {
            codes.push(&codes::MEDIA_AS_FILE);
            as_file()
        }
        Kind::File | Kind::Any => as_file(),
    }
}

/// In proportion, and never larger than it is.
fn within(width: u64, height: u64) -> (u64, u64) {
    if width <= COPY && height <= COPY {
        return (width, height);
    }
    if width >= height {
        (COPY, (height * COPY / width).max(1))
    } else {
        ((width * COPY / height).max(1), COPY)
    }
}

fn name_of<'a>(medium: &'a Medium<'_>) -> &'a str {
    let last = |path: &'a str| path.rsplit('/').next().unwrap_or(path);
    [&*medium.name, last(&medium.path), last(&medium.key)]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or("file")
}

/// What is said of a file that is not there.
pub(super) fn told(problem: Problem) -> &'static Code {
    problem.code()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ContentType;

    fn medium(kind: Kind) -> Medium<'static> {
        Medium { kind, key: "a/b.bin".into(), path: "a/b.bin".into(), ..Medium::default() }
    }

    fn file(mime: &str) -> File {
        let (url, mime) = ("https://x/object/import/1".to_owned(), mime.to_owned());
        File { url, mime, size: 900, width: 1280, height: 320, seconds: 3 }
    }

    fn made(
        kind: Kind,
        file: &File,
        still: Option<&File>,
    ) -> (ContentType, serde_json::Value, Vec<&'static str>) {
        let mut codes = Vec::new();
        let content = content(&medium(kind), file, still, &mut codes);
        (
            content.kind,
            serde_json::from_str(&content.json).unwrap(),
            codes.iter().map(|code| code.name).collect(),
        )
    }

    #[test]
    fn each_kind_has_its_measures_from_the_file() {
        let (kind, json, codes) = made(Kind::Picture, &file("image/png"), None);
        assert_eq!((kind, codes.len()), (ContentType::Picture, 0));
        assert_eq!(json["sourcePicture"]["width"], 1280);
        assert_eq!(
            json["snapshotPicture"]["url"],
            "https://x/object/import/1?type=image&width=640&height=640"
        );
        assert_eq!(
            (&json["snapshotPicture"]["width"], &json["snapshotPicture"]["height"]),
            (&640.into(), &160.into())
        );
        let (kind, json, _) = made(Kind::Voice, &file("audio/ogg"), None);
        assert_eq!(
            (kind, &json["duration"], &json["dataSize"]),
            (ContentType::Voice, &3.into(), &900.into())
        );
        let still = File { url: "https://x/object/import/2".to_owned(), ..file("image/png") };
        let (kind, json, _) = made(Kind::Video, &file("video/mp4"), Some(&still));
        assert_eq!((kind, &json["snapshotUrl"]), (ContentType::Video, &"https://x/object/import/2".into()));
    }

    #[test]
    fn what_the_bytes_do_not_tell_goes_as_a_file() {
        let bare = File { width: 0, height: 0, seconds: 0, ..file("application/octet-stream") };
        for (kind, code) in
            [(Kind::Picture, "media-as-file"), (Kind::Voice, "media-as-file"), (Kind::Video, "video-as-file")]
        {
            let (made, json, codes) = made(kind, &bare, None);
            assert_eq!((made, codes), (ContentType::File, vec![code]));
            assert_eq!((&json["fileName"], &json["fileSize"]), (&"b.bin".into(), &900.into()));
        }
        assert_eq!(made(Kind::Picture, &file("image/heic"), None).0, ContentType::File);
    }

    #[test]
    fn files_of_the_same_name_are_told_apart_by_their_source() {
        let mut uploaded = Uploaded::default();
        let there = |url: &str| Outcome::There(File { url: url.to_owned(), ..file("image/png") });
        uploaded.add(SourceNo(0), "a.jpg", there("first"));
        let one = uploaded.fingerprint();
        uploaded.add(SourceNo(1), "a.jpg", there("second"));
        assert_ne!(one, uploaded.fingerprint());
        let url = |source, linked| match uploaded.find(SourceNo(source), "a.jpg", linked) {
            Some(Outcome::There(file)) => Some(&*file.url),
            _ => None,
        };
        assert_eq!(
            (url(0, false), url(1, false), url(1, true)),
            (Some("first"), Some("second"), Some("second"))
        );
        assert_eq!((url(7, false), url(7, true)), (None, Some("first")));
    }
}
