//! What is promised about sources: found, unpacked, converted, compared.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{
    BrokenText, Change, Chunk, ExportError, Format, Input, Layout, Plain, Reader, Settings, Shape, Source,
    compare,
};
use crate::message::SourceNo;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }
    folder
}

fn arg(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

struct Read1 {
    text: String,
    findings: Vec<String>,
    sources: Vec<Source>,
    chunks: Vec<Chunk>,
}

/// Reads everything; where the text of chunks is no UTF-8, `<FF>` stands for what can't be shown.
fn read_with(settings: &Settings, sources: &[String]) -> Result<Read1, ExportError> {
    let mut reader = Reader::open(settings, sources, SourceNo(0))?;
    let mut all =
        Read1 { text: String::new(), findings: Vec::new(), sources: Vec::new(), chunks: Vec::new() };
    while let Some(chunk) = reader.next_chunk()? {
        all.text += &String::from_utf8_lossy(&chunk.text).replace('\u{fffd}', "<FF>");
        for finding in &chunk.findings {
            let place = finding.place.unwrap();
            all.findings
                .push(format!("{}:{} {} {}", place.source.0, place.line, finding.code.name, finding.value));
        }
        all.chunks.push(chunk);
    }
    all.sources = reader.sources().to_vec();
    Ok(all)
}

fn read(path: &Path) -> Result<Read1, ExportError> {
    read_with(&Settings::default(), &[arg(path)])
}

/// The error, with the folder taken out of it.
fn refusal(folder: &TempDir, settings: &Settings, sources: &[String]) -> String {
    let Err(error) = read_with(settings, sources) else { panic!("it was read") };
    error.to_string().replace(&arg(folder.path()), "…")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const TWO: &[u8] = b"{\"a\":1}\n{\"a\":2}\n";

#[test]
fn packed_files_are_told_by_their_first_bytes() {
    let members = [gzip(b"{\"a\":1}\n"), gzip(b"{\"a\":2}\n")].concat();
    let frames = [zstd::encode_all(&TWO[..8], 3).unwrap(), zstd::encode_all(&TWO[8..], 3).unwrap()].concat();
    for (name, bytes) in
        [("x.jsonl", TWO), ("x.gz", &members), ("misnamed.csv", &gzip(TWO)), ("x.zst", &frames)]
    {
        let folder = folder(&[(name, bytes)]);
        let got = read(&folder.path().join(name)).unwrap();
        assert_eq!(got.text, "{\"a\":1}\n{\"a\":2}\n", "{name}");
        assert_eq!(got.chunks[0].shape, Shape::Lines, "{name}");
        assert_eq!(got.sources[0].bytes, bytes.len() as u64);
        assert_eq!(
            got.sources[0].sha256,
            <[u8; 32]>::from(Sha256::digest(bytes)),
            "of the bytes as they lie there"
        );
    }
}

#[test]
fn packed_data_that_ends_early_or_is_broken_is_refused() {
    let lines: Vec<_> = (0..50_000).map(|n| format!("{{\"a\":{}}}\n", n * 7919)).collect();
    let text = lines.concat();
    let (gz, zst) = (gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 3).unwrap());
    let mut broken = gz.clone();
    broken[gz.len() / 2..gz.len() / 2 + 20].fill(0xaa);
    let mut sum = gz.clone();
    let at = sum.len() - 8;
    sum[at] ^= 1;
    for (what, bytes, says) in [
        ("half a gzip", &gz[..gz.len() / 2], "is cut off: its gzip data ends in the middle, after byte"),
        ("gzip without its end", &gz[..gz.len() - 4], "is cut off"),
        ("a gzip header alone", &gz[..6], "is cut off"),
        ("a broken gzip", &broken, "is damaged: its gzip data is broken near byte"),
        ("a gzip with a wrong sum", &sum, "is damaged"),
        ("half a zstd", &zst[..zst.len() / 2], "is cut off: its zstd data ends in the middle, after byte"),
        ("garbage behind a gzip", &[&gz[..], b"garbage behind the data"].concat(), "is damaged"),
    ] {
        let folder = folder(&[("x.jsonl.gz", bytes)]);
        let why = refusal(&folder, &Settings::default(), &[arg(folder.path())]);
        assert!(why.starts_with("`…/x.jsonl.gz` ") && why.contains(says), "{what}: {why}");
    }
}

#[test]
fn every_encoding_comes_out_as_utf_8() {
    let text = "{\"a\":\"你好，世界\"}\n{\"b\":\"é\"}\r\n";
    let utf16 = |big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    let (gb, _, _) = encoding_rs::GB18030.encode(text);
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    for (what, bytes, findings) in [
        ("utf-8", text.as_bytes().to_vec(), None),
        ("utf-8 with a mark", marked(b"\xef\xbb\xbf", text.as_bytes()), None),
        ("utf-16le with a mark", marked(b"\xff\xfe", &utf16(false)), None),
        ("utf-16be with a mark", marked(b"\xfe\xff", &utf16(true)), None),
        ("utf-16le", utf16(false), Some("0:1 encoding-guessed UTF-16LE")),
        ("utf-16be", utf16(true), Some("0:1 encoding-guessed UTF-16BE")),
        ("gb18030", gb.to_vec(), Some("0:1 encoding-guessed gb18030")),
    ] {
        let folder = folder(&[("x.jsonl", &bytes)]);
        let got = read(&folder.path().join("x.jsonl")).unwrap();
        assert_eq!(got.text, text, "{what}");
        assert_eq!(got.findings.first().map(String::as_str), findings, "{what}");
        // The mark is no part of the first record, but of the file.
        assert_eq!(got.chunks[0].first_byte, if what == "utf-8 with a mark" { 3 } else { 0 });
    }
}

#[test]
fn what_is_no_text_stays_visible() {
    let latin: &[u8] = b"{\"a\":\"caf\xe9 au lait, tr\xe8s bien\"}\n{\"a\":\"b\"}\n";
    let folder = folder(&[("x.jsonl", latin)]);
    let path = folder.path().join("x.jsonl");
    // Latin-1 passes for GB18030 too often to be guessed: it stays broken, to be found where it is mapped.
    let got = read(&path).unwrap();
    assert_eq!(got.text, "{\"a\":\"caf<FF> au lait, tr<FF>s bien\"}\n{\"a\":\"b\"}\n");
    let named = Settings { encoding: "windows-1252".to_owned(), ..Settings::default() };
    let got = read_with(&named, &[arg(&path)]).unwrap();
    assert_eq!(got.text, "{\"a\":\"café au lait, très bien\"}\n{\"a\":\"b\"}\n");
    assert_eq!(got.findings, [""; 0], "an encoding that was set is not guessed");
    let wrong = Settings { encoding: "gb18030".to_owned(), ..Settings::default() };
    let got = read_with(&wrong, &[arg(&path)]).unwrap();
    assert!(
        std::str::from_utf8(&got.chunks[0].text).is_err(),
        "what GB18030 does not know can't pass for text"
    );
    let why =
        refusal(&folder, &Settings { encoding: "klingon".to_owned(), ..Settings::default() }, &[arg(&path)]);
    assert!(why.starts_with("`encoding` in [export] can't be `klingon`"), "{why}");
}

#[test]
fn an_encoding_that_could_be_another_is_named_and_not_taken() {
    let seen = |bytes: &[u8]| {
        let folder = folder(&[("x.csv", bytes)]);
        let got = read(&folder.path().join("x.csv")).unwrap();
        (got.findings.join(" "), got.text.contains("<FF>"))
    };
    // Each passes for GB18030, but for the Russian.
    for (label, like, rows) in [
        ("windows-1252", "windows-1252", "ann,für dich\nbob,schön\n"),
        ("windows-1252", "windows-1252", "Jörg,bis später; schöne Grüße\n"),
        ("windows-1250", "windows-1250", "Jiří,zítra ráno\nŁukasz,żółć\n"),
        ("windows-1251", "windows-1251", "Анна,до завтра\nБорис,принтер опять без бумаги\n"),
        ("big5", "Big5", "王偉,你好\n李娜,在嗎\n陳靜,打印機又沒紙了\n"),
        ("shift_jis", "Shift_JIS", "さくら,明日の朝会いましょう\n"),
        ("euc-kr", "EUC-KR", "민수,내일 아침에 봐요\n지영,프린터에 종이가 없어요\n"),
    ] {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        let (bytes, _, _) = encoding.encode(rows);
        let all = [b"from,text\n", &*bytes].concat();
        assert_eq!(seen(&all), (format!("0:1 encoding-unsure {like}"), true), "{label} {rows}");
    }
    for rows in ["ann,好的\n", "王伟,請把發票發給我\n李娜,谢谢\n"] {
        let (bytes, _, _) = encoding_rs::GB18030.encode(rows);
        let all = [b"from,text\n", &*bytes].concat();
        assert_eq!(seen(&all), ("0:1 encoding-guessed gb18030".to_owned(), false), "{rows}");
    }
    let (russian, _, _) = encoding_rs::SHIFT_JIS.encode("from,text\nann,спасибо\nbo,ладно\n");
    assert!(seen(&russian).0.starts_with("0:1 encoding-unsure"), "{:?}", seen(&russian));
    // Damaged, and no other encoding.
    let damaged = [&b"from,text\n\xe4"[..], "王伟,你好\n".as_bytes()].concat();
    assert_eq!(seen(&damaged), (String::new(), true));
}

#[test]
fn a_mark_wins_over_the_setting() {
    let folder = folder(&[("x.jsonl", b"\xef\xbb\xbf{\"a\":1}\n")]);
    let set = Settings { encoding: "gb18030".to_owned(), ..Settings::default() };
    let got = read_with(&set, &[arg(folder.path())]).unwrap();
    assert_eq!(got.text, "{\"a\":1}\n");
    assert_eq!(got.findings, ["0:1 encoding-contradicted set to gb18030, byte order mark of UTF-8"]);
}

#[test]
fn a_folder_is_read_in_order_and_each_file_once() {
    let folder = folder(&[
        ("b/2.jsonl", b"{\"n\":3}\n"),
        ("b/10.json.gz", &gzip(b"{\"n\":2}\n")),
        ("a.ndjson.zst", &zstd::encode_all(&b"{\"n\":1}\n"[..], 3).unwrap()),
        ("b/picture.png", b"\x89PNG"),
        (".hidden.jsonl", b"{\"n\":9}\n"),
        ("__MACOSX/b/._2.jsonl", b"\x00\x05\x16\x07"),
        ("z.csv", b"n\n4\n"),
    ]);
    let root = folder.path();
    // Links: to a file that is read anyway, to a folder above (a loop), to nothing, to itself.
    std::os::unix::fs::symlink(root.join("z.csv"), root.join("zz.csv")).unwrap();
    std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
    std::os::unix::fs::symlink(root.join("gone"), root.join("gone.jsonl")).unwrap();
    std::os::unix::fs::symlink("self.jsonl", root.join("self.jsonl")).unwrap();
    let got = read(root).unwrap();
    assert_eq!(got.text, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n4\n");
    let names: Vec<_> = got.sources.iter().map(|s| s.path.strip_prefix(&arg(root)).unwrap()).collect();
    assert_eq!(names, ["/a.ndjson.zst", "/b/10.json.gz", "/b/2.jsonl", "/z.csv"]);
    assert_eq!(got.sources.iter().map(|s| s.no.0).collect::<Vec<_>>(), [0, 1, 2, 3]);
    // Named twice, and by a glob besides: once.
    let both = [arg(&root.join("b/2.jsonl")), arg(root), arg(&root.join("**/*.jsonl"))];
    let got = read_with(&Settings::default(), &both).unwrap();
    assert_eq!(got.text, "{\"n\":3}\n{\"n\":1}\n{\"n\":2}\n4\n");
    let only = Settings { include: vec!["b/*.jsonl".to_owned()], ..Settings::default() };
    assert_eq!(read_with(&only, &[arg(root)]).unwrap().text, "{\"n\":3}\n");
}

#[test]
fn what_the_path_says_is_inherited() {
    let folder = folder(&[("general/2024-01-02.json", b"[{\"a\":1}]")]);
    let got = read(folder.path()).unwrap();
    let context = &got.chunks[0].context;
    let said = ["@file", "@stem", "@folder"].map(|name| context.value(name).unwrap());
    assert_eq!(said, ["2024-01-02.json", "2024-01-02", "general"]);
    assert!(context.value("@path").unwrap().ends_with("general/2024-01-02.json"));
}

#[test]
fn sources_that_are_not_there_are_refused_with_the_way_out() {
    let folder = folder(&[("photos/a.png", b"x"), ("notes.md", b"x")]);
    let root = folder.path();
    fs_err::create_dir(root.join("empty")).unwrap();
    let refused = |sources: &[String]| refusal(&folder, &Settings::default(), sources);
    insta::assert_snapshot!(refused(&[]), @"no source was given: name a file, a folder, a glob, or `-` for standard input");
    insta::assert_snapshot!(refused(&[arg(&root.join("x.jsonl"))]), @"`…/x.jsonl` does not exist; sources are files, folders, globs, objects (`s3://bucket/key`), or `-` for standard input");
    insta::assert_snapshot!(refused(&[arg(&root.join("*.jsonl"))]), @"no file matches `…/*.jsonl`");
    insta::assert_snapshot!(refused(&[arg(&root.join("p*"))]), @"1 path matches `…/p*`, and nothing there can be read; the first: nothing in `…/photos` looks like an export (there is one file, `a.png`); exports end in .jsonl, .ndjson, .json, .csv, .tsv or .txt, packed as .gz or .zst or not; name the files themselves, or set `include` in [export]");
    insta::assert_snapshot!(refused(&[arg(&root.join("[.jsonl"))]), @"`…/[.jsonl` is no valid glob: invalid range pattern");
    insta::assert_snapshot!(refused(&[arg(root)]), @"nothing in `…` looks like an export (there are 2 files, among them `notes.md`, `photos/a.png`); exports end in .jsonl, .ndjson, .json, .csv, .tsv or .txt, packed as .gz or .zst or not; name the files themselves, or set `include` in [export]");
    insta::assert_snapshot!(refused(&[arg(&root.join("empty"))]), @"nothing in `…/empty` looks like an export (it is empty); exports end in .jsonl, .ndjson, .json, .csv, .tsv or .txt, packed as .gz or .zst or not; name the files themselves, or set `include` in [export]");
    insta::assert_snapshot!(refused(&["-".to_owned(), "-".to_owned()]), @"standard input can be read only once, and not together with itself");
}

#[test]
fn empty_files_are_found_and_nothing_at_all_is_refused() {
    let folder = folder(&[
        ("a.jsonl", b""),
        ("b.jsonl", b"{\"a\":1}\n"),
        ("c/a.jsonl", b""),
        ("c/b.jsonl", &gzip(b"")),
    ]);
    let got = read_with(
        &Settings::default(),
        &[arg(&folder.path().join("a.jsonl")), arg(&folder.path().join("b.jsonl"))],
    );
    let got = got.unwrap();
    assert_eq!(got.findings.len(), 1);
    assert!(got.findings[0].starts_with("0:1 file-empty "), "{:?}", got.findings);
    let why = refusal(&folder, &Settings::default(), &[arg(&folder.path().join("c"))]);
    insta::assert_snapshot!(why, @"there is nothing to import: `…/c/a.jsonl`, `…/c/b.jsonl` are empty");
    let why = refusal(&folder, &Settings::default(), &[arg(&folder.path().join("a.jsonl"))]);
    insta::assert_snapshot!(why, @"there is nothing to import: `…/a.jsonl` is empty");
    // A list without anything in it is no broken file.
    fs_err::write(folder.path().join("d.json"), "[]").unwrap();
    let got = read(&folder.path().join("d.json")).unwrap();
    assert_eq!((got.text.as_str(), got.findings), ("[]", vec![]));
}

#[test]
fn the_format_is_told_from_the_beginning() {
    for (name, text, shape, records) in [
        ("x.json", "{\"a\":1}\n{\"a\":2}\n", Shape::Lines, 0),
        ("x", "{\"a\":1},\n{\"a\":2},\n", Shape::Lines, 0),
        ("x.jsonl", "[\n{\"a\":1}\n]\n", Shape::Lines, 0),
        ("x.json", "[\n{\"a\":1},{\"a\":2}\n]\n", Shape::Values, 2),
        ("x.json", "{\n\"a\":1\n}\n{\n\"a\":2\n}\n", Shape::Values, 2),
        ("x.json", "{\"a\":1}{\"a\":2}", Shape::Values, 2),
        ("x.csv", "a,b\n1,2\n", Shape::Rows, 0),
        ("x.txt", "a;b\n1;2\n", Shape::Rows, 0),
    ] {
        let folder = folder(&[(name, text.as_bytes())]);
        let got = read(&folder.path().join(name)).unwrap();
        assert_eq!(got.chunks[0].shape, shape, "{text}");
        assert_eq!(got.chunks[0].spans.len(), records, "{text}");
    }
}

#[test]
fn the_delimiter_is_told_from_the_beginning() {
    for (text, delimiter) in [
        ("a,b;c,d\n1,2;3,4\n", b','),
        ("a;b;c\n1,5;2;3\n\"x;y\";2,1;3\n", b';'),
        ("a\tb\n1,1,1\t2\n", b'\t'),
        ("a|b|c\n1|2|3\n", b'|'),
        ("only\none\n", b','),
    ] {
        let folder = folder(&[("x.csv", text.as_bytes())]);
        let got = read(&folder.path().join("x.csv")).unwrap();
        assert_eq!(got.chunks[0].context.table.as_ref().unwrap().dialect.delimiter, delimiter, "{text}");
    }
}

#[test]
fn enclosing_objects_are_inherited() {
    let text = r#"{"about":"x","me":{"id":7431234567890123456,"none":null,"tags":[1,2]},"chats":{"list":[
        {"id":1,"name":"one","messages":[{"n":1},{"n":2}],"late":true},
        {"id":2,"messages":[{"n":3}]},
        {"id":3,"messages":[]}
    ]}}"#;
    let folder = folder(&[("x.json", text.as_bytes())]);
    let settings = Settings { records: vec!["chats.list[].messages[]".to_owned()], ..Settings::default() };
    let got = read_with(&settings, &[arg(folder.path())]).unwrap();
    let mut seen = Vec::new();
    for chunk in &got.chunks {
        for span in &chunk.spans {
            let record = std::str::from_utf8(&chunk.text[span.start as usize..span.end as usize]).unwrap();
            let said = |name: &str| chunk.context.value(name).unwrap_or("-").to_owned();
            let list = ["about", "me.id", "me.none", "me.tags", "chats.list[].id", "chats.list[].name"];
            seen.push(format!("{record} {}", list.map(said).join(" ")));
        }
    }
    assert_eq!(
        seen,
        [
            r#"{"n":1} x 7431234567890123456 - [1,2] 1 one"#,
            r#"{"n":2} x 7431234567890123456 - [1,2] 1 one"#,
            r#"{"n":3} x 7431234567890123456 - [1,2] 2 -"#,
        ]
    );
}

