//! `GET /object/<name>`: no token, HTTP codes, and an address of the store.

use super::calls::signer;
use super::names::{base, pairs, path_escaped, unescaped};
use super::refusals::trace;
use super::thumbnail::{self, Answer, Asked};
use crate::http::Reply;
use crate::shared::Shared;
use hyper::Method;

/// Why there is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Unknown,
    /// `type` is something else than `image`.
    Type,
    NoImage,
    Large,
}

/// Answers; `path` and `query` as they came.
pub(crate) fn get(shared: &Shared, method: &Method, path: &str, query: Option<&str>) -> Reply {
    if *method != Method::GET {
        return Reply::text(404, if *method == Method::HEAD { "" } else { "404 page not found" });
    }
    let repeats = shared.traits().repeats_names;
    let Ok(name) = unescaped(path.trim_start_matches("/object/")) else {
        return long(500, "Error: 13 grpc: error while marshaling: string field contains invalid UTF-8", 0);
    };
    match address(shared, &name, &pairs(query.unwrap_or_default())) {
        Ok(url) => {
            let mut reply = Reply::text(302, "");
            reply.headers.push(("location", url));
            reply
        }
        // So long they are on main, whose stack goes with them.
        Err(Wrong::Unknown) if !repeats => {
            long(404, "Error: Error: mongo: no documents in result mongo find one", 5292)
        }
        Err(Wrong::Unknown) => {
            long(404, "Error: 1004 RecordNotFoundError mongo: no documents in result mongo find one", 0)
        }
        Err(Wrong::Type) => long(400, "Error: 1001 ArgsError invalid query type", 0),
        Err(Wrong::NoImage) if !repeats => long(500, "Error: object not image", 0),
        Err(Wrong::NoImage) => long(500, "Error: 500 object not image object not image", 0),
        Err(Wrong::Large) if !repeats => long(500, "Error: Error: file size too large", 5476),
        Err(Wrong::Large) => long(500, "Error: 500 file size too large file size too large", 0),
    }
}

fn long(status: u16, text: &str, bytes: usize) -> Reply {
    Reply::text(status, format!("{text}{}", trace(bytes.saturating_sub(text.len()))))
}

/// The signed address of what a name stands for.
pub(super) fn address(shared: &Shared, name: &str, query: &[(String, String)]) -> Result<String, Wrong> {
    let objects = &shared.objects;
    let value = |key: &str| query.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value.as_str());
    let record = objects.inner().read(name, shared.now()).ok_or(Wrong::Unknown)?;
    let signer = signer(shared);
    match value("type") {
        "" => {
            let disposition = format!("attachment; filename*=UTF-8''{}", path_escaped(base(name)));
            let mut extra = vec![("response-content-disposition", disposition.as_str())];
            if !record.content_type.is_empty() {
                extra.push(("response-content-type", &record.content_type));
            }
            Ok(signer.presigned("GET", &record.key, &extra))
        }
        "image" => {
            let Some(blob) = objects.bucket.find(&record.key) else { return Err(Wrong::NoImage) };
            if blob.size > thumbnail::LARGEST {
                return Err(Wrong::Large);
            }
            let side = |key| value(key).parse().unwrap_or_default();
            let asked =
                Asked { width: side("width"), height: side("height"), format: value("format").to_owned() };
            let answer = thumbnail::answer(&objects.bucket, &record.key, &blob, &asked);
            match answer.unwrap_or(Answer::NoImage) {
                Answer::NoImage => Err(Wrong::NoImage),
                Answer::Bare => Ok(signer.presigned("GET", &record.key, &[])),
                Answer::Original(kind) => {
                    Ok(signer.presigned("GET", &record.key, &[("response-content-type", kind)]))
                }
                Answer::Copy { key, kind } => {
                    Ok(signer.presigned("GET", &key, &[("response-content-type", kind)]))
                }
            }
        }
        _ => Err(Wrong::Type),
    }
}
