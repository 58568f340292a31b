//! Who writes in chats of two whose records name the writer alone: told by a first reading.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::node::Node;
use super::ordinary::{Ordinary, Tools, node};
use crate::export::{Context, ExportError, Found};

/// The writers of each chat of two, by the export's id of the chat.
#[derive(Default)]
pub(super) struct Pairs(OnceLock<HashMap<String, Vec<String>>>);

/// Chat and writer of a record, by what stands around it and its file.
pub(super) type Of<'o> = &'o dyn Fn(&Node<'_>, &Context, &Found) -> Option<(String, String)>;

/// So many are kept of a chat: more than two are no chat of two.
const MOST: usize = 3;

impl Pairs {
    /// Reads the files; `of` tells the chat and the writer of a record in a chat of two.
    pub(super) fn read<F: Ordinary>(
        &self,
        format: &F,
        found: &[Found],
        tools: &Tools,
        of: Of<'_>,
    ) -> Result<(), ExportError> {
        let mut chats: HashMap<String, Vec<String>> = HashMap::new();
        for file in found {
            tools.each_record(format, file, &mut |raw, context| {
                let Ok(record) = node(format, raw) else { return };
                let Some((chat, writer)) = of(&record, context, file) else { return };
                let writers = chats.entry(chat).or_default();
                if !writer.is_empty() && writers.len() < MOST && !writers.contains(&writer) {
                    writers.push(writer);
                }
            })?;
        }
        // A second reading of the same files finds the same.
        self.0.get_or_init(|| chats);
        Ok(())
    }

    /// The one beside `sender`: the other writer, or else the one whose export it is.
    pub(super) fn other<'a>(&'a self, chat: &str, sender: &str, me: Option<&'a str>) -> Option<&'a str> {
        match self.writers(chat) {
            [a, b] if a == sender => Some(b),
            [a, b] if b == sender => Some(a),
            [_, _, ..] => None,
            _ => me.filter(|me| *me != sender),
        }
    }

    /// The writers of a chat, three at most.
    pub(super) fn writers(&self, chat: &str) -> &[String] {
        self.0.get().and_then(|chats| chats.get(chat)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those who alone write in more than one chat: only one of these can be a chat of two.
    pub(super) fn alone_in_several(&self) -> HashSet<&str> {
        let (mut once, mut more) = (HashSet::new(), HashSet::new());
        for writers in self.0.get().into_iter().flat_map(HashMap::values) {
            if let [one] = &**writers
                && !once.insert(one.as_str())
            {
                more.insert(one.as_str());
            }
        }
        more
    }

    /// The only writer of a chat.
    pub(super) fn only(&self, chat: &str) -> Option<&str> {
        match self.writers(chat) {
            [one] => Some(one),
            _ => None,
        }
    }
}
