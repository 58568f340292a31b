//! The forecast in words.

use std::fmt::Write;

use super::fit::Fit;
use crate::before::Forecast;
use crate::report::{bytes, count, duration};

/// Some lines: how long, what decides it, what it needs, and what that rests on. `redis`: the memory that was named.
pub(super) fn words(forecast: &Forecast, redis: Option<u64>, fit: Option<&Fit>) -> String {
    let mut out = format!("\nthe night: {}\n", clause(forecast));
    let mut line = |text: std::fmt::Arguments| writeln!(out, "  {text}").expect("a String takes everything");
    if let Some(fit) = fit {
        line(format_args!("{}", fit.in_words()));
    }
    if forecast.deciding.is_empty() {
        line(format_args!("no conversation decides it alone"));
    } else {
        let alone = duration(std::time::Duration::from_secs_f64(forecast.longest_seconds.min(1e9)));
        let named: Vec<String> =
            forecast.deciding.iter().map(|(name, left)| format!("{name} ({})", count(*left))).collect();
        let most =
            if forecast.longest_seconds >= forecast.all_seconds { "decides it" } else { "comes close" };
        line(format_args!("the longest conversation alone, {alone}, {most}: {}", named.join(", ")));
    }
    let memory = bytes(forecast.redis_bytes);
    match (redis, forecast.redis_pace) {
        (_, None) => line(format_args!("Redis: {memory} at once, each message for 24 hours{}", fits(redis))),
        (redis, Some(pace)) => line(format_args!(
            "Redis: {memory} at once, more than {}: it bears {:.0} messages a second (--rate {:.0}/s), which takes {}",
            bytes(redis.unwrap_or_default()),
            pace.floor(),
            pace.floor().max(1.0),
            duration(at_pace(forecast.messages, pace.floor().max(1.0)))
        )),
    }
    line(format_args!(
        "disk: at most {} in MongoDB before its compression, as much in Kafka until its retention is over",
        bytes(forecast.disk_bytes)
    ));
    let better = if forecast.is_measured {
        "`run --canary 20` measures it with your conversations"
    } else {
        "`check --api URL --probe` and `run --canary 20` measure yours"
    };
    line(format_args!("{}; {better}", forecast.by));
    out
}

/// `about 3 h 05 min at 887 messages a second`
pub(super) fn clause(forecast: &Forecast) -> String {
    let measured = if forecast.is_measured { ", as measured just now" } else { "" };
    format!("about {} at {:.0} messages a second{measured}", duration(forecast.night()), forecast.pace)
}

fn fits(redis: Option<u64>) -> String {
    redis.map_or_else(String::new, |memory| format!("; {} suffice for that", bytes(memory)))
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn at_pace(messages: u64, pace: f64) -> std::time::Duration {
    std::time::Duration::from_secs_f64((messages as f64 / pace).min(1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast() -> Forecast {
        Forecast {
            messages: 9_870_112,
            seconds: 22_000.0,
            all_seconds: 22_000.0,
            longest_seconds: 12_000.0,
            pace: 448.6,
            deciding: vec![("sg_1024".into(), 2_120_000)],
            redis_bytes: 11 << 30,
            redis_pace: None,
            disk_bytes: 9 << 30,
            by: "assumed: a server as that one".into(),
            is_measured: false,
        }
    }

    #[test]
    fn the_night_is_said_with_what_decides_it() {
        insta::assert_snapshot!(words(&forecast(), None, None), @r"

        the night: about 6 h 06 min at 449 messages a second
          the longest conversation alone, 3 h 20 min, comes close: sg_1024 (2,120,000)
          Redis: 11.0 GiB at once, each message for 24 hours
          disk: at most 9.0 GiB in MongoDB before its compression, as much in Kafka until its retention is over
          assumed: a server as that one; `check --api URL --probe` and `run --canary 20` measure yours
        ");
    }

    #[test]
    fn a_memory_that_is_too_small_is_said_with_the_pace_that_it_bears() {
        let tight = Forecast { redis_pace: Some(92.7), deciding: Vec::new(), ..forecast() };
        let said = words(&tight, Some(8_000_000_000), None);
        assert!(
            said.contains(
                "more than 7.5 GiB: it bears 92 messages a second (--rate 92/s), which takes 29 h 48 min"
            ),
            "{said}"
        );
        assert!(said.contains("no conversation decides it alone"), "{said}");
        assert!(words(&forecast(), Some(64_000_000_000), None).contains("59.6 GiB suffice"), "{said}");
    }
}
