//! How long recordings last.

use std::io::{self, Read as _, SeekFrom};

use super::Bytes;

/// Where the last page of an Ogg file begins at the earliest, counted from its end: the longest page there can be.
const LAST_PAGE: u64 = 65_307;

/// Opus and Vorbis: the number of the last sample stands in the last page.
pub(crate) fn ogg(head: &[u8], from: &mut dyn Bytes, size: u64) -> io::Result<u64> {
    let number = |at: usize, len: usize| -> Option<u64> {
        let bytes = head.get(at..at + len)?;
        Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let find =
        |what: &[u8]| head.get(..512.min(head.len()))?.windows(what.len()).position(|window| window == what);
    let (rate, skipped) = if let Some(at) = find(b"OpusHead") {
        // Opus counts in 48,000ths, whatever was recorded.
        (48_000, number(at + 10, 2).unwrap_or(0))
    } else if let Some(at) = find(b"\x01vorbis") {
        (number(at + 12, 4).unwrap_or(0), 0)
    } else {
        return Ok(0);
    };
    let mut tail = vec![0; usize::try_from(size.min(LAST_PAGE)).unwrap_or_default()];
    from.seek(SeekFrom::Start(size - tail.len() as u64))?;
    from.read_exact(&mut tail)?;
    let Some(page) = tail.windows(4).rposition(|window| window == b"OggS") else { return Ok(0) };
    let Some(samples) = tail.get(page + 6..page + 14) else { return Ok(0) };
    let samples = samples.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(if rate == 0 || samples == u64::MAX { 0 } else { samples.saturating_sub(skipped).div_ceil(rate) })
}

/// PCM: the length of the data by the bytes of a second.
pub(crate) fn wav(head: &[u8]) -> u64 {
    let number = |at: usize| -> Option<u64> {
        Some(u64::from(u32::from_le_bytes(*head.get(at..at + 4)?.first_chunk()?)))
    };
    let (mut at, mut a_second) = (12, 0);
    while let (Some(name), Some(len)) = (head.get(at..at + 4), number(at + 4)) {
        match name {
            b"fmt " => a_second = number(at + 16).unwrap_or(0),
            b"data" if a_second > 0 => return len.div_ceil(a_second),
            _ => {}
        }
        let Ok(len) = usize::try_from(len) else { return 0 };
        at = at.saturating_add(8).saturating_add(len).saturating_add(len % 2);
    }
    0
}

/// AMR: each frame is 20 ms, and its first byte says how long it is.
pub(crate) fn amr(head: &[u8], from: &mut dyn Bytes, size: u64) -> io::Result<u64> {
    /// Longer ones are no voice messages.
    const MOST: u64 = 16 << 20;
    const NARROW: [u64; 16] = [13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1];
    const WIDE: [u64; 16] = [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 1, 1, 1, 1, 1, 1];
    let (lengths, start) = if head.starts_with(b"#!AMR-WB\n") {
        (WIDE, 9)
    } else if head.starts_with(b"#!AMR\n") {
        (NARROW, 6)
    } else {
        return Ok(0);
    };
    if size > MOST {
        return Ok(0);
    }
    let mut all = Vec::new();
    from.seek(SeekFrom::Start(0))?;
    from.take(MOST).read_to_end(&mut all)?;
    let (mut at, mut frames) = (start, 0_u64);
    while let Some(first) = usize::try_from(at).ok().and_then(|at| all.get(at)) {
        at += lengths[usize::from(first >> 3 & 15)];
        frames += 1;
    }
    Ok((frames * 20).div_ceil(1000))
}
