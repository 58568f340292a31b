//! Calls to a plain `http://` address without a proxy, as most servers have on their own network.
//!
//! reqwest stands on this client of hyper-util, and adds redirects, proxies and TLS, none of which is wanted
//! here: it parses each address twice for redirects that we forbid.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::Url;
use reqwest::header::HeaderMap;

use super::bodies::Bodies;
use super::client::Settings;
use super::transport::{Answer, IDLE, NoAnswer, cut, retry_after, unreachable};

/// The client for plain HTTP.
#[derive(Debug)]
pub(super) struct Plain {
    http: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
}

impl Plain {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(settings.connect_timeout));
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_secs(15)));
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(usize::from(settings.connections))
            .build(connector);
        Self { http, timeout: settings.timeout }
    }

    pub(super) async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        (bodies, most): (&Bodies, usize),
    ) -> Result<Answer, NoAnswer> {
        let uri = Uri::try_from(url.as_str()).map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        match tokio::time::timeout(self.timeout, self.exchange(request, bodies, most)).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer::TimedOut(self.timeout)),
        }
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        bodies: &Bodies,
        most: usize,
    ) -> Result<Answer, NoAnswer> {
        let response = self
            .http
            .request(request)
            .await
            .map_err(|error| if error.is_connect() { unreachable(&error) } else { cut(&error) })?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = bodies.read(response.into_body(), most).await?;
        Ok(Answer { status, retry_after, body })
    }
}
