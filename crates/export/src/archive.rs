//! Zip archives as folders: entries are listed once and read as streams; nothing is unpacked to disk.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use importer_buckets::ReadSeek;

use super::discover::{held, of_bucket};
use super::{ExportError, Holder};

/// An entry of a zip archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The archive.
    pub archive: Holder,
    /// Its path in there.
    pub name: String,
    /// Bytes it takes in the archive.
    pub compressed: u64,
    start: u64,
    unpacked: u64,
    deflated: bool,
    crc: u32,
}

/// How often its packed size a text has become, if that is more than any text does: chats become five to thirty
/// times their packed size, what somebody packed to fill a disk a thousand times.
pub(super) fn bomb(unpacked: u64, packed: u64) -> Option<u64> {
    const MUCH: u64 = 256 << 20;
    const TIMES: u64 = 500;
    let times = unpacked / packed.max(1);
    (unpacked > MUCH && times > TIMES).then_some(times)
}

/// Whether the file begins as zip archives do.
pub(super) fn is_zip(holder: &Holder) -> Result<bool, ExportError> {
    let mut magic = Vec::new();
    held(holder, holder.part(0, 4).and_then(|mut part| part.read_to_end(&mut magic)))?;
    Ok(magic == b"PK\x03\x04" || magic == b"PK\x05\x06")
}

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Its files, sorted by path.
    pub(super) files: Vec<Entry>,
    /// What is neither a file nor an empty folder: links, folders that have data.
    pub(super) others: Vec<String>,
}

/// Reads what an archive holds. Nothing is let through that says one thing and is another: entries that share their
/// bytes, two of one name, fewer than there are, more in all than any text becomes.
pub(super) fn list(holder: &Holder) -> Result<Listed, ExportError> {
    let name = holder.name();
    let damaged =
        |why: String| ExportError::Damaged { path: name.clone().into_owned(), kind: "zip", byte: 0, why };
    let broken = |error: zip::result::ZipError| match &error {
        zip::result::ZipError::Io(io) => of_bucket(io).unwrap_or_else(|| damaged(error.to_string())),
        _ => damaged(error.to_string()),
    };
    let mut zip =
        zip::ZipArchive::new(io::BufReader::new(held(holder, holder.seekable())?)).map_err(broken)?;
    let odd = |why: String| ExportError::Unrecognised { path: name.clone().into_owned(), why };
    if zip.offset() > 0 {
        return Err(odd(format!(
            "its first {} bytes belong to none of its entries, as where two archives were put together; unpack it, see \
             what is there, and name the folder",
            zip.offset()
        )));
    }
    let raw = held(holder, holder.seekable())?;
    let count = held(holder, count(raw, zip.central_directory_start()))?;
    let read = zip.len() as u64;
    if zip.has_duplicate_names() {
        // Of entries with one name the crate keeps the last.
        return Err(odd(format!(
            "the archive lists {count} entries and has {read} names: some stand for two files, and only one can be \
             meant; unpack it, see which, and name the folder"
        )));
    }
    if count != read {
        return Err(odd(format!(
            "the archive lists {count} entries, and its end says {read}: one of them is wrong; unpack it, see what is \
             there, and name the folder"
        )));
    }
    let mut others = Vec::new();
    let mut entries = Vec::new();
    let mut spans = vec![(zip.central_directory_start(), u64::MAX)];
    for n in 0..zip.len() {
        let file = zip.by_index_raw(n).map_err(broken)?;
        let end = file.data_start().unwrap_or_default().saturating_add(file.compressed_size());
        spans.push((file.header_start(), end));
        let inside = file.name().map_err(|e| damaged(e.to_string()))?.replace('\\', "/");
        if !file.is_file() {
            if file.is_symlink() || file.size() > 0 {
                others.push(inside.trim_end_matches('/').to_owned());
            }
            continue;
        }
        if file.encrypted() {
            return Err(ExportError::Unrecognised {
                path: format!("{name}/{inside}"),
                why: "it is encrypted; unpack the archive with its password and name the folder".to_owned(),
            });
        }
        let deflated = match file.compression() {
            zip::CompressionMethod::Stored => false,
            zip::CompressionMethod::Deflated => true,
            other => {
                return Err(ExportError::Unrecognised {
                    path: format!("{name}/{inside}"),
                    why: format!("it is packed with {other}; unpack the archive and name the folder"),
                });
            }
        };
        let start = file.data_start().ok_or_else(|| damaged(format!("`{inside}` has no data")))?;
        entries.push(Entry {
            archive: holder.clone(),
            compressed: file.compressed_size(),
            start,
            unpacked: file.size(),
            deflated,
            crc: file.crc32(),
            name: inside,
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(odd(format!(
            "two entries are called `{}`, one with `\\` and one with `/`; unpack it, see which is meant, and name the \
             folder",
            pair[0].name
        )));
    }
    if let Some((a, b)) = overlap(&entries) {
        return Err(odd(format!(
            "the entries `{a}` and `{b}` lie on the same bytes, as in no archive that a program wrote; if it is one all \
             the same, unpack it and name the folder"
        )));
    }
    if let Some(byte) = held(holder, unnamed(holder, spans))? {
        return Err(odd(format!(
            "from byte {byte} on lies an entry that its directory does not name, as where two archives were put together; \
             unpack it, see what is there, and name the folder"
        )));
    }
    let packed = held(holder, holder.bytes())?;
    let unpacked = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.unpacked));
    if let Some(times) = bomb(unpacked, packed) {
        return Err(ExportError::Bomb { path: name.into_owned(), times });
    }
    Ok(Listed { files: entries, others })
}

