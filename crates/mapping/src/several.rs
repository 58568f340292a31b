//! Several exports in one pass: each has its own mapper, and ids of its own.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Mapper, Pass, Relation, Sink};
use crate::export::Chunk;
use crate::message::{Message, SourceNo};

/// Maps what each source gives with the mapper of its export.
pub struct Several(Vec<(SourceNo, Arc<dyn Mapper>)>);

impl Several {
    /// Each mapper with the number of the first of its sources; they rise.
    pub fn new(mappers: Vec<(SourceNo, Arc<dyn Mapper>)>) -> Self {
        Self(mappers)
    }
}

impl Mapper for Several {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        let behind = self.0.partition_point(|(first, _)| *first <= chunk.source);
        if let Some((_, mapper)) = behind.checked_sub(1).and_then(|at| self.0.get(at)) {
            mapper.map(chunk, sink);
        }
    }
}

/// Puts the name of an export in front of the ids of its messages: two exports count from 1, both.
pub struct Named<M> {
    inner: M,
    name: String,
}

impl<M: Mapper> Named<M> {
    /// What `inner` makes, with that name in front.
    pub fn new(inner: M, name: String) -> Self {
        Self { inner, name }
    }
}

impl<M: Mapper> Mapper for Named<M> {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        self.inner.map(chunk, &mut Naming { name: &self.name, sink });
    }
}

struct Naming<'a> {
    name: &'a str,
    sink: &'a mut dyn Sink,
}

impl Naming<'_> {
    /// No id stays none.
    fn named<'a>(&self, id: Cow<'a, str>) -> Cow<'a, str> {
        if id.is_empty() { id } else { Cow::Owned(format!("{}/{id}", self.name)) }
    }
}

impl Pass for Naming<'_> {
    fn to(&mut self) -> &mut dyn Sink {
        self.sink
    }

    fn pass_message(&mut self, mut message: Message<'_>) {
        message.source_id = message.source_id.map(|id| self.named(id));
        if let Some(quote) = &mut message.quote {
            quote.target = self.named(std::mem::take(&mut quote.target));
        }
        self.sink.message(message);
    }

    fn pass_relation(&mut self, relation: Relation<'_>) {
        let relation = match relation {
            Relation::Read { user, peer, kind, id } => {
                Relation::Read { user, peer, kind, id: self.named(id) }
            }
            other => other,
        };
        self.sink.relation(relation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Native;

    #[test]
    fn each_source_has_its_mapper_and_ids_of_its_own() {
        let line = r#"{"sendID":"a","recvID":"b","text":"x","sendTime":1700000000000,"id":"1","quote":"7"}"#;
        let of = |name: &str| -> Arc<dyn Mapper> { Arc::new(Named::new(Native, name.to_owned())) };
        let read = |first| {
            let of = move |_: &crate::export::Reader| -> Box<dyn Mapper> {
                Box::new(Several::new(vec![(SourceNo(0), of("crm")), (SourceNo(first), of("slack"))]))
            };
            crate::testing::read(&crate::export::Settings::default(), of, "x.jsonl", line.as_bytes(), 1 << 16)
        };
        for (first, name) in [(1, "crm"), (0, "slack")] {
            let got = read(first);
            assert!(got.messages[0].contains(&format!("id={name}/1")), "{got:?}");
            assert!(got.messages[0].contains(&format!("quote={name}/7")), "{got:?}");
        }
    }
}
