//! Words of a body that is HTML, as a chat shows them: lines for blocks, links kept, no tags.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// Tags that only HTML has, as those bodies use them that come out of editors and mail.
const TAGS: &str = " a b blockquote body br code dd div dl dt em font h1 h2 h3 h4 h5 h6 head hr html i img li ol p pre s \
     section span strike strong style sub sup table tbody td tfoot th thead tr u ul at attachment emoji codeblock ss quote \
     legacyquote ";

/// Stand on lines of their own.
const BLOCKS: &str = " address article aside blockquote dd details div dl dt fieldset figcaption figure footer form header hr \
     li main nav ol section summary tbody tfoot thead tr ul ";
/// And with an empty line between them and what stands before.
const PARAGRAPHS: &str = " h1 h2 h3 h4 h5 h6 p pre table ";
/// What is in them is for nobody's eyes.
const HIDDEN: &str = " head noscript script style template title ";

/// Quotations within quotations are marked up to here.
const MOST_QUOTED: usize = 4;

fn is_in(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|known| known == name)
}

/// Whether a text is HTML: a tag that HTML has stands in it. `a < b` and `<really>` are words.
pub fn is_html(text: &str) -> bool {
    // A tag ends somewhere.
    let Some(last) = memchr::memrchr(b'>', text.as_bytes()) else { return false };
    memchr::memchr_iter(b'<', &text.as_bytes()[..last]).any(|at| {
        let rest = &text[at + 1..];
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let ends = behind.starts_with(['>', '/', ' ', '\t', '\r', '\n']);
        ends && name.len() <= 11 && is_in(TAGS, &name.to_ascii_lowercase())
    })
}

/// The words of a body. What has neither a tag of HTML nor a character written as HTML does (`&amp;`) is words already,
/// and stays as it is: exports mix both.
pub fn text_of(body: &str) -> Option<String> {
    if !is_html(body) && !has_entity(body) {
        return None;
    }
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut out = Words::default();
    for token in Tokenizer::new_with_emitter(body, emitter) {
        match token.unwrap_or_else(|never| match never {}) {
            Token::StartTag(tag) => out.start(&tag),
            Token::EndTag(tag) => out.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => out.text(&String::from_utf8_lossy(&text.value)),
            _ => {}
        }
    }
    Some(out.finish())
}

/// `&amp;`, `&#39;`, `&nbsp;`
fn has_entity(text: &str) -> bool {
    memchr::memchr_iter(b'&', text.as_bytes()).any(|at| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(rest.len());
        (2..=10).contains(&end) && rest[end..].starts_with(';')
    })
}

/// Words in the making.
#[derive(Default)]
struct Words {
    out: String,
    /// Line ends that stand before the next word.
    breaks: usize,
    /// A blank stands before the next word.
    blank: bool,
    quoted: usize,
    /// As it is, blanks and lines too.
    kept: usize,
    hidden: usize,
    /// Numbers of the lists that are open; `None`: points.
    lists: Vec<Option<u64>>,
    /// The mark of an item was the last word: what it holds stands behind it.
    item: bool,
    /// Where the link that is open leads, and where its words begin.
    link: Option<(String, usize)>,
}

