//! The progress line: with a clock, what matters most first, and no longer than the terminal is wide.

use std::time::Duration;

use jiff::Zoned;
use unicode_width::UnicodeWidthStr;

use super::numbers::{bytes, count, duration, percent, plural};
use super::pace::Rates;
use super::progress::{Snapshot, Unit};

/// A part, and how gladly it is left out where there is no room: the highest number first.
type Part = (u8, String);

/// The line, `width` columns wide at most; with the time in front, where it stays on the screen.
pub(super) fn line(now: &Zoned, stays: bool, s: &Snapshot, rates: &Rates, width: Option<usize>) -> String {
    let mut parts = parts(now, s, rates);
    if stays {
        parts.insert(0, (2, now.strftime("%H:%M:%S").to_string()));
    }
    fit(parts, width)
}

fn parts(now: &Zoned, s: &Snapshot, rates: &Rates) -> Vec<Part> {
    let in_bytes = s.unit == Unit::Bytes;
    let show = |n: u64| if in_bytes { bytes(n) } else { count(n) };
    let unit = if s.unit == Unit::Conversations { " conversations" } else { "" };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive")]
    let rate = |r: f64| format!("{}/s", show(r as u64));
    let mut parts = Vec::new();
    parts.push((
        0,
        if s.total > 0 {
            format!("{} {}/{}{unit} {}", s.phase, show(s.done), show(s.total), percent(s.done, s.total))
        } else if s.done > 0 {
            format!("{} {}{unit}", s.phase, show(s.done))
        } else {
            format!("{} begins", s.phase)
        },
    ));
    // Before anything has moved there is no pace, which is not the same as a pace of nothing.
    if rates.average > 0.0 {
        parts.push((1, format!("{} now", rate(rates.now))));
        parts.push((7, format!("{} avg", rate(rates.average))));
    }
    if in_bytes {
        parts.push((5, plural(s.messages, "message", "messages")));
    }
    if s.conversations > 0 {
        parts.push((6, format!("conv {}/{}", count(s.conversations_done), count(s.conversations))));
    }
    if s.rejected > 0 {
        parts.push((3, format!("reject {}", count(s.rejected))));
    }
    if s.retries > 0 {
        parts.push((5, format!("retry {}", count(s.retries))));
    }
    parts.extend(s.cause.clone().map(|cause| (4, cause)));
    if let Some(left) = rates.left {
        parts.push((2, format!("ETA {}", duration(left))));
        parts.extend(at(now, left).map(|at| (3, at)));
        if let Some((name, n)) = &s.longest {
            parts.push((8, format!("longest: {name}, {} left", count(*n))));
        }
    }
    parts
}

/// `about 03:50`, with the day where it is another one; nothing below a minute.
fn at(now: &Zoned, left: Duration) -> Option<String> {
    let at = now.checked_add(left).ok().filter(|_| left >= Duration::from_mins(1))?;
    let format = if at.date() == now.date() { "about %H:%M" } else { "about %a %H:%M" };
    Some(at.strftime(format).to_string())
}

const BETWEEN: &str = " | ";

/// Leaves out what matters least until the rest has room; what has none even then is cut off.
fn fit(mut parts: Vec<Part>, width: Option<usize>) -> String {
    let joined =
        |parts: &[Part]| parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(BETWEEN);
    let Some(width) = width else { return joined(&parts) };
    while joined(&parts).width() > width && parts.len() > 1 {
        let least = parts.iter().enumerate().max_by_key(|(_, (gladly, _))| *gladly);
        let Some((at, _)) = least else { break };
        parts.remove(at);
    }
    cut(&joined(&parts), width)
}

/// The first columns of a text.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + c.to_string().width() + 1 > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-03-01T03:12:45[UTC]".parse().unwrap()
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            phase: "send",
            done: 5_000,
            total: 10_000,
            conversations: 30,
            conversations_done: 12,
            retries: 3,
            cause: Some("limit: lag 231 of 222 ms".into()),
            longest: Some(("sg_巨大".into(), 1_900)),
            ..Snapshot::default()
        }
    }

    fn rates() -> Rates {
        Rates { now: 500.4, average: 480.0, left: Some(Duration::from_secs(190)) }
    }

    #[test]
    fn all_of_it_where_there_is_room() {
        assert_eq!(
            line(&now(), true, &snapshot(), &rates(), None),
            "03:12:45 | send 5,000/10,000 50.0 % | 500/s now | 480/s avg | conv 12/30 | retry 3 | \
             limit: lag 231 of 222 ms | ETA 3 min 10 s | about 03:15 | longest: sg_巨大, 1,900 left"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_what_matters_most_stays() {
        for width in 0..160 {
            let line = line(&now(), true, &snapshot(), &rates(), Some(width));
            assert!(line.width() <= width, "{width}: {line}");
            if width >= 27 {
                assert!(line.contains("send 5,000/10,000 50.0 %"), "{width}: {line}");
            }
        }
        assert_eq!(
            line(&now(), true, &snapshot(), &rates(), Some(70)),
            "03:12:45 | send 5,000/10,000 50.0 % | 500/s now | ETA 3 min 10 s"
        );
    }

    #[test]
    fn the_first_line_claims_no_pace() {
        let first = Snapshot { phase: "send", total: 10_000, ..Snapshot::default() };
        let said = |s: &Snapshot| line(&now(), false, s, &Rates::default(), None);
        assert_eq!(said(&first), "send 0/10,000 0.0 %");
        assert_eq!(said(&Snapshot { total: 0, ..first }), "send begins");
    }

    #[test]
    fn what_counts_conversations_says_so() {
        let behind = Snapshot {
            phase: "look behind",
            done: 120,
            total: 400,
            unit: Unit::Conversations,
            ..Snapshot::default()
        };
        let said = line(&now(), false, &behind, &Rates::default(), None);
        assert_eq!(said, "look behind 120/400 conversations 30.0 %");
    }

    #[test]
    fn the_end_is_said_as_a_time_of_day() {
        let at = |seconds| at(&now(), Duration::from_secs(seconds));
        assert_eq!(at(59), None);
        assert_eq!(at(3_600).as_deref(), Some("about 04:12"));
        assert_eq!(at(86_400).as_deref(), Some("about Mon 03:12"));
        assert_eq!(at(u64::MAX), None);
    }
}
