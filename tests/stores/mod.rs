//! Exports in object stores: read as files are, whatever the connection does, and never another object under one name.
//!
//! `cargo test --features object-store --test tests stores::`; without the feature only that it says so.

#[cfg(feature = "object-store")]
mod files;
#[cfg(feature = "object-store")]
mod read;
#[cfg(feature = "object-store")]
mod refused;
#[cfg(feature = "object-store")]
mod server;

#[cfg(not(feature = "object-store"))]
#[test]
fn a_build_without_them_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for source in ["s3://chats/export.jsonl", "GS://chats/", "az://chats/2024/*.jsonl.zst"] {
        for command in [&["check"][..], &["run", "--rehearse"], &["init"]] {
            let output = crate::support::importer()
                .current_dir(dir.path())
                .args(command)
                .arg(source)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{command:?} {source}: {said}");
            assert!(
                said.contains("built without them") && said.contains("--features object-store"),
                "{said}"
            );
        }
    }
}
