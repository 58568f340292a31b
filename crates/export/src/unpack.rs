//! Packed sources: gzip and zstd, told by their first bytes; counted and hashed as they lie there.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

/// Unpacks by what the first bytes say.
pub(super) enum Unpack {
    Plain(Tally),
    Gzip(Box<Members>),
    Zstd(zstd::Decoder<'static, io::BufReader<Tally>>),
}

impl Unpack {
    pub(super) fn new(mut tally: Tally) -> io::Result<Self> {
        Ok(match tally.peek()? {
            [0x1f, 0x8b, ..] => Self::Gzip(Box::new(Members::new(tally))),
            // The second is a frame to be skipped, with which `pzstd` and seekable files begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Self::Zstd(zstd::Decoder::new(tally)?)
            }
            _ => Self::Plain(tally),
        })
    }

    /// How it is packed, if it is.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(_) => Some("gzip"),
            Self::Zstd(_) => Some("zstd"),
        }
    }

    /// What was read of the source itself.
    pub(super) fn tally(&self) -> &Tally {
        match self {
            Self::Plain(tally) => tally,
            Self::Gzip(gz) => gz.member.get_ref().get_ref(),
            Self::Zstd(zstd) => zstd.get_ref().get_ref(),
        }
    }

    /// The same, to read on behind what was unpacked.
    pub(super) fn tally_mut(&mut self) -> &mut Tally {
        match self {
            Self::Plain(tally) => tally,
            Self::Gzip(gz) => gz.member.get_mut().get_mut(),
            Self::Zstd(zstd) => zstd.get_mut().get_mut(),
        }
    }
}

impl Read for Unpack {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tally) => tally.read(buf),
            Self::Gzip(gz) => gz.read(buf),
            Self::Zstd(zstd) => zstd.read(buf),
        }
    }
}

/// The members of a gzip, one after the other. Zeros behind them are padding: tapes, and some stores, fill up blocks.
pub(super) struct Members {
    member: GzDecoder<BufReader<Tally>>,
    ended: bool,
}

impl Members {
    fn new(tally: Tally) -> Self {
        Self { member: GzDecoder::new(BufReader::new(tally)), ended: false }
    }

    /// Goes on behind a member; false where none follows.
    fn next(&mut self) -> io::Result<bool> {
        loop {
            let rest = self.member.get_mut();
            let more = rest.fill_buf()?;
            if more.is_empty() {
                return Ok(false);
            }
            let (zeros, len) = (more.iter().take_while(|byte| **byte == 0).count(), more.len());
            rest.consume(zeros);
            if zeros < len {
                break;
            }
        }
        let nothing = BufReader::with_capacity(1, Tally::new(Box::new(io::empty())));
        let member = std::mem::replace(&mut self.member, GzDecoder::new(nothing));
        self.member = GzDecoder::new(member.into_inner());
        Ok(true)
    }
}

impl Read for Members {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let n = self.member.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            self.ended = !self.next()?;
        }
        Ok(0)
    }
}

/// Counts and hashes what passes through, and can look at the first four bytes.
pub(super) struct Tally {
    inner: Box<dyn Read + Send>,
    peeked: Vec<u8>,
    bytes: u64,
    hash: Sha256,
}

impl Tally {
    pub(super) fn new(inner: Box<dyn Read + Send>) -> Self {
        Self { inner, peeked: Vec::new(), bytes: 0, hash: Sha256::new() }
    }

    /// Bytes that passed.
    pub(super) fn count(&self) -> u64 {
        self.bytes
    }

    /// Their hash.
    pub(super) fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    fn peek(&mut self) -> io::Result<&[u8]> {
        let mut inner = (&mut self.inner).take(4);
        inner.read_to_end(&mut self.peeked)?;
        Ok(&self.peeked)
    }
}

impl Read for Tally {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = if self.peeked.is_empty() {
            self.inner.read(buf)?
        } else {
            let n = self.peeked.len().min(buf.len());
            buf[..n].copy_from_slice(&self.peeked[..n]);
            self.peeked.drain(..n);
            n
        };
        self.hash.update(&buf[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
}
