//! Rows, there and back.

use super::*;
use proptest::prelude::*;

fn there_and_back<R: Row + std::fmt::Debug>(row: R) {
    let mut bytes = Vec::new();
    row.put(&mut bytes);
    assert_eq!(bytes.len(), R::BYTES);
    // By all fields, not only by those that sort.
    assert_eq!(format!("{:?}", R::get(&bytes)), format!("{row:?}"));
}

proptest! {
    #[test]
    fn rows_come_back(
        group: String, time in 0i64..1 << 45, offset in 0u64..1 << 46, a: u64, b: u32, c: u32, kind in 0..4,
        source in 0u32..1 << 30, flag: bool
    ) {
        let at = Position::new(ConvKey::group(&group), SendTime(time), offset);
        there_and_back(IndexRow { at, sender: UserKey::from_bits(a), len: b, pair: c });
        let target = Target { send_time: SendTime(time), offset };
        let (kind, says) = match kind {
            0 => (KeyKind::Id, Says::Drop),
            1 => (KeyKind::Text, Says::Replies(Reply::No)),
            2 => (KeyKind::Quotes, Says::Replies(Reply::AsText)),
            _ => (KeyKind::Id, Says::Replies(Reply::To(target))),
        };
        let key = Key::of(group.as_bytes());
        there_and_back(KeyRow { key, kind, source: SourceNo(source), at: ByOffset(at), content: a });
        there_and_back(Note { at, says });
        let spot = Spot { offset, len: b };
        there_and_back(ConvRow { key: ConvKey::group(&group), pair: c, spot });
        let (openim, source) = (UserKey::from_bits(a), UserKey::from_bits(offset));
        there_and_back(PersonRow { openim, source, spot });
        there_and_back(UserRow { user: openim, nameless: flag, spot });
    }
}
