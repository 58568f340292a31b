//! One pass over the sources: export, mapping, checks, job, on all cores and in constant memory.

mod few;
mod rows;
mod sort;

pub use few::few;
