//! Makes exports of any size, the same one for the same arguments: what fixtures, tests and benches read.
//!
//! `cargo run --release --example make-export -- --messages 1000000 --conversations 1000 > big.jsonl`

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use fastrand::Rng;
use fs_err as fs;

#[derive(Parser)]
struct Args {
    /// How many messages.
    #[arg(long, default_value_t = 3000)]
    messages: u64,
    /// In how many conversations.
    #[arg(long, default_value_t = 40)]
    conversations: u64,
    /// Share of the largest conversation, in percent.
    #[arg(long, default_value_t = 33)]
    giant: u64,
    /// Order of the rows.
    #[arg(long, value_enum, default_value_t = Order::Time)]
    order: Order,
    /// The native format as JSON lines or CSV; or an export as Slack or Tencent make it, into --folder.
    #[arg(long, value_enum, default_value_t = Shape::Jsonl)]
    shape: Shape,
    /// Only text messages, of about this many characters; 0 = a mix of all content types.
    #[arg(long, default_value_t = 0)]
    text: usize,
    /// Where the folders of Slack and Tencent go.
    #[arg(long, required_if_eq_any([("shape", "slack"), ("shape", "tencent")]))]
    folder: Option<PathBuf>,
    /// The same seed gives the same export.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Order {
    /// As it happened: conversations interleaved.
    Time,
    /// One conversation after the other.
    Conversation,
    /// Shuffled; held in memory.
    Random,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Shape {
    Jsonl,
    Csv,
    Slack,
    Tencent,
}

const START: u64 = 1_700_000_000_000;
const COLUMNS: [&str; 10] = [
    "id",
    "sendID",
    "recvID",
    "groupID",
    "senderNickname",
    "contentType",
    "sessionType",
    "sendTime",
    "ex",
    "content",
];

fn main() -> io::Result<()> {
    let args = Args::parse();
    match (&args.folder, args.shape) {
        (Some(folder), Shape::Slack) => return slack(&args, folder),
        (Some(folder), Shape::Tencent) => return tencent(&args, folder),
        _ => {}
    }
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    if args.shape == Shape::Csv {
        writeln!(out, "{}", COLUMNS.join(","))?;
    }
    let mut rng = Rng::with_seed(args.seed);
    match args.order {
        Order::Time => {
            for n in 0..args.messages {
                let conversation = conversation_of(&args, &mut rng);
                write_row(&mut out, &args, &mut rng, n, conversation)?;
            }
        }
        Order::Conversation => {
            let giant = args.messages * args.giant / 100;
            for n in 0..args.messages {
                let rest = (args.messages - giant).max(1);
                let conversation =
                    if n < giant { 0 } else { 1 + (n - giant) * (args.conversations - 1).max(1) / rest };
                write_row(&mut out, &args, &mut rng, n, conversation.min(args.conversations - 1))?;
            }
        }
        Order::Random => {
            let mut rows: Vec<Vec<u8>> = Vec::new();
            for n in 0..args.messages {
                let conversation = conversation_of(&args, &mut rng);
                let mut row = Vec::new();
                write_row(&mut row, &args, &mut rng, n, conversation)?;
                rows.push(row);
            }
            rng.shuffle(&mut rows);
            for row in rows {
                out.write_all(&row)?;
            }
        }
    }
    out.flush()
}

/// A folder a channel, a file a day; everybody is in every channel.
fn slack(args: &Args, folder: &Path) -> io::Result<()> {
    let mut rng = Rng::with_seed(args.seed);
    let users: Vec<String> =
        (0..50).map(|n| format!(r#"{{"id":"U{n:08}","name":"user{n}","profile":{{}}}}"#)).collect();
    let channel = |n: u64| format!(r#"{{"id":"C{n:08}","name":"channel-{n}","members":[]}}"#);
    let channels: Vec<String> = (0..args.conversations).map(channel).collect();
    fs::create_dir_all(folder)?;
    fs::write(folder.join("users.json"), format!("[{}]", users.join(",")))?;
    fs::write(folder.join("channels.json"), format!("[{}]", channels.join(",")))?;
    let each = args.messages / args.conversations;
    for conversation in 0..args.conversations {
        let folder = folder.join(format!("channel-{conversation}"));
        fs::create_dir_all(&folder)?;
        let mut out = BufWriter::new(fs::File::create(folder.join("2023-11-14.json"))?);
        for n in 0..each {
            let comma = if n == 0 { '[' } else { ',' };
            let (user, length) = (rng.u32(0..50), args.text.max(20));
            let words = text(&mut rng, length);
            let words = words.trim_start_matches(r#"{"content":"#).trim_end_matches('}');
            writeln!(
                out,
                r#"{comma}{{"client_msg_id":"{conversation}-{n}","type":"message","user":"U{user:08}","text":{words},"ts":"{}.{:06}","team":"T1","blocks":[{{"type":"rich_text","block_id":"b"}}]}}"#,
                START / 1000 + n / 100,
                n % 100 * 10_000 + 200,
            )?;
        }
        writeln!(out, "]")?;
        out.flush()?;
    }
    Ok(())
}

/// A file an hour and kind of chat, a record a line, each with a comma behind it.
fn tencent(args: &Args, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut rng = Rng::with_seed(args.seed);
    let file = |name: &str| -> io::Result<_> {
        let mut out = BufWriter::new(fs::File::create(folder.join(name))?);
        writeln!(out, "{{\"MsgList\":[")?;
        Ok(out)
    };
    let (mut groups, mut singles) = (file("Group_2023111506.json")?, file("C2C_2023111506.json")?);
    let mut first = [true, true];
    for n in 0..args.messages {
        let conversation = conversation_of(args, &mut rng);
        let group = conversation.is_multiple_of(3);
        let out = if group { &mut groups } else { &mut singles };
        if !std::mem::take(&mut first[usize::from(group)]) {
            writeln!(out, ",")?;
        }
        let length = args.text.max(20);
        let words = text(&mut rng, length);
        let words = words.trim_start_matches(r#"{"content":"#).trim_end_matches('}');
        let (from, to) = (rng.u64(0..10), if group { "GroupId" } else { "To_Account" });
        let peer = if group { format!("g{conversation}") } else { format!("b{conversation}") };
        write!(
            out,
            r#"{{"From_Account":"u{conversation}x{from}","{to}":"{peer}","MsgTimestamp":{},"MsgSeq":{n},"MsgRandom":{},"MsgFromPlatform":"Android","ClientIP":"10.0.0.1","MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":{words}}}}}]}}"#,
            START / 1000 + n / 20,
            rng.u32(..),
        )?;
    }
    for mut out in [groups, singles] {
        writeln!(out, "\n]}}")?;
        out.flush()?;
    }
    Ok(())
}

/// The first conversation is the giant; the others differ in size as real ones do: a few large, many small.
fn conversation_of(args: &Args, rng: &mut Rng) -> u64 {
    if args.conversations == 1 || rng.u64(0..100) < args.giant {
        return 0;
    }
    let others = args.conversations - 1;
    1 + rng.u64(0..others).min(rng.u64(0..others))
}

/// Every third conversation is a group of ten, the others are single chats of two users of their own.
fn write_row(out: &mut impl Write, args: &Args, rng: &mut Rng, n: u64, conversation: u64) -> io::Result<()> {
    let group = conversation.is_multiple_of(3);
    let (sender, receiver, group_id) = if group {
        (
            format!("u{}", (conversation * 7 + rng.u64(0..10)) % 1_000_000),
            String::new(),
            format!("g{conversation}"),
        )
    } else {
        let pair = [format!("a{conversation}"), format!("b{conversation}")];
        let from = rng.usize(0..2);
        (pair[from].clone(), pair[1 - from].clone(), String::new())
    };
    // Distinct times: a thousandth of a second apart at least.
    let time = START + n * 37 + rng.u64(0..37);
    let (kind, content) = if args.text > 0 { (101, text(rng, args.text)) } else { mixed(rng, n, group) };
    let session = if group { 3 } else { 1 };
    match args.shape {
        Shape::Jsonl => {
            write!(out, r#"{{"id":"m{n}","sendID":"{sender}","#)?;
            if group {
                write!(out, r#""groupID":"{group_id}","#)?;
            } else {
                write!(out, r#""recvID":"{receiver}","#)?;
            }
            writeln!(
                out,
                r#""senderNickname":"User {sender}","senderPlatformID":10,"contentType":{kind},"sessionType":{session},"sendTime":{time},"notOfflinePush":true,"ex":"src-{n}","content":{content}}}"#
            )
        }
        Shape::Csv => {
            let content = content.replace('"', "\"\"");
            writeln!(
                out,
                r#"m{n},{sender},{receiver},{group_id},User {sender},{kind},{session},{time},src-{n},"{content}""#
            )
        }
        Shape::Slack | Shape::Tencent => unreachable!("clap asks for their folder"),
    }
}

fn text(rng: &mut Rng, length: usize) -> String {
    const WORDS: [&str; 16] = [
        "meeting", "tomorrow", "thanks", "file", "please", "look", "works", "night", "server", "today",
        "order", "history", "lunch", "deploy", "ready", "green",
    ];
    let mut text = String::with_capacity(length + 40);
    text.push_str(r#"{"content":""#);
    while text.len() < length + 12 {
        text.push_str(WORDS[rng.usize(0..WORDS.len())]);
        text.push(' ');
    }
    text.push_str(r#""}"#);
    text
}

/// All content types that release 3.8.3 takes, in about the shares of a company's chat.
fn mixed(rng: &mut Rng, n: u64, group: bool) -> (u32, String) {
    let url = format!("https://files.example.com/{n}");
    match rng.u32(0..100) {
        0..=69 => {
            let length = rng.usize(3..90);
            (101, text(rng, length))
        }
        70..=72 => (101, r#"{"content":"多谢, 明天见 👍 <b>&</b> \"quoted\"\nsecond line"}"#.into()),
        73..=80 => {
            let part = |w: u32| {
                format!(
                    r#"{{"uuid":"p{n}","type":"jpg","size":{},"width":{w},"height":{w},"url":"{url}.jpg"}}"#,
                    w * 99
                )
            };
            (
                102,
                format!(
                    r#"{{"sourcePicture":{},"bigPicture":{},"snapshotPicture":{}}}"#,
                    part(1600),
                    part(800),
                    part(200)
                ),
            )
        }
        81..=83 => (
            103,
            format!(
                r#"{{"uuid":"v{n}","soundPath":"","sourceUrl":"{url}.m4a","dataSize":20480,"duration":7}}"#
            ),
        ),
        84..=85 => (
            104,
            format!(
                r#"{{"videoPath":"","videoUUID":"x{n}","videoUrl":"{url}.mp4","videoType":"mp4","videoSize":1048576,"duration":12,"snapshotPath":"","snapshotUUID":"y{n}","snapshotSize":9000,"snapshotUrl":"{url}.jpg","snapshotWidth":640,"snapshotHeight":360}}"#
            ),
        ),
        86..=89 => (
            105,
            format!(
                r#"{{"filePath":"","uuid":"f{n}","sourceUrl":"{url}.pdf","fileName":"report {n}.pdf","fileSize":345678}}"#
            ),
        ),
        90..=94 if group => (
            106,
            format!(r#"{{"text":"@User please have a look at {n}","atUserList":["u1"],"isAtSelf":false}}"#),
        ),
        90..=94 => (101, r#"{"content":"ok"}"#.into()),
        _ => (
            110,
            format!(r#"{{"data":"{{\"kind\":\"poll\",\"id\":{n}}}","description":"Poll","extension":""}}"#),
        ),
    }
}
