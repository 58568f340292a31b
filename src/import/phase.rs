//! What a run is at: it is not over with its last message.

/// What a run is at after sending, and how far that is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// What it is at.
    pub phase: Phase,
    /// Done of it: conversations, or messages where it clears up.
    pub done: u64,
    /// Of so many; 0: not known.
    pub total: u64,
}

/// What a run is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Messages go out and are confirmed.
    #[default]
    Send,
    /// All are confirmed; what was begun beside that comes to its end.
    Settle,
    /// What stands behind the last message of each conversation is looked at.
    LookBehind,
    /// What was deleted is looked for until it stays away.
    ClearUp,
}

impl Phase {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Settle => "settle",
            Self::LookBehind => "look behind",
            Self::ClearUp => "clear up",
        }
    }
}
