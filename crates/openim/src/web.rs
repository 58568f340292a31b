//! Bytes to and from addresses that are no API: parts into the object store, files back out of it as a phone reads
//! them, files of an export that lie behind a link.
//!
//! Nothing is repeated here, no environment is read, no redirect is followed without a look at where it goes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, HeaderValue, LOCATION, RANGE};
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};

use super::client::Settings;
use super::error::SetupError;
use super::objects::Put;
use super::transport::{builder, causes, retry_after};

/// Redirects that are followed.
const MOST_HOPS: usize = 5;
/// Bytes of an error's body that are looked at.
const MOST_SAID: usize = 4096;

/// A client for bytes.
#[derive(Debug, Clone)]
pub struct Web {
    http: reqwest::Client,
    reach: Reach,
    tokens: Arc<[HostToken]>,
    limits: Limits,
}

/// Where a client may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere: the object store of somebody's own server is often on a private network.
    Anywhere,
    /// Not into private networks, nor to this machine: what a file of an export names is not to be trusted.
    Public,
}

/// A token for one host, sent to nobody else.
#[derive(Debug, Clone)]
pub struct HostToken {
    /// Its name, as it stands in addresses.
    pub host: String,
    /// What it asks for, as `Authorization: Bearer`.
    pub token: SecretString,
}

/// When enough is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one answer.
    pub bytes: u64,
    /// From the first byte of the call to the last one of the answer.
    pub time: Duration,
}

/// Why bytes did not go, or did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// No connection.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection ended before the answer was there.
    #[error("the connection ended: {0}")]
    Cut(String),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// Refused, with the code that object stores give, if it is one.
    #[error("HTTP {status}{}{code}", if code.is_empty() { "" } else { " " })]
    Refused {
        /// HTTP's.
        status: u16,
        /// `NoSuchKey` …
        code: String,
        /// How long to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// Other bytes arrived than were sent.
    #[error("the store received other bytes than were sent")]
    Digest,
    /// It goes on beyond the limit.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// It leads where it may not.
    #[error("leads to {0}, into a private network; `allow_private` in [media] allows that")]
    Private(String),
    /// Not an address.
    #[error("no address that can be opened: {0}")]
    Url(String),
    /// Redirected for ever.
    #[error("redirected more than {MOST_HOPS} times")]
    Hops,
    /// The receiver of the bytes did not take them.
    #[error("{0}")]
    Sink(String),
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Bytes.
    pub bytes: u64,
    /// `Content-Type`.
    pub content_type: String,
    /// Redirects on the way.
    pub hops: usize,
}

impl Web {
    /// A client with certificate and proxy of `settings`.
    pub fn new(settings: &Settings, reach: Reach, limits: Limits) -> Result<Self, SetupError> {
        let mut builder = builder(settings)?;
        if reach == Reach::Public {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let http = builder.build().map_err(|error| SetupError::Tls(causes(&error)))?;
        Ok(Self { http, reach, tokens: Arc::default(), limits })
    }

    /// The same with tokens for some hosts.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Vec<HostToken>) -> Self {
        self.tokens = tokens.into();
        self
    }

