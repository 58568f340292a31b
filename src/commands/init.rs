//! `init`: looks at an export, says what it is, and writes `import.toml`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::context::{note, print};
use super::intake::{self, Intake};
use super::prepare::now;
use super::{Exit, Failure, OrFail};
use crate::checks::Checker;
use crate::cli::Common;
use crate::config::ImportFile;
use crate::export::Source;
use crate::init::{Guess, Survey, Template, Unknown, is_native, look, plural};
use crate::message::{Release, SourceNo};
use crate::report::{bytes, count};

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Files, folders, archives or globs of the export
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<String>,
    /// Insist on a format instead of recognising it
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Where to write the configuration; `-` prints it
    #[arg(long, short, value_name = "FILE", default_value = "import.toml")]
    pub output: PathBuf,
    /// Overwrite it if it is there
    #[arg(long)]
    pub force: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    command: &'static str,
    verdict: String,
    format: &'a str,
    config: Option<&'a Path>,
    missing: Vec<&'static str>,
    messages: u64,
    conversations: usize,
    groups: usize,
    users: usize,
    left_out: std::collections::BTreeMap<&'static str, u64>,
    findings: std::collections::BTreeMap<&'static str, u64>,
    exit_code: u8,
}

/// Looks at the export and writes the configuration.
pub(super) fn init(args: &InitArgs, common: &Common) -> Result<Exit, Failure> {
    let to_stdout = args.output.as_os_str() == "-";
    if !to_stdout && !args.force && args.output.exists() {
        let text = format!(
            "`{}` is there already; --force overwrites it, --output names another",
            args.output.display()
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    if args.sources.iter().any(|source| source == "-") {
        return Err(Failure::new(
            Exit::Usage,
            "init reads an export more than once: give it files, not standard input",
        ));
    }
    let quiet = common.quiet || to_stdout || common.json;
    let say = |text: &str| if to_stdout || common.json { note(text) } else { print(text) };
    let Looked { title, template, guess, shape, notes, config } = recognise(args, &mut ticker(quiet))?;
    say(&title)?;
    if let Some(shape) = &shape {
        say(&format!("\n{shape}"))?;
    }
    for line in &notes {
        say(&format!("  note: {line}"))?;
    }
    let Some(config) = config else {
        return Err(Failure::new(Exit::Usage, "nothing was written: there are no records to map"));
    };
    let open = guess.as_ref().map(|guess| guess.open.as_slice()).unwrap_or_default();
    let checker = Checker { now: now(), release: Release::default() };
    let mut survey = Survey::new(checker);
    if open.is_empty() {
        match intake::open(&config, &args.sources, SourceNo(0)) {
            Ok(Intake { mut reader, mapper }) => {
                survey =
                    Survey::of(&mut reader, &*mapper, checker, &mut ticker(quiet)).or_fail(Exit::Usage)?;
                say(&described(&survey, reader.sources()))?;
            }
            Err(failure) => say(&format!("\nSTILL TO DO: {:#}", failure.error))?,
        }
    } else {
        say("\nSTILL TO DO, in the file:")?;
        for open in open {
            say(&format!("  {}: {}", open.key.name(), open.note))?;
        }
    }
    if to_stdout {
        print(&template)?;
    } else {
        fs_err::write(&args.output, &template).or_fail(Exit::Usage)?;
    }
    let verdict = verdict(args, &survey, open.len());
    if common.json {
        let answer = Answer {
            command: "init",
            verdict,
            format: &title,
            config: (!to_stdout).then_some(args.output.as_path()),
            missing: open.iter().map(|open| open.key.name()).collect(),
            messages: survey.messages,
            conversations: survey.conversations(),
            groups: survey.groups(),
            users: survey.users(),
            left_out: survey.left_out.clone(),
            findings: survey.findings.iter().map(|(name, found)| (*name, found.count)).collect(),
            exit_code: Exit::Done.code(),
        };
        print(&serde_json::to_string(&answer).or_fail(Exit::Internal)?)?;
    } else {
        say(&format!("\n{verdict}"))?;
    }
    Ok(Exit::Done)
}

/// What an export was found to be.
struct Looked {
    title: String,
    /// `import.toml`.
    template: String,
    /// The same, read.
    config: Option<ImportFile>,
    guess: Option<Guess>,
    shape: Option<String>,
    notes: Vec<String>,
}

fn recognise(args: &InitArgs, tick: &mut dyn FnMut(u64, u64)) -> Result<Looked, Failure> {
    if is_native(&args.sources).or_fail(Exit::Usage)? {
        let title = "The native format: it needs no mapping".to_owned();
        let template =
            Template { title: title.clone(), sources: args.sources.clone(), ..Template::default() };
        return looked(template, Vec::new(), None);
    }
    let Unknown { title, export, guess, shape, notes } = look(&args.sources, tick).or_fail(Exit::Usage)?;
    let template = Template {
        title,
        sources: args.sources.clone(),
        export,
        translate: guess.as_ref().and_then(|guess| guess.translate.clone()),
        guess,
        ..Template::default()
    };
    looked(template, notes, shape)
}

/// What is written must be readable.
fn looked(template: Template, mut notes: Vec<String>, shape: Option<String>) -> Result<Looked, Failure> {
    let text = template.text();
    let Template { title, guess, sections, .. } = template;
    let nothing = guess.is_none() && sections.is_empty() && !title.starts_with("The native");
    let config = if nothing {
        None
    } else {
        Some(ImportFile::parse(Path::new("import.toml"), &text).or_fail(Exit::Internal)?)
    };
    notes.extend(guess.iter().flat_map(|guess| guess.notes.iter().cloned()));
    Ok(Looked { title, template: text, config, guess, shape, notes })
}

/// Counts, findings and three messages.
fn described(survey: &Survey, sources: &[Source]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_described(&mut out, survey, sources);
    out
}

fn write_described(out: &mut String, survey: &Survey, sources: &[Source]) -> std::fmt::Result {
    write!(
        out,
        "\n{} in {} ({}), {}",
        plural(survey.messages, "message", "messages"),
        plural(survey.conversations() as u64, "conversation", "conversations"),
        plural(survey.groups() as u64, "group", "groups"),
        plural(survey.users() as u64, "user", "users")
    )?;
    if let Some((first, last)) = survey.times {
        write!(out, "\nfrom {} to {}", crate::init::in_words(first), crate::init::in_words(last))?;
    }
    writeln!(out)?;
    for (reason, n) in &survey.left_out {
        writeln!(out, "  left out: {reason} {}", count(*n))?;
    }
    for found in survey.findings.values() {
        let place = found.place.and_then(|place| {
            let source = sources.iter().find(|source| source.no == place.source)?;
            Some(format!("{}:{}", source.path, place.line))
        });
        let severity = match found.code.severity {
            crate::finding::Severity::Error => "error",
            crate::finding::Severity::Warning => "warning",
        };
        writeln!(out, "  {severity} {} ×{}: {}", found.code.name, count(found.count), found.code.means)?;
        writeln!(
            out,
            "    first at {}: {}",
            place.unwrap_or_else(|| "the source".to_owned()),
            crate::init::mask(&found.value)
        )?;
        writeln!(out, "    {}", found.code.mend)?;
    }
    if !survey.examples.is_empty() {
        writeln!(out, "\nas they would be sent:")?;
    }
    for example in &survey.examples {
        writeln!(out, "{example}")?;
    }
    Ok(())
}

fn verdict(args: &InitArgs, survey: &Survey, open: usize) -> String {
    let file = args.output.display();
    match (open, survey.errors(), survey.messages) {
        (0, 0, 1..) => format!("wrote {file}; next: openim-import check"),
        (0, 0, 0) => format!("wrote {file}, but no record became a message yet: read what it says"),
        (0, errors, _) => format!(
            "wrote {file}; {}: see above, then: openim-import check",
            plural(errors, "error", "errors")
        ),
        (open, ..) => format!(
            "wrote {file}; {} MISSING in it: fill in, then: openim-import check",
            plural(open as u64, "field is", "fields are")
        ),
    }
}

/// Says every few hundred megabytes how far it is.
fn ticker(quiet: bool) -> impl FnMut(u64, u64) {
    const STEP: u64 = 200 << 20;
    let mut next = STEP;
    move |read, of| {
        if read >= next && !quiet {
            next = read + STEP;
            // Nobody to tell is no reason to stop.
            let _unheard = note(&format!("read {} of {}", bytes(read), bytes(of)));
        }
    }
}
