//! Pictures of users and groups that were uploaded: their addresses in the place of the export's.

use std::borrow::Cow;
use std::sync::Arc;

use super::uploaded::{Outcome, Uploaded};
use crate::export::Chunk;
use crate::mapping::people::{FACES, Person};
use crate::mapping::{Mapper, Pass, Sink};
use crate::message::Message;

/// A mapper whose people have the pictures that were uploaded.
pub struct Faced {
    inner: Arc<dyn Mapper>,
    uploaded: Arc<Uploaded>,
}

impl Faced {
    /// What `inner` makes, with the pictures that were uploaded.
    pub fn new(inner: Arc<dyn Mapper>, uploaded: Arc<Uploaded>) -> Self {
        Self { inner, uploaded }
    }
}

impl Mapper for Faced {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        self.inner.map(chunk, &mut Facing { uploaded: &self.uploaded, sink });
    }
}

struct Facing<'a> {
    uploaded: &'a Uploaded,
    sink: &'a mut dyn Sink,
}

impl Facing<'_> {
    /// The address of a picture that was uploaded; any other stays where it is.
    fn moved(&self, face: &str) -> Option<&str> {
        match self.uploaded.find(FACES, face, true) {
            Some(Outcome::There(file)) => Some(&file.url),
            _ => None,
        }
    }
}

impl Pass for Facing<'_> {
    fn to(&mut self) -> &mut dyn Sink {
        self.sink
    }

    fn pass_message(&mut self, mut message: Message<'_>) {
        if let Some(face) = self.moved(&message.face_url).map(str::to_owned) {
            message.face_url = Cow::Owned(face);
        }
        self.sink.message(message);
    }

    fn pass_person(&mut self, person: Person<'_>) {
        let moved = self.moved(person.face_url).map(str::to_owned);
        let face_url = moved.as_deref().unwrap_or(person.face_url);
        self.sink.person(Person { face_url, ..person });
    }
}
