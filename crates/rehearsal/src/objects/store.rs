//! The object store: PUT, GET and POST at an address of its own.

use super::body::Content;
use super::bucket::Blob;
use super::names::{pairs, unescaped};
use super::sign::{BUCKET, Signer, Unsigned};
use super::{MAX_PART, form};
use crate::bounds;
use crate::faults::{FaultKind, Moment};
use crate::guests::{Guest, Room};
use crate::shared::Shared;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The connection ends here.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

/// Status, code and words of a refusal.
type Refused = (u16, &'static str, &'static str);
type Answer = Result<Response<Content>, Cut>;

const DENIED: Refused = (403, "AccessDenied", "Access Denied.");
const MISMATCH: Refused = (
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
);
const SKEWED: Refused = (
    403,
    "RequestTimeTooSkewed",
    "The difference between the request time and the server's time is too large.",
);
const NO_UPLOAD: Refused = (
    404,
    "NoSuchUpload",
    "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted \
     or completed.",
);
const NO_KEY: Refused = (404, "NoSuchKey", "The specified key does not exist.");
const BAD_DIGEST: Refused =
    (400, "BadDigest", "The Content-Md5 you specified did not match what we received.");
const UNSUPPORTED: Refused = (400, "BadRequest", "An unsupported API call for this method.");
const NO_NUMBER: Refused =
    (400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
const BROKEN: Refused = (500, "InternalError", "We encountered an internal error, please try again.");

/// Takes connections until it is told to stop.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let room = Room::new(bounds::CONNECTIONS);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let guest = Arc::new(room.enter());
                    tokio::spawn(connection(stream, Arc::clone(&shared), guest, stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the store can't take a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, guest: Arc<Guest>, stop: CancellationToken) {
    if shared.faults.has_no_store() {
        return;
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let host = Arc::clone(&guest);
    let serve = service_fn(move |request| {
        guest.spoke();
        let shared = Arc::clone(&shared);
        async move { answer(request, &shared).await }
    });
    let connection = bounds::http().serve_connection(TokioIo::new(stream), serve);
    tokio::select! {
        ended = connection => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection of the store ended");
            }
        }
        () = host.leaves() => {}
        () = stop.cancelled() => {}
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Answer {
    let (head, body) = request.into_parts();
    if shared.faults.has_no_store() {
        return Err(Cut);
    }
    let strikes = shared.faults.strike(Moment::Object(head.method.as_str()));
    for fault in &strikes {
        if let FaultKind::SlowStore { ms } = fault {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    let key = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(BUCKET))
        .and_then(|path| path.strip_prefix('/'));
    let signer = super::calls::signer(shared);
    match (&head.method, key) {
        (&Method::GET | &Method::HEAD, Some(key)) => {
            Ok(get(shared, &signer, &head.method, path, key, query, &head.headers))
        }
        (&Method::PUT, Some(key)) => {
            let address = Address { path, key, query };
            put(shared, &signer, &address, &head.headers, body, &strikes).await
        }
        (&Method::POST, None) if path.trim_end_matches('/') == format!("/{BUCKET}") => {
            post(shared, &head.headers, body).await
        }
        _ => {
            bounds::whole(body).await.ok_or(Cut)?;
            Ok(refused(UNSUPPORTED))
        }
    }
}

/// What a call is about.
struct Address<'a> {
    path: &'a str,
    key: &'a str,
    query: &'a str,
}

async fn put(
    shared: &Shared,
    signer: &Signer<'_>,
    address: &Address<'_>,
    headers: &HeaderMap,
    mut body: Incoming,
    strikes: &[FaultKind],
) -> Answer {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let pairs = pairs(address.query);
    let value = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let (Ok(key), bucket) = (unescaped(address.key), &shared.objects.bucket) else {
        return Ok(refused(NO_KEY));
    };
    let part = value("uploadId").map(|upload| (upload, value("partNumber").unwrap_or_default()));
    let allowed = match part {
        Some((upload, number)) => {
            let given = (header("authorization"), header("x-amz-date"));
            signer.check_part(&key, upload, number, given)
        }
        None => signer.check_presigned("PUT", address.path, address.query),
    };
    let number = part.map(|(_, number)| number.parse().unwrap_or(0));
    let wrong = match (allowed, part) {
        (Err(why), _) => Some(refused_signature(why)),
        (Ok(()), _) if strikes.contains(&FaultKind::ExpiredSignature) => Some(SKEWED),
        (Ok(()), Some(_)) if !number.is_some_and(|n| (1..=10_000).contains(&n)) => Some(NO_NUMBER),
        (Ok(()), Some((upload, _))) if !bucket.is_open(upload, &key) => Some(NO_UPLOAD),
        _ => None,
    };
    let Ok(mut incoming) = bucket.incoming() else { return Ok(refused(BROKEN)) };
    let cut = strikes.contains(&FaultKind::CutUpload);
    let mut whole = true;
    let mut len = 0;
    loop {
        let bytes = match bounds::next(&mut body).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(()) => {
                whole = false;
                break;
            }
        };
        len += bytes.len() as u64;
        // No part may be longer; what is refused is read as far as a client has sent it.
        let most = if wrong.is_none() { MAX_PART.unsigned_abs() } else { bounds::LONGEST_BODY as u64 };
        if cut || len > most || (wrong.is_none() && incoming.write(&bytes).is_err()) {
            whole = false;
            break;
        }
    }
    if cut || !whole {
        bucket.drop_incoming(&incoming);
        return Err(Cut);
    }
    if let Some(wrong) = wrong {
        bucket.drop_incoming(&incoming);
        return Ok(refused(wrong));
    }
    let Ok(blob) = incoming.settled(header("content-type").unwrap_or_default()) else {
        return Ok(refused(BROKEN));
    };
    if let Some(given) = header("content-md5") {
        let given = STANDARD.decode(given).unwrap_or_default();
        if super::bucket::hex(&given) != blob.md5 {
            bucket.discard(&blob);
            return Ok(refused(BAD_DIGEST));
        }
    }
    let etag = if strikes.contains(&FaultKind::WrongDigest) {
        super::bucket::md5_hex(blob.etag.as_bytes())
    } else {
        blob.etag.clone()
    };
    match part {
        Some((upload, _)) => {
            if !bucket.put_part(upload, number.unwrap_or_default(), blob) {
                return Ok(refused(NO_UPLOAD));
            }
        }
        None => bucket.put(&key, blob, true),
    }
    if strikes.contains(&FaultKind::LosePut) {
        return Err(Cut);
    }
    let response = Response::builder().status(200).header("etag", format!("\"{etag}\""));
    Ok(response.body(Content::text("")).expect("plain headers"))
}

async fn post(shared: &Shared, headers: &HeaderMap, body: Incoming) -> Answer {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = bounds::whole(body).await.ok_or(Cut)?;
    let Some(form) = form::read(kind, &body) else { return Ok(refused(UNSUPPORTED)) };
    if !form.is_signed(&shared.options.secret) {
        return Ok(refused(DENIED));
    }
    let bucket = &shared.objects.bucket;
    let Ok(mut incoming) = bucket.incoming() else { return Ok(refused(BROKEN)) };
    let written = incoming.write(form.file);
    match written.and_then(|()| incoming.settled(form.field("Content-Type"))) {
        Ok(blob) => bucket.put(form.field("key"), blob, true),
        Err(_) => return Ok(refused(BROKEN)),
    }
    Ok(Response::new(Content::text("")))
}

fn get(
    shared: &Shared,
    signer: &Signer<'_>,
    method: &Method,
    path: &str,
    key: &str,
    query: &str,
    headers: &HeaderMap,
) -> Response<Content> {
    if let Err(why) = signer.check_presigned("GET", path, query) {
        return refused(refused_signature(why));
    }
    let Ok(key) = unescaped(key) else { return refused(NO_KEY) };
    let Some(blob) = shared.objects.bucket.find(&key) else { return refused(NO_KEY) };
    let pairs = pairs(query);
    let value = |name: &str| pairs.iter().find(|(k, _)| k == name).map(|(_, value)| value.as_str());
    let kind = match (value("response-content-type"), blob.content_type.as_str()) {
        (None, "") => "binary/octet-stream",
        (Some(kind), _) | (None, kind) => kind,
    };
    let range =
        headers.get("range").and_then(|value| value.to_str().ok()).and_then(|text| range(text, &blob));
    let (from, len) = range.unwrap_or((0, blob.size));
    let mut response = Response::builder()
        .status(if range.is_some() { 206 } else { 200 })
        .header("content-type", kind)
        .header("etag", format!("\"{}\"", blob.etag))
        .header("accept-ranges", "bytes");
    if range.is_some() {
        response = response.header("content-range", format!("bytes {from}-{}/{}", from + len - 1, blob.size));
    }
    if let Some(disposition) = value("response-content-disposition") {
        response = response.header("content-disposition", disposition);
    }
    let content = if *method == Method::HEAD {
        Ok(Content::text(""))
    } else {
        shared.objects.bucket.read(&blob).and_then(|file| Content::file(file, from, len))
    };
    match content.ok().and_then(|content| response.body(content).ok()) {
        Some(response) => response,
        None => refused(BROKEN),
    }
}

/// `bytes=10-19` as the first byte and how many.
fn range(text: &str, blob: &Blob) -> Option<(u64, u64)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = from.parse().ok()?;
    let to = if to.is_empty() { blob.size.checked_sub(1)? } else { to.parse().ok()? };
    let to = to.min(blob.size.checked_sub(1)?);
    (from <= to).then(|| (from, to - from + 1))
}

fn refused_signature(why: Unsigned) -> Refused {
    match why {
        Unsigned::Denied => DENIED,
        Unsigned::Mismatch => MISMATCH,
        Unsigned::Skewed => SKEWED,
    }
}

fn refused((status, code, message): Refused) -> Response<Content> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let response = Response::builder().status(status).header("content-type", "application/xml");
    response.body(Content::text(text)).expect("plain headers")
}
