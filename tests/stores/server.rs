//! An object store that speaks as much of S3 as is read, and misbehaves as it is told: one thread for each connection.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a store holds, and how it behaves.
#[derive(Default)]
pub(super) struct State {
    objects: BTreeMap<String, Vec<u8>>,
    /// Whatever they hold, it is called that.
    etags: BTreeMap<String, String>,
    pub(super) faults: Faults,
    /// Each call, for what and how.
    pub(super) calls: Vec<Call>,
}

/// A call as it was made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) range: Option<(usize, usize)>,
    pub(super) if_match: Option<String>,
    /// `Authorization`.
    pub(super) signed: String,
}

/// How it misbehaves.
#[derive(Default, Clone)]
pub(super) struct Faults {
    /// The connection is cut after so many bytes of an object.
    pub(super) cut: Option<usize>,
    /// So many calls for an object are answered with this before any is answered well.
    pub(super) status: Option<(u32, u16)>,
    /// Only of objects whose keys have this in them.
    pub(super) of: String,
    /// What such an answer says.
    pub(super) says: String,
    /// The object is replaced when bytes behind so many are asked for.
    pub(super) replace: Option<(usize, Vec<u8>)>,
    /// It does not know `If-Match`.
    pub(super) deaf: bool,
    /// It answers only after this.
    pub(super) slow: Duration,
    /// Keys of a list come so many at a time.
    pub(super) page: Option<usize>,
}

/// A store at an address of this machine, as long as the test runs.
pub(super) struct Store {
    pub(super) url: String,
    pub(super) state: Arc<Mutex<State>>,
}

impl Store {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // Whoever hangs up is no failure of the server's.
                std::thread::spawn(move || serve(stream, &state).ok());
            }
        });
        Self { url, state }
    }

    pub(super) fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.state.lock().unwrap().objects.insert(key.to_owned(), bytes.into());
    }

    /// From now on an object has this `ETag`, whatever it holds.
    pub(super) fn call(&self, key: &str, etag: &str) {
        self.state.lock().unwrap().etags.insert(key.to_owned(), format!("\"{etag}\""));
    }

    pub(super) fn faults(&self, faults: Faults) {
        self.state.lock().unwrap().faults = faults;
    }

    /// The calls since the last time.
    pub(super) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        if !answer(&head, state, &mut out)? {
            return Ok(());
        }
    }
}

/// Answers a call; whether the connection stays.
fn answer(head: &[String], state: &Mutex<State>, out: &mut TcpStream) -> std::io::Result<bool> {
    let first: Vec<&str> = head[0].split(' ').collect();
    let (path, query) = first[1].split_once('?').unwrap_or((first[1], ""));
    let header = |name: &str| {
        head.iter().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let key = decoded(path.trim_start_matches('/'))
        .split_once('/')
        .map_or(String::new(), |(_, key)| key.to_owned());
    let call = Call {
        method: first[0].to_owned(),
        range: header("range").map(|range| {
            let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            (from.parse().unwrap(), to.parse().unwrap())
        }),
        if_match: header("if-match"),
        signed: header("authorization").unwrap_or_default(),
    };
    let (faults, found) = {
        let mut state = state.lock().unwrap();
        state.calls.push(call.clone());
        let asked = call.range.map_or(0, |(from, _)| from);
        if let Some((_, new)) = state.faults.replace.take_if(|(after, _)| asked >= *after) {
            state.objects.insert(key.clone(), new);
        }
        let mut faults = state.faults.clone();
        if !key.contains(&faults.of) {
            faults.status = None;
        } else if let Some((left, _)) = &mut state.faults.status {
            *left = left.saturating_sub(1);
        }
        (faults, state.objects.get(&key).cloned().map(|bytes| (state.etag(&key, &bytes), bytes)))
    };
    std::thread::sleep(faults.slow);
    if let Some((left, status)) = faults.status
        && left > 0
    {
        let says = format!(
            "<?xml version=\"1.0\"?><Error><Code>Odd</Code><Message>{}</Message></Error>",
            faults.says
        );
        return plain(out, status, &says, call.method == "HEAD");
    }
    if key.is_empty() {
        return plain(out, 200, &list(query, state, faults.page), false);
    }
    let Some((etag, bytes)) = found else {
        return plain(
            out,
            404,
            "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>",
            call.method == "HEAD",
        );
    };
    if call.if_match.as_ref().is_some_and(|wanted| *wanted != etag) && !faults.deaf {
        return plain(
            out,
            412,
            "<?xml version=\"1.0\"?><Error><Code>PreconditionFailed</Code></Error>",
            false,
        );
    }
    give(&call, &bytes, &etag, &faults, out)
}

fn give(
    call: &Call,
    bytes: &[u8],
    etag: &str,
    faults: &Faults,
    out: &mut TcpStream,
) -> std::io::Result<bool> {
    let (from, to) = call.range.map_or((0, bytes.len()), |(from, to)| (from, (to + 1).min(bytes.len())));
    let part = &bytes[from..to];
    let status = if call.range.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(
        out,
        "HTTP/1.1 {status}\r\nETag: {etag}\r\nLast-Modified: {DAY}\r\nContent-Length: {}\r\n",
        part.len()
    )?;
    if call.range.is_some() {
        write!(out, "Content-Range: bytes {from}-{}/{}\r\n", to.saturating_sub(1), bytes.len())?;
    }
    out.write_all(b"\r\n")?;
    if call.method == "HEAD" {
        return Ok(true);
    }
    let mut sent = 0;
    for piece in part.chunks(16 << 10) {
        if faults.cut.is_some_and(|cut| sent >= cut) {
            return Ok(false);
        }
        out.write_all(piece)?;
        sent += piece.len();
    }
    Ok(true)
}

const DAY: &str = "Sun, 29 Nov 2026 10:00:00 GMT";

impl State {
    /// Of its content, as S3's is of what goes up in one piece.
    fn etag(&self, key: &str, bytes: &[u8]) -> String {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        self.etags.get(key).cloned().unwrap_or_else(|| format!("\"{:x}\"", hasher.finish()))
    }
}

fn plain(out: &mut TcpStream, status: u16, says: &str, head: bool) -> std::io::Result<bool> {
    write!(
        out,
        "HTTP/1.1 {status} -\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
        says.len()
    )?;
    if !head {
        out.write_all(says.as_bytes())?;
    }
    Ok(true)
}

/// `ListObjectsV2`, a page at a time.
fn list(query: &str, state: &Mutex<State>, page: Option<usize>) -> String {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
    };
    let (prefix, after) =
        (value("prefix").unwrap_or_default(), value("continuation-token").unwrap_or_default());
    let state = state.lock().unwrap();
    let all = state.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after);
    let most = page.unwrap_or(1000);
    let (mut text, mut last, mut more) = (String::new(), String::new(), false);
    for (n, (key, bytes)) in all.enumerate() {
        if n == most {
            more = true;
            break;
        }
        let xml = key.replace('&', "&amp;").replace('<', "&lt;");
        text += &format!(
            "<Contents><Key>{xml}</Key><LastModified>2026-11-29T10:00:00.123Z</LastModified><ETag>{}</ETag>\
             <Size>{}</Size></Contents>",
            state.etag(key, bytes).replace('"', "&quot;"),
            bytes.len()
        );
        last.clone_from(key);
    }
    let next =
        if more { format!("<NextContinuationToken>{last}</NextContinuationToken>") } else { String::new() };
    format!(
        "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>{more}</IsTruncated>{next}{text}</ListBucketResult>"
    )
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = (*first == b'%').then(|| more.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        out.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    String::from_utf8(out).unwrap()
}
