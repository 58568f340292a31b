//! Pictures, recordings, videos and files: which link they get, and what becomes of incomplete ones.

use std::borrow::Cow;

use serde_json::json;

use super::codes;
use super::content::{Content, Picture, Video};
use super::settings::{Incomplete, Media as Settings, WithoutLink};
use super::table::{Row, Table};
use crate::finding::Code;

/// A medium as the export tells of it. 0 and empty stand for what it does not tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Medium<'a> {
    pub(super) kind: Kind,
    /// How the list of uploads and the table call it: its path in the export or the service's id for it.
    pub(super) key: Cow<'a, str>,
    /// Its path in the export, where the export has the file or should have it.
    pub(super) path: Cow<'a, str>,
    pub(super) link: Option<Link<'a>>,
    pub(super) name: Cow<'a, str>,
    /// `image/png`, or only what is known of it: `png`.
    pub(super) mime: Cow<'a, str>,
    /// Bytes.
    pub(super) size: u64,
    /// Pixels.
    pub(super) width: u64,
    /// Pixels.
    pub(super) height: u64,
    /// Rounded up: a second at least, if the export tells anything.
    pub(super) seconds: u64,
    /// A smaller copy of a picture to look at.
    pub(super) big: Option<Resized<'a>>,
    /// The preview of a picture or video.
    pub(super) preview: Option<Resized<'a>>,
    /// The path of a picture in the export that stands for a video.
    pub(super) still: Cow<'a, str>,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    Picture,
    Voice,
    Video,
    #[default]
    File,
    /// The export tells no more than that there was something.
    Any,
}

/// A link from the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link<'a> {
    pub(super) url: Cow<'a, str>,
    pub(super) reach: Reach,
}

/// Who can open a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everybody, as far as we know.
    Open,
    /// Everybody, for a while.
    Expires,
    /// Who has a token. Such a link is neither sent nor shown with its query.
    Secret,
}

/// Another size of a picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Resized<'a> {
    pub(super) url: Cow<'a, str>,
    pub(super) size: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// What became of a medium.
#[derive(Debug)]
pub(super) struct Outcome {
    /// `None`: it is left out by the settings.
    pub(super) content: Option<Content>,
    /// What is worth knowing about it.
    pub(super) codes: Vec<&'static Code>,
    /// Whether somebody should fetch the file and put it elsewhere.
    pub(super) upload: bool,
    /// Whether its link is its path below the base address.
    pub(super) based: bool,
}

impl Kind {
    /// The word for it in texts and in the list of uploads.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::File => "file",
            Self::Any => "media",
        }
    }

    /// By MIME type, or else by the ending of the name. Audio is a file here: only what was recorded in a
    /// chat is a voice message.
    pub(super) fn of(mime: &str, name: &str) -> Self {
        let mime = if mime.contains('/') { mime } else { mime_by_name(name) };
        match mime.split('/').next() {
            // What no client shows as a picture goes as a file.
            Some("image")
                if !mime.contains("photoshop") && !mime.contains("svg") && !mime.contains("tiff") =>
            {
                Self::Picture
            }
            Some("video") => Self::Video,
            _ => Self::File,
        }
    }
}

/// MIME type by the ending of a name; empty where we don't know.
pub(super) fn mime_by_name(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
    match ending.as_str() {
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "heic" => "image/heic",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "3gp" => "video/3gpp",
        "mkv" => "video/x-matroska",
        "avi" => "video/x-msvideo",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "ogg" | "oga" => "audio/ogg",
        "opus" => "audio/opus",
        "amr" => "audio/amr",
        "wav" => "audio/wav",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "txt" => "text/plain",
        _ => "",
    }
}

