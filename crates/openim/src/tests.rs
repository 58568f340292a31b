//! What several tests of this room need.

/// The folder of recordings, where this machine has it: `OPENIM_SHARED`, or `../shared` beside the repository.
pub(super) fn shared() -> Option<std::path::PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test looks for something to try against")]
    let named = std::env::var("OPENIM_SHARED").ok().map(std::path::PathBuf::from);
    let folder =
        named.unwrap_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    if folder.join("contract").is_dir() {
        return Some(folder);
    }
    println!("skipped: no recordings in {}; set OPENIM_SHARED", folder.display());
    None
}
