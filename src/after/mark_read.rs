//! Read positions: nobody is to wake up to 40,000 unread messages.
//!
//! By default everything imported is read by everybody in the conversation; what others wrote behind it stays
//! unread. A position only ever moves forward: who has read further is left alone.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::positions::{Position, Positions, Upto};
use super::visit::{AfterError, Server, Settings};
use crate::job::{ConvNo, Conversation, JobError, JobReader, Peers};
use crate::message::{Ordinal, Seq};
use crate::openim::{ACTIVE_AT_ONCE, Client};

/// What became of read positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkReport {
    /// Positions that were looked at: a user in a conversation.
    pub positions: u64,
    /// Moved forward.
    pub moved: u64,
    /// Were there already, or further.
    pub already: u64,
    /// The server refused to move them.
    pub refused: u64,
    /// Lines of a file that name nothing of this job, the first of them with the reason.
    pub unknown: Vec<String>,
    /// How many such lines there are.
    pub unknown_lines: u64,
}

impl MarkReport {
    fn merge(&mut self, other: &Self) {
        self.positions += other.positions;
        self.moved += other.moved;
        self.already += other.already;
        self.refused += other.refused;
    }
}

/// Positions that are set together: for each user, where and how far.
type ByUser = BTreeMap<String, Vec<(String, Seq)>>;

/// So many positions are gathered before they are set.
const TOGETHER: usize = 20_000;

/// Everything imported is read, by everybody.
pub async fn mark_read(
    client: Client,
    reader: &JobReader,
    settings: Settings,
    mut tell: impl FnMut(u64),
) -> Result<MarkReport, AfterError> {
    const PAGE: usize = 256;
    let server = Arc::new(Server::new(client, settings));
    let (mut report, mut after, mut gathered) = (MarkReport::default(), None, Gathered::default());
    loop {
        let page = reader.conversations(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.no);
        for conversation in &page {
            let only = server.settings.only.as_ref();
            if only.is_some_and(|only| !only.contains(&conversation.id())) {
                continue;
            }
            gathered.conversation(&server, reader, conversation).await?;
            if gathered.positions >= TOGETHER {
                report.merge(&set(&server, std::mem::take(&mut gathered)).await?);
                tell(report.positions);
            }
        }
    }
    report.merge(&set(&server, gathered).await?);
    tell(report.positions);
    Ok(report)
}

/// The positions of a file.
pub async fn mark_read_from(
    client: Client,
    reader: &JobReader,
    settings: Settings,
    path: &Path,
    mut tell: impl FnMut(u64),
) -> Result<MarkReport, AfterError> {
    const SHOWN: usize = 5;
    let server = Arc::new(Server::new(client, settings));
    let (mut report, mut gathered) = (MarkReport::default(), Gathered::default());
    for position in Positions::open(path)? {
        let position = position?;
        if reader.is_elsewhere(&position.conversation)? {
            continue;
        }
        match resolve(reader, &position)? {
            Ok(seq) => gathered.add(position.user.0, position.conversation.0, seq),
            Err(why) => {
                report.unknown_lines += 1;
                if report.unknown.len() < SHOWN {
                    report.unknown.push(format!("{}:{}: {why}", path.display(), position.line));
                }
            }
        }
        if gathered.positions >= TOGETHER {
            report.merge(&set(&server, std::mem::take(&mut gathered)).await?);
            tell(report.positions);
        }
    }
    report.merge(&set(&server, gathered).await?);
    tell(report.positions);
    Ok(report)
}

/// Marks conversations as read while a run imports them, each when it is finished; until `done`, and then
/// what is left.
pub async fn mark_read_as_they_finish(
    client: Client,
    reader: &JobReader,
    settings: Settings,
    done: CancellationToken,
) -> Result<MarkReport, AfterError> {
    const EVERY: Duration = Duration::from_secs(2);
    /// A look at a million conversations takes seconds: so many times as long nothing is looked at.
    const REST: u32 = 20;
    const PAGE: usize = 256;
    let server = Arc::new(Server::new(client, settings));
    let (mut report, mut marked) = (MarkReport::default(), HashSet::new());
    let mut took = Duration::ZERO;
    loop {
        let is_last = tokio::select! {
            () = done.cancelled() => true,
            () = tokio::time::sleep(EVERY.max(took * REST)) => false,
        };
        let begun = Instant::now();
        let (mut after, mut gathered) = (None, Gathered::default());
        loop {
            let page = reader.conversations(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.no);
            for conversation in &page {
                if !marked.contains(&conversation.no) && is_finished(reader, conversation)? {
                    marked.insert(conversation.no);
                    gathered.conversation(&server, reader, conversation).await?;
                }
                if gathered.positions >= TOGETHER {
                    report.merge(&set(&server, std::mem::take(&mut gathered)).await?);
                }
            }
        }
        report.merge(&set(&server, gathered).await?);
        took = begun.elapsed();
        if is_last {
            return Ok(report);
        }
    }
}

