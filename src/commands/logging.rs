//! The log on standard error: warnings always, more with `-v`.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::report::terminal;

/// Begins to log: what people should know, with `-v` what the importer decides, with `-vv` each call. Only our
/// own lines: other crates may log headers, and the token is in one.
pub(super) fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::TRACE,
    };
    // `importer_` begins the name of each room that is a crate.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level).with_target("importer_", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(terminal::log)
        .with_ansi(false)
        .with_target(false)
        .log_internal_errors(false);
    // Somebody else's subscriber, in a test, is as good.
    drop(tracing_subscriber::registry().with(lines).with(ours).try_init());
}
