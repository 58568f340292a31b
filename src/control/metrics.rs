//! The state in Prometheus' text format.

use std::fmt::Write;

use super::state::State;

/// Its content type.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All numbers that can be drawn over time.
#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
#[expect(clippy::too_many_lines, reason = "a list, a metric a line")]
pub(super) fn metrics(state: &State) -> String {
    let mut text = String::new();
    let mut one = |name: &str, kind: &str, help: &str, values: &[(String, f64)]| {
        if values.is_empty() {
            return;
        }
        let name = format!("openim_import_{name}");
        // Writing into a string can't fail.
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
        for (labels, value) in values {
            writeln!(text, "{name}{labels} {value}").ok();
        }
    };
    let plain = |value: f64| vec![(String::new(), value)];
    let number = |value: u64| plain(value as f64);
    let seconds = |ms: Option<u64>| ms.map_or_else(Vec::new, |ms| plain(ms as f64 / 1e3));
    one("messages", "gauge", "Messages of the job.", &number(state.messages));
    one("conversations", "gauge", "Conversations of the job.", &number(state.conversations));
    one("conversations_done", "gauge", "Conversations that are finished.", &number(state.conversations_done));
    one(
        "confirmed",
        "gauge",
        "Messages read back from the server's log, in all runs.",
        &number(state.confirmed),
    );
    one("in_flight", "gauge", "Messages sent and not numbered yet.", &number(state.in_flight));
    one("pending", "gauge", "Messages not sent yet.", &number(state.pending));
    one("calls", "gauge", "send_msg calls under way.", &number(state.calls));
    one(
        "settling",
        "gauge",
        "Conversations that wait to see what became of a message.",
        &number(state.settling),
    );
    one(
        "lost_and_resent_total",
        "counter",
        "Messages acknowledged, lost by the server, sent again.",
        &number(state.lost_and_resent),
    );
    one("doubled_total", "counter", "Copies that the server made.", &number(state.doubled));
    one("retries_total", "counter", "Calls made again.", &number(state.retries));
    let by = |label: &str, list: &[super::state::Counted]| -> Vec<(String, f64)> {
        list.iter().map(|one| (format!("{{{label}=\"{}\"}}", escaped(&one.name)), one.count as f64)).collect()
    };
    one(
        "retries_by_cause_total",
        "counter",
        "Calls made again, by cause.",
        &by("cause", &state.retry_causes),
    );
    one("rejected", "gauge", "Messages the server refused, in all runs.", &number(state.rejected));
    one(
        "rejected_by_reason",
        "gauge",
        "Messages the server refused, by reason.",
        &by("reason", &state.rejects),
    );
    one(
        "pace_per_second",
        "gauge",
        "Messages confirmed or refused a second, lately.",
        &plain(state.pace.now),
    );
    one(
        "lag_seconds",
        "gauge",
        "How long messages waited for their numbers lately, at worst.",
        &seconds(state.lag.now_ms),
    );
    one("lag_idle_seconds", "gauge", "The same on the idle server.", &seconds(state.lag.idle_ms));
    one("lag_aim_seconds", "gauge", "The lag that is aimed at.", &seconds(state.lag.aim_ms));
    one(
        "rate_limit_per_second",
        "gauge",
        "Messages a second at most; missing: no bound.",
        &state.settings.rate.map_or_else(Vec::new, |rate| plain(f64::from(rate))),
    );
    one(
        "connections_limit",
        "gauge",
        "Calls under way at most.",
        &plain(f64::from(state.settings.connections)),
    );
    one(
        "max_lag_seconds",
        "gauge",
        "Lag above the idle server at most; missing: any.",
        &seconds(state.settings.max_lag_ms),
    );
    let phase = format!("{{phase=\"{}\"}}", escaped(state.phase));
    one("phase", "gauge", "What it is at, always 1.", &[(phase, 1.0)]);
    one(
        "paused",
        "gauge",
        "1 while nothing new is sent on purpose.",
        &plain(f64::from(u8::from(state.settings.paused.is_some()))),
    );
    one(
        "eta_seconds",
        "gauge",
        "Time left, as far as it can be said.",
        &state.eta.as_ref().map_or_else(Vec::new, |eta| plain(eta.seconds)),
    );
    let limit = state.limit.as_ref().map(|limit| (format!("{{limit=\"{}\"}}", limit.name), 1.0));
    one("limited_by", "gauge", "What limits the pace.", &limit.into_iter().collect::<Vec<_>>());
    let exit = state.ended.as_ref().map_or_else(Vec::new, |end| plain(f64::from(end.exit_code)));
    one("exit_code", "gauge", "How the run ended; missing while it runs.", &exit);
    text
}

/// As a label's value is written.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::state::{Counted, End};
    use super::*;

    #[test]
    fn each_metric_has_help_type_and_value_and_labels_are_escaped() {
        let state = State {
            messages: 12_000,
            confirmed: 700,
            retry_causes: vec![Counted {
                name: "a \"b\"\\\n".into(),
                means: "",
                count: 3,
                example: String::new(),
            }],
            ended: Some(End { exit_code: 5, ..End::default() }),
            ..State::default()
        };
        let text = metrics(&state);
        for line in [
            "openim_import_messages 12000",
            "openim_import_confirmed 700",
            "openim_import_retries_by_cause_total{cause=\"a \\\"b\\\"\\\\\\n\"} 3",
            "openim_import_exit_code 5",
            "# TYPE openim_import_retries_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!(names.len(), text.lines().filter(|line| line.starts_with("# HELP ")).count());
        assert!(!text.contains("lag_seconds "), "what is not known is left out");
    }
}