#[test]
fn broken_documents_are_findings_and_other_files_go_on() {
    for (text, finding) in [
        ("{\"m\":[{\"n\":1},\n{\"n\":2", "0:2 json-structure it breaks off in the record that begins here"),
        ("{\"m\":[{\"n\":1}\n\n", "0:3 json-structure it breaks off"),
        ("{\"m\":[{\"n\":1}}", "0:1 json-structure a value is missing"),
        ("{\"m\":[{\"n\":1}]\n]", "0:2 json-structure a key is missing"),
        ("{\"m\":[{\"n\":1}], \"x\" 1}", "0:1 json-structure a colon is missing"),
        ("{\"x\":[{\"n\":1}]}", "0:1 records-not-found m[]"),
    ] {
        let folder = folder(&[("a.json", text.as_bytes()), ("b.json", b"{\"m\":[{\"n\":9}]}")]);
        let settings = Settings { records: vec!["m[]".to_owned()], ..Settings::default() };
        let got = read_with(&settings, &[arg(folder.path())]).unwrap();
        assert_eq!(got.findings, [finding], "{text}");
        let last = got.chunks.iter().rev().find(|c| !c.spans.is_empty()).unwrap();
        assert_eq!(last.source, SourceNo(1), "{text}");
    }
}

#[test]
fn what_is_nested_without_end_is_left_out() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let text = format!("[{{\"a\":1}},{{\"a\":{deep}}},{{\"a\":2}}]");
    let folder = folder(&[("x.json", text.as_bytes())]);
    let got = read(folder.path()).unwrap();
    assert_eq!(got.findings, ["0:1 json-too-deep "]);
    assert_eq!(got.chunks.iter().map(|c| c.spans.len()).sum::<usize>(), 2);
}

