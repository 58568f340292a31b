//! Which version of an object in a store a source was: told by its `ETag`, so that it need not be read to be compared.

use super::schema::Table;

/// A row for each source that had one.
pub(super) const TABLE: Table = Table {
    name: "etags",
    version: 1,
    sql: "CREATE TABLE etags (source INTEGER PRIMARY KEY, pass INTEGER NOT NULL, etag TEXT NOT NULL);",
};
