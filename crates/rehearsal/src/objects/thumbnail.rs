//! Smaller copies of pictures: of the real size and type, and one grey all over.

use super::bucket::{Blob, Bucket};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::{self, Write};

/// Larger pictures have no smaller copy, bytes.
pub(super) const LARGEST: u64 = 50 << 20;
/// Pixels; who asks for more gets the original.
const MOST: i64 = 1024;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) format: String,
}

/// What a request for a picture comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The original as it lies there, without a type.
    Bare,
    /// The original with its type.
    Original(&'static str),
    /// A copy under that key.
    Copy {
        key: String,
        kind: &'static str,
    },
    NoImage,
}

/// Which copy it is; makes it where it is not there yet.
pub(super) fn answer(bucket: &Bucket, key: &str, blob: &Blob, asked: &Asked) -> io::Result<Answer> {
    if !(0..=MOST).contains(&asked.width) || !(0..=MOST).contains(&asked.height) {
        return Ok(Answer::Bare);
    }
    let mut head = vec![0; 64 << 10];
    let n = read_up_to(&mut bucket.read(blob)?, &mut head)?;
    let Ok(size) = imagesize::blob_size(&head[..n]) else { return Ok(Answer::NoImage) };
    let (width, height) = (size.width as u64, size.height as u64);
    let original = match imagesize::image_type(&head[..n]) {
        Ok(imagesize::ImageType::Png) => "png",
        Ok(imagesize::ImageType::Jpeg) => "jpeg",
        Ok(imagesize::ImageType::Gif) => "gif",
        _ => "",
    };
    let (format, kind) = match asked.format.as_str() {
        "jpg" | "jpeg" => ("jpeg", "image/jpeg"),
        "gif" => ("gif", "image/gif"),
        _ => ("png", "image/png"),
    };
    let within = |asked: i64, has: u64| match u64::try_from(asked) {
        Ok(asked) if asked > 0 => asked.min(has),
        _ => has,
    };
    let (w, h) = (within(asked.width, width), within(asked.height, height));
    if (w, h) == (width, height) && format == original {
        return Ok(Answer::Original(kind));
    }
    let copy = format!("openim/thumbnail/{}/image_w{w}_h{h}.{format}", blob.etag);
    if bucket.find(&copy).is_none() && bucket.find(key).is_some() {
        // In proportion: the side that has to shrink more decides.
        let (w, h) = if w * height <= h * width {
            (w, (height * w / width).max(1))
        } else {
            ((width * h / height).max(1), h)
        };
        let mut incoming = bucket.incoming()?;
        incoming.write(&grey(w, h)?)?;
        let made = incoming.settled(kind)?;
        bucket.put(&copy, made, false);
    }
    Ok(Answer::Copy { key: copy, kind })
}

fn read_up_to(from: &mut impl io::Read, into: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < into.len() {
        match from.read(&mut into[len..])? {
            0 => break,
            n => len += n,
        }
    }
    Ok(len)
}

/// A PNG of that size.
fn grey(width: u64, height: u64) -> io::Result<Vec<u8>> {
    let side = |n: u64| u32::try_from(n).unwrap_or(1).to_be_bytes();
    let mut head = Vec::new();
    head.extend_from_slice(&side(width));
    head.extend_from_slice(&side(height));
    // 8 bits, grey, and nothing out of the ordinary.
    head.extend_from_slice(&[8, 0, 0, 0, 0]);
    let mut data = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut row = vec![128; usize::try_from(width).unwrap_or_default() + 1];
    row[0] = 0;
    for _ in 0..height {
        data.write_all(&row)?;
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", head), (b"IDAT", data.finish()?), (b"IEND", Vec::new())] {
        png.extend_from_slice(&u32::try_from(data.len()).unwrap_or_default().to_be_bytes());
        let mut sum = Crc::new();
        sum.update(name);
        sum.update(&data);
        png.extend_from_slice(name);
        png.extend_from_slice(&data);
        png.extend_from_slice(&sum.sum().to_be_bytes());
    }
    Ok(png)
}
