//! After the import, against a rehearsal server in this process: judged by what stands in its logs.

mod command;
mod damage;
mod generated;
mod lists;
mod mark_read;
mod migration;
mod once;
mod receipts;
mod report;
mod retry;
mod states;
mod support;
mod undo;
mod verify;
mod watch;
mod words;
mod world;
