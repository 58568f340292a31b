//! What the first signal does, and the second.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::context::note;

/// The first SIGINT or SIGTERM asks for a stop in peace, the second ends [`Stop::at_once`].
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    /// No new messages; what is under way is settled.
    pub(super) gently: CancellationToken,
    at_once: CancellationToken,
}

impl Stop {
    /// Listens from now on. Where signals can't be listened to, they do what they always do.
    pub(super) fn listen() -> Self {
        let stop = Self::default();
        let heard = stop.clone();
        tokio::spawn(async move {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            for token in [&heard.gently, &heard.at_once] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if !heard.gently.is_cancelled() {
                    // Whoever sent the signal may have closed the terminal.
                    drop(note("stopping: what is under way is settled first; once more stops at once"));
                }
                token.cancel();
            }
        });
        stop
    }

    /// Returns at the second signal.
    pub(super) async fn at_once(&self) {
        self.at_once.cancelled().await;
    }
}
