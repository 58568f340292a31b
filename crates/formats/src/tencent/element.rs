//! What each kind of element becomes.
#![expect(clippy::struct_field_names, reason = "called as in the JSON")]

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use super::super::compose::{Odd, Part, What};
use super::super::loose::{Number, Objects, Text, Texts};
use super::super::media::{self, Kind, Link, Medium, Reach, Resized};

/// What an element is.
pub(super) enum Made {
    Part(Part<'static>),
    /// Words that belong to the words beside them.
    Words(String),
    /// The app wrote it, not a user.
    System,
    /// "Is typing": never shown.
    Signal,
    /// A kind that was not there when this was learnt.
    Unknown(Part<'static>),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Words<'a> {
    #[serde(borrow, alias = "text")]
    text: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Face<'a> {
    #[serde(borrow, alias = "index")]
    index: Text<'a>,
    #[serde(borrow, alias = "data")]
    data: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Location<'a> {
    #[serde(borrow, alias = "desc")]
    desc: Text<'a>,
    #[serde(borrow, alias = "latitude")]
    latitude: Text<'a>,
    #[serde(borrow, alias = "longitude")]
    longitude: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Custom<'a> {
    #[serde(borrow, alias = "data")]
    data: Text<'a>,
    #[serde(borrow, alias = "desc")]
    desc: Text<'a>,
    #[serde(borrow, alias = "ext")]
    ext: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Images<'a> {
    /// 1 JPEG, 2 GIF, 3 PNG, 4 BMP, 255 unknown.
    #[serde(alias = "imageFormat")]
    image_format: Number,
    #[serde(borrow, alias = "imageInfoArray")]
    image_info_array: Objects<Image<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Image<'a> {
    /// 1 the original, 2 a large one, 3 the preview.
    #[serde(rename = "Type", alias = "type")]
    kind: Number,
    #[serde(alias = "size")]
    size: Number,
    #[serde(alias = "width")]
    width: Number,
    #[serde(alias = "height")]
    height: Number,
    #[serde(borrow, rename = "URL", alias = "Url", alias = "url")]
    url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Sound<'a> {
    #[serde(borrow, alias = "url")]
    url: Text<'a>,
    #[serde(borrow, rename = "UUID", alias = "uuid")]
    uuid: Text<'a>,
    #[serde(alias = "size")]
    size: Number,
    #[serde(alias = "second")]
    second: Number,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct File<'a> {
    #[serde(borrow, alias = "url")]
    url: Text<'a>,
    #[serde(borrow, rename = "UUID", alias = "uuid")]
    uuid: Text<'a>,
    #[serde(alias = "fileSize")]
    file_size: Number,
    #[serde(borrow, alias = "fileName")]
    file_name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Video<'a> {
    #[serde(borrow, alias = "videoUrl")]
    video_url: Text<'a>,
    #[serde(borrow, rename = "VideoUUID", alias = "videoUUID")]
    video_uuid: Text<'a>,
    #[serde(alias = "videoSize")]
    video_size: Number,
    #[serde(alias = "videoSecond")]
    video_second: Number,
    #[serde(borrow, alias = "videoFormat")]
    video_format: Text<'a>,
    #[serde(borrow, alias = "thumbUrl")]
    thumb_url: Text<'a>,
    #[serde(alias = "thumbSize")]
    thumb_size: Number,
    #[serde(alias = "thumbWidth")]
    thumb_width: Number,
    #[serde(alias = "thumbHeight")]
    thumb_height: Number,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Relay<'a> {
    #[serde(borrow, alias = "title")]
    title: Text<'a>,
    #[serde(alias = "msgNum")]
    msg_num: Number,
    #[serde(borrow, alias = "abstractList")]
    abstract_list: Texts<'a>,
    #[serde(borrow, alias = "compatibleText")]
    compatible_text: Text<'a>,
}

/// What an element of that type with that content becomes.
pub(super) fn make(kind: &str, content: &str) -> Result<Made, serde_json::Error> {
    Ok(match kind {
        "TIMTextElem" => Made::Words(serde_json::from_str::<Words<'_>>(content)?.text.0.into_owned()),
        "TIMFaceElem" => Made::Words(face(&serde_json::from_str(content)?)),
        "TIMLocationElem" => Made::Part(location(&serde_json::from_str(content)?)),
        "TIMCustomElem" => custom(&serde_json::from_str(content)?),
        "TIMImageElem" => Made::Part(Part::Medium(picture(&serde_json::from_str(content)?))),
        "TIMSoundElem" => {
            let sound: Sound<'_> = serde_json::from_str(content)?;
            let medium = Medium {
                size: sound.size.whole(),
                seconds: sound.second.whole(),
                ..medium(Kind::Voice, &sound.url.0, &sound.uuid.0)
            };
            Made::Part(Part::Medium(medium))
        }
        "TIMFileElem" => {
            let file: File<'_> = serde_json::from_str(content)?;
            let name = Cow::Owned(file.file_name.0.into_owned());
            let medium = Medium {
                name,
                size: file.file_size.whole(),
                ..medium(Kind::File, &file.url.0, &file.uuid.0)
            };
            Made::Part(Part::Medium(medium))
        }
        "TIMVideoFileElem" | "TIMVideoElem" => {
            Made::Part(Part::Medium(video(&serde_json::from_str(content)?)))
        }
        "TIMRelayElem" => Made::Part(relay(&serde_json::from_str(content)?)),
        kind if kind.starts_with("TIM") && SYSTEM.iter().any(|s| kind.contains(s)) => Made::System,
        kind => Made::Unknown(other(kind, content)?),
    })
}

/// In the names of elements that the service writes: `TIMGroupTipElem`, `TIMGroupSystemNoticeElem`,
/// `TIMProfileSystemElem`, `TIMFriendshipSystemElem`.
const SYSTEM: [&str; 4] = ["GroupTip", "System", "Profile", "SNSTips"];

fn face(face: &Face<'_>) -> String {
    // Apps keep the sign itself in `Data`: `[smile]`, `[tt0]`, or an emoji.
    match face.data.some() {
        Some(data) if data.starts_with('[') || !data.is_ascii() => data.to_owned(),
        _ => format!("[face {}]", face.index.0),
    }
}

fn location(at: &Location<'_>) -> Part<'static> {
    let (desc, latitude, longitude) = (&at.desc.0, &at.latitude.0, &at.longitude.0);
    let name = if desc.is_empty() { String::new() } else { format!("{desc} ") };
    Part::Special(Odd {
        what: What::Location,
        text: Cow::Owned(format!("[location] {name}{latitude}, {longitude}")),
        data: json!({ "name": desc, "latitude": latitude, "longitude": longitude }),
    })
}

fn custom(custom: &Custom<'_>) -> Made {
    // What clients say to each other while somebody types.
    if custom.data.0.contains("\"user_typing_status\"") {
        return Made::Signal;
    }
    if custom.data.is_empty() {
        return Made::Words(custom.desc.0.to_string());
    }
    let parts = [&custom.data, &custom.desc, &custom.ext].map(|t| Cow::Owned(t.0.to_string()));
    Made::Part(Part::Custom(parts))
}

fn picture(images: &Images<'_>) -> Medium<'static> {
    let of_kind =
        |kind: u64| images.image_info_array.0.iter().find(|i| i.kind.whole() == kind && !i.url.is_empty());
    // Where the original is not kept, the largest there is stands for it.
    let Some(source) = of_kind(1).or_else(|| of_kind(2)).or_else(|| of_kind(3)) else {
        return Medium { kind: Kind::Picture, ..Medium::default() };
    };
    let resized = |image: &Image<'_>| Resized {
        url: Cow::Owned(image.url.0.to_string()),
        size: image.size.whole(),
        width: image.width.whole(),
        height: image.height.whole(),
    };
    let mime = match images.image_format.whole() {
        1 => "image/jpeg",
        2 => "image/gif",
        3 => "image/png",
        4 => "image/bmp",
        _ => "",
    };
    Medium {
        mime: Cow::Borrowed(mime),
        size: source.size.whole(),
        width: source.width.whole(),
        height: source.height.whole(),
        big: of_kind(2).map(resized),
        preview: of_kind(3).map(resized),
        ..medium(Kind::Picture, &source.url.0, "")
    }
}

fn video(video: &Video<'_>) -> Medium<'static> {
    let preview = Resized {
        url: Cow::Owned(video.thumb_url.0.to_string()),
        size: video.thumb_size.whole(),
        width: video.thumb_width.whole(),
        height: video.thumb_height.whole(),
    };
    let mime = match &*video.video_format.0 {
        "" => String::new(),
        format => format!("video/{}", format.to_ascii_lowercase()),
    };
    Medium {
        mime: Cow::Owned(mime),
        size: video.video_size.whole(),
        seconds: video.video_second.whole(),
        width: video.thumb_width.whole(),
        height: video.thumb_height.whole(),
        preview: Some(preview).filter(|p| media::is_link(&p.url)),
        ..medium(Kind::Video, &video.video_url.0, &video.video_uuid.0)
    }
}

fn relay(relay: &Relay<'_>) -> Part<'static> {
    let title = relay.title.or(&relay.compatible_text.0);
    let mut text = format!("[merged] {title}");
    for line in &relay.abstract_list.0 {
        text.push('\n');
        text += line;
    }
    let data = json!({ "title": title, "count": relay.msg_num.whole(), "lines": relay.abstract_list.0 });
    Part::Special(Odd { what: What::Merged, text: Cow::Owned(text), data })
}

fn other(kind: &str, content: &str) -> Result<Part<'static>, serde_json::Error> {
    let content: serde_json::Value = serde_json::from_str(content)?;
    let data = json!({ "type": kind, "content": content });
    Ok(Part::Special(Odd { what: What::Other, text: Cow::Owned(format!("[{kind}]")), data }))
}

/// A medium in Tencent's store. Its links last as long as the account, and are signed in some.
fn medium(kind: Kind, url: &str, uuid: &str) -> Medium<'static> {
    let key = if uuid.is_empty() { media::bare(url) } else { uuid };
    let link = media::is_link(url).then(|| Link { url: Cow::Owned(url.to_owned()), reach: Reach::Expires });
    Medium { kind, key: Cow::Owned(key.to_owned()), link, ..Medium::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(kind: &str, content: &str) -> String {
        match make(kind, content).unwrap() {
            Made::Words(words) => words,
            Made::Part(Part::Special(odd)) | Made::Unknown(Part::Special(odd)) => odd.text.into_owned(),
            Made::System => "system".to_owned(),
            Made::Signal => "signal".to_owned(),
            Made::Part(part) | Made::Unknown(part) => format!("{part:?}"),
        }
    }

    #[test]
    fn kinds_become_words() {
        let cases = [
            ("TIMTextElem", r#"{"Text":"hi"}"#, "hi"),
            ("TIMFaceElem", r#"{"Index":3,"Data":"content"}"#, "[face 3]"),
            ("TIMFaceElem", r#"{"Index":3,"Data":"[tt00]"}"#, "[tt00]"),
            (
                "TIMLocationElem",
                r#"{"Desc":"office","Latitude":29.34,"Longitude":-116.2}"#,
                "[location] office 29.34, -116.2",
            ),
            ("TIMCustomElem", r#"{"Data":"","Desc":"said"}"#, "said"),
            ("TIMCustomElem", r#"{"Data":"{\"businessID\":\"user_typing_status\"}"}"#, "signal"),
            (
                "TIMRelayElem",
                r#"{"Title":"Chat","MsgNum":2,"AbstractList":["a: 1","b: 2"]}"#,
                "[merged] Chat\na: 1\nb: 2",
            ),
            ("TIMGroupTipElem", "{}", "system"),
            ("TIMGroupSystemNoticeElem", "{}", "system"),
            ("TIMNewElem", r#"{"a":1}"#, "[TIMNewElem]"),
        ];
        for (kind, content, expected) in cases {
            assert_eq!(words(kind, content), expected, "{kind} {content}");
        }
    }

    #[test]
    fn the_largest_picture_stands_for_a_lost_original() {
        let images: Images<'_> = serde_json::from_str(
            r#"{"ImageFormat":1,"ImageInfoArray":[{"Type":3,"URL":"https://t","Width":1,"Height":1},{"Type":2,"URL":"https://b","Width":2,"Height":2}]}"#,
        )
        .unwrap();
        let medium = picture(&images);
        assert_eq!((&*medium.link.unwrap().url, medium.width, &*medium.mime), ("https://b", 2, "image/jpeg"));
    }
}
