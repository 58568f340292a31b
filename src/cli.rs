//! What the user typed: plain data, nothing opened, nothing checked against the outside.
