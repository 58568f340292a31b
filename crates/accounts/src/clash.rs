//! Two who would meet: the same userID, e-mail, phone or account, in the table or with somebody who is there.

use std::collections::HashMap;

use super::person::{Person, Wrong};
use super::phone::Phone;

/// Somebody of the table who would meet somebody of the server.
pub type Clash = Wrong;

/// What is taken on the server, and by whom.
#[derive(Debug, Default)]
pub struct Taken {
    ways: HashMap<Key, String>,
}

/// What may stand there once. E-mails that differ in their capitals alone count as the same: to the server they are
/// two, to people one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    User(String),
    Email(String),
    Phone(Phone),
    Account(String),
}

impl Key {
    fn shown(&self, written: &Person) -> String {
        match self {
            Self::User(user) => format!("userID `{user}`"),
            Self::Email(_) => format!("e-mail `{}`", written.email),
            Self::Phone(phone) => format!("phone `{} {}`", phone.area_code, phone.number),
            Self::Account(account) => format!("account `{account}`"),
        }
    }
}

impl Taken {
    /// Notes what somebody on the server has; empty texts are nothing.
    pub fn add(&mut self, user: &str, email: &str, area_code: &str, number: &str, account: &str) {
        let phone = Phone { area_code: area_code.to_owned(), number: number.to_owned() };
        let keys = [
            (!email.is_empty()).then(|| Key::Email(email.to_ascii_lowercase())),
            (!number.is_empty()).then_some(Key::Phone(phone)),
            (!account.is_empty()).then(|| Key::Account(account.to_owned())),
        ];
        for key in keys.into_iter().flatten() {
            self.ways.entry(key).or_insert_with(|| user.to_owned());
        }
    }

    /// Whether an account is somebody else's.
    pub fn has_account(&self, account: &str, user: &str) -> bool {
        self.ways.get(&Key::Account(account.to_owned())).is_some_and(|other| other != user)
    }
}

fn ways(person: &Person) -> impl Iterator<Item = Key> {
    let email = (!person.email.is_empty()).then(|| Key::Email(person.email.to_ascii_lowercase()));
    let phone = person.phone.clone().map(Key::Phone);
    let account = (!person.account.is_empty()).then(|| Key::Account(person.account.clone()));
    [email, phone, account].into_iter().flatten()
}

/// Those of the table who have something that stands in an earlier line.
pub fn among(people: &[Person]) -> Vec<Clash> {
    let mut seen: HashMap<Key, &Person> = HashMap::new();
    let mut clashes = Vec::new();
    for person in people {
        for key in std::iter::once(Key::User(person.user.clone())).chain(ways(person)) {
            let Some(before) = seen.get(&key) else {
                seen.insert(key, person);
                continue;
            };
            let same_text = !matches!(key, Key::Email(_)) || before.email == person.email;
            let how = if same_text { "" } else { " (but for capitals, which people mix up)" };
            let why = match key {
                Key::User(_) => format!(
                    "{} stands in line {} already: one line for each person",
                    key.shown(person),
                    before.line
                ),
                _ => format!(
                    "{} of `{}` is that of `{}` in line {}{how}: the second would become half a user who can't log in; \
                     give one of them another, or leave it empty",
                    key.shown(person),
                    person.user,
                    before.user,
                    before.line
                ),
            };
            clashes.push(Clash { line: person.line, why });
        }
    }
    clashes
}

/// Those of the table who have something that somebody else has on the server; `made_up`: accounts that were made of
/// userIDs as well.
pub fn with<'p>(people: impl Iterator<Item = &'p Person>, taken: &Taken, made_up: bool) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for person in people {
        let counts = |key: &Key| made_up || person.account_given || !matches!(key, Key::Account(_));
        for key in ways(person).filter(counts) {
            if let Some(other) = taken.ways.get(&key).filter(|other| **other != person.user) {
                let why = format!(
                    "{} of `{}` is taken on the chat server by `{other}`: a second user with it would be half a user \
                     who can't log in; are the two the same person? Give one of them another, or leave it empty",
                    key.shown(person),
                    person.user
                );
                clashes.push(Clash { line: person.line, why });
            }
        }
    }
    clashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(line: u64, user: &str, email: &str, phone: Option<(&str, &str)>, account: &str) -> Person {
        let phone = phone.map(|(area, number)| Phone { area_code: area.into(), number: number.into() });
        Person {
            line,
            user: user.into(),
            nickname: user.into(),
            face_url: String::new(),
            email: email.into(),
            phone,
            account: account.into(),
            account_given: true,
            password: None,
        }
    }

    #[test]
    fn what_stands_twice_is_named_with_both_lines() {
        let people = [
            person(2, "ann", "ann@e.example", Some(("+49", "170")), "ann"),
            person(3, "bea", "Ann@E.example", None, "bea"),
            person(4, "cat", "", Some(("+49", "170")), "Ann"),
            person(5, "dan", "dan@e.example", Some(("+1", "170")), "ann"),
            person(6, "ann", "", None, "ann2"),
        ];
        let clashes: Vec<String> =
            among(&people).into_iter().map(|c| format!("{}: {}", c.line, c.why)).collect();
        assert_eq!(clashes.len(), 4, "{clashes:#?}");
        assert!(
            clashes[0].starts_with("3: e-mail `Ann@E.example` of `bea` is that of `ann` in line 2 (but for")
        );
        assert!(clashes[1].starts_with("4: phone `+49 170` of `cat` is that of `ann` in line 2: the second"));
        assert!(clashes[2].starts_with("5: account `ann` of `dan`"));
        assert!(clashes[3].starts_with("6: userID `ann` stands in line 2 already"));
    }

    #[test]
    fn what_is_ones_own_is_no_clash() {
        let mut taken = Taken::default();
        taken.add("ann", "ann@e.example", "+49", "170", "ann");
        let people = [
            person(2, "ann", "ann@e.example", Some(("+49", "170")), "ann"),
            person(3, "bea", "", None, "ann"),
        ];
        let clashes = with(people.iter(), &taken, true);
        assert_eq!(clashes.len(), 1);
        assert!(clashes[0].why.starts_with("account `ann` of `bea` is taken on the chat server by `ann`"));
        assert!(taken.has_account("ann", "bea") && !taken.has_account("ann", "ann"));
    }
}
