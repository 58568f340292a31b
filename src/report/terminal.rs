//! The one place that writes to standard output and standard error: no secret in use gets there, and nothing that a
//! terminal would obey.

use std::io::{self, IsTerminal, Write, stderr, stdout};

use crate::secrets;
use crate::visible::{visible_json, visible_lines};

/// A text and a line end on standard output.
pub fn say(text: &str) -> io::Result<()> {
    writeln!(stdout(), "{}", visible_lines(&secrets::without(text.trim_end())))
}

/// The one object of `--json` on standard output.
pub fn say_json(json: &str) -> io::Result<()> {
    writeln!(stdout(), "{}", visible_json(&secrets::without(json)))
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
    if stdout().is_terminal() { Box::new(Visible(stdout())) } else { Box::new(stdout().lock()) }
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
