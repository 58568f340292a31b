//! `POST /object/…`.

use super::names;
use super::refusals::{bad_id, internal, of_store, unknown, unreadable};
use super::sign::Signer;
use super::upload_id::UploadId;
use super::{MAX_PART, MAX_PARTS, MIN_PART, Objects, Record, bucket};
use crate::answer::{Data, Outcome, Refusal};
use crate::api::Caller;
use crate::body::{Fields, parse};
use crate::faults::FaultKind;
use crate::json::Value as Json;
use crate::shared::Shared;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an upload is said to be open, ms. What is signed for parts ends after a quarter of an hour.
const SAID_TO_LAST_MS: i64 = 24 * 3_600_000;
/// The placeholder that a server comes with, where nobody said what its address is.
const NO_ADDRESS: &str = "http://external_ip:10005";

/// Answers a call below `/object/`; `None`: there is no such call.
pub(crate) async fn serve(shared: &Shared, path: &str, caller: &Caller<'_>) -> Option<Outcome> {
    let outcome = match path {
        "/object/part_limit" => part_limit(shared),
        "/object/part_size" => part_size(shared, caller),
        "/object/initiate_multipart_upload" => initiate(shared, caller).await,
        "/object/auth_sign" => auth_sign(shared, caller),
        "/object/complete_multipart_upload" => complete(shared, caller).await,
        "/object/access_url" => access_url(shared, caller),
        "/object/initiate_form_data" => super::form::initiate(shared, caller),
        "/object/complete_form_data" => super::form::complete(shared, caller),
        _ => return None,
    };
    Some(outcome.map_err(unreadable))
}

/// How addresses are signed now.
pub(super) fn signer(shared: &Shared) -> Signer<'_> {
    let address =
        if shared.faults.is_on(&FaultKind::StoreUnreachable) { NO_ADDRESS } else { shared.objects.address() };
    Signer { secret: &shared.options.secret, address, now: shared.now() }
}

fn there_is_a_store(shared: &Shared) -> Result<(), Refusal> {
    if shared.faults.is_on(&FaultKind::StoreOff) {
        return Err(internal(shared.traits(), "s3 disabled"));
    }
    Ok(())
}

/// A store that is away is tried for a while.
async fn store_answers(shared: &Shared) -> Result<(), Refusal> {
    let away = shared.faults.list().into_iter().find_map(|rule| match rule.fault.kind {
        FaultKind::StoreAway { ms } => Some(ms),
        _ => None,
    });
    let Some(ms) = away else { return Ok(()) };
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Err(internal(shared.traits(), "connection refused"))
}

fn part_limit(shared: &Shared) -> Outcome {
    there_is_a_store(shared)?;
    Ok(json!({ "minPartSize": MIN_PART, "maxPartSize": MAX_PART, "maxNumSize": MAX_PARTS }).into())
}

fn part_size(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "PartSizeReq", "third.PartSizeReq")?;
    let size = fields.int64("size");
    fields.finish()?;
    there_is_a_store(shared)?;
    Ok(json!({ "size": size_of_parts(size).map_err(|why| internal(shared.traits(), why))? }).into())
}

fn size_of_parts(size: i64) -> Result<i64, &'static str> {
    if size <= 0 {
        return Err("size must be greater than 0");
    }
    if size > MAX_PART * MAX_PARTS {
        return Err("MINIO size must be less than the maximum allowed limit");
    }
    Ok(if size <= MIN_PART * MAX_PARTS { MIN_PART } else { (size + MAX_PARTS - 1) / MAX_PARTS })
}

/// What a hash must be; in capitals it is taken, and fits nothing later.
fn check_hash(hash: &str) -> Result<(), String> {
    let odd = hash.chars().find(|c| !c.is_ascii_hexdigit());
    if let Some(odd) = odd {
        return Err(format!("encoding/hex: invalid byte: U+{:04X} '{odd}'", u32::from(odd)));
    }
    if hash.len() == 32 { Ok(()) } else { Err("invalid md5".to_owned()) }
}

async fn initiate(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let (traits, objects) = (shared.traits(), &shared.objects);
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "InitiateMultipartUploadReq", "third.InitiateMultipartUploadReq")?;
    let (hash, size, most) = (fields.text("hash"), fields.int64("size"), fields.int32("maxParts"));
    let (name, content_type, cause) = (fields.text("name"), fields.text("contentType"), fields.text("cause"));
    fields.int64("partSize");
    fields.finish()?;
    names::check(shared, caller, name)?;
    there_is_a_store(shared)?;
    if size < 0 {
        return Err(internal(traits, "invalid size"));
    }
    check_hash(hash).map_err(|why| internal(traits, why))?;
    let part = size_of_parts(size).map_err(|why| internal(traits, why))?;
    let count = (size + part - 1) / part;
    if i64::from(most) > count {
        return Err(internal(traits, format!("too many parts: {count}")));
    }
    if objects.knows(hash) {
        let record = record(hash, size, content_type, cause, shared.now());
        objects.write(shared, name, record);
        return Ok(json!({ "url": caller.object_url(name), "upload": null }).into());
    }
    store_answers(shared).await?;
    let expires = shared.now() + SAID_TO_LAST_MS;
    let unique = format!("{:032x}", fastrand::u128(..));
    let (id, sign) = if count == 1 {
        let at = jiff::Timestamp::from_millisecond(shared.now()).unwrap_or_default();
        let key =
            format!("openim/temp/{}/{hash}_{size}_{unique}.presigned", at.strftime("%Y/%m/%d/%H/%M/%S"));
        let url = signer(shared).presigned("PUT", &key, &[]);
        let parts = json!([{ "partNumber": 1, "url": url, "query": null, "header": null }]);
        let sign = json!({ "url": "", "query": null, "header": null, "parts": parts });
        let id = UploadId { kind: UploadId::ONE, store: String::new(), key, size, hash: hash.to_owned() };
        (id, sign)
    } else {
        let key = data_key(hash);
        objects.bucket.begin(&unique, &key);
        let numbers: Vec<i64> = match most {
            0 => Vec::new(),
            most if most < 0 => (1..=count).collect(),
            most => (1..=i64::from(most)).collect(),
        };
        let signer = signer(shared);
        let sign = if most == 0 { Value::Null } else { signer.parts(&key, &unique, &numbers) };
        (UploadId { kind: UploadId::SEVERAL, store: unique, key, size, hash: hash.to_owned() }, sign)
    };
    let upload = json!({ "uploadID": id.text(), "partSize": part, "sign": sign, "expireTime": expires });
    Ok(json!({ "url": "", "upload": upload }).into())
}

