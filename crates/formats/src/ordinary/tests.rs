use std::fmt::Write as _;

use super::super::testing::folder as read;
use super::super::{Format, Settings, open};
use crate::export::{self, Reader};
use crate::finding::Finding;
use crate::mapping::people::Person;
use crate::mapping::{Sink, Upload};
use crate::message::{Message, Place, SourceNo};

/// How often something is told.
#[derive(Default)]
struct Told {
    messages: usize,
    groups: usize,
    pictures: usize,
}

impl Sink for Told {
    fn message(&mut self, _: Message<'_>) {
        self.messages += 1;
    }
    fn left_out(&mut self, _: Place, _: &'static str) {}
    fn finding(&mut self, finding: Finding) {
        panic!("{finding:?}");
    }
    fn person(&mut self, person: Person<'_>) {
        self.groups += usize::from(person.source_id == "the chat");
    }
    fn upload(&mut self, _: Upload<'_>) {
        self.pictures += 1;
    }
}

/// Files whose header has a picture, and fifty messages behind it.
fn with_a_picture() -> Vec<(Format, Vec<(&'static str, String)>)> {
    let picture = "data:image/png;base64,iVBORw0KGgo=";
    let all =
        |one: &dyn Fn(usize) -> String, between: &str| (0..50).map(one).collect::<Vec<_>>().join(between);
    let meta = format!(
        r#""chatlab":{{"version":"0.0.2"}},"meta":{{"name":"c","platform":"qq","type":"group","groupId":"the chat","groupAvatar":"{picture}"}}"#
    );
    let said = |n: usize| {
        format!(r#"{{"_type":"message","sender":"u{n}","timestamp":{n},"type":0,"content":"hi"}}"#)
    };
    let mut lines = format!("{{\"_type\":\"header\",{meta}}}\n");
    writeln!(lines, "{}", all(&said, "\n")).unwrap();
    let untyped = |n| said(n).replace(r#""_type":"message","#, "");
    let document = format!("{{{meta},\"messages\":[{}]}}", all(&untyped, ","));
    let session = format!(
        r#"{{"session":{{"wxid":"the chat","displayName":"c","avatar":"{picture}"}},"messages":[{}]}}"#,
        all(
            &|n| format!(
                r#"{{"localId":{n},"createTime":{n},"type":"文本消息","content":"hi","isSend":{},"senderUsername":"me"}}"#,
                n % 2
            ),
            ",",
        )
    );
    let chat = format!(
        r#""metadata":{{"name":"x","version":"5"}},"chatInfo":{{"name":"c","type":"group","peerUin":"the chat","avatar":"{picture}"}}"#
    );
    let qq = |n: usize| {
        format!(
            r#"{{"id":"{n}","timestamp":{n},"sender":{{"uin":"1{n}","name":"P"}},"content":{{"text":"hi"}}}}"#
        )
    };
    vec![
        (Format::ChatLab, vec![("c.jsonl", lines)]),
        (Format::ChatLab, vec![("c.json", document)]),
        (Format::WeChat, vec![("c.json", session)]),
        (Format::Qq, vec![("c.json", format!("{{{chat},\"messages\":[{}]}}", all(&qq, ",")))]),
        (Format::Qq, vec![("manifest.json", format!("{{{chat}}}")), ("chunks/1.jsonl", all(&qq, "\n"))]),
    ]
}

/// It may be 64 KiB of text, which is hashed to know it again.
#[test]
fn the_picture_of_a_chat_is_told_once_a_chunk_and_not_for_each_message() {
    for (format, files) in with_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        let export = export::Settings::default();
        let preset = open(format, &export, Settings::default()).unwrap();
        let source = [folder.path().to_string_lossy().into_owned()];
        let mut reader = Reader::with(&export, preset.layout, &source, SourceNo(0)).unwrap();
        let mut told = Told::default();
        while let Some(chunk) = reader.next_chunk().unwrap() {
            preset.mapper.map(&chunk, &mut told);
        }
        assert_eq!((told.messages, told.groups, told.pictures), (50, 1, 1), "{format:?} {}", files[0].0);
        // However it is cut, people are told the same.
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
        assert_eq!(read(format, &Settings::default(), &files).uploads.len(), 1);
    }
}
