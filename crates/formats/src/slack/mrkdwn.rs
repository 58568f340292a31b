//! Slack's own marks in texts: `<@U061>`, `<#C01|general>`, `<!channel>`, `<https://…|label>`, `&amp;`.

use std::borrow::Cow;

use super::super::compose::Mentions;
use super::directory::Directory;

/// A text as people read it, and whom it calls on.
pub(super) fn decode<'a>(text: &'a str, directory: &Directory, mentions: &mut Mentions<'_>) -> Cow<'a, str> {
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        out += &rest[..at];
        rest = &rest[at..];
        let taken = if rest.starts_with('<') {
            mark(rest, directory, mentions, &mut out)
        } else {
            entity(rest, &mut out)
        };
        rest = &rest[taken..];
    }
    out += rest;
    Cow::Owned(out)
}

/// A text in which nothing is a mark any more: what plain texts in blocks are.
pub(super) fn encode(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Reads `&amp;` and the like at the beginning; returns how many bytes it took.
fn entity(text: &str, out: &mut String) -> usize {
    for (name, sign) in [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')] {
        if text.starts_with(name) {
            out.push(sign);
            return name.len();
        }
    }
    out.push('&');
    1
}

/// Reads `<…>` at the beginning; returns how many bytes it took.
fn mark(text: &str, directory: &Directory, mentions: &mut Mentions<'_>, out: &mut String) -> usize {
    // What belongs to a mark stands in one line, and a mark in a mark is none.
    let Some(end) = text[1..].find(['>', '<', '\n']).filter(|n| text.as_bytes()[n + 1] == b'>') else {
        out.push('<');
        return 1;
    };
    let inner = &text[1..=end];
    let (target, label) = match inner.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|l| !l.is_empty())),
        None => (inner, None),
    };
    let plain = |text: &str, out: &mut String| {
        let mut rest = text;
        while let Some(at) = rest.find('&') {
            *out += &rest[..at];
            rest = &rest[at..];
            rest = &rest[entity(rest, out)..];
        }
        *out += rest;
    };
    if let Some(user) = target.strip_prefix('@') {
        mentions.users.push(Cow::Owned(user.to_owned()));
        let name = directory.user(user).map(|u| &*u.name).filter(|n| !n.is_empty());
        out.push('@');
        plain(name.or(label).unwrap_or(user), out);
    } else if let Some(channel) = target.strip_prefix('#') {
        out.push('#');
        plain(label.or_else(|| directory.channel_name(channel)).unwrap_or(channel), out);
    } else if let Some(command) = target.strip_prefix('!') {
        match command.split(['^', ' ']).next().unwrap_or(command) {
            all @ ("channel" | "here" | "everyone" | "group") => {
                mentions.all = true;
                out.push('@');
                *out += if all == "group" { "channel" } else { all };
            }
            "subteam" => {
                let label = label.unwrap_or(command);
                out.push('@');
                plain(label.strip_prefix('@').unwrap_or(label), out);
            }
            // `<!date^1392734382^{date}|Feb 18>`: the label says it in words.
            _ => plain(label.unwrap_or(command), out),
        }
    } else {
        let address =
            target.strip_prefix("mailto:").or_else(|| target.strip_prefix("tel:")).unwrap_or(target);
        match label.filter(|l| *l != target && *l != address) {
            // `<http://example.org|example.org>`: Slack made the link, the label is what was written.
            Some(label) if is_short_for(label, target) => plain(target, out),
            Some(label) => {
                plain(label, out);
                *out += " (";
                plain(address, out);
                out.push(')');
            }
            None => plain(address, out),
        }
    }
    end + 2
}

fn is_short_for(label: &str, target: &str) -> bool {
    let bare = |url: &'_ str| {
        let url = url.trim_end_matches('/');
        url.split_once("://").map_or(url, |(_, rest)| rest).to_owned()
    };
    bare(label) == bare(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Mentions<'static>) {
        let mut directory = Directory::default();
        directory.add_user("U1", "Ann A.", "", "");
        directory.add_channel("C1", "general", "r/general", &[]);
        let mut mentions = Mentions::default();
        let text = decode(text, &directory, &mut mentions).into_owned();
        let users = mentions.users.into_iter().map(|u| Cow::Owned(u.into_owned())).collect();
        (text, Mentions { all: mentions.all, users })
    }

    #[test]
    fn marks_become_what_people_read() {
        let cases = [
            ("plain", "plain"),
            ("a &lt;b&gt; &amp;&amp; c &copy; &", "a <b> && c &copy; &"),
            ("<@U1> and <@U2|bob> and <@U3>", "@Ann A. and @bob and @U3"),
            ("<#C1> <#C2|dev> <#C9|> <#C9>", "#general #dev #C9 #C9"),
            ("<!channel> <!here|here> <!everyone>", "@channel @here @everyone"),
            ("<!subteam^S1|@core>", "@core"),
            ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
            ("<https://a.b/?x=1&amp;y=2>", "https://a.b/?x=1&y=2"),
            ("<https://a.b/|the site>", "the site (https://a.b/)"),
            ("<http://a.b|a.b>", "http://a.b"),
            ("<mailto:x@y.z|x@y.z>", "x@y.z"),
            ("1 < 2 <", "1 < 2 <"),
            ("< <@U1>", "< @Ann A."),
            ("<>", ""),
            ("<a\nb>", "<a\nb>"),
            ("é<@U1>é", "é@Ann A.é"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).0, expected, "{text}");
        }
    }

    #[test]
    fn it_is_known_whom_a_text_calls_on() {
        assert_eq!(read("<@U1> <@U1> <@U2|b>").1.users, ["U1", "U1", "U2"]);
        assert!(read("<!here>").1.all);
        assert!(!read("&lt;!here&gt;").1.all);
    }

    #[test]
    fn what_was_written_plain_stays_plain() {
        assert_eq!(read(&encode("<@U1> & <b>")).0, "<@U1> & <b>");
    }
}
