//! Which files have messages, by their names and by how they begin.

use super::directory::List;

/// Whether a file is part of an export: the messages of a day or a longer while, a dump, or a list.
pub(super) fn belongs(inside: &str) -> bool {
    let (folder, file) = inside.rsplit_once('/').unwrap_or(("", inside));
    if folder.split('/').any(|part| part.starts_with("__") || part.starts_with('.')) {
        return false;
    }
    let Some(stem) = super::super::unpacked(file).strip_suffix(".json") else { return false };
    List::of(file).is_some() || is_while(stem) || matches!(stem, "all" | "messages") || is_conversation(stem)
}

/// Whether a file lies beside the folders of channels: a list, or what has no messages.
pub(in super::super) fn is_list(file: &str) -> bool {
    List::of(file).is_some() || has_no_messages(file)
}

/// Files that exports have beside the messages.
pub(super) fn has_no_messages(inside: &str) -> bool {
    let file = super::super::unpacked(inside.rsplit('/').next().unwrap_or(inside));
    let stem = file.strip_suffix(".json").unwrap_or_default();
    matches!(
        stem,
        "canvases"
            | "canvas_in_the_conversation"
            | "file_conversations"
            | "huddle_transcripts"
            | "integration_logs"
            | "lists"
    )
}

/// Whether a file has the messages of a day: `2024-12-31.json`.
pub(in super::super) fn is_day(file: &str) -> bool {
    file.strip_suffix(".json").is_some_and(|day| {
        day.len() == 10
            && day
                .bytes()
                .enumerate()
                .all(|(n, b)| if matches!(n, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
    })
}

/// A day, month or year, however it is written: `2020-01`, `2020-1-8`, `2020_01_08`, `20200108`.
fn is_while(stem: &str) -> bool {
    stem.len() >= 4 && stem.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// The id of a channel, as slackdump names files after: `C0ABC`, and a thread of it: `C0ABC-1672570000.000100`.
fn is_conversation(stem: &str) -> bool {
    let (channel, thread) = stem.split_once('-').unwrap_or((stem, "0"));
    channel.len() >= 4
        && channel.starts_with(['C', 'D', 'G'])
        && channel.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && thread.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Whether a text is a dump of slackdump: a document with the id of its channel and messages as Slack writes them.
pub(in super::super) fn is_dump(text: &str) -> bool {
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    text.starts_with('{')
        && has("channel_id")
        && has("messages")
        && (has("slackdump_thread_replies") || has("ts") && text.contains("\"message\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_messages_are_told_by_their_names() {
        for inside in [
            "general/2020-01-09.json",
            "general/2020-01.json",
            "general/2020-1-8.json",
            "general/2020.json.gz",
            "ws/general/20200109.json",
            "general/all.json",
            "channels.json",
            "C0ABC.json",
            "dump/C0ABC-1672570000.000100.json",
        ] {
            assert!(belongs(inside), "{inside}");
        }
        for inside in [
            "general/canvas_in_the_conversation.json",
            "integration_logs.json",
            "general/notes.json",
            "__uploads/F1/2020-01-09.json",
            "general/.2020-01-09.json",
            "general/2020-01-09.txt",
            "Config.json",
        ] {
            assert!(!belongs(inside), "{inside}");
        }
        assert!(has_no_messages("ws/integration_logs.json") && !has_no_messages("general/notes.json"));
    }
}