#[test]
fn archives_are_folders() {
    let inside: &[(&str, &[u8])] =
        &[("b/2.json", b"[{\"n\":2}]"), ("a.jsonl", b"{\"n\":1}\n"), ("c.png", b"x")];
    let folder = folder(&[("x.zip", &zip(inside))]);
    let got = read(&folder.path().join("x.zip")).unwrap();
    assert_eq!(got.text, "{\"n\":1}\n[{\"n\":2}]");
    assert!(got.sources[1].path.ends_with("x.zip/b/2.json"));
    assert_eq!(
        got.sources[1].sha256,
        <[u8; 32]>::from(Sha256::digest(b"[{\"n\":2}]")),
        "of an entry, unpacked"
    );
    assert_eq!(got.chunks[1].context.value("@folder"), Some("b"));
}

#[test]
fn a_folder_of_archives_alone_is_read_into() {
    let (one, two) = (zip(&[("a.jsonl", b"{\"n\":1}\n")]), zip(&[("a.jsonl", b"{\"n\":2}\n")]));
    let none = zip(&[("c.png", b"x")]);
    let folder = folder(&[("1.zip", &one), ("sub/2.ZIP", &two), ("3.zip", &none), ("note.md", b"x")]);
    assert_eq!(read(folder.path()).unwrap().text, "{\"n\":1}\n{\"n\":2}\n");
    // Beside an export they are what somebody sent.
    fs_err::write(folder.path().join("z.jsonl"), TWO).unwrap();
    assert_eq!(read(folder.path()).unwrap().text.as_bytes(), TWO);
    let nested = self::folder(&[("x.zip", &zip(&[("batch001.zip", &one)]))]);
    let why = refusal(&nested, &Settings::default(), &[arg(&nested.path().join("x.zip"))]);
    assert!(why.contains("it holds archives in turn; unpack it"), "{why}");
}

