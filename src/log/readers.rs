//! As whom to ask about a log. The safe bound (law 3) is the `hasReadSeq` of whoever sent the newest message: it
//! moves only when that is written.

use crate::job::{Conversation, JobError, JobReader, Peers};
use crate::message::{Ordinal, Seq};

/// Who may have sent the newest message of a conversation whose next one that is: both of a pair; of a group
/// those who send next, then the others.
pub fn next_senders(
    reader: &JobReader,
    conversation: &Conversation,
    cursor: Ordinal,
) -> Result<Vec<String>, JobError> {
    const AHEAD: usize = 100;
    const MOST: usize = 16;
    let mut users: Vec<String> = Vec::new();
    if let Peers::Group(_) = conversation.peers {
        let from = Ordinal(cursor.0.saturating_sub(2));
        for entry in reader.entries(conversation.no, from, AHEAD)? {
            let sender = reader.message(&entry)?.sender.0;
            if !users.contains(&sender) {
                users.push(sender);
            }
        }
    }
    for user in reader.participants(conversation, MOST)? {
        if !users.contains(&user.0) {
            users.push(user.0);
        }
    }
    Ok(users)
}

/// The same where nothing is under way: whoever sent the last confirmed message, then everybody else, `most` of them.
/// Where nothing is known yet, as many of ours are there as the log is long, or a few less.
pub fn last_senders(
    reader: &JobReader,
    conversation: &Conversation,
    max_seq: Seq,
    most: usize,
) -> Result<Vec<String>, JobError> {
    const LAST: u64 = 8;
    let mut users: Vec<String> = Vec::new();
    let mut add = |user: String| {
        if !users.contains(&user) {
            users.push(user);
        }
    };
    let known = reader.progress(conversation.no)?.map(|progress| progress.cursor.0);
    let cursor = known.unwrap_or_else(|| conversation.messages.min(max_seq.0.unsigned_abs()));
    let from = Ordinal(cursor.saturating_sub(LAST));
    let mut last = reader.entries(conversation.no, from, usize::try_from(LAST).unwrap_or(1))?;
    last.retain(|entry| entry.ordinal.0 < cursor);
    // Without texts nobody knows who sent what; then everybody is as likely.
    let last = if reader.is_purged()? { Vec::new() } else { last };
    for entry in last.iter().rev() {
        add(reader.message(entry)?.sender.0);
    }
    for user in reader.participants(conversation, most)? {
        add(user.0);
    }
    Ok(users)
}
