//! What is done when the history is there: verify, repair, retry, read state, undo, adopt, receipts.
