//! What is imported, and the importer's process.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use fastrand::Rng;

use crate::support::{Rehearsal, importer_process};

/// An export of `messages` in `conversations` of very unequal size, a quarter of them groups.
pub(crate) fn export(dir: &Path, messages: u64, conversations: u64, seed: u64) -> PathBuf {
    let mut rng = Rng::with_seed(seed);
    let mut rows = String::new();
    for n in 0..messages {
        let c =
            if rng.u8(0..100) < 33 { 0 } else { rng.u64(0..conversations).min(rng.u64(0..conversations)) };
        let time = 1_700_000_000_000 + n * 10;
        let (from, to) = if rng.bool() { ('a', 'b') } else { ('b', 'a') };
        let whom =
            if c % 4 == 1 { format!("\"groupID\":\"g{c}\"") } else { format!("\"recvID\":\"{to}{c}\"") };
        // Every tenth says the same as others: they can stand for each other.
        let text = if n % 10 == 0 { "ok".to_owned() } else { format!("message {n}") };
        let row = format!(
            "{{\"id\":\"m{n}\",\"sendID\":\"{from}{c}\",{whom},\"sendTime\":{time},\"content\":{{\"content\":\"{text}\"}}}}\n"
        );
        rows.push_str(&row);
    }
    let path = dir.join("export.jsonl");
    fs_err::write(&path, rows).unwrap();
    path
}

/// The importer on its way; killed if it is dropped.
pub(crate) struct Importer(Child);

impl Importer {
    /// `run` into that server, with waits short enough for a test.
    pub(crate) fn start(dir: &Path, export: &Path, server: &Rehearsal, options: &[&str]) -> Self {
        let log = || {
            let mut options = fs_err::OpenOptions::new();
            Stdio::from(
                options.create(true).append(true).open(dir.join("import.log")).unwrap().into_parts().0,
            )
        };
        Self(
            importer_process()
                .current_dir(dir)
                .env("OPENIM_SECRET", "openIM123")
                .arg("run")
                .arg(export)
                .args(["--job", "x.job", "--api", &server.url, "--quiet", "-v"])
                .args(["--allow", "retention", "--allow", "live-traffic", "--allow", "would-not-scroll"])
                .args(["--unanswered-wait", "300ms", "--give-up", "5m"])
                .args(options)
                .stdout(log())
                .stderr(log())
                .spawn()
                .unwrap(),
        )
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Whether it has ended by itself after so long.
    pub(crate) fn ends_within(&mut self, time: Duration) -> bool {
        std::thread::sleep(time);
        self.has_ended()
    }
}

impl Drop for Importer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
