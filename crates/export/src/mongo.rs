//! What `mongodump --archive` writes, packed or not: the collections of a database in one file, by turns. Each is read as the
//! file that `mongodump` would have made of it, from the beginning of the archive: nothing says where it goes on.
//!
//! ```text
//! magic · header · what collections there are … · END │ {db, collection} · documents … · END │ …
//!                                                     │ {db, collection, EOF, CRC} · END │ …
//! ```

use std::collections::HashSet;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::crc64::Crc64;
use super::cut::Bytes;
use super::discover::{held, read_error};
use super::unpack::{Tally, Unpack};
use super::{ExportError, Holder};

const MAGIC: [u8; 4] = 0x8199_e26d_u32.to_le_bytes();
/// Stands for a length, at the end of a block.
const END: u32 = u32::MAX;
/// Longer than `MongoDB` lets a document become, bytes.
const LONGEST: u32 = 20 << 20;
/// Enough of a file to unpack its first bytes.
const BEGINS: u64 = 256 << 10;
/// More collections than that no database has that somebody chats with.
const MOST: usize = 100_000;

/// A collection of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The archive.
    pub archive: Holder,
    /// Its path, as `mongodump` would name the file: `openim_v3/msg.bson`.
    pub name: String,
    /// Bytes of its documents, as far as the archive tells.
    pub bytes: u64,
}

type Archive = BufReader<Unpack>;

fn open(holder: &Holder) -> Result<Archive, ExportError> {
    unpacked(holder, held(holder, holder.open())?)
}

fn unpacked(holder: &Holder, raw: Box<dyn Read + Send>) -> Result<Archive, ExportError> {
    let raw = Unpack::new(Tally::new(raw)).map_err(|e| read_error(&holder.name(), e))?;
    Ok(BufReader::with_capacity(1 << 16, raw))
}

/// Whether a file is one; what can't be unpacked is none.
pub fn is_archive(path: &Path) -> bool {
    is_one(&Holder::Disk(path.to_owned()))
}

/// The same for whatever holds it.
pub(super) fn is_one(holder: &Holder) -> bool {
    let mut magic = [0; 4];
    let begins = held(holder, holder.part(0, BEGINS)).and_then(|raw| unpacked(holder, Box::new(raw)));
    begins.is_ok_and(|mut archive| archive.read_exact(&mut magic).is_ok()) && magic == MAGIC
}

