use super::*;
use crate::message::MsgId;
use proptest::prelude::*;
use std::convert::Infallible;

/// A message of the model: its content is its number, equal ones have the same.
type Record = (u64, bool);

struct Model {
    contents: Vec<u64>,
    withdrawn: Vec<Ids>,
}

fn ids(n: u64) -> Ids {
    Ids { server: MsgId::new(&format!("s{n}")), client: MsgId::new(&format!("c{n}")) }
}

impl Book for Model {
    type Record = Record;
    type Error = Infallible;

    fn compare(&mut self, ordinal: Ordinal, record: &Record) -> Result<Comparison, Infallible> {
        let ours = self.contents[usize::try_from(ordinal.0).unwrap()];
        Ok(match record {
            (_, true) => Comparison::Revoked,
            (content, _) if *content == ours => Comparison::Equal,
            (content, _) => Comparison::Differs(format!("{content}")),
        })
    }

    fn equals(&mut self, record: &Record) -> Result<Vec<Ordinal>, Infallible> {
        Ok((0..).zip(&self.contents).filter(|(_, c)| **c == record.0).map(|(n, _)| Ordinal(n)).collect())
    }

    fn formerly(&mut self, record: &Record) -> Result<Option<Ordinal>, Infallible> {
        Ok(record.0.checked_sub(FORMER).map(Ordinal))
    }

    fn named(&mut self, names: &[&Ids]) -> Result<Vec<Option<Ordinal>>, Infallible> {
        let n = self.contents.len() as u64;
        Ok(names.iter().map(|name| (0..n).find(|o| ids(*o) == **name).map(Ordinal)).collect())
    }

    fn withdrawal(&mut self, ids: &Ids) -> Result<Option<Withdrawal>, Infallible> {
        Ok(self.withdrawn.contains(ids).then_some(Withdrawal::Done))
    }
}

/// What can be done to a log of one hundred messages.
#[derive(Debug, Clone)]
enum Damage {
    Delete(u64),
    Change(u64),
    Revoke(u64),
    Copy(u64),
    Surface(u64),
    Return(u64),
    Former(u64),
    Swap(u64, u64),
    Foreign,
}

const MESSAGES: u64 = 100;
/// So much is added to a message's content where it stands under a former time.
const FORMER: u64 = 1_000_000;
/// A job that has confirmed everything, in a conversation that was empty.
const WHOLE: Standing = Standing { baseline: Seq(0), cursor: Ordinal(MESSAGES) };

fn damage() -> impl Strategy<Value = Damage> {
    let n = 0..MESSAGES;
    prop_oneof![
        n.clone().prop_map(Damage::Delete),
        n.clone().prop_map(Damage::Change),
        n.clone().prop_map(Damage::Revoke),
        n.clone().prop_map(Damage::Copy),
        n.clone().prop_map(Damage::Surface),
        n.clone().prop_map(Damage::Return),
        n.clone().prop_map(Damage::Former),
        (n.clone(), n).prop_map(|(a, b)| Damage::Swap(a, b)),
        Just(Damage::Foreign),
    ]
}

/// Kind, message, slot.
type Short = (Kind, Option<u64>, Option<u64>);

/// Does what can be done together, and says what has to be found.
fn apply(damages: &[Damage], equal: u64) -> (Vec<Short>, Vec<Short>) {
    let contents: Vec<u64> = (0..MESSAGES).map(|n| if n % 7 == 0 { n % equal } else { 1000 + n }).collect();
    let mut log: Vec<Option<(Ids, Record)>> =
        (0..MESSAGES).zip(&contents).map(|(n, content)| Some((ids(n), (*content, false)))).collect();
    let mut model = Model { contents: contents.clone(), withdrawn: Vec::new() };
    let mut touched = std::collections::HashSet::new();
    let mut want = Vec::new();
    let mut untouched = MESSAGES;
    for damage in damages {
        let (a, b) = match damage {
            Damage::Foreign => {
                log.push(Some((ids(9999), (9999, false))));
                want.push((Kind::Foreign, None, Some(log.len() as u64)));
                continue;
            }
            Damage::Swap(a, b) => (*a, Some(*b)),
            Damage::Delete(a)
            | Damage::Change(a)
            | Damage::Revoke(a)
            | Damage::Copy(a)
            | Damage::Surface(a)
            | Damage::Former(a)
            | Damage::Return(a) => (*a, None),
        };
        // Equal ones may stand for each other: what is found about them is right, but not the same.
        if a % 7 == 0 || b.is_some_and(|b| b % 7 == 0 || a == b) || !touched.insert(a) {
            continue;
        }
        if b.is_some_and(|b| !touched.insert(b)) {
            continue;
        }
        let at = |n: u64| usize::try_from(n).unwrap();
        let (kind, seq) = match damage {
            Damage::Delete(_) => {
                log[at(a)] = None;
                (Kind::Empty, a + 1)
            }
            Damage::Change(_) => {
                log[at(a)] = Some((ids(a), (777, false)));
                (Kind::Changed, a + 1)
            }
            Damage::Revoke(_) => {
                log[at(a)] = Some((ids(a), (0, true)));
                (Kind::Revoked, a + 1)
            }
            Damage::Swap(_, other) => {
                log.swap(at(a), at(*other));
                untouched -= 1;
                want.push((Kind::OutOfPlace, Some(*other), Some(a + 1)));
                (Kind::OutOfPlace, other + 1)
            }
            Damage::Copy(_) => {
                log.push(Some((ids(a), (contents[at(a)], false))));
                untouched += 1;
                (Kind::Doubled, log.len() as u64)
            }
            Damage::Former(_) => {
                log.push(Some((ids(5000 + a), (FORMER + a, false))));
                untouched += 1;
                (Kind::Doubled, log.len() as u64)
            }
            Damage::Surface(_) | Damage::Return(_) => {
                let name = ids(5000 + a);
                if matches!(damage, Damage::Return(_)) {
                    model.withdrawn.push(name.clone());
                }
                log.push(Some((name, (contents[at(a)], false))));
                untouched += 1;
                (Kind::Doubled, log.len() as u64)
            }
            Damage::Foreign => unreachable!("done above"),
        };
        untouched -= 1;
        want.push((kind, Some(a), Some(seq)));
    }
    let mut found = Vec::new();
    let mut walk = Walk::new(WHOLE);
    for (n, record) in (0..).zip(log) {
        let seq = Seq(i64::try_from(n + 1).unwrap());
        let expected = (n < MESSAGES).then(|| Expected { ordinal: Ordinal(n), seq, ids: Some(ids(n)) });
        let Ok(()) = walk.slot(&mut model, expected, Slot { seq, record }, &mut found);
    }
    let Ok(equal) = walk.end(&mut model, &mut found);
    assert_eq!(equal, untouched);
    let short = |f: Finding| (f.kind, f.ordinal.map(|o| o.0), f.seq.map(|s| s.0.cast_unsigned()));
    let (mut found, mut want) = (found.into_iter().map(short).collect::<Vec<_>>(), want);
    found.sort_unstable();
    want.sort_unstable();
    (found, want)
}

