//! One pass over the sources: export, mapping, checks, job, on all cores and in constant memory.

mod few;

pub use few::few;
