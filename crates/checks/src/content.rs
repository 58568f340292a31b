//! `content` by type: the contract's table 2.

use super::codes;
use super::surrogates;
use super::walk::{Field, Kind, Seen, walk};
use crate::finding::Code;
use crate::message::ContentType;

/// Says what is wrong with the content of that type.
pub(super) fn examine(kind: ContentType, content: &str, say: &mut dyn FnMut(&'static Code, String)) {
    if kind == ContentType::Text && is_plain_text(content) {
        return;
    }
    let seen = match walk(content, fields(kind)) {
        Ok(seen) => seen,
        // Seldom: so the replacing is only tried where the parser stumbled.
        Err(error) => match surrogates::replaced(content).map(|text| walk(&text, fields(kind))) {
            Some(Ok(seen)) => {
                say(&codes::TEXT_CHANGED, content.to_owned());
                Seen { damaged: false, ..seen }
            }
            _ => return say(&codes::CONTENT_NOT_OBJECT, format!("{content} ({error})")),
        },
    };
    for field in seen.missing {
        say(&codes::CONTENT_FIELD_MISSING, format!("{field} of contentType {}", kind.code()));
    }
    for field in seen.wrong {
        say(&codes::CONTENT_FIELD_TYPE, format!("{field} of contentType {}", kind.code()));
    }
    if seen.longest_list > MOST_MENTIONS {
        say(&codes::MENTIONS_TOO_MANY, seen.longest_list.to_string());
    }
    if let Some(number) = seen.big {
        say(&codes::BIG_INTEGER, number);
    }
    if seen.damaged {
        say(&codes::TEXT_DAMAGED, content.to_owned());
    }
}

/// Table 2: `atUserList` ≤ 1000.
const MOST_MENTIONS: usize = 1000;

/// Most messages are `{"content":"…"}` without an escape: nothing can be wrong with these, and the parser
/// need not be asked. Measured: 0.02 µs instead of 0.2 µs for 150 characters.
fn is_plain_text(content: &str) -> bool {
    let Some(text) = content.strip_prefix(r#"{"content":""#).and_then(|rest| rest.strip_suffix(r#""}"#))
    else {
        return false;
    };
    // One pass without a branch, which the compiler turns into vector instructions. 0xef begins U+FFFD (and
    // some Chinese punctuation).
    let (special, maybe_damaged) = text.bytes().fold((0, 0), |(special, damaged), b| {
        (
            special | u8::from(b < 0x20) | u8::from(b == b'"') | u8::from(b == b'\\'),
            damaged | u8::from(b == 0xef),
        )
    });
    let damaged = || maybe_damaged != 0 && text.contains('\u{fffd}');
    !(text.is_empty() || special != 0 || damaged())
}

const fn text(name: &'static str) -> Field {
    Field { name, kind: Kind::Text, needed: false }
}

const fn int32(name: &'static str) -> Field {
    Field { name, kind: Kind::Int32, needed: false }
}

const fn int64(name: &'static str) -> Field {
    Field { name, kind: Kind::Int64, needed: false }
}

const fn needed(field: Field) -> Field {
    Field { needed: true, ..field }
}

const PICTURE: &[Field] = &[
    text("uuid"),
    needed(text("type")),
    int64("size"),
    needed(int32("width")),
    needed(int32("height")),
    needed(text("url")),
];

const fn picture(name: &'static str) -> Field {
    Field { name, kind: Kind::Object(PICTURE), needed: true }
}

/// What the server decodes of a quoted message.
const QUOTED: &[Field] = &[
    text("clientMsgID"),
    text("serverMsgID"),
    text("sendID"),
    text("recvID"),
    text("groupID"),
    text("senderNickname"),
    text("senderFaceURL"),
    int32("senderPlatformID"),
    int32("sessionType"),
    int32("contentType"),
    text("content"),
    int64("seq"),
    int64("sendTime"),
    int64("createTime"),
    int32("status"),
];

fn fields(kind: ContentType) -> &'static [Field] {
    match kind {
        ContentType::Text | ContentType::Markdown => const { &[needed(text("content"))] },
        ContentType::Picture => {
            const {
                &[
                    text("sourcePath"),
                    picture("sourcePicture"),
                    picture("bigPicture"),
                    picture("snapshotPicture"),
                ]
            }
        }
        ContentType::Voice => {
            const {
                &[
                    text("uuid"),
                    text("soundPath"),
                    needed(text("sourceUrl")),
                    int64("dataSize"),
                    needed(int64("duration")),
                ]
            }
        }
        ContentType::Video => {
            const {
                &[
                    text("videoPath"),
                    text("videoUUID"),
                    needed(text("videoUrl")),
                    needed(text("videoType")),
                    needed(int64("videoSize")),
                    needed(int64("duration")),
                    text("snapshotPath"),
                    text("snapshotUUID"),
                    int64("snapshotSize"),
                    needed(text("snapshotUrl")),
                    needed(int32("snapshotWidth")),
                    needed(int32("snapshotHeight")),
                ]
            }
        }
        ContentType::File => {
            const {
                &[
                    text("filePath"),
                    text("uuid"),
                    needed(text("sourceUrl")),
                    needed(text("fileName")),
                    needed(int64("fileSize")),
                ]
            }
        }
        ContentType::At => {
            const {
                &[
                    text("text"),
                    Field { name: "atUserList", kind: Kind::Texts, needed: true },
                    Field { name: "isAtSelf", kind: Kind::Flag, needed: false },
                ]
            }
        }
        ContentType::Custom => const { &[needed(text("data")), text("description"), text("extension")] },
        ContentType::Quote => {
            const { &[text("text"), Field { name: "quoteMessage", kind: Kind::Object(QUOTED), needed: false }] }
        }
        // Not measured: only that it is an object.
        ContentType::OaNotification => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(kind: ContentType, content: &str) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        examine(kind, content, &mut |code, value| found.push((code.name, value)));
        found
    }

    const PIC: &str = r#"{"uuid":"1","type":"png","size":10,"width":4,"height":3,"url":"http://f/1.png"}"#;

    #[test]
    fn table_2_row_by_row() {
        for (kind, content) in [
            (ContentType::Text, r#"{"content":"x"}"#.to_owned()),
            (ContentType::Markdown, r##"{"content":"# x"}"##.to_owned()),
            (ContentType::Picture, format!(r#"{{"sourcePicture":{PIC},"bigPicture":{PIC},"snapshotPicture":{PIC}}}"#)),
            (ContentType::Voice, r#"{"sourceUrl":"http://f/v.mp3","duration":3}"#.to_owned()),
            (
                ContentType::Video,
                r#"{"videoUrl":"u","videoType":"mp4","videoSize":1,"duration":1,"snapshotUrl":"s","snapshotWidth":1,"snapshotHeight":1}"#.to_owned(),
            ),
            (ContentType::File, r#"{"sourceUrl":"u","fileName":"f.pdf","fileSize":10}"#.to_owned()),
            (ContentType::At, r#"{"atUserList":["gb"]}"#.to_owned()),
            (ContentType::Custom, r#"{"data":"{}"}"#.to_owned()),
            (ContentType::Quote, r#"{"text":"re","quoteMessage":{"clientMsgID":"a","seq":1}}"#.to_owned()),
            (ContentType::Quote, "{}".to_owned()),
            (ContentType::OaNotification, "{}".to_owned()),
        ] {
            assert_eq!(found(kind, &content), [], "{kind:?}");
        }
    }

    #[test]
    fn each_needed_field_is_missed() {
        let missing = |kind, content: &str| -> Vec<String> {
            found(kind, content)
                .into_iter()
                .map(|(code, value)| {
                    assert_eq!(code, "content-field-missing");
                    value.split(' ').next().unwrap().to_owned()
                })
                .collect()
        };
        assert_eq!(missing(ContentType::Text, "{}"), ["content"]);
        assert_eq!(missing(ContentType::Text, r#"{"content":""}"#), ["content"]);
        assert_eq!(missing(ContentType::Markdown, r#"{"text":"x"}"#), ["content"]);
        assert_eq!(missing(ContentType::Voice, "{}"), ["sourceUrl", "duration"]);
        assert_eq!(missing(ContentType::File, r#"{"fileSize":0}"#), ["sourceUrl", "fileName", "fileSize"]);
        assert_eq!(missing(ContentType::At, r#"{"text":"x"}"#), ["atUserList"]);
        assert_eq!(missing(ContentType::Custom, r#"{"description":"x"}"#), ["data"]);
        assert_eq!(
            missing(ContentType::Video, "{}"),
            [
                "videoUrl",
                "videoType",
                "videoSize",
                "duration",
                "snapshotUrl",
                "snapshotWidth",
                "snapshotHeight"
            ]
        );
        let zero_width = PIC.replace(":4", ":0");
        assert_eq!(
            missing(ContentType::Picture, &format!(r#"{{"sourcePicture":{zero_width},"bigPicture":{PIC}}}"#)),
            [
                "sourcePicture.width",
                "snapshotPicture.type",
                "snapshotPicture.width",
                "snapshotPicture.height",
                "snapshotPicture.url"
            ]
        );
    }

    #[test]
    fn a_thousand_mentions_and_one() {
        let content = |n| serde_json::json!({ "atUserList": vec!["u"; n] }).to_string();
        assert_eq!(found(ContentType::At, &content(1000)), []);
        assert_eq!(found(ContentType::At, &content(1001)), [("mentions-too-many", "1001".to_owned())]);
    }

    #[test]
    fn what_the_server_changes() {
        let names = |content: &str| {
            found(ContentType::Text, content).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
        };
        assert_eq!(names(r#"{"content":"x\ud83d"}"#), ["text-changed"]);
        assert_eq!(names(r#"{"content":"x\ud83d\ude00"}"#), [""; 0]);
        assert_eq!(names("{\"content\":\"x\u{fffd}\"}"), ["text-damaged"]);
        assert_eq!(names(r#"{"content":"x","n":9007199254740993}"#), ["big-integer"]);
        assert_eq!(names("hi"), ["content-not-object"]);
        assert_eq!(names(r#"{"content":{"a":1}}"#), ["content-field-type"]);
        assert_eq!(names(r#"{"content":5}"#), [""; 0]);
    }

    proptest! {
        #[test]
        fn the_short_cut_agrees_with_the_walk(text in "[a\"\\\\\n，\u{fffd}{}:u0-9]{0,6}") {
            let content = format!(r#"{{"content":"{text}"}}"#);
            let clean = walk(&content, fields(ContentType::Text))
                .is_ok_and(|seen| seen.missing.is_empty() && seen.wrong.is_empty() && !seen.damaged && seen.big.is_none());
            if is_plain_text(&content) {
                prop_assert!(clean);
            }
        }

        #[test]
        fn no_content_is_a_panic(content: String, escapes in "[\\\\ud8u\"{}]{0,20}") {
            found(ContentType::Picture, &content);
            found(ContentType::Text, &format!("{{\"content\":\"{escapes}\"}}"));
        }
    }
}
