//! How a pulled message looks: the JSON of one slot.

use super::json::write_string;
use super::log::Revocation;
use super::record::{Record, hex};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// `contentType` of what was revoked.
const REVOKED: i32 = 2101;
/// `status` of an empty slot.
const DELETED: i32 = 4;

macro_rules! put {
    ($out:expr, $($arg:tt)*) => {
        std::fmt::Write::write_fmt($out, format_args!($($arg)*)).expect("a String takes all that fits")
    };
}

/// What of a message is shown to the user who asks.
pub(super) struct Shown<'s> {
    /// It keeps its ids and becomes type 2101 (law 13).
    pub(super) revoked: Option<&'s Revocation>,
    /// The user deleted it for himself: status 4, and no content but what says that it is revoked.
    pub(super) deleted: bool,
}

pub(super) fn write_message(
    null_maps: bool,
    seq: i64,
    record: &Arc<Record>,
    shown: &Shown<'_>,
    out: &mut String,
) {
    let route = &record.route;
    let extra = record.extra.as_deref();
    out.push_str("{\"sendID\":");
    write_string(&route.sender, out);
    out.push_str(",\"recvID\":");
    write_string(&route.receiver, out);
    out.push_str(",\"groupID\":");
    write_string(&route.group, out);
    put!(
        out,
        ",\"clientMsgID\":\"{}\",\"serverMsgID\":\"{}\",\"senderPlatformID\":{},\"senderNickname\":",
        hex(record.client_id),
        hex(record.server_id),
        record.platform
    );
    write_string(extra.map_or("", |e| &e.nickname), out);
    out.push_str(",\"senderFaceURL\":");
    write_string(extra.map_or("", |e| &e.face_url), out);
    put!(
        out,
        ",\"sessionType\":{},\"msgFrom\":200,\"contentType\":{},\"content\":",
        route.session,
        if shown.revoked.is_some() { REVOKED } else { record.content_type }
    );
    match shown.revoked {
        Some(by) => write_bytes(&super::notices::revoked(record, seq, by), out),
        None if shown.deleted => out.push_str("null"),
        None => write_bytes(&record.content, out),
    }
    put!(
        out,
        ",\"seq\":{seq},\"sendTime\":{},\"createTime\":{},\"status\":{},\"isRead\":false",
        record.send_time,
        record.create_time,
        if shown.deleted { DELETED } else { 0 }
    );
    match extra.and_then(|e| e.options.as_deref()) {
        Some(options) => {
            out.push_str(",\"options\":");
            out.push_str(options);
        }
        None if record.not_offline_push => out.push_str(",\"options\":{\"offlinePush\":false}"),
        None if null_maps => out.push_str(",\"options\":null"),
        None => {}
    }
    out.push_str(",\"offlinePushInfo\":");
    out.push_str(extra.and_then(|e| e.push_info.as_deref()).unwrap_or("null"));
    out.push_str(",\"atUserIDList\":");
    match extra {
        Some(extra) if !extra.at.is_empty() => {
            for (n, user) in extra.at.iter().enumerate() {
                out.push(if n == 0 { '[' } else { ',' });
                write_string(user, out);
            }
            out.push(']');
        }
        _ => out.push_str("null"),
    }
    out.push_str(",\"attachedInfo\":\"\",\"ex\":");
    write_string(&record.ex, out);
    out.push('}');
}

/// Bytes are base64 in JSON, as Go writes them.
fn write_bytes(content: &str, out: &mut String) {
    out.push('"');
    STANDARD.encode_string(content.as_bytes(), out);
    out.push('"');
}

/// A slot with nothing in it.
pub(super) fn write_empty(null_maps: bool, seq: i64, send_time: i64, out: &mut String) {
    let options = if null_maps { ",\"options\":null" } else { "" };
    put!(
        out,
        "{{\"sendID\":\"\",\"recvID\":\"\",\"groupID\":\"\",\"clientMsgID\":\"\",\"serverMsgID\":\"\",\
         \"senderPlatformID\":0,\"senderNickname\":\"\",\"senderFaceURL\":\"\",\"sessionType\":0,\"msgFrom\":0,\
         \"contentType\":0,\"content\":null,\"seq\":{seq},\"sendTime\":{send_time},\"createTime\":0,\"status\":{DELETED},\
         \"isRead\":false{options},\"offlinePushInfo\":null,\"atUserIDList\":null,\"attachedInfo\":\"\",\"ex\":\"\"}}"
    );
}
