//! The rows of its tables: a user is there in four of them, and each is written by itself.

use super::super::answer::Refusal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is asked of whoever gives a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodeUse {
    /// The fixed code, as it is delivered.
    #[default]
    Fixed,
    /// A code that was sent; nobody ever got one here.
    Sent,
}

/// By which way somebody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    Account,
    Phone,
    Email,
}

impl Way {
    /// Its number in the table.
    const fn number(self) -> i32 {
        match self {
            Self::Account => 0,
            Self::Phone => 1,
            Self::Email => 2,
        }
    }
}

/// What is known of a user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Attribute {
    pub(super) account: String,
    pub(super) area_code: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) nickname: String,
    pub(super) face_url: String,
    pub(super) gender: i32,
    /// ms
    pub(super) birth: i64,
    pub(super) register_type: i32,
    /// Counts up with each user: the order in which the store has them.
    pub(super) place: u64,
}

/// A way in: one of a kind for each user, and unlike any other's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Credential {
    pub(super) user: String,
    pub(super) way: Way,
    pub(super) account: String,
}

/// Everything that is stored.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// With the password, as it was given.
    pub(super) accounts: BTreeMap<String, String>,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) credentials: Vec<Credential>,
    /// By what is typed at a login: places in `credentials`.
    by_account: BTreeMap<String, usize>,
    pub(super) default_friends: Vec<String>,
    pub(super) default_groups: Vec<String>,
    places: u64,
    /// Until when (ms) it uses the IM's admin token that it has.
    pub(super) im_token_until: i64,
}

/// What outlives a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Saved {
    accounts: BTreeMap<String, String>,
    attributes: BTreeMap<String, Attribute>,
    credentials: Vec<Credential>,
    default_friends: Vec<String>,
    default_groups: Vec<String>,
}

/// A user as the control path tells him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountEntry {
    /// His userID.
    #[serde(rename = "userID")]
    pub user: String,
    /// He has a password.
    pub password: bool,
    /// What he logs in with: account name, phone, e-mail.
    pub ways: Vec<String>,
    /// What he is said to have and can't log in with.
    pub broken: Vec<String>,
}

impl Rows {
    /// The row that a way in leads to.
    pub(super) fn credential(&self, account: &str) -> Option<&Credential> {
        self.by_account.get(account).map(|place| &self.credentials[*place])
    }

    /// Row after row, until one is refused: what was written before stays.
    pub(super) fn insert(&mut self, user: &str, password: &str, attribute: Attribute) -> Result<(), Refusal> {
        let mut ways = Vec::new();
        if !attribute.phone.is_empty() {
            ways.push((Way::Phone, phone(&attribute.area_code, &attribute.phone)));
        }
        if !attribute.account.is_empty() {
            ways.push((Way::Account, attribute.account.clone()));
        }
        if !attribute.email.is_empty() {
            ways.push((Way::Email, attribute.email.clone()));
        }
        self.places += 1;
        self.accounts.insert(user.to_owned(), password.to_owned());
        self.attributes.insert(user.to_owned(), Attribute { place: self.places, ..attribute });
        ways.into_iter().try_for_each(|(way, account)| self.add(user, way, account))
    }

    /// A way in; two alike are refused by the store itself.
    pub(super) fn add(&mut self, user: &str, way: Way, account: String) -> Result<(), Refusal> {
        if self.credentials.iter().any(|one| one.user == user && one.way == way) {
            let key = format!("user_id_1_type_1 dup key: {{ user_id: \"{user}\", type: {} }}", way.number());
            return Err(duplicate(&key));
        }
        if self.by_account.contains_key(&account) {
            return Err(duplicate(&format!("account_1 dup key: {{ account: \"{account}\" }}")));
        }
        self.by_account.insert(account.clone(), self.credentials.len());
        self.credentials.push(Credential { user: user.to_owned(), way, account });
        Ok(())
    }

    /// Another in the place of a way in, or a first one.
    pub(super) fn replace(&mut self, user: &str, way: Way, account: String) {
        match self.credentials.iter().position(|one| one.user == user && one.way == way) {
            None => drop(self.add(user, way, account)),
            Some(place) => {
                self.by_account.remove(&self.credentials[place].account);
                self.by_account.insert(account.clone(), place);
                self.credentials[place].account = account;
            }
        }
    }

    /// Takes him out, but for his ways in, which the real one forgets.
    pub(super) fn remove(&mut self, user: &str) {
        self.accounts.remove(user);
        self.attributes.remove(user);
    }

    pub(super) fn audit(&self) -> Vec<AccountEntry> {
        let of = |user: &String, (way, account): (Way, String)| {
            let here = self.credential(&account).is_some_and(|one| one.user == *user && one.way == way);
            (account, here)
        };
        self.attributes
            .iter()
            .map(|(user, known)| {
                let said = [
                    (Way::Account, known.account.clone()),
                    (Way::Phone, phone(&known.area_code, &known.phone)),
                    (Way::Email, known.email.clone()),
                ];
                let said = said.into_iter().filter(|(way, account)| match way {
                    Way::Phone => !known.phone.is_empty(),
                    _ => !account.is_empty(),
                });
                let (ways, broken): (Vec<_>, Vec<_>) =
                    said.map(|one| of(user, one)).partition(|(_, here)| *here);
                AccountEntry {
                    user: user.clone(),
                    password: self.accounts.get(user).is_some_and(|password| !password.is_empty()),
                    ways: ways.into_iter().map(|(account, _)| account).collect(),
                    broken: broken.into_iter().map(|(account, _)| account).collect(),
                }
            })
            .collect()
    }

    pub(super) fn saved(&self) -> Option<Saved> {
        let nothing =
            self.accounts.is_empty() && self.default_friends.is_empty() && self.default_groups.is_empty();
        (!nothing).then(|| Saved {
            accounts: self.accounts.clone(),
            attributes: self.attributes.clone(),
            credentials: self.credentials.clone(),
            default_friends: self.default_friends.clone(),
            default_groups: self.default_groups.clone(),
        })
    }

    pub(super) fn restore(&mut self, saved: Saved) {
        self.places = saved.attributes.values().map(|known| known.place).max().unwrap_or_default();
        self.by_account =
            saved.credentials.iter().enumerate().map(|(place, one)| (one.account.clone(), place)).collect();
        (self.accounts, self.attributes) = (saved.accounts, saved.attributes);
        (self.default_friends, self.default_groups) = (saved.default_friends, saved.default_groups);
        self.credentials = saved.credentials;
    }
}

/// What stands for a phone among the ways in.
pub(super) fn phone(area_code: &str, number: &str) -> String {
    format!("{area_code} {number}")
}

/// As the store says it: an error without a name of its own.
fn duplicate(key: &str) -> Refusal {
    let said = format!(
        "bulk write exception: write errors: [E11000 duplicate key error collection: openim_v3.credential index: {key}] mongo insert many"
    );
    Refusal { status: 200, code: 500, name: said.clone().into(), detail: said }
}
