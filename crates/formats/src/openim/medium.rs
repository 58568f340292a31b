//! Media of OpenIM: links that lead to the old server, and what the server demands.

use std::borrow::Cow;

use super::super::codes;
use super::super::compose::Part;
use super::super::content::Content;
use super::super::media::{self, Kind, Link, Medium, Reach, Resized};
use super::super::node::Node;
use super::super::ordinary::{Tools, last};
use crate::finding::Finding;
use crate::mapping::{Sink, Upload};
use crate::message::{ContentType, Place};

/// Members that name a file on the phone of who sent it.
const ON_THE_PHONE: [&str; 5] = ["sourcePath", "soundPath", "videoPath", "snapshotPath", "filePath"];

/// A picture, recording, video or file: as it is, but for links that have new places and paths on a phone. One that lacks
/// what the server demands of who sends over HTTP, which apps need not have (a recording of no second, a picture without
/// measures), goes as a medium of any other export does, by `incomplete` of `[media]`.
pub(super) fn medium<'a>(
    kind: i64,
    text: &'a str,
    content: &Node<'_>,
    place: Place,
    tools: &Tools,
    sink: &mut dyn Sink,
) -> Option<Part<'a>> {
    let (media_kind, at): (Kind, &[&str]) = match kind {
        102 => (Kind::Picture, &["sourcePicture", "url"]),
        103 => (Kind::Voice, &["sourceUrl"]),
        104 => (Kind::Video, &["videoUrl"]),
        _ => (Kind::File, &["sourceUrl"]),
    };
    let url = content.at(at).text();
    let is_whole = is_whole(kind, content);
    let mut value = None;
    let mut moved = false;
    if ON_THE_PHONE.iter().any(|key| !content.get(key).is_empty()) {
        let value = value.get_or_insert_with(|| content.value());
        for key in ON_THE_PHONE.iter().filter(|key| !content.get(key).is_empty()) {
            value[*key] = "".into();
        }
    }
    if tools.composer.moves_media() {
        let value = value.get_or_insert_with(|| content.value());
        moved = relink(value, &|url| tools.composer.moved(url));
    }
    if !moved && media::is_link(&url) {
        let bare = media::bare(&url);
        sink.finding(Finding::new(&codes::MEDIA_OLD_SERVER, place, bare));
        let name = content.any(&["fileName"]).text();
        let name = if name.is_empty() { Cow::Borrowed(last(bare)) } else { name };
        let size =
            [content.at(&["sourcePicture", "size"]), content.any(&["dataSize", "videoSize", "fileSize"])];
        let size = size.iter().map(|n| n.size()).max().unwrap_or(0);
        sink.upload(Upload {
            key: bare,
            name: &name,
            kind: media_kind.word(),
            size,
            link: bare,
            url: &url,
            path: "",
            inline: "",
            snapshot: "",
            source: place.source,
        });
    }
    if !is_whole {
        return Some(Part::Medium(known(media_kind, &url, content, tools)));
    }
    let json = value.map_or_else(|| text.to_owned(), |value| value.to_string());
    Some(Part::Ready(Content { kind: ContentType::from_code(i32::try_from(kind).ok()?)?, json }))
}

/// Whether the content has what `send_msg` demands.
fn is_whole(kind: i64, content: &Node<'_>) -> bool {
    let texts = |of: &Node<'_>, keys: &[&str]| keys.iter().all(|key| !of.str(key).is_empty());
    let numbers =
        |of: &Node<'_>, keys: &[&str]| keys.iter().all(|key| of.get(key).int().is_some_and(|n| n > 0));
    match kind {
        102 => ["sourcePicture", "bigPicture", "snapshotPicture"].iter().all(|key| {
            let picture = content.get(key);
            texts(picture, &["url", "type"]) && numbers(picture, &["width", "height"])
        }),
        103 => texts(content, &["sourceUrl"]) && numbers(content, &["duration"]),
        104 => {
            texts(content, &["videoUrl", "videoType", "snapshotUrl"])
                && numbers(content, &["videoSize", "duration", "snapshotWidth", "snapshotHeight"])
        }
        _ => texts(content, &["sourceUrl", "fileName"]) && numbers(content, &["fileSize"]),
    }
}

/// What is known of a medium.
fn known<'a>(kind: Kind, url: &str, content: &Node<'_>, tools: &Tools) -> Medium<'a> {
    let own = |text: &str| -> Cow<'a, str> { Cow::Owned(text.to_owned()) };
    let moved = |url: &str| own(&tools.composer.moved(url).unwrap_or_else(|| url.to_owned()));
    let picture = content.any(&["sourcePicture", "bigPicture", "snapshotPicture"]);
    let url = if url.is_empty() { picture.str("url") } else { url.into() };
    let preview = content.str("snapshotUrl");
    let number = |keys: &[&str]| content.any(keys).size();
    Medium {
        kind,
        key: own(media::bare(&url)),
        link: media::is_link(&url).then(|| Link { url: moved(&url), reach: Reach::Open }),
        name: own(&content.str("fileName")),
        mime: own(&content.any(&["videoType", "soundType", "fileType"]).text()),
        size: number(&["dataSize", "videoSize", "fileSize"]).max(picture.get("size").size()),
        width: picture.get("width").size(),
        height: picture.get("height").size(),
        seconds: number(&["duration"]),
        preview: media::is_link(&preview).then(|| Resized {
            url: moved(&preview),
            size: number(&["snapshotSize"]),
            width: number(&["snapshotWidth"]),
            height: number(&["snapshotHeight"]),
        }),
        ..Medium::default()
    }
}

/// Puts new links into the place of old ones; whether there was any.
fn relink(value: &mut serde_json::Value, moved: &dyn Fn(&str) -> Option<String>) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) if media::is_link(text) => moved(text).is_some_and(|new| {
            *text = new;
            true
        }),
        Value::Object(members) => members.values_mut().fold(false, |any, member| relink(member, moved) | any),
        _ => false,
    }
}
