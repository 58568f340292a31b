//! `--since` and `--until`: the part of a history that is taken.
//!
//! They cut while the export is read and not while it is sent: what a job holds is sent whole and in order,
//! so a narrowed import is as exact as any. What was left out can come later as another pass (`run --add`
//! with another period): what the job has already is known and not sent again, and what is older than what
//! was sent counts as such.

use super::{Mapper, Pass, Sink};
use crate::export::Chunk;
use crate::message::{Message, SendTime};

/// From when to when; everything without bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The first moment that belongs to it.
    pub since: Option<SendTime>,
    /// The first moment after it.
    pub until: Option<SendTime>,
}

/// Why a message is left out; counted under these names.
const BEFORE: &str = "before --since";
const AFTER: &str = "after --until";

impl Period {
    /// Why a message of that time is left out; `None`: it is taken.
    pub fn leaves_out(self, time: SendTime) -> Option<&'static str> {
        if self.since.is_some_and(|since| time < since) {
            return Some(BEFORE);
        }
        self.until.is_some_and(|until| time >= until).then_some(AFTER)
    }
}

/// Leaves out what another mapper makes of other times.
pub struct Within<M> {
    inner: M,
    period: Period,
}

impl<M: Mapper> Within<M> {
    /// What `inner` makes of that period.
    pub fn new(inner: M, period: Period) -> Self {
        Self { inner, period }
    }
}

impl<M: Mapper> Mapper for Within<M> {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        self.inner.map(chunk, &mut Cut { period: self.period, sink });
    }
}

struct Cut<'a> {
    period: Period,
    sink: &'a mut dyn Sink,
}

impl Pass for Cut<'_> {
    fn to(&mut self) -> &mut dyn Sink {
        self.sink
    }

    fn pass_message(&mut self, message: Message<'_>) {
        match self.period.leaves_out(message.send_time) {
            Some(reason) => self.sink.left_out(message.place, reason),
            None => self.sink.message(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_moment_belongs_to_it_and_the_last_does_not() {
        let period = Period { since: Some(SendTime(10)), until: Some(SendTime(20)) };
        let reasons = [9, 10, 19, 20].map(|time| period.leaves_out(SendTime(time)));
        assert_eq!(reasons, [Some(BEFORE), None, None, Some(AFTER)]);
        assert_eq!(Period::default().leaves_out(SendTime(i64::MIN)), None);
        let never = Period { since: Some(SendTime(20)), until: Some(SendTime(10)) };
        assert!((0..30).all(|time| never.leaves_out(SendTime(time)).is_some()));
    }

    #[test]
    fn what_is_cut_is_counted_and_the_rest_passes_through() {
        use crate::{Native, testing::read};
        let text = concat!(
            r#"{"sendID":"a","recvID":"b","text":"old","sendTime":1600000000000}"#,
            "\nbroken\n",
            r#"{"sendID":"a","recvID":"b","text":"new","sendTime":1700000000000}"#,
            "\n"
        );
        let period = Period { since: Some(SendTime(1_700_000_000_000)), until: None };
        let settings = crate::export::Settings::default();
        let got =
            read(&settings, |_| Box::new(Within::new(Native, period)), "x.jsonl", text.as_bytes(), 1 << 16);
        assert_eq!(got.left_out, ["1 before --since"]);
        assert_eq!((got.messages.len(), got.findings.len()), (1, 1), "{got:?}");
        assert!(got.messages[0].contains("new"));
    }
}
