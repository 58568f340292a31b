//! Reading: the first value of a body; whatever follows it is ignored, as a Go `Decoder` does.

use super::Value;
use std::borrow::Cow;

/// How deep values may be nested. Go's limit is 10,000; our own stack ends earlier, and no message comes near.
pub(super) const DEEPEST: usize = 512;

/// The first value of `body`, or `None` where Go would find a syntax error ([`super::syntax_error`] says which).
pub(crate) fn first_value(body: &[u8]) -> Option<Value<'_>> {
    let mut parser = Parser { body, at: 0, depth: 0 };
    parser.blank();
    parser.value()
}

/// Whether there is nothing in it at all.
pub(crate) fn is_blank(body: &[u8]) -> bool {
    body.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

struct Parser<'a> {
    body: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Option<Value<'a>> {
        self.body[self.at..].starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => self.string().map(Value::String),
            b't' => self.word(b"true", Value::Bool(true)),
            b'f' => self.word(b"false", Value::Bool(false)),
            b'n' => self.word(b"null", Value::Null),
            _ => self.number(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Option<Value<'a>>) -> Option<Value<'a>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        self.at += 1;
        self.blank();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Option<Value<'a>> {
        let mut members = Vec::new();
        if self.eat(b'}').is_some() {
            return Some(Value::Object(members));
        }
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let key = self.string()?;
            self.blank();
            self.eat(b':')?;
            self.blank();
            let value = self.value()?;
            members.push((key, value));
            self.blank();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
            self.blank();
        }
        self.at += 1;
        Some(Value::Object(members))
    }

    fn array(&mut self) -> Option<Value<'a>> {
        let mut items = Vec::new();
        if self.eat(b']').is_some() {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.blank();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => break,
                _ => return None,
            }
            self.blank();
        }
        self.at += 1;
        Some(Value::Array(items))
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.peek().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.peek().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        std::str::from_utf8(&self.body[start..self.at]).ok().map(Value::Number)
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let end = start + memchr::memchr2(b'"', b'\\', &self.body[start..])?;
        let plain = &self.body[start..end];
        if plain.iter().any(|&b| b < b' ') {
            return None;
        }
        if self.body[end] == b'"' {
            self.at = end + 1;
            return Some(utf8(plain));
        }
        let mut text = utf8(plain).into_owned();
        self.at = end;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(Cow::Owned(text));
                }
                b'\\' => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                b if b < b' ' => return None,
                _ => {
                    let rest = &self.body[self.at..];
                    let run = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < b' ')?;
                    text.push_str(&utf8(&rest[..run]));
                    self.at += run;
                }
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return None,
        })
    }

    /// A surrogate without its partner becomes U+FFFD.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if let Some(c) = char::from_u32(first) {
            return Some(c);
        }
        if (0xD800..0xDC00).contains(&first) && self.body[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                return char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            }
            self.at = back;
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.body.get(self.at..self.at + 4)?;
        let mut code = 0;
        for &d in digits {
            code = code * 16 + char::from(d).to_digit(16)?;
        }
        self.at += 4;
        Some(code)
    }
}

/// Text of a string; each byte that is no UTF-8 becomes one U+FFFD, as in Go (`String::from_utf8_lossy`
/// makes one of several).
fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &[u8]) -> Option<String> {
        match first_value(body)? {
            Value::String(s) => Some(s.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn strings_as_go_reads_them() {
        assert_eq!(text(br#""\ud800""#).unwrap(), "\u{fffd}");
        assert_eq!(text(br#""\ud800x""#).unwrap(), "\u{fffd}x");
        assert_eq!(text(br#""\ud800\ud83d\ude00""#).unwrap(), "\u{fffd}😀");
        assert_eq!(text(br#""\ud83d\ude00\n""#).unwrap(), "😀\n");
        assert_eq!(text(b"\"a\xe2\x82b\"").unwrap(), "a\u{fffd}\u{fffd}b");
        assert_eq!(text(b"\"a\nb\""), None);
        assert_eq!(text(br#""\x""#), None);
    }

    #[test]
    fn only_the_first_value_counts() {
        assert_eq!(first_value(b" 1 ] nonsense"), Some(Value::Number("1")));
        assert_eq!(first_value(b"-01"), Some(Value::Number("-0")));
        assert_eq!(first_value(b"[1,]"), None);
        assert_eq!(first_value(b"{\"a\":1,}"), None);
        assert_eq!(first_value(b"1."), None);
        assert_eq!(first_value(b"tru"), None);
    }

    #[test]
    fn of_repeated_keys_the_last_wins() {
        let value = first_value(br#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(value.get("a"), Some(&Value::Number("2")));
    }
}