#[test]
fn archives_that_lie_are_refused() {
    // The central directory says that the entry is shorter than it is.
    let text = "{\"n\":1}\n".repeat(100_000);
    let mut bytes = zip(&[("a.jsonl", text.as_bytes())]);
    let size = u32::try_from(text.len()).unwrap().to_le_bytes();
    let at = bytes.windows(4).rposition(|w| w == size).unwrap();
    bytes[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    let folder = folder(&[("bomb.zip", &bytes), ("cut.zip", &zip(&[("a.jsonl", TWO)])[..30])]);
    let why = refusal(&folder, &Settings::default(), &[arg(&folder.path().join("bomb.zip"))]);
    assert!(
        why.starts_with("`…/bomb.zip/a.jsonl` can't be read: the entry is longer than the archive says"),
        "{why}"
    );
    let why = refusal(&folder, &Settings::default(), &[arg(&folder.path().join("cut.zip"))]);
    assert!(why.starts_with("`…/cut.zip` is damaged: its zip data is broken"), "{why}");
}

#[test]
fn archives_whose_entries_are_not_what_they_seem_are_refused() {
    // Two names that become one.
    let two = zip(&[("a.jsonl", TWO), ("b.jsonl", TWO)]);
    let doubled: Vec<u8> = replaced(&two, b"b.jsonl", b"a.jsonl");
    // The second entry is said to begin where the first one does.
    let long = "{\"n\":1}\n".repeat(1000);
    let mut overlapping = zip(&[("a.jsonl", long.as_bytes()), ("b.jsonl", long.as_bytes())]);
    let second = overlapping.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    overlapping[second + 42..second + 46].fill(0);
    // Each is below what is refused, all together are not.
    let zeros = vec![b' '; 40 << 20];
    let bomb: Vec<(String, &[u8])> = (0..8).map(|n| (format!("{n}.jsonl"), &zeros[..])).collect();
    let bomb = zip(&bomb.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect::<Vec<_>>());
    // The end counts one entry of the two that are there.
    let mut counted = two.clone();
    let end = counted.windows(4).rposition(|w| w == b"PK\x05\x06").unwrap();
    counted[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    let other = zip(&[("c.jsonl", TWO)]);
    // A whole archive between the entries of another and its directory.
    let directory = two.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut between = [&two[..directory], &other, &two[directory..]].concat();
    let end = between.windows(4).rposition(|w| w == b"PK\x05\x06").unwrap();
    let moved = u32::try_from(directory + other.len()).unwrap();
    between[end + 16..end + 20].copy_from_slice(&moved.to_le_bytes());
    let slashes = replaced(&zip(&[("d/a.jsonl", TWO), ("d:a.jsonl", TWO)]), b"d:a", b"d\\a");
    for (name, bytes, says) in [
        ("doubled.zip", &doubled, "the archive lists 2 entries and has 1 names"),
        ("overlap.zip", &overlapping, "lie on the same bytes"),
        ("bomb.zip", &bomb, "times"),
        ("counted.zip", &counted, "lists 2 entries, and its end says 1"),
        ("two.zip", &[other, two].concat(), "bytes belong to none of its entries"),
        ("between.zip", &between, "lies an entry that its directory does not name"),
        ("slashes.zip", &slashes, "two entries are called `d/a.jsonl`"),
    ] {
        let folder = folder(&[(name, bytes)]);
        let why = refusal(&folder, &Settings::default(), &[arg(&folder.path().join(name))]);
        assert!(why.contains(says), "{name}: {why}");
    }
    let commented = {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.set_comment("some words behind the end").unwrap();
        zip.start_file("a.jsonl", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(TWO).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let folder = folder(&[("fine.zip", &commented)]);
    assert_eq!(read(&folder.path().join("fine.zip")).unwrap().text.as_bytes(), TWO);
}

#[test]
fn links_in_archives_and_folders_with_data_are_named() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for name in ["a.jsonl", "folder.jsonl:"] {
        writer.start_file(name, options).unwrap();
        writer.write_all(TWO).unwrap();
    }
    writer.add_symlink("b.jsonl", "/etc/passwd", options).unwrap();
    writer.add_symlink("c.png", "d.png", options).unwrap();
    writer.add_directory("empty.jsonl", options).unwrap();
    let bytes = replaced(&writer.finish().unwrap().into_inner(), b".jsonl:", b".jsonl/");
    let folder = folder(&[("x.zip", &bytes)]);
    let sources = [arg(&folder.path().join("x.zip"))];
    let layout = Plain::new(&Settings::default()).unwrap();
    let (found, unread) = crate::discover::discover_all(&sources, &layout).unwrap();
    assert_eq!(found.len(), 1);
    let left: Vec<_> = unread.by_reason().map(|(reason, left)| (reason, left.count)).collect();
    assert_eq!(left, [("no-file", 2), ("other-kind", 1)]);
    assert!(unread.doubtful().unwrap().contains("x.zip/b.jsonl"));
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for at in 0..out.len() - from.len() {
        if out[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

#[test]
fn what_is_left_out_for_its_place_is_named() {
    let entries = [
        ("a.jsonl", TWO),
        ("../up.jsonl", TWO),
        (".b.jsonl", TWO),
        ("x/../../c.jsonl", TWO),
        (".trash/d.jsonl", TWO),
        (".cfg", TWO),
        ("__MACOSX/._a.jsonl", TWO),
        ("._a.jsonl", TWO),
    ];
    let folder = folder(&[
        ("z.zip", &zip(&entries)),
        ("plain/a.jsonl", TWO),
        ("plain/.hidden/b.jsonl", TWO),
        ("plain/.git/config", TWO),
    ]);
    for (name, value) in
        [("z.zip", "4: `…/z.zip/../up.jsonl`, `…"), ("plain", "1: `…/plain/.hidden/b.jsonl`")]
    {
        let got = read(&folder.path().join(name)).unwrap();
        assert_eq!(got.text.as_bytes(), TWO, "{name}");
        let said = got.findings.join("\n").replace(&arg(folder.path()), "…");
        assert!(said.starts_with(&format!("0:1 hidden-left-out {value}")), "{name}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn every_file_that_is_not_read_is_counted_under_a_reason() {
    let folder = folder(&[
        ("a.jsonl", TWO),
        ("b/a.json", b"[]"),
        ("b/.a.json", TWO),
        ("b/notes.html", b"x"),
        ("b/more.log.gz", b"x"),
        ("chat.zip", &zip(&[("a.jsonl", TWO)])),
        ("photos/cat.jpg", b"x"),
        ("photos/Thumbs.db", b"x"),
        ("__MACOSX/._a.jsonl", b"x"),
    ]);
    std::os::unix::fs::symlink(folder.path().join("a.jsonl"), folder.path().join("c.jsonl")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("gone"), folder.path().join("gone.jsonl")).unwrap();
    let unread = |settings: &Settings, sources: &[String]| {
        let reader = Reader::open(settings, sources, SourceNo(0)).unwrap();
        let unread = reader.unread();
        assert_eq!(unread.count(), unread.by_reason().map(|(_, left)| left.count).sum::<u64>());
        unread.by_reason().map(|(why, left)| format!("{} {why}", left.count)).collect::<Vec<_>>().join(", ")
    };
    let all = [arg(folder.path())];
    assert_eq!(
        unread(&Settings::default(), &all),
        "1 archive, 1 dead-link, 1 hidden, 1 other-kind, 2 other-name, 1 same-file, 2 system-file"
    );
    let warned = read(folder.path()).unwrap().findings.join("\n");
    assert!(
        warned.contains("0:1 hidden-left-out 1: `") && warned.contains("0:1 files-left-out 4: `"),
        "{warned}"
    );
    // What was left out on purpose is counted, and nobody is warned of it.
    let only = Settings { include: vec!["a.jsonl".to_owned()], ..Settings::default() };
    assert_eq!(unread(&only, &all), "9 not-included");
    assert_eq!(read_with(&only, &all).unwrap().findings.len(), 0);
    // A file that is named besides its folder.
    let twice = [arg(&folder.path().join("a.jsonl")), arg(folder.path())];
    assert!(unread(&Settings::default(), &twice).contains("2 same-file"));
}

#[test]
fn readers_go_on_with_each_other() {
    let folder = folder(&[
        ("a/1.jsonl", b"{\"n\":1}\n"),
        ("a/2.jsonl", b"{\"n\":2}\n"),
        ("b/1.csv", b"n\n3\n"),
        ("b/x.jpg", b"x"),
        ("c/1.jsonl", b"{\"n\":4}\n"),
        ("empty/1.jsonl", b""),
    ]);
    let open = |name: &str, from| {
        Reader::open(&Settings::default(), &[arg(&folder.path().join(name))], from).unwrap()
    };
    let mut reader = open("a", SourceNo(5));
    for name in ["b", "empty", "c"] {
        let next = open(name, reader.end());
        reader = reader.followed_by(next).unwrap();
    }
    assert_eq!((reader.end(), reader.totals().files, reader.unread().count()), (SourceNo(10), 5, 1));
    let (mut text, mut of) = (String::new(), Vec::new());
    while let Some(chunk) = reader.next_chunk().unwrap() {
        text += &String::from_utf8_lossy(&chunk.text);
        of.push(chunk.source.0);
    }
    assert_eq!(text, "{\"n\":1}\n{\"n\":2}\n3\n{\"n\":4}\n");
    of.dedup();
    assert_eq!(of, [5, 6, 7, 8, 9]);
    assert_eq!(reader.sources().iter().map(|source| source.no.0).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
    assert_eq!(reader.totals().read, reader.totals().bytes);
    // One file is read in one way.
    let again = open("a/2.jsonl", SourceNo(2));
    let refused = open("a", SourceNo(0)).followed_by(again).err().unwrap().to_string();
    assert!(refused.contains("2.jsonl` is in two of the [[source]] tables"), "{refused}");
    // Nothing anywhere is refused, as with one.
    fs_err::write(folder.path().join("nothing.jsonl"), "").unwrap();
    let next = open("empty", SourceNo(1));
    let mut empty = open("nothing.jsonl", SourceNo(0)).followed_by(next).unwrap();
    let refused = loop {
        match empty.next_chunk() {
            Ok(chunk) => assert!(chunk.is_some_and(|chunk| chunk.text.is_empty())),
            Err(error) => break error.to_string(),
        }
    };
    assert!(refused.contains("nothing.jsonl`, `") && refused.ends_with("are empty"), "{refused}");
}

#[test]
fn a_quote_that_is_never_closed_takes_no_more_than_what_is_read() {
    let row = "u1,c1,1700000000,some words without quotes\n";
    let text = format!("from,to,ts,text\nu1,c1,1700000000,\"never closed\n{}", row.repeat(600_000));
    let folder = folder(&[("x.csv", text.as_bytes())]);
    let settings = Settings { max_record: 16 << 20, ..Settings::default() };
    let got = read_with(&settings, &[arg(folder.path())]).unwrap();
    assert!(got.findings[0].contains("csv-quote-open"), "{:?}", &got.findings[..1]);
    // All that was read in search of the quote goes on in chunks of the usual size.
    let longest = got.chunks.iter().map(|chunk| chunk.text.len()).max();
    assert!(longest <= Some(1 << 20), "{longest:?} of {}", text.len());
    let held: usize = got.chunks.iter().map(|chunk| chunk.text.capacity()).sum();
    assert!(held < 4 * text.len(), "{held} bytes for {}", text.len());
}

#[test]
fn zeros_behind_a_gzip_are_padding() {
    let gz = gzip(TWO);
    for zeros in [1, 511, 8192, 100_000] {
        let padded = [&gz[..], &vec![0; zeros]].concat();
        let twice = [&gz[..], &vec![0; zeros], &gz[..], &vec![0; zeros]].concat();
        let folder = folder(&[("x.jsonl.gz", &padded), ("y.jsonl.gz", &twice)]);
        assert_eq!(read(&folder.path().join("x.jsonl.gz")).unwrap().text.as_bytes(), TWO, "{zeros}");
        assert_eq!(read(&folder.path().join("y.jsonl.gz")).unwrap().text.as_bytes(), [TWO, TWO].concat());
    }
    let dirty = [&gz[..], &[0; 512], b"more"].concat();
    let folder = folder(&[("x.jsonl.gz", &dirty)]);
    let why = refusal(&folder, &Settings::default(), &[arg(folder.path())]);
    assert!(why.contains("is damaged") || why.contains("is cut off"), "{why}");
}

#[test]
fn what_is_packed_otherwise_is_called_so() {
    let tar = [&b"chats/a.jsonl"[..], &[0; 244], b"ustar\x0000", &[0; 500], TWO].concat();
    // A frame whose window is 2 GiB.
    let window = b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00".to_vec();
    for (name, bytes, says) in [
        ("x.tar", tar.clone(), "is a tar archive"),
        ("x.tar.gz", gzip(&tar), "unpack it (`tar -xf`)"),
        ("x.jsonl.zst", window, "window of more than 128 MiB"),
    ] {
        let folder = folder(&[(name, &bytes)]);
        let why = refusal(&folder, &Settings::default(), &[arg(&folder.path().join(name))]);
        assert!(why.contains(says) && why.contains(name) && !why.contains("damaged"), "{why}");
    }
}

#[test]
fn frames_that_zstd_skips_are_skipped() {
    let frame = zstd::encode_all(TWO, 1).unwrap();
    let skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00size";
    let folder = folder(&[("x.jsonl.zst", &[&skipped[..], &frame, skipped, &frame].concat())]);
    assert_eq!(read(&folder.path().join("x.jsonl.zst")).unwrap().text.as_bytes(), [TWO, TWO].concat());
}

#[test]
fn changed_sources_are_told_apart() {
    let folder = folder(&[("a.jsonl", TWO), ("b.jsonl", TWO), ("c.jsonl", TWO), ("d.jsonl", TWO)]);
    let path = |name: &str| folder.path().join(name);
    let sources = [arg(folder.path())];
    let stored = read(folder.path()).unwrap().sources;
    let layout = Plain::new(&Settings::default()).unwrap();
    let changes = || compare(&stored, &sources, &layout).unwrap();
    assert_eq!(changes(), []);
    // Touched, but the same.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(100);
    let touch = |name: &str| {
        let file = fs_err::OpenOptions::new().write(true).open(path(name)).unwrap();
        file.set_modified(later).unwrap();
    };
    touch("a.jsonl");
    assert_eq!(changes(), []);
    fs_err::write(path("b.jsonl"), "{\"a\":1}\n{\"a\":3}\n").unwrap();
    touch("b.jsonl");
    fs_err::write(path("c.jsonl"), "{\"a\":1}\n").unwrap();
    fs_err::remove_file(path("d.jsonl")).unwrap();
    fs_err::write(path("e.jsonl"), TWO).unwrap();
    let at = |name: &str| arg(&path(name));
    assert_eq!(
        changes(),
        [
            Change::Content { path: at("b.jsonl") },
            Change::Size { path: at("c.jsonl"), was: 16, is: 8 },
            Change::Added { path: at("e.jsonl") },
            Change::Removed { path: at("d.jsonl") },
        ]
    );
}

/// Many tools give all entries the same time, or none.
#[test]
fn an_archive_that_was_replaced_is_told_apart_whatever_times_its_entries_have() {
    let folder = folder(&[]);
    let path = folder.path().join("a.zip");
    let pack = |text: &[u8], seconds| {
        let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        zip.start_file("a.jsonl", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text).unwrap();
        let file = zip.finish().unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
        file.set_modified(later).unwrap();
    };
    pack(TWO, 0);
    let stored = read(&path).unwrap().sources;
    let layout = Plain::new(&Settings::default()).unwrap();
    let changes = || compare(&stored, &[arg(&path)], &layout).unwrap();
    assert_eq!(changes(), []);
    pack(TWO, 100);
    assert_eq!(changes(), []);
    pack(b"{\"a\":1}\n{\"a\":3}\n", 200);
    assert_eq!(changes(), [Change::Content { path: format!("{}/a.jsonl", arg(&path)) }]);
}

/// `{"a":"xxx…` without end, as long as asked for, then a good line.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Ok(0);
        }
        let n = usize::try_from(self.0).unwrap_or(usize::MAX).min(buf.len());
        buf[..n].fill(b'x');
        self.0 -= n as u64;
        Ok(n)
    }
}

#[test]
fn a_record_without_end_is_left_out_in_bounded_memory() {
    for (format, begin, end) in [
        (Format::Jsonl, "{\"a\":1}\n{\"b\":\"", "\"}\n{\"a\":2}\n"),
        (Format::Json, "[{\"a\":1},\n{\"b\":\"", "\"},{\"a\":2}]"),
        (Format::Csv, "a\n1\n\"", "\"\n2\n"),
        (Format::Csv, "a\n1\n", "\n2\n"),
    ] {
        let settings = Settings { format, max_record: 1 << 20, ..Settings::default() };
        let text = begin.as_bytes().chain(Endless(200 << 20)).chain(end.as_bytes());
        let mut input = Input::from_reader("x".to_owned(), Box::new(text), SourceNo(0), None).unwrap();
        let layout = Plain::new(&settings).unwrap();
        let found = super::Found {
            path: "x".to_owned(),
            inside: "x".to_owned(),
            origin: super::Origin::Stdin,
            bytes: 0,
            modified: None,
        };
        let mut cutter = layout.cutter(&mut input, &found).unwrap();
        let mut pool = super::Pool::new(64 << 10);
        let (mut text, mut codes, mut lines) = (String::new(), Vec::new(), Vec::new());
        while let Some(chunk) = cutter.next(&mut input, &Arc::default(), &mut pool).unwrap() {
            assert!(chunk.text.capacity() <= 2 << 20, "{format:?}: {} bytes", chunk.text.capacity());
            text += std::str::from_utf8(&chunk.text).unwrap();
            for finding in &chunk.findings {
                codes.push(finding.code.name);
                lines.push(finding.place.unwrap().line);
            }
            pool.give(chunk.text);
        }
        let code = if begin.ends_with("\n\"") { "csv-quote-open" } else { "record-too-long" };
        let line = if format == Format::Csv { 3 } else { 2 };
        assert_eq!((codes, lines), (vec![code], vec![line]), "{format:?}");
        assert!(text.contains('1') && text.contains('2') && text.len() < 10 << 20, "{format:?}");
    }
}

#[test]
fn settings_that_can_not_be_are_refused() {
    let folder = folder(&[("x.csv", b"a\n1\n")]);
    let with = |toml: &str| refusal(&folder, &toml::from_str(toml).unwrap(), &[arg(folder.path())]);
    insta::assert_snapshot!(with("records = 'a..b'"), @"`records` in [export] can't be `a..b`: a key is missing between two dots");
    insta::assert_snapshot!(with("records = 'a[0]'"), @"`records` in [export] can't be `a[0]`: `[` must be followed by `]`: every element counts");
    insta::assert_snapshot!(with("include = ['[']"), @"`include` in [export] can't be `[`: invalid range pattern");
    insta::assert_snapshot!(with("csv.delimiter = '::'"), @"`csv.delimiter` in [export] can't be `::`: in a CSV it must be one ASCII character");
    insta::assert_snapshot!(with("max_record = 0"), @"`max_record` in [export] can't be `0`: it is a number of bytes from 1 to 1073741824");
    insta::assert_snapshot!(with("format = 'csv'\nrecords = 'a[]'"), @"`records` in [export] can't be `a[]`: only a document of JSON has records inside: set `format` to \"json\"");
    insta::assert_snapshot!(with("csv = { quote = \"'\", delimiter = \"'\" }"), @"`csv.delimiter` in [export] can't be `'`: it would mean two things in a CSV");
    insta::assert_snapshot!(with("csv.escape = \"\\n\""), @r"`csv.escape` in [export] can't be `\n`: it would mean two things in a CSV");
    insta::assert_snapshot!(with("comment = '//'"), @"`comment` in [export] can't be `//`: in a CSV it must be one ASCII character");
    assert!(toml::from_str::<Settings>("delimiter = ','").is_err(), "unknown keys are refused");
}

#[test]
fn replaced_text_is_left_to_the_mapper() {
    let folder = folder(&[("x.jsonl", b"{\"a\":\"\xff\"}\n")]);
    let settings = Settings { broken_text: BrokenText::Replace, ..Settings::default() };
    let got = read_with(&settings, &[arg(folder.path())]).unwrap();
    assert_eq!(got.chunks[0].context.broken_text, BrokenText::Replace);
}

#[test]
#[ignore = "makes 100,000 files; some seconds"]
fn a_hundred_thousand_files() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..100 {
        let inner = folder.path().join(format!("{n:03}"));
        fs_err::create_dir(&inner).unwrap();
        for m in 0..1000 {
            fs_err::write(inner.join(format!("{m:04}.jsonl")), b"{\"a\":1}\n").unwrap();
        }
    }
    let mut reader = Reader::open(&Settings::default(), &[arg(folder.path())], SourceNo(0)).unwrap();
    let mut bytes = 0;
    while let Some(chunk) = reader.next_chunk().unwrap() {
        bytes += chunk.text.len();
        reader.recycle(chunk.text);
    }
    assert_eq!((bytes, reader.sources().len()), (800_000, 100_000));
}
