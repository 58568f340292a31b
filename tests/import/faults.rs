//! Refusals, errors and a server that goes away.
