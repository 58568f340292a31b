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
const SPELL: Duration = Duration::from_millis(250);

/// The time table of answers.
#[derive(Debug)]
pub(super) struct Pace {
    answer: AnswerTime,
    /// Where in its ups and downs the server starts, 0 to 1.
    phase: f64,
    start: Instant,
    waiting: AtomicUsize,
    next: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(answer: AnswerTime, seed: u64) -> Self {
        let start = Instant::now();
        let phase = f64::from(u32::try_from(mix(seed) >> 32).expect("32 bits")) / f64::from(u32::MAX);
        Self { answer, phase, start, waiting: AtomicUsize::new(0), next: Mutex::new(start) }
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
            AnswerTime::Measured { ref per_second, unsteady } => {
                let _waiting = Waiting::new(&self.waiting);
                let at = self.slot(per_second, unsteady);
                tokio::time::sleep_until(at).await;
            }
        }
    }

    fn slot(&self, per_second: &[f64; 4], unsteady: f64) -> Instant {
        let now = Instant::now();
        let spell = u32::try_from((now - self.start).as_millis() / SPELL.as_millis()).unwrap_or(u32::MAX);
        // Multiples of the golden ratio visit all rates evenly, and never two alike in a row.
        let chance = (self.phase + f64::from(spell) * 0.618_033_988_749_895).fract();
        let rate =
            rate(per_second, self.waiting.load(Ordering::Relaxed)) * (1.0 + unsteady * (2.0 * chance - 1.0));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        *next = (*next).max(earliest) + Duration::from_secs_f64(1.0 / rate);
        *next
    }
}

/// Answers a second for that many callers: straight lines on logarithmic paper through what was measured.
fn rate(per_second: &[f64; 4], callers: usize) -> f64 {
    // Four times as many callers are one step further.
    let callers = f64::from(u32::try_from(callers.max(1)).unwrap_or(u32::MAX));
    let step = (callers.ln() / 4f64.ln()).max(0.0);
    let from = if step < 1.0 {
        0
    } else if step < 2.0 {
        1
    } else {
        2
    };
    let (low, high) = (per_second[from], per_second[from + 1]);
    low * (high / low).powf((step - f64::from(u8::try_from(from).expect("0 to 2"))).min(1.0))
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

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn the_rate_passes_through_what_was_measured() {
        let measured = [285.0, 672.0, 913.0, 1500.0];
        for (callers, expected) in
            [(0, 285.0), (1, 285.0), (4, 672.0), (16, 913.0), (64, 1500.0), (500, 1500.0)]
        {
            assert!((rate(&measured, callers) - expected).abs() < 0.01, "{callers}");
        }
        assert!((672.0..913.0).contains(&rate(&measured, 8)));
    }
}
