//! Why sources can't be read at all. What is wrong with single records is a finding, never one of these.

use std::io;

use importer_buckets::BucketError;

/// Why the sources can't be read. Names the file, what was seen and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// No source was given.
    #[error("no source was given: name a file, a folder, a glob, or `-` for standard input")]
    NoSource,
    /// The file or folder does not exist.
    #[error(
        "`{path}` does not exist; sources are files, folders, globs, objects (`s3://bucket/key`), or `-` for standard input"
    )]
    Missing { path: String },
    /// A glob that matches no file.
    #[error("no file matches `{glob}`")]
    NoMatch { glob: String },
    /// A glob that matches folders with nothing in them that looks like an export.
    #[error("{matched} {} `{glob}`, and nothing there can be read; the first: {first}", if *matched == 1 { "path matches" } else { "paths match" })]
    NothingInMatches { glob: String, matched: usize, first: Box<ExportError> },
    /// A glob that is none.
    #[error("`{glob}` is no valid glob: {why}")]
    BadGlob { glob: String, why: String },
    /// A folder or archive with nothing in it that looks like an export.
    #[error(
        "nothing in `{path}` looks like an export ({seen}); exports end in {endings}; \
         name the files themselves, or set `include` in [export]"
    )]
    NoExports { path: String, seen: String, endings: String },
    /// A file of two sources.
    #[error(
        "`{path}` is in two of the [[source]] tables: each file is read as one of them says, so name folders apart"
    )]
    InTwoSources { path: String },
    /// The same standard input twice.
    #[error("standard input can be read only once, and not together with itself")]
    StdinTwice,
    /// Neither file nor folder: a socket, a device.
    #[error("`{path}` is neither a file nor a folder")]
    NotAFile { path: String },
    /// The operating system said no.
    #[error("`{path}` can't be read: {source}")]
    Read { path: String, source: io::Error },
    /// An object store that does not give what is asked for.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// Compressed data that ends early.
    #[error(
        "`{path}` is cut off: its {kind} data ends in the middle, after byte {byte}; \
         fetch or unpack it again, the records behind that point are missing"
    )]
    CutOff { path: String, kind: &'static str, byte: u64 },
    /// Compressed data that is broken.
    #[error("`{path}` is damaged: its {kind} data is broken near byte {byte} ({why}); fetch it again")]
    Damaged { path: String, kind: &'static str, byte: u64, why: String },
    /// A packing that is not read.
    #[error(
        "`{path}` is {kind}, which is not read as it lies there: unpack it (`{with}`), and name what comes out of it"
    )]
    Packed { path: String, kind: &'static str, with: &'static str },
    /// zstd data that would take more memory than it may.
    #[error(
        "`{path}` was packed with a window of more than 128 MiB, which takes as much memory to read: pack it anew \
         (`zstd -dc --long=31 FILE | zstd -o NEW.zst`)"
    )]
    Window { path: String },
    /// Compressed data that becomes far more than any text does.
    #[error(
        "`{path}` unpacks to more than {times} times its size, as no export does; if it is one all the same, \
         unpack it and name the files"
    )]
    Bomb { path: String, times: u64 },
    /// Every source is empty.
    #[error("there is nothing to import: {what} empty")]
    Empty { what: String },
    /// The format can't be told from the file.
    #[error("`{path}`: {why}")]
    Unrecognised { path: String, why: String },
    /// A setting of `[export]` that can't be.
    #[error("`{key}` in [export] can't be `{value}`: {why}")]
    BadSetting { key: &'static str, value: String, why: String },
}
