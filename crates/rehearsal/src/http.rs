//! Connections: HTTP/1.1 by hyper, one task each, and the faults that strike a call.

use super::answer::Refusal;
use super::api;
use super::bounds;
use super::chat::{self, Door};
use super::faults::{FaultKind, Moment, perform};
use super::shared::{CutAll, Shared};
use crate::guests::{Guest, Room};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// The connection ends here, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

/// The answer to one call.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
    pub(super) headers: Vec<(&'static str, String)>,
    /// The conversation of which it acknowledges a message.
    pub(super) acknowledges: Option<Arc<str>>,
}

impl Reply {
    pub(super) fn json(body: String) -> Self {
        let content_type = "application/json; charset=utf-8";
        Self { status: 200, content_type, body, headers: Vec::new(), acknowledges: None }
    }

    pub(super) fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain",
            body: body.into(),
            headers: Vec::new(),
            acknowledges: None,
        }
    }
}

/// How long calls under way may take to end when the server stops; one that hangs is cut.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// Takes connections until it is told to stop, and waits for the calls under way: what is acknowledged must be
/// in the state file. At a restart it is deaf for a while, at the same address.
pub(super) async fn accept(
    listener: TcpListener,
    addr: SocketAddr,
    door: Option<Door>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let (open, mut all_closed) = mpsc::channel(1);
    take_connections(listener, addr, door, shared, stop, open).await;
    if tokio::time::timeout(LAST_CALLS, all_closed.recv()).await.is_err() {
        tracing::debug!("a call hangs: stopped all the same");
    }
}

