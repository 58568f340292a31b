//! The words of a message, wherever Slack and its apps have put them: `text`, `blocks`, `attachments`.

use std::borrow::Cow;

use serde_json::Value;

use super::mrkdwn::encode;
use super::record::{Attachment, Record};

/// The words of a message with their marks.
pub(super) fn words<'a>(record: &'a Record<'_>) -> Cow<'a, str> {
    let mut words: Cow<'a, str> = Cow::Borrowed(&record.text.0);
    if words.trim().is_empty()
        && let Some(blocks) = record.blocks
        && let Ok(blocks) = serde_json::from_str::<Value>(blocks.get())
    {
        let mut text = String::new();
        block(&blocks, &mut text);
        words = Cow::Owned(text.trim_end().to_owned());
    }
    let empty = words.trim().is_empty();
    for attachment in &record.attachments.0 {
        // What a link leads to is no part of the message that has the link.
        let preview = !attachment.from_url.is_empty() || attachment.is_msg_unfurl.whole() > 0;
        if empty || !preview {
            let text = attached(attachment);
            // Bots repeat their text as an attachment.
            if !text.is_empty() && *words != text {
                let words = words.to_mut();
                if !words.is_empty() {
                    words.push('\n');
                }
                *words += &text;
            }
        }
    }
    words
}

fn attached(attachment: &Attachment<'_>) -> String {
    let title = match (attachment.title.some(), attachment.title_link.some()) {
        (Some(title), Some(link)) => format!("{title} ({link})"),
        (title, link) => title.or(link).unwrap_or_default().to_owned(),
    };
    let mut lines: Vec<Cow<'_, str>> = Vec::new();
    for text in [&attachment.pretext, &attachment.author_name] {
        lines.push(Cow::Borrowed(&text.0));
    }
    lines.push(Cow::Borrowed(&title));
    lines.push(Cow::Borrowed(&attachment.text.0));
    lines.extend(attachment.fields.0.iter().map(|f| match (f.title.some(), f.value.some()) {
        (Some(title), Some(value)) => Cow::Owned(format!("{title}: {value}")),
        (title, value) => Cow::Owned(title.or(value).unwrap_or_default().to_owned()),
    }));
    lines.push(Cow::Borrowed(&attachment.image_url.0));
    lines.retain(|line| !line.is_empty());
    if lines.is_empty() {
        return attachment.fallback.0.clone().into_owned();
    }
    lines.join("\n")
}

/// Adds the words of blocks, with marks as `text` would have them. Not deeper than the JSON reader goes.
fn block(value: &Value, out: &mut String) {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    match value {
        Value::Array(all) => all.iter().for_each(|one| block(one, out)),
        Value::Object(_) => match text("type") {
            "mrkdwn" => *out += text("text"),
            "text" | "plain_text" => *out += &encode(text("text")),
            "link" if text("text").is_empty() => out.extend(["<", text("url"), ">"]),
            "link" => out.extend(["<", text("url"), "|", &encode(text("text")), ">"]),
            "user" => out.extend(["<@", text("user_id"), ">"]),
            "channel" => out.extend(["<#", text("channel_id"), ">"]),
            "broadcast" => out.extend(["<!", text("range"), ">"]),
            "usergroup" => out.extend(["<!subteam^|", text("usergroup_id"), ">"]),
            "emoji" => out.extend([":", text("name"), ":"]),
            "image" => *out += &encode(text("alt_text")),
            kind => {
                for key in ["text", "title", "fields", "elements"] {
                    if let Some(inner) = value.get(key) {
                        block(inner, out);
                    }
                }
                if !matches!(kind, "button" | "static_select" | "overflow")
                    && !out.ends_with('\n')
                    && !out.is_empty()
                {
                    out.push('\n');
                }
            }
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> String {
        let record: Record<'_> = serde_json::from_str(json).unwrap();
        words(&record).into_owned()
    }

    #[test]
    fn blocks_count_where_there_is_no_text() {
        let blocks = r#"[{"type":"header","text":{"type":"plain_text","text":"A & B"}},
            {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
                {"type":"text","text":"hi "},{"type":"user","user_id":"U1"},{"type":"emoji","name":"wave"},
                {"type":"link","url":"https://a/","text":"here"}]}]},
            {"type":"section","text":{"type":"mrkdwn","text":"*bold* &amp; more"},"fields":[{"type":"plain_text","text":"f"}]}]"#;
        let text = read(&format!(r#"{{"text":"","blocks":{blocks}}}"#));
        assert_eq!(text, "A &amp; B\nhi <@U1>:wave:<https://a/|here>\n*bold* &amp; moref");
        assert_eq!(read(&format!(r#"{{"text":"said","blocks":{blocks}}}"#)), "said");
    }

    #[test]
    fn previews_of_links_are_no_words_of_the_message() {
        let preview = r#"{"from_url":"https://a/","title":"T","text":"P"}"#;
        let bot = r#"{"pretext":"pre","title":"T","title_link":"https://b/","fields":[{"title":"k","value":"v"}],"fallback":"F"}"#;
        assert_eq!(read(&format!(r#"{{"text":"x","attachments":[{preview}]}}"#)), "x");
        assert_eq!(read(&format!(r#"{{"text":"","attachments":[{preview}]}}"#)), "T\nP");
        assert_eq!(read(&format!(r#"{{"text":"x","attachments":[{bot}]}}"#)), "x\npre\nT (https://b/)\nk: v");
        assert_eq!(read(r#"{"attachments":[{"fallback":"F"}]}"#), "F");
    }
}
