//! The one place that writes TOML: nothing that an export says leaves the comment or the string it stands in.
//!
//! Headers and keys are ours (`&'static str`); values are made by `toml_edit`, each string on one line; comments are
//! one line each. Everything but what can be seen is escaped, also where TOML would allow it as it is: whoever
//! reads the file sees what it does.

use toml_edit::{InlineTable, Key, Value};

use crate::visible::visible;

/// A part of `import.toml`, or all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    text: String,
}

impl Document {
    /// `[header]`, after an empty line.
    pub fn header(&mut self, header: &'static str) {
        self.blank();
        self.headline(header);
    }

    /// `[header]`, under a comment of its own.
    pub fn headline(&mut self, header: &'static str) {
        self.text.push_str(header);
        self.text.push('\n');
    }

    /// `key = value`
    pub fn set(&mut self, key: &'static str, value: &Value) {
        self.set_aligned(key, 0, value);
    }

    /// `key   = value`, where the longest key of the section is so long.
    pub fn set_aligned(&mut self, key: &'static str, width: usize, value: &Value) {
        let line = format!("{key:width$} = {}\n", value.to_string().trim());
        self.text.push_str(&line);
    }

    /// `key = [`, a text on each line, `]`.
    pub fn set_lines(&mut self, key: &'static str, texts: &[String]) {
        let lines: Vec<String> = texts.iter().map(|text| format!("    {},\n", string(text))).collect();
        self.text.extend([key, " = [\n", &lines.concat(), "]\n"]);
    }

    /// `#key = value`: to be put in by who reads it.
    pub fn hint(&mut self, key: &'static str, value: &Value) {
        self.raw(&format!("#{key} = {}", value.to_string().trim()));
    }

    /// `#key = value      # why`, of words of ours.
    pub fn example(&mut self, line: &'static str) {
        self.raw(&format!("#{line}"));
    }

    /// A comment over as many lines as it takes.
    pub fn comment(&mut self, text: &str) {
        const WIDTH: usize = 106;
        let mut line = String::from("#");
        for word in text.split_whitespace() {
            if line.chars().count() + word.chars().count() > WIDTH && line.len() > 1 {
                self.raw(&line);
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.raw(&line);
    }

    /// A comment of one line, set in.
    pub fn item(&mut self, text: &str) {
        self.raw(&format!("#   {text}"));
    }

    /// An empty line; none at the beginning.
    pub fn blank(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Another part at the end of this one, as the tables of a `[[source]]`: `[format]` is `[source.format]` there.
    pub fn append_within_source(&mut self, part: &Document) {
        for line in part.text.lines() {
            // Strings stand on one line each, and lists are set in: what begins so is a header.
            let header = line.strip_prefix("[[").map(|rest| ("[[", rest));
            match header.or_else(|| line.strip_prefix('[').map(|rest| ("[", rest))) {
                Some((bracket, rest)) => self.text.extend([bracket, "source.", rest, "\n"]),
                None => self.text.extend([line, "\n"]),
            }
        }
    }

    /// Another part at the end of this one.
    pub fn append(&mut self, part: &Document) {
        self.text.push_str(&part.text);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// One line that begins with `#`, whatever is in it.
    fn raw(&mut self, line: &str) {
        self.text.push_str(&visible(line));
        self.text.push('\n');
    }
}

/// A string on one line.
pub(super) fn string(text: &str) -> Value {
    let written = basic(text).parse().ok();
    written.filter(|value: &Value| value.as_str() == Some(text)).unwrap_or_else(|| text.into())
}

/// `["a", "b"]`
pub(super) fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    let mut array: toml_edit::Array = texts.into_iter().map(string).collect();
    array.fmt();
    Value::Array(array)
}

/// `{ key = value, … }`; the keys may be anybody's.
pub(super) fn inline<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut table = InlineTable::new();
    for (name, value) in pairs {
        let bare =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let key = if bare { name.parse() } else { basic(name).parse() };
        table.insert_formatted(&key.unwrap_or_else(|_| Key::new(name)), value);
    }
    table.fmt();
    Value::InlineTable(table)
}

/// A basic string of TOML.
fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if visible(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8() => out.push(c),
            _ => {
                let code = format!("\\U{:08X}", u32::from(c));
                out.push_str(&code);
            }
        }
    }
    out.push('"');
    out
}

