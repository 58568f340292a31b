//! A mapper whose messages speak of OpenIM's users and groups.

use std::borrow::Cow;
use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::list::Listed;
use super::{Kind, People, Person};
use crate::export::Chunk;
use crate::message::{ContentType, Message, Peer};
use crate::{Mapper, Pass, Relation, Sink};

/// Puts OpenIM's ids in the place of the export's, in what another mapper makes.
///
/// Mappers below it know the export's ids alone, in `sender`, `peer` and `atUserList`.
pub struct Renamed<M> {
    inner: M,
    people: Arc<People>,
}

impl<M: Mapper> Renamed<M> {
    /// What `inner` makes, with the names that `people` gives.
    pub fn new(inner: M, people: Arc<People>) -> Self {
        Self { inner, people }
    }
}

impl<M: Mapper> Mapper for Renamed<M> {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        self.inner.map(chunk, &mut Renaming { people: &self.people, sink, seen: HashSet::new() });
    }
}

struct Renaming<'a> {
    people: &'a People,
    sink: &'a mut dyn Sink,
    /// Whom the sink was told of already, for this chunk.
    seen: HashSet<u64>,
}

impl<'p> Renaming<'p> {
    /// The OpenIM id of somebody and what the user file says of him; the sink is told of him once a chunk.
    fn rename<'a>(&mut self, kind: Kind, id: &'a str) -> (Cow<'a, str>, Listed<'a>)
    where
        'p: 'a,
    {
        let (openim_id, listed) = self.people.find(kind, id);
        if self.seen.insert(xxh3_64(id.as_bytes()) ^ u64::from(kind == Kind::Group)) {
            self.sink.person(Person {
                openim_id: &openim_id,
                listed: !listed.openim_id.is_empty(),
                ..Person::new(kind, id, listed.nickname, listed.face_url)
            });
        }
        (openim_id, listed)
    }

    /// `content` of an @-message with OpenIM's ids in `atUserList`; `None` where nothing changes.
    fn rename_mentions(&mut self, content: &str) -> Option<String> {
        let mut content: Map<String, Value> = serde_json::from_str(content).ok()?;
        let list = content.get_mut("atUserList")?.as_array_mut()?;
        let mut changed = false;
        for mentioned in list {
            let Value::String(id) = mentioned else { continue };
            if id == EVERYONE {
                continue;
            }
            let (openim_id, _) = self.rename(Kind::User, id);
            if openim_id != id.as_str() {
                *mentioned = Value::String(openim_id.into_owned());
                changed = true;
            }
        }
        changed.then(|| Value::Object(content).to_string())
    }
}

/// In `atUserList` it stands for all members.
const EVERYONE: &str = "AtAllTag";

impl Pass for Renaming<'_> {
    fn to(&mut self) -> &mut dyn Sink {
        self.sink
    }

    fn pass_message(&mut self, mut message: Message<'_>) {
        let sender = mem::take(&mut message.sender);
        let peer = mem::replace(&mut message.peer, Peer::User(Cow::Borrowed("")));
        let content = mem::take(&mut message.content);
        let mentions = if message.content_type == ContentType::At.code() {
            self.rename_mentions(&content)
        } else {
            None
        };
        let (sender, listed) = self.rename(Kind::User, &sender);
        let peer = match &peer {
            Peer::User(id) => Peer::User(self.rename(Kind::User, id).0),
            Peer::Group(id) => Peer::Group(self.rename(Kind::Group, id).0),
        };
        let mut message = Message { sender, peer, content: mentions.map_or(content, Cow::Owned), ..message };
        if !listed.nickname.is_empty() {
            message.nickname = Cow::Borrowed(listed.nickname);
        }
        if !listed.face_url.is_empty() {
            message.face_url = Cow::Borrowed(listed.face_url);
        }
        self.sink.message(message);
    }

    fn pass_relation(&mut self, relation: Relation<'_>) {
        self.sink.relation(relation.renamed(self.people));
    }

    fn pass_person(&mut self, person: Person<'_>) {
        let (openim_id, listed) = self.people.find(person.kind, person.source_id);
        self.sink.person(Person {
            openim_id: &openim_id,
            listed: !listed.openim_id.is_empty(),
            nickname: first(listed.nickname, person.nickname),
            face_url: first(listed.face_url, person.face_url),
            ..person
        });
    }
}

