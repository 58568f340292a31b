//! What is found where records become messages, with how to mend it. Stable names.

use crate::finding::{Code, Severity};

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident $severity:ident $name:literal $means:literal $mend:literal;)*) => {
        $($(#[$doc])* pub const $constant: Code =
            Code { name: $name, severity: Severity::$severity, means: $means, mend: $mend };)*
        /// All of them, for documentation and tests.
        pub const ALL: &[&Code] = &[$(&$constant),*];
    };
}

codes! {
    /// The record is no JSON.
    JSON_BROKEN Error "json-broken"
        "the record is no valid JSON"
        "mend the line; if many are broken, the file is perhaps no JSONL: set `format` in [export]";
    /// The record is JSON, but no object.
    NOT_AN_OBJECT Error "not-an-object"
        "the record is JSON but no object"
        "remove it; if the records are inside a document, say where with `records` in [export]";
    /// Bytes that are no text.
    ENCODING_BROKEN Error "encoding-broken"
        "the record has bytes that are no text in the encoding of the file"
        "set `encoding` in [export] to the encoding of the file, or `broken_text` to \"replace\"";
    /// Bytes that were no text.
    ENCODING_REPLACED Warning "encoding-replaced"
        "the record has bytes that are no text; they were replaced by U+FFFD, as the configuration says"
        "set `encoding` in [export] to the encoding of the file, if it has one";
    /// Half of a character that takes two `\u`.
    HALF_CHARACTER Warning "half-character"
        "a text has half of a character (a lone `\\ud83d`); the half became U+FFFD, as on the server"
        "nothing: the program that wrote the export had cut the text there";
    /// UTF-8 that was read as Latin-1.
    MOJIBAKE Warning "mojibake"
        "a text looks like UTF-8 that was read as Latin-1 when the export was made"
        "set `mojibake = \"repair\"` in [mapping]; \"keep\" if it is what they wrote";
    /// Tags in a text.
    HTML_AS_TEXT Warning "html-as-text"
        "a text looks like HTML, and goes out with its tags"
        "`html = true` at that field in [mapping.fields] takes the words of it; `html = false` says that it is meant so";
    /// Zero bytes and nothing else.
    NUL_BYTES Warning "nul-bytes"
        "there are zero bytes where a record should be; they were passed over"
        "look at that place: files are like that after a crash, and what stood there is lost";
    /// A row with more or fewer cells than there are columns.
    CSV_RAGGED Error "csv-ragged"
        "the row has another number of cells than there are columns"
        "quote cells that hold the delimiter; if rows are short on purpose, set `short_rows` in \
         [export.csv] to \"fill\"";
    /// The file lacks a column that the mapping names.
    COLUMN_MISSING Error "column-missing"
        "the file has no column of that name"
        "name the column as this file has it, or leave the file out";
    /// Nothing where something must be.
    FIELD_MISSING Error "field-missing"
        "a field that every message must have is missing or empty"
        "add it to the export, give it a `default` in [mapping.fields], or leave such records out";
    /// Something else than the field takes.
    FIELD_TYPE Error "field-type"
        "a field holds something that it can't hold"
        "mend the export, or translate the value with a `table` in [mapping.fields]";
    /// An id that a spreadsheet has rounded.
    EXCEL_MANGLED Error "excel-mangled-id"
        "a spreadsheet has rounded the id: its digits are lost"
        "export again, and don't save the file from a spreadsheet program";
    /// A key that means nothing to us.
    KEY_UNKNOWN Warning "key-unknown"
        "the native format has no such key; its values were not used (reported once a chunk)"
        "remove it or correct its name; use a mapping if it holds something that is needed";
    /// A key twice in one object.
    KEY_REPEATED Warning "key-repeated"
        "a key stands twice in the record; the last one counts, as on the server"
        "remove one of them";
    /// A value that is not used.
    FIELD_UNUSED Warning "field-unused"
        "a single chat has no group: the `groupID` was not used"
        "set `sessionType` to 3 if it is a group's message; else remove the `groupID`";
    /// Two groups in one message.
    GROUP_CONTRADICTED Warning "group-contradicted"
        "`recvID` and `groupID` of a group's message differ; the `groupID` counts"
        "remove the `recvID`";
    /// Neither 1 nor 3.
    SESSION_TYPE Error "session-type"
        "a history has only single chats (`sessionType` 1) and groups (3)"
        "translate the value with a `table`, or leave such records out";
    /// `content` is not what the type wants.
    CONTENT_NOT_OBJECT Error "content-not-object"
        "`content` is a text, and this `contentType` wants an object"
        "give the object, or set `contentType` to 101 for a text";
    /// Both `content` and `text`.
    CONTENT_TWICE Error "content-twice"
        "the record has both `content` and `text`"
        "give one of them";
    /// Something that names no file.
    ATTACHMENT_UNREADABLE Error "attachment-unreadable"
        "`attachments` holds something that is no link, no path, and no object with either, or more than 1,000 of them"
        "name the column or key that has the files; what else holds them, a jq program can take apart";
    /// Files of a message that was mended by hand.
    ATTACHMENTS_HERE Error "attachments-here"
        "a message that was mended by hand is one message, and files are messages of their own"
        "give `content` and `contentType` of the message instead of `attachments`";
    /// An answer that can't say what it answers.
    REPLY_UNUSED Warning "reply-unused"
        "a message without words answers another, which only `ex` could say, and its `ex` is no JSON object"
        "nothing, if it need not be known; else map `ex` to an object";
    /// An answer without words.
    QUOTE_WITHOUT_TEXT Error "quote-without-text"
        "a message that quotes another (`quote`) must be a text"
        "give its words as `text`, or remove `quote`";
    /// A time that can't be read.
    TIME_UNREADABLE Error "time-unreadable"
        "the time is not written as the mapping says"
        "set `time` of that field to how it is written, and `zone` if it names no zone";
    /// A local time that exists twice.
    TIME_AMBIGUOUS Warning "time-ambiguous"
        "the local time exists twice, when clocks were set back; the earlier was taken"
        "nothing, if an hour does not matter; else export times in UTC";
    /// A local time that never was.
    TIME_SKIPPED Warning "time-skipped"
        "the local time never was: clocks were set forward over it; it was moved by as much"
        "look whether `zone` is right";
    /// A value that the table lacks.
    VALUE_NOT_IN_TABLE Error "value-not-in-table"
        "the table of that field has no such value"
        "add the value to the table, or give the field a `default`";
    /// A text that should be JSON.
    FIELD_NOT_JSON Error "field-not-json"
        "the text is no JSON, as `json = true` says it is"
        "remove `json = true`, or mend the export";
    /// A pair without the sender.
    PAIR_WITHOUT_SENDER Error "pair-without-sender"
        "the sender is neither of the two that the column names"
        "look whether `sendID` and the column speak of the same kind of id";
    /// The jq program failed.
    JQ_FAILED Error "jq-failed"
        "the jq program failed on this record"
        "mend the program: `//` gives a default, `?` passes over an error; or leave such records out";
    /// The jq program made something else than messages.
    JQ_OUTPUT Error "jq-output"
        "the jq program made something else than an object in the native format"
        "let it make objects with `sendID`, `sendTime` and so on, or nothing at all: `empty`";
    /// The jq program made too much.
    TOO_MANY_PARTS Error "too-many-parts"
        "one record gave more than 10,000 messages; the rest was left out"
        "look whether the jq program ends";
}