    /// The same within other limits.
    #[must_use]
    pub fn within(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// Its limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Puts a part, and compares what arrived; `md5` is that of the bytes, hexadecimal.
    pub async fn put(&self, put: &Put, bytes: Bytes, md5: &str) -> Result<(), WebError> {
        let url = Url::parse(&put.url).map_err(|error| WebError::Url(error.to_string()))?;
        let raw: Vec<u8> = (0..md5.len() / 2)
            .filter_map(|n| u8::from_str_radix(md5.get(2 * n..2 * n + 2)?, 16).ok())
            .collect();
        let mut request = self
            .http
            .put(url)
            .timeout(self.limits.time)
            // The store refuses what was changed on the way: then nothing is stored.
            .header("Content-MD5", STANDARD.encode(raw));
        for (name, value) in &put.headers {
            request = request.header(name, value);
        }
        let answer = request.body(bytes).send().await.map_err(|error| self.no_answer(&error))?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let etag = answer.headers().get("etag").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if etag.trim_matches('"') != md5 {
            return Err(WebError::Digest);
        }
        Ok(())
    }

    /// Reads what stands at an address, as a phone would: without a token of the API, and following where it is
    /// sent on to. Each piece goes to `sink`. With `from` only what comes behind so many bytes.
    pub async fn read(
        &self,
        url: &str,
        sink: &mut (dyn FnMut(&[u8]) -> Result<(), String> + Send),
    ) -> Result<Received, WebError> {
        match tokio::time::timeout(self.limits.time, self.follow(url, sink)).await {
            Ok(received) => received,
            Err(_) => Err(WebError::TimedOut(self.limits.time)),
        }
    }

    async fn follow(
        &self,
        url: &str,
        sink: &mut (dyn FnMut(&[u8]) -> Result<(), String> + Send),
    ) -> Result<Received, WebError> {
        let mut url = Url::parse(url).map_err(|error| WebError::Url(error.to_string()))?;
        for hops in 0..=MOST_HOPS {
            self.may_go(&url)?;
            let mut request = self.http.get(url.clone());
            if let Some(token) = self.token(&url) {
                request = request.header(AUTHORIZATION, token);
            }
            let mut answer = request.send().await.map_err(|error| self.no_answer(&error))?;
            if answer.status().is_redirection() {
                let next = answer.headers().get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
                let next = String::from_utf8_lossy(next).into_owned();
                url = url.join(&next).map_err(|error| WebError::Url(error.to_string()))?;
                continue;
            }
            if !answer.status().is_success() {
                return Err(refused(answer).await);
            }
            let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
            let content_type = content_type.unwrap_or_default().to_owned();
            let mut bytes = 0;
            while let Some(piece) = answer.chunk().await.map_err(|error| self.no_answer(&error))? {
                bytes += piece.len() as u64;
                if bytes > self.limits.bytes {
                    return Err(WebError::TooLarge(self.limits.bytes));
                }
                sink(&piece).map_err(WebError::Sink)?;
            }
            return Ok(Received { bytes, content_type, hops });
        }
        Err(WebError::Hops)
    }

    /// Whether there is something at an address: its first byte.
    pub async fn is_there(&self, url: &str) -> Result<(), WebError> {
        let url = Url::parse(url).map_err(|error| WebError::Url(error.to_string()))?;
        self.may_go(&url)?;
        let request = self.http.get(url).header(RANGE, "bytes=0-0").timeout(self.limits.time);
        let answer = request.send().await.map_err(|error| self.no_answer(&error))?;
        if answer.status().is_success() || answer.status().is_redirection() {
            Ok(())
        } else {
            Err(refused(answer).await)
        }
    }

    /// An address by number is not asked of anybody: it is looked at here.
    fn may_go(&self, url: &Url) -> Result<(), WebError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebError::Url(format!("`{}` is neither http nor https", url.scheme())));
        }
        if self.reach == Reach::Anywhere {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match number {
            Ok(ip) if !is_public(ip) => Err(WebError::Private(ip.to_string())),
            _ => Ok(()),
        }
    }

    /// The token for that host alone, and over TLS alone, unless everything is allowed.
    fn token(&self, url: &Url) -> Option<HeaderValue> {
        if url.scheme() != "https" && self.reach == Reach::Public {
            return None;
        }
        let host = url.host_str()?;
        let token = self.tokens.iter().find(|token| token.host.eq_ignore_ascii_case(host))?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.token.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn no_answer(&self, error: &reqwest::Error) -> WebError {
        let causes = causes(error);
        if let Some((_, host)) = causes.split_once(NOT_PUBLIC) {
            return WebError::Private(host.split(':').next().unwrap_or_default().trim().to_owned());
        }
        if error.is_connect() {
            WebError::Unreachable(causes)
        } else if error.is_timeout() {
            WebError::TimedOut(self.limits.time)
        } else {
            WebError::Cut(causes)
        }
    }
}

impl WebError {
    /// Whether the same may well succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Cut(_) | Self::TimedOut(_) | Self::Digest => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::TooLarge(_) | Self::Private(_) | Self::Url(_) | Self::Hops | Self::Sink(_) => false,
        }
    }

    /// Whether the signature was too old, or not good any more.
    pub fn is_about_the_signature(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }

    /// Whether the upload is over or was never there.
    pub fn is_about_the_upload(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

async fn refused(mut answer: Response) -> WebError {
    let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
    let mut said = Vec::new();
    while said.len() < MOST_SAID {
        match answer.chunk().await {
            Ok(Some(piece)) => said.extend_from_slice(&piece),
            _ => break,
        }
    }
    let said = String::from_utf8_lossy(&said);
    let code = said.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code =
        code.map_or("", |(code, _)| code).chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    WebError::Refused { status, code, retry_after }
}

const NOT_PUBLIC: &str = "not a public address: ";

/// Finds addresses, and only public ones.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let all: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            // One private address among public ones is a trap: all are refused.
            if all.iter().any(|addr| !is_public(addr.ip())) {
                return Err(format!("{NOT_PUBLIC}{host}").into());
            }
            Ok(Box::new(all.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is on the open network: not this machine, not a private, link-local, shared or reserved one.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(ip) => {
            if let Some(ip) = ip.to_ipv4_mapped() {
                return is_public(IpAddr::V4(ip));
            }
            let [first, second, ..] = ip.segments();
            // The one block of the open network, without its corners that lead elsewhere: 6to4, Teredo, examples.
            first & 0xe000 == 0x2000
                && first != 0x2002
                && !(first == 0x2001 && (second == 0 || second == 0xdb8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public() {
        for ip in ["8.8.8.8", "93.184.215.14", "2606:4700::1111"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
