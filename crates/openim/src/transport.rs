//! One HTTP exchange: what came back, or how far it got.
//!
//! Through reqwest where there is TLS or a proxy, otherwise through the client below it, see [`Plain`]; in a simulation
//! through nothing at all, see [`Exchange`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Url};

use super::bodies::Bodies;
use super::client::Settings;
use super::error::SetupError;
use super::plain::Plain;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Bytes,
}

/// Carries calls to a server of the same process: what a simulation has in place of HTTP.
pub trait Exchange: std::fmt::Debug + Send + Sync {
    /// One POST to that path.
    fn post(
        &self,
        path: &str,
        operation: &str,
        token: Option<&str>,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, NoAnswer>> + Send>>;
}

/// No answer came. The texts name no URL and hold nothing that the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// There was no connection: the call was certainly not processed.
    Unreachable(String),
    /// The connection ended before the answer was there.
    Cut(String),
    /// Our own patience ended.
    TimedOut(Duration),
    /// There can't be a connection: no such host, or a certificate that is not trusted.
    Wrong(String),
    /// What answers speaks no HTTP.
    NoHttp(String),
    /// The answer is longer than any to that call.
    TooLong(String),
}

/// Sends bodies and hands back answers: nothing here knows what they mean.
#[derive(Debug)]
pub(super) struct Transport {
    http: Http,
    bodies: Bodies,
    timeout: Duration,
}

#[derive(Debug)]
enum Http {
    Plain(Plain),
    Full(reqwest::Client),
    Within(Arc<dyn Exchange>),
}

const OPERATION: HeaderName = HeaderName::from_static("operationid");
const TOKEN: HeaderName = HeaderName::from_static("token");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Shorter than any server's or proxy's own patience (nginx: 75 s): a connection that they close while a call
/// goes out would be an unanswered one.
pub(super) const IDLE: Duration = Duration::from_secs(30);

impl Transport {
    /// For calls to `base` and below.
    pub(super) fn new(settings: &Settings, base: &Url) -> Result<Self, SetupError> {
        let is_plain = base.scheme() == "http" && settings.proxy.is_none() && settings.ca.is_none();
        let http = if is_plain { Http::Plain(Plain::new(settings)) } else { Http::Full(full(settings)?) };
        Ok(Self { http, bodies: Bodies::new(), timeout: settings.timeout })
    }

    /// For calls within this process.
    pub(super) fn within(settings: &Settings, exchange: Arc<dyn Exchange>) -> Self {
        Self { http: Http::Within(exchange), bodies: Bodies::new(), timeout: settings.timeout }
    }

    /// One POST, with an answer of that many bytes at most. `operation` must be new for every call.
    pub(super) async fn post(
        &self,
        url: &Url,
        operation: &str,
        token: Option<HeaderValue>,
        body: Bytes,
        most: usize,
    ) -> Result<Answer, NoAnswer> {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, JSON);
        if let Ok(operation) = HeaderValue::from_str(operation) {
            headers.insert(OPERATION, operation);
        }
        if let Some(token) = token {
            headers.insert(TOKEN, token);
        }
        let http = match &self.http {
            Http::Plain(plain) => return plain.post(url, headers, body, (&self.bodies, most)).await,
            Http::Full(http) => http,
            Http::Within(exchange) => return self.within_process(exchange, url, &headers, body).await,
        };
        let mut request = Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let response = http.execute(request).await.map_err(|error| self.no_answer(&error))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = self.bodies.read(reqwest::Body::from(response), most);
        let body = match tokio::time::timeout(self.timeout, body).await {
            Ok(body) => body?,
            Err(_) => return Err(NoAnswer::TimedOut(self.timeout)),
        };
        Ok(Answer { status, retry_after, body })
    }

    async fn within_process(
        &self,
        exchange: &Arc<dyn Exchange>,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, NoAnswer> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let answer = exchange.post(url.path(), text(OPERATION).unwrap_or_default(), text(TOKEN), body);
        tokio::time::timeout(self.timeout, answer).await.unwrap_or(Err(NoAnswer::TimedOut(self.timeout)))
    }

    fn no_answer(&self, error: &reqwest::Error) -> NoAnswer {
        if error.is_connect() {
            unreachable(error)
        } else if error.is_timeout() {
            NoAnswer::TimedOut(self.timeout)
        } else {
            cut(error)
        }
    }
}

