//! Who could read what: the conversations by kind, and what is odd about them. Nobody can take back what a whole group
//! has read.

use std::collections::HashSet;
use std::fmt::Write;

use crate::job::{ConvNo, JobError, JobReader, Peers, UserKey};
use crate::report::{count, plural};

/// What is asked of all conversations.
#[derive(Debug, Default)]
struct Seen {
    singles: u64,
    groups: u64,
    /// Groups in which one or two people write.
    small: u64,
    first_small: Option<String>,
    largest: u64,
    /// Who writes in all so far.
    everywhere: Option<HashSet<UserKey>>,
}

/// What `check` says of who could read it, in lines; `files`: how many the messages come from.
pub(super) fn who_could_read(reader: &JobReader, files: usize) -> Result<String, JobError> {
    const PAGE: usize = 500;
    let mut seen = Seen::default();
    let mut after: Option<ConvNo> = None;
    loop {
        let page = reader.conversations(after, PAGE)?;
        for conversation in &page {
            let mut writers: Vec<UserKey> = reader.members(conversation.no)?;
            let size = writers.len() as u64;
            match &conversation.peers {
                Peers::Single(a, b) => {
                    seen.singles += 1;
                    writers.extend([UserKey::of(&a.0), UserKey::of(&b.0)]);
                }
                Peers::Group(group) => {
                    seen.groups += 1;
                    seen.largest = seen.largest.max(size);
                    if size <= 2 {
                        seen.small += 1;
                        seen.first_small.get_or_insert_with(|| group.0.clone());
                    }
                }
            }
            let writers: HashSet<UserKey> = writers.into_iter().collect();
            match &mut seen.everywhere {
                None => seen.everywhere = Some(writers),
                Some(everywhere) => everywhere.retain(|user| writers.contains(user)),
            }
        }
        let Some(last) = page.last() else { break };
        after = Some(last.no);
    }
    seen.text(reader, files)
}

impl Seen {
    fn text(&self, reader: &JobReader, files: usize) -> Result<String, JobError> {
        let all = self.singles + self.groups;
        let mut out = String::new();
        let mut line = |text: String| {
            // Writing to a String cannot fail.
            let _infallible = writeln!(out, "{text}");
        };
        if all == 0 {
            return Ok(out);
        }
        let largest = if self.groups > 0 {
            format!(", {} write in the largest", count(self.largest))
        } else {
            String::new()
        };
        line(format!(
            "who could read it: {} of two people, {}{largest}",
            chats(self.singles),
            groups(self.groups)
        ));
        if all == 1 && self.groups == 1 && files > 1 {
            line(format!(
                "  odd: one group out of {} files: everybody in it can read all of them. Are they several chats?",
                count(files as u64)
            ));
        }
        if let (Some(first), true) = (&self.first_small, self.small > 0) {
            line(format!(
                "  odd: in {} no more than two people write, the first is `{first}`: chats of two?",
                groups(self.small)
            ));
        }
        if all >= 3 {
            let mut everywhere: Vec<&UserKey> = self.everywhere.iter().flatten().collect();
            everywhere.sort_unstable();
            for user in everywhere.into_iter().take(3) {
                if let Some(id) = reader.user(*user)? {
                    line(format!(
                        "  odd: `{}` is in all {} conversations: whoever made the export, or everybody's writer?",
                        id.0,
                        count(all)
                    ));
                }
            }
        }
        Ok(out)
    }
}

fn chats(n: u64) -> String {
    plural(n, "chat", "chats")
}

fn groups(n: u64) -> String {
    plural(n, "group", "groups")
}
