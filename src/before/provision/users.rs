//! Users.

use std::collections::HashSet;

use crate::message::UserId;
use crate::openim::{CallError, Client, NewUser};

use super::super::ask::Ask;
use super::ensure::{self, Many};
use super::{Done, Thing, UserRow};

/// So many in one call; the real servers took 3,000.
pub(super) const AT_ONCE: usize = 1_000;

/// Sees to it that these users exist.
pub(super) async fn ensure(ask: &Ask, rows: Vec<UserRow>, dry: bool) -> Result<Done, CallError> {
    let mut done = Done::default();
    let mut seen = HashSet::new();
    let mut users = Vec::with_capacity(rows.len());
    for row in rows {
        // An id twice fails the whole call (1001).
        if !seen.insert(row.id.clone()) {
            continue;
        }
        // What is not legal fails the call for all.
        if UserId::is_legal(&row.id) {
            let nickname = if row.nickname.trim().is_empty() { row.id.clone() } else { row.nickname };
            users.push(NewUser { id: row.id, nickname, face_url: row.face_url });
        } else {
            done.failed(Thing::User(row.id), "a userID holds letters, digits and `_` only");
        }
    }
    let legal = users.len();
    let missing = Register.missing(ask, users).await?;
    done.counts.users.there += (legal - missing.len()) as u64;
    ensure::settle(&Register, ask, missing, (dry, &mut done), |user| Thing::User(user.id.clone())).await?;
    Ok(done)
}

struct Register;

impl Many for Register {
    type Item = NewUser;

    async fn act(&self, client: &Client, users: &[NewUser]) -> Result<(), CallError> {
        client.register(users).await
    }

    async fn missing(&self, ask: &Ask, users: Vec<NewUser>) -> Result<Vec<NewUser>, CallError> {
        let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
        let exist = ask.read(|client| client.users_exist(&ids)).await?;
        Ok(users.into_iter().zip(exist).filter(|(_, exists)| !exists).map(|(user, _)| user).collect())
    }
}