fn auth_sign(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "AuthSignReq", "third.AuthSignReq")?;
    let (id, numbers) = (fields.text("uploadID"), fields.numbers("partNumbers"));
    fields.finish()?;
    there_is_a_store(shared)?;
    let id = UploadId::read(id).map_err(|why| bad_id(shared.traits(), &why))?;
    if id.kind == UploadId::ONE {
        return Err(internal(shared.traits(), "presigned id not support auth sign"));
    }
    Ok(signer(shared).parts(&id.key, &id.store, &numbers).into())
}

async fn complete(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let (traits, objects) = (shared.traits(), &shared.objects);
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "CompleteMultipartUploadReq", "third.CompleteMultipartUploadReq")?;
    let (id, parts) = (fields.text("uploadID"), fields.texts("parts"));
    let (name, content_type, cause) = (fields.text("name"), fields.text("contentType"), fields.text("cause"));
    fields.finish()?;
    names::check(shared, caller, name)?;
    there_is_a_store(shared)?;
    let id = UploadId::read(id).map_err(|why| bad_id(traits, &why))?;
    if bucket::md5_hex(parts.join(",").as_bytes()) != id.hash {
        return Err(internal(traits, "md5 mismatching"));
    }
    store_answers(shared).await?;
    if !objects.knows(&id.hash) {
        if id.kind == UploadId::ONE {
            let seen = objects.look(&id.key);
            let (size, md5) = seen.ok_or_else(|| of_store(traits, "The specified key does not exist."))?;
            if i64::try_from(size) != Ok(id.size) {
                return Err(internal(traits, "upload size mismatching"));
            }
            let hash = bucket::md5_hex(md5.as_bytes());
            if hash != id.hash {
                return Err(Refusal::args(format!("md5 mismatching {hash} != {}", id.hash)));
            }
            objects.bucket.rename(&id.key, &data_key(&id.hash));
        } else if !objects.bucket.complete(&id.store, &parts).unwrap_or(false) {
            return Err(internal(
                traits,
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or \
                 the specified entity tag may not match the part's entity tag.",
            ));
        }
        objects.remember(&id.hash);
    }
    objects.write(shared, name, record(&id.hash, id.size, content_type, cause, shared.now()));
    Ok(json!({ "url": caller.object_url(name) }).into())
}

fn access_url(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "AccessURLReq", "third.AccessURLReq")?;
    let name = fields.text("name");
    let query = match fields.object("query", "map[string]string") {
        Some(Json::Object(members)) => members
            .iter()
            .filter_map(|(key, value)| match value {
                Json::String(text) => Some((key.to_string(), text.to_string())),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    fields.finish()?;
    there_is_a_store(shared)?;
    let url = super::get::address(shared, name, &query).map_err(|wrong| match wrong {
        super::get::Wrong::Unknown => unknown(shared.traits()),
        super::get::Wrong::Type => Refusal::args("invalid query type"),
        super::get::Wrong::NoImage => internal(shared.traits(), "object not image"),
        super::get::Wrong::Large => internal(shared.traits(), "file size too large"),
    })?;
    let expires = shared.now() + super::sign::ADDRESS_SECONDS * 1000;
    Ok(Data::from(json!({ "url": url, "expireTime": expires })))
}

/// Where a content lies.
pub(super) fn data_key(hash: &str) -> String {
    format!("openim/data/hash/{hash}")
}

fn record(hash: &str, size: i64, content_type: &str, cause: &str, now: i64) -> Record {
    let (content_type, group) = (content_type.to_owned(), cause.to_owned());
    Record { key: data_key(hash), size, content_type, group, created: now }
}

impl Objects {
    /// Whether a content is in the store, as far as the server knows: what it saw there once, it doesn't look
    /// for again.
    fn knows(&self, hash: &str) -> bool {
        let mut inner = self.inner();
        if inner.known.contains(hash) {
            return true;
        }
        let there = self.bucket.find(&data_key(hash)).is_some();
        if there {
            inner.known.insert(hash.to_owned());
        }
        there
    }

    fn remember(&self, hash: &str) {
        self.inner().known.insert(hash.to_owned());
    }

    /// Size and digest of what was put, as they were at the first look.
    fn look(&self, key: &str) -> Option<(u64, String)> {
        let mut inner = self.inner();
        if let Some(seen) = inner.looked.get(key) {
            return Some(seen.clone());
        }
        let blob = self.bucket.find(key)?;
        inner.looked.insert(key.to_owned(), (blob.size, blob.md5.clone()));
        Some((blob.size, blob.md5))
    }

    pub(super) fn write(&self, shared: &Shared, name: &str, record: Record) {
        self.inner().write(name, record, shared.now(), shared.traits().serves_former_objects);
    }
}
