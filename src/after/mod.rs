//! After the import: verify, repair, retry, read state, undo, adopt, receipts.
//!
//! Aligning and comparing messages is `import`'s; what stands in a slot is told by its receipt, and where there
//! is none, by what it says.

mod adopt;
mod anew;
mod behind;
mod book;
mod difference;
mod fallen;
mod lists;
mod mark_read;
mod narrow;
mod positions;
mod receipts;
mod repair;
mod retry;
mod scroll;
mod slices;
mod store;
mod undo;
mod verify;
mod visit;

pub use adopt::{Adopted, adopt};
pub use anew::{all_ours, take_back};
pub use behind::{Behind, send_behind};
pub use difference::{Counts, Difference, Kind};
pub use fallen::fallen;
pub use lists::{Unlisted, list, unlisted};
pub use mark_read::{MarkReport, mark_read, mark_read_as_they_finish, mark_read_from};
pub use positions::{Position, PositionError, Positions, Upto};
pub use receipts::{ReceiptFormat, ReceiptWriter, of_the_system, purge, write_receipts};
pub use repair::{AGAIN, send_again};
pub use retry::{Retried, release};
pub use scroll::{Scrolled, Unknown, mend, scroll};
pub use slices::{Cutter, Slice};
pub use store::{Extent, Plan, SLICE, Step, StoreReport, check as check_store};
pub use undo::{UndoReport, undo};
pub use verify::{Checked, Event, Extras, verify};
pub use visit::{AfterError, Settings};
