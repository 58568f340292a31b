//! The judge against the measured tables, and against a second one that was written apart from it.

mod logs;
mod plain;
mod random;
mod tables;
