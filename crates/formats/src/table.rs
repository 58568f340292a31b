//! The table of `[media]`: which file is where now.

use crate::visible::cell_as_it_was;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Which file is where now. Held in memory, some 300 bytes a file.
#[derive(Debug, Default)]
pub(super) struct Table(HashMap<String, Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    /// Whose file it is; empty: it is called so everywhere.
    source: String,
    url: String,
    thumb_url: Option<String>,
    width: u64,
    height: u64,
    duration: u64,
    size: u64,
}

/// What the table says about a file. 0 stands for what it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) url: &'a str,
    pub(super) thumb_url: Option<&'a str>,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) duration: u64,
    pub(super) size: u64,
}

/// Why a table can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It can't be opened.
    #[error("the table of media can't be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is no CSV.
    #[error("the table of media {path:?} is no CSV: {source}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// With line and byte.
        source: csv::Error,
    },
    /// A column that must be there.
    #[error(
        "the table of media {path:?} has no column `{column}`: its first row must name `path` and `url`, and \
         may name `width`, `height`, `duration`, `size`, `thumb_url`"
    )]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A number that is none.
    #[error("{path:?}:{line}: `{value}` in column `{column}` is no whole number")]
    Number {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
}

impl Table {
    /// Reads the CSV. Rows without a link count as if they were not there, so that a copy of
    /// `media-to-upload.csv` can be filled in little by little. A row with a `source`
    /// is about a file of that export alone.
    pub(super) fn read(path: &Path) -> Result<Self, TableError> {
        let csv_error = |source| TableError::Csv { path: path.to_owned(), source };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(fs_err::File::open(path)?);
        let header = reader.headers().map_err(csv_error)?.clone();
        let column = |name: &str| header.iter().position(|h| h.trim_start_matches('\u{feff}').trim() == name);
        let must = |name| column(name).ok_or(TableError::Column { path: path.to_owned(), column: name });
        let (path_at, url_at, thumb_at) = (must("path")?, must("url")?, column("thumb_url"));
        let mut rows: HashMap<String, Vec<Entry>> = HashMap::new();
        for row in reader.into_records() {
            let row = row.map_err(csv_error)?;
            let text = |at: Option<usize>| {
                at.and_then(|at| row.get(at)).map_or("", |text| cell_as_it_was(text.trim()))
            };
            let number = |name| match text(column(name)) {
                "" => Ok(0),
                value => value.parse().map_err(|_| TableError::Number {
                    path: path.to_owned(),
                    line: row.position().map_or(0, csv::Position::line),
                    column: name,
                    value: value.to_owned(),
                }),
            };
            let (key, url) = (text(Some(path_at)), text(Some(url_at)));
            if key.is_empty() || url.is_empty() {
                continue;
            }
            let thumb_url = Some(text(thumb_at)).filter(|t| !t.is_empty()).map(str::to_owned);
            let entry = Entry {
                source: text(column("source")).to_owned(),
                url: url.to_owned(),
                thumb_url,
                width: number("width")?,
                height: number("height")?,
                duration: number("duration")?,
                size: number("size")?,
            };
            let of_key = rows.entry(key.to_owned()).or_default();
            // Of two rows about the same the last one counts.
            of_key.retain(|other| other.source != entry.source);
            of_key.push(entry);
        }
        Ok(Self(rows))
    }

    /// What it says about a file, by the path, id or link that stands in its first column, and by where paths begin.
    pub(super) fn row(&self, key: &str, root: &str) -> Option<Row<'_>> {
        let of_key = self.0.get(key).filter(|_| !key.is_empty())?;
        let of = |source: &str| of_key.iter().find(|entry| entry.source == source);
        let Entry { url, thumb_url, width, height, duration, size, .. } = of(root).or_else(|| of(""))?;
        let (width, height, duration, size) = (*width, *height, *duration, *size);
        Some(Row { url, thumb_url: thumb_url.as_deref(), width, height, duration, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table, TableError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("media.csv");
        fs_err::write(&path, text).unwrap();
        Table::read(&path)
    }

    #[test]
    fn columns_may_stand_in_any_order_and_be_missing() {
        let table = read("\u{feff}url,size,path\nhttps://x/1,12,a/b.png\n,,open.png\n").unwrap();
        let row = table.row("a/b.png", "x/").unwrap();
        assert_eq!((row.url, row.size, row.width, row.thumb_url), ("https://x/1", 12, 0, None));
        assert_eq!(table.row("open.png", ""), None);
        assert_eq!(table.row("", ""), None);
    }

    #[test]
    fn one_path_in_two_exports_is_never_the_other_ones_file() {
        let table = read("path,url,source\na.png,https://x/1,one.zip/\nb.png,https://x/2,\n").unwrap();
        let url = |key, root| table.row(key, root).map(|row| row.url);
        assert_eq!((url("a.png", "one.zip/"), url("a.png", "two.zip/")), (Some("https://x/1"), None));
        assert_eq!(
            (url("b.png", "one.zip/"), url("b.png", "two.zip/")),
            (Some("https://x/2"), Some("https://x/2"))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let column = read("path,link\na,b\n").unwrap_err().to_string();
        assert!(column.contains("no column `url`"), "{column}");
        let number = read("path,url,width\na,b,wide\n").unwrap_err().to_string();
        assert!(number.contains(":2: `wide` in column `width`"), "{number}");
    }
}
