//! One binary, a module per promise.

mod house;
mod rehearsal;
