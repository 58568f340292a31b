//! Whether somebody can log in: not by what he is said to have, but by what the server takes for known.

use std::collections::BTreeMap;
use std::fmt;

use super::look::{Looker, side_by_side};
use crate::openim::{Account, CallError, Way};

/// Whether somebody can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// With these; and with a password, if the table has one, else with a code or a password set anew.
    Can {
        /// Ways in.
        with: Vec<String>,
        /// The table has a password.
        password: bool,
    },
    /// Neither e-mail nor phone.
    NoContact,
    /// No account, and nobody asked for one.
    NotListed,
    /// He is there, and the ways in that he is said to have lead nowhere.
    Half(String),
    /// The chat server refused him.
    Failed(String),
}

impl Login {
    /// He can.
    pub fn can(&self) -> bool {
        matches!(self, Self::Can { .. })
    }

    /// In one word, to count by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Can { password: true, .. } => "with a password",
            Self::Can { password: false, .. } => "with a code, or a password that is set anew",
            Self::NoContact => "no e-mail and no phone",
            Self::NotListed => "no account: not in the table of people",
            Self::Half(_) => "half an account",
            Self::Failed(_) => "refused by the chat server",
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Can { with, .. } => write!(f, "{}; {}", with.join(", "), self.kind()),
            Self::NoContact | Self::NotListed => f.write_str(self.kind()),
            Self::Half(why) | Self::Failed(why) => write!(f, "{}: {why}", self.kind()),
        }
    }
}

/// The ways in that an account is said to have.
pub(super) fn ways(account: &Account) -> Vec<Way> {
    let email = (!account.email.is_empty()).then(|| Way::Email(account.email.clone()));
    let phone = (!account.phone_number.is_empty())
        .then(|| Way::Phone(account.area_code.clone(), account.phone_number.clone()));
    let name = (!account.account.is_empty()).then(|| Way::Account(account.account.clone()));
    [email, phone, name].into_iter().flatten().collect()
}

impl Looker {
    /// Whether these can log in, each with whether the table has a password for him.
    pub(super) async fn prove(
        &self,
        accounts: Vec<(Account, bool)>,
    ) -> Result<BTreeMap<String, Login>, CallError> {
        let mut logins = BTreeMap::new();
        let looker = self.clone();
        let work = move |(account, password): (Account, bool)| {
            let looker = looker.clone();
            async move {
                let login = looker.prove_one(&account, password).await?;
                Ok((account.user, login))
            }
        };
        side_by_side(accounts, work, |(user, login)| {
            logins.insert(user, login);
        })
        .await?;
        Ok(logins)
    }

    /// The same for one.
    pub(super) async fn prove_one(&self, account: &Account, password: bool) -> Result<Login, CallError> {
        let (mut with, mut broken) = (Vec::new(), Vec::new());
        for way in ways(account) {
            let known = self.read(|| self.chat.knows(&way)).await?;
            if known { with.push(way.to_string()) } else { broken.push(way.to_string()) }
        }
        if with.is_empty() {
            let said =
                if broken.is_empty() { "nothing to log in with".to_owned() } else { broken.join(", ") };
            return Ok(Login::Half(format!(
                "the chat server has him with {said}, which leads nowhere; no call mends that: his rows have to be taken \
                 out of its database (docs/accounts.md), then the same command makes him"
            )));
        }
        Ok(Login::Can { with, password })
    }
}
