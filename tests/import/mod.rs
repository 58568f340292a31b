//! The engine against a rehearsal server in this process: what arrived is judged on the server's side.

mod faults;
mod plain;
mod support;