impl Words {
    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name);
        let attribute = |name: &str| {
            let value = tag.attributes.get(name.as_bytes());
            value.map(|value| String::from_utf8_lossy(&value.value).trim().to_owned()).unwrap_or_default()
        };
        self.block(&name);
        match &*name {
            // Raw text that the tokenizer ends; the others end with their tag.
            _ if is_in(HIDDEN, &name) && !tag.self_closing => self.hidden += 1,
            "body" => self.hidden = 0,
            "br" => self.breaks += 1,
            "hr" => self.word("———"),
            "blockquote" => self.quoted += 1,
            "pre" | "codeblock" => self.kept += 1,
            "ul" | "menu" => self.lists.push(None),
            "ol" => self.lists.push(Some(0)),
            "li" => {
                let mark = match self.lists.last_mut() {
                    Some(Some(n)) => {
                        *n += 1;
                        format!("{n}.")
                    }
                    _ => "•".to_owned(),
                };
                self.word(&mark);
                (self.blank, self.item) = (true, true);
            }
            "td" | "th" if self.breaks == 0 && !self.out.is_empty() => {
                self.blank = true;
                self.word("|");
                self.blank = true;
            }
            // A link in a link ends it.
            "a" => {
                self.leads();
                self.link = Some((attribute("href"), self.out.len()));
            }
            "at" => self.text("@"),
            "img" | "emoji" => self.picture(&attribute("alt"), &attribute("src")),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            _ if is_in(HIDDEN, name) => self.hidden = self.hidden.saturating_sub(1),
            "a" => self.leads(),
            "ul" | "menu" | "ol" => _ = self.lists.pop(),
            _ => {}
        }
        self.block(name);
        match name {
            "blockquote" => self.quoted = self.quoted.saturating_sub(1),
            "pre" | "codeblock" => self.kept = self.kept.saturating_sub(1),
            _ => {}
        }
    }

    fn block(&mut self, name: &str) {
        if self.item {
            return;
        }
        if is_in(PARAGRAPHS, name) {
            self.breaks = self.breaks.max(2);
        } else if is_in(BLOCKS, name) {
            self.breaks = self.breaks.max(1);
        }
    }

    fn text(&mut self, text: &str) {
        if self.hidden > 0 {
            return;
        }
        if self.kept > 0 {
            for (n, line) in text.split('\n').enumerate() {
                self.breaks += usize::from(n > 0);
                let line = line.trim_end_matches('\r');
                if !line.is_empty() {
                    self.word(line);
                }
            }
            return;
        }
        self.blank |= text.starts_with(char::is_whitespace);
        for (n, word) in text.split_whitespace().enumerate() {
            self.blank |= n > 0;
            self.word(word);
        }
        self.blank |= text.ends_with(char::is_whitespace);
    }

    fn word(&mut self, word: &str) {
        if self.hidden > 0 {
            return;
        }
        let first = self.out.is_empty();
        if self.breaks > 0 || first {
            let mark = "> ".repeat(self.quoted.min(MOST_QUOTED));
            for n in 0..if first { 0 } else { self.breaks.min(2) } {
                self.out.push('\n');
                // The line between two paragraphs of one quotation belongs to it.
                if n == 0 && self.breaks > 1 && !mark.is_empty() {
                    self.out.push_str(mark.trim_end());
                }
            }
            self.out.push_str(&mark);
        } else if self.blank {
            self.out.push(' ');
        }
        (self.breaks, self.blank, self.item) = (0, false, false);
        self.out.push_str(word);
    }

    /// Where it leads stands behind the words of a link, unless they say it.
    fn leads(&mut self) {
        let Some((to, from)) = self.link.take() else { return };
        let said = self.out.get(from..).unwrap_or_default().trim().to_owned();
        let bare = |link: &str| {
            let link = link.trim_end_matches('/');
            let schemes = ["https://", "http://", "mailto:", "tel:"];
            let rest = schemes.iter().find_map(|scheme| link.strip_prefix(scheme)).unwrap_or(link);
            rest.strip_prefix("www.").unwrap_or(rest).to_owned()
        };
        let leads = is_address(&to) || to.starts_with("mailto:") || to.starts_with("tel:");
        if !leads || bare(&said) == bare(&to) {
            return;
        }
        if said.is_empty() {
            return self.word(&to);
        }
        self.blank = true;
        self.word(&format!("({to})"));
    }

    fn picture(&mut self, alt: &str, source: &str) {
        match (alt, is_address(source)) {
            ("", true) => self.text(&format!(" {source} ")),
            ("", false) if source.is_empty() => {}
            ("", false) => self.text(" [picture] "),
            // A smiley is a picture of one character.
            (alt, true) if alt.chars().count() > 4 => self.text(&format!(" {alt} ({source}) ")),
            (alt, _) => self.text(alt),
        }
    }

    fn finish(mut self) -> String {
        self.leads();
        self.out
    }
}

