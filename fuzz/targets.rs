//! What reads bytes that others wrote, each as one function of bytes: for the fuzzer (`fuzz_targets/`) and
//! for a test that runs everywhere (`tests/parsers.rs`). A function that returns is satisfied.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use openim_importer::accounts;
use openim_importer::config::ImportFile;
use openim_importer::export::{self, ExportError, Format as Kind, Layout, Plain, Reader};
use openim_importer::finding::{Finding, Severity};
use openim_importer::formats::{self, Format};
use openim_importer::init;
use openim_importer::job::{Spool, write_record};
use openim_importer::mapping::people::{self, People};
use openim_importer::mapping::{Mapper, Native, Sink, occupied};
use openim_importer::message::{Message, Place, SendTime, SourceNo};
use openim_importer::openim::{
    Announce, Answer, Chat, ChatSettings, Client, Exchange, Login, NoAnswer, Settings, StoreQuery, Verdict,
    Way, read_pulled, redact, verdict,
};
use serde_json::value::RawValue;

/// Runs the target of that name.
pub(super) fn run(target: &str, data: &[u8]) {
    match target {
        "records" => records(data),
        "formats" => formats(data),
        "answer" => answer(data),
        "log_slice" => log_slice(data),
        "spool" => spool(data),
        "archive" => archive(data),
        "import_toml" => import_toml(data),
        "answers" => answers(data),
        "tables" => tables(data),
        _ => panic!("there is no target {target}"),
    }
}

/// Records no larger than that, so that "too large" is reached as well.
const MAX_RECORD: usize = 1 << 16;

/// How files are called: by name and content the reader tells what they are.
const NAMES: &[&str] = &["a.jsonl", "a.csv", "a.json", "a.jsonl.gz", "a.csv.zst", "a.zip", "a.txt"];

/// What a pass over a file came to.
#[derive(Debug, Default, PartialEq)]
struct Came {
    /// Messages and what was left out, in order.
    records: Vec<String>,
    /// Errors, each once. Warnings are told once a chunk, so their number depends on the chunks.
    errors: BTreeSet<String>,
}

impl Sink for Came {
    fn message(&mut self, message: Message<'_>) {
        let content: serde_json::Value = serde_json::from_str(&message.content).expect("content is JSON");
        assert!(content.is_object(), "{content}");
        let mut record = Vec::new();
        let len = write_record(&message, &mut record).expect("below 4 GiB");
        assert_eq!(len as usize, record.len());
        self.records.push(format!("{message:?}"));
    }

    fn left_out(&mut self, place: Place, reason: &'static str) {
        self.records.push(format!("{place:?} {reason}"));
    }

    fn finding(&mut self, finding: Finding) {
        if finding.code.severity == Severity::Error {
            self.errors.insert(format!("{finding:?}"));
        }
    }
}

/// Rows and objects of any layout. The first byte says how the file is called, the second how it is read.
fn records(data: &[u8]) {
    let [name, how, bytes @ ..] = data else { return };
    let mut settings = export::Settings { max_record: MAX_RECORD, ..export::Settings::default() };
    settings.format = match how % 4 {
        0 => Kind::Auto,
        1 => Kind::Jsonl,
        2 => Kind::Csv,
        _ => Kind::Json,
    };
    if how & 4 != 0 {
        settings.records = vec!["messages".to_owned()];
    }
    let encodings = ["auto", "utf-16le", "gb18030", "shift_jis"];
    encodings[usize::from(how >> 3) % encodings.len()].clone_into(&mut settings.encoding);
    let Ok(layout) = Plain::new(&settings) else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    both_ways(&settings, &(Arc::new(layout) as Arc<dyn Layout>), &Native, name, bytes);
}

/// The formats that people hold. The first byte says which.
fn formats(data: &[u8]) {
    let [format, bytes @ ..] = data else { return };
    let format = Format::ALL[usize::from(*format) % Format::ALL.len()];
    let settings = export::Settings { max_record: MAX_RECORD, ..export::Settings::default() };
    let mut about = formats::Settings::default();
    about.about.zone = Some("UTC".to_owned());
    let preset = formats::open(format, &settings, about).expect("usual settings");
    both_ways(&settings, &preset.layout, &preset.mapper, file_of(format), bytes);
}

/// How a format calls its files.
fn file_of(format: Format) -> &'static str {
    match format {
        Format::Tencent => "2024030116.json",
        Format::Slack => "general/2024-03-01.json",
        Format::MattermostCompliance => "posts.csv",
        Format::Telegram => "result.json",
        Format::WhatsApp => "WhatsApp Chat with Ann Lee.txt",
        Format::OpenIm => "msg.json",
        Format::RongCloud => "2023111506.log",
        Format::QqText => "class.txt",
        Format::DiscordCsv => "general [901].csv",
        Format::WeChatCsv => "messages.csv",
        Format::RocketChatCsv => "general/messages.csv",
        Format::GoogleChat => "Space ccc/messages.json",
        Format::Zulip => "messages-000001.json",
        Format::Mattermost | Format::NetEase | Format::WeCom | Format::ChatLab => "export.jsonl",
        _ => "export.json",
    }
}

