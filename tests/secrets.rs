//! Neither the secret nor a token reaches a log, the job, a report or a message.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openim_importer::secrets;

use crate::support::{Rehearsal, fixture, importer};

/// Not the usual one, so that finding it can't be chance.
const SECRET: &str = "s3cret-of-the-night";

/// Every word of an answer that is a token: JSON in base64 begins so.
const TOKEN: &str = "eyJ";

fn told(dir: &Path, server: &str, secret: &str, args: &[&str]) -> (Option<i32>, String) {
    let output = importer()
        .current_dir(dir)
        .env("OPENIM_SECRET", secret)
        .args(args)
        .args(["--api", server, "--give-up", "60s", "--allow", "retention", "--provision", "-vv"])
        .arg(fixture("company-chat.jsonl"))
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

#[test]
fn nothing_that_is_written_or_said_has_a_secret() {
    let server = Rehearsal::start_with(SECRET, &[]);
    let dir = tempfile::tempdir().unwrap();
    let (exit, mut said) = told(dir.path(), &server.url, SECRET, &["run"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("answered"), "-vv logs each call, or this proves little: {said}");
    // An address with a password in it, and a login that fails.
    let address = server.url.replace("http://", &format!("http://admin:{SECRET}@"));
    said += &told(dir.path(), &address, "another-secret", &["run", "--job", "refused.job"]).1;
    let mut written = 0;
    for entry in walkdir::WalkDir::new(dir.path()).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            written += 1;
            said += &String::from_utf8_lossy(&fs_err::read(entry.path()).unwrap());
        }
    }
    assert!(written > 3, "there is a job to look at");
    for secret in [SECRET, "another-secret", TOKEN] {
        let found: Vec<&str> = said.lines().filter(|line| line.contains(secret)).take(3).collect();
        assert!(found.is_empty(), "`{secret}` in {found:?}");
    }
}

/// In what way something is written.
type Shape = fn(&str) -> String;

/// What servers, proxies and libraries make of a text on its way.
const SHAPES: &[Shape] = &[
    |text| text.to_owned(),
    |text| text.to_uppercase(),
    |text| serde_json::to_string(text).unwrap(),
    |text| joined(text.bytes().map(|byte| format!("%{byte:02X}")), ""),
    |text| joined(text.bytes().map(|byte| format!("%{byte:02x}")), ""),
    |text| joined(text.encode_utf16().map(|unit| format!("\\u{unit:04X}")), ""),
    |text| joined(text.encode_utf16().map(|unit| format!("\\u{unit:04x}")), ""),
    |text| joined(text.chars().map(|char| format!("&#{};", u32::from(char))), ""),
    |text| joined(text.bytes().map(|byte| format!("\\x{byte:02x}")), ""),
    |text| joined(text.bytes().map(|byte| format!("{byte:02X}")), ":"),
    |text| joined(text.bytes().map(|byte| byte.to_string()), " "),
    |text| joined(text.bytes().map(|byte| format!("0x{byte:02x}")), ", "),
    |text| joined(text.bytes().map(|byte| format!("{byte:02x}")), ""),
    |text| joined(text.chars().map(String::from), " "),
    |text| joined(text.chars().map(String::from), "\n"),
    |text| joined(text.chars().map(String::from), "."),
    |text| STANDARD.encode(text),
    |text| URL_SAFE_NO_PAD.encode(text),
    |text| STANDARD.encode(format!("user:{text}!")),
    |text| {
        joined(
            STANDARD.encode(text).as_bytes().chunks(7).map(|part| String::from_utf8_lossy(part).into_owned()),
            "\r\n",
        )
    },
    // Half of it escaped, and what would be taken for an escape.
    |text| {
        joined(
            text.bytes().enumerate().map(|(n, byte)| match (n % 2, byte) {
                (0, _) | (_, b'%' | b'\\' | b'&') => format!("%{byte:02x}"),
                _ => char::from(byte).to_string(),
            }),
            "",
        )
    },
];

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

/// Secrets of any characters, in each shape, and in what escaping one makes of it once more, somewhere in a text.
#[test]
fn no_shape_of_a_secret_is_let_through() {
    const WITHIN: &[Shape] = &[
        |text| text.to_owned(),
        |text| serde_json::to_string(text).unwrap(),
        |text| text.replace('%', "%25").replace('&', "%26").replace('\\', "%5C"),
        |text| text.replace('&', "&amp;").replace('"', "&quot;"),
    ];
    let mut rng = fastrand::Rng::with_seed(21);
    for _ in 0..40 {
        let secret: String = (0..rng.usize(20..40)).map(|_| char::from(rng.u8(b'!'..=b'~'))).collect();
        secrets::hide(&secret);
        for (n, shape) in SHAPES.iter().enumerate() {
            for within in WITHIN {
                let said = within(&shape(&secret));
                let text = format!("errMsg {said} of 12 users");
                let left = secrets::without(&text).into_owned();
                // Nothing of it is left in a row; where a sign in front of it is, what it meant is gone.
                let leaks = |part: &str| left.contains(part);
                let parts: Vec<&str> = said.split(' ').filter(|part| part.len() > 8).collect();
                assert!(
                    left.contains(secrets::HIDDEN) && !leaks(&said) && !parts.into_iter().any(leaks),
                    "{n}: {secret} as {said} leaves {left}"
                );
                assert!(left.starts_with("errMsg ") && left.ends_with(" of 12 users"), "{n}: {left}");
            }
        }
    }
}