proptest! {
    #[test]
    fn every_damage_is_found_and_named(damages in prop::collection::vec(damage(), 0..20), equal in 1u64..5) {
        let (found, want) = apply(&damages, equal);
        prop_assert_eq!(found, want);
    }
}

#[test]
fn a_message_that_was_hidden_when_it_was_confirmed_is_told_by_its_content() {
    let mut model = Model { contents: vec![5], withdrawn: Vec::new() };
    let expected = Expected { ordinal: Ordinal(0), seq: Seq(1), ids: None };
    for (content, want) in [(5, vec![]), (6, vec![Kind::Foreign, Kind::Missing])] {
        let (mut walk, mut found) = (Walk::new(WHOLE), Vec::new());
        let slot = Slot { seq: Seq(1), record: Some((ids(3), (content, false))) };
        let Ok(()) = walk.slot(&mut model, Some(expected.clone()), slot, &mut found);
        let Ok(_) = walk.end(&mut model, &mut found);
        assert_eq!(found.iter().map(|f| f.kind).collect::<Vec<_>>(), want);
    }
}

#[test]
fn memory_is_bounded() {
    let mut model = Model { contents: vec![1; 10], withdrawn: Vec::new() };
    let (mut walk, mut found) = (Walk { keep: 3, ..Walk::new(WHOLE) }, Vec::new());
    for n in 0..10 {
        let expected = Expected { ordinal: Ordinal(n), seq: Seq(n.cast_signed() + 1), ids: Some(ids(n)) };
        let slot = Slot { seq: Seq(n.cast_signed() + 1), record: None };
        let Ok(()) = walk.slot(&mut model, Some(expected), slot, &mut found);
        assert!(walk.absent.len() < 3);
    }
    let Ok(_) = walk.end(&mut model, &mut found);
    assert_eq!(found.len(), 10);
}

/// A process was killed: what it had sent stands there, and is no double, unless it stands there twice.
#[test]
fn what_is_not_confirmed_yet_is_on_its_way() {
    let mut model = Model { contents: (0..6).collect(), withdrawn: Vec::new() };
    let standing = Standing { baseline: Seq(2), cursor: Ordinal(2) };
    let (mut walk, mut found) = (Walk::new(standing), Vec::new());
    // Two of others and one of ours stood there before; then come two that were confirmed, and three that were not, and
    // two under former times.
    let log =
        [(70, 500), (71, 1), (0, 0), (1, 1), (12, 2), (13, 3), (14, 2), (15, FORMER + 4), (16, FORMER + 1)];
    for (seq, (name, content)) in (1..).zip(log) {
        let expected =
            |ordinal| Expected { ordinal: Ordinal(ordinal), seq: Seq(seq), ids: Some(ids(ordinal)) };
        let expected = (3..5).contains(&seq).then(|| expected(name));
        let slot = Slot { seq: Seq(seq), record: Some((ids(name), (content, false))) };
        walk.slot(&mut model, expected, slot, &mut found).unwrap();
    }
    walk.end(&mut model, &mut found).unwrap();
    let found: Vec<_> =
        found.iter().map(|one| (one.kind, one.ordinal.map(|o| o.0), one.seq.map(|seq| seq.0))).collect();
    let want = [
        (Kind::Doubled, Some(1), Some(2)),
        (Kind::Unsettled, Some(2), Some(5)),
        (Kind::Unsettled, Some(3), Some(6)),
        (Kind::Doubled, Some(2), Some(7)),
        (Kind::Unsettled, Some(4), Some(8)),
        (Kind::Doubled, Some(1), Some(9)),
    ];
    assert_eq!(found, want);
}
