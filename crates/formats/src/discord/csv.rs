//! The CSV of DiscordChatExporter: the new one with commas and full times, the old one with `;`, an empty column
//! behind, and local times.

use std::borrow::Cow;

use jiff::fmt::strtime::BrokenDownTime;

use super::super::codes;
use super::super::compose::{Part, Reaction, refuse};
use super::super::namesakes::Namesakes;
use super::super::node::Node;
use super::super::ordinary::{At, Cut, Ordinary, Tools, file as file_name};
use super::super::recognise::Begins;
use super::{attachment, millis};
use crate::export::{self, ExportError, Found};
use crate::mapping::Sink;
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::message::Peer;

/// Tables of channels.
#[derive(Default)]
pub(in super::super) struct DiscordCsv {
    namesakes: Namesakes,
}

/// Name and id of the channel whose table a file is: `Server - category - channel [123].csv`, where the name can be all.
fn channel(file: &str) -> (&str, Option<&str>) {
    let stem = file.strip_suffix(".csv").unwrap_or(file);
    match stem.strip_suffix(']').and_then(|stem| stem.rsplit_once('[')) {
        Some((name, id)) => (name.trim(), Some(id)),
        None => (stem, None),
    }
}

/// Whether a file begins as such a table does.
pub(in super::super) fn is_csv(begins: &Begins<'_>) -> bool {
    begins.is_csv(&["AuthorID", "Author", "Date", "Content", "Attachments"])
}

impl Ordinary for DiscordCsv {
    const ENDINGS: &'static str = ".csv";
    const COLUMNS: &'static [&'static [&'static str]] = &[&["AuthorID", "Date", "Content"]];

    fn belongs(&self, inside: &str) -> bool {
        super::super::ending(inside) == "csv"
    }

    fn cut(&self, _: &str, _: &[u8]) -> Cut {
        Cut::Csv(export::Csv { short_rows: export::ShortRows::Fill, ..export::Csv::default() })
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let name = |file: &Found| match channel(file_name(&file.inside)) {
            (name, None) => Some(name.to_owned()),
            (_, Some(_)) => None,
        };
        self.namesakes.read(self, found, tools, &name, &["AuthorID", "Date", "Content"])
    }

    fn record(&self, record: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let (name, id) = channel(file_name(at.around("@file")));
        let id = match id {
            Some(id) => Some(Cow::Borrowed(id)),
            None => self.namesakes.group(at.around("@path"), Cow::Borrowed(name)),
        };
        let Some(id) = id else { return refuse(sink, &codes::GROUPS_OF_ONE_NAME, at.place, name) };
        sink.person(Person::new(PersonKind::Group, &id, name.rsplit(" - ").next().unwrap_or(name), ""));
        let written = record.str("Date");
        let time = match millis(&written) {
            Some(time) => Some(time),
            None => match BrokenDownTime::parse("%d-%b-%y %I:%M %p", &*written)
                .and_then(|time| time.to_datetime())
            {
                Ok(local) => match tools.local.time(local, at.place, sink) {
                    Some(time) => Some(time.0),
                    None => return,
                },
                Err(_) => return refuse(sink, &codes::TIME_INVALID, at.place, &written),
            },
        };
        let peer = Peer::Group(id.into_owned().into());
        let Some(mut draft) = Tools::draft(at, Cow::Borrowed(""), record.str("AuthorID"), peer, time, sink)
        else {
            return;
        };
        draft.nickname = record.str("Author");
        draft.mentions.all = record.str("Content").contains("@everyone");
        let reactions = record.str("Reactions");
        // `🥳 (1),👍 (2)`
        draft.extras.reactions = reactions
            .split(',')
            .filter_map(|one| {
                let (emoji, count) = one.trim().rsplit_once(" (")?;
                let count = count.trim_end_matches(')').parse().ok()?;
                Some(Reaction { emoji: Cow::Owned(emoji.to_owned()), count, users: Vec::new() })
            })
            .collect();
        let mut parts = vec![Part::Text(record.str("Content"))];
        let files = record.str("Attachments").into_owned();
        for url in files.split(',').map(str::trim).filter(|url| !url.is_empty()) {
            parts.push(Part::Medium(attachment("".into(), url.to_owned().into(), "".into(), 0)));
        }
        tools.composer.send(draft, parts, sink);
    }
}
