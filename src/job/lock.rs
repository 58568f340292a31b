//! One process per job.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::error::{InJob, JobError};
use super::folder::private;

/// Holds the job for this process; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// Closing the file alone is not enough: a child process that is just being started has a copy of it until it becomes
/// another program, and holds the job as long.
impl Drop for Lock {
    fn drop(&mut self) {
        // Where that fails it is closed all the same.
        drop(self.file.unlock());
    }
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, JobError> {
        let path = dir.join("job.lock");
        let mut file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .open(&path)
            .in_job(dir)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JobError::Locked { dir: dir.to_owned(), pid: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(source).in_job(dir),
        }
        file.set_len(0).in_job(dir)?;
        file.write_all(std::process::id().to_string().as_bytes()).in_job(dir)?;
        Ok(Self { file })
    }
}

/// Whether a process has the job, without ever being in its way: whoever took the lock for a moment to find out would
/// refuse it to a run that begins just then. A number that another process got since then passes for it.
pub(super) fn is_held(dir: &Path) -> bool {
    let file = OpenOptions::new().read(true).open(dir.join("job.lock"));
    let Some(pid) = file.ok().and_then(|mut file| holder(&mut file)) else { return false };
    let processes = Path::new("/proc");
    // Where there is no such folder it can't be known, and is asked for until somebody has enough.
    !processes.join("self").exists() || processes.join(pid.to_string()).exists()
}

/// Who wrote its number last; only asked when the lock is held.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_held_by_a_process_that_lives() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_held(dir.path()));
        let _lock = Lock::take(dir.path()).unwrap();
        assert!(is_held(dir.path()));
        if Path::new("/proc/self").exists() {
            fs_err::write(dir.path().join("job.lock"), "4194999").unwrap();
            assert!(!is_held(dir.path()));
        }
    }

    #[test]
    fn the_second_is_told_who_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        let error = Lock::take(dir.path()).unwrap_err();
        assert!(matches!(error, JobError::Locked { pid: Some(pid), .. } if pid == std::process::id()));
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_copy_of_the_file_in_a_child_does_not_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        // What a process has between its start and the program that it becomes.
        let _copy = first.file.try_clone().unwrap();
        drop(first);
        Lock::take(dir.path()).unwrap();
    }
}
