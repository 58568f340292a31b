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

/// The files in an archive, sorted by path.
pub(super) fn entries(path: &Path) -> Result<Vec<Entry>, ExportError> {
    let name = path.to_string_lossy();
    let file = fs_err::File::open(path).map_err(|e| read_error(&name, e))?;
    let damaged =
        |why: String| ExportError::Damaged { path: name.clone().into_owned(), kind: "zip", byte: 0, why };
    let mut zip = zip::ZipArchive::new(io::BufReader::new(file)).map_err(|e| damaged(e.to_string()))?;
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
    Ok(entries)
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
