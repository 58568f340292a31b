//! What a file is called by the server: the digests of its parts.

use std::io::{self, SeekFrom};

use md5::{Digest as _, Md5};

/// Digests of a file, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Bytes.
    pub size: u64,
    /// MD5 of each part, hexadecimal.
    pub parts: Vec<String>,
}

impl Digest {
    /// MD5 of the digests, joined by commas: the server's hash.
    pub fn hash(&self) -> String {
        hex(&Md5::digest(self.parts.join(",").as_bytes()))
    }
}

/// Digests of bytes that come in pieces.
#[derive(Debug)]
pub struct Sum {
    part: u64,
    in_part: u64,
    size: u64,
    digest: Md5,
    parts: Vec<String>,
}

impl Sum {
    /// For parts of so many bytes.
    pub fn new(part: u64) -> Self {
        Self { part: part.max(1), in_part: 0, size: 0, digest: Md5::new(), parts: Vec::new() }
    }

    /// The next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = usize::try_from(self.part - self.in_part).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.digest.update(now);
            self.in_part += now.len() as u64;
            if self.in_part == self.part {
                self.parts.push(hex(&self.digest.finalize_reset()));
                self.in_part = 0;
            }
            bytes = later;
        }
    }

    /// There are no more.
    pub fn finish(mut self) -> Digest {
        if self.in_part > 0 || self.parts.is_empty() {
            self.parts.push(hex(&self.digest.finalize_reset()));
        }
        Digest { size: self.size, parts: self.parts }
    }
}

/// Digests of bytes that are there already.
pub fn digest_of(bytes: &[u8], part: u64) -> Digest {
    let mut sum = Sum::new(part);
    sum.update(bytes);
    sum.finish()
}

/// Reads all of it, up to `most` bytes; what goes on beyond that has no digest.
pub fn digest(from: &mut dyn super::Bytes, part: u64, most: u64) -> io::Result<Option<Digest>> {
    from.seek(SeekFrom::Start(0))?;
    let mut sum = Sum::new(part);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(Some(sum.finish())),
            Ok(n) => sum.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if sum.size > most {
            return Ok(None);
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_where_they_must_whatever_the_pieces() {
        let bytes: Vec<u8> = (0..100_u8).collect();
        let all = digest(&mut io::Cursor::new(bytes.clone()), 32, 1000).unwrap().unwrap();
        assert_eq!((all.size, all.parts.len()), (100, 4));
        assert_eq!(digest_of(&bytes, 32), all);
        for piece in [1, 7, 32, 33, 100] {
            let mut sum = Sum::new(32);
            bytes.chunks(piece).for_each(|piece| sum.update(piece));
            assert_eq!(sum.finish(), all, "{piece}");
        }
        assert_eq!(digest(&mut io::Cursor::new(bytes), 32, 99).unwrap(), None);
        // One byte `A`, as the servers call it.
        let one = digest(&mut io::Cursor::new(b"A"), 5 << 20, 10).unwrap().unwrap();
        assert_eq!(one.hash(), "4cbd6d53280de25e04712c7434a70642");
    }
}
