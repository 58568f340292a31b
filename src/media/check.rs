//! Whether uploading will work: a few bytes are written and read back the way a phone would, before the first file
//! goes out; and more than one part, where a file has that. Each way in which that fails has its own sentence.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;

use importer_media::Key;

use super::CAUSE;
use super::plan::lock;
use super::upload::Open;
use crate::job::{JobError, MediaBook, MediaObject, ObjectState};
use crate::openim::{
    Announce, Begun, CallError, Client, Limits, PART, Put, Web, WebError, digest, hash_of_parts,
};

/// How long reading a few bytes back may take.
const LONGEST_READ: Duration = Duration::from_secs(30);

/// Why uploading will not work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No object storage.
    #[error(
        "the server has no object storage (its openim-rpc-third.yml says `enable: \"\"`): set one up, or leave out --media"
    )]
    Off,
    /// The server's own trouble with it.
    #[error("the server can't reach its object storage: {0}")]
    Away(String),
    /// Where it says that files go, nobody is.
    #[error(
        "files can't be sent where the server says: its object storage {0}. The address is `externalAddress` in the \
         server's minio.yml, and must be one that phones reach too; as shipped it is http://external_ip:10005"
    )]
    External(WebError),
    /// Small ones go, large ones don't.
    #[error(
        "small files can be sent, files above 5 MiB can't: the object storage says {0}. An `externalAddress` with a `/` at \
         its end does that, and so does a proxy that takes only small bodies (nginx: client_max_body_size)"
    )]
    Large(WebError),
    /// It is sent, and can't be read.
    #[error(
        "what was sent can't be opened at {url}, where messages would have it: {why}. Phones open that address: name the one they know as `public_url` in [media]"
    )]
    Public {
        /// The address.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// Other bytes come back.
    #[error(
        "at {0} other bytes come back than were sent: somebody else answers there, or a proxy changes them"
    )]
    Differs(String),
    /// A call was refused.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// Tries it, with content that only this key makes: the second time it is only read.
pub async fn check(
    client: &Client,
    web: &Web,
    key: &Key,
    url: &(dyn Fn(&str) -> String + Sync),
    large: bool,
    book: &Mutex<MediaBook>,
) -> Result<(), StoreError> {
    client.part_limit().await.map_err(explain)?;
    probe(client, web, key, url, 64, book).await?;
    if large {
        probe(client, web, key, url, PART + 1, book).await?;
    }
    Ok(())
}

fn explain(error: CallError) -> StoreError {
    match &error {
        CallError::Refused { said, .. } if said.contains("s3 disabled") => StoreError::Off,
        CallError::Refused { code: 500, said, .. }
            if said.contains("connection refused") || said.contains("dial ") =>
        {
            StoreError::Away(said.clone())
        }
        _ => StoreError::Call(error),
    }
}

/// An upload with the addresses of its parts; that of a process that was cut off in the midst of it, if there is one: begun
/// anew, what that had put would lie in the store for ever. `None`: the content is there.
async fn opened(
    client: &Client,
    file: &Announce<'_>,
    parts: &[String],
    book: &Mutex<MediaBook>,
) -> Result<Option<(String, Vec<Put>)>, StoreError> {
    let before = lock(book).object(file.name)?;
    if let Some(open) = before.and_then(|object| Open::of(&object)) {
        if client.complete_upload(&open.id, parts, file).await.is_ok() {
            return Ok(None);
        }
        if let Some(put) = open.put {
            return Ok(Some((open.id, vec![put])));
        }
        let numbers: Vec<u32> = (1..).take(parts.len()).collect();
        if let Ok(puts) = client.sign_parts(&open.id, &numbers).await {
            return Ok(Some((open.id, puts)));
        }
        lock(book).orphaned(file.name, 1)?;
    }
    if parts.len() > 1 {
        lock(book).announced(file.name)?;
    }
    let Begun::Upload(upload) = client.begin_upload(file).await.map_err(explain)? else { return Ok(None) };
    let open = Open::new(&upload, parts.len());
    lock(book).begun(file.name, &open.text())?;
    Ok(Some((upload.id, upload.puts)))
}

async fn probe(
    client: &Client,
    web: &Web,
    key: &Key,
    url: &(dyn Fn(&str) -> String + Sync),
    size: u64,
    book: &Mutex<MediaBook>,
) -> Result<(), StoreError> {
    let tag = key.tag(&["preflight", &size.to_string()]);
    let content: Vec<u8> = tag.bytes().cycle().take(usize::try_from(size).unwrap_or_default()).collect();
    let content = Bytes::from(content);
    let part = usize::try_from(PART).unwrap_or(usize::MAX);
    let parts: Vec<String> = content.chunks(part).map(digest).collect();
    let hash = hash_of_parts(&parts);
    let name = key.name(&hash, size);
    let file = Announce {
        hash: &hash,
        size,
        name: &name,
        content_type: "application/octet-stream",
        cause: CAUSE,
        max_parts: -1,
    };
    let url = url(&name);
    // It stays there, as the files do: the job knows it.
    lock(book).put_object(&MediaObject {
        name: name.clone(),
        hash: hash.clone(),
        parts: parts.clone(),
        size,
        mime: file.content_type.to_owned(),
        width: 0,
        height: 0,
        seconds: 0,
        url: url.clone(),
        state: ObjectState::Planned,
        upload: None,
        why: "written to try whether it works".to_owned(),
    })?;
    if let Some((id, puts)) = opened(client, &file, &parts, book).await? {
        for put in &puts {
            let n = usize::try_from(put.part).unwrap_or(1).saturating_sub(1);
            let from = n * part;
            let bytes = content.slice(from.min(content.len())..(from + part).min(content.len()));
            let digest = parts.get(n).cloned().unwrap_or_default();
            let sent = web.put(put, bytes, &digest).await;
            sent.map_err(
                |error| if size > PART { StoreError::Large(error) } else { StoreError::External(error) },
            )?;
        }
        if let Err(error) = client.complete_upload(&id, &parts, &file).await {
            // The next try begins anew.
            lock(book).begun(&name, "")?;
            return Err(explain(error));
        }
    }
    lock(book).settle(&name, ObjectState::Completed, "written to try whether it works")?;
    let mut back = Vec::new();
    let mut sink = |piece: &[u8]| {
        back.extend_from_slice(piece);
        Ok(())
    };
    // Whoever answers there may answer without end, or never: nobody looks at a chat for longer.
    let limits = Limits { bytes: size, time: if size > PART { web.limits().time } else { LONGEST_READ } };
    match web.within(limits).read(&url, &mut sink).await {
        Ok(_) if back == content => Ok(()),
        Ok(_) | Err(WebError::TooLarge(_)) => Err(StoreError::Differs(url)),
        Err(WebError::Refused { status: 404, code, .. }) if code == "NoSuchKey" => Err(StoreError::Public {
            url,
            why: "the server remembers this content, and its object storage has lost it; the server forgets within \
                  twelve hours, or when Redis is emptied"
                .to_owned(),
        }),
        Err(error) => Err(StoreError::Public { url, why: error.to_string() }),
    }
}
