//! Topics of forums: a topic is known by the message of the app's own that began it, and what was written in it answers
//! that one.

use std::collections::HashMap;
use std::sync::Arc;

use super::record::Record;
use super::{Chat, cutter};
use crate::export::cut::Cutter;
use crate::export::{CHUNK, ExportError, Found, Input, Origin, Pool};
use crate::message::SourceNo;

/// What topics are called, by chat and message.
#[derive(Debug, Default)]
pub(super) struct Topics(HashMap<(String, String), String>);

/// Stands in the record that began a topic.
const CREATED: &[u8] = b"topic_created";

impl Topics {
    /// Looks for them. Files in which the word does not stand are only searched for it.
    pub(super) fn find(found: &[Found], max_record: usize) -> Result<Self, ExportError> {
        let mut topics = Self::default();
        for file in found.iter().filter(|file| file.origin != Origin::Stdin) {
            if has_topics(file)? {
                topics.read(file, max_record)?;
            }
        }
        Ok(topics)
    }

    /// The topic that this message of this chat began.
    pub(super) fn of(&self, chat: &str, message: &str) -> Option<&str> {
        if self.0.is_empty() || message.is_empty() {
            return None;
        }
        self.0.get(&(chat.to_owned(), message.to_owned())).map(String::as_str)
    }

    fn read(&mut self, file: &Found, max_record: usize) -> Result<(), ExportError> {
        let mut input = Input::open(file, SourceNo(0), None)?;
        let (mut cutter, mut pool) = (cutter(max_record), Pool::new(CHUNK));
        let context = Arc::default();
        while let Some(chunk) = cutter.next(&mut input, &context, &mut pool)? {
            let chat = Chat::of(&chunk.context, None);
            for span in &chunk.spans {
                let text = &chunk.text[span.start as usize..span.end as usize];
                if memchr::memmem::find(text, CREATED).is_none() {
                    continue;
                }
                // What can't be read is said when it is read for its words.
                if let Ok(record) = serde_json::from_slice::<Record<'_>>(text)
                    && record.action.0 == "topic_created"
                {
                    let key = (chat.id.to_owned(), record.id.0.clone().into_owned());
                    self.0.insert(key, record.title.0.clone().into_owned());
                }
            }
            pool.give(chunk.text);
        }
        Ok(())
    }
}

/// Whether the word stands anywhere in the file.
fn has_topics(file: &Found) -> Result<bool, ExportError> {
    let mut input = Input::open(file, SourceNo(0), None)?;
    let finder = memchr::memmem::Finder::new(CREATED);
    let mut buf = vec![0; 256 << 10];
    let mut kept = 0;
    loop {
        match input.read(&mut buf[kept..])? {
            0 => return Ok(false),
            n => {
                let len = kept + n;
                if finder.find(&buf[..len]).is_some() {
                    return Ok(true);
                }
                kept = len.min(CREATED.len() - 1);
                buf.copy_within(len - kept..len, 0);
            }
        }
    }
}
