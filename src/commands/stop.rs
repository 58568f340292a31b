//! What the first signal does, and the second.

use tokio::signal::unix::{SignalKind, signal};

use super::context::note;
use crate::import::StopSignal;

/// Listens from now on: the first SIGINT or SIGTERM asks for a stop in peace, the second for one at once. Where
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
        for token in [&heard.drain, &heard.at_once] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
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
