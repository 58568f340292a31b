//! Bytes to records: files, globs, folders, compression, encodings, formats.
