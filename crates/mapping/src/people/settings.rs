//! Who is who: the `[users]` section of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

/// Who is who. Holds for users and groups alike.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What becomes of ids that `file` does not name.
    pub ids: Ids,
    /// CSV or JSONL with `id,openim_id,nickname,face_url`, and `kind` (`user` or `group`) where groups are
    /// among them. What stands there wins. Where an export has names alone, the names are the ids.
    pub file: Option<PathBuf>,
}

/// What becomes of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ids {
    /// Formats that know what their ids look like translate; the native format and mappings keep.
    #[default]
    Auto,
    /// They are OpenIM's own already.
    Keep,
    /// Into letters and digits; those that are so already stay as they are.
    Translate,
}
