//! After the import, against a rehearsal server in this process: judged by what stands in its logs.

mod support;
mod verify;
