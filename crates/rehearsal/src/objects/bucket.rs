//! The bytes: each blob a file, each key a blob, uploads of several parts.

use super::write_whole;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// File of the list of keys.
const KEYS: &str = "bucket.json";

/// The bucket `openim`.
pub(super) struct Bucket {
    dir: PathBuf,
    /// Taken away with the server, where nobody named a folder.
    temporary: Option<tempfile::TempDir>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Inner {
    keys: BTreeMap<String, Blob>,
    uploads: BTreeMap<String, Upload>,
    next: u64,
    put_bytes: u64,
    puts: u64,
}

/// Some bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Blob {
    pub(super) size: u64,
    /// Hex, of all bytes.
    pub(super) md5: String,
    /// As the store tells it, without quotes: of several parts it is no MD5 of the bytes.
    pub(super) etag: String,
    /// That of the PUT.
    pub(super) content_type: String,
    file: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Upload {
    key: String,
    parts: BTreeMap<i64, Blob>,
}

/// Bytes on their way into the bucket.
pub(super) struct Incoming {
    file: io::BufWriter<fs_err::File>,
    number: u64,
    size: u64,
    sum: Md5,
}

impl Bucket {
    pub(super) fn open(dir: Option<PathBuf>) -> io::Result<Self> {
        let temporary = dir.is_none().then(tempfile::tempdir).transpose()?;
        let dir = match (&temporary, dir) {
            (Some(temporary), _) => temporary.path().to_owned(),
            (None, dir) => dir.unwrap_or_default(),
        };
        fs_err::create_dir_all(&dir)?;
        let inner = match fs_err::read(dir.join(KEYS)) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Inner::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { dir, temporary, inner: Mutex::new(inner) })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }

    pub(super) fn save(&self) -> io::Result<()> {
        let text = serde_json::to_vec(&*self.inner()).map_err(io::Error::other)?;
        write_whole(&self.dir.join(KEYS), &text)
    }

    pub(super) fn find(&self, key: &str) -> Option<Blob> {
        self.inner().keys.get(key).cloned()
    }

    /// All keys that begin so.
    pub(super) fn keys(&self, prefix: &str) -> Vec<String> {
        let inner = self.inner();
        inner
            .keys
            .range(prefix.to_owned()..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// Open uploads that hold bytes, PUT calls, bytes put.
    pub(super) fn counts(&self) -> (usize, u64, u64) {
        let inner = self.inner();
        let open = inner.uploads.values().filter(|upload| !upload.parts.is_empty()).count();
        (open, inner.puts, inner.put_bytes)
    }

    /// Room for bytes that come in.
    pub(super) fn incoming(&self) -> io::Result<Incoming> {
        let number = {
            let mut inner = self.inner();
            inner.next += 1;
            inner.next
        };
        let file = io::BufWriter::new(fs_err::File::create(self.file(number))?);
        Ok(Incoming { file, number, size: 0, sum: Md5::new() })
    }

    /// What came in is of no use.
    pub(super) fn drop_incoming(&self, incoming: &Incoming) {
        fs_err::remove_file(self.file(incoming.number)).ok();
    }

    /// The key has these bytes from now on.
    pub(super) fn put(&self, key: &str, blob: Blob, by_client: bool) {
        let former = {
            let mut inner = self.inner();
            if by_client {
                inner.puts += 1;
                inner.put_bytes += blob.size;
            }
            inner.keys.insert(key.to_owned(), blob)
        };
        if let Some(former) = former {
            self.delete(&former);
        }
    }

    /// The bytes of one key become those of another.
    pub(super) fn rename(&self, from: &str, to: &str) -> bool {
        let Some(blob) = self.inner().keys.remove(from) else { return false };
        self.put(to, blob, false);
        true
    }

    /// Whether it was there.
    pub(super) fn remove(&self, key: &str) -> bool {
        let gone = self.inner().keys.remove(key);
        gone.inspect(|blob| self.delete(blob)).is_some()
    }

    pub(super) fn begin(&self, id: &str, key: &str) {
        self.inner().uploads.insert(id.to_owned(), Upload { key: key.to_owned(), parts: BTreeMap::new() });
    }

    /// Whether the upload of that key is open.
    pub(super) fn is_open(&self, id: &str, key: &str) -> bool {
        self.inner().uploads.get(id).is_some_and(|upload| upload.key == key)
    }

    /// A part; the last of a number counts. `false`: the upload is over.
    pub(super) fn put_part(&self, id: &str, number: i64, blob: Blob) -> bool {
        let mut inner = self.inner();
        let size = blob.size;
        let Some(upload) = inner.uploads.get_mut(id) else {
            drop(inner);
            self.delete(&blob);
            return false;
        };
        let former = upload.parts.insert(number, blob);
        inner.puts += 1;
        inner.put_bytes += size;
        drop(inner);
        if let Some(former) = former {
            self.delete(&former);
        }
        true
    }

    /// Joins the parts, which must have these etags. `false`: not all of them are there.
    pub(super) fn complete(&self, id: &str, etags: &[&str]) -> io::Result<bool> {
        let upload = self.inner().uploads.get(id).cloned();
        let Some(upload) = upload else { return Ok(false) };
        let mut parts = Vec::new();
        for (number, etag) in (1..).zip(etags) {
            match upload.parts.get(&number) {
                Some(part) if part.etag == *etag => parts.push(part.clone()),
                _ => return Ok(false),
            }
        }
        let mut whole = self.incoming()?;
        let mut sums = Md5::new();
        let mut buffer = vec![0; 64 << 10];
        for part in &parts {
            sums.update(unhex(&part.md5));
            let mut file = self.read(part)?;
            loop {
                match file.read(&mut buffer)? {
                    0 => break,
                    n => whole.write(&buffer[..n])?,
                }
            }
        }
        // So the store calls what came in parts where nobody said anything.
        let blob = whole.settled("application/octet-stream")?;
        let blob = Blob { etag: format!("{}-{}", hex(&sums.finalize()), parts.len()), ..blob };
        self.put(&upload.key, blob, false);
        let over = self.inner().uploads.remove(id);
        for part in over.into_iter().flat_map(|upload| upload.parts.into_values()) {
            self.delete(&part);
        }
        Ok(true)
    }

    pub(super) fn read(&self, blob: &Blob) -> io::Result<fs_err::File> {
        fs_err::File::open(self.file(blob.file))
    }

    /// What came in whole is of no use all the same.
    pub(super) fn discard(&self, blob: &Blob) {
        self.delete(blob);
    }

    fn delete(&self, blob: &Blob) {
        fs_err::remove_file(self.file(blob.file)).ok();
    }

    fn file(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number}.blob"))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Incoming {
    /// What came in is whole.
    pub(super) fn settled(mut self, content_type: &str) -> io::Result<Blob> {
        self.file.flush()?;
        let md5 = hex(&self.sum.finalize());
        let content_type = content_type.to_owned();
        Ok(Blob { size: self.size, etag: md5.clone(), md5, content_type, file: self.number })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// MD5 in hexadecimal digits.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok())
        .collect()
}
