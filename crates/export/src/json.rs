//! Just enough JSON to find where values begin and end: no values, no recursion, any number of pieces.

/// How deep values may be nested: far deeper than any message, and safe for whoever parses it recursively.
pub const MAX_DEPTH: u32 = 512;

/// Passes over one value whose text may come in pieces.
#[derive(Debug, Clone, Copy, Default)]
pub struct Skip {
    depth: u32,
    /// The greatest depth so far.
    deepest: u32,
    string: bool,
    /// A backslash was the last byte of a piece.
    escape: bool,
    begun: bool,
}

/// How far [`Skip`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// The value ends in front of this byte of the piece.
    At(usize),
    /// It goes on behind the piece.
    Open,
}

impl Skip {
    /// Looks at the next piece.
    pub fn piece(&mut self, text: &[u8]) -> Skipped {
        let mut at = 0;
        while at < text.len() {
            if self.escape {
                self.escape = false;
                at += 1;
                continue;
            }
            if self.string {
                let Some(found) = memchr::memchr2(b'"', b'\\', &text[at..]) else {
                    return Skipped::Open;
                };
                at += found + 1;
                if text[at - 1] == b'\\' {
                    self.escape = true;
                    continue;
                }
                self.string = false;
                if self.depth == 0 {
                    return Skipped::At(at);
                }
                continue;
            }
            match CLASS[usize::from(text[at])] {
                Class::Other => self.begun = true,
                Class::Quote => {
                    // `12"…`: a scalar that is followed by something else.
                    if self.depth == 0 && self.begun {
                        return Skipped::At(at);
                    }
                    self.string = true;
                    self.begun = true;
                }
                Class::Open => {
                    if self.depth == 0 && self.begun {
                        return Skipped::At(at);
                    }
                    self.begun = true;
                    self.depth += 1;
                    self.deepest = self.deepest.max(self.depth);
                }
                Class::Close => {
                    if self.depth == 0 {
                        return Skipped::At(at);
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Skipped::At(at + 1);
                    }
                }
                Class::Gap => {
                    if self.depth == 0 && self.begun {
                        return Skipped::At(at);
                    }
                }
            }
            at += 1;
        }
        Skipped::Open
    }

    /// Whether the value is nested deeper than [`MAX_DEPTH`], as far as it was seen.
    pub fn too_deep(&self) -> bool {
        self.deepest > MAX_DEPTH
    }

    /// Whether the end of the text ends the value too: a number or a word.
    pub fn may_end(&self) -> bool {
        self.depth == 0 && !self.string && self.begun
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Quote,
    Open,
    Close,
    /// Blanks, and what stands between values.
    Gap,
}

static CLASS: [Class; 256] = {
    let mut table = [Class::Other; 256];
    table[b'"' as usize] = Class::Quote;
    table[b'{' as usize] = Class::Open;
    table[b'[' as usize] = Class::Open;
    table[b'}' as usize] = Class::Close;
    table[b']' as usize] = Class::Close;
    table[b' ' as usize] = Class::Gap;
    table[b'\t' as usize] = Class::Gap;
    table[b'\n' as usize] = Class::Gap;
    table[b'\r' as usize] = Class::Gap;
    table[b',' as usize] = Class::Gap;
    table[b':' as usize] = Class::Gap;
    table
};

/// The keys of the object with which a text begins, as far as they are in it.
pub fn first_keys(text: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    // A list at the top is one of objects.
    let Some(mut at) = next_token(text, 0) else { return keys };
    if text[at] == b'[' {
        let Some(next) = next_token(text, at + 1) else { return keys };
        at = next;
    }
    if text[at] != b'{' {
        return keys;
    }
    at += 1;
    while let Some(start) = next_token(text, at) {
        let Skipped::At(len) = Skip::default().piece(&text[start..]) else { break };
        let Ok(key) = serde_json::from_slice(&text[start..start + len]) else { break };
        let Some(colon) = next_token(text, start + len).filter(|at| text[*at] == b':') else { break };
        keys.push(key);
        let Some(value) = next_token(text, colon + 1) else { break };
        let Skipped::At(len) = Skip::default().piece(&text[value..]) else { break };
        at = value + len;
    }
    keys
}

/// Position of the first byte that is neither blank, nor `,`, nor the record separator of RFC 7464.
pub fn next_token(text: &[u8], from: usize) -> Option<usize> {
    text[from..]
        .iter()
        .position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',' | 0x1e))
        .map(|n| from + n)
}
