//! All sources, one after the other, as chunks.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use super::decode::Encoding;
use super::discover::discover_all;
use super::layout::{Layout, Plain};
use super::unread::{self, Unread};
use super::window::Pool;
use super::{Chunk, Context, Cutter, ExportError, Found, Input, Origin, Settings, Table, codes};
use crate::message::SourceNo;

/// What a chunk has, about: enough that its overhead is nothing, small enough that a handful is nothing.
pub const CHUNK: usize = 512 << 10;

/// A source, as the job keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its number in the job.
    pub no: SourceNo,
    /// How it is named.
    pub path: String,
    /// Its size as it lies there, before unpacking.
    pub bytes: u64,
    /// When it was last changed, in milliseconds since 1970; `None` for standard input.
    pub modified: Option<i64>,
    /// Of its bytes as they lie there.
    pub sha256: [u8; 32],
    /// Of an object in a store, or of the archive there that it is in: the version it was.
    pub etag: Option<String>,
}

/// Reads all sources, one after the other, as chunks of whole records.
pub struct Reader {
    settings: Settings,
    layout: Arc<dyn Layout>,
    encoding: Option<Encoding>,
    found: std::vec::IntoIter<Found>,
    current: Option<Current>,
    next_no: u32,
    pool: Pool,
    done: Vec<Source>,
    totals: Totals,
    /// Whether any source had text.
    text: bool,
    names: Vec<String>,
    unread: Unread,
    /// Those whose sources are read when its own are.
    after: VecDeque<Reader>,
}

/// How far the reader is, in bytes as they lie there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// How many files there are.
    pub files: usize,
    /// Bytes of them all; standard input counts nothing.
    pub bytes: u64,
    /// Bytes that were read.
    pub read: u64,
}

struct Current {
    found: Found,
    input: Input,
    cutter: Box<dyn Cutter>,
    context: Arc<Context>,
    /// No chunk was taken from it yet.
    first: bool,
}

/// How the first source begins: what a mapping is checked against before the pass.
#[derive(Debug, Clone)]
pub struct Head {
    /// The source.
    pub path: String,
    /// Its beginning, up to some 64 KiB.
    pub text: Vec<u8>,
    /// Its first chunk, cut from its beginning alone.
    pub chunk: Option<Chunk>,
}

impl Head {
    /// The columns, if it is a CSV.
    pub fn table(&self) -> Option<&Table> {
        self.chunk.as_ref()?.context.table.as_ref()
    }
}

impl Reader {
    /// Finds the sources and opens the first of them. Numbers count on from `first`: 0, or behind those of
    /// earlier passes.
    ///
    /// # Errors
    /// Settings that can't be, sources that don't exist, match nothing or hold nothing that looks like an
    /// export, and what can't be opened.
    pub fn open(settings: &Settings, sources: &[String], first: SourceNo) -> Result<Self, ExportError> {
        Self::with(settings, Arc::new(Plain::new(settings)?), sources, first)
    }

    /// The same for exports that lie as `layout` says.
    pub fn with(
        settings: &Settings,
        layout: Arc<dyn Layout>,
        sources: &[String],
        first: SourceNo,
    ) -> Result<Self, ExportError> {
        settings.check()?;
        let encoding = settings.encoding()?;
        let (mut found, mut unread) = discover_all(sources, &*layout)?;
        let all: Vec<String> = found.iter().map(|found| found.path.clone()).collect();
        layout.arrange(&mut found)?;
        if found.len() < all.len() {
            let kept: HashSet<&str> = found.iter().map(|found| &*found.path).collect();
            all.iter()
                .filter(|path| !kept.contains(&***path))
                .for_each(|path| unread.note(unread::DIRECTORY, path));
        }
        let totals = Totals { files: found.len(), bytes: found.iter().map(|f| f.bytes).sum(), read: 0 };
        let mut reader = Self {
            settings: settings.clone(),
            layout,
            encoding,
            names: found.iter().take(3).map(|f| f.path.clone()).collect(),
            found: found.into_iter(),
            current: None,
            next_no: first.0,
            pool: Pool::new(CHUNK),
            done: Vec::new(),
            totals,
            text: false,
            unread,
            after: VecDeque::new(),
        };
        reader.advance()?;
        if let Some(current) = &mut reader.current {
            if let Some(value) = reader.unread.value(&[unread::HIDDEN]) {
                current.input.note(&codes::HIDDEN_LEFT_OUT, &value);
            }
            if let Some(value) = reader.unread.doubtful() {
                current.input.note(&codes::FILES_LEFT_OUT, &value);
            }
        }
        Ok(reader)
    }