/// The collections that it announces.
pub(super) fn list(holder: &Holder) -> Result<Vec<Collection>, ExportError> {
    let mut all = Vec::new();
    let mut known = HashSet::new();
    let read = prelude(&mut open(holder)?, |head| {
        if known.len() >= MOST {
            return Err(broken("announces collections without end"));
        }
        let collection = Collection {
            archive: holder.clone(),
            name: head.path(),
            bytes: u64::try_from(head.number).unwrap_or(0).max(1),
        };
        if known.insert(collection.name.clone()) && !head.is_view {
            all.push(collection);
        }
        Ok(())
    });
    read.map_err(|error| read_error(&holder.name(), error))?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Reads what stands in front of the first block.
fn prelude(archive: &mut Archive, mut tell: impl FnMut(Head) -> io::Result<()>) -> io::Result<()> {
    let mut magic = [0; 4];
    archive.read_exact(&mut magic)?;
    let header = length(archive)?.ok_or_else(|| broken("has no header"))?;
    document(archive, header)?;
    while let Some(len) = length(archive)? {
        tell(document(archive, len)?)?;
    }
    Ok(())
}

/// How long the next document is; `None`: a block ends.
fn length(archive: &mut Archive) -> io::Result<Option<u32>> {
    let mut len = [0; 4];
    archive.read_exact(&mut len)?;
    match u32::from_le_bytes(len) {
        END => Ok(None),
        len @ 5..=LONGEST => Ok(Some(len)),
        _ => Err(broken("has no document where one must begin")),
    }
}

/// A document that tells of a collection. What it does not know stays empty.
#[derive(Debug, Default)]
struct Head {
    database: String,
    collection: String,
    is_end: bool,
    is_view: bool,
    /// Its size in the prelude, its sum at its end.
    number: i64,
}

impl Head {
    fn path(&self) -> String {
        format!("{}/{}.bson", self.database, self.collection)
    }
}

/// The rest of a document behind its length.
fn document(archive: &mut Archive, len: u32) -> io::Result<Head> {
    let mut bytes = Vec::new();
    archive.take(u64::from(len) - 4).read_to_end(&mut bytes)?;
    if bytes.len() + 4 < len as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    head(&mut Bytes(&bytes)).ok_or_else(|| broken("says in no known way what follows"))
}

fn head(bytes: &mut Bytes<'_>) -> Option<Head> {
    let mut head = Head::default();
    loop {
        let [kind] = bytes.array()?;
        if kind == 0 {
            return Some(head);
        }
        let name = bytes.name()?;
        match kind {
            0x02 => {
                let text = bytes.string()?.into_owned();
                match name {
                    "db" => head.database = text,
                    "collection" => head.collection = text,
                    "type" => head.is_view = text == "view",
                    _ => {}
                }
            }
            0x08 => head.is_end |= bytes.array()? == [1] && name == "EOF",
            0x10 => {
                let number = i64::from(i32::from_le_bytes(bytes.array()?));
                head.number = if name == "size" { number } else { head.number };
            }
            0x12 => {
                let number = i64::from_le_bytes(bytes.array()?);
                head.number = if matches!(name, "size" | "CRC") { number } else { head.number };
            }
            _ => return None,
        }
    }
}

/// Reads the documents of one collection, one behind the other, and makes sure that they are all that went in.
pub(super) struct Reading {
    archive: Archive,
    name: String,
    /// What was read of a length and not handed on yet.
    begun: Vec<u8>,
    /// Bytes left of a document.
    left: u64,
    /// Within a block, and whether it is one of this collection.
    block: Option<bool>,
    is_over: bool,
    /// What was wrong behind what was handed on.
    failed: Option<io::Error>,
    sum: Crc64,
}

impl Reading {
    pub(super) fn open(collection: &Collection) -> Result<Self, ExportError> {
        let mut archive = open(&collection.archive)?;
        prelude(&mut archive, |_| Ok(())).map_err(|e| read_error(&collection.archive.name(), e))?;
        let (name, sum) = (collection.name.clone(), Crc64::new());
        Ok(Self { archive, name, begun: Vec::new(), left: 0, block: None, is_over: false, failed: None, sum })
    }

    /// Goes on to the next document of this collection, or to its end.
    fn next(&mut self) -> io::Result<()> {
        loop {
            match (self.block, length(&mut self.archive)?) {
                (None, None) => return Err(broken("has an end where a collection must begin")),
                (None, Some(len)) => {
                    let head = document(&mut self.archive, len)?;
                    let is_ours = head.path() == self.name;
                    if is_ours && head.is_end {
                        self.is_over = true;
                        let is_whole = head.number.cast_unsigned() == self.sum.sum();
                        return if is_whole {
                            Ok(())
                        } else {
                            Err(broken("has another checksum than it says"))
                        };
                    }
                    self.block = Some(is_ours);
                }
                (Some(_), None) => self.block = None,
                (Some(true), Some(len)) => {
                    self.begun = len.to_le_bytes().to_vec();
                    self.left = u64::from(len) - 4;
                    return Ok(());
                }
                (Some(false), Some(len)) => {
                    let len = u64::from(len) - 4;
                    if io::copy(&mut (&mut self.archive).take(len), &mut io::sink())? < len {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }
}

impl Reading {
    /// Some of a document; 0: the collection is over.
    fn some(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.begun.is_empty() && self.left == 0 {
            self.next().map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => broken("ends before this collection does: it is cut off"),
                _ => error,
            })?;
            if self.is_over {
                return Ok(0);
            }
        }
        let n = if self.begun.is_empty() {
            let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
            let n = self.archive.read(&mut buf[..most])?;
            if n == 0 {
                return Err(broken("ends inside a document: it is cut off"));
            }
            self.left -= n as u64;
            n
        } else {
            let n = self.begun.len().min(buf.len());
            buf[..n].copy_from_slice(&self.begun[..n]);
            self.begun.drain(..n);
            n
        };
        self.sum.update(&buf[..n]);
        Ok(n)
    }
}

impl Read for Reading {
    /// As much as there is room for: a message of Rocket.Chat has two hundred bytes.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut n = 0;
        while n < buf.len() && !self.is_over {
            match self.some(&mut buf[n..]) {
                Ok(more) => n += more,
                Err(error) if n == 0 => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(n)
    }
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive of mongodump {why}"))
}
