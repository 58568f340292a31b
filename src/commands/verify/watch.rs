//! `verify --watch`: copies can come minutes after the end of a run, so it looks again and again until a time.

use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Zoned};

use super::super::context::{Context, note};
use super::super::{Exit, Failure, OrFail, clock, stop};
use super::{Looked, VerifyArgs, end, once};
use crate::config::{Deadline, parse_duration};

/// When to look again.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchArgs {
    /// Look again and again: copies that the server makes can come minutes after a run, and after each restart. What the
    /// last look found is the verdict; with --repair each look mends what it finds. Other commands can use the job between
    /// two looks
    #[arg(long)]
    pub watch: bool,
    /// Until then, such as `06:00` or `"2026-11-30 06:00"`, by the clock of this machine or `[import] clock` [default: a
    /// quarter of an hour from now]
    #[arg(long, value_name = "TIME", requires = "watch")]
    pub until: Option<Deadline>,
    /// Rest between two looks [default: 5m]
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = parse_duration)]
    pub every: Option<Duration>,
}

/// How long copies took to come, at most, where restarts were watched.
pub(in super::super) const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const EVERY: Duration = Duration::from_mins(5);

/// Looks until it is time.
pub(super) fn watch(context: &Context, args: &VerifyArgs) -> Result<Exit, Failure> {
    let zone = clock::zone(context.file.import.clock.as_ref())?;
    let now = || Zoned::now().with_time_zone(zone.clone());
    let until = match args.watch.until {
        Some(until) => until.from(&now()).map_err(|error| Failure::new(Exit::Usage, error))?,
        None => now().saturating_add(QUARTER),
    };
    let every = args.watch.every.unwrap_or(EVERY);
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    let stop = runtime.block_on(async { stop::listen() });
    let (began, mut last) = (Instant::now(), None::<(Exit, Looked)>);
    loop {
        let look = once(context, args);
        if stop.drain.is_cancelled() && last.is_some() {
            // This look was cut off: what the one before it saw holds.
            break;
        }
        let over = stop.drain.is_cancelled() || now() >= until;
        match look {
            Ok(seen) => last = Some(seen),
            // The server is away, or another command has the job: the next look may tell.
            Err(failure) if !over && may_pass(&failure) => note(&failure.in_words())?,
            Err(failure) => return Err(failure),
        }
        if over {
            break;
        }
        let next =
            now().saturating_add(SignedDuration::try_from(every).unwrap_or(QUARTER)).min(until.clone());
        let said = last.as_ref().map_or_else(String::new, |(_, looked)| looked.verdict());
        let (at, until) = (next.strftime("%H:%M:%S"), until.strftime("%a %H:%M:%S"));
        note(&format!(
            "{}: {said} Looks again at {at}, for the last time at {until}.",
            now().strftime("%H:%M:%S")
        ))?;
        let rest = next.duration_since(&now()).max(SignedDuration::ZERO).unsigned_abs();
        runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = stop.drain.cancelled() => {}
            }
        });
        if stop.drain.is_cancelled() && last.is_some() {
            break;
        }
    }
    let Some((exit, looked)) = last else {
        return Err(Failure::new(Exit::Unfinished, "stopped before anything was verified"));
    };
    end(context, &looked, began)?;
    Ok(exit)
}

/// Whether the next look may end otherwise.
fn may_pass(failure: &Failure) -> bool {
    let is_locked = failure
        .error
        .downcast_ref::<crate::job::JobError>()
        .is_some_and(|error| matches!(error, crate::job::JobError::Locked { .. }));
    failure.exit == Exit::Unfinished || is_locked
}
