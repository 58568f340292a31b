//! Files behind links: brought into the job's folder, one after the other, never faster than was said.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::openim::{Web, WebError};

/// How often a link is tried that gives no answer.
const TRIES: u32 = 3;

/// Brings files.
#[derive(Debug)]
pub struct Fetch {
    web: Web,
    folder: tempfile::TempDir,
    /// Between two calls; none: as fast as they come.
    every: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

/// Why there is no file.
#[derive(Debug)]
pub(super) enum NotFetched {
    /// What is wrong with its link, without the link.
    Link(String),
    /// It can't be written here: that is no fault of the file's.
    Here(std::io::Error),
}

impl Fetch {
    /// Into a folder below that one, which goes away with it.
    pub fn new(web: Web, dir: &Path, every: Option<Duration>) -> std::io::Result<Self> {
        Ok(Self { web, folder: scratch(dir)?, every, next: Mutex::default() })
    }

    /// The file behind a link.
    pub(super) async fn get(&self, url: &str) -> Result<PathBuf, NotFetched> {
        let mut wait = Duration::from_secs(1);
        for attempt in 1.. {
            self.turn().await;
            let path = self.folder.path().join(format!("{:x}", fastrand::u128(..)));
            let mut file = fs_err::File::create(&path).map_err(NotFetched::Here)?;
            let mut failed = None;
            let mut sink =
                |piece: &[u8]| file.write_all(piece).map_err(|error| failed.insert(error).to_string());
            let received = self.web.read(url, &mut sink).await;
            if let Some(error) = failed {
                return Err(NotFetched::Here(error));
            }
            let error = match received {
                Ok(received) if received.content_type.starts_with("text/html") && !wants_html(url) => {
                    // What Slack answers instead of a file: a page to log in.
                    fs_err::remove_file(&path).ok();
                    let why =
                        "its link leads to a page, not to the file: it needs a token, or its time is over";
                    return Err(NotFetched::Link(why.to_owned()));
                }
                Ok(_) => return Ok(path),
                Err(error) => error,
            };
            fs_err::remove_file(&path).ok();
            if attempt == TRIES || !error.is_passing() {
                return Err(NotFetched::Link(format!("its link: {error}")));
            }
            if let WebError::Refused { retry_after: Some(after), .. } = &error {
                wait = (*after).min(Duration::from_mins(2));
            }
            sleep(wait).await;
            wait *= 2;
        }
        unreachable!("the loop ends by returning")
    }

    async fn turn(&self) {
        let Some(every) = self.every else { return };
        let at = {
            let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let at = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(at + every);
            at
        };
        sleep_until(at).await;
    }
}

/// What the folders of files are called that are there for a while.
const SCRATCH: &str = "fetched-";

/// A folder of its own in the job's, for files that are there for a while.
pub(super) fn scratch(dir: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(SCRATCH).tempdir_in(dir)
}

/// Takes away what a process left there that was killed: pictures and files of people. Nobody else may be at work in the job.
pub fn sweep(dir: &Path) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            fs_err::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn wants_html(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
    [".html", ".htm"].iter().any(|ending| path.ends_with(ending))
}
