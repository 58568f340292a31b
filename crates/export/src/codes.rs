//! What the reader finds about sources, with how to mend it. Stable names.

use crate::finding::{Code, Severity};

/// The encoding was told by looking at the bytes.
pub const ENCODING_GUESSED: Code = Code {
    name: "encoding-guessed",
    severity: Severity::Warning,
    means: "the file is not UTF-8; its encoding was told by looking at its beginning",
    mend: "look at a message with its special characters; set `encoding` in [export] to be sure",
};

/// The encoding could not be told.
pub const ENCODING_UNSURE: Code = Code {
    name: "encoding-unsure",
    severity: Severity::Error,
    means: "the file is not UTF-8 but, as it seems, in this encoding; others would look the same",
    mend: "set `encoding` in [export] to this one and look at a message with its special characters",
};

/// A byte order mark says something else than the setting.
pub const ENCODING_CONTRADICTED: Code = Code {
    name: "encoding-contradicted",
    severity: Severity::Warning,
    means: "the byte order mark of the file says another encoding than the configuration, and was believed",
    mend: "set `encoding` in [export] to \"auto\"",
};

/// Hidden files and folders, and entries that lead out of their archive.
pub const HIDDEN_LEFT_OUT: Code = Code {
    name: "hidden-left-out",
    severity: Severity::Warning,
    means: "files that look like parts of the export were left out: their path begins with a dot, or leads out of the \
            archive",
    mend: "see what they are; if they belong to the export, name them, or move them to where they can be seen",
};

/// Files that are written as exports are, and are not called so.
pub const FILES_LEFT_OUT: Code = Code {
    name: "files-left-out",
    severity: Severity::Warning,
    means: "files in which messages could be were left out: they are not called as those of this format, or are \
            archives beside other files",
    mend: "see what they are; messages of another export are a source of their own, and files of this one want the \
           names that it gave them",
};

/// A file without a byte in it.
pub const FILE_EMPTY: Code = Code {
    name: "file-empty",
    severity: Severity::Warning,
    means: "the file is empty",
    mend: "nothing, if that chat is empty; else fetch the file again",
};

/// A record above `max_record`.
pub const RECORD_TOO_LONG: Code = Code {
    name: "record-too-long",
    severity: Severity::Error,
    means: "the record is longer than `max_record`, and was left out",
    mend: "no server takes a message of that size: remove it from the export; if it is no single record, \
           look for a missing line end, or name the list inside the document with `records` in [export]",
};

/// A quote that is never closed.
pub const CSV_QUOTE_OPEN: Code = Code {
    name: "csv-quote-open",
    severity: Severity::Error,
    means: "a quoted cell begins on this line and never ends; the line was left out",
    mend: "close the quote, double a quote that belongs to the text, or set `quote` in [export.csv] to \"\" \
           if cells are not quoted; raise `max_record` if it is that long",
};

/// A document that breaks off or is no JSON between its records.
pub const JSON_STRUCTURE: Code = Code {
    name: "json-structure",
    severity: Severity::Error,
    means: "the document is no JSON here; nothing behind this place was read from the file",
    mend: "mend the document at this line, or fetch the file again if it breaks off here",
};

/// A record of lists in lists in lists.
pub const JSON_TOO_DEEP: Code = Code {
    name: "json-too-deep",
    severity: Severity::Error,
    means: "the record is nested deeper than 512 levels, and was left out",
    mend: "no message is like that: look at the record, and remove it from the export",
};

/// A document without the list that `records` names.
pub const RECORDS_NOT_FOUND: Code = Code {
    name: "records-not-found",
    severity: Severity::Error,
    means: "the document has no list where `records` in [export] says the records are",
    mend: "set `records` to where they are: `messages[]` for {\"messages\": [...]}; leave files without \
           messages out with `include`",
};

/// All of the above, for documentation and tests.
pub const ALL: &[&Code] = &[
    &ENCODING_GUESSED,
    &ENCODING_UNSURE,
    &ENCODING_CONTRADICTED,
    &HIDDEN_LEFT_OUT,
    &FILES_LEFT_OUT,
    &FILE_EMPTY,
    &RECORD_TOO_LONG,
    &CSV_QUOTE_OPEN,
    &JSON_STRUCTURE,
    &JSON_TOO_DEEP,
    &RECORDS_NOT_FOUND,
];
