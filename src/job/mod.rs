//! The job folder: spool, index, progress, receipts, rejects, lock. The only SQL.
