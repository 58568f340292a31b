//! The folder itself: private to its owner, because it holds people's messages.

use std::fs::OpenOptions;
use std::path::Path;

use super::error::{InJob, JobError};

/// Makes the folder, readable by its owner alone, or takes an empty one.
pub(super) fn make(dir: &Path) -> Result<(), JobError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).in_job(dir)?;
    let strange = std::fs::read_dir(dir).in_job(dir)?.filter_map(Result::ok).any(|entry| {
        // A job whose making was interrupted has a lock and perhaps an empty spool, but no database.
        !matches!(entry.file_name().to_str(), Some("job.lock" | super::spool::FILE | super::schema::DATABASE))
    });
    if strange && !dir.join(super::schema::DATABASE).exists() {
        return Err(JobError::NotAJob(dir.to_owned()));
    }
    #[cfg(unix)]
    std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700)).in_job(dir)?;
    Ok(())
}

/// A file of the folder that is written anew: under another name until it is whole.
#[derive(Debug)]
pub struct NewFile {
    file: std::fs::File,
    draft: std::path::PathBuf,
    path: std::path::PathBuf,
}

impl NewFile {
    pub(super) fn make(dir: &Path, name: &str) -> Result<Self, JobError> {
        let (draft, path) = (dir.join(format!("{name}.new")), dir.join(name));
        let file =
            private(OpenOptions::new().write(true).create(true).truncate(true)).open(&draft).in_job(dir)?;
        Ok(Self { file, draft, path })
    }

    /// Puts it into the place of the one that was there; on the disk when it returns.
    pub fn keep(self) -> std::io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.draft, &self.path)
    }
}

impl std::io::Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Files are made readable by their owner alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_things_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join("holiday.jpg"), "x").unwrap();
        assert!(matches!(make(dir.path()), Err(JobError::NotAJob(_))));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let job = dir.path().join("a/b.job");
        make(&job).unwrap();
        assert_eq!(std::fs::metadata(&job).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
