//! A folder that holds several formats: each becomes a `[[source]]` with its own mapping, and all are read in one pass.

use std::collections::HashSet;
use std::path::Path;

use super::{
    Failure, Found, InitArgs, Known, known, look_at_known, look_at_unknown, plan_of_tables, read, unknown,
};
use crate::checks::Checker;
use crate::commands::intake::Intake;
use crate::commands::prepare::now;
use crate::commands::{Exit, OrFail};
use crate::export::{ExportError, lying};
use crate::formats::Apart;
use crate::init::{SourceTable, Survey, Template, media};
use crate::mapping::Key;
use crate::message::{Release, SourceNo};

/// Looks at each of them, and at all of them together.
pub(super) fn find(
    args: &InitArgs,
    apart: Vec<Apart>,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<Found, Failure> {
    let mut found = Found::default();
    found.notes.extend(beside(&args.sources, &apart).or_fail(Exit::Usage)?);
    let known_one = apart.iter().find_map(|apart| apart.format);
    let (mut tables, mut names) = (Vec::new(), Vec::new());
    for Apart { format, paths } in apart {
        let of_one = InitArgs { sources: paths, ..args.clone() };
        let name = name(format.map_or("own", |format| format.name()), &mut names);
        let template = if let Some(format) = format {
            let Known { template, to_do, .. } = look_at_known(&of_one, format, tick)?;
            found.to_do.extend(to_do.into_iter().map(|line| format!("{name}: {line}")));
            template
        } else {
            let (one, template, _) = look_at_unknown(&of_one, tick)?;
            let Some(template) = template.filter(has_messages) else {
                let paths = of_one.sources.join("`, `");
                let note =
                    "not read, nothing in it looks like messages; if there are, make a [[source]] of it";
                found.notes.push(format!("`{paths}`: {}; {note}", one.title));
                continue;
            };
            found.notes.extend(one.notes.into_iter().map(|note| format!("{name}: {note}")));
            found.to_do.extend(one.to_do.into_iter().map(|line| format!("{name}: {line}")));
            found.missing.extend(one.missing);
            found.open.extend(one.open);
            template
        };
        found.notes.push(format!("{name}: {}, in `{}`", template.title, template.sources.join("`, `")));
        tables.push(SourceTable { name, template });
    }
    if tables.is_empty() {
        return unknown(args, tick);
    }
    // One, and beside it nothing of messages.
    if let [one] = &tables[..] {
        let alone = match known_one {
            Some(format) => known(args, format, tick)?,
            None => unknown(&InitArgs { sources: one.template.sources.clone(), ..args.clone() }, tick)?,
        };
        found.notes.retain(|note| note.starts_with('`'));
        found.notes.extend(alone.notes);
        return Ok(Found { notes: found.notes, ..alone });
    }
    found.title = format!("{} exports of different formats", tables.len());
    let text = Template::of_several(&tables, &[]);
    // What is still open keeps it from being read.
    if found.missing.is_empty() && found.to_do.is_empty() {
        let Intake { mut reader, mapper } = plan_of_tables(&read(&text)?)?.open(SourceNo(0))?;
        let checker = Checker { now: now(), release: Release::default(), allow_large: false };
        let survey = Survey::of(&mut reader, &*mapper, checker, tick).or_fail(Exit::Usage)?;
        let text = Template::of_several(&tables, &media(&survey).into_iter().collect::<Vec<_>>());
        read(&text)?;
        found.text = Some(text);
        found.survey = Some((survey, reader.sources().to_vec()));
        return Ok(found);
    }
    read(&text)?;
    found.text = Some(text);
    Ok(found)
}

/// Whether a mapping was found with which records become messages, but perhaps for where they belong.
fn has_messages(template: &Template) -> bool {
    // What only has to be chosen is there.
    let has = |key| {
        template.guess.iter().any(|guess| {
            guess.fields.iter().any(|field| field.key == key)
                || guess.open.iter().any(|open| open.key == key && !open.choices.is_empty())
        })
    };
    [Key::SendTime, Key::SendId, Key::Text].into_iter().all(has)
}

/// What lies in the folders that were named and is in none of the exports: nothing is passed over without a word.
fn beside(sources: &[String], apart: &[Apart]) -> Result<Option<String>, ExportError> {
    /// So many are named.
    const SOME: usize = 12;
    // By their parts: `x/` is `x`.
    let read: HashSet<&Path> = apart.iter().flat_map(|apart| &apart.paths).map(Path::new).collect();
    let mut beside: Vec<String> = Vec::new();
    for folder in sources.iter().filter(|source| *source != "-" && !read.contains(Path::new(source))) {
        for one in lying(folder)?.unwrap_or_default() {
            if !read.contains(Path::new(&one.path)) {
                beside.push(format!("`{}`", one.path));
            }
        }
    }
    beside.sort();
    let more = beside.len().saturating_sub(SOME);
    beside.truncate(SOME);
    if more > 0 {
        beside.push(format!("{more} more"));
    }
    Ok((!beside.is_empty()).then(|| format!("beside them, not read: {}", beside.join(", "))))
}

/// `slack`, or `slack-2` where there is one already.
fn name(of: &str, names: &mut Vec<String>) -> String {
    let mut name = of.to_owned();
    let mut n = 1;
    while names.contains(&name) {
        n += 1;
        name = format!("{of}-{n}");
    }
    names.push(name.clone());
    name
}
