//! How much may be under way: a bound on what the server has acknowledged and not numbered yet, over all
//! conversations, and on the calls under way. Pure: what was measured comes in, what is allowed goes out.
//!
//! An OpenIM server acknowledges faster than it stores. Whatever it has too much of waits in one queue, and a message
//! that somebody types meanwhile waits behind it. Measured on both releases: with 64 unconfirmed messages allowed in
//! each of 200 conversations a live message took 3 to 33 seconds; and less was stored, because the second stage
//! writes once for each conversation *and batch*. Its answers hardly take longer for it, so they are no signal. How
//! long a message takes from its answer to its number is: over 24 runs it went with what live users felt, from 0.1 to
//! 30 seconds, because both wait in the same queue.
//!
//! So this is a congestion control by delay, as TCP Vegas and BBR are: the lag of an idle server is measured first;
//! then the bound doubles with each round trip until the lag rises; from there on it follows
//! `bound × (aim ÷ lag)^k`, at most once in the time that a change takes to show. As long as no more than the aim waits,
//! the queue never runs empty, and nobody waits for long. Calls under way are as few as bring in a little more than is
//! stored: then what is under way belongs to few conversations, and each batch has much of each (`Pacing::calls`).
//!
//! No crate fits: those that limit by delay (Netflix's limits, Vector's adaptive concurrency, tower's) take the time
//! from a call to its answer for the signal, and the number of calls for what is bounded. Both are the wrong ones here.

mod aim;
mod beginning;
pub mod eta;
mod meter;
pub mod night;
mod pacing;
#[cfg(test)]
mod sim;

pub use beginning::Beginning;
pub use meter::{Glance, Measured, Meter, Stretch};
pub use pacing::{BEGINNING, Held, Limit, Pacing, Seen, Settings};
