//! What `import.toml` needs for an export of a known format: what its findings ask for, and nothing else.

use super::document::{Document, string};
use super::survey::Survey;
use crate::formats::{About, Format};

/// Sections of `import.toml`, and what the user has to fill in before anything can be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// `[format]`.
    pub sections: Vec<Document>,
    /// A sentence for each thing that is missing.
    pub to_do: Vec<String>,
    /// What a look at the messages has to assume, because it is missing.
    pub assumed: Assumed,
}

/// Assumed for a look at messages, and never written down.
#[expect(clippy::struct_excessive_bools, reason = "each is assumed or not, whatever the others are")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assumed {
    /// Times are UTC.
    pub utc: bool,
    /// The day comes first.
    pub day_first: bool,
    /// Chats are groups.
    pub groups: bool,
    /// Groups of one name are one.
    pub one_group: bool,
}

impl Assumed {
    /// In words; `None` if nothing is assumed.
    pub fn words(self) -> Option<String> {
        let all = [
            (self.utc, "times were UTC"),
            (self.day_first, "the day came first"),
            (self.groups, "unknown chats were groups"),
            (self.one_group, "groups of one name were one"),
        ];
        let said: Vec<&str> = all.into_iter().filter_map(|(is, words)| is.then_some(words)).collect();
        (!said.is_empty()).then(|| format!("as if {}", said.join(" and ")))
    }
}

/// What findings ask for: their code, the key of `[format]`, an example, and what it is.
const ASKED: &[(&str, &str, &str, &str)] = &[
    (
        "zone-missing",
        "zone",
        "Asia/Shanghai",
        "The times are those of the device that made the export, which does not say where it was",
    ),
    (
        "date-order-unknown",
        "date_order",
        "dmy",
        "No date tells whether the day (\"dmy\") or the month (\"mdy\") comes first",
    ),
    (
        "peer-unknown",
        "self",
        "Ann",
        "Who made the export can't be told: the id or name that it uses for them",
    ),
    (
        "chat-kind-unknown",
        "chat",
        "direct",
        "Nothing tells whether some chats are of two people (\"direct\") or a group (\"group\")",
    ),
    (
        "groups-of-one-name",
        "same_name",
        "one",
        "Several files call their groups the same and share no messages: is it one group (\"one\"), or is each a group of its \
         own (\"apart\")",
    ),
    (
        "conversation-unknown",
        "chat_name",
        "General",
        "Nothing tells in which chat some messages were written",
    ),
];

/// What an export of that format needs, by what a survey of it found. `given` was typed and is written as it is.
pub fn needs(format: Format, given: &About, survey: &Survey) -> Needs {
    let mut needs = Needs::default();
    let mut section = Document::default();
    section.header("[format]");
    section.set("name", &string(format.name()));
    for (key, value) in [("zone", &given.zone), ("self", &given.me)] {
        if let Some(value) = value {
            section.set(key, &string(value));
        }
    }
    for (code, key, example, what) in ASKED {
        if let Some(found) = survey.findings.get(code) {
            section.comment(&format!("{what}."));
            section.hint(key, &string(example));
            needs.to_do.push(format!("{key} in [format]: {what} ({} ×)", crate::numbers::count(found.count)));
        }
    }
    needs.sections.push(section);
    needs.assumed.utc = survey.findings.contains_key("zone-missing");
    needs.assumed.day_first = survey.findings.contains_key("date-order-unknown");
    needs.assumed.groups = survey.findings.contains_key("chat-kind-unknown");
    needs.assumed.one_group = survey.findings.contains_key("groups-of-one-name");
    needs
}

/// `[media]` and `[users]`, by a survey in which nothing is missing or it is assumed: what has no time has no
/// people and no media either.
pub fn media_and_users(survey: &Survey) -> impl Iterator<Item = Document> {
    media(survey).into_iter().chain(users(survey))
}

/// `[users]`, where ids had to be translated.
fn users(survey: &Survey) -> Option<Document> {
    let (source_id, openim_id) = survey.renamed_example.as_ref()?;
    let mut section = Document::default();
    section.header("[users]");
    section.comment(&format!(
        "{} can't be OpenIM's, which are letters, digits and `_`: `{source_id}` becomes `{openim_id}`.",
        crate::numbers::plural(
            survey.renamed.len() as u64,
            "id of a user or group",
            "ids of users and groups"
        ),
    ));
    section.comment(
        "To give them other ids: `openim-import users --output users.csv` after a check, edit it, and name it here.",
    );
    section.example("file = \"users.csv\"");
    Some(section)
}

/// `[media]`, where links expire, need a secret, or are none.
pub fn media(survey: &Survey) -> Option<Document> {
    const CODES: [(&str, &str); 5] = [
        ("media-link-expires", "have links that end some day"),
        ("media-link-needs-secret", "have links that need a secret"),
        ("media-local", "lie next to the export and have no link"),
        ("media-absent", "are named, and not there"),
        ("media-incomplete", "lack a width, duration, size or preview"),
    ];
    let said: Vec<String> = CODES
        .iter()
        .filter_map(|(code, what)| {
            survey.findings.get(code).map(|found| format!("{} {what}", crate::numbers::count(found.count)))
        })
        .collect();
    if said.is_empty() {
        return None;
    }
    let mut section = Document::default();
    section.header("[media]");
    section.comment(&format!("Of the pictures, recordings and files {}.", said.join(", ")));
    section.comment(
        "`openim-import media` and `run --media` upload them (--fetch: those behind links too); or put them where everybody \
         can read them, and say where. Without that they become texts.",
    );
    section
        .example("base_url = \"https://files.example.com/export\"   # their path in the export is appended");
    section.example("table = \"media.csv\"                             # or: path,url of each");
    Some(section)
}
