//! One source as a stream of UTF-8: counted, hashed, unpacked, converted.

use std::io::{self, Read};

use super::archive::{EntryReader, bomb};
use super::codes;
use super::decode::{Decoder, Encoding, Guess};
use super::discover::{held, of_bucket, read_error};
use super::unpack::{Tally, Unpack};
use super::{ExportError, Found, Origin, mongo, packing};
use crate::finding::{Finding, shorten};
use crate::message::{Place, SourceNo};

/// How much of the beginning is looked at to tell encoding and format.
const HEAD: usize = 64 << 10;

/// One source as a stream of UTF-8.
pub struct Input {
    path: String,
    no: SourceNo,
    raw: Unpack,
    decoder: Option<Decoder>,
    /// Text that was read and not yet handed out.
    head: Vec<u8>,
    handed: usize,
    /// Unpacked bytes that wait for the decoder.
    waiting: Vec<u8>,
    ended: bool,
    /// Bytes of the source that stand before the text: a byte order mark.
    skipped: u64,
    findings: Vec<Finding>,
    /// Bytes that came out of the packing.
    unpacked: u64,
}

/// What reading a source to its end tells about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Bytes as they lie there, before unpacking.
    pub bytes: u64,
    /// Of those bytes.
    pub sha256: [u8; 32],
}

impl Input {
    /// Opens a source and looks at its beginning.
    ///
    /// # Errors
    /// What can't be opened or read, and data that is cut off or damaged within its first 64 KiB.
    pub fn open(found: &Found, no: SourceNo, encoding: Option<Encoding>) -> Result<Self, ExportError> {
        let raw: Box<dyn Read + Send> = match &found.origin {
            Origin::Stdin => Box::new(io::stdin()),
            Origin::File(holder) => held(holder, holder.open())?,
            Origin::Entry(entry) => Box::new(EntryReader::open(entry)?),
            Origin::Collection(collection) => Box::new(mongo::Reading::open(collection)?),
        };
        Self::from_reader(found.path.clone(), raw, no, encoding)
    }

    /// The same for anything that can be read.
    pub fn from_reader(
        path: String,
        raw: Box<dyn Read + Send>,
        no: SourceNo,
        encoding: Option<Encoding>,
    ) -> Result<Self, ExportError> {
        let raw = Unpack::new(Tally::new(raw)).map_err(|e| read_error(&path, e))?;
        let mut input = Self::new(path, no, raw);
        let mut head = vec![0; HEAD];
        let mut len = 0;
        while len < HEAD {
            match input.unpacked(&mut head[len..])? {
                0 => {
                    input.ended = true;
                    break;
                }
                n => len += n,
            }
        }
        head.truncate(len);
        packing::refuse(&input.path, &head)?;
        let (encoding, mark) = input.settle_encoding(encoding, &head);
        input.skipped = mark as u64;
        head.drain(..mark);
        match Decoder::new(encoding) {
            None => input.head = head,
            Some(mut decoder) => {
                decoder.convert(&head, &mut input.head, input.ended);
                input.decoder = Some(decoder);
            }
        }
        Ok(input)
    }

    /// The beginning of another input, to look at it alone. Unless it is the `whole` of it, the line that is
    /// cut off is left out.
    pub(super) fn from_text(path: String, mut text: Vec<u8>, no: SourceNo, whole: bool) -> Self {
        if !whole {
            text.truncate(memchr::memrchr(b'\n', &text).map_or(text.len(), |at| at + 1));
        }
        let mut input = Self::new(path, no, Unpack::Plain(Tally::new(Box::new(io::empty()))));
        input.head = text;
        input.ended = true;
        input
    }

    fn new(path: String, no: SourceNo, raw: Unpack) -> Self {
        Self {
            path,
            no,
            raw,
            decoder: None,
            head: Vec::new(),
            handed: 0,
            waiting: Vec::new(),
            ended: false,
            skipped: 0,
            findings: Vec::new(),
            unpacked: 0,
        }
    }

