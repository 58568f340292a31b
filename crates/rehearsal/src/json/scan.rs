//! Naming what is wrong with a body, in Go's words. Runs only where reading failed.

/// Go's message about the first value of `body`; `unexpected EOF` if it is cut off, `EOF` if it is empty.
pub(crate) fn syntax_error(body: &[u8]) -> String {
    let mut scan = Scan { body, at: 0, open: Vec::new() };
    match scan.value() {
        Err(Wrong::End) if super::is_blank(body) => "EOF".to_owned(),
        Ok(()) | Err(Wrong::End) => "unexpected EOF".to_owned(),
        Err(Wrong::Deep) => "exceeded max depth".to_owned(),
        Err(Wrong::Byte(byte, context)) => format!("invalid character {} {context}", quoted(byte)),
    }
}

enum Wrong {
    End,
    Deep,
    Byte(u8, String),
}

struct Scan<'a> {
    body: &'a [u8],
    at: usize,
    open: Vec<u8>,
}

type Step = Result<(), Wrong>;

impl Scan<'_> {
    fn next(&mut self) -> Result<u8, Wrong> {
        let byte = *self.body.get(self.at).ok_or(Wrong::End)?;
        self.at += 1;
        Ok(byte)
    }

    fn next_solid(&mut self) -> Result<u8, Wrong> {
        loop {
            match self.next()? {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                byte => return Ok(byte),
            }
        }
    }

    fn value(&mut self) -> Step {
        let first = self.next_solid()?;
        self.value_from(first)
    }

    fn value_from(&mut self, first: u8) -> Step {
        match first {
            b'{' => self.inside(b'{'),
            b'[' => self.inside(b'['),
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' => {
                let digit = self.next()?;
                if digit.is_ascii_digit() { self.number(digit) } else { wrong(digit, "in numeric literal") }
            }
            b'0'..=b'9' => self.number(first),
            other => wrong(other, "looking for beginning of value"),
        }
    }

    fn inside(&mut self, bracket: u8) -> Step {
        self.open.push(bracket);
        if self.open.len() > super::parse::DEEPEST {
            return Err(Wrong::Deep);
        }
        let step = if bracket == b'{' { self.members() } else { self.items() };
        self.open.pop();
        step
    }

    fn members(&mut self) -> Step {
        let mut byte = self.next_solid()?;
        if byte == b'}' {
            return Ok(());
        }
        loop {
            if byte != b'"' {
                return wrong(byte, "looking for beginning of object key string");
            }
            self.string()?;
            match self.next_solid()? {
                b':' => {}
                other => return wrong(other, "after object key"),
            }
            self.value()?;
            match self.next_solid()? {
                b',' => byte = self.next_solid()?,
                b'}' => return Ok(()),
                other => return wrong(other, "after object key:value pair"),
            }
        }
    }

    fn items(&mut self) -> Step {
        let mut byte = self.next_solid()?;
        if byte == b']' {
            return Ok(());
        }
        loop {
            self.value_from(byte)?;
            match self.next_solid()? {
                b',' => byte = self.next_solid()?,
                b']' => return Ok(()),
                other => return wrong(other, "after array element"),
            }
        }
    }

    fn string(&mut self) -> Step {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => match self.next()? {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let digit = self.next()?;
                            if !digit.is_ascii_hexdigit() {
                                return wrong(digit, "in \\u hexadecimal character escape");
                            }
                        }
                    }
                    other => return wrong(other, "in string escape code"),
                },
                byte if byte < b' ' => return wrong(byte, "in string literal"),
                _ => {}
            }
        }
    }

    fn word(&mut self, word: &str) -> Step {
        for &expected in &word.as_bytes()[1..] {
            let byte = self.next()?;
            if byte != expected {
                let expected = char::from(expected);
                return wrong(byte, &format!("in literal {word} (expecting '{expected}')"));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Step {
        if first != b'0' {
            self.digits();
        }
        if self.body.get(self.at) == Some(&b'.') {
            self.at += 1;
            let digit = self.next()?;
            if !digit.is_ascii_digit() {
                return wrong(digit, "after decimal point in numeric literal");
            }
            self.digits();
        }
        if matches!(self.body.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            let mut digit = self.next()?;
            if matches!(digit, b'+' | b'-') {
                digit = self.next()?;
            }
            if !digit.is_ascii_digit() {
                return wrong(digit, "in exponent of numeric literal");
            }
            self.digits();
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.body.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }
}

fn wrong(byte: u8, context: &str) -> Step {
    Err(Wrong::Byte(byte, context.to_owned()))
}

/// One byte in quotes, as Go prints it: bytes above 127 as Latin-1, control characters escaped.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        0x07 => "'\\a'".to_owned(),
        0x08 => "'\\b'".to_owned(),
        0x0c => "'\\f'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        0x0b => "'\\v'".to_owned(),
        0x20..=0x7e | 0xa1..=0xac | 0xae..=0xff => format!("'{}'", char::from(byte)),
        0x80..=0xa0 | 0xad => format!("'\\u00{byte:02x}'"),
        _ => format!("'\\x{byte:02x}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::syntax_error;

    #[test]
    fn recorded_errors() {
        assert_eq!(
            syntax_error("\u{feff}{}".as_bytes()),
            "invalid character 'ï' looking for beginning of value"
        );
        assert_eq!(syntax_error(b""), "EOF");
        assert_eq!(syntax_error(b"{\"a\":"), "unexpected EOF");
    }

    #[test]
    fn errors_in_the_words_of_go() {
        for (body, error) in [
            ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("nul!", "invalid character '!' in literal null (expecting 'l')"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u00g0\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("<html>", "invalid character '<' looking for beginning of value"),
        ] {
            assert_eq!(syntax_error(body.as_bytes()), error);
        }
    }
}