    /// Goes on with the sources of `next` when its own are read. `next` was opened with the number of [`Self::end`]; of
    /// neither anything was read.
    ///
    /// # Errors
    /// A file that both would read.
    pub fn followed_by(mut self, next: Self) -> Result<Self, ExportError> {
        let mine: HashSet<(PathBuf, &str)> = self.files().map(real).collect();
        if let Some(both) = next.files().find(|found| mine.contains(&real(found))) {
            return Err(ExportError::InTwoSources { path: both.path.clone() });
        }
        drop(mine);
        self.totals.files += next.totals.files;
        self.totals.bytes += next.totals.bytes;
        self.unread.add(next.unread.clone());
        self.names.extend(next.names.iter().cloned());
        self.names.truncate(3);
        self.after.push_back(next);
        Ok(self)
    }

    /// The number behind that of its last source.
    pub fn end(&self) -> SourceNo {
        let own = self.next_no + u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        self.after.back().map_or(SourceNo(own), Self::end)
    }

    /// The files that it has still to read.
    fn files(&self) -> Box<dyn Iterator<Item = &Found> + '_> {
        let own = self.current.iter().map(|current| &current.found).chain(self.found.as_slice());
        Box::new(own.chain(self.after.iter().flat_map(Self::files)))
    }

    /// Chunks of another size than [`CHUNK`].
    #[must_use]
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.pool = Pool::new(bytes.max(1));
        self
    }

    /// The next whole records; `None` when all sources are read.
    ///
    /// # Errors
    /// What can't be read, is cut off or damaged; and when everything was empty.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, ExportError> {
        loop {
            if let Some(chunk) = self.own_chunk()? {
                return Ok(Some(chunk));
            }
            let Some(next) = self.after.pop_front() else { break };
            self.go_on_with(next);
        }
        if !self.text {
            return Err(self.nothing());
        }
        Ok(None)
    }

    /// Becomes the next one, and keeps what is of all.
    fn go_on_with(&mut self, next: Self) {
        let before = std::mem::replace(self, next);
        self.pool = before.pool;
        self.done = before.done;
        self.totals = before.totals;
        self.text |= before.text;
        self.names = before.names;
        self.unread = before.unread;
        self.after = before.after;
    }

    fn own_chunk(&mut self) -> Result<Option<Chunk>, ExportError> {
        while let Some(current) = &mut self.current {
            let chunk = current.cutter.next(&mut current.input, &current.context, &mut self.pool)?;
            let mut findings = current.input.take_findings();
            if let Some(mut chunk) = chunk {
                chunk.first = current.first;
                if !findings.is_empty() {
                    findings.append(&mut chunk.findings);
                    chunk.findings = findings;
                }
                if chunk.text.is_empty() && chunk.findings.is_empty() {
                    self.pool.give(chunk.text);
                    continue;
                }
                current.first = false;
                return Ok(Some(chunk));
            }
            let rest = (!findings.is_empty()).then(|| Chunk {
                source: current.input.no(),
                first: current.first,
                shape: super::Shape::Lines,
                first_line: 1,
                first_byte: 0,
                text: Vec::new(),
                spans: Vec::new(),
                context: Arc::clone(&current.context),
                findings,
            });
            self.finish()?;
            self.advance()?;
            if rest.is_some() {
                return Ok(rest);
            }
        }
        Ok(None)
    }

    /// Gives the buffer of a mapped chunk back.
    pub fn recycle(&mut self, text: Vec<u8>) {
        self.pool.give(text);
    }

    /// The sources that were read to their end, in order.
    pub fn sources(&self) -> &[Source] {
        &self.done
    }

    /// How what is still to be read is named, in its order.
    pub fn ahead(&self) -> impl Iterator<Item = String> + '_ {
        self.files().map(|found| found.path.clone())
    }

    /// What lies beside the files that it reads.
    pub fn unread(&self) -> &Unread {
        &self.unread
    }

    /// How far it is.
    pub fn totals(&self) -> Totals {
        let now = self.current.as_ref().map_or(0, |c| c.input.consumed());
        Totals { read: self.totals.read + now, ..self.totals }
    }

    /// How the first source that is not empty begins, as long as no chunk was taken; for standard input as
    /// well.
    ///
    /// # Errors
    /// As [`Reader::next_chunk`].
    pub fn head(&self) -> Result<Option<Head>, ExportError> {
        let Some(current) = &self.current else { return Ok(None) };
        let first = self.look(&current.found, &current.input)?;
        if !first.text.is_empty() {
            return Ok(Some(first));
        }
        // One hourly file without a message is usual, hundreds of them are not.
        for found in self.found.as_slice().iter().filter(|f| f.origin != Origin::Stdin).take(100) {
            let next = self.look(found, &Input::open(found, current.input.no(), self.encoding)?)?;
            if !next.text.is_empty() {
                return Ok(Some(next));
            }
        }
        Ok(Some(first))
    }

    fn look(&self, found: &Found, input: &Input) -> Result<Head, ExportError> {
        let text = input.head().to_vec();
        let mut input = Input::from_text(found.path.clone(), text, input.no(), input.head_is_all());
        let text = input.head().to_vec();
        let mut cutter = self.layout.cutter(&mut input, found)?;
        let chunk = cutter.next(&mut input, &self.context(found), &mut Pool::new(CHUNK))?;
        Ok(Head { path: found.path.clone(), text, chunk })
    }

    /// What all records of a file inherit.
    fn context(&self, found: &Found) -> Arc<Context> {
        let mut values = path_values(found);
        values.extend(self.layout.values(found));
        Arc::new(Context {
            table: None,
            values,
            broken_text: self.settings.broken_text,
            comment: self.settings.comment.clone(),
        })
    }

    fn advance(&mut self) -> Result<(), ExportError> {
        let Some(found) = self.found.next() else {
            return Ok(());
        };
        let no = SourceNo(self.next_no);
        self.next_no += 1;
        let mut input = Input::open(&found, no, self.encoding)?;
        if input.head().is_empty() {
            input.note(&codes::FILE_EMPTY, &found.path);
        } else {
            self.text = true;
        }
        let cutter = self.layout.cutter(&mut input, &found)?;
        let context = self.context(&found);
        self.current = Some(Current { found, input, cutter, context, first: true });
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ExportError> {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        let no = current.input.no();
        let sum = current.input.finish()?;
        self.totals.read += sum.bytes;
        self.done.push(Source {
            no,
            etag: current.found.etag().map(str::to_owned),
            path: current.found.path,
            bytes: sum.bytes,
            modified: current.found.modified,
            sha256: sum.sha256,
        });
        Ok(())
    }

    fn nothing(&self) -> ExportError {
        let names = self.names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        let what = match self.totals.files {
            1 => format!("{names} is"),
            n if n <= self.names.len() => format!("{names} are"),
            n => format!("{names} and {} more files are", n - self.names.len()),
        };
        ExportError::Empty { what }
    }
}

