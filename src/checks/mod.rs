//! Is a message sendable (contract, table 2), is the history sane. Pure.
