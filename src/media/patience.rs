//! How long what fails in passing is tried again, and what is refused for good.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::upload::{Upload, UploadError};
use crate::openim::CallError;

/// The longest rest between two tries.
const LONGEST: Duration = Duration::from_secs(10);

/// How long what fails in passing is tried again: until nothing has gone well for too long.
pub(super) struct Patience<'a> {
    with: &'a Upload<'a>,
    since: Instant,
    rest: Duration,
}

impl<'a> Patience<'a> {
    pub(super) fn new(with: &'a Upload<'a>) -> Self {
        Self { with, since: Instant::now(), rest: Duration::from_millis(100) }
    }

    pub(super) fn good(&mut self) {
        (self.since, self.rest) = (Instant::now(), Duration::from_millis(100));
    }

    /// Rests before the next try, or ends with the error.
    pub(super) async fn rest(&mut self, error: UploadError) -> Result<(), UploadError> {
        if self.since.elapsed() > self.with.give_up || self.with.stop.is_cancelled() {
            return Err(error);
        }
        self.with.progress.retry();
        sleep(self.rest).await;
        self.rest = (self.rest * 2).min(LONGEST);
        Ok(())
    }

    /// Makes a call until it is answered; what is refused for good comes back in words.
    pub(super) async fn call<T, F: Future<Output = Result<T, CallError>>>(
        &mut self,
        call: impl Fn() -> F,
    ) -> Result<Result<T, String>, UploadError> {
        /// A server that says 500 may mean its store, or our bytes.
        const TRIES: u32 = 4;
        let mut refusals = 0;
        loop {
            match call().await {
                Ok(answer) => {
                    self.good();
                    return Ok(Ok(answer));
                }
                Err(CallError::Refused { code, said, .. }) => {
                    refusals += 1;
                    let final_words =
                        ["mismatching", "does not exist", "could not be found", "multipart upload id"];
                    if code != 500
                        || refusals == TRIES
                        || final_words.iter().any(|words| said.contains(words))
                    {
                        let passing = said.contains("connection refused") || said.contains("dial ");
                        if !passing {
                            return Ok(Err(format!("{} ({code})", tidy(&said))));
                        }
                        refusals = 0;
                    }
                    let path = "/object";
                    self.rest(UploadError::Call(CallError::Refused { path, code, said })).await?;
                }
                Err(error) if error.is_passing() => self.rest(UploadError::Call(error)).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What a server says, without the trace of its program.
fn tidy(said: &str) -> &str {
    said.split(" | -> ").next().unwrap_or(said)
}
