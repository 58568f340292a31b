//! Zip archives as folders: entries are listed once and read as streams; nothing is unpacked to disk.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::ExportError;
use super::discover::read_error;

/// An entry of a zip archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The archive.
    pub archive: PathBuf,
    /// Its path in there.
    pub name: String,
    /// Bytes it takes in the archive.
    pub compressed: u64,
    /// When it was last changed, in milliseconds since 1970, read as if it were UTC: zip keeps no zone.
    pub modified: Option<i64>,
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
pub(super) fn is_zip(path: &Path) -> Result<bool, ExportError> {
    let error = |e| read_error(&path.to_string_lossy(), e);
    let mut magic = Vec::new();
    fs_err::File::open(path).map_err(error)?.take(4).read_to_end(&mut magic).map_err(error)?;
    Ok(magic == b"PK\x03\x04" || magic == b"PK\x05\x06")
}

/// The files in an archive, sorted by path. Nothing is let through that says one thing and is another: entries that
/// share their bytes, two of one name, more in all than any text becomes.
pub(super) fn entries(path: &Path) -> Result<Vec<Entry>, ExportError> {
    let name = path.to_string_lossy();
    let file = fs_err::File::open(path).map_err(|e| read_error(&name, e))?;
    let damaged =
        |why: String| ExportError::Damaged { path: name.clone().into_owned(), kind: "zip", byte: 0, why };
    let mut zip = zip::ZipArchive::new(io::BufReader::new(file)).map_err(|e| damaged(e.to_string()))?;
    // Of entries with one name the crate keeps the last.
    if let Some(listed) = listed(path).map_err(|e| read_error(&name, e))?.filter(|n| *n > zip.len() as u64) {
        return Err(ExportError::Unrecognised {
            path: name.into_owned(),
            why: format!(
                "the archive lists {listed} entries and has {} names: some stand for two files, and only one can be \
                 meant; unpack it, see which, and name the folder",
                zip.len()
            ),
        });
    }
    let mut entries = Vec::new();
    for n in 0..zip.len() {
        let file = zip.by_index_raw(n).map_err(|e| damaged(e.to_string()))?;
        if !file.is_file() {
            continue;
        }
        let inside = file.name().map_err(|e| damaged(e.to_string()))?.replace('\\', "/");
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
            archive: path.to_owned(),
            compressed: file.compressed_size(),
            modified: file.last_modified().and_then(millis),
            start,
            unpacked: file.size(),
            deflated,
            crc: file.crc32(),
            name: inside,
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some((a, b)) = overlap(&entries) {
        return Err(ExportError::Unrecognised {
            path: name.into_owned(),
            why: format!(
                "the entries `{a}` and `{b}` lie on the same bytes, as in no archive that a program wrote; if it is \
                 one all the same, unpack it and name the folder"
            ),
        });
    }
    let packed = fs_err::metadata(path).map_err(|e| read_error(&name, e))?.len();
    let unpacked = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.unpacked));
    if let Some(times) = bomb(unpacked, packed) {
        return Err(ExportError::Bomb { path: name.into_owned(), times });
    }
    Ok(entries)
}

/// How many entries the end of the archive counts; `None` where it does not say.
fn listed(path: &Path) -> io::Result<Option<u64>> {
    const LONGEST_COMMENT: u64 = 65_535 + 22;
    let mut file = fs_err::File::open(path)?;
    let len = file.seek(SeekFrom::End(0))?;
    // With what stands in front of it where there are more than 65,534 entries.
    let from = len.saturating_sub(LONGEST_COMMENT + 20 + 56);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let number = |at: usize, len: usize| {
        let bytes = end.get(at..at + len)?;
        Some(bytes.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte)))
    };
    let Some(at) = memchr::memmem::rfind(&end, b"PK\x05\x06") else { return Ok(None) };
    let count = number(at + 10, 2);
    if count != Some(u64::from(u16::MAX)) {
        return Ok(count);
    }
    let large = memchr::memmem::rfind(&end[..at], b"PK\x06\x06");
    Ok(large.and_then(|at| number(at + 32, 8)))
}

/// Two entries whose data overlap.
fn overlap(entries: &[Entry]) -> Option<(&str, &str)> {
    let mut by_start: Vec<&Entry> = entries.iter().filter(|entry| entry.compressed > 0).collect();
    by_start.sort_by_key(|entry| entry.start);
    let shares = |pair: &&[&Entry]| pair[0].start.saturating_add(pair[0].compressed) > pair[1].start;
    by_start.windows(2).find(shares).map(|pair| (pair[0].name.as_str(), pair[1].name.as_str()))
}

fn millis(time: zip::DateTime) -> Option<i64> {
    let part = |n: u8| i8::try_from(n).ok();
    let year = i16::try_from(time.year()).ok()?;
    let date = jiff::civil::Date::new(year, part(time.month())?, part(time.day())?).ok()?;
    let time =
        jiff::civil::Time::new(part(time.hour())?, part(time.minute())?, part(time.second())?, 0).ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()?.as_millisecond())
}

/// Reads one entry, and makes sure that it is what the archive says: neither longer nor different.
pub(super) struct EntryReader {
    data: Data,
    left: u64,
    sum: Crc,
    crc: u32,
}

enum Data {
    Stored(io::Take<fs_err::File>),
    Deflated(Box<DeflateDecoder<io::Take<fs_err::File>>>),
}

impl EntryReader {
    pub(super) fn open(entry: &Entry) -> Result<Self, ExportError> {
        let error = |e| read_error(&entry.archive.to_string_lossy(), e);
        if let Some(times) = bomb(entry.unpacked, entry.compressed) {
            return Err(ExportError::Bomb {
                path: format!("{}/{}", entry.archive.to_string_lossy(), entry.name),
                times,
            });
        }
        let mut file = fs_err::File::open(&entry.archive).map_err(error)?;
        file.seek(SeekFrom::Start(entry.start)).map_err(error)?;
        let raw = file.take(entry.compressed);
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
