//! Mattermost: the bulk export and the compliance export.

mod bulk;
mod compliance;
mod line;

pub(super) use bulk::Bulk;
pub(super) use compliance::Compliance;