/// The first that says something.
fn first<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.is_empty() { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::message::{Place, SendTime, SourceNo};
    use crate::people::{Ids, Settings};

    const PLACE: Place = Place { source: SourceNo(0), line: 1, byte: 0, part: 0 };

    fn message<'a>(
        sender: &'a str,
        peer: Peer<'a>,
        content_type: ContentType,
        content: &'a str,
    ) -> Message<'a> {
        Message {
            sender: sender.into(),
            peer,
            nickname: "as exported".into(),
            face_url: "".into(),
            platform: 10,
            content_type: content_type.code(),
            content: content.into(),
            send_time: SendTime(1),
            ex: "".into(),
            not_offline_push: true,
            online_only: false,
            offline_push_info: None,
            source_id: None,
            quote: None,
            place: PLACE,
        }
    }

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Sink for Seen {
        fn message(&mut self, m: Message<'_>) {
            self.0.push(format!("{} ({}) {:?} {}", m.sender, m.nickname, m.peer, m.content));
        }
        fn left_out(&mut self, _: Place, _: &'static str) {}
        fn finding(&mut self, _: Finding) {}
        fn person(&mut self, p: Person<'_>) {
            self.0.push(format!(
                "{:?} {} = {} {:?} listed: {}",
                p.kind, p.source_id, p.openim_id, p.nickname, p.listed
            ));
        }
    }

    #[test]
    fn everybody_is_renamed_and_told_of_once_a_chunk() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users.csv");
        fs_err::write(&file, "id,openim_id,nickname\nann@x.org,ann_1,Ann A.\nBob B.,,Bobby\n").unwrap();
        let settings = Settings { ids: Ids::Auto, file: Some(file) };
        let people = People::load(&settings, true).unwrap();
        let mut seen = Seen::default();
        let mut sink = Renaming { people: &people, sink: &mut seen, seen: HashSet::new() };
        let text = r#"{"content":"hi"}"#;
        let at =
            r#"{"text":"@Carol","atUserList":["carol@x.org","AtAllTag","bob"],"n":12345678901234567890}"#;
        sink.message(message("ann@x.org", Peer::User("Bob B.".into()), ContentType::Text, text));
        sink.message(message("bob", Peer::Group("dev_ops".into()), ContentType::At, at));
        sink.message(message("bob", Peer::Group("dev_ops".into()), ContentType::Text, text));
        sink.person(Person::new(Kind::Group, "dev_ops", "Development", ""));
        insta::assert_snapshot!(seen.0.join("\n"), @r#"
        User ann@x.org = ann_1 "Ann A." listed: true
        User Bob B. = BobBjeh3gwxd "Bobby" listed: false
        ann_1 (Ann A.) User("BobBjeh3gwxd") {"content":"hi"}
        User carol@x.org = carolxorg3w4qbk4g "" listed: false
        User bob = bob "" listed: false
        Group dev_ops = dev-ops "" listed: false
        bob (as exported) Group("dev-ops") {"atUserList":["carolxorg3w4qbk4g","AtAllTag","bob"],"n":12345678901234567890,"text":"@Carol"}
        bob (as exported) Group("dev-ops") {"content":"hi"}
        Group dev_ops = dev-ops "Development" listed: false
        "#);
    }

    #[test]
    fn without_configuration_ids_stay() {
        let people = People::load(&Settings::default(), false).unwrap();
        assert!(people.keeps_all());
        assert_eq!(people.openim_id(Kind::User, "a_b@c"), "a_b@c");
        assert_eq!(people.openim_id(Kind::Group, "a_b"), "a_b");
    }
}
