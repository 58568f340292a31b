//! Questions to the server, beside sending: asked until they are answered.

use super::engine::Engine;
use super::worker::is_refusal;
use crate::openim::CallError;

/// How a question ended.
pub(super) enum Asked<T> {
    /// It was answered.
    Answered(T),
    /// Refused for good: whoever asks may not know.
    Refused,
    /// The run has ended before.
    Ended,
}

impl Engine {
    /// Makes a call until it is answered. `None`: the run has ended, by the refusal if it is refused for good.
    pub(super) async fn ask<T, F>(&self, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        loop {
            match call().await {
                Ok(answer) => return Some(answer),
                Err(error) if self.call_failed(&error) && !self.has_ended() => self.pause().await,
                Err(_) => return None,
            }
        }
    }

    /// The same of what may be refused: to a participant who may not look, say.
    pub(super) async fn ask_whether<T, F>(&self, call: impl Fn() -> F) -> Asked<T>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let answer = self.ask(|| async {
            match call().await {
                Err(error) if is_refusal(&error) => Ok(None),
                answer => answer.map(Some),
            }
        });
        match answer.await {
            Some(Some(answer)) => Asked::Answered(answer),
            Some(None) => Asked::Refused,
            None => Asked::Ended,
        }
    }
}

impl<T> Asked<T> {
    /// The answer, if there was one.
    pub(super) fn answer(self) -> Option<T> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Refused | Self::Ended => None,
        }
    }
}
