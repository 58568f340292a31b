//! Media that somebody has to put where everybody can read them: `media-to-upload.csv` in the job's folder, each
//! file once, in the order of the export: one of each folder or archive whose files are called so. Filled in, it is the table
//! of `[media]`.

use std::borrow::Cow;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::heap::{Heap, Spot, put_texts, texts};
use super::rows::Row;
use super::sort::Sorter;
use crate::job::{JobError, Pass, UPLOADS};
use crate::mapping::Upload;
use crate::visible::{cell as as_cell, cell_as_it_was};

/// The columns: those of the table of `[media]`, then what helps to find the file.
const COLUMNS: [&str; 11] =
    ["path", "url", "width", "height", "duration", "size", "thumb_url", "kind", "name", "link", "source"];
const PATH: usize = 0;
const URL: usize = 1;
const SOURCE: usize = 10;

/// A file, by the hash of what it is called, and of where that begins; then in the order of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UploadRow {
    key: u64,
    /// 0: it is called so everywhere.
    root: u64,
    spot: Spot,
}

/// The same, once each is there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct First(Spot);

impl UploadRow {
    /// Writes down what was told of a file. Paths begin in `root`, the folder or archive that was named; links and the ids of
    /// a service are the same everywhere.
    pub(super) fn new(upload: &Upload<'_>, root: &str, heap: &mut Vec<u8>) -> Self {
        let size = if upload.size == 0 { String::new() } else { upload.size.to_string() };
        let root = if upload.link.is_empty() { root } else { "" };
        let cells = [upload.key, "", "", "", "", &size, "", upload.kind, upload.name, upload.link, root];
        Self { key: xxh3_64(upload.key.as_bytes()), root: hash(root), spot: put_texts(heap, &cells) }
    }

    /// The same, with all before it moved up.
    pub(super) fn moved(self, by: u64) -> Self {
        Self { spot: self.spot.moved(by), ..self }
    }
}

impl Row for UploadRow {
    const BYTES: usize = 28;
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.to_le_bytes());
        out.extend_from_slice(&self.root.to_le_bytes());
        First(self.spot).put(out);
    }
    fn get(bytes: &[u8]) -> Self {
        let (key, bytes) = bytes.split_first_chunk().expect("a row has all its bytes");
        let (root, spot) = bytes.split_first_chunk().expect("a row has all its bytes");
        Self { key: u64::from_le_bytes(*key), root: u64::from_le_bytes(*root), spot: First::get(spot).0 }
    }
}

impl Row for First {
    const BYTES: usize = 12;
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.offset.to_le_bytes());
        out.extend_from_slice(&self.0.len.to_le_bytes());
    }
    fn get(bytes: &[u8]) -> Self {
        let (offset, len) = bytes.split_first_chunk().expect("a row has all its bytes");
        let len = len.first_chunk().expect("a row has all its bytes");
        Self(Spot { offset: u64::from_le_bytes(*offset), len: u32::from_le_bytes(*len) })
    }
}

fn hash(root: &str) -> u64 {
    if root.is_empty() { 0 } else { xxh3_64(root.as_bytes()) }
}

/// Lines of the list as it is, ahead of what the pass will tell: of earlier passes all, of an earlier look at the
/// same sources those that somebody has filled in.
pub(super) fn known(pass: &Pass<'_>, heap: &mut Heap, rows: &mut Sorter<UploadRow>) -> Result<(), JobError> {
    let Ok(mut list) = csv::ReaderBuilder::new().flexible(true).from_path(pass.dir().join(UPLOADS)) else {
        return Ok(());
    };
    // A list that somebody has spoilt is made anew.
    for line in list.records().map_while(Result::ok) {
        let cell = |at| cell_as_it_was(line.get(at).unwrap_or_default());
        if pass.no().0 == 1 && cell(URL).is_empty() {
            continue;
        }
        let mut bytes = Vec::new();
        let cells: [&str; COLUMNS.len()] = std::array::from_fn(cell);
        let (key, root) = (xxh3_64(cell(PATH).as_bytes()), hash(cell(SOURCE)));
        let row = UploadRow { key, root, spot: put_texts(&mut bytes, &cells) };
        rows.push(row.moved(heap.append(&bytes)?))?;
    }
    Ok(())
}

/// Writes the list; says how many files of it nobody has put anywhere yet.
pub(super) fn write(
    rows: Sorter<UploadRow>,
    heap: &Heap,
    pass: &Pass<'_>,
    run: usize,
) -> Result<u64, JobError> {
    let dir = pass.dir();
    let mut firsts = Sorter::new(dir, run);
    let (mut rows, mut last) = (rows.sorted()?, None);
    while let Some(row) = rows.next()? {
        // The hash stands for the name: two files of one hash are one in 10^-7 for a million.
        let is_told = last.is_some_and(|(key, root)| key == row.key && (root == row.root || root == 0));
        if !is_told {
            firsts.push(First(row.spot))?;
            last = Some((row.key, row.root));
        }
    }
    let mut firsts = firsts.sorted()?;
    let Some(mut next) = firsts.next()? else {
        drop(std::fs::remove_file(dir.join(UPLOADS)));
        return Ok(0);
    };
    let failed = |dir: &Path, e: csv::Error| JobError::io(dir, e.into());
    let mut out = csv::Writer::from_writer(pass.new_file(UPLOADS)?);
    out.write_record(COLUMNS).map_err(|e| failed(dir, e))?;
    let mut open = 0;
    loop {
        let bytes = heap.read(next.0)?;
        let cells: Vec<Cow<'_, str>> = texts(&bytes).map(as_cell).collect();
        open += u64::from(cells.get(URL).is_none_or(|url| url.is_empty()));
        out.write_record(cells.iter().map(|cell| cell.as_bytes())).map_err(|e| failed(dir, e))?;
        match firsts.next()? {
            Some(first) => next = first,
            None => break,
        }
    }
    let file = out.into_inner().map_err(|e| JobError::io(dir, e.into_error()))?;
    file.keep().map_err(|e| JobError::io(dir, e))?;
    Ok(open)
}
