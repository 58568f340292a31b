//! A text, and what it says once what is escaped in it is read; each byte knows where in the text it stands.

/// Bytes, and from where to where each of them stands in the text that was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    at: Vec<(u32, u32)>,
}

/// What stands at the beginning instead of something else, and how long it is.
type Escape = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

impl Reading {
    /// The text as it stands there.
    pub(super) fn of(text: &str) -> Self {
        let mut reading = Self::default();
        for (at, char) in text.char_indices() {
            let at = (short(at), short(at + char.len_utf8()));
            reading.push(char.encode_utf8(&mut [0; 4]).as_bytes(), at);
        }
        reading
    }

    fn push(&mut self, bytes: &[u8], at: (u32, u32)) {
        self.bytes.extend_from_slice(bytes);
        self.at.extend(bytes.iter().map(|_| at));
    }

    /// Where in the text these bytes stand, of which there are some.
    pub(super) fn in_text(&self, bytes: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let all = self.at.get(bytes).unwrap_or_default();
        let (from, to) = (all.first().map_or(0, |at| at.0), all.last().map_or(0, |at| at.1));
        from as usize..to as usize
    }

    /// The same in small letters and without anything that is not seen: whoever spaces a secret out still says it.
    pub(super) fn pressed(&self) -> Self {
        let (mut pressed, mut at) = (Self::default(), 0);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let unseen = unseen(rest);
            if unseen == 0 {
                pressed.push(&[rest[0].to_ascii_lowercase()], self.at[at]);
            }
            at += unseen.max(1);
        }
        pressed
    }

    /// Its letters and digits alone, in small letters.
    pub(super) fn letters(&self) -> Self {
        let mut letters = Self::default();
        for (byte, at) in self.bytes.iter().zip(&self.at) {
            if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
                letters.push(&[byte.to_ascii_lowercase()], *at);
            }
        }
        letters
    }

    /// What it says where each escape is read once; `None`: there is none.
    pub(super) fn unescaped(&self) -> Option<Self> {
        self.read(|byte| matches!(byte, b'%' | b'\\' | b'&'), escape)
    }

    /// What it says where it is written as in mails; `None`: it is not. Apart, because `=` is more often itself.
    pub(super) fn of_a_mail(&self) -> Option<Self> {
        self.read(|byte| byte == b'=', mailed)
    }

    fn read(&self, begins: fn(u8) -> bool, escape: Escape) -> Option<Self> {
        if !self.bytes.iter().any(|byte| begins(*byte)) {
            return None;
        }
        let (mut read, mut at, mut any) = (Self::default(), 0, false);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (bytes, len) = match escape(rest) {
                Some((bytes, len)) => {
                    any = true;
                    (bytes, len)
                }
                None => (vec![rest[0]], 1),
            };
            read.push(&bytes, (self.at[at].0, self.at[at + len - 1].1));
            at += len;
        }
        any.then_some(read)
    }
}

/// No text that is shown has 4 GB.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// An address as it is meant.
pub(super) fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some(first) = rest.first() {
        let code = if *first == b'%' { number(rest.get(1..3), 16) } else { None };
        out.push(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(*first));
        rest = &rest[if code.is_some() { 3 } else { 1 }..];
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// How many bytes of what begins here are not seen: blanks, and characters that only part or join.
fn unseen(rest: &[u8]) -> usize {
    match rest {
        [b, ..] if b.is_ascii_whitespace() || b.is_ascii_control() => 1,
        [0xc2, 0xa0 | 0xad, ..] => 2,
        [0xe2, 0x80, 0x80..=0x8f | 0xa8..=0xaf, ..]
        | [0xe2, 0x81, 0x9f..=0xaf, ..]
        | [0xe3, 0x80, 0x80, ..]
        | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

/// What stands here instead of something else, and how long it is.
fn escape(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let code = |from: usize, len: usize, radix| number(rest.get(from..from + len), radix);
    let byte = |code: u32| u8::try_from(code).ok().map(|byte| vec![byte]);
    match rest {
        [b'%', b'u' | b'U', ..] => utf16(rest, 2),
        [b'%', ..] => Some((byte(code(1, 2, 16)?)?, 3)),
        [b'&', ..] => entity(rest),
        [b'\\', b'u' | b'U', b'{', ..] => {
            let end = rest.iter().take(12).position(|byte| *byte == b'}')?;
            Some((utf8(code(3, end - 3, 16)?)?, end + 1))
        }
        [b'\\', b'U', ..] if code(2, 8, 16).is_some() => Some((utf8(code(2, 8, 16)?)?, 10)),
        [b'\\', b'u' | b'U', ..] => utf16(rest, 2),
        [b'\\', b'x' | b'X', ..] => Some((byte(code(2, 2, 16)?)?, 4)),
        [b'\\', b'0'..=b'3', ..] if code(1, 3, 8).is_some() => Some((byte(code(1, 3, 8)?)?, 4)),
        [b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0' | b'a' | b'e', ..] => Some((b" ".to_vec(), 2)),
        [b'\\', other, ..] if other.is_ascii_punctuation() || other.is_ascii_whitespace() => {
            Some((vec![*other], 2))
        }
        _ => None,
    }
}

/// `=41`, and the end of a line that goes on.
fn mailed(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match rest {
        [b'=', b'\r', b'\n', ..] => Some((Vec::new(), 3)),
        [b'=', b'\n', ..] => Some((Vec::new(), 2)),
        [b'=', ..] => Some((vec![u8::try_from(number(rest.get(1..3), 16)?).ok()?], 3)),
        _ => None,
    }
}

/// `\u0041`, of characters beyond the first plane both halves; `rest` begins with what stands before the digits.
fn utf16(rest: &[u8], digits: usize) -> Option<(Vec<u8>, usize)> {
    let len = digits + 4;
    let unit = number(rest.get(digits..len), 16)?;
    let second = rest.get(len..).filter(|more| more.get(..digits) == rest.get(..digits));
    let second = second.and_then(|more| number(more.get(digits..len), 16));
    match (unit, second) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            Some((utf8(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?, 2 * len))
        }
        _ => Some((utf8(unit)?, len)),
    }
}

/// `&amp;`, `&#38;`, `&#x26;`.
fn entity(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = rest.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[1..end]).ok()?.to_ascii_lowercase();
    let bytes = match &*name {
        "amp" => b"&".to_vec(),
        "lt" => b"<".to_vec(),
        "gt" => b">".to_vec(),
        "quot" => b"\"".to_vec(),
        "apos" => b"'".to_vec(),
        "nbsp" => b" ".to_vec(),
        "plus" => b"+".to_vec(),
        "sol" => b"/".to_vec(),
        "equals" => b"=".to_vec(),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => number(Some(hex.as_bytes()), 16)?,
                None => number(Some(digits.as_bytes()), 10)?,
            };
            utf8(code)?
        }
    };
    Some((bytes, end + 1))
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.to_string().into_bytes())
}

/// Digits alone: no sign, no blank.
fn number(digits: Option<&[u8]>, radix: u32) -> Option<u32> {
    let digits = digits.filter(|digits| !digits.is_empty())?;
    let all = digits.iter().all(|digit| char::from(*digit).is_digit(radix));
    let text = std::str::from_utf8(digits).ok().filter(|_| all)?;
    u32::from_str_radix(text, radix).ok()
}
