//! Who is who: what the export calls users and groups, and what OpenIM is to call them.

mod list;
mod mapper;
mod settings;
mod translate;

use std::borrow::Cow;

pub use list::ListError;
use list::{List, Listed};
pub use mapper::Renamed;
pub use settings::{Ids, Settings};
pub use translate::{group_id, user_id};

/// Pictures of users and groups have no source of their own: wherever an address is named, it is the same picture.
pub const FACES: crate::message::SourceNo = crate::message::SourceNo(0);

/// The kind of such a picture where the export has it, as [`super::Upload`] names it.
pub const FACE: &str = "face";

/// Whether an id is a user's or a group's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// Who is who, as the configuration says.
#[derive(Debug, Default)]
pub struct People {
    translate: bool,
    list: List,
}

/// One user or group: what the export and OpenIM call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// User or group.
    pub kind: Kind,
    /// The export's id; its name where there are names alone.
    pub source_id: &'a str,
    /// OpenIM's; the same as the export's until [`Renamed`] has looked.
    pub openim_id: &'a str,
    /// Empty: not known.
    pub nickname: &'a str,
    /// Empty: not known.
    pub face_url: &'a str,
    /// Whether the user file gives it this OpenIM id: then several may have the same on purpose.
    pub listed: bool,
}

impl<'a> Person<'a> {
    /// What a format knows of a user or group besides messages.
    pub fn new(kind: Kind, id: &'a str, nickname: &'a str, face_url: &'a str) -> Self {
        Self { kind, source_id: id, openim_id: id, nickname, face_url, listed: false }
    }
}

impl People {
    /// Reads the user file; `translates` is what the format does unless the settings say otherwise.
    pub fn load(settings: &Settings, translates: bool) -> Result<Self, ListError> {
        Ok(Self {
            translate: match settings.ids {
                Ids::Auto => translates,
                Ids::Keep => false,
                Ids::Translate => true,
            },
            list: settings.file.as_deref().map(List::read).transpose()?.unwrap_or_default(),
        })
    }

    /// Whether everybody is called what the export says, so that there is nothing to look up.
    pub fn keeps_all(&self) -> bool {
        !self.translate && self.list.is_empty()
    }

    /// What OpenIM calls the user or group that the export calls so.
    pub fn openim_id<'a>(&'a self, kind: Kind, id: &'a str) -> Cow<'a, str> {
        self.find(kind, id).0
    }

    fn find<'a>(&'a self, kind: Kind, id: &'a str) -> (Cow<'a, str>, Listed<'a>) {
        let listed = self.list.find(kind, id).unwrap_or_default();
        let openim_id = match (listed.openim_id, self.translate, kind) {
            ("", false, _) => Cow::Borrowed(id),
            ("", true, Kind::User) => user_id(id),
            ("", true, Kind::Group) => group_id(id),
            (listed, ..) => Cow::Borrowed(listed),
        };
        (openim_id, listed)
    }
}
