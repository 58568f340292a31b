//! Whether what `init` wrote gives what was really said.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use importer_export::Reader;
use importer_init::{Answers, SourceTable, Template, Unknown, look};
use importer_mapping::people::{People, Renamed};
use importer_mapping::{Mapper, Sink, build};
use importer_words::finding::{Finding, Severity};
use importer_words::message::{Message, Peer, Place, SourceNo};
use serde::Deserialize;

use crate::export::Export;
use crate::world::World;

#[derive(Debug)]
pub(crate) enum Verdict {
    Right,
    /// Something has to be filled in, or is refused.
    Asked(String),
    Wrong(String),
}

/// What is read of `import.toml` here.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    source: Vec<Part>,
    #[serde(default)]
    to_do: Vec<String>,
    #[serde(default)]
    export: importer_export::Settings,
    #[serde(default)]
    mapping: importer_mapping::Settings,
    #[serde(default)]
    users: importer_mapping::people::Settings,
}

/// One of several.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    export: importer_export::Settings,
    #[serde(default)]
    mapping: importer_mapping::Settings,
}

/// Whether it comes out right; `truths`: of each part, the tables first.
pub(crate) fn judge(truths: &[(World, Export)], dir: &Path) -> (Verdict, String) {
    let sources = vec![dir.to_string_lossy().into_owned()];
    if let Some((format, _)) = importer_formats::recognise(&sources).unwrap() {
        return (Verdict::Wrong(format!("recognised: as {}", format.name())), String::new());
    }
    let apart = importer_formats::tables_and_json(&sources).unwrap();
    let taken_apart = truths.len() > 1 && apart.len() == truths.len();
    let paths =
        if taken_apart { apart.into_iter().map(|apart| apart.paths).collect() } else { vec![sources] };
    let mut open = String::new();
    let mut tables = Vec::new();
    for (n, paths) in paths.into_iter().enumerate() {
        let Unknown { title, export, guess, to_do, .. } =
            match look(&paths, &Answers::default(), &mut |_, _| {}) {
                Ok(unknown) => unknown,
                Err(error) => return (Verdict::Asked(format!("refused: {error}")), String::new()),
            };
        let Some(guess) = guess else { return (Verdict::Asked(format!("nothing: {title}")), String::new()) };
        open.extend(guess.open.iter().map(|open| format!("{} ", open.key.name())));
        open.push_str(if guess.needs_zone { "zone " } else { "" });
        let translate = guess.translate.clone();
        let template = Template {
            title,
            sources: paths,
            export,
            to_do,
            translate,
            guess: Some(guess),
            ..Template::default()
        };
        tables.push(SourceTable { name: format!("own-{n}"), template });
    }
    let text = match &tables[..] {
        [one] => one.template.text(),
        several => Template::of_several(several, &[]),
    };
    let file: File = match toml::from_str(&text) {
        Ok(file) => file,
        Err(error) => return (Verdict::Wrong(format!("no TOML: {error}")), text),
    };
    open.push_str(if file.to_do.is_empty() { "" } else { "to do" });
    if !open.is_empty() {
        return (Verdict::Asked(open.trim().to_owned()), text);
    }
    let mut parts = file.source;
    if parts.is_empty() {
        parts.push(Part { paths: file.sources, export: file.export, mapping: file.mapping });
    }
    let mut chats = HashMap::new();
    for (part, (world, export)) in parts.iter().zip(truths) {
        let seen = match Seen::of(part, &file.users) {
            Ok(seen) => seen,
            Err(asked) => return (Verdict::Asked(asked), text),
        };
        if truths.len() > 1 && !taken_apart {
            return (Verdict::Wrong("sources: they are not taken apart".to_owned()), text);
        }
        if export.has_internal {
            return (Verdict::Wrong("internal: nobody was asked about it".to_owned()), text);
        }
        let verdict = compare(world, export, seen, &mut chats);
        if !matches!(verdict, Verdict::Right) {
            return (verdict, text);
        }
    }
    (Verdict::Right, text)
}

#[derive(Default)]
struct Seen {
    messages: Vec<Got>,
    ids: HashMap<String, usize>,
    left_out: BTreeMap<&'static str, u64>,
    error: Option<String>,
}

#[derive(PartialEq)]
struct Got {
    id: Option<String>,
    writer: String,
    /// The other end, or the group.
    peer: String,
    direct: bool,
    text: String,
    /// What it has instead of words.
    file: Option<String>,
    time: i64,
}

impl Seen {
    /// What becomes of all of it, or why it is refused.
    fn of(part: &Part, users: &importer_mapping::people::Settings) -> Result<Self, String> {
        let mut seen = Self::default();
        let mut reader = Reader::open(&part.export, &part.paths, SourceNo(0)).unwrap();
        let files = importer_formats::files(importer_formats::Settings::default()).unwrap();
        let mapper = build(&part.mapping, reader.head().unwrap().as_ref(), files)
            .map_err(|error| format!("mapping: {error}"))?;
        let people = People::load(users, false).unwrap();
        let mapper: std::sync::Arc<dyn Mapper> = std::sync::Arc::from(mapper);
        let mapper = Renamed::new(mapper, std::sync::Arc::new(people));
        while let Some(mut chunk) = reader.next_chunk().map_err(|error| format!("reading: {error}"))? {
            for finding in std::mem::take(&mut chunk.findings) {
                seen.finding(finding);
            }
            mapper.map(&chunk, &mut seen);
        }
        seen.error.take().map_or(Ok(seen), |error| Err(format!("check: {error}")))
    }