fn is_finished(reader: &JobReader, conversation: &Conversation) -> Result<bool, JobError> {
    let progress = reader.progress(conversation.no)?;
    Ok(progress.is_some_and(|progress| progress.cursor.0 >= conversation.messages))
}

/// Up to where a position goes: the last confirmed message that is meant. Else, why not, a lower-case clause.
fn resolve(reader: &JobReader, position: &Position) -> Result<Result<Seq, String>, JobError> {
    let find = |reader: &JobReader| reader.find(&position.conversation);
    let (conv, ordinal) = match &position.upto {
        Upto::Seq(seq) => return Ok(Ok(*seq)),
        Upto::Message(id) => match reader.by_source_id(id)? {
            Some((conversation, ordinal)) if conversation == position.conversation => match find(reader)? {
                Some(conversation) => (conversation.no, ordinal),
                None => return Ok(Err(format!("`{}` is not in the job", position.conversation))),
            },
            Some((other, _)) => {
                return Ok(Err(format!(
                    "the message `{id}` is in `{other}`, not in `{}`",
                    position.conversation
                )));
            }
            None => return Ok(Err(format!("no message in the job has the id `{id}`"))),
        },
        Upto::Time(time) => {
            let Some(conversation) = find(reader)? else {
                return Ok(Err(format!("`{}` is not in the job", position.conversation)));
            };
            match reader.last_until(conversation.no, *time)? {
                Some(ordinal) => (conversation.no, ordinal),
                None => return Ok(Err("all messages of the conversation are later".to_owned())),
            }
        }
    };
    Ok(confirmed_until(reader, conv, ordinal)?
        .ok_or_else(|| "nothing up to there was confirmed yet".to_owned()))
}

/// The slot of the last confirmed message up to that one.
fn confirmed_until(reader: &JobReader, conv: ConvNo, ordinal: Ordinal) -> Result<Option<Seq>, JobError> {
    let receipt = reader.last_receipt(conv, Ordinal(ordinal.0 + 1))?;
    Ok(receipt.map(|receipt| receipt.seq))
}

#[derive(Debug, Default)]
struct Gathered {
    by_user: ByUser,
    positions: usize,
}

impl Gathered {
    fn add(&mut self, user: String, conversation: String, seq: Seq) {
        self.by_user.entry(user).or_default().push((conversation, seq));
        self.positions += 1;
    }

    /// Everybody in the conversation, up to its last confirmed message.
    async fn conversation(
        &mut self,
        server: &Server,
        reader: &JobReader,
        conversation: &Conversation,
    ) -> Result<(), AfterError> {
        let last = Ordinal(conversation.messages.saturating_sub(1));
        if reader.undone(conversation.no)?.is_some() {
            return Ok(());
        }
        let Some(seq) = confirmed_until(reader, conversation.no, last)? else { return Ok(()) };
        let name = conversation.id().0;
        let users = match &conversation.peers {
            Peers::Single(a, b) if a == b => vec![a.0.clone()],
            Peers::Single(a, b) => vec![a.0.clone(), b.0.clone()],
            // Members who never wrote have unread messages as well.
            Peers::Group(group) => server.members(group.as_str()).await?,
        };
        for user in users {
            self.add(user, name.clone(), seq);
        }
        Ok(())
    }
}

/// Sets positions, those of several users at once.
async fn set(server: &Arc<Server>, gathered: Gathered) -> Result<MarkReport, AfterError> {
    let users = Arc::new(std::sync::Mutex::new(gathered.by_user.into_iter()));
    let mut tasks = JoinSet::new();
    for _ in 0..server.settings.connections {
        let (server, users) = (Arc::clone(server), Arc::clone(&users));
        let next = move || users.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
        tasks.spawn(async move {
            let mut report = MarkReport::default();
            while let Some((user, positions)) = next() {
                for some in positions.chunks(ACTIVE_AT_ONCE) {
                    report.merge(&set_for(&server, &user, some).await?);
                }
            }
            Ok::<_, AfterError>(report)
        });
    }
    let mut report = MarkReport::default();
    let mut first = Ok(());
    while let Some(ended) = tasks.join_next().await {
        match ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) {
            Ok(some) => report.merge(&some),
            Err(error) => first = first.and(Err(error)),
        }
    }
    first.map(|()| report)
}

async fn set_for(server: &Server, user: &str, positions: &[(String, Seq)]) -> Result<MarkReport, AfterError> {
    let names: Vec<&str> = positions.iter().map(|(name, _)| name.as_str()).collect();
    let now = server.seqs(user, &names).await?;
    let mut report = MarkReport { positions: positions.len() as u64, ..MarkReport::default() };
    for ((name, seq), now) in positions.iter().zip(now) {
        if now.has_read_seq >= seq.0 {
            report.already += 1;
        } else if server.set_has_read(user, name, *seq).await? {
            report.moved += 1;
        } else {
            report.refused += 1;
        }
    }
    Ok(report)
}
