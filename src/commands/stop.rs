//! What the first signal does, and the second.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::context::note;
use crate::control::Desk;
use crate::import::StopSignal;

/// Listens from now on: the first SIGINT, SIGTERM or SIGHUP asks for a stop in peace, the second for one at once. Where
/// signals can't be listened to, they do what they always do.
pub(super) fn listen() -> StopSignal {
    let stop = StopSignal::default();
    let heard = stop.clone();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        // Under `nohup` it is ignored, and has to stay so.
        let mut hangup = if is_ignored_hangup() { None } else { signal(SignalKind::hangup()).ok() };
        for token in [&heard.drain, &heard.at_once] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = heard_of(&mut hangup) => {}
            }
            if !heard.drain.is_cancelled() {
                // Whoever sent the signal may have closed the terminal.
                drop(note("stopping: what is under way is settled first; once more stops at once"));
            }
            token.cancel();
        }
    });
    stop
}

/// Returns when the page is closed, or a signal comes.
pub(super) async fn until_closed(desk: &Desk) {
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return;
    };
    tokio::select! {
        () = desk.closed() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// The terminal is gone.
async fn heard_of(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether we were started with SIGHUP ignored, as `nohup` does; told by Linux only.
fn is_ignored_hangup() -> bool {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