/// A link without what stands behind `?` or `#`: that may hold a token, and is never shown.
pub(super) fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Whether this is a link at all, and not a path.
pub(super) fn is_link(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Gives a medium its link and makes the message of it.
pub(super) fn resolve(medium: &Medium<'_>, settings: &Settings, table: &Table, root: &str) -> Outcome {
    let mut codes = Vec::new();
    let row = table.row(&medium.key, root).or_else(|| table.row(&medium.path, root)).or_else(|| {
        let link = medium.link.as_ref()?;
        table.row(&link.url, "").or_else(|| table.row(bare(&link.url), ""))
    });
    let based = row.is_none() && settings.base_url.is_some() && !medium.path.is_empty();
    let (url, upload) = match (&row, &settings.base_url, &medium.link) {
        (Some(row), _, _) => (Some(Cow::Borrowed(row.url)), false),
        (None, Some(base), _) if !medium.path.is_empty() => {
            (Some(Cow::Owned(join(base, &medium.path))), false)
        }
        (None, _, Some(link)) => match link.reach {
            Reach::Open => (Some(Cow::Borrowed(&*link.url)), false),
            Reach::Expires => {
                codes.push(&codes::MEDIA_EXPIRES);
                (Some(Cow::Borrowed(&*link.url)), true)
            }
            Reach::Secret => {
                codes.push(&codes::MEDIA_SECRET);
                (None, true)
            }
        },
        (None, _, None) if !medium.path.is_empty() => {
            codes.push(&codes::MEDIA_LOCAL);
            (None, true)
        }
        (None, _, None) => {
            codes.push(&codes::MEDIA_ABSENT);
            (None, false)
        }
    };
    let content = match url {
        Some(url) => linked(medium, &url, row.unwrap_or_default(), settings, &mut codes),
        None => match settings.without_link {
            WithoutLink::Text => Some(Content::text(&words(medium, ""))),
            WithoutLink::Custom => Some(custom(medium, "")),
            WithoutLink::Skip => None,
        },
    };
    Outcome { content, codes, upload, based }
}

/// The message for a medium that has a link.
fn linked(
    medium: &Medium<'_>,
    url: &str,
    row: Row<'_>,
    settings: &Settings,
    codes: &mut Vec<&'static Code>,
) -> Option<Content> {
    let first = |a: u64, b: u64| if a > 0 { a } else { b };
    let stand_in = &settings.placeholder;
    let size = first(row.size, medium.size);
    let (width, height) = (first(row.width, medium.width), first(row.height, medium.height));
    let seconds = first(row.duration, medium.seconds);
    let preview = medium.preview.clone().unwrap_or_default();
    let preview = Resized {
        width: first(preview.width, width),
        height: first(preview.height, height),
        url: match (row.thumb_url, &*preview.url, &stand_in.preview) {
            (Some(url), _, _) => Cow::Borrowed(url),
            (None, "", Some(url)) => Cow::Borrowed(url.as_str()),
            (None, _, _) => preview.url.clone(),
        },
        ..preview
    };
    let mut kind = medium.kind;
    if kind == Kind::Video && preview.url.is_empty() && settings.incomplete == Incomplete::Placeholder {
        codes.push(&codes::VIDEO_AS_FILE);
        kind = Kind::File;
    }
    let complete = match kind {
        Kind::Picture => width > 0 && height > 0,
        Kind::Voice => seconds > 0,
        Kind::Video => {
            size > 0 && seconds > 0 && !preview.url.is_empty() && preview.width > 0 && preview.height > 0
        }
        Kind::File | Kind::Any => size > 0,
    };
    if !complete {
        codes.push(&codes::MEDIA_INCOMPLETE);
        match settings.incomplete {
            Incomplete::Placeholder => {}
            Incomplete::Text => return Some(Content::text(&words(medium, url))),
            Incomplete::Custom => return Some(custom(medium, url)),
            Incomplete::Skip => return None,
        }
    }
    let (width, height) = (first(width, stand_in.width.get()), first(height, stand_in.height.get()));
    let mime = match &*medium.mime {
        "" => mime_by_name(if medium.name.is_empty() { bare(url) } else { &medium.name }),
        mime => mime,
    };
    Some(match kind {
        Kind::Picture => {
            let mime = if mime.is_empty() { "image" } else { mime };
            let source = Picture { kind: mime, size, width, height, url };
            let big = medium.big.as_ref().map_or(source, |big| resized(big, source));
            Content::picture(&source, &big, &resized(&preview, source))
        }
        Kind::Voice => Content::voice(url, size, first(seconds, stand_in.duration.get())),
        Kind::Video => Content::video(&Video {
            video_url: url,
            video_type: if mime.is_empty() { "video" } else { mime },
            video_size: first(size, stand_in.size.get()),
            duration: first(seconds, stand_in.duration.get()),
            snapshot_url: &preview.url,
            snapshot_size: preview.size,
            snapshot_width: first(preview.width, stand_in.width.get()),
            snapshot_height: first(preview.height, stand_in.height.get()),
        }),
        Kind::File | Kind::Any => {
            Content::file(url, file_name(medium, url), first(size, stand_in.size.get()))
        }
    })
}

/// Another size of a picture. One without its measures is of no use: the picture itself is.
fn resized<'a>(copy: &'a Resized<'_>, source: Picture<'a>) -> Picture<'a> {
    if copy.url.is_empty() || copy.width == 0 || copy.height == 0 {
        return source;
    }
    Picture { kind: source.kind, size: copy.size, width: copy.width, height: copy.height, url: &copy.url }
}

/// What stands in a text for a medium: `[picture] cat.jpg https://…`.
fn words(medium: &Medium<'_>, url: &str) -> String {
    let name = if medium.name.is_empty() && url.is_empty() { last(&medium.path) } else { &medium.name };
    let mut text = format!("[{}]", medium.kind.word());
    for part in [name, url] {
        if !part.is_empty() {
            text.push(' ');
            text.push_str(part);
        }
    }
    text
}

/// All that is known about a medium, for clients that know what to do with it.
fn custom(medium: &Medium<'_>, url: &str) -> Content {
    let mut data = json!({ "type": medium.kind.word() });
    let texts = [
        ("name", &*medium.name),
        ("key", &medium.key),
        ("path", &medium.path),
        ("mime", &medium.mime),
        ("url", url),
    ];
    for (key, value) in texts.into_iter().filter(|(_, v)| !v.is_empty()) {
        data[key] = json!(value);
    }
    let numbers = [
        ("size", medium.size),
        ("width", medium.width),
        ("height", medium.height),
        ("seconds", medium.seconds),
    ];
    for (key, value) in numbers.into_iter().filter(|(_, v)| *v > 0) {
        data[key] = json!(value);
    }
    Content::custom(&data.to_string(), &words(medium, ""), "")
}

fn file_name<'a>(medium: &'a Medium<'_>, url: &'a str) -> &'a str {
    [&*medium.name, last(&medium.path), last(bare(url))].into_iter().find(|n| !n.is_empty()).unwrap_or("file")
}

pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path behind a base URL. Signs that mean something in a URL are escaped, `/` stays.
fn join(base: &str, path: &str) -> String {
    let mut url = base.trim_end_matches('/').to_owned();
    url.push('/');
    for byte in path.trim_start_matches("./").trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            url.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            url.push('%');
            url.push(char::from(HEX[usize::from(byte >> 4)]));
            url.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    url
}

#[cfg(test)]
mod tests;
