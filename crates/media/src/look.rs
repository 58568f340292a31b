//! What a file is, by its bytes: type, ending, pixels, seconds. Its name and what the export says of it count nothing
//! here.

use std::io::{self, SeekFrom};

use super::{Bytes, sound, video};

/// What the bytes tell. 0 stands for what they don't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// `image/png`; what isn't known is `application/octet-stream`. Never a type that a browser runs.
    pub mime: &'static str,
    /// For the name of the object: `png`, or nothing.
    pub ending: &'static str,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
    /// Rounded up: a second at least.
    pub seconds: u64,
}

/// No picture of a chat is larger; a header that says so lies.
const MOST_PIXELS: u64 = 65_535;
/// Nor has any format more pixels in a byte: a PNG of one colour and one bit has 8,256.
const MOST_A_BYTE: u64 = 10_000;
/// Long enough for the header of any picture, thumbnails and colour profiles in front of its size included.
const HEAD: usize = 512 << 10;
/// Enough to tell what a file is.
const FIRST: usize = 64;
/// A day and more: what says that it lasts longer is not believed.
pub(crate) const MOST_SECONDS: u64 = 200_000;

impl Look {
    const UNKNOWN: Self = Self::of("application/octet-stream", "");

    const fn of(mime: &'static str, ending: &'static str) -> Self {
        Self { mime, ending, width: 0, height: 0, seconds: 0 }
    }
}

/// Looks at a file.
pub fn look(from: &mut dyn Bytes) -> io::Result<Look> {
    let size = from.seek(SeekFrom::End(0))?;
    let whole = HEAD.min(usize::try_from(size).unwrap_or(HEAD));
    let mut head = vec![0; whole.min(FIRST)];
    from.seek(SeekFrom::Start(0))?;
    from.read_exact(&mut head)?;
    let mut look = kind(&head);
    if look.mime.starts_with("image/") || matches!(look.mime, "audio/ogg" | "audio/wav" | "audio/amr") {
        let first = head.len();
        head.resize(whole, 0);
        from.read_exact(&mut head[first..])?;
    }
    if look.mime.starts_with("image/") {
        if let Ok(pixels) = imagesize::blob_size(&head) {
            let (width, height) = (pixels.width as u64, pixels.height as u64);
            // The size of a picture of one colour tells nothing in WebP.
            let most = if look.mime == "image/webp" { u64::MAX } else { size.saturating_mul(MOST_A_BYTE) };
            let are_sides = (1..=MOST_PIXELS).contains(&width) && (1..=MOST_PIXELS).contains(&height);
            if are_sides && width * height <= most {
                (look.width, look.height) = (width, height);
            }
        }
        return Ok(look);
    }
    match look.mime {
        "video/mp4" | "video/quicktime" | "video/3gpp" | "audio/mp4" => {
            let film = video::look(from, size)?;
            (look.width, look.height, look.seconds) = (film.width, film.height, film.seconds);
            // What has no picture track is a recording.
            if film.width == 0 && film.is_read && look.mime == "video/mp4" {
                (look.mime, look.ending) = ("audio/mp4", "m4a");
            }
        }
        "audio/ogg" => look.seconds = sound::ogg(&head, from, size)?,
        "audio/wav" => look.seconds = sound::wav(&head),
        "audio/amr" => look.seconds = sound::amr(&head, from, size)?,
        _ => {}
    }
    if look.seconds > MOST_SECONDS {
        look.seconds = 0;
    }
    Ok(look)
}

fn kind(head: &[u8]) -> Look {
    let begins = |with: &[u8]| head.starts_with(with);
    let at = |from: usize, what: &[u8]| head.get(from..from + what.len()) == Some(what);
    match () {
        () if begins(b"\x89PNG\r\n\x1a\n") => Look::of("image/png", "png"),
        () if begins(b"\xff\xd8\xff") => Look::of("image/jpeg", "jpg"),
        () if begins(b"GIF87a") || begins(b"GIF89a") => Look::of("image/gif", "gif"),
        () if begins(b"RIFF") && at(8, b"WEBP") => Look::of("image/webp", "webp"),
        () if begins(b"BM") && head.len() > 26 && at(6, &[0; 4]) => Look::of("image/bmp", "bmp"),
        () if at(4, b"ftyphei") || at(4, b"ftypmif1") => Look::of("image/heic", "heic"),
        () if at(4, b"ftypM4A") || at(4, b"ftypM4B") => Look::of("audio/mp4", "m4a"),
        () if at(4, b"ftypqt") => Look::of("video/quicktime", "mov"),
        () if at(4, b"ftyp3g") => Look::of("video/3gpp", "3gp"),
        () if at(4, b"ftyp") => Look::of("video/mp4", "mp4"),
        () if begins(b"\x1a\x45\xdf\xa3") && head.get(..64).is_some_and(|h| has(h, b"webm")) => {
            Look::of("video/webm", "webm")
        }
        () if begins(b"\x1a\x45\xdf\xa3") => Look::of("video/x-matroska", "mkv"),
        () if begins(b"RIFF") && at(8, b"AVI ") => Look::of("video/x-msvideo", "avi"),
        () if begins(b"OggS") => Look::of("audio/ogg", "ogg"),
        () if begins(b"RIFF") && at(8, b"WAVE") => Look::of("audio/wav", "wav"),
        () if begins(b"#!AMR") => Look::of("audio/amr", "amr"),
        () if begins(b"fLaC") => Look::of("audio/flac", "flac"),
        () if begins(b"ID3") || begins(b"\xff\xfb") || begins(b"\xff\xf3") => Look::of("audio/mpeg", "mp3"),
        () if begins(b"\xff\xf1") || begins(b"\xff\xf9") => Look::of("audio/aac", "aac"),
        () if begins(b"%PDF-") => Look::of("application/pdf", "pdf"),
        () if begins(b"PK\x03\x04") => Look::of("application/zip", "zip"),
        () => Look::UNKNOWN,
    }
}

fn has(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests;