/// Reads the file in one piece and in the smallest: where it is cut makes no difference.
fn both_ways(
    settings: &export::Settings,
    layout: &Arc<dyn Layout>,
    mapper: &dyn Mapper,
    name: &str,
    bytes: &[u8],
) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs_err::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
    fs_err::write(&path, bytes).expect("a file");
    let pass = |chunk| read(settings, layout, mapper, folder.path(), chunk);
    let (whole, small) = (pass(export::CHUNK), pass(1));
    match (&whole, &small) {
        (Ok(whole), Ok(small)) => assert_eq!(whole, small, "it depends on where it is cut"),
        (Err(whole), Err(small)) => assert_eq!(whole.to_string(), small.to_string()),
        _ => panic!("it depends on where it is cut: {whole:?} {small:?}"),
    }
}

fn read(
    settings: &export::Settings,
    layout: &Arc<dyn Layout>,
    mapper: &dyn Mapper,
    folder: &Path,
    chunk: usize,
) -> Result<Came, ExportError> {
    let sources = [folder.to_string_lossy().into_owned()];
    let mut reader = Reader::with(settings, Arc::clone(layout), &sources, SourceNo(0))?.chunk_size(chunk);
    let mut came = Came::default();
    while let Some(chunk) = reader.next_chunk()? {
        chunk.findings.iter().for_each(|finding| came.finding(finding.clone()));
        mapper.map(&chunk, &mut came);
        reader.recycle(chunk.text);
    }
    Ok(came)
}

/// An answer to `send_msg`. The first two bytes are the HTTP status.
fn answer(data: &[u8]) {
    let [high, low, body @ ..] = data else { return };
    let status = 100 + u16::from_be_bytes([*high, *low]) % 500;
    for content_type in [101, 114] {
        if let Verdict::Delivered { ids, .. } = verdict(content_type, status, None, body) {
            // Not as a `Value`: that has no room for a number like 1e999, which may stand in a field that nobody reads.
            let whole: BTreeMap<String, &RawValue> =
                serde_json::from_slice(body).expect("what is believed is JSON");
            assert!(status == 200 || status == 400, "{status}");
            assert_eq!(whole["errCode"].get(), "0", "{ids:?}");
        }
    }
    let shown = redact(&String::from_utf8_lossy(body));
    assert!(!shown.contains('\n') && !shown.contains("token="), "{shown}");
}

/// What was read back of a conversation's log.
fn log_slice(data: &[u8]) {
    let Ok(conversations) = read_pulled(data) else { return };
    for (_, records) in &conversations {
        assert!(records.is_sorted_by_key(|record| record.seq));
        for record in records {
            let _all = (record.is_empty(), record.ids(), record.time(), record.content());
        }
    }
}

/// A spool that was damaged. Odd first byte: what follows is one record whose length and sum are right.
fn spool(data: &[u8]) {
    const START: u64 = 16;
    let [kind, bytes @ ..] = data else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = fs_err::File::create(folder.path().join("messages.spool")).expect("a file");
    let mut whole = bytes.to_vec();
    if kind % 2 == 1 {
        let sum = xxhash_rust::xxh3::xxh3_64(bytes).to_le_bytes();
        let len = u32::try_from(bytes.len() + 8).expect("small").to_le_bytes();
        whole = [&b"OIMSPOOL\x01\0\0\0\0\0\0\0"[..], &len, &sum[..4], bytes].concat();
    }
    file.write_all(&whole).expect("room for it");
    let Ok(spool) = Spool::open(folder.path(), whole.len() as u64) else { return };
    for at in [START, START + u64::from(*kind), whole.len() as u64, u64::MAX] {
        let Ok(message) = spool.read_whole(at) else { continue };
        let _all = (message.conversation(), message.content(), message.ex(), message.nickname());
        let _text = message.clone().as_text();
    }
}

/// A Zip archive, whatever its directory says of it.
fn archive(data: &[u8]) {
    let settings = export::Settings { max_record: MAX_RECORD, ..export::Settings::default() };
    let Ok(layout) = Plain::new(&settings) else { return };
    both_ways(&settings, &(Arc::new(layout) as Arc<dyn Layout>), &Native, "a.zip", data);
}

/// What `init` writes of an export in no known format: it is read back, and has only what `init` may write. The first
/// byte says how the file is called.
fn import_toml(data: &[u8]) {
    let [name, bytes @ ..] = data else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(["a.csv", "a.jsonl", "a.json"][usize::from(*name) % 3]);
    fs_err::write(&path, bytes).expect("a file");
    let sources = vec![path.to_string_lossy().into_owned()];
    let Ok(seen) = init::look(&sources, &init::Answers::default(), &mut |_, _| {}) else { return };
    let Some(guess) = seen.guess else { return };
    let template = init::Template {
        title: seen.title,
        sources: sources.clone(),
        to_do: seen.to_do,
        export: seen.export,
        translate: guess.translate.clone(),
        guess: Some(guess),
        ..init::Template::default()
    };
    let text = template.text();
    let file = ImportFile::parse(Path::new("import.toml"), &text).expect("what is written is read");
    assert_eq!(file.sources, sources, "{text}");
    let table: toml::Table = text.parse().expect("it is TOML");
    for (key, value) in &table {
        // The other sections stand there empty, to be filled in.
        let is_empty = value.as_table().is_some_and(toml::Table::is_empty);
        let may = ["sources", "to_do", "export", "mapping", "users"].contains(&key.as_str());
        assert!(may || is_empty, "{key}: {text}");
    }
    let acts = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(acts), "{text:?}");
}