/// Each connection holds a copy of `open`, which nothing is ever sent through: closed, they are all gone.
async fn take_connections(
    listener: TcpListener,
    addr: SocketAddr,
    door: Option<Door>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    open: mpsc::Sender<()>,
) {
    let mut gate = shared.gate();
    let mut listener = Some(listener);
    let room = Room::new(bounds::CONNECTIONS);
    loop {
        let Some(ear) = &listener else {
            listener = tokio::select! {
                () = stop.cancelled() => return,
                bound = bound_again(addr) => Some(bound),
            };
            continue;
        };
        tokio::select! {
            // In this order: at a restart nobody slips through.
            biased;
            () = stop.cancelled() => return,
            changed = gate.changed() => {
                if changed.is_err() {
                    return;
                }
                let down = gate.borrow_and_update().down;
                if !down.is_zero() {
                    listener = None;
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(down) => {}
                    }
                }
            }
            accepted = ear.accept() => match accepted {
                Ok((stream, _)) => {
                    let guest = Arc::new(room.enter());
                    let serve = connection(stream, door, Arc::clone(&shared), guest, gate.clone(), stop.clone());
                    let open = open.clone();
                    tokio::spawn(async move {
                        serve.await;
                        drop(open);
                    });
                }
                Err(error) => {
                    // Out of file handles, mostly: others may close theirs.
                    tracing::warn!(%error, "can't take a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
        }
    }
}

/// Somebody may have taken the port meanwhile: try until it is free.
async fn bound_again(addr: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(addr).await {
            Ok(listener) => return listener,
            Err(error) => tracing::warn!(%error, "can't listen again"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn connection(
    stream: TcpStream,
    door: Option<Door>,
    shared: Arc<Shared>,
    guest: Arc<Guest>,
    mut gate: watch::Receiver<CutAll>,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let host = Arc::clone(&guest);
    let serve = service_fn(move |request| {
        guest.spoke();
        let shared = Arc::clone(&shared);
        async move { answer(request, door, &shared).await.map(response) }
    });
    let connection = bounds::http().serve_connection(TokioIo::new(stream), serve);
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        // A restart: whatever is under way ends without an answer.
        _ = gate.changed() => return,
        () = host.leaves() => return,
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// What comes back of a call, wherever it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// `Retry-After`, s.
    pub retry_after: Option<u64>,
}

/// Answers a call that needs no connection; `None`: it would have been cut.
pub(super) async fn answer_within(call: &api::Call<'_>, shared: &Shared) -> Option<Answered> {
    let mut gate = shared.gate();
    let faults = shared.faults.strike(Moment::Call(call.path));
    if faults.contains(&FaultKind::CloseBeforeBody) {
        return None;
    }
    let reply = tokio::select! {
        biased;
        _ = gate.changed() => return None,
        reply = struck(call, &faults, shared) => reply.ok()?,
    };
    let retry_after = reply.headers.iter().find(|(name, _)| *name == "retry-after");
    let retry_after = retry_after.and_then(|(_, value)| value.parse().ok());
    Some(Answered { status: reply.status, body: reply.body, retry_after })
}

async fn answer(request: Request<Incoming>, door: Option<Door>, shared: &Shared) -> Result<Reply, Cut> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if path.starts_with("/_rehearsal/") {
        let body = read(body).await?;
        return Ok(super::control::control(&head.method, path, head.uri.query(), &body, shared).await);
    }
    if door.is_none() && path.starts_with("/object/") && head.method != Method::POST {
        return Ok(super::objects::get(shared, &head.method, path, head.uri.query()));
    }
    let faults = shared.faults.strike(Moment::Call(path));
    if faults.contains(&FaultKind::CloseBeforeBody) {
        return Err(Cut);
    }
    let body = read(body).await?;
    let header = |name| head.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let call = api::Call {
        door,
        path,
        post: head.method == Method::POST,
        token: header("token"),
        operation: header("operationid"),
        host: header("host"),
        request_api: header("x-request-api"),
        body: &body,
    };
    struck(&call, &faults, shared).await
}

/// Answers a call, or does what these faults do instead.
async fn struck(call: &api::Call<'_>, faults: &[FaultKind], shared: &Shared) -> Result<Reply, Cut> {
    for fault in faults {
        perform(shared, fault, None);
        if matches!(fault, FaultKind::Restart { .. }) {
            return Err(Cut);
        }
    }
    let strikes = faults.iter().find(|fault| Instead::of(fault).is_some());
    if let Some(instead) = strikes.and_then(Instead::of).filter(|instead| !instead.processed) {
        return instead.reply(shared, None).await;
    }
    let reply = match call.door {
        None => api::serve(shared, call).await,
        Some(door) => chat::serve(shared, door, call),
    };
    match strikes.and_then(Instead::of) {
        None => Ok(reply),
        Some(instead) => instead.reply(shared, Some(&reply)).await,
    }
}

/// What happens instead of the answer that is due.
struct Instead<'f> {
    fault: &'f FaultKind,
    /// Whether the call is processed all the same.
    processed: bool,
}

impl<'f> Instead<'f> {
    fn of(fault: &'f FaultKind) -> Option<Self> {
        let processed = match fault {
            FaultKind::LoseAnswer | FaultKind::Error500 => true,
            FaultKind::CloseAfterBody | FaultKind::TooMany { .. } | FaultKind::RateLimit { .. } => false,
            FaultKind::ProxyError { processed, .. } | FaultKind::Hang { processed, .. } => *processed,
            _ => return None,
        };
        Some(Self { fault, processed })
    }

    async fn reply(self, shared: &Shared, due: Option<&Reply>) -> Result<Reply, Cut> {
        if let Some(conversation) = due.and_then(|reply| reply.acknowledges.as_ref()) {
            shared.world().conversation_mut(conversation).tally.acknowledged -= 1;
        }
        match self.fault {
            FaultKind::Error500 => {
                // The status write after the queue failed.
                let refusal = Refusal::internal("redis: connection pool timeout");
                Ok(api::reply(shared, Err(refusal)))
            }
            FaultKind::ProxyError { status, .. } => Ok(proxy_error(*status)),
            FaultKind::TooMany { retry_after } => Ok(too_many(shared, *retry_after)),
            FaultKind::RateLimit { .. } => Ok(too_many(shared, 1)),
            FaultKind::Hang { ms, .. } => {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
                Err(Cut)
            }
            _ => Err(Cut),
        }
    }
}

/// As nginx says it.
fn proxy_error(status: u16) -> Reply {
    let reason = match status {
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        _ => "504 Gateway Time-out",
    };
    let mut reply = Reply::text(
        status,
        format!(
            "<html>\r\n<head><title>{reason}</title></head>\r\n<body>\r\n<center><h1>{reason}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        ),
    );
    reply.content_type = "text/html";
    reply
}

/// The rate limiter's answer, with its headers.
fn too_many(shared: &Shared, retry_after: u64) -> Reply {
    let mut reply = api::reply(shared, Err(Refusal { status: 429, ..Refusal::too_many() }));
    reply.headers = vec![
        ("retry-after", retry_after.to_string()),
        ("x-ratelimit-limit", "0".to_owned()),
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-policy", "BBR".to_owned()),
        ("x-bbr-cpu", "900".to_owned()),
        ("x-bbr-minrt", "2".to_owned()),
        ("x-bbr-maxpass", "500".to_owned()),
        ("x-bbr-maxinflight", "50".to_owned()),
        ("x-bbr-inflight", "51".to_owned()),
    ];
    reply
}

async fn read(body: Incoming) -> Result<Bytes, Cut> {
    bounds::whole(body).await.ok_or(Cut)
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