fn is_address(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(html: &str) -> String {
        text_of(html).unwrap_or_else(|| format!("as it is: {html}"))
    }

    #[test]
    fn blocks_are_lines_and_links_are_kept() {
        let mail = words(
            "<html><head><title>x</title><style>p { color: red }</style></head><body><p>Hello&nbsp;Ann,</p>\r\n\
             <p>see <a href=\"https://example.com/a?b=1&amp;c=2\">the  page</a> or <a href='https://example.com/'>example.com</a>\
             <br>and <b>this</b>:</p><ul><li>one</li><li>two<ol><li>a</li><li>b</li></ol></li></ul>\
             <div>1 &lt; 2 &amp; 3</div><script>alert('<p>')</script></body></html>",
        );
        assert_eq!(
            mail,
            "Hello Ann,\n\nsee the page (https://example.com/a?b=1&c=2) or example.com\nand this:\n\n\
             • one\n• two\n1. a\n2. b\n1 < 2 & 3"
        );
        let quoting = words(
            "<blockquote><p>you wrote</p><p>this</p></blockquote><p>yes</p><pre>if x:\n    y\n</pre>\
             <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
        );
        assert_eq!(quoting, "> you wrote\n>\n> this\n\nyes\n\nif x:\n    y\n\na | b\n1 | 2");
        assert_eq!(words("<ol><li><p>a</p></li><li><p>b</p></li></ol>"), "1. a\n\n2. b");
    }

    #[test]
    fn what_messengers_write() {
        let teams = "<div><at id=\"0\">Ann Lee</at>&nbsp;look <img alt=\"🙂\" itemtype=\"http://schema.skype.com/Emoji\" src=\"https://statics.example/1.png\"> \
                     <attachment id=\"7\"></attachment></div>";
        assert_eq!(words(teams), "@Ann Lee look 🙂");
        let skype = "so &lt;b&gt; &quot;it&quot; <ss type=\"smile\">:)</ss> <a href=\"http://a.example/x\">http://a.example/x</a>";
        assert_eq!(words(skype), "so <b> \"it\" :) http://a.example/x");
        assert_eq!(words("<p><img src=\"https://a.example/shot.png\"></p>"), "https://a.example/shot.png");
        assert_eq!(
            words("<p><img src=\"cid:1\"> <img src='https://a.example/x.png' alt='the plan'></p>"),
            "[picture] the plan (https://a.example/x.png)"
        );
        assert_eq!(words("<a href=\"javascript:alert(1)\">press</a>"), "press");
        assert_eq!(words("<a href=\"mailto:a@b.example\">a@b.example</a>"), "a@b.example");
        assert_eq!(words("<p>&nbsp;</p>"), "");
    }

    #[test]
    fn words_stay_as_they_are() {
        for plain in [
            "a < b and c > d",
            "he said, <really> & so on",
            "x <3 y",
            "AT&T; no",
            "two\nlines  here",
            "<",
            "<p",
            "",
            "if (a<b) {}",
            "&;",
        ] {
            assert_eq!(text_of(plain), None, "{plain}");
        }
        for html in ["<p>x", "x<br>y", "<BR/>", "a</div >", "<a href=\"x\">y</a>"] {
            assert!(is_html(html), "{html}");
        }
        assert!(!is_html("<bad> <code-like> <3"));
    }

    #[test]
    fn garbage_ends_in_time_and_grows_no_more_than_it_is() {
        for evil in [
            "<blockquote>",
            "<ul><li>",
            "<a href=x>",
            "<pre>",
            "</a>",
            "<script>",
            "<table><tr><td>",
            "<p ",
            "&#0;",
            "&#x110000;",
            "<img src=data:x>",
            "<a href=https://a.example/>",
        ] {
            let text = format!("<p>{}end", evil.repeat(20_000));
            let words = words(&text);
            assert!(words.len() <= text.len() * 3, "{evil}: {}", words.len());
        }
    }
}
