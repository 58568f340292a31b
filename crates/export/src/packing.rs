//! Packings that are not read, told by their first bytes: whoever names such a file learns what it is and how to go on.

use super::ExportError;

/// What it is, where that shows, its first bytes, and what unpacks it.
const PACKINGS: [(&str, usize, &[u8], &str); 10] = [
    ("a tar archive", 257, b"ustar", "tar -xf"),
    ("packed with xz", 0, b"\xfd7zXZ\0", "xz -d"),
    ("packed with bzip2", 0, b"BZh", "bzip2 -d"),
    ("packed with lz4", 0, b"\x04\x22\x4d\x18", "lz4 -d"),
    ("packed with lzip", 0, b"LZIP\x01", "lzip -d"),
    ("packed with compress", 0, b"\x1f\x9d", "uncompress"),
    ("a 7z archive", 0, b"7z\xbc\xaf\x27\x1c", "7z x"),
    ("a rar archive", 0, b"Rar!\x1a\x07", "unrar x"),
    // Seen here only where it is within another packing or comes from standard input.
    ("a zip archive within something else", 0, b"PK\x03\x04", "unzip"),
    ("a cabinet", 0, b"MSCF\0\0\0\0", "cabextract"),
];
/// Behind `BZh` and a digit: a word of text can begin so.
const BZIP2_BLOCK: &[u8] = b"\x31\x41\x59\x26\x53\x59";

/// An error, if what begins so is packed in a way that is not read.
pub(super) fn refuse(path: &str, head: &[u8]) -> Result<(), ExportError> {
    let begins = |at: usize, bytes: &[u8]| head.get(at..).is_some_and(|head| head.starts_with(bytes));
    let is = |at, bytes: &[u8]| begins(at, bytes) && (bytes != b"BZh" || begins(4, BZIP2_BLOCK));
    match PACKINGS.iter().find(|(_, at, bytes, _)| is(*at, bytes)) {
        Some((kind, _, _, with)) => Err(ExportError::Packed { path: path.to_owned(), kind, with }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_it_is_and_what_unpacks_it() {
        let tar = [&b"chats/a.jsonl"[..], &[0; 244], b"ustar\x0000"].concat();
        let all: [(&[u8], &str); 5] = [
            (&tar, "is a tar archive"),
            (b"\xfd7zXZ\0\0\x04", "(`xz -d`)"),
            (b"BZh91AY&SY", "is packed with bzip2"),
            (b"7z\xbc\xaf\x27\x1c\0\x04", "is a 7z archive"),
            (b"PK\x03\x04", "is a zip archive"),
        ];
        for (head, says) in all {
            let error = refuse("x.dat", head).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("`x.dat`"), "{error}");
        }
        for text in [&b"BZh9 is a word\n"[..], b"ustar", b"", b"{\"id\":1}"] {
            assert!(refuse("x", text).is_ok());
        }
    }
}
