//! Where in a text a secret is said, in whatever form; pure.

use std::ops::Range;

use memchr::memmem::Finder;

use super::SHORTEST;
use super::read::Reading;

/// Escapes within escapes are read so often: a proxy quotes a page that quotes an address.
const DEEP: usize = 4;

/// What may stand between two numbers of a secret that is written by them: `0x73, 0x65`, `"s","e"`.
const BETWEEN: usize = 8;

/// So many letters and digits are no chance, whatever stands between them.
const ENOUGH: usize = 8;

/// A secret, and how it is written where no escape is left.
#[derive(Debug)]
pub(super) struct Secret {
    whole: String,
    /// In small letters, without blanks.
    forms: Vec<Finder<'static>>,
    /// Its letters and digits alone.
    letters: Finder<'static>,
    /// Its bytes and its characters by number, in digits.
    numbers: Vec<Numbers>,
}

/// A secret by numbers. All of this is made once: every line that is logged is looked through.
#[derive(Debug)]
struct Numbers {
    is_hex: bool,
    digits: Vec<String>,
}

impl Numbers {
    fn all(secret: &str) -> Vec<Self> {
        let bytes: Vec<u32> = secret.bytes().map(u32::from).collect();
        let chars: Vec<u32> = secret.chars().map(u32::from).collect();
        let of = |numbers: &[u32]| {
            let decimal = numbers.iter().map(u32::to_string).collect();
            let hex = numbers.iter().map(|number| format!("{number:02x}")).collect();
            [Self { is_hex: false, digits: decimal }, Self { is_hex: true, digits: hex }]
        };
        let mut all = Vec::from(of(&bytes));
        if chars != bytes {
            all.extend(of(&chars));
        }
        all
    }
}

impl Secret {
    pub(super) fn new(secret: &str) -> Self {
        let bytes = secret.as_bytes();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let wide = secret.encode_utf16().map(|unit| format!("{unit:04x}")).collect::<Vec<_>>().concat();
        let turned: String = secret.chars().rev().collect();
        let mut texts = vec![secret.to_owned(), turned, secret.replace(' ', "+"), hex, wide];
        texts.extend((0..3).flat_map(|before| base64(bytes, before)));
        // What is in it an escape of its own is read with those that others make of it.
        let mut read = Reading::of(secret).unescaped();
        for _ in 0..DEEP {
            let Some(once) = read else { break };
            texts.push(String::from_utf8_lossy(&once.bytes).into_owned());
            read = once.unescaped();
        }
        let mut forms: Vec<Vec<u8>> = Vec::new();
        for text in texts {
            let form = Reading::of(&text).pressed().bytes;
            if form.len() >= SHORTEST && !forms.contains(&form) {
                forms.push(form);
            }
        }
        Self {
            whole: secret.to_owned(),
            forms: forms.iter().map(|form| Finder::new(form).into_owned()).collect(),
            letters: Finder::new(&Reading::of(secret).letters().bytes).into_owned(),
            numbers: Numbers::all(secret),
        }
    }

    pub(super) fn is(&self, secret: &str) -> bool {
        self.whole == secret
    }
}

/// From where to where one of them is said.
pub(super) fn find(text: &str, secrets: &[Secret]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let whole = Reading::of(text);
    if let Some(mail) = whole.of_a_mail() {
        let pressed = mail.pressed();
        secrets.iter().flat_map(|secret| &secret.forms).for_each(|form| said(&pressed, form, &mut found));
    }
    let mut reading = Some(whole);
    for _ in 0..=DEEP {
        let Some(read) = reading else { break };
        let pressed = read.pressed();
        for secret in secrets {
            for form in &secret.forms {
                said(&pressed, form, &mut found);
            }
        }
        // Spelled out, with whatever between its letters.
        let letters = read.letters();
        for secret in secrets.iter().filter(|secret| secret.letters.needle().len() >= ENOUGH) {
            said(&letters, &secret.letters, &mut found);
        }
        numbered(&read, secrets, &mut found);
        reading = read.unescaped();
    }
    found
}

fn said(read: &Reading, form: &Finder<'_>, found: &mut Vec<Range<usize>>) {
    for at in form.find_iter(&read.bytes) {
        note(read, at, at + form.needle().len(), found);
    }
}

fn note(read: &Reading, from: usize, to: usize, found: &mut Vec<Range<usize>>) {
    found.push(read.in_text(from..to));
}

/// Each byte, or each character, by its number: `[115 51 99]`, `73:33:63`, `0x73, 0x33`.
fn numbered(read: &Reading, secrets: &[Secret], found: &mut Vec<Range<usize>>) {
    let words = words(&read.bytes);
    for Numbers { is_hex, digits } in secrets.iter().flat_map(|secret| &secret.numbers) {
        let last = digits.len() - 1;
        let is = |n: usize, word: Word| word.says(&read.bytes, *is_hex, &digits[n], (n == 0, n == last));
        for (n, run) in words.windows(digits.len()).enumerate() {
            let near = |pair: &[Word]| pair[1].from - pair[0].to <= BETWEEN;
            let all = || run.iter().enumerate().all(|(n, word)| is(n, *word));
            if is(0, run[0]) && all() && run.windows(2).all(near) {
                note(read, words[n].from, words[n + last].to, found);
            }
        }
    }
}

/// Letters and digits in a row that can be a number.
#[derive(Debug, Clone, Copy)]
struct Word {
    from: usize,
    to: usize,
}

impl Word {
    /// Whether it is that number; the first may have something before it, the last something behind it.
    fn says(self, bytes: &[u8], is_hex: bool, digits: &str, (is_first, is_last): (bool, bool)) -> bool {
        let (word, digits) = (&bytes[self.from..self.to], digits.as_bytes());
        let number = match word {
            [b'0', b'x' | b'X', number @ ..] | [b'x', number @ ..] if is_hex => number,
            _ => word,
        };
        without_zeros(number).eq_ignore_ascii_case(without_zeros(digits))
            || (is_first
                && word.len() > digits.len()
                && word[word.len() - digits.len()..].eq_ignore_ascii_case(digits))
            || (is_last && word.get(..digits.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(digits)))
    }
}

fn without_zeros(mut digits: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = digits
        && !rest.is_empty()
    {
        digits = rest;
    }
    digits
}

fn words(bytes: &[u8]) -> Vec<Word> {
    let (mut words, mut from) = (Vec::new(), None);
    for (at, byte) in bytes.iter().chain(b" ").enumerate() {
        match (from, byte.is_ascii_alphanumeric()) {
            (None, true) => from = Some(at),
            (Some(begin), false) => {
                // Longer is no number of a character.
                if at - begin <= 10 {
                    words.push(Word { from: begin, to: at });
                }
                from = None;
            }
            _ => {}
        }
    }
    words
}

/// What all base64 of texts have in common that hold this one behind `before` (mod 3) other bytes: in the usual
/// alphabet and in that of addresses.
pub(super) fn base64(bytes: &[u8], before: usize) -> [String; 2] {
    const USUAL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |n| b >> n & 1)).collect();
    // The first whole sextet that has only bits of ours.
    let skip = (6 - before * 8 % 6) % 6;
    let text: String = bits
        .get(skip..)
        .unwrap_or_default()
        .chunks_exact(6)
        .map(|sextet| char::from(USUAL[sextet.iter().fold(0, |n, bit| n << 1 | usize::from(*bit))]))
        .collect();
    [text.replace('+', "-").replace('/', "_"), text]
}