/// How many entries the directory of the archive has, whatever the archive's end says of their number.
fn count(archive: Box<dyn ReadSeek>, directory: u64) -> io::Result<u64> {
    let mut file = io::BufReader::new(archive);
    file.seek(SeekFrom::Start(directory))?;
    let mut count = 0;
    loop {
        let mut head = [0; 46];
        match file.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(count),
            read => read?,
        }
        if !head.starts_with(b"PK\x01\x02") {
            return Ok(count);
        }
        count += 1;
        // Name, what else belongs to it, comment.
        let behind = [28, 30, 32].map(|at| i64::from(u16::from_le_bytes([head[at], head[at + 1]])));
        file.seek_relative(behind.iter().sum())?;
    }
}

/// Where an entry begins behind one of these that are named, each from its head to the end of its data; other gaps are
/// nobody's.
fn unnamed(holder: &Holder, mut spans: Vec<(u64, u64)>) -> io::Result<Option<u64>> {
    /// As long as the head of an entry. What can stand behind the data of one is shorter: its sum and its sizes.
    const HEAD: u64 = 30;
    spans.sort_unstable();
    for pair in spans.windows(2) {
        let (end, next) = (pair[0].1, pair[1].0);
        if next.saturating_sub(end) < HEAD {
            continue;
        }
        let mut bytes = Vec::new();
        holder.part(end, HEAD)?.read_to_end(&mut bytes)?;
        if let Some(at) = bytes.windows(4).position(|bytes| bytes == b"PK\x03\x04") {
            return Ok(Some(end + at as u64));
        }
    }
    Ok(None)
}

/// Two entries whose data overlap.
fn overlap(entries: &[Entry]) -> Option<(&str, &str)> {
    let mut by_start: Vec<&Entry> = entries.iter().filter(|entry| entry.compressed > 0).collect();
    by_start.sort_by_key(|entry| entry.start);
    let shares = |pair: &&[&Entry]| pair[0].start.saturating_add(pair[0].compressed) > pair[1].start;
    by_start.windows(2).find(shares).map(|pair| (pair[0].name.as_str(), pair[1].name.as_str()))
}

/// Reads one entry, and makes sure that it is what the archive says: neither longer nor different.
pub(super) struct EntryReader {
    data: Data,
    left: u64,
    sum: Crc,
    crc: u32,
}

type Part = io::Take<Box<dyn Read + Send>>;

enum Data {
    Stored(Part),
    Deflated(Box<DeflateDecoder<Part>>),
}

impl EntryReader {
    pub(super) fn open(entry: &Entry) -> Result<Self, ExportError> {
        if let Some(times) = bomb(entry.unpacked, entry.compressed) {
            return Err(ExportError::Bomb { path: format!("{}/{}", entry.archive, entry.name), times });
        }
        let raw = held(&entry.archive, entry.archive.part(entry.start, entry.compressed))?;
        let data = if entry.deflated {
            Data::Deflated(Box::new(DeflateDecoder::new(raw)))
        } else {
            Data::Stored(raw)
        };
        Ok(Self { data, left: entry.unpacked, sum: Crc::new(), crc: entry.crc })
    }
}

impl Read for EntryReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = match &mut self.data {
            Data::Stored(raw) => raw.read(buf)?,
            Data::Deflated(raw) => raw.read(buf)?,
        };
        if buf.is_empty() {
            return Ok(0);
        }
        let broken = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        self.sum.update(&buf[..n]);
        // A bomb says that it is small and goes on without end.
        let Some(left) = self.left.checked_sub(n as u64) else {
            return broken("the entry is longer than the archive says");
        };
        self.left = left;
        if n == 0 && left > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if n == 0 && self.sum.sum() != self.crc {
            return broken("the checksum of the entry is wrong");
        }
        Ok(n)
    }
}
