//! `import.toml`: every key is documented in `config.example.toml`, which is itself tested.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::timetable::{Deadline, Timetable};
use super::values::{MaxLag, Rate, Size, duration, loopback, max_lag};
use crate::message::Release;

/// The whole file. Unknown keys are refused: a misspelt one must not be silently ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportFile {
    /// Where it was read.
    #[serde(skip)]
    pub path: Option<PathBuf>,
    /// Folder of the job.
    pub job: Option<PathBuf>,
    /// Files, folders, globs; what is typed wins.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Exports that are read in one pass, each in its own way; instead of `sources`, `export`, `mapping` and `format`.
    #[serde(default)]
    pub source: Vec<SourceTable>,
    /// What `init` could not decide; nothing is read as long as a line stands here.
    #[serde(default)]
    pub to_do: Vec<String>,
    /// Whether files may have the same messages; `None`: they may.
    pub files_overlap: Option<bool>,
    /// How to read them.
    #[serde(default)]
    pub export: crate::export::Settings,
    /// How a record becomes messages.
    #[serde(default)]
    pub mapping: crate::mapping::Settings,
    /// Who is who.
    #[serde(default)]
    pub users: crate::mapping::people::Settings,
    /// What some exports do not say of themselves.
    #[serde(default)]
    pub format: crate::formats::About,
    /// Pictures, recordings and files of known formats.
    #[serde(default)]
    pub media: crate::formats::Media,
    /// What becomes of what OpenIM has no word for, in known formats.
    #[serde(default)]
    pub policy: crate::formats::Policy,
    /// What becomes of conversations in which people have written already.
    #[serde(default)]
    pub occupied: crate::mapping::occupied::Settings,
    /// What becomes of times.
    #[serde(default)]
    pub time: TimeSection,
    /// Where the server is.
    #[serde(default)]
    pub server: ServerSection,
    /// How to send.
    #[serde(default)]
    pub import: ImportSection,
    /// Accounts in the chat server.
    #[serde(default)]
    pub accounts: AccountsSection,
    /// What the export doesn't have: users, groups, friends, block lists, mutes, pins and bells.
    #[serde(default)]
    pub provision: crate::before::Files,
}

/// `[[source]]`: an export of several, and how it is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// Stands in front of the ids of its messages; with another one they would be other messages.
    pub name: String,
    /// Files, folders, globs.
    pub paths: Vec<String>,
    /// How to read them.
    #[serde(default)]
    pub export: crate::export::Settings,
    /// How a record becomes messages.
    #[serde(default)]
    pub mapping: crate::mapping::Settings,
    /// What some exports do not say of themselves.
    #[serde(default)]
    pub format: crate::formats::About,
}

/// `[server]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSection {
    /// Address of the API.
    pub api: Option<String>,
    /// The admin user.
    pub admin_user: Option<String>,
    /// A file whose first line is the secret.
    pub secret_file: Option<PathBuf>,
    /// A further certificate authority.
    pub ca: Option<PathBuf>,
    /// A proxy for all calls.
    pub proxy: Option<String>,
    /// The server's release.
    pub release: Option<Release>,
    /// Refused: a secret does not belong into a file that is shown around.
    secret: Option<secrecy::SecretString>,
}

/// `[accounts]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountsSection {
    /// Address of the chat server's admin API.
    pub api: Option<String>,
    /// Its address for apps.
    pub chat_api: Option<String>,
    /// The account of its admin.
    pub account: Option<String>,
    /// A file whose first line is the admin's password.
    pub password_file: Option<PathBuf>,
    /// The table of people.
    pub file: Option<PathBuf>,
    /// The area code of phones that have none.
    pub area_code: Option<String>,
    /// Refused: a password does not belong into a file that is shown around.
    password: Option<secrecy::SecretString>,
}

/// `[time]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "WrittenTimes")]
pub struct TimeSection {
    /// What becomes of messages that have the time of the one before them.
    pub equal: EqualTimes,
    /// What becomes of messages of a later pass that are older than what an earlier one had.
    pub older: OlderMessages,
    /// The file says `spread_equal`, as `equal` was called before.
    pub says_spread_equal: bool,
}

/// `[time]` as files have it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenTimes {
    equal: Option<EqualTimes>,
    older: OlderMessages,
    spread_equal: Option<bool>,
}

impl From<WrittenTimes> for TimeSection {
    fn from(written: WrittenTimes) -> Self {
        let WrittenTimes { equal, older, spread_equal } = written;
        let as_before = match spread_equal {
            Some(false) => EqualTimes::Keep,
            Some(true) | None => EqualTimes::Spread,
        };
        Self { equal: equal.unwrap_or(as_before), older, says_spread_equal: spread_equal.is_some() }
    }
}

/// Messages with the time of the one before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EqualTimes {
    /// Are sent a millisecond later.
    #[default]
    Spread,
    /// Keep it.
    Keep,
}

/// Messages of a later pass that are older than what an earlier one had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OlderMessages {
    /// More than an hour older, they are refused.
    #[default]
    Refuse,
    /// They go behind it, with times after the newest.
    Behind,
}

