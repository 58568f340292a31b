//! Files that a command writes for people: for their owner alone, and nothing is overwritten unasked.

use std::io::Write;
use std::path::Path;

use fs_err::OpenOptions;

use super::{Exit, Failure, OrFail};
use crate::report::terminal;

/// Makes the file, readable by its owner alone, since it has names or messages of people. One that is there is
/// overwritten with `force` only, and keeps its mode; what is no file (`/dev/stdout`) is written to.
pub(super) fn create(path: &Path, force: bool) -> Result<Box<dyn Write>, Failure> {
    if !force && path.is_file() {
        let text = format!("`{}` is there already; --force overwrites it", path.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).or_fail(Exit::Usage)?;
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    Ok(if is_file { Box::new(file) } else { Box::new(terminal::Piped(file)) })
}
