//! The engine against a rehearsal server in this process: what arrived is judged on the server's side.

mod faults;
mod overtaken;
mod plain;
mod support;
mod tokens;