/// `[import]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportSection {
    /// Messages a second, at most.
    pub rate: Option<Rate>,
    /// When to send how fast.
    pub schedule: Option<Timetable>,
    /// The zone of `schedule` and `deadline`.
    pub clock: Option<String>,
    /// When to end in peace.
    pub deadline: Option<Deadline>,
    /// Whether a run can be spoken to.
    #[serde(default)]
    pub control: bool,
    /// Where its page is.
    #[serde(default, deserialize_with = "loopback")]
    pub ui: Option<SocketAddr>,
    /// Memory that the server's Redis may take.
    pub redis_memory: Option<Size>,
    /// Which conversations go first.
    pub order: Option<Order>,
    /// How much later than on the idle server messages may be stored because of a run.
    #[serde(default, deserialize_with = "max_lag")]
    pub max_lag: Option<MaxLag>,
    /// Calls under way at once.
    pub connections: Option<u16>,
    /// Send what can be sent and reject the rest.
    #[serde(default)]
    pub skip_invalid: bool,
    /// Send what is so large that a server may lose it and its neighbours.
    #[serde(default)]
    pub allow_large: bool,
    /// What happens to a conversation whose message is refused.
    #[serde(default)]
    pub on_reject: OnReject,
    /// When to stop waiting for a server that is down.
    #[serde(default, deserialize_with = "duration")]
    pub give_up: Option<Duration>,
    /// How long an unanswered call may still be on its way.
    #[serde(default, deserialize_with = "duration")]
    pub unanswered_wait: Option<Duration>,
    /// How long one call may take.
    #[serde(default, deserialize_with = "duration")]
    pub timeout: Option<Duration>,
}

/// Which conversations go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Those with the most left.
    Longest,
    /// Those written in last.
    Recent,
}

/// What happens to a conversation whose message the server refuses for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OnReject {
    /// Where it can be mended, the conversation waits at it; otherwise it goes on.
    #[default]
    Mendable,
    /// The message becomes a reject, the conversation goes on.
    Skip,
    /// The conversation waits at it.
    Hold,
}

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// It isn't what we expect; the line itself is not shown, it may hold a secret.
    #[error("{path}:{line}:{column}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The parser's words.
        message: String,
    },
    /// The secret stands in the file.
    #[error(
        "{0}: a secret does not belong into this file: put it into OPENIM_SECRET, or into a file of its own named by `secret_file`"
    )]
    SecretInFile(PathBuf),
    /// Sources that can't be together.
    #[error("{path}: {why}")]
    Sources {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the way out.
        why: String,
    },
    /// The password of the chat server's admin stands in the file.
    #[error(
        "{0}: a password does not belong into this file: put it into OPENIM_CHAT_PASSWORD, or into a file of its own named by `password_file`"
    )]
    PasswordInFile(PathBuf),
}

