//! A message as it lies in `result.json`.

use serde::Deserialize;

use super::super::loose::{Number, Object, Objects, Text};
use super::text::Marked;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) date: Text<'a>,
    #[serde(borrow)]
    pub(super) date_unixtime: Text<'a>,
    #[serde(borrow)]
    pub(super) edited_unixtime: Text<'a>,
    /// What a message of the app's own tells of.
    #[serde(borrow)]
    pub(super) action: Text<'a>,
    /// What a topic is called.
    #[serde(borrow)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) from: Text<'a>,
    #[serde(borrow)]
    pub(super) from_id: Text<'a>,
    #[serde(borrow)]
    pub(super) forwarded_from: Text<'a>,
    #[serde(borrow)]
    pub(super) saved_from: Text<'a>,
    #[serde(borrow)]
    pub(super) reply_to_message_id: Text<'a>,
    #[serde(borrow)]
    pub(super) reply_to_peer_id: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Marked<'a>,

    #[serde(borrow)]
    pub(super) photo: Text<'a>,
    pub(super) photo_file_size: Number,
    #[serde(borrow)]
    pub(super) file: Text<'a>,
    #[serde(borrow)]
    pub(super) thumbnail: Text<'a>,
    #[serde(borrow)]
    pub(super) file_name: Text<'a>,
    pub(super) file_size: Number,
    #[serde(borrow)]
    pub(super) media_type: Text<'a>,
    #[serde(borrow)]
    pub(super) sticker_emoji: Text<'a>,
    #[serde(borrow)]
    pub(super) mime_type: Text<'a>,
    pub(super) duration_seconds: Number,
    pub(super) width: Number,
    pub(super) height: Number,

    #[serde(borrow)]
    pub(super) contact_information: Object<Contact<'a>>,
    #[serde(borrow)]
    pub(super) location_information: Object<Point<'a>>,
    #[serde(borrow)]
    pub(super) place_name: Text<'a>,
    #[serde(borrow)]
    pub(super) address: Text<'a>,
    #[serde(borrow)]
    pub(super) poll: Object<Poll<'a>>,
    #[serde(borrow)]
    pub(super) game_title: Text<'a>,
    #[serde(borrow)]
    pub(super) game_link: Text<'a>,
    #[serde(borrow)]
    pub(super) invoice_information: Object<Invoice<'a>>,
    #[serde(borrow)]
    pub(super) reactions: Objects<Reaction<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Contact<'a> {
    #[serde(borrow)]
    pub(super) first_name: Text<'a>,
    #[serde(borrow)]
    pub(super) last_name: Text<'a>,
    #[serde(borrow)]
    pub(super) phone_number: Text<'a>,
}

/// Latitude and longitude as they were written: a float would lose nothing, but look different.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Point<'a> {
    #[serde(borrow)]
    pub(super) latitude: Text<'a>,
    #[serde(borrow)]
    pub(super) longitude: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Poll<'a> {
    #[serde(borrow)]
    pub(super) question: Text<'a>,
    pub(super) closed: Number,
    pub(super) total_voters: Number,
    #[serde(borrow)]
    pub(super) answers: Objects<Answer<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    pub(super) voters: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Invoice<'a> {
    #[serde(borrow)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) description: Text<'a>,
    #[serde(borrow)]
    pub(super) amount: Text<'a>,
    #[serde(borrow)]
    pub(super) currency: Text<'a>,
}

/// Newer apps export them; `recent` names some of those who gave it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reaction<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) emoji: Text<'a>,
    pub(super) count: Number,
    #[serde(borrow)]
    pub(super) recent: Objects<Recent<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Recent<'a> {
    #[serde(borrow)]
    pub(super) from_id: Text<'a>,
}