    /// Decides on the encoding; says so where it was guessed. Returns the length of the byte order mark too.
    fn settle_encoding(&mut self, set: Option<Encoding>, head: &[u8]) -> (Encoding, usize) {
        if let Some((marked, len)) = Encoding::by_mark(head) {
            if let Some(set) = set.filter(|set| *set != marked) {
                let value = format!("set to {set}, byte order mark of {marked}");
                self.note(&codes::ENCODING_CONTRADICTED, &value);
            }
            return (marked, len);
        }
        if let Some(set) = set {
            return (set, 0);
        }
        // The zeros of a dump are no UTF-16.
        if super::cut::is_bson(head) {
            return (Encoding::UTF_8, 0);
        }
        match Encoding::guess(head) {
            Guess::Is(told) => {
                if told != Encoding::UTF_8 {
                    self.note(&codes::ENCODING_GUESSED, &told.to_string());
                }
                (told, 0)
            }
            // Then each record that is none is broken, and says so.
            Guess::Like(like) => {
                self.note(&codes::ENCODING_UNSURE, &like.to_string());
                (Encoding::UTF_8, 0)
            }
        }
    }

    /// The beginning of the text, up to some 64 KiB, as long as nothing was read.
    pub fn head(&self) -> &[u8] {
        &self.head[self.handed..]
    }

    /// Whether [`Input::head`] is the whole text.
    pub fn head_is_all(&self) -> bool {
        self.ended
    }

    /// How findings and errors call the source.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its number in the job.
    pub fn no(&self) -> SourceNo {
        self.no
    }

    /// Offset of the first byte of the text: behind a byte order mark.
    pub fn first_byte(&self) -> u64 {
        if self.decoder.is_some() { 0 } else { self.skipped }
    }

    /// Adds to what was noticed about the source.
    pub fn note(&mut self, code: &'static crate::finding::Code, value: &str) {
        let place = Place { source: self.no, line: 1, byte: 0, part: 0 };
        self.findings.push(Finding { code, place: Some(place), value: shorten(value) });
    }

    /// What was noticed since the last time.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Fills `buf` with text from its start; returns how much, and 0 at the end only.
    ///
    /// # Errors
    /// What can't be read, is cut off, or damaged.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, ExportError> {
        loop {
            let rest = self.head.len() - self.handed;
            if rest > 0 {
                let n = rest.min(buf.len());
                buf[..n].copy_from_slice(&self.head[self.handed..self.handed + n]);
                self.handed += n;
                return Ok(n);
            }
            if self.handed > 0 {
                self.head.clear();
                self.handed = 0;
            }
            if self.ended || buf.is_empty() {
                return Ok(0);
            }
            if self.decoder.is_none() {
                let n = self.unpacked(buf)?;
                self.ended = n == 0;
                return Ok(n);
            }
            let mut waiting = std::mem::take(&mut self.waiting);
            waiting.resize(HEAD, 0);
            let n = self.unpacked(&mut waiting)?;
            self.ended = n == 0;
            if let Some(decoder) = &mut self.decoder {
                decoder.convert(&waiting[..n], &mut self.head, self.ended);
            }
            self.waiting = waiting;
        }
    }

    /// How many bytes of the source were read so far, as they lie there.
    pub fn consumed(&self) -> u64 {
        self.raw.tally().count()
    }

    /// Reads what is left (bytes behind the compressed data) and sums up.
    pub fn finish(mut self) -> Result<Sum, ExportError> {
        let mut rest = vec![0; HEAD];
        let tally = self.raw.tally_mut();
        while tally.read(&mut rest).map_err(|e| read_error(&self.path, e))? > 0 {}
        Ok(Sum { bytes: tally.count(), sha256: tally.sha256() })
    }

    fn unpacked(&mut self, buf: &mut [u8]) -> Result<usize, ExportError> {
        loop {
            return match self.raw.read(buf) {
                Ok(n) => {
                    self.unpacked += n as u64;
                    match bomb(self.unpacked, self.raw.tally().count()) {
                        Some(times) => Err(ExportError::Bomb { path: self.path.clone(), times }),
                        None => Ok(n),
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => Err(self.explain(e)),
            };
        }
    }

    fn explain(&self, e: io::Error) -> ExportError {
        if let Some(error) = of_bucket(&e) {
            return error;
        }
        let path = self.path.clone();
        let byte = self.raw.tally().count();
        let Some(kind) = self.raw.kind() else { return read_error(&path, e) };
        match e.kind() {
            io::ErrorKind::UnexpectedEof => ExportError::CutOff { path, kind, byte },
            // As zstd says it.
            _ if e.to_string().contains("requires too much memory") => ExportError::Window { path },
            // The decoders answer with these, and with `Other` for zstd; a failing disk has an OS error.
            _ if e.raw_os_error().is_none() => ExportError::Damaged { path, kind, byte, why: e.to_string() },
            _ => read_error(&path, e),
        }
    }
}