fn full(settings: &Settings) -> Result<reqwest::Client, SetupError> {
    builder(settings)?.timeout(settings.timeout).build().map_err(|error| SetupError::Tls(causes(&error)))
}

/// A client that neither follows nor repeats, with certificate and proxy.
pub(super) fn builder(settings: &Settings) -> Result<reqwest::ClientBuilder, SetupError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(usize::from(settings.connections))
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        // A call that was moved elsewhere may have been processed where it was.
        .redirect(reqwest::redirect::Policy::none())
        // No layer repeats a call. The one repetition that can't be switched off is in hyper-util's pool
        // (`retry_canceled_requests`): it takes another connection where the request was still in the
        // queue of one that had just closed. Read in hyper 1.12: the message comes back only from
        // `Envelope::drop` and `Client::recv_msg`, both before its first byte was written. A test sends
        // calls into connections that close and counts.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        // HTTP/2 would put all calls into one connection, whose end would leave them all unanswered.
        .http1_only()
        // Only `config` reads the environment; reqwest would by default.
        .no_proxy();
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy.as_str())
            .map_err(|error| SetupError::Proxy { url: proxy.clone(), why: causes(&error) })?;
        builder = builder.proxy(proxy);
    }
    if let Some(path) = &settings.ca {
        let pem = fs_err::read(path).map_err(SetupError::Ca)?;
        let bad = |why| SetupError::NoCertificate { path: path.clone(), why };
        let certificates = super::trust::certificates(&pem).map_err(bad)?;
        let trusting = super::trust::trusting(certificates).map_err(|error| bad(error.to_string()))?;
        builder = builder.tls_backend_preconfigured(trusting);
    }
    Ok(builder)
}

/// Seconds; the other form, a date, is not used by OpenIM. Bounded here, once for every call: a server or a proxy that
/// asks for a day, or for 2^63 seconds, is asked again sooner, and whoever waits stays within his own patience.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs);
    asked.map(|wait| wait.min(super::patience::LONGEST_RETRY_AFTER))
}

/// Why there was no connection, and whether there can be one.
pub(super) fn unreachable(error: &(dyn std::error::Error + 'static)) -> NoAnswer {
    let why = causes(error);
    let is = |what: &str| why.contains(what);
    if is("InvalidMessage") || is("invalid message") || is("corrupt message") {
        return NoAnswer::Wrong(format!(
            "what listens there speaks no TLS ({why}): if it is plain HTTP, write the address with http://"
        ));
    }
    if is("not valid for name") {
        return NoAnswer::Wrong(format!(
            "the server's certificate is for another host ({why}): look at the address"
        ));
    }
    if is("certificate expired") || is("certificate not valid yet") {
        return NoAnswer::Wrong(format!("the server's certificate is not valid now ({why})"));
    }
    if is("certificate") || is("Certificate") || is("UnknownIssuer") {
        return NoAnswer::Wrong(format!(
            "the server's certificate is not trusted ({why}): name the authority, or the certificate itself, with --ca"
        ));
    }
    // The words of the C libraries for a name that nobody knows; what passes is "Temporary failure".
    if [
        "Name or service not known",
        "nodename nor servname",
        "Name does not resolve",
        "No address associated",
    ]
    .into_iter()
    .any(is)
    {
        return NoAnswer::Wrong(format!("there is no such host ({why}): look at the address"));
    }
    NoAnswer::Unreachable(why)
}

/// The connection ended, or what came is no HTTP.
pub(super) fn cut(error: &(dyn std::error::Error + 'static)) -> NoAnswer {
    let mut source = Some(error);
    while let Some(cause) = source {
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            let why = causes(error);
            return NoAnswer::NoHttp(format!(
                "what listens there speaks no HTTP ({why}): if it is TLS, write the address with https://"
            ));
        }
        source = cause.source();
    }
    NoAnswer::Cut(causes(error))
}

/// The causes below an error: its own text repeats the URL and says little more.
pub(super) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        // Each layer tends to repeat the words of the one below.
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
        source = cause.source();
    }
    if text.is_empty() {
        text = error.to_string();
    }
    text
}
