//! The one place that writes to standard output and standard error: no secret in use gets there, and nothing that a
//! terminal would obey.
//!
//! What is said on the way is no reason to stop: a night whose output goes to a full disk, or to a reader that has gone,
//! is carried on with. That something could not be said is said at the end ([`all_said`]).

use std::error::Error;
use std::io::{self, IsTerminal, Write, stderr, stdout};
use std::sync::OnceLock;

use crate::secrets;
use crate::visible::{visible_json, visible_lines};

/// Why standard output can't be written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("standard output can't be written: {text}")]
struct Unwritten {
    kind: io::ErrorKind,
    text: String,
}

/// The first that could not be said.
static UNSAID: OnceLock<Unwritten> = OnceLock::new();

/// A text and a line end on standard output.
pub fn say(text: &str) {
    remember(writeln!(stdout(), "{}", visible_lines(&secrets::without(text.trim_end()))));
}

/// The one object of `--json` on standard output.
pub fn say_json(json: &str) {
    remember(writeln!(stdout(), "{}", visible_json(&secrets::without(json))));
}

/// What others wrote to standard output, and whether they could.
pub fn remember(said: io::Result<()>) {
    if let Err(error) = said {
        let _first = UNSAID.get_or_init(|| Unwritten::from(&error));
    }
}

/// An error if something could not be said so far, unless its reader has seen enough.
pub fn all_said() -> io::Result<()> {
    remember(stdout().flush());
    let failed = UNSAID.get().filter(|unsaid| unsaid.kind != io::ErrorKind::BrokenPipe);
    failed.map_or(Ok(()), |unsaid| Err(unsaid.clone().into()))
}

/// Whether an error is that the reader of [`data`] has seen enough (`… | head`).
pub fn is_reader_gone(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().and_then(io::Error::get_ref).is_some_and(|inner| {
        inner.downcast_ref::<Unwritten>().is_some_and(|unwritten| unwritten.kind == io::ErrorKind::BrokenPipe)
            || is_reader_gone(inner)
    })
}

/// A text and a line end on standard error, for people who watch. Nobody to tell, or a full disk behind it, is no
/// reason to stop.
pub fn tell(text: &str) {
    drop(writeln!(stderr(), "{}", visible_lines(&secrets::without(text.trim_end()))));
}

/// How many columns the terminal behind standard error has; `None` where there is none.
pub fn width() -> Option<usize> {
    terminal_size::terminal_size_of(stderr())
        .map(|(width, _)| usize::from(width.0))
        .filter(|width| *width > 0)
}

/// A question on standard error; the answer is typed behind it.
pub fn ask(text: &str) -> io::Result<()> {
    write!(stderr(), "{}", visible_lines(&secrets::without(text)))
}

/// Standard output for tables: as it is for programs, visible on a terminal.
pub fn data() -> Box<dyn Write> {
    if stdout().is_terminal() { Box::new(Data(Visible(stdout()))) } else { Box::new(Data(stdout().lock())) }
}

/// Standard error for the log, which writes whole lines.
pub fn log() -> impl Write {
    Visible(stderr())
}

struct Visible<W>(W);

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(visible_lines(&secrets::without(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Its errors say what can't be written.
struct Data<W>(W);

impl<W: Write> Write for Data<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| Unwritten::from(&error).into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| Unwritten::from(&error).into())
    }
}

/// A pipe that was named as a file (`-o /dev/stdout`).
pub struct Piped<W>(pub W);

impl<W: Write> Write for Piped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(seen_enough)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(seen_enough)
    }
}

/// All other errors name the file.
fn seen_enough(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe { Unwritten::from(&error).into() } else { error }
}

impl From<&io::Error> for Unwritten {
    fn from(error: &io::Error) -> Self {
        Self { kind: error.kind(), text: error.to_string() }
    }
}

impl From<Unwritten> for io::Error {
    fn from(unwritten: Unwritten) -> Self {
        Self::new(unwritten.kind, unwritten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_reader_of_our_own_output_ends_it_in_peace() {
        let pipe = || io::Error::from(io::ErrorKind::BrokenPipe);
        let ours: io::Error = Unwritten::from(&pipe()).into();
        assert!(is_reader_gone(&ours));
        assert!(is_reader_gone(&io::Error::other(ours)), "within another");
        // A server that hangs up, a thread that has ended.
        assert!(!is_reader_gone(&pipe()) && !is_reader_gone(&io::Error::other(pipe())));
        let full: io::Error = Unwritten::from(&io::Error::from(io::ErrorKind::StorageFull)).into();
        assert!(!is_reader_gone(&full));
    }
}
