//! Pace and lag over the time of a run, from the first second: a bounded number of points, however long it takes.

use serde::Serialize;

/// So many points; when they are full, two become one.
const MOST: usize = 360;

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Seconds since the first point, at its end.
    pub at: f64,
    /// Messages confirmed or refused a second.
    pub pace: f64,
    /// The longest lag in it, ms; `null` where nothing was under way.
    pub lag: Option<f64>,
    /// Whether it was paused at its end.
    pub paused: bool,
}

/// The points, and how many looks each of them is.
#[derive(Debug, Clone)]
pub(super) struct Series {
    points: Vec<Point>,
    /// Looks that make a point.
    step: u32,
    /// Of the point that is being made.
    open: Option<(u32, f64, f64, Option<f64>)>,
    last: Option<(f64, u64)>,
}

impl Default for Series {
    fn default() -> Self {
        Self { points: Vec::with_capacity(MOST), step: 1, open: None, last: None }
    }
}

impl Series {
    /// At that second so many are done, the lag is that.
    #[expect(clippy::cast_precision_loss, reason = "shown rounded")]
    pub(super) fn note(&mut self, at: f64, done: u64, lag: Option<f64>, paused: bool) {
        let Some((before, was)) = self.last.replace((at, done)) else { return };
        let seconds = at - before;
        if seconds <= 0.0 {
            return;
        }
        let more = done.saturating_sub(was) as f64;
        let (looks, long, sum, worst) = self.open.unwrap_or((0, 0.0, 0.0, None));
        let worst = match (worst, lag) {
            (Some(a), Some(b)) => Some(f64::max(a, b)),
            (a, b) => a.or(b),
        };
        let (looks, long, sum) = (looks + 1, long + seconds, sum + more);
        if looks < self.step {
            self.open = Some((looks, long, sum, worst));
            return;
        }
        self.open = None;
        self.points.push(Point { at, pace: sum / long, lag: worst, paused });
        if self.points.len() == MOST {
            self.halve();
        }
    }

    /// The points, the first one first.
    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    fn halve(&mut self) {
        self.points = self
            .points
            .chunks(2)
            .map(|pair| match pair {
                [a, b] => Point {
                    at: b.at,
                    pace: f64::midpoint(a.pace, b.pace),
                    lag: a.lag.into_iter().chain(b.lag).reduce(f64::max),
                    paused: b.paused,
                },
                _ => pair[0],
            })
            .collect();
        self.step *= 2;
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;

    #[test]
    fn a_night_has_as_many_points_as_a_minute_and_the_same_area() {
        let mut series = Series::default();
        for second in 0..40_000_u64 {
            series.note(second as f64, second * 7, (second == 31_000).then_some(900.0), false);
        }
        let points = series.points();
        assert!(points.len() < MOST && points.len() >= MOST / 4, "{}", points.len());
        assert!(points.iter().all(|point| (point.pace - 7.0).abs() < 1e-6));
        assert_eq!(points.iter().filter_map(|point| point.lag).collect::<Vec<_>>(), [900.0]);
    }

    #[test]
    fn the_second_look_is_the_first_point() {
        let mut series = Series::default();
        series.note(0.0, 1_000, None, false);
        series.note(1.0, 1_050, Some(110.0), true);
        assert_eq!(series.points(), [Point { at: 1.0, pace: 50.0, lag: Some(110.0), paused: true }]);
    }
}
