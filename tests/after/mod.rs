//! After the import, against a rehearsal server in this process: judged by what stands in its logs.

mod mark_read;
mod receipts;
mod support;
mod undo;
mod verify;
