//! Speaks to a run under way: one request, one answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Longer than any state.
const LONGEST: usize = 4 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// The state, or with a verb the answer to it: status and body.
pub async fn ask(address: SocketAddr, token: &str, verb: Option<&str>) -> io::Result<(StatusCode, String)> {
    tokio::time::timeout(PATIENCE, exchange(address, token, verb)).await.map_err(io::Error::other)?
}

async fn exchange(address: SocketAddr, token: &str, verb: Option<&str>) -> io::Result<(StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut send, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(if verb.is_some() { "POST" } else { "GET" })
        .uri(if verb.is_some() { "/say" } else { "/state" })
        .header(HOST, address.to_string())
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::new(Bytes::from(verb.unwrap_or_default().to_owned())))
        .map_err(io::Error::other)?;
    let response = send.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await.map_err(io::Error::other)?;
    connection.abort();
    Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}