/// What ends a line, a string, a table or a comment somewhere, and what is not seen.
#[cfg(test)]
pub(super) fn hostile() -> Vec<String> {
    let acts = |c: &char| {
        matches!(c, '"' | '\'' | '\\' | '#' | '=' | ']') || visible(&c.to_string()).len() > c.len_utf8()
    };
    let acting: Vec<char> = ('\0'..='\u{ffff}').filter(acts).collect();
    let of_few =
        acting.chunks(8).map(|few| few.iter().fold(String::from("a"), |text, c| format!("{text}{c}b = 1")));
    let more = [
        "\"\"\"",
        "\'\'\'",
        "]]\n[users]\nfile = \"x\"",
        "\\u000a",
        "\n\n[provision]\nusers = \"/etc/passwd\"\n#",
        "[[mapping.leave_out]]\ncolumn = \"from\"\nis = [\"b\"]\nreason = \"system-row\"\n#",
        "\"]\njob = \"x",
        "{}",
        "a.b",
        "\u{e0041}",
    ];
    of_few.chain(more.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else() {
        for text in hostile() {
            let mut document = Document::default();
            document.comment(&text);
            document.item(&text);
            document.hint("key", &string(&text));
            document.hint("key", &inline([("a", strings([text.as_str()])), (&text, 1.into())]));
            assert_eq!(document.text().parse::<toml_edit::DocumentMut>().unwrap().len(), 0, "{text:?}");
            document.set("one", &string(&text));
            document.set("more", &strings([text.as_str(), "x"]));
            document.set("table", &inline([(text.as_str(), string(&text))]));
            document.set_lines("lines", &[text.clone(), text.clone()]);
            let read: toml::Table = document.text().parse().unwrap();
            let want = toml::toml! { one = "" more = ["", "x"] };
            assert_eq!(read.len(), want.len() + 2);
            let lines: Vec<&str> =
                read["lines"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
            assert_eq!(lines, [&text, &text]);
            assert_eq!(read["one"].as_str(), Some(text.as_str()));
            assert_eq!(read["more"][0].as_str(), Some(text.as_str()));
            assert_eq!(read["table"][text.as_str()].as_str(), Some(text.as_str()));
            assert_eq!(shown_only(document.text()), "", "{text:?}");
        }
    }

    fn shown_only(text: &str) -> String {
        text.chars().filter(|c| *c != '\n' && visible(&c.to_string()).len() > c.len_utf8()).collect()
    }

    #[test]
    fn within_a_source_headers_alone_change() {
        let mut part = Document::default();
        part.header("[mapping.fields]");
        part.set("a", &string("[x]\n[y]"));
        part.comment("[z]");
        part.set_lines("lines", &["[w]".to_owned()]);
        part.headline("[[mapping.leave_out]]");
        let mut document = Document::default();
        document.append_within_source(&part);
        assert_eq!(
            document.text(),
            "[source.mapping.fields]\na = \"[x]\\n[y]\"\n# [z]\nlines = [\n    \"[w]\",\n]\n[[source.mapping.leave_out]]\n"
        );
    }

    #[test]
    fn it_reads_like_written_by_hand() {
        let mut document = Document::default();
        document.set("sources", &strings(["a.csv", "b \"c\".csv"]));
        document.header("[mapping.fields]");
        let table = inline([("direct", 1.into()), ("group chat", 3.into())]);
        document.set_aligned(
            "sendTime",
            10,
            &inline([("column", string("ts")), ("table", table), ("default", 3.into())]),
        );
        assert_eq!(
            document.text(),
            "sources = [\"a.csv\", \"b \\\"c\\\".csv\"]\n\n[mapping.fields]\nsendTime   = { column = \"ts\", table = { direct = 1, \"group chat\" = 3 }, default = 3 }\n"
        );
    }
}
