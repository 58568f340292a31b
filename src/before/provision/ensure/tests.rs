//! Against a server made of a closure: what it does with each call, and what it then shows.

use std::collections::BTreeSet;
use std::sync::Mutex;

use secrecy::SecretString;

use super::*;
use crate::before::ask::Patience;
use crate::openim::{Login, LoginError, Settings};

struct Fake<F> {
    there: Mutex<BTreeSet<u32>>,
    calls: Mutex<Vec<Vec<u32>>>,
    /// What the call does to what is there, and what it answers.
    answer: F,
}

impl<F> Fake<F>
where
    F: Fn(&[u32], &mut BTreeSet<u32>, usize) -> Result<(), CallError> + Sync,
{
    fn new(answer: F) -> Self {
        Self { there: Mutex::default(), calls: Mutex::default(), answer }
    }

    async fn ensure(&self, items: impl IntoIterator<Item = u32>) -> Result<Vec<u32>, CallError> {
        let login = Login::Token { token: SecretString::from("t"), admin_user: "imAdmin".into() };
        let client = Client::new(&Settings::new("http://127.0.0.1:1", login)).unwrap();
        let ask = Ask::new(&client, Patience { at_once: 1, again: 3 });
        let refused = ensure(self, &ask, items.into_iter().collect()).await?;
        Ok(refused.into_iter().map(|(item, _)| item).collect())
    }

    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

impl<F> Many for Fake<F>
where
    F: Fn(&[u32], &mut BTreeSet<u32>, usize) -> Result<(), CallError> + Sync,
{
    type Item = u32;

    async fn act(&self, _: &Client, items: &[u32]) -> Result<(), CallError> {
        let mut calls = self.calls.lock().unwrap();
        let result = (self.answer)(items, &mut self.there.lock().unwrap(), calls.len());
        calls.push(items.to_vec());
        result
    }

    async fn missing(&self, _: &Ask, items: Vec<u32>) -> Result<Vec<u32>, CallError> {
        let there = self.there.lock().unwrap();
        Ok(items.into_iter().filter(|item| !there.contains(item)).collect())
    }
}

fn refused(code: i32) -> Result<(), CallError> {
    Err(CallError::Refused { path: "/x", code, said: "no".into() })
}

#[tokio::test(start_paused = true)]
async fn one_call_where_all_is_well() {
    let fake = Fake::new(|items, there, _| {
        there.extend(items);
        Ok(())
    });
    assert_eq!(fake.ensure(0..1000).await, Ok(vec![]));
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_what_was_done_is_no_refusal() {
    // 3.8.3: `maxSeq is invalid`, and the member was added.
    let fake = Fake::new(|items, there, _| {
        there.extend(items);
        refused(1001)
    });
    assert_eq!(fake.ensure(0..10).await, Ok(vec![]));
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_few_that_are_refused_are_found_among_the_many() {
    let fake = Fake::new(|items, there, _| {
        if items.iter().any(|item| item % 400 == 7) {
            return refused(1001);
        }
        there.extend(items);
        Ok(())
    });
    assert_eq!(fake.ensure(0..1000).await, Ok(vec![7, 407, 807]));
    assert_eq!(fake.there.lock().unwrap().len(), 997);
    assert!(fake.calls() < 70, "{} calls", fake.calls());
}

#[tokio::test(start_paused = true)]
async fn others_who_do_the_same_meanwhile_are_no_failure() {
    // 1102: one exists already, and nothing of the call was done.
    let fake = Fake::new(|items, there, call| {
        if call == 0 {
            there.extend(&items[..3]);
            return refused(1102);
        }
        there.extend(items);
        Ok(())
    });
    assert_eq!(fake.ensure(0..10).await, Ok(vec![]));
    assert_eq!(fake.calls.lock().unwrap()[1], (3..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up_and_not_repeated() {
    let fake = Fake::new(|items, there, _| {
        there.extend(items);
        Err(CallError::Unanswered { path: "/x", why: "cut".into() })
    });
    assert_eq!(fake.ensure(0..10).await, Ok(vec![]));
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_waited_for_and_in_the_end_given_up() {
    let down = || Err(CallError::Unreachable("refused".into()));
    let fake = Fake::new(|items, there, call| {
        if call < 3 {
            return down();
        }
        there.extend(items);
        Ok(())
    });
    assert_eq!(fake.ensure(0..10).await, Ok(vec![]));
    let fake = Fake::new(|_, _, _| down());
    assert!(matches!(fake.ensure(0..10).await, Err(CallError::Unreachable(_))));
    assert_eq!(fake.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn trouble_of_the_servers_own_is_tried_again_and_then_is_a_failure_of_its_items() {
    let fake = Fake::new(|_, _, _| refused(500));
    assert_eq!(fake.ensure(0..4).await, Ok(vec![0, 1, 2, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_yes_that_a_cache_hides_for_seconds_is_waited_for_and_an_empty_one_is_not_believed() {
    struct Behind(Mutex<Option<tokio::time::Instant>>, bool);
    impl Many for Behind {
        type Item = u32;
        async fn act(&self, _: &Client, _: &[u32]) -> Result<(), CallError> {
            *self.0.lock().unwrap() = Some(tokio::time::Instant::now());
            Ok(())
        }
        async fn missing(&self, _: &Ask, items: Vec<u32>) -> Result<Vec<u32>, CallError> {
            let since = self.0.lock().unwrap().map(|at| at.elapsed());
            let shown = self.1 && since.is_some_and(|since| since > Duration::from_secs(5));
            Ok(if shown { vec![] } else { items })
        }
    }
    let login = Login::Token { token: SecretString::from("t"), admin_user: "imAdmin".into() };
    let client = Client::new(&Settings::new("http://127.0.0.1:1", login)).unwrap();
    let ask = Ask::new(&client, Patience::default());
    assert_eq!(ensure(&Behind(Mutex::default(), true), &ask, vec![1]).await, Ok(vec![]));
    let refused = ensure(&Behind(Mutex::default(), false), &ask, vec![1]).await.unwrap();
    assert_eq!(refused, [(1, NOT_SEEN.to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_stops() {
    let fake = Fake::new(|_, _, _| Err(LoginError::GivenToken.into()));
    assert!(matches!(fake.ensure(0..4).await, Err(CallError::Login(_))));
    assert_eq!(fake.calls(), 1);
}
