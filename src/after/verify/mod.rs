//! Reads everything back and compares it with the job.

mod walk;
