//! MP4 and its kin: length and size stand in two boxes of `moov`. Nothing else is read, however large it says it is.

use std::io::{self, SeekFrom};

use super::Bytes;
use super::look::MOST_SECONDS;

/// What a film tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Film {
    pub(crate) seconds: u64,
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// Its description was found.
    pub(crate) is_read: bool,
}

/// Boxes that are looked at; a file with more of them was made to keep us busy.
const MOST_BOXES: u32 = 2000;

/// Reads length and size.
pub(crate) fn look(from: &mut dyn Bytes, size: u64) -> io::Result<Film> {
    let mut walk = Walk { from, left: MOST_BOXES, film: Film::default() };
    walk.boxes(0, size, 0)?;
    Ok(walk.film)
}

struct Walk<'a> {
    from: &'a mut dyn Bytes,
    left: u32,
    film: Film,
}

impl Walk<'_> {
    fn boxes(&mut self, mut at: u64, end: u64, depth: u32) -> io::Result<()> {
        while at.saturating_add(8) <= end && self.left > 0 {
            self.left -= 1;
            let mut head = [0; 16];
            let Some(head) = self.read(at, end, &mut head)? else { return Ok(()) };
            let number = |at: usize| {
                head.get(at..at + 4).map_or(0, |b| u64::from(u32::from_be_bytes([b[0], b[1], b[2], b[3]])))
            };
            let (len, body) = match number(0) {
                0 => (end - at, 8),
                1 if head.len() == 16 => (number(8) << 32 | number(12), 16),
                len => (len, 8),
            };
            if len < body || len > end - at {
                return Ok(());
            }
            match &head[4..8] {
                b"moov" | b"trak" if depth < 3 => self.boxes(at + body, at + len, depth + 1)?,
                b"mvhd" => self.movie(at + body, at + len)?,
                b"tkhd" => self.track(at + body, at + len)?,
                _ => {}
            }
            at += len;
        }
        Ok(())
    }

    fn movie(&mut self, at: u64, end: u64) -> io::Result<()> {
        let mut bytes = [0; 32];
        let Some(bytes) = self.read(at, end, &mut bytes)? else { return Ok(()) };
        let number = |at: usize| {
            bytes.get(at..at + 4).map_or(0, |b| u64::from(u32::from_be_bytes([b[0], b[1], b[2], b[3]])))
        };
        let (scale, length) = match bytes.first() {
            Some(1) => (number(20), number(24) << 32 | number(28)),
            _ => (number(12), number(16)),
        };
        self.film.is_read = true;
        if scale > 0 {
            let seconds = length.div_ceil(scale);
            self.film.seconds = if seconds > MOST_SECONDS { 0 } else { seconds };
        }
        Ok(())
    }

    fn track(&mut self, at: u64, end: u64) -> io::Result<()> {
        let mut bytes = [0; 96];
        let Some(bytes) = self.read(at, end, &mut bytes)? else { return Ok(()) };
        let number =
            |at: usize| bytes.get(at..at + 2).map_or(0, |b| u64::from(u16::from_be_bytes([b[0], b[1]])));
        // Fixed point, 16.16, at the end; a track of sound has 0.
        let place = if bytes.first() == Some(&1) { 88 } else { 76 };
        let (width, height) = (number(place), number(place + 4));
        if width > self.film.width {
            (self.film.width, self.film.height) = (width, height);
        }
        Ok(())
    }

    /// As much as there is, up to the length of `into`.
    fn read<'b>(&mut self, at: u64, end: u64, into: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
        let len = into.len().min(usize::try_from(end.saturating_sub(at)).unwrap_or(into.len()));
        self.from.seek(SeekFrom::Start(at))?;
        match self.from.read_exact(&mut into[..len]) {
            Ok(()) if len >= 8 => Ok(Some(&into[..len])),
            Ok(()) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}
