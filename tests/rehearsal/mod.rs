//! The rehearsal server does what the real one does: each law and each fault, seen by a plain client.

mod capacity;
mod client;
mod control;
mod faults;
mod holes;
mod laws;
mod naive;
mod recordings;
