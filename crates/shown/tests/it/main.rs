//! The judge against the measured tables, and against a second one that was written apart from it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod logs;
mod plain;
mod random;
mod tables;
