//! `init`: looks at an export, says what it is, and writes `import.toml`.

mod answer;
mod ask;
mod several;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::context::{note, print, print_json};
use super::intake::{self, Intake, Plan};
use super::prepare::now;
use super::{Exit, Failure, OrFail, output};
use crate::checks::Checker;
use crate::config::{Common, ImportFile, SourceArgs};
use crate::export::Source;
use crate::formats::{self, About, ChatKind, DateOrder, Format, SameName};
use crate::init::{
    Answers, Assumed, Document, Guess, Needs, Open, Survey, Template, Unknown, is_native, look, media,
    media_and_users, needs,
};
use crate::mapping::Mojibake;
use crate::message::{Release, SourceNo};
use crate::report::bytes;
use answer::{Answer, described};
use ask::Question;

/// `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Files, folders, archives or globs of the export, here or in an object store (s3://, gs://, az://)
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<String>,
    /// Insist on a format instead of recognising it: tencent, slack, mattermost, mattermost-compliance,
    /// telegram, whatsapp; for files of your own jsonl, csv, json
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Zone of times that do not say theirs, such as `Asia/Shanghai` or `+08:00`
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Who made the export, by the id or name it uses: where it says only "me"
    #[arg(long = "self", value_name = "ID")]
    pub me: Option<String>,
    /// What parts the conversations: the name of a column, `@stem` (the file's name), `@folder`, or something that
    /// encloses the records, such as `rooms[].id`
    #[arg(long, value_name = "NAME")]
    pub conversation_from: Option<String>,
    /// Bodies that are HTML: take their words and keep links, or send them as they stand
    #[arg(long, value_name = "WHAT", value_enum)]
    pub html: Option<HtmlAnswer>,
    /// UTF-8 that was read as Latin-1 (`cafÃ©`): repair it, or send it as it stands
    #[arg(long, value_name = "WHAT", value_enum)]
    pub mojibake: Option<MojibakeAnswer>,
    /// Encoding of files that are not UTF-8, such as `windows-1252` or `gb18030`
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Where to write the configuration; `-` prints it [default: --config, or import.toml]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite it if it is there
    #[arg(long)]
    pub force: bool,
}

/// What becomes of HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HtmlAnswer {
    /// Its words.
    Text,
    /// It is sent as it stands.
    Keep,
}

/// What becomes of UTF-8 read as Latin-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MojibakeAnswer {
    /// What was meant.
    Repair,
    /// It is sent as it stands.
    Keep,
}

/// What an export was found to be, and what is written about it.
#[derive(Debug, Default)]
struct Found {
    title: String,
    /// `import.toml`; `None`: there is nothing that could be imported.
    text: Option<String>,
    shape: Option<String>,
    notes: Vec<String>,
    /// What has to be filled in, each with where.
    to_do: Vec<String>,
    /// Keys of the native format that are missing.
    missing: Vec<&'static str>,
    survey: Option<(Survey, Vec<Source>)>,
    /// What the messages shown are made with, and what is not written.
    assumed: Option<String>,
    /// Fields that are open, of an export of somebody's own.
    open: Vec<Open>,
}

impl Found {
    /// What a line can answer.
    fn questions(&self) -> Vec<Question> {
        let fields = self.open.iter().filter_map(Question::of_field);
        fields.chain(self.to_do.iter().filter_map(|line| Question::of_line(line))).collect()
    }
}

