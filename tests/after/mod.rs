//! After the import, against a rehearsal server in this process: judged by what stands in its logs.

mod command;
mod damage;
mod mark_read;
mod migration;
mod receipts;
mod retry;
mod support;
mod undo;
mod verify;
mod world;
