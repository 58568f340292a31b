//! The preflight of `run` and of `check --api URL`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::context::{Context, note};
use super::prepare::job_failure;
use super::server::exit_of;
use super::{Exit, Failure, OrFail, afterwards};
use crate::before::{
    Allowed, Conversations, Depth, Looks, Notices, Occupied, PreflightError, can_be_allowed, preflight, text,
};
use crate::log::{self, LogError};
use crate::openim::Client;
use crate::report::{Snapshot, Unit, plural};

/// What the preflight may find and go on all the same.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Preflight")]
pub struct PreflightArgs {
    /// Go on although the preflight found this, such as `retention`; or several: `retention,webhooks`
    #[arg(long, value_name = "FINDING", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// Look at all block lists and mutes, not only at the first 20,000 and 2,000
    #[arg(long)]
    pub thorough: bool,
}

/// What the preflight came to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing stands against it; in these conversations only notices stand.
    Go(Vec<Notices>),
    /// Something must be mended or allowed first (exit 6): the sentence to end with.
    Refused(String),
}

/// Looks, and says what was found; and in which conversations people have written already.
pub(super) async fn look(
    client: &Client,
    looks: &Looks<'_>,
    allowed: &Allowed,
    context: &Context,
) -> Result<(Verdict, Vec<Occupied>), Failure> {
    let looked = Arc::clone(&looks.looked);
    let progress = context.draw(Arc::new(move || Snapshot {
        phase: "preflight",
        unit: Unit::Steps,
        done: looked.done.load(Ordering::Relaxed),
        total: looked.total.load(Ordering::Relaxed),
        ..Snapshot::default()
    }));
    let result = preflight(client, looks).await;
    progress.finish();
    let found = result.map_err(|error| match error {
        PreflightError::Call(error) => Failure { exit: exit_of(&error), error: error.into() },
        PreflightError::Job(error) => job_failure(error),
    })?;
    for finding in &found.findings {
        note(&text(finding, allowed))?;
    }
    let refused: Vec<_> = found
        .findings
        .iter()
        .filter(|finding| allowed.refuses(finding))
        .map(|finding| finding.code)
        .collect();
    if refused.is_empty() {
        note(&format!("preflight: {}, nothing stands against it", plural(found.calls, "call", "calls")))?;
        let Conversations { notices, occupied, .. } = found.facts.conversations;
        return Ok((Verdict::Go(notices), occupied));
    }
    let names: Vec<&str> = refused.iter().map(|code| code.name).collect();
    let way = if refused.iter().all(|code| can_be_allowed(code)) {
        "Mend it, or go on all the same with --allow"
    } else {
        "That has to be mended first, --allow does not help"
    };
    let refusal = format!("The preflight refuses, nothing was sent: {}. {way}.", names.join(", "));
    Ok((Verdict::Refused(refusal), found.facts.conversations.occupied))
}

/// Cuts off conversations in which only notices stand: it takes nothing from anybody, and the history behind them can
/// be scrolled. Where somebody has written since they were looked at, the run ends. Each call has the patience that the
/// run has: a night does not end because a proxy hiccups here.
pub(super) async fn cut(client: &Client, all: &[Notices], give_up: Duration) -> Result<(), Failure> {
    let server = log::Server::new(client.clone(), give_up, CancellationToken::new(), None);
    let failed = |error: LogError| afterwards::failure(error.into());
    for Notices { conversation, user, slots } in all {
        let seqs = server.seqs(user, &[conversation.as_str()]).await.map_err(failed)?;
        if seqs.iter().any(|seqs| seqs.max_seq != *slots) {
            return Err(Failure::new(
                Exit::Preflight,
                format!(
                    "Something has come into {conversation} since the preflight looked at it: no message was sent there, the \
                     same command looks again."
                ),
            ));
        }
        if !server.cut(user, conversation).await.map_err(failed)? {
            let text = format!("The server does not let `{user}` cut {conversation} off: nothing was sent.");
            return Err(Failure::new(Exit::Preflight, text));
        }
    }
    if !all.is_empty() {
        let cut = plural(
            all.len() as u64,
            "conversation in which only notices stood was cut off",
            "conversations in which only notices stood were cut off",
        );
        note(&cut)?;
    }
    Ok(())
}

impl PreflightArgs {
    /// What `--allow` names.
    pub(super) fn allowed(&self) -> Result<Allowed, Failure> {
        Allowed::new(&self.allow).or_fail(Exit::Usage)
    }

    /// How closely to look.
    pub(super) fn depth(&self) -> Depth {
        if self.thorough { Depth::Thorough } else { Depth::Usual }
    }
}
