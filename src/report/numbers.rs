//! Numbers as people read them.

use std::time::Duration;

pub use importer_words::numbers::{count, plural};

/// `3 h 05 min`, `4 min 07 s`, `1.8 s`
pub fn duration(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..=9 => format!("{:.1} s", time.as_secs_f64()),
        10..=59 => format!("{s} s"),
        60..=3599 => format!("{} min {:02} s", s / 60, s % 60),
        _ => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
    }
}

/// `41.7 %`; of nothing, everything is done.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "100 %".into();
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let share = part as f64 * 100.0 / whole as f64;
    // Never claim 100 % before the last one.
    if part < whole { format!("{:.1} %", share.min(99.9)) } else { "100 %".into() }
}

/// `8.0 MiB`
pub fn bytes(n: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut value = n as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(duration(Duration::from_millis(1849)), "1.8 s");
        assert_eq!(duration(Duration::from_secs(247)), "4 min 07 s");
        assert_eq!(duration(Duration::from_mins(185)), "3 h 05 min");
        assert_eq!(percent(9999, 10_000), "99.9 %");
        assert_eq!(percent(0, 0), "100 %");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(8 << 20), "8.0 MiB");
    }
}
