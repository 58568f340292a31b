//! Uploads as a form: another way to the store, whose contents no later upload knows.

use super::calls::signer;
use super::names;
use super::refusals::{bad_id, of_store};
use super::sign::BUCKET;
use super::{Record, refusals};
use crate::answer::Outcome;
use crate::api::Caller;
use crate::body::{Fields, parse};
use crate::shared::Shared;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// `/object/initiate_form_data`
pub(super) fn initiate(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "InitiateFormDataReq", "third.InitiateFormDataReq")?;
    let (name, size, kind) = (fields.text("name"), fields.int64("size"), fields.text("contentType"));
    let (group, lasts, absolute) =
        (fields.text("group"), fields.int64("millisecond"), fields.flag("absolute"));
    fields.finish()?;
    names::check(shared, caller, name)?;
    let now = jiff::Timestamp::from_millisecond(shared.now()).unwrap_or_default();
    let ending = names::base(name).rsplit_once('.').map_or(String::new(), |(_, ending)| format!(".{ending}"));
    let user = &caller.claims.user;
    let key = if absolute {
        name.to_owned()
    } else {
        format!("openim/direct/{}/{user}/{:032x}{ending}", now.strftime("%Y%m%d"), fastrand::u128(..))
    };
    let id = json!({ "n": name, "k": key, "s": size, "t": kind, "g": group });
    let policy = STANDARD.encode(json!({ "key": key, "size": size }).to_string());
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let form = json!({
        "Content-Type": kind, "bucket": BUCKET, "key": key, "policy": policy, "success_action_status": "200",
        "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": "rehearsal", "x-amz-date": date,
        "x-amz-signature": super::bucket::md5_hex(format!("{}{policy}", shared.options.secret).as_bytes()),
    });
    Ok(json!({
        "id": STANDARD.encode(id.to_string()), "url": format!("{}/{BUCKET}", signer(shared).address),
        "file": "file", "header": null, "formData": form, "expires": shared.now() + lasts, "successCodes": [200],
    })
    .into())
}

/// `/object/complete_form_data`
pub(super) fn complete(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "CompleteFormDataReq", "third.CompleteFormDataReq")?;
    let id = fields.text("id");
    fields.finish()?;
    let read = STANDARD.decode(id).ok().and_then(|id| serde_json::from_slice::<Value>(&id).ok());
    let id = read.ok_or_else(|| bad_id(shared.traits(), "unexpected end of JSON input"))?;
    let text = |key: &str| id[key].as_str().unwrap_or_default();
    let (name, key) = (text("n"), text("k"));
    names::check(shared, caller, name)?;
    let blob = shared.objects.bucket.find(key);
    let blob = blob.ok_or_else(|| of_store(shared.traits(), "The specified key does not exist."))?;
    let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
    if id["s"].as_i64().is_some_and(|said| said > 0 && said != size) {
        return Err(refusals::internal(shared.traits(), "file size mismatch"));
    }
    let record = Record {
        key: key.to_owned(),
        size,
        content_type: text("t").to_owned(),
        group: text("g").to_owned(),
        created: shared.now(),
    };
    shared.objects.write(shared, name, record);
    Ok(json!({ "url": caller.object_url(name) }).into())
}

/// The fields of a form, and its file. `None`: it is none.
pub(super) fn read<'a>(content_type: &str, body: &'a [u8]) -> Option<Form<'a>> {
    let boundary = content_type.split("boundary=").nth(1)?.split(';').next()?.trim_matches('"');
    let line = format!("--{boundary}");
    let mut form = Form { fields: Vec::new(), file: b"" };
    let mut rest = body.strip_prefix(line.as_bytes())?;
    let end = format!("\r\n{line}");
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let head_end = memchr::memmem::find(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&part[..head_end]).ok()?;
        let content = &part[head_end + 4..];
        let content_end = memchr::memmem::find(content, end.as_bytes())?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?;
        if head.contains("filename=") {
            form.file = &content[..content_end];
        } else {
            form.fields
                .push((name.to_owned(), String::from_utf8_lossy(&content[..content_end]).into_owned()));
        }
        rest = &content[content_end + end.len()..];
    }
    rest.starts_with(b"--").then_some(form)
}

/// A form as it was sent.
pub(super) struct Form<'a> {
    fields: Vec<(String, String)>,
    pub(super) file: &'a [u8],
}

impl Form<'_> {
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// Whether its policy is the one that was signed for that key.
    pub(super) fn is_signed(&self, secret: &str) -> bool {
        let policy = self.field("policy");
        self.field("x-amz-signature") == super::bucket::md5_hex(format!("{secret}{policy}").as_bytes())
            && STANDARD
                .decode(policy)
                .ok()
                .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
                .is_some_and(|policy| policy["key"] == self.field("key"))
    }
}
