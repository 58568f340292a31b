//! Files that a command writes for people: for their owner alone, and nothing is overwritten unasked.

use std::fs::{File, OpenOptions};
use std::path::Path;

use super::{Exit, Failure, OrFail};

/// Makes the file, readable by its owner alone, since it has names or messages of people. One that is there is
/// overwritten with `force` only, and keeps its mode; what is no file (`/dev/stdout`) is written to.
pub(super) fn create(path: &Path, force: bool) -> Result<File, Failure> {
    if !force && path.is_file() {
        let text = format!("`{}` is there already; --force overwrites it", path.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file =
        options.open(path).map_err(|error| anyhow::anyhow!("`{}` can't be written: {error}", path.display()));
    file.or_fail(Exit::Usage)
}
