//! Law 7: what lies beside each other in one stored document may not be more than MongoDB takes.

use super::*;

fn large(text: &str, from: u64, to: u64) -> Vec<String> {
    let line = |n: u64| {
        serde_json::json!({"sendID": "a", "groupID": "g", "sendTime": 1_700_000_000_000 + n * 1000, "text": text}).to_string()
    };
    (from..to).map(line).collect()
}

#[test]
fn passes_make_no_difference() {
    let kept = |text: &str, cuts: &[u64]| {
        let bench = Bench::new();
        let mut job = bench.job();
        let mut from = 0;
        for (n, to) in cuts.iter().enumerate() {
            bench.pass(&mut job, &[(&format!("{n}.jsonl"), large(text, from, *to))]);
            from = *to;
        }
        let reader = job.reader().unwrap();
        all(&reader, "sg_g").iter().map(|(entry, _)| entry.send_time.0 / 1000).collect::<Vec<_>>()
    };
    // The second as the server writes it, with six bytes for each.
    for text in ["x".repeat(450_000), "<".repeat(75_000)] {
        let at_once = kept(&text, &[45]);
        assert!((30..40).contains(&at_once.len()), "{at_once:?}");
        assert_eq!(kept(&text, &[20, 45]), at_once);
        assert_eq!(kept(&text, &[1, 2, 30, 45]), at_once);
    }
}
