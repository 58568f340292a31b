//! For the tests of this room and of `formats`: text in, messages as text out.

use std::collections::BTreeSet;

use super::people::Person;
use super::{Mapper, Relation, Sink, Upload};
use crate::export::{self, Reader};
use crate::finding::Finding;
use crate::message::{Message, Peer, Place};

/// All that a pass over some text gave.
#[derive(Debug, Default)]
pub struct Got {
    /// One line a message: `line:byte#part sender->peer time type content …`.
    pub messages: Vec<String>,
    /// `line code value`.
    pub findings: Vec<String>,
    /// `line reason`.
    pub left_out: Vec<String>,
    /// `kind id nickname face_url`, each once.
    pub persons: BTreeSet<String>,
    /// `kind key name size link`; pictures of people each once.
    pub uploads: Vec<String>,
    /// Memberships, friends, blocks, read positions; each once.
    pub relations: BTreeSet<String>,
}

impl Sink for Got {
    fn message(&mut self, m: Message<'_>) {
        let peer = match &m.peer {
            Peer::User(id) => format!("@{id}"),
            Peer::Group(id) => format!("#{id}"),
        };
        let mut line = format!(
            "{}:{}#{} {}->{peer} {} {} {}",
            m.place.line, m.place.byte, m.place.part, m.sender, m.send_time.0, m.content_type, m.content
        );
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                line.extend([" ", name, "=", value]);
            }
        };
        add("id", m.source_id.as_deref().unwrap_or_default());
        add("nick", &m.nickname);
        add("face", &m.face_url);
        add("ex", &m.ex);
        add("push", m.offline_push_info.as_deref().unwrap_or_default());
        if m.platform != 10 {
            add("platform", &m.platform.to_string());
        }
        if !m.not_offline_push {
            add("pushes", "yes");
        }
        if m.online_only {
            add("online", "yes");
        }
        if let Some(quote) = &m.quote {
            add("quote", &format!("{}|{}", quote.target, quote.fallback));
        }
        self.messages.push(line);
    }

    fn left_out(&mut self, place: Place, reason: &'static str) {
        self.left_out.push(format!("{} {reason}", place.line));
    }

    fn finding(&mut self, finding: Finding) {
        let line = finding.place.map_or(0, |p| p.line);
        self.findings.push(format!("{line} {} {}", finding.code.name, finding.value));
    }

    fn person(&mut self, p: Person<'_>) {
        self.persons.insert(format!("{:?} {} {:?} {}", p.kind, p.source_id, p.nickname, p.face_url));
    }

    fn relation(&mut self, relation: Relation<'_>) {
        self.relations.insert(match relation {
            Relation::Member { group, user, role } => format!("{user} in #{group} {role:?}"),
            Relation::Friends(one, other) => format!("{one} and {other} are friends"),
            Relation::Blocks(who, whom) => format!("{who} blocks {whom}"),
            Relation::Email { user, email } => format!("{user} has the e-mail {email}"),
            Relation::Read { user, peer, kind, id } => format!("{user} has read {kind:?} {peer} up to {id}"),
            Relation::Muted { group, user, until } => format!("#{group} {user} may not write until {until}"),
            Relation::Kept { user, peer, kind, pinned, bell } => {
                format!("{user} has {kind:?} {peer} pinned {pinned}, bell {bell:?}")
            }
        });
    }

    fn upload(&mut self, u: Upload<'_>) {
        let line = format!("{} {:?} {:?} {} {}", u.kind, u.key, u.name, u.size, u.link);
        if u.kind != super::people::FACE || !self.uploads.contains(&line) {
            self.uploads.push(line);
        }
    }
}

impl Got {
    /// All of it as one text, for snapshots.
    pub fn text(&self) -> String {
        let mut text = self.messages.join("\n");
        let mut part = |name: &str, lines: &mut dyn Iterator<Item = &String>| {
            for line in lines {
                text.extend(["\n", name, " ", line.as_str()]);
            }
        };
        part("left out:", &mut self.left_out.iter());
        part("finding:", &mut self.findings.iter());
        part("person:", &mut self.persons.iter());
        part("upload:", &mut self.uploads.iter());
        part("relation:", &mut self.relations.iter());
        text
    }

    /// Adds all that the reader gives.
    ///
    /// # Errors
    /// What the reader says.
    pub fn drain(&mut self, reader: &mut Reader, mapper: &dyn Mapper) -> Result<(), export::ExportError> {
        while let Some(chunk) = reader.next_chunk()? {
            for finding in &chunk.findings {
                self.finding(finding.clone());
            }
            mapper.map(&chunk, self);
            reader.recycle(chunk.text);
        }
        Ok(())
    }
}

/// Makes a file of 105 of everything, and tells what it was told.
#[cfg(test)]
pub struct AsTold;

#[cfg(test)]
impl super::Files for AsTold {
    fn content(&self, file: &super::Attachment, _: Place, _: &mut dyn Sink) -> Option<(i32, String)> {
        let super::Attachment { at, name, kind, size, .. } = file;
        (at != "skip.me").then(|| (105, format!("{at}|{name}|{kind}|{size}")))
    }
}

/// Everything a file of these bytes gives, read in chunks of `size` bytes.
#[cfg(test)]
pub fn read(
    settings: &export::Settings,
    mapper: impl FnOnce(&Reader) -> Box<dyn Mapper>,
    name: &str,
    bytes: &[u8],
    size: usize,
) -> Got {
    use std::io::Write as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs_err::File::create(&path).unwrap().write_all(bytes).unwrap();
    let sources = [path.to_string_lossy().into_owned()];
    let mut reader = Reader::open(settings, &sources, crate::message::SourceNo(0)).unwrap().chunk_size(size);
    let mapper = mapper(&reader);
    let mut got = Got::default();
    got.drain(&mut reader, &*mapper).unwrap();
    got
}
