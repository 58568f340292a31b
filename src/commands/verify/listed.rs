//! Whether everybody has the conversations in the list that his app shows, in figures and words.

use super::super::context::{Context, Counting};
use super::super::prepare::job_failure;
use super::super::{Exit, Failure, afterwards};
use crate::after::{self, Unlisted};
use crate::job::JobReader;
use crate::message::ConversationId;
use crate::openim::Client;
use crate::report::{Unit, plural};

/// Conversations that the server left out of the lists of people who take part in them.
#[derive(Debug, Default)]
pub(in super::super) struct Lists {
    /// Conversations that somebody lacks still.
    pub(super) lacking: u64,
    /// How many people lack one of them, each as often as he does.
    people: u64,
    /// Conversations that were put into lists.
    pub(in super::super) made: Vec<ConversationId>,
    /// Into how many.
    entries: u64,
    /// Some that are lacking, each with somebody who lacks it.
    some: Vec<String>,
}

impl Lists {
    fn lack(&mut self, unlisted: &[Unlisted]) {
        const SHOWN: usize = 3;
        self.lacking = unlisted.len() as u64;
        self.people = people(unlisted);
        let name = |one: &Unlisted| {
            let who = one.users.first().map_or("", |user| user.as_str());
            format!("{} ({who})", one.id().0)
        };
        self.some = unlisted.iter().take(SHOWN).map(name).collect();
        if unlisted.len() > SHOWN {
            self.some.push("…".to_owned());
        }
    }

    /// Adds another shard.
    pub(super) fn merge(&mut self, other: Self) {
        self.lacking += other.lacking;
        self.people += other.people;
        self.made.extend(other.made);
        self.entries += other.entries;
        self.some.extend(other.some);
    }

    /// How a run ends that would have ended with `exit`, were it not for these lists.
    pub(in super::super) fn exit(&self, exit: Exit) -> Exit {
        if self.lacking > 0 { Exit::Difference } else { exit }
    }

    /// A sentence or two, if there is anything to say.
    pub(in super::super) fn in_words(&self) -> Option<String> {
        let lists = |n| plural(n, "list", "lists");
        let mut said = Vec::new();
        if !self.made.is_empty() {
            said.push(format!(
                "{} put into {} of people who take part: a server that is killed at the first messages leaves that out.",
                plural(self.made.len() as u64, "conversation was", "conversations were"),
                lists(self.entries)
            ));
        }
        if self.lacking > 0 {
            said.push(format!(
                "{} missing from {} of people who take part, whose apps show nothing of it (a server that is killed at the \
                 first messages leaves that out): {}. `verify --repair` puts it there.",
                plural(self.lacking, "conversation is", "conversations are"),
                lists(self.people),
                self.some.join(", ")
            ));
        }
        if said.is_empty() { None } else { Some(said.join(" ")) }
    }
}

fn people(unlisted: &[Unlisted]) -> u64 {
    unlisted.iter().map(|one| one.users.len() as u64).sum()
}

/// Looks at the lists of all who take part. `mends`: what is lacking there is put there.
pub(in super::super) async fn lists(
    context: &Context,
    reader: &JobReader,
    client: &Client,
    settings: &after::Settings,
    mends: bool,
) -> Result<Lists, Failure> {
    let total = reader.totals().map_err(job_failure)?.conversations;
    let drawn = Counting::start(context, "lists", Unit::Conversations, total);
    let unlisted = after::unlisted(client.clone(), reader, settings, || drawn.add(1)).await;
    drawn.finish();
    let unlisted = unlisted.map_err(afterwards::failure)?;
    let mut found = Lists::default();
    if !mends || unlisted.is_empty() {
        found.lack(&unlisted);
        return Ok(found);
    }
    let all: Vec<ConversationId> = unlisted.iter().map(Unlisted::id).collect();
    let before = people(&unlisted);
    let left = after::list(client.clone(), settings, unlisted).await.map_err(afterwards::failure)?;
    let lacking: Vec<ConversationId> = left.iter().map(Unlisted::id).collect();
    found.lack(&left);
    found.entries = before - found.people;
    found.made = all.into_iter().filter(|id| !lacking.contains(id)).collect();
    Ok(found)
}
