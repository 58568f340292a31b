//! Which findings stop the run, and how they read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::finding::{Code, Finding, Severity};

use super::codes::{self, CODES, can_be_allowed, code};

/// Findings the user goes on in spite of (`--allow CODE`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(BTreeSet<&'static str>);

/// A name given to `--allow` that stands for nothing, or for what can't be allowed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowError {
    /// No finding has that name.
    #[error("--allow `{name}`: no finding is called so; there are {known}", known = known())]
    Unknown {
        /// What was given.
        name: String,
    },
    /// It stands against everything.
    #[error("--allow `{0}`: this one can't be allowed, it has to be mended")]
    Never(&'static str),
}

fn known() -> String {
    let names: Vec<&str> = CODES.iter().filter(|code| can_be_allowed(code)).map(|code| code.name).collect();
    names.join(", ")
}

impl Allowed {
    /// From the names given to `--allow`.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, AllowError> {
        names
            .into_iter()
            .map(|name| match code(name.as_ref()) {
                Some(code) if can_be_allowed(code) => Ok(code.name),
                Some(code) => Err(AllowError::Never(code.name)),
                None => Err(AllowError::Unknown { name: name.as_ref().to_owned() }),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether it was given.
    pub fn contains(&self, code: &Code) -> bool {
        self.0.contains(code.name)
    }

    /// Whether a history may go behind what people have written later than it begins.
    pub fn lets_go_behind_newer(&self) -> bool {
        self.contains(&codes::WOULD_NOT_SCROLL)
    }

    /// Whether messages may be refused that could be sent if something were put right first.
    pub fn lets_be_refused(&self) -> bool {
        use codes::{
            BLOCKED, FRIEND_CHECK, GROUP_MUTED, MEMBER_MUTED, MISSING_GROUPS, MISSING_USERS, NOT_MEMBERS,
            WEBHOOKS,
        };
        [
            &MISSING_USERS,
            &MISSING_GROUPS,
            &NOT_MEMBERS,
            &BLOCKED,
            &GROUP_MUTED,
            &MEMBER_MUTED,
            &FRIEND_CHECK,
            &WEBHOOKS,
        ]
        .iter()
        .any(|code| self.contains(code))
    }

    /// Whether this finding stops the run (exit 6).
    pub fn refuses(&self, finding: &Finding) -> bool {
        finding.code.severity == Severity::Error && !self.contains(finding.code)
    }
}

/// One finding in lines of its own: what, seen, how to mend it, how to go on all the same.
pub fn text(finding: &Finding, allowed: &Allowed) -> String {
    let Code { name, severity, means, mend } = *finding.code;
    let word = match severity {
        _ if allowed.contains(finding.code) => "allowed",
        Severity::Error => "refused",
        Severity::Warning => "warning",
    };
    let mut out = format!("{word} {name}: {means}\n");
    let mut line = |what: &str, text: &str| {
        // Writing to a String cannot fail.
        let _infallible = writeln!(out, "    {what:<6}{text}");
    };
    if !finding.value.is_empty() {
        line("seen:", &finding.value);
    }
    line("mend:", mend);
    if allowed.refuses(finding) && can_be_allowed(finding.code) {
        line("or:", &format!("--allow {name}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::before::codes;

    fn finding(code: &'static Code) -> Finding {
        Finding { code, place: None, value: "3 of 9".into() }
    }

    #[test]
    fn an_error_stops_unless_it_is_allowed_and_a_warning_never_does() {
        let none = Allowed::default();
        let allowed = Allowed::new(["retention"]).unwrap();
        assert!(none.refuses(&finding(&codes::RETENTION)));
        assert!(!allowed.refuses(&finding(&codes::RETENTION)));
        assert!(allowed.refuses(&finding(&codes::MISSING_USERS)));
        assert!(!none.refuses(&finding(&codes::NO_BACKUP)));
    }

    #[test]
    fn names_are_checked() {
        let unknown = Allowed::new(["retentoin"]).unwrap_err().to_string();
        assert!(unknown.starts_with("--allow `retentoin`: no finding") && unknown.contains(", retention,"));
        assert_eq!(Allowed::new(["not-openim"]), Err(AllowError::Never("not-openim")));
    }

    #[test]
    fn how_findings_read() {
        insta::assert_snapshot!(text(&finding(&codes::RATE_LIMITER), &Allowed::default()), @r"
        warning rate-limiter: the server limits the rate of calls (429): the import adapts, and takes longer
            seen: 3 of 9
            mend: switch `ratelimiter` off in the server's openim-api.yml until the history is there
        ");
        insta::assert_snapshot!(text(&finding(&codes::WEBHOOKS), &Allowed::default()), @r"
        refused webhooks: the server calls webhooks for every message: a bot behind them would see, answer or refuse the whole history
            seen: 3 of 9
            mend: switch them off in the server's webhooks.yml until the history is there
            or:   --allow webhooks
        ");
    }
}
