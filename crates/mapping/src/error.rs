//! What is wrong with a mapping itself, said before anything is read.

/// Why a mapping can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A rule that can't be.
    #[error("`{key}` in [mapping] can't be: {why}")]
    BadRule { key: String, why: String },
    /// A column that the first file does not have.
    #[error(
        "`{key}` in [mapping] names the column `{column}`, which `{path}` does not have; \
         its columns are {columns}"
    )]
    UnknownColumn { key: String, column: String, path: String, columns: String },
    /// Records that are not in the native format, and no mapping that says what they are.
    #[error(
        "`{path}` is not in the native format: it lacks {missing}. It has {seen}{first_row}. \
         Write a mapping: `openim-import init {path}` begins one. If the messages are in a list inside the \
         document, say where with `records` in [export]"
    )]
    NotNative { path: String, missing: String, seen: String, first_row: &'static str },
    /// The jq program is none.
    #[error("the jq program of `{key}` in [mapping] is wrong: {why}")]
    Jq { key: String, why: String },
}
