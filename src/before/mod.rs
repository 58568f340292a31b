//! What is looked at and made before the history: preflight, canary, provisioning.

mod accounts;
mod archive;
mod ask;
mod assess;
mod canary;
mod codes;
mod facts;
mod forecast;
mod gather;
mod provision;
mod retention;
mod settings;
mod verdict;

pub use accounts::{
    AT_ONCE as ACCOUNTS_AT_ONCE, Accounts, AccountsError, Login, Outcome as AccountsOutcome,
    look_at_accounts, make_accounts,
};
pub use archive::{Group as ArchiveGroup, groups as archive_groups};
pub use ask::Patience;
pub use assess::assess;
pub use canary::{Canary, Candidate, Kind, Size, canary, choose};
pub use codes::{CODES, can_be_allowed, code};
pub use facts::{
    Conversations, Facts, History, Notices, Occupied, People, RetentionLoss, ServerFacts, Tally,
};
pub use forecast::{Forecast, Given};
pub use gather::{Depth, Looked, Looks, Preflight, PreflightError, preflight};
pub use provision::{
    BlackRow, Count, Files, FormerRow, FriendRow, GroupRow, MuteRow, OccupiedRow, Provision, ProvisionError,
    Provisioned, RowError, Rows, SettingRow, Stage, Step, Thing, UserRow, provision,
};
pub use retention::{Loss, Walk, cutoff};
pub use settings::{FILES, Settings};
pub use verdict::{AllowError, Allowed, text};
