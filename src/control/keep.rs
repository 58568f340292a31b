//! Where a run can be spoken to, in two files of its job's folder that only its owner can read.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::serve::Endpoint;
use crate::job::Job;

/// The token alone, as Prometheus wants it.
pub const TOKEN: &str = "control.token";
/// `127.0.0.1:PORT`
pub const ADDRESS: &str = "control.address";

/// 256 bits that nobody guesses.
pub(super) fn token() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let (first, second) = bytes.split_at(16);
    let hex = |half: &[u8]| half.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    Ok(format!("{:032x}{:032x}", hex(first), hex(second)))
}

/// The files, which go when this is dropped.
#[derive(Debug)]
pub struct Kept(PathBuf);

/// Writes them. The job is held by this process: no other run has its files there.
pub fn keep(endpoint: &Endpoint, job: &Job) -> io::Result<Kept> {
    let write = |name, text: &str| {
        let mut file = job.new_file(name).map_err(io::Error::other)?;
        file.write_all(text.as_bytes())?;
        file.keep()
    };
    let kept = Kept(job.dir().to_owned());
    write(TOKEN, endpoint.token())?;
    write(ADDRESS, &endpoint.address().to_string())?;
    Ok(kept)
}

impl Drop for Kept {
    fn drop(&mut self) {
        for name in [TOKEN, ADDRESS] {
            // What stays behind opens nothing any more.
            drop(fs_err::remove_file(self.0.join(name)));
        }
    }
}

/// Where the run of that job listens, and what opens it.
pub fn find(dir: &Path) -> io::Result<(SocketAddr, String)> {
    let address = fs_err::read_to_string(dir.join(ADDRESS))?;
    let address = address.trim().parse().map_err(io::Error::other)?;
    Ok((address, fs_err::read_to_string(dir.join(TOKEN))?.trim().to_owned()))
}
