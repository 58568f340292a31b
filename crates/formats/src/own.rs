//! Files of exports of one's own: what a mapping tells of them, under the rules for media of all formats.

use std::sync::Arc;

use super::compose::Composer;
use super::media::{self, Kind, Link, Medium, Reach, Resized};
use super::registry::FormatError;
use super::settings::Settings;
use super::table::Table;
use crate::mapping::{Attachment, Files, Sink};
use crate::message::Place;

/// What makes messages of the files of an export of one's own. Looks at the table of media.
///
/// # Errors
/// A table that can't be read.
pub fn files(settings: Settings) -> Result<Arc<dyn Files>, FormatError> {
    let table = settings.media.table.as_deref().map(Table::read).transpose()?.unwrap_or_default();
    Ok(Arc::new(Composer::new(settings, table)))
}

impl Files for Composer {
    fn content(&self, file: &Attachment, place: Place, sink: &mut dyn Sink) -> Option<(i32, String)> {
        let content = self.medium(&medium(file), place, sink)?;
        Some((content.kind.code(), content.json))
    }
}

fn medium(file: &Attachment) -> Medium<'_> {
    let at = file.at.trim();
    let (link, path, key) = if media::is_link(at) {
        let url = without_password(at);
        let reach = if url == at { reach(at) } else { Reach::Secret };
        let key = key(&url);
        (Some(Link { url: url.into(), reach }), String::new(), key)
    } else if at.starts_with("data:") {
        // What stands in the record itself lies nowhere.
        (None, String::new(), String::new())
    } else {
        let path = at.strip_prefix("file://").unwrap_or(at).replace('\\', "/");
        (None, path.clone(), path)
    };
    // A name that somebody gave it may have no ending.
    let named = if media::mime_by_name(&file.name).is_empty() { media::bare(at) } else { &file.name };
    let (kind, mime) = match file.kind.split(';').next().unwrap_or_default().trim() {
        mime if mime.contains('/') => (Kind::of(mime, named), mime),
        word => (of_word(word).unwrap_or_else(|| Kind::of("", named)), ""),
    };
    let preview =
        media::is_link(&file.preview).then(|| Resized { url: (&*file.preview).into(), ..Resized::default() });
    Medium {
        kind,
        key: key.into(),
        path: path.into(),
        link,
        name: (&*file.name).into(),
        mime: mime.into(),
        size: file.size,
        width: file.width,
        height: file.height,
        seconds: file.seconds,
        preview,
        ..Medium::default()
    }
}

/// What exports call the kinds of files where they give no MIME type.
fn of_word(word: &str) -> Option<Kind> {
    Some(match word.to_lowercase().as_str() {
        "image" | "images" | "picture" | "photo" | "img" | "gif" | "sticker" | "图片" | "圖片" => {
            Kind::Picture
        }
        "video" | "视频" | "影片" => Kind::Video,
        "voice" | "voice_note" | "voice_message" | "ptt" | "语音" | "語音" => Kind::Voice,
        _ => return None,
    })
}

/// How a file behind a link is called: by its link without what may be a token, and, where that is no name
/// (`/download?id=7`), by a sum of it besides.
fn key(url: &str) -> String {
    let bare = media::bare(url);
    match url[bare.len()..].split('#').next() {
        None | Some("" | "?") => bare.to_owned(),
        Some(query) => format!("{bare}~{:08x}", xxhash_rust::xxh3::xxh3_64(query.as_bytes()) >> 32),
    }
}

/// A link without the name and password in front of its host: `[[media.tokens]]` is where they may stand.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    match host.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => url.to_owned(),
    }
}

/// Who can open a link, as far as it says so itself.
fn reach(url: &str) -> Reach {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase();
    let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    let names: Vec<String> =
        query.split('&').map(|pair| pair.split('=').next().unwrap_or_default().to_lowercase()).collect();
    let has = |known: &[&str]| names.iter().any(|name| known.contains(&name.as_str()));
    if host.ends_with("files.slack.com")
        || has(&["access_token", "accesstoken", "auth_token", "api_key", "apikey", "auth", "jwt", "password"])
    {
        return Reach::Secret;
    }
    let signed = [
        "x-amz-signature",
        "x-amz-expires",
        "x-goog-signature",
        "x-goog-expires",
        "signature",
        "expires",
        "sig",
        "token",
        "sign",
        "se",
        "oe",
        "q-signature",
        "x-oss-expires",
        "ossaccesskeyid",
    ];
    if host.ends_with("discordapp.com") || host.ends_with("discordapp.net") || has(&signed) {
        return Reach::Expires;
    }
    Reach::Open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(at: &str, name: &str, kind: &str) -> Attachment {
        Attachment {
            at: at.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            ..Attachment::default()
        }
    }

    #[test]
    fn what_it_is_says_its_type_a_word_or_its_name() {
        for (file, kind) in [
            (told("https://x/a.png?v=1", "", ""), Kind::Picture),
            (told("https://x/1", "a.MP4", ""), Kind::Video),
            (told("https://x/a.mp4", "", "image/png; charset=binary"), Kind::Picture),
            (told("v/1.opus", "", "voice"), Kind::Voice),
            (told("v/1.opus", "", "audio/opus"), Kind::File),
            (told("https://x/1", "", "Photo"), Kind::Picture),
            (told("https://x/1", "", "upload"), Kind::File),
        ] {
            assert_eq!(medium(&file).kind, kind, "{file:?}");
        }
    }

    #[test]
    fn files_are_told_apart_by_what_stands_behind_the_question_mark_and_nobody_reads_it() {
        let [one, two] =
            ["7&token=hush", "8&token=hush"].map(|id| key(&format!("https://x/download?id={id}")));
        assert!(one != two && !one.contains("hush") && !one.contains("id="), "{one} {two}");
        assert_eq!(key("https://x/a.png#top"), "https://x/a.png");
        assert_eq!(medium(&told("C:\\chat\\a.png", "", "")).path, "C:/chat/a.png");
        let inside = told("data:image/png;base64,AAAA", "", "image/png");
        let inside = medium(&inside);
        assert!(inside.path.is_empty() && inside.key.is_empty() && inside.link.is_none());
    }

    #[test]
    fn links_that_end_or_need_somebody_say_so() {
        for (url, who) in [
            ("https://x/a.png", Reach::Open),
            ("https://x/a.png?id=7&v=2", Reach::Open),
            ("https://b.s3.amazonaws.com/a?X-Amz-Expires=60&X-Amz-Signature=1", Reach::Expires),
            ("https://x.blob.core.windows.net/a?sv=1&se=2024&sig=x", Reach::Expires),
            ("https://cdn.discordapp.com/attachments/1/2/a.png", Reach::Expires),
            ("https://x/a.png?access_token=x", Reach::Secret),
            ("https://files.slack.com/files-pri/T/a.png", Reach::Secret),
        ] {
            assert_eq!(reach(url), who, "{url}");
        }
        let file = told("https://me:hush@x/a.png?v=1", "cat", "");
        let medium = medium(&file);
        assert_eq!(medium.link, Some(Link { url: "https://x/a.png?v=1".into(), reach: Reach::Secret }));
        assert!(!medium.key.contains("hush") && medium.kind == Kind::Picture, "{medium:?}");
    }
}
