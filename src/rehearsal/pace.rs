//! How fast `send_msg` answers.
//!
//! Measured on the real servers: throughput grows far less than the number of callers, answer time grows
//! instead. So answers leave one after the other, at a rate that depends on how many are waiting; a caller
//! who was late may catch up for a moment, so that the rate holds whatever the caller's own overhead.

use super::options::AnswerTime;
use super::shared::mix;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How far behind its time table the server may answer at once.
const CATCH_UP: Duration = Duration::from_millis(50);
/// How long the server stays equally fast.
const SPELL: Duration = Duration::from_millis(100);

/// The time table of answers.
#[derive(Debug)]
pub(super) struct Pace {
    answer: AnswerTime,
    seed: u64,
    start: Instant,
    waiting: AtomicUsize,
    next: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(answer: AnswerTime, seed: u64) -> Self {
        let start = Instant::now();
        Self { answer, seed, start, waiting: AtomicUsize::new(0), next: Mutex::new(start) }
    }

    /// Waits as long as the real server would take for this answer to a body of that length.
    pub(super) async fn answer(&self, path: &str, length: usize) {
        match self.answer {
            AnswerTime::Fixed(time) => {
                if !time.is_zero() {
                    tokio::time::sleep(time).await;
                }
            }
            AnswerTime::Measured { .. } if path != "/msg/send_msg" => {
                tokio::time::sleep(reading(path, length)).await;
            }
            AnswerTime::Measured { one, sixty_four, unsteady } => {
                let _waiting = Waiting::new(&self.waiting);
                let at = self.slot(one, sixty_four, unsteady);
                tokio::time::sleep_until(at).await;
            }
        }
    }

    fn slot(&self, one: f64, sixty_four: f64, unsteady: f64) -> Instant {
        let now = Instant::now();
        let callers = u32::try_from(self.waiting.load(Ordering::Relaxed)).unwrap_or(u32::MAX).max(1);
        let rate = one * f64::from(callers).powf((sixty_four / one).ln() / 64f64.ln());
        let spell = (now - self.start).as_nanos() / SPELL.as_nanos();
        let chance = mix(self.seed ^ u64::try_from(spell).unwrap_or(0)) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let chance = chance as f64 / (1u64 << 53) as f64;
        let rate = rate * (1.0 + unsteady * (2.0 * chance - 1.0));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        *next = (*next).max(earliest) + Duration::from_secs_f64(1.0 / rate);
        *next
    }
}

/// Calls that send nothing, as measured: 64 messages were pulled in 2 ms, the numbers of 500 conversations
/// took 0.1 to 0.3 s, which is 10 µs a byte of their names.
fn reading(path: &str, length: usize) -> Duration {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    match path {
        "/msg/pull_msg_by_seq" => Duration::from_millis(2),
        "/msg/get_conversations_has_read_and_max_seq" => Duration::from_micros(10) * length,
        _ => Duration::from_millis(1),
    }
}

/// One caller more while it lives; also if the caller goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
