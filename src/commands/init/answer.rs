//! What `init` says: for people, and as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::{Exit, Found};
use crate::export::{Source, unread};
use crate::finding::Severity;
use crate::init::{Survey, in_words, mask};
use crate::report::{count, plural};

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    command: &'static str,
    pub(super) verdict: String,
    format: &'a str,
    config: Option<&'a Path>,
    missing: &'a [&'static str],
    to_do: &'a [String],
    records: u64,
    messages: u64,
    conversations: usize,
    groups: usize,
    users: usize,
    left_out: BTreeMap<&'static str, u64>,
    unread: BTreeMap<&'static str, u64>,
    findings: BTreeMap<&'static str, u64>,
    exit_code: u8,
}

impl<'a> Answer<'a> {
    pub(super) fn new(found: &'a Found, output: &'a Path) -> Self {
        let survey = found.survey.as_ref().map(|(survey, _)| survey);
        Self {
            command: "init",
            verdict: verdict(found, output),
            format: &found.title,
            config: (output.as_os_str() != "-").then_some(output),
            missing: &found.missing,
            to_do: &found.to_do,
            records: survey.map_or(0, |survey| survey.records.count()),
            messages: survey.map_or(0, |survey| survey.messages),
            conversations: survey.map_or(0, Survey::conversations),
            groups: survey.map_or(0, Survey::groups),
            users: survey.map_or(0, Survey::users),
            left_out: survey.map(|survey| survey.left_out.clone()).unwrap_or_default(),
            unread: survey
                .map(|survey| survey.unread.by_reason().map(|(why, left)| (why, left.count)).collect())
                .unwrap_or_default(),
            findings: survey
                .map(|survey| survey.findings.iter().map(|(name, found)| (*name, found.count)).collect())
                .unwrap_or_default(),
            exit_code: Exit::Done.code(),
        }
    }
}

fn verdict(found: &Found, output: &Path) -> String {
    let file = output.display();
    let (messages, errors) =
        found.survey.as_ref().map_or((0, 0), |(survey, _)| (survey.messages, survey.errors()));
    match (found.to_do.len() as u64, errors, messages) {
        (0, 0, 0) => format!("Wrote {file}, but no record became a message: read what it says."),
        (0, 0, _) => format!("Wrote {file}. Next: openim-import check"),
        (0, errors, _) => {
            format!(
                "Wrote {file}; {} to mend, see above. Then: openim-import check",
                plural(errors, "error", "errors")
            )
        }
        (to_do, ..) => {
            format!(
                "Wrote {file}; {} to fill in, see above. Then: openim-import check",
                plural(to_do, "thing", "things")
            )
        }
    }
}

/// Counts, findings and three messages.
pub(super) fn described(survey: &Survey, sources: &[Source], assumed: Option<&str>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _infallible = write(&mut out, survey, sources, assumed);
    out
}

fn write(out: &mut String, survey: &Survey, sources: &[Source], assumed: Option<&str>) -> fmt::Result {
    write!(
        out,
        "\n{} in {} ({}), {}",
        plural(survey.messages, "message", "messages"),
        plural(survey.conversations() as u64, "conversation", "conversations"),
        plural(survey.groups() as u64, "group", "groups"),
        plural(survey.users() as u64, "user", "users")
    )?;
    if let Some((first, last)) = survey.times {
        write!(out, "\nfrom {} to {}", in_words(first), in_words(last))?;
    }
    writeln!(out)?;
    for (reason, n) in &survey.left_out {
        writeln!(out, "  left out: {reason} {}", count(*n))?;
    }
    for (reason, left) in survey.unread.by_reason() {
        let named: Vec<String> = left.first.iter().map(|name| format!("`{}`", mask(name))).collect();
        writeln!(
            out,
            "  not read: {} × {reason} ({}): {}{}",
            count(left.count),
            unread::words(reason),
            named.join(", "),
            if left.count > left.first.len() as u64 { ", …" } else { "" }
        )?;
    }
    for found in survey.findings.values() {
        let place = found.place.and_then(|place| {
            let source = sources.iter().find(|source| source.no == place.source)?;
            Some(format!("{}:{}", source.path, place.line))
        });
        let severity = match found.code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(out, "  {severity}: {} × {}: {}", count(found.count), found.code.name, found.code.means)?;
        match place {
            Some(place) => writeln!(out, "    first at {place}: {}", mask(&found.value))?,
            None => writeln!(out, "    {}", mask(&found.value))?,
        }
        writeln!(out, "    {}", found.code.mend)?;
    }
    if !survey.examples.is_empty() {
        let assumed = assumed.map(|assumed| format!(" ({assumed})")).unwrap_or_default();
        writeln!(out, "\nAs they would be sent{assumed}:")?;
    }
    for example in &survey.examples {
        writeln!(out, "{example}")?;
    }
    Ok(())
}