/// Answers every call with the same bytes.
#[derive(Debug)]
struct Always(u16, Vec<u8>);

impl Exchange for Always {
    fn post(
        &self,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, NoAnswer>> + Send>> {
        let answer = Answer { status: self.0, retry_after: None, body: Bytes::from(self.1.clone()) };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// What a server may answer to each call that is parsed, the login included. The first byte is the HTTP status.
fn answers(data: &[u8]) {
    let [status, body @ ..] = data else { return };
    let status = [200, 400, 404, 500, 502][usize::from(*status) % 5];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let asked = runtime.block_on(async {
        let exchange = Arc::new(Always(status, body.to_vec()));
        let secret = Login::Secret { secret: "secret-4711".into(), admin_user: "imAdmin".to_owned() };
        let login = Client::within(&Settings::new("http://h".to_owned(), secret), exchange.clone());
        let mut said = vec![format!("{:?}", login.expect("usual settings").log_in().await)];
        let token = Login::Token { token: "secret-4711".into(), admin_user: "imAdmin".to_owned() };
        let client = Client::within(&Settings::new("http://h".to_owned(), token), exchange);
        let client = client.expect("usual settings");
        let (from, to) = (SendTime(0), SendTime(1_800_000_000_000));
        said.push(format!("{:?}", client.server_time().await));
        said.push(format!("{:?}", client.version().await));
        said.push(format!("{:?}", client.config("openim-rpc-msg.yml").await.err()));
        said.push(format!("{:?}", client.release().await));
        said.push(format!("{:?}", client.users_exist(&["a", "b"]).await));
        said.push(format!("{:?}", client.users_info(&["a"]).await.err()));
        said.push(format!("{:?}", client.online(&["a"]).await));
        said.push(format!("{:?}", client.seqs("a", &["si_a_b"]).await.err()));
        said.push(format!("{:?}", client.pull("a", &[]).await.err()));
        said.push(format!("{:?}", client.groups(&["g"]).await.err()));
        said.push(format!("{:?}", client.members("g").await.err()));
        said.push(format!("{:?}", client.friends("a").await));
        said.push(format!("{:?}", client.blacks("a", 1, 10).await));
        said.push(format!("{:?}", client.stored_between(from, to).await));
        said.push(format!("{:?}", client.was_queued("op").await));
        said.push(format!("{:?}", client.part_limit().await));
        said.push(format!("{:?}", client.part_size(1).await));
        said.push(format!("{:?}", client.sign_parts("u", &[1]).await.err()));
        let announce =
            Announce { hash: "h", size: 1, name: "n", content_type: "t", cause: "c", max_parts: -1 };
        said.push(format!("{:?}", client.begin_upload(&announce).await.err()));
        said.push(format!("{:?}", client.search(&StoreQuery::default(), 1, 10).await.err()));
        said
    });
    assert_eq!(asked.len(), 21);
    let asked = runtime.block_on(async {
        let settings = ChatSettings {
            admin: "http://h:10009".to_owned(),
            everybody: None,
            account: "chatAdmin".to_owned(),
            password: "secret-4711".into(),
            ca: None,
            proxy: None,
        };
        let chat = Chat::within(&settings, Arc::new(Always(status, body.to_vec()))).expect("usual settings");
        let way = Way::Email("a@b.c".to_owned());
        [
            format!("{:?}", chat.log_in().await),
            format!("{:?}", chat.find(&["a"]).await.err()),
            format!("{:?}", chat.everybody(1, 10).await.err()),
            format!("{:?}", chat.knows(&way).await),
            format!("{:?}", chat.log_in_as(&way, &"secret-4711".into()).await.err()),
            format!("{:?}", chat.takes_delivered_code().await),
            format!("{:?}", chat.defaults().await.err()),
        ]
    });
    assert_eq!(asked.len(), 7);
}

/// Tables of people: who is who, who is to log in, what becomes of occupied conversations. The first byte says which.
fn tables(data: &[u8]) {
    let [which, bytes @ ..] = data else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    fs_err::write(&path, bytes).expect("a file");
    match which % 3 {
        0 => {
            let settings = people::Settings { file: Some(path), ..people::Settings::default() };
            drop(People::load(&settings, true).map_err(|error| error.to_string()));
        }
        1 => {
            let Ok(table) = accounts::Table::read(&path) else { return };
            let _all = format!("{table:?}");
        }
        _ => {
            let Ok(table) = occupied::Table::read(&path) else { return };
            // What is written is read as it was.
            table.write(&path).expect("a file");
            assert_eq!(occupied::Table::read(&path).expect("it was read before"), table);
        }
    }
}
