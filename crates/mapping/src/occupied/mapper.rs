//! A mapper whose messages go where there is room for them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::{Archive, Table, Way};
use crate::export::Chunk;
use crate::message::{ConversationId, Message, Peer};
use crate::people::{Kind, Person};
use crate::written::with_written_at;
use crate::{Mapper, Pass, Relation, Sink};

/// Puts what another mapper makes where the table says. That mapper speaks of OpenIM's users and groups.
pub struct Diverted<M> {
    inner: M,
    table: Arc<Table>,
}

impl<M: Mapper> Diverted<M> {
    /// What `inner` makes, diverted.
    pub fn new(inner: M, table: Arc<Table>) -> Self {
        Self { inner, table }
    }
}

impl<M: Mapper> Mapper for Diverted<M> {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        self.inner.map(chunk, &mut Diverting { table: &self.table, sink, told: HashSet::new() });
    }
}

struct Diverting<'a> {
    table: &'a Table,
    sink: &'a mut dyn Sink,
    /// Archives that the sink was told of, for this chunk.
    told: HashSet<&'a str>,
}

impl<'t> Diverting<'t> {
    /// Names the archive, for whoever makes the group or lists who is who.
    fn tell(&mut self, archive: &'t Archive) {
        if self.told.insert(&archive.group) {
            let person = Person::new(Kind::Group, &archive.group, &archive.name, "");
            self.sink.person(Person { listed: true, ..person });
        }
    }
}

impl Pass for Diverting<'_> {
    fn to(&mut self) -> &mut dyn Sink {
        self.sink
    }

    fn pass_message(&mut self, message: Message<'_>) {
        match self.table.of(&message) {
            Some(Way::Archive(archive)) => {
                self.tell(archive);
                let group = Cow::Borrowed(archive.group.as_str());
                self.sink.message(Message { peer: Peer::Group(group), ..message });
            }
            Some(Way::Behind(_)) => {
                let ex = with_written_at(&message.ex, message.send_time.0).map(Cow::Owned);
                let ex = ex.unwrap_or_else(|| message.ex.clone());
                self.sink.message(Message { ex, ..message });
            }
            None => self.sink.message(message),
        }
    }

    fn pass_relation(&mut self, relation: Relation<'_>) {
        let Relation::Read { user, peer, kind, id } = &relation else { return self.sink.relation(relation) };
        let conversation = match kind {
            Kind::User => ConversationId::single(user, peer),
            Kind::Group => ConversationId::group(peer),
        };
        let is_meant =
            |archive: &Archive| *kind == Kind::Group || archive.members.iter().any(|member| member == peer);
        match self.table.way(&conversation) {
            Some(Way::Archive(archive)) if is_meant(archive) => {
                let read = Relation::Read {
                    user: Cow::Borrowed(user),
                    peer: Cow::Borrowed(&archive.group),
                    kind: Kind::Group,
                    id: Cow::Borrowed(id),
                };
                // Of an archive in which people have written in turn.
                if self.table.way(&ConversationId::group(&archive.group)).is_some() {
                    return self.pass_relation(read);
                }
                self.sink.relation(read);
            }
            _ => self.sink.relation(relation),
        }
    }
}