impl ImportFile {
    /// Reads the file; relative paths in it are meant from its folder.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = Self::parse(path, &fs_err::read_to_string(path)?)?;
        Ok(Self { path: Some(path.to_owned()), ..file })
    }

    /// The same for a text; `path` is how errors call it.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            ConfigError::Parse {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before.rsplit('\n').next().map_or(0, |s| s.chars().count()) + 1,
                message: error.message().trim().replace('\n', " "),
            }
        })?;
        if file.accounts.password.is_some() {
            return Err(ConfigError::PasswordInFile(path.to_owned()));
        }
        if file.server.secret.is_some() {
            return Err(ConfigError::SecretInFile(path.to_owned()));
        }
        file.sources_can_be().map_err(|why| ConfigError::Sources { path: path.to_owned(), why })?;
        Ok(file)
    }

    /// Whether it says what is to be read.
    pub fn names_sources(&self) -> bool {
        !self.sources.is_empty() || !self.source.is_empty()
    }

    /// Beside `[[source]]` tables nothing may say how "the" sources are read: it would have no effect.
    fn sources_can_be(&self) -> Result<(), String> {
        if self.source.is_empty() {
            return Ok(());
        }
        let beside = [
            ("sources", !self.sources.is_empty()),
            ("[export]", self.export != crate::export::Settings::default()),
            ("[mapping]", self.mapping != crate::mapping::Settings::default()),
            ("[format]", self.format != crate::formats::About::default()),
        ];
        if let Some((key, _)) = beside.iter().find(|(_, is_set)| *is_set) {
            return Err(format!(
                "`{key}` has no effect beside [[source]] tables: put it into them, as `paths`, [source.export], \
                 [source.mapping] or [source.format]"
            ));
        }
        let mut names = std::collections::HashSet::new();
        for SourceTable { name, paths, .. } in &self.source {
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(legal) {
                return Err(format!(
                    "`name` of a [[source]] can't be `{name}`: letters, digits, `-` and `_`"
                ));
            }
            if !names.insert(name) {
                return Err(format!(
                    "two [[source]] tables are called `{name}`: the ids of their messages begin with it"
                ));
            }
            if paths.is_empty() {
                return Err(format!("the [[source]] `{name}` has no `paths`"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        ImportFile::parse(Path::new("import.toml"), text).unwrap_err().to_string()
    }

    /// The example with every key, also those that are commented out.
    fn example() -> String {
        let text = include_str!("../../config.example.toml");
        let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ");
        text.lines().map(|line| if is_key(line) { &line[1..] } else { line }.to_owned() + "\n").collect()
    }

    #[test]
    fn the_example_loads_and_its_values_are_the_defaults() {
        let shown = ImportFile::parse(Path::new("x"), include_str!("../../config.example.toml")).unwrap();
        assert_eq!(format!("{shown:?}"), format!("{:?}", ImportFile::default()));
        ImportFile::parse(Path::new("x"), &example()).unwrap();
    }

    #[test]
    fn the_example_names_every_key() {
        let sections = [
            "",
            "[export]",
            "[export.csv]",
            "[mapping]",
            "[mapping.fields]",
            "[mapping.fields.sendTime]",
            "[[mapping.leave_out]]",
            "[format]",
            "[media]",
            "[[media.tokens]]",
            "[media.placeholder]",
            "[policy]",
            "[users]",
            "[occupied]",
            "[time]",
            "[server]",
            "[provision]",
            "[accounts]",
            "[import]",
        ];
        let example = example();
        for section in sections {
            let error = error(&format!("{section}\nno_such_key = 1\n"));
            let expected = error.split("expected").nth(1).unwrap_or_else(|| panic!("{section}: {error}"));
            // The names in backticks, once past `one of` and the like.
            let start = if section.is_empty() {
                0
            } else {
                example
                    .find(&format!("{section} "))
                    .or_else(|| example.find(&format!("{section}\n")))
                    .unwrap_or_else(|| panic!("{section}"))
            };
            let keys: Vec<&str> = expected
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|key| !matches!(*key, "secret" | "password"))
                .collect();
            assert!(!keys.is_empty(), "{error}");
            for key in keys {
                let named =
                    [format!("\n{key} ="), format!("\n[{key}]"), format!(".{key}]"), format!("{key}.")];
                assert!(
                    section == "[mapping.fields]" || named.iter().any(|name| example[start..].contains(name)),
                    "{section} {key}"
                );
            }
        }
    }

    #[test]
    fn the_several_sources_of_the_example_load() {
        let text = include_str!("../../config.example.toml");
        let shown: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
        let shown = shown.join("\n");
        let file =
            ImportFile::parse(Path::new("x"), &shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
        assert_eq!(file.source.len(), 2, "{shown}");
    }

    #[test]
    fn sources_stand_in_one_place_each_under_a_name() {
        let source = |name: &str| format!("[[source]]\nname = \"{name}\"\npaths = [\"x\"]\n");
        let two = format!("{}[source.format]\nzone = \"UTC\"\n{}", source("a"), source("b"));
        let file = ImportFile::parse(Path::new("x"), &two).unwrap();
        assert_eq!(file.source[0].format.zone.as_deref(), Some("UTC"));
        assert!(file.names_sources());
        for (text, why) in [
            (format!("sources = [\"y\"]\n{two}"), "`sources` has no effect beside [[source]]"),
            (format!("[format]\nzone = \"UTC\"\n{two}"), "`[format]` has no effect"),
            (format!("[mapping]\nzone = \"UTC\"\n{two}"), "`[mapping]` has no effect"),
            (format!("[export]\nrecords = [\"a\"]\n{two}"), "`[export]` has no effect"),
            (format!("{two}{}", source("a")), "two [[source]] tables are called `a`"),
            (source("a b"), "`name` of a [[source]] can't be `a b`"),
            (source("a").replace("[\"x\"]", "[]"), "the [[source]] `a` has no `paths`"),
            (source("a").replace("name", "nam"), "unknown field `nam`"),
        ] {
            assert!(error(&text).contains(why), "{text}: {}", error(&text));
        }
    }

    #[test]
    fn files_from_before_say_spread_equal() {
        let time = |text: &str| ImportFile::parse(Path::new("x"), &format!("[time]\n{text}")).unwrap().time;
        assert_eq!((time("").equal, time("").says_spread_equal), (EqualTimes::Spread, false));
        for (text, equal) in [
            ("spread_equal = true", EqualTimes::Spread),
            ("spread_equal = false", EqualTimes::Keep),
            ("spread_equal = false\nequal = \"spread\"", EqualTimes::Spread),
        ] {
            assert_eq!((time(text).equal, time(text).says_spread_equal), (equal, true), "{text}");
        }
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_line() {
        let error = error("[server]\napi = \"http://x\"\nadmin_usr = \"a\"\n");
        assert!(error.starts_with("import.toml:3:1: unknown field `admin_usr`"), "{error}");
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_not_shown() {
        for text in
            ["[server]\nsecret = \"hush\"", "[server]\nsecrets = \"hush\"", "[server]\nsecret = [\"hush\"]"]
        {
            let error = error(text);
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
