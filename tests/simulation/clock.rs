//! Virtual time.

/// Runs it on a clock of its own that goes on as soon as everybody waits, with chances that are the same each time.
pub(super) fn virtually<T>(seed: u64, run: impl Future<Output = T>) -> T {
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run)
}
