//! The stores, as the environment describes them; what is in them.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{ClientConfigKey, Error, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::runtime::Runtime;

use crate::address::Kind;
use crate::patience::Patience;
use crate::{Address, BucketError, Object, secrets};

/// One call for an answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);
/// A list of very many keys.
const LIST: Duration = Duration::from_mins(10);

/// More keys than that are no export; a list of them takes some 150 MB.
const MOST: usize = 500_000;

type Stores = BTreeMap<(Kind, String), Arc<dyn ObjectStore>>;
static STORES: Mutex<Stores> = Mutex::new(Stores::new());

/// One thread that waits for all stores, whoever reads.
static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("object stores")
        .enable_all()
        .build()
});

/// The object of that address; `None`: there is none, so it may be a folder.
///
/// # Errors
/// A store that can't be asked, or does not tell.
pub fn find(address: &Address) -> Result<Option<Object>, BucketError> {
    let (store, path) = (store(address)?, path(address)?);
    let found = ask(address, ANSWER, move || {
        let (store, path) = (Arc::clone(&store), path.clone());
        async move { store.head(&path).await }
    });
    match found {
        Ok(meta) => Ok(Some(object(address, &meta))),
        Err(BucketError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All objects in that folder and those below it, by key. What stands for a folder alone is none.
///
/// # Errors
/// As [`find`].
pub fn below(address: &Address) -> Result<Vec<Object>, BucketError> {
    let (store, path) = (store(address)?, path(address)?);
    let found: Vec<ObjectMeta> = ask(address, LIST, move || {
        let (store, path) = (Arc::clone(&store), path.clone());
        async move { store.list(Some(&path)).take(MOST + 1).try_collect().await }
    })?;
    if found.len() > MOST {
        let why = format!("it has more than {MOST} objects: name a folder within it, or pack them");
        return Err(BucketError::Refused { address: address.to_string(), byte: 0, why });
    }
    let mut found: Vec<Object> = found.into_iter().map(|meta| object(address, &meta)).collect();
    // As a folder of files is walked.
    found.sort_by(|a, b| a.address.key.split('/').cmp(b.address.key.split('/')));
    // Some tools put an empty object where a folder is, `2024/`, which the list calls `2024`: then `2024/…` comes next.
    let is_folder = |n: usize| {
        let next = found.get(n + 1).and_then(|next| next.address.key.strip_prefix(&*found[n].address.key));
        found[n].bytes == 0 && next.is_some_and(|rest| rest.starts_with('/'))
    };
    let folders: Vec<bool> = (0..found.len()).map(is_folder).collect();
    Ok(found
        .into_iter()
        .zip(folders)
        .filter_map(|(object, is_folder)| (!is_folder).then_some(object))
        .collect())
}

fn object(address: &Address, meta: &ObjectMeta) -> Object {
    Object {
        address: address.with_key(meta.location.as_ref()),
        bytes: meta.size,
        modified: meta.last_modified.timestamp_millis(),
        etag: meta.e_tag.as_deref().map(bare),
    }
}

/// An `ETag` without its quotes.
pub(crate) fn bare(etag: &str) -> String {
    etag.trim_start_matches("W/").trim_matches('"').to_owned()
}

pub(crate) fn path(address: &Address) -> Result<Path, BucketError> {
    Path::parse(&address.key)
        .map_err(|error| BucketError::Address { address: address.to_string(), why: error.to_string() })
}

/// The runtime of all stores.
pub(crate) fn runtime(address: &Address) -> Result<&'static Runtime, BucketError> {
    RUNTIME
        .as_ref()
        .map_err(|error| BucketError::Settings { address: address.to_string(), why: error.to_string() })
}

/// The store of an address, as the environment says.
pub(crate) fn store(address: &Address) -> Result<Arc<dyn ObjectStore>, BucketError> {
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    let name = (address.kind, address.bucket.clone());
    if let Some(store) = stores.get(&name) {
        return Ok(Arc::clone(store));
    }
    hide_credentials();
    let store = build(address)
        .map_err(|error| BucketError::Settings { address: address.to_string(), why: in_words(&error) })?;
    stores.insert(name, Arc::clone(&store));
    Ok(store)
}

/// What the environment has of secrets for stores.
fn hide_credentials() {
    for (name, value) in std::env::vars() {
        let is_of_stores = ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|begin| name.starts_with(begin));
        let is_secret = ["SECRET", "TOKEN", "KEY", "SAS"].iter().any(|word| name.contains(word));
        let is_named = ["_ID", "_FILE", "_PATH", "_URI", "_URL"].iter().any(|end| name.ends_with(end));
        if is_of_stores && is_secret && !is_named {
            secrets::hide(&value);
        } else if is_of_stores {
            secrets::hide_parts(&value);
        }
    }
}

/// Ours is the only patience, and a request that reads for hours is no mistake. Where the environment names a server
/// without TLS, it is meant.
fn build(address: &Address) -> Result<Arc<dyn ObjectStore>, Error> {
    // `max_retries` is 0: what a broken connection means is decided in one place, see `stream`.
    let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let (no_end, allow) = (ClientConfigKey::Timeout, ClientConfigKey::AllowHttp);
    Ok(match address.kind {
        Kind::S3 => {
            let store = AmazonS3Builder::from_env();
            let endpoint = store
                .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
                .or_else(|| store.get_config_value(&AmazonS3ConfigKey::Endpoint));
            let store = store
                .with_config(AmazonS3ConfigKey::Client(no_end), YEAR)
                .with_config(AmazonS3ConfigKey::Client(allow), is_plain(endpoint)?.to_string());
            Arc::new(store.with_bucket_name(&address.bucket).with_retry(retry).build()?)
        }
        Kind::Google => {
            let store = GoogleCloudStorageBuilder::from_env();
            let endpoint = store.get_config_value(&GoogleConfigKey::BaseUrl);
            let store = store
                .with_config(GoogleConfigKey::Client(no_end), YEAR)
                .with_config(GoogleConfigKey::Client(allow), is_plain(endpoint)?.to_string());
            Arc::new(store.with_bucket_name(&address.bucket).with_retry(retry).build()?)
        }
        Kind::Azure => {
            let store = MicrosoftAzureBuilder::from_env();
            let endpoint = store.get_config_value(&AzureConfigKey::Endpoint);
            let store = store
                .with_config(AzureConfigKey::Client(no_end), YEAR)
                .with_config(AzureConfigKey::Client(allow), is_plain(endpoint)?.to_string());
            Arc::new(store.with_container_name(&address.bucket).with_retry(retry).build()?)
        }
    })
}

/// Whether the environment names a server without TLS. The crate panics at what is no address.
fn is_plain(endpoint: Option<String>) -> Result<bool, Error> {
    let Some(endpoint) = endpoint else { return Ok(false) };
    match url::Url::parse(&endpoint) {
        Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => Ok(url.scheme() == "http"),
        _ => Err(Error::Generic {
            store: "S3",
            source: format!(
                "the environment names `{endpoint}` as its server, which is no address: write `https://host`"
            )
            .into(),
        }),
    }
}

const YEAR: &str = "365days";

/// Asks a store, again where waiting may help, and waits here for its answer: whoever reads files waits for a disk as well.
fn ask<T, F>(
    address: &Address,
    most: Duration,
    call: impl Fn() -> F + Send + 'static,
) -> Result<T, BucketError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send,
{
    let (tell, told) = mpsc::channel();
    let address = address.clone();
    runtime(&address)?.spawn({
        let address = address.clone();
        async move {
            let mut patience = Patience::SHORT;
            let answer = loop {
                let began = Instant::now();
                let failed = match tokio::time::timeout(most, call()).await {
                    Ok(Ok(answer)) => break Ok(answer),
                    Ok(Err(error)) => Failed::of(&address, 0, &error),
                    Err(_) => Failed::ForNow("no answer".to_owned()),
                };
                match failed.then(&address, 0, &mut patience, began.elapsed()) {
                    Ok(wait) => tokio::time::sleep(wait).await,
                    Err(error) => break Err(error),
                }
            };
            // Nobody waits any more: nobody has to be told.
            tell.send(answer).ok();
        }
    });
    told.recv().unwrap_or_else(|_| {
        Err(BucketError::Refused {
            address: address.to_string(),
            byte: 0,
            why: "the asking broke off".to_owned(),
        })
    })
}

/// What a call failed with, and whether it is worth another try.
pub(crate) enum Failed {
    ForNow(String),
    ForGood(BucketError),
}

impl Failed {
    pub(crate) fn of(address: &Address, byte: u64, error: &Error) -> Self {
        let (address, why) = (address.to_string(), in_words(error));
        let is_generic = matches!(error, Error::Generic { .. });
        Self::ForGood(match (error, status(&why)) {
            (Error::NotFound { .. }, _) | (_, Some(404)) => BucketError::Missing { address, why },
            (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _) | (_, Some(401 | 403)) => {
                BucketError::Denied { address, why }
            }
            (_, None | Some(408 | 429 | 500..)) if is_generic => return Self::ForNow(why),
            _ => BucketError::Refused { address, byte, why },
        })
    }

    /// How long to wait; the error, where that is over.
    pub(crate) fn then(
        self,
        address: &Address,
        byte: u64,
        patience: &mut Patience,
        tried: Duration,
    ) -> Result<Duration, BucketError> {
        match self {
            Self::ForGood(error) => Err(error),
            Self::ForNow(why) => patience.wait(tried).ok_or_else(|| BucketError::GaveUp {
                address: address.to_string(),
                byte,
                seconds: patience.waited().as_secs(),
                why,
            }),
        }
    }
}

/// With which status a server has answered, if that is what is wrong. The crate keeps the type that says so to itself.
fn status(why: &str) -> Option<u16> {
    if why.contains("without LOCATION") {
        return Some(301);
    }
    why.split("status code: ").nth(1)?.get(..3)?.parse().ok()
}

/// An error with all that stands behind it, once; of an answer in XML what it says, without the numbers and times that Azure
/// puts below.
pub(crate) fn in_words(error: &Error) -> String {
    let words = error.to_string();
    // "Generic S3 error: …" says what the address does.
    let said = words.strip_prefix("Generic ").and_then(|rest| rest.split_once(" error: "));
    let mut words = said.map_or(words.clone(), |(_, said)| said.to_owned());
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = error.source();
    }
    if let Some((head, xml)) = words.split_once("<?xml").or_else(|| words.split_once("<Error")) {
        let part = |name: &str| {
            let (_, rest) = xml.split_once(&format!("<{name}>"))?;
            rest.split_once("</").and_then(|(text, _)| text.lines().next()).map(str::to_owned)
        };
        let said: Vec<String> = ["Code", "Message"].iter().filter_map(|name| part(name)).collect();
        words = format!("{}{}", head, said.join(": "));
    }
    let words = secrets::without(&words).into_owned();
    // What a proxy answers can be a page.
    let words: String = words.chars().take(400).collect();
    if words.contains("169.254.") {
        format!("no credentials are in the environment, and this machine has none of its own ({words})")
    } else {
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_or_refused() {
        let is = |endpoint: &str| is_plain(Some(endpoint.to_owned())).map_err(|error| in_words(&error));
        assert_eq!((is("http://minio:9000"), is("https://s3.eu")), (Ok(true), Ok(false)));
        for endpoint in ["nonsense", "minio:9000", "http://", "ftp://x", "http://[x"] {
            let said = is(endpoint).unwrap_err();
            assert!(said.starts_with(&format!("the environment names `{endpoint}`")), "{said}");
        }
    }

    #[test]
    fn the_status_is_read_off_what_the_crate_says() {
        for (why, is) in [
            ("Server returned non-2xx status code: 400 Bad Request: ", Some(400)),
            ("Server returned non-2xx status code: 503 Service Unavailable: ", Some(503)),
            ("Received redirect without LOCATION, this normally …", Some(301)),
            ("error sending request", None),
        ] {
            assert_eq!(status(why), is, "{why}");
        }
    }
}