    /// Folds what stands there twice under one id, as the job does.
    fn fold(&mut self) {
        let all = std::mem::take(&mut self.messages);
        for got in all {
            let again = got.id.is_some() && self.messages.contains(&got);
            if again {
                self.ids.entry(got.id.clone().unwrap()).and_modify(|count| *count -= 1);
            } else {
                self.messages.push(got);
            }
        }
    }
}

impl Sink for Seen {
    fn message(&mut self, message: Message<'_>) {
        if let Some(id) = &message.source_id {
            *self.ids.entry(id.to_string()).or_default() += 1;
        }
        let content: serde_json::Value = serde_json::from_str(&message.content).unwrap();
        let text = content.get("content").or_else(|| content.get("text")).and_then(|v| v.as_str());
        let file = text.is_none().then(|| message.content.to_string());
        let (peer, direct) = match &message.peer {
            Peer::User(id) => (id.to_string(), true),
            Peer::Group(id) => (id.to_string(), false),
        };
        self.messages.push(Got {
            id: message.source_id.as_ref().map(ToString::to_string),
            writer: message.sender.to_string(),
            peer,
            direct,
            text: text.unwrap_or_default().to_owned(),
            file,
            time: message.send_time.0,
        });
    }

    fn left_out(&mut self, _: Place, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    fn finding(&mut self, finding: Finding) {
        if finding.code.severity == Severity::Error {
            self.error.get_or_insert(finding.code.name.to_owned());
        }
    }
}

fn compare(
    world: &World,
    export: &Export,
    mut seen: Seen,
    everywhere: &mut HashMap<String, usize>,
) -> Verdict {
    let wrong = |text: String| Verdict::Wrong(text);
    seen.fold();
    // `check` refuses what has one id and is not the same.
    if export.has_versions && seen.ids.values().any(|count| *count > 1) {
        return Verdict::Asked("check: source-id-conflict".to_owned());
    }
    if seen.ids.values().any(|count| *count > 1) {
        return wrong("lost: ids are not unique, messages would be taken for doubles".to_owned());
    }
    let mut truth: Vec<_> = world.messages.iter().filter(|message| message.is_to_be_read()).collect();
    if let Err(text) = files(&truth, &seen) {
        return wrong(format!("files: {text}"));
    }
    truth.retain(|message| !message.text.is_empty());
    // Times are all different: they tell which message is which.
    let mut got: Vec<&Got> = seen.messages.iter().filter(|got| got.file.is_none()).collect();
    if got.len() != truth.len() {
        return wrong(format!("lost: {} of {} messages", got.len(), truth.len()));
    }
    got.sort_by_key(|got| got.time);
    truth.sort_by_key(|message| message.time);
    let mut people = Pairs::default();
    let mut chats = Pairs::default();
    for (got, message) in got.into_iter().zip(truth) {
        if got.time != message.time * 1000 {
            return wrong(format!("time: {} for {}", got.time, message.time * 1000));
        }
        if got.text != message.text {
            return wrong(format!("text: {:?} for {:?}", got.text, message.text));
        }
        if !people.same(&got.writer, message.writer) {
            return wrong(format!("writer: {:?} for {:?}", got.writer, world.people[message.writer].id));
        }
        let chat = &world.chats[message.chat];
        if export.says_kind && got.direct != chat.direct {
            return wrong(format!("kind: direct {} for {}", got.direct, chat.direct));
        }
        let key = if got.direct {
            let Some(other) = world.other(message) else {
                return wrong("kind: a group as a single chat".to_owned());
            };
            if !people.same(&got.peer, other) {
                return wrong(format!("peer: {:?} for {:?}", got.peer, world.people[other].id));
            }
            let (a, b) = (&got.writer, &got.peer);
            format!("{} {}", a.min(b), a.max(b))
        } else {
            format!("group {}", got.peer)
        };
        let known = *everywhere.entry(key.clone()).or_insert(message.chat);
        if !chats.same(&key, message.chat) || known != message.chat {
            return wrong(format!("chat: {key:?} for {:?}", chat.id));
        }
    }
    Verdict::Right
}

/// Every file is there once, at the time of its message, and by its writer.
fn files(truth: &[&crate::world::Message], seen: &Seen) -> Result<(), String> {
    let mut wanted: Vec<(i64, &str)> = truth
        .iter()
        .flat_map(|message| message.files.iter().map(|file| (message.time * 1000, file.as_str())))
        .collect();
    for got in &seen.messages {
        let Some(file) = &got.file else { continue };
        let at = wanted.iter().position(|(time, url)| *time == got.time && file.contains(url));
        wanted.swap_remove(at.ok_or_else(|| format!("{file} at {} is nobody's", got.time))?);
    }
    wanted.first().map_or(Ok(()), |(time, url)| Err(format!("{url} of {time} is nowhere")))
}

/// Names on one side, numbers on the other, one for one.
#[derive(Default)]
struct Pairs {
    there: HashMap<String, usize>,
    back: HashMap<usize, String>,
}

impl Pairs {
    fn same(&mut self, name: &str, number: usize) -> bool {
        *self.there.entry(name.to_owned()).or_insert(number) == number
            && *self.back.entry(number).or_insert_with(|| name.to_owned()) == name
    }
}