fn path_values(found: &Found) -> Vec<(String, String)> {
    let (folder, file) = found.inside.rsplit_once('/').unwrap_or(("", &found.inside));
    let stem = stem(file);
    let values = [("@path", found.path.as_str()), ("@file", file), ("@stem", stem), ("@folder", folder)];
    values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Where a file really is, and which entry of an archive.
fn real(found: &Found) -> (PathBuf, &str) {
    let (holder, entry) = match &found.origin {
        Origin::File(holder) => (holder, ""),
        Origin::Entry(entry) => (&entry.archive, &*entry.name),
        Origin::Collection(collection) => (&collection.archive, &*collection.name),
        Origin::Stdin => return (PathBuf::from("-"), ""),
    };
    let path = PathBuf::from(&*holder.name());
    (fs_err::canonicalize(&path).unwrap_or(path), entry)
}

/// The name of a file without the endings that are known: `j.doe.csv` is `j.doe`.
fn stem(file: &str) -> &str {
    let cut = |name: &str, endings: &[&str]| {
        let (stem, ending) = name.rsplit_once('.')?;
        let known = endings.iter().any(|known| ending.eq_ignore_ascii_case(known));
        (known && !stem.is_empty()).then_some(stem.len())
    };
    let unpacked = cut(file, &["gz", "zst", "zstd"]).map_or(file, |len| &file[..len]);
    let written = ["jsonl", "ndjson", "json", "csv", "tsv", "txt", "log", "bson"];
    cut(unpacked, &written).map_or(unpacked, |len| &unpacked[..len])
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn of_a_name_only_the_known_ending_is_cut() {
        for (file, expected) in [
            ("j.doe.csv", "j.doe"),
            ("j.doe.jsonl.gz", "j.doe"),
            ("2024-01-02.json", "2024-01-02"),
            ("v1.2", "v1.2"),
            ("Ann B. (1).TXT", "Ann B. (1)"),
            (".csv", ".csv"),
            ("plain", "plain"),
            ("csv", "csv"),
        ] {
            assert_eq!(stem(file), expected, "{file}");
        }
    }
}
