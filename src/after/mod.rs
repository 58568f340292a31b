//! After the import: verify, repair, retry, read state, undo, adopt, receipts. Aligning is `import`'s.

mod difference;
#[cfg(test)]
mod narrow;
mod positions;
mod slices;
#[cfg(test)]
mod verify;

pub use difference::{Counts, Difference, Kind};
pub use positions::{Position, PositionError, Positions, Upto};
pub use slices::{Cutter, Slice};
