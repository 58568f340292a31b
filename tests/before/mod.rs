//! Before the history: what the preflight finds, what provisioning makes, against a server in this process.

mod canary;
mod command;
mod occupied;
mod parts;
mod preflight;
mod probe;
mod provision;
mod world;