/// Looks at the export and writes the configuration.
pub(super) fn init(args: &InitArgs, common: &Common) -> Result<Exit, Failure> {
    let output =
        args.output.clone().or_else(|| common.config.clone()).unwrap_or_else(|| "import.toml".into());
    let to_stdout = output.as_os_str() == "-";
    if !to_stdout && !args.force && output.exists() {
        let text =
            format!("`{}` is there already; --force overwrites it, --output names another", output.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    if args.sources.iter().any(|source| source == "-") {
        let text = "init reads an export more than once: give it files, not standard input";
        return Err(Failure::new(Exit::Usage, text));
    }
    let aside = to_stdout || common.json;
    let say = |text: &str| if aside { note(text) } else { print(text) };
    let mut args = args.clone();
    let mut found = find(&args, &mut ticker(common.quiet))?;
    let mut passed = Vec::new();
    while !aside
        && ask::somebody_is_there()
        && ask::ask(&found.questions(), &mut passed, &mut args, &mut ask::line)?
    {
        found = find(&args, &mut ticker(common.quiet))?;
    }
    say(&found.title)?;
    if let Some(shape) = &found.shape {
        say(&format!("\n{shape}"))?;
    }
    for line in &found.notes {
        say(&format!("  note: {line}"))?;
    }
    if let Some((survey, sources)) = &found.survey {
        say(&described(survey, sources, found.assumed.as_deref()))?;
    }
    let Some(text) = &found.text else {
        return Err(Failure::new(Exit::Usage, "nothing was written: there are no records to map"));
    };
    if !found.to_do.is_empty() {
        say("\nTO DO, in the file:")?;
    }
    for line in &found.to_do {
        say(&format!("  {line}"))?;
    }
    if to_stdout {
        print(text)?;
    } else {
        // It shows whom the export names, and what they wrote.
        output::create(&output, args.force)?.write_all(text.as_bytes()).or_fail(Exit::Internal)?;
    }
    let answer = Answer::new(&found, &output);
    if common.json {
        print_json(&answer)?;
    } else {
        say(&format!("\n{}", answer.verdict))?;
    }
    Ok(Exit::Done)
}

fn find(args: &InitArgs, tick: &mut dyn FnMut(u64, u64)) -> Result<Found, Failure> {
    if args.format.is_none() {
        let apart = formats::recognise_apart(&args.sources).map_err(intake::failure)?;
        if !apart.is_empty() {
            return several::find(args, apart, tick);
        }
    }
    let plan = plan(args, &ImportFile::default())?;
    if let Some(format) = plan.format() {
        return known(args, format, tick);
    }
    if is_native(&args.sources).or_fail(Exit::Usage)? {
        let title = "The native format: it needs no mapping".to_owned();
        let export = encoding(args);
        let template =
            Template { title: title.clone(), sources: args.sources.clone(), export, ..Template::default() };
        let text = template.text();
        let survey = Some(survey(args, &read(&text)?, tick)?);
        return Ok(Found { title, text: Some(text), survey, ..Found::default() });
    }
    let apart = formats::tables_and_json(&args.sources).map_err(intake::failure)?;
    if args.format.is_none() && !apart.is_empty() {
        several::find(args, apart, tick)
    } else {
        unknown(args, tick)
    }
}

/// A format that we know: what it needs is what its findings ask for.
fn known(args: &InitArgs, format: Format, tick: &mut dyn FnMut(u64, u64)) -> Result<Found, Failure> {
    let Known { mut template, to_do, survey, assumed } = look_at_known(args, format, tick)?;
    template.sections.extend(media_and_users(&survey.0));
    let text = template.text();
    read(&text)?;
    Ok(Found {
        title: template.title,
        text: Some(text),
        to_do,
        survey: Some(survey),
        assumed,
        ..Found::default()
    })
}

/// What is written for a format that we know.
struct Known {
    template: Template,
    to_do: Vec<String>,
    survey: (Survey, Vec<Source>),
    assumed: Option<String>,
}

fn look_at_known(args: &InitArgs, format: Format, tick: &mut dyn FnMut(u64, u64)) -> Result<Known, Failure> {
    let mut file = ImportFile::default();
    file.format.name = Some(format);
    file.export.encoding = args.encoding.clone().unwrap_or(file.export.encoding);
    let given = About { zone: args.zone.clone(), me: args.me.clone(), ..About::default() };
    let mut seen = survey(args, &file, tick)?;
    let Needs { sections, to_do, assumed } = needs(format, &given, &seen.0);
    let with = assumed.words();
    if with.is_some() {
        if assumed.utc {
            file.format.zone = Some("UTC".to_owned());
        }
        if assumed.day_first {
            file.format.date_order = Some(DateOrder::Dmy);
        }
        if assumed.groups {
            file.format.chat = Some(ChatKind::Group);
        }
        if assumed.one_group {
            file.format.same_name = Some(SameName::One);
        }
        seen = survey(args, &file, tick)?;
    }
    let (title, export) = (format.title().to_owned(), encoding(args));
    let template = Template { title, sources: args.sources.clone(), export, sections, ..Template::default() };
    Ok(Known { template, to_do, survey: seen, assumed: with })
}

/// What `[export]` says of the encoding, if somebody has named one.
fn encoding(args: &InitArgs) -> Document {
    let mut export = Document::default();
    if let Some(name) = &args.encoding {
        export.set("encoding", &name.as_str().into());
    }
    export
}

/// Anything else: a mapping is guessed.
fn unknown(args: &InitArgs, tick: &mut dyn FnMut(u64, u64)) -> Result<Found, Failure> {
    let (found, template, asks_zone) = look_at_unknown(args, tick)?;
    let Some(template) = template else { return Ok(found) };
    let mut template = template;
    let text = template.text();
    let mut file = read(&text)?;
    let mut found = Found { text: Some(text), ..found };
    if found.missing.is_empty() {
        if asks_zone {
            file.mapping.zone = Some("UTC".to_owned());
            found.assumed = Assumed { utc: true, ..Assumed::default() }.words();
        }
        // What is still to be decided keeps nobody from looking.
        file.to_do.clear();
        let seen = survey(args, &file, tick)?;
        template.sections.extend(media(&seen.0));
        let text = template.text();
        read(&text)?;
        found.text = Some(text);
        found.survey = Some(seen);
    }
    Ok(found)
}

/// What is written for anything else, if there is something that could be imported, and whether it asks for a zone.
fn look_at_unknown(
    args: &InitArgs,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<(Found, Option<Template>, bool), Failure> {
    let answers = Answers {
        conversation: args.conversation_from.clone(),
        html: args.html.map(|answer| answer == HtmlAnswer::Text),
        mojibake: args.mojibake.map(|answer| match answer {
            MojibakeAnswer::Repair => Mojibake::Repair,
            MojibakeAnswer::Keep => Mojibake::Keep,
        }),
        encoding: args.encoding.clone(),
    };
    let Unknown { title, export, guess, shape, mut notes, to_do: undecided } =
        look(&args.sources, &answers, tick).or_fail(Exit::Usage)?;
    let Some(guess) = guess else {
        return Ok((Found { title, shape, notes, ..Found::default() }, None, false));
    };
    notes.extend(guess.notes.iter().cloned());
    let mut to_do: Vec<String> =
        guess.open.iter().map(|open| format!("{}: {}", open.key.name(), open.note)).collect();
    let asks_zone = guess.needs_zone && args.zone.is_none();
    if asks_zone {
        to_do.push("zone in [mapping]: the times do not say their zone".to_owned());
    }
    to_do.extend(undecided.iter().cloned());
    let open = guess.open.clone();
    let missing: Vec<&'static str> = guess.open.iter().map(|open| open.key.name()).collect();
    let template = Template {
        title: title.clone(),
        sources: args.sources.clone(),
        to_do: undecided,
        export,
        translate: guess.translate.clone(),
        zone: args.zone.clone().filter(|_| guess.needs_zone),
        guess: Some(Guess { needs_zone: guess.needs_zone, ..guess }),
        ..Template::default()
    };
    Ok((Found { title, shape, notes, to_do, missing, open, ..Found::default() }, Some(template), asks_zone))
}

fn plan(args: &InitArgs, file: &ImportFile) -> Result<Plan, Failure> {
    let typed = SourceArgs {
        sources: args.sources.clone(),
        format: args.format.clone(),
        zone: args.zone.clone(),
        me: args.me.clone(),
        since: None,
        until: None,
        skip_invalid: false,
    };
    Plan::new(file, &typed)
}

fn plan_of_tables(file: &ImportFile) -> Result<Plan, Failure> {
    Plan::new(file, &SourceArgs::default())
}

/// The whole export through the mapper that the configuration describes.
fn survey(
    args: &InitArgs,
    file: &ImportFile,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<(Survey, Vec<Source>), Failure> {
    let Intake { mut reader, mapper } = plan(args, file)?.open(SourceNo(0))?;
    let checker = Checker { now: now(), release: Release::default(), allow_large: false };
    let survey = Survey::of(&mut reader, &*mapper, checker, tick).or_fail(Exit::Usage)?;
    Ok((survey, reader.sources().to_vec()))
}

/// What is written must be readable.
fn read(text: &str) -> Result<ImportFile, Failure> {
    ImportFile::parse(Path::new("import.toml"), text).or_fail(Exit::Internal)
}

/// Says every few hundred megabytes how far it is.
fn ticker(quiet: bool) -> impl FnMut(u64, u64) {
    const STEP: u64 = 200 << 20;
    let mut next = STEP;
    move |read, of| {
        if read < next {
            next = next.min(read + STEP);
        } else if !quiet {
            next = read + STEP;
            // Nobody to tell is no reason to stop.
            let _unheard = note(&format!("read {} of {}", bytes(read), bytes(of)));
        }
    }
}
