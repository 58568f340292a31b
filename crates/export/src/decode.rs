//! Encodings: told by a mark, by a setting, or by looking; converted to UTF-8 as the text streams by.

use std::fmt;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::DecoderResult;

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// What nearly everything is in.
    pub const UTF_8: Self = Self(encoding_rs::UTF_8);
    /// Chinese Windows; holds GBK and GB2312.
    pub const GB18030: Self = Self(encoding_rs::GB18030);

    /// By its name or one of the labels of the WHATWG list; `utf-16` is little endian.
    pub fn by_name(name: &str) -> Option<Self> {
        let encoding = encoding_rs::Encoding::for_label(name.as_bytes())?;
        // The "replacement" encoding stands for what browsers refuse to read.
        (encoding != encoding_rs::REPLACEMENT).then_some(Self(encoding))
    }

    /// By the byte order mark, with its length.
    pub fn by_mark(head: &[u8]) -> Option<(Self, usize)> {
        encoding_rs::Encoding::for_bom(head).map(|(encoding, len)| (Self(encoding), len))
    }

    /// By looking. UTF-8 unless the text can't be that; then UTF-16 by its zero bytes, or what a browser would take it for.
    pub fn guess(head: &[u8]) -> Guess {
        if let Some(utf16) = guess_utf16(head) {
            return Guess::Is(utf16);
        }
        let lossy = match std::str::from_utf8(head) {
            // A character cut in two by the end of the look.
            Err(e) if e.error_len().is_some() => String::from_utf8_lossy(head),
            Ok(_) | Err(_) => return Guess::Is(Self::UTF_8),
        };
        let broken = lossy.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        // Some bytes of it were damaged.
        if lossy.chars().filter(|c| !c.is_ascii()).count() >= broken * 2 {
            return Guess::Is(Self::UTF_8);
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(head, false);
        let like = detector.guess(None, Utf8Detection::Deny);
        if like == encoding_rs::GBK && is_clean_gb18030(head) {
            return Guess::Is(Self::GB18030);
        }
        Guess::Like(Self(like))
    }
}

/// What the encoding of a text was told to be by looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// Nothing speaks against it.
    Is(Encoding),
    /// It is not UTF-8 and looks like this one, as others could look: somebody has to say so.
    Like(Encoding),
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// In UTF-16, ASCII (and JSON and CSV are full of it) has a zero byte in every second place, always the same.
fn guess_utf16(head: &[u8]) -> Option<Encoding> {
    let pairs = head.len() / 2;
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = |n: usize| n >= 2 && n * 5 >= pairs;
    if many(odd) && even * 20 <= odd {
        Some(Encoding(encoding_rs::UTF_16LE))
    } else if many(even) && odd * 20 <= even {
        Some(Encoding(encoding_rs::UTF_16BE))
    } else {
        None
    }
}

fn is_clean_gb18030(head: &[u8]) -> bool {
    let mut decoder = encoding_rs::GB18030.new_decoder_without_bom_handling();
    let Some(room) = decoder.max_utf8_buffer_length_without_replacement(head.len()) else {
        return false;
    };
    let mut out = String::with_capacity(room);
    matches!(decoder.decode_to_string_without_replacement(head, &mut out, false).0, DecoderResult::InputEmpty)
        && has_common(head)
}

/// Whether a quarter of its characters are those of GB2312: of Chinese many are, also of the traditional; of Japanese or
/// Russian letters of `Shift_JIS` none is.
fn has_common(text: &[u8]) -> bool {
    let (mut at, mut common, mut all) = (0, 0_usize, 0_usize);
    while let Some(lead) = text.get(at) {
        if lead.is_ascii() {
            at += 1;
            continue;
        }
        let trail = text.get(at + 1).copied().unwrap_or_default();
        all += 1;
        common += usize::from(*lead >= 0xa1 && trail >= 0xa1);
        at += if trail.is_ascii_digit() { 4 } else { 2 };
    }
    common * 4 >= all
}

/// Converts a stream to UTF-8.
pub(super) struct Decoder(encoding_rs::Decoder);

/// Stands for what could not be read: no valid UTF-8 has this byte, so the record is found broken where it is
/// taken apart, with its line.
const BROKEN: u8 = 0xff;

impl Decoder {
    /// None where the bytes are UTF-8 already.
    pub(super) fn new(encoding: Encoding) -> Option<Self> {
        (encoding != Encoding::UTF_8).then(|| Self(encoding.0.new_decoder_without_bom_handling()))
    }

    /// Appends `bytes`, converted, to `out`.
    pub(super) fn convert(&mut self, bytes: &[u8], out: &mut Vec<u8>, last: bool) {
        let mut rest = bytes;
        loop {
            let start = out.len();
            let room = self.0.max_utf8_buffer_length_without_replacement(rest.len());
            out.resize(start + room.expect("64 KiB are far from an overflow").max(16), 0);
            let (result, read, written) =
                self.0.decode_to_utf8_without_replacement(rest, &mut out[start..], last);
            out.truncate(start + written);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => out.push(BROKEN),
            }
        }
    }
}
