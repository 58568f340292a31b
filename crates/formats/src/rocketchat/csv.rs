//! The folders of Rocket.Chat's CSV importer: tables without a header.

use std::borrow::Cow;

use super::super::codes::{self, reason};
use super::super::compose::{Part, refuse};
use super::super::namesakes::Namesakes;
use super::super::node::Node;
use super::super::ordinary::{At, Cut, Ordinary, Tools, file as file_name, last};
use super::super::recognise::Begins;
use crate::export::{Csv, ExportError, Found, Header};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Relation, Role, Sink};
use crate::message::Peer;

/// Folders of tables.
#[derive(Default)]
pub(in super::super) struct RocketChatCsv {
    namesakes: Namesakes,
}

/// What the table of a channel is called in its folder.
const MESSAGES: &str = "messages.csv";

/// Whether a file begins as one of the tables does: `"ann","1479162481336","words"`, of a file of that name.
pub(in super::super) fn is_csv(begins: &Begins<'_>) -> bool {
    let first = begins.text.lines().next().unwrap_or_default();
    let cells: Vec<&str> = first.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
    let is_time =
        |cell: Option<&&str>| cell.is_some_and(|c| c.len() >= 12 && c.bytes().all(|b| b.is_ascii_digit()));
    match last(begins.name) {
        MESSAGES => cells.len() >= 3 && is_time(cells.get(1)),
        rooms if rooms.ends_with("channels.csv") || rooms.ends_with("rooms.csv") => {
            cells.len() >= 3 && matches!(cells[2], "public" | "private")
        }
        name => name == "dm_messages.csv" && cells.len() >= 4 && is_time(cells.get(2)),
    }
}

impl Ordinary for RocketChatCsv {
    const ENDINGS: &'static str = "users.csv, channels.csv and channel/messages.csv";

    fn belongs(&self, inside: &str) -> bool {
        super::super::ending(last(inside)) == "csv"
    }

    fn cut(&self, _: &str, _: &[u8]) -> Cut {
        let header = Header::Row(false);
        Cut::Csv(Csv {
            delimiter: ",".to_owned(),
            header,
            short_rows: crate::export::ShortRows::Fill,
            ..Csv::default()
        })
    }

    fn arrange(&self, found: &mut Vec<Found>, tools: &Tools) -> Result<(), ExportError> {
        let name = |file: &Found| match file.inside.rsplit_once('/') {
            Some((folder, MESSAGES)) => Some(last(folder).to_owned()),
            _ => None,
        };
        self.namesakes.read(self, found, tools, &name, &["1", "2", "3"])
    }

    fn record(&self, row: &Node<'_>, at: &At<'_>, tools: &Tools, sink: &mut dyn Sink) {
        let cell = |n: &str| Cow::<str>::Owned(row.str(n).trim().to_owned());
        let (folder, file) = (last(at.around("@folder")), file_name(at.around("@file")));
        match file {
            // `csv_import_users.csv` as well.
            users if users.ends_with("users.csv") => {
                sink.person(Person::new(PersonKind::User, &cell("1"), &cell("3"), ""));
                // A blank in front of a quotation mark makes it a part of the cell.
                let email = cell("2").trim_matches('"').to_owned();
                if email.contains('@') {
                    sink.relation(Relation::Email { user: cell("1"), email: email.into() });
                }
                return sink.left_out(at.place, reason::DIRECTORY_ROW);
            }
            rooms if rooms.ends_with("channels.csv") || rooms.ends_with("rooms.csv") => {
                let (group, creator, members) = (cell("1"), cell("2"), cell("4"));
                sink.person(Person::new(PersonKind::Group, &group, &group, ""));
                let member = |user: &str, role| Relation::Member {
                    group: group.clone(),
                    user: Cow::Owned(user.to_owned()),
                    role,
                };
                sink.relation(member(&creator, Role::Owner));
                for user in members.split(';').map(str::trim).filter(|user| !user.is_empty()) {
                    sink.relation(member(user, Role::Member));
                }
                return sink.left_out(at.place, reason::DIRECTORY_ROW);
            }
            _ => {}
        }
        let (peer, time, words) = if file == MESSAGES {
            let Some(group) = self.namesakes.group(at.around("@path"), Cow::Borrowed(folder)) else {
                return refuse(sink, &codes::GROUPS_OF_ONE_NAME, at.place, folder);
            };
            (Peer::Group(group), row.get("2"), row.str("3"))
        } else {
            (Peer::User(cell("2")), row.get("3"), row.str("4"))
        };
        let Some(draft) = Tools::draft(at, Cow::Borrowed(""), cell("1"), peer, time.int(), sink) else {
            return;
        };
        tools.composer.send(draft, vec![Part::Text(Cow::Owned(words.trim().to_owned()))], sink);
    }
}
