//! The endpoint: HTTP/1.1 by hyper on a loopback address, each request shown to [`admit`] first.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::board::Board;
use super::desk::Desk;
use super::door::{Head, Route, admit};
use super::keep::token;
use super::state::State;
use super::verb::Verb;
use super::{metrics, page};
use crate::guests::{Guest, Room};
use crate::secrets::without;
use crate::visible::visible_json;

/// The endpoint at work; dropped, it ends.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    token: String,
    desk: Desk,
    places: Arc<Semaphore>,
    _stop: DropGuard,
}

/// What all requests share.
struct Shared {
    desk: Desk,
    board: Board,
    token: String,
    has_page: bool,
    /// The state, as it was sent last.
    latest: watch::Receiver<Bytes>,
    /// Places for those who look on.
    places: Arc<Semaphore>,
}

/// Open at once, and those who look on; for one more the oldest is closed. A request takes milliseconds, so that whoever
/// has one is answered, however many are held open.
const CONNECTIONS: usize = 128;
const ONLOOKERS: usize = 16;
/// Nobody who is well takes longer for a request with its answer, or to take what changed.
const LONGEST: Duration = Duration::from_secs(10);
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Longer than any verb.
const LONGEST_VERB: usize = 256;
const LAST_LOOK: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Endpoint {
    /// Listens at that address, which must be a loopback one.
    pub async fn open(at: SocketAddr, has_page: bool, desk: Desk, board: Board) -> io::Result<Self> {
        if !at.ip().is_loopback() {
            return Err(io::Error::other("only loopback addresses: whoever is let in may stop the run"));
        }
        let listener = TcpListener::bind(at).await?;
        let address = listener.local_addr()?;
        let token = token()?;
        let stop = CancellationToken::new();
        let (send, latest) = watch::channel(Bytes::new());
        let places = Arc::new(Semaphore::new(ONLOOKERS));
        let shared = Arc::new(Shared {
            desk: desk.clone(),
            board,
            token: token.clone(),
            has_page,
            latest,
            places: Arc::clone(&places),
        });
        tokio::spawn(stop.clone().run_until_cancelled_owned(look(Arc::clone(&shared), send)));
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, shared, stop.clone())));
        Ok(Self { address, token, desk, places, _stop: stop.drop_guard() })
    }

    /// The process ends: those who look on see how, before nobody answers any more.
    pub async fn last_look(&self) {
        if self.places.available_permits() < ONLOOKERS {
            self.desk.stir();
            tokio::time::sleep(LAST_LOOK).await;
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What opens it.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The address of the page, with what opens it.
    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }
}

/// Looks once a second, and whenever something was changed.
async fn look(shared: Arc<Shared>, send: watch::Sender<Bytes>) {
    let mut clock = tokio::time::interval(LOOK_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let state = tokio::select! {
            _ = clock.tick() => shared.board.tick(&shared.desk),
            () = shared.desk.moved() => shared.board.state(&shared.desk),
        };
        send.send_replace(Bytes::from(as_json(&state)));
    }
}

fn as_json(state: &State) -> String {
    let json = serde_json::to_string(state).unwrap_or_default();
    visible_json(&without(&json)).into_owned()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let room = Room::new(CONNECTIONS);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let serve = connection(stream, Arc::clone(&shared), Arc::new(room.enter()));
                tokio::spawn(stop.clone().run_until_cancelled_owned(serve));
            }
            Err(error) => {
                tracing::debug!(%error, "control: can't take a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, guest: Arc<Guest>) {
    let host = Arc::clone(&guest);
    let serve = service_fn(move |request| {
        let (shared, guest) = (Arc::clone(&shared), Arc::clone(&guest));
        async move { Ok::<_, Infallible>(answer(request, &shared, &guest).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), serve);
    tokio::select! {
        served = served => {
            if let Err(error) = served {
                tracing::debug!(%error, "control: a connection ended");
            }
        }
        () = host.leaves() => {}
        () = too_long(&host) => {}
    }
}

/// Returns when a request with its answer has taken too long.
async fn too_long(guest: &Guest) {
    tokio::time::sleep(LONGEST).await;
    if guest.is_staying() {
        std::future::pending::<()>().await;
    }
}

type Answer = Response<Either<Full<Bytes>, Events>>;

async fn answer(request: Request<Incoming>, shared: &Shared, guest: &Arc<Guest>) -> Answer {
    let headers = request.headers();
    let head = Head {
        method: request.method().as_str(),
        path: request.uri().path(),
        host: text(headers, header::HOST),
        origin: text(headers, header::ORIGIN),
        site: text(headers, SITE),
        authorization: text(headers, header::AUTHORIZATION),
    };
    // A second one of these is a trick.
    let is_plain = [header::HOST, header::ORIGIN, header::AUTHORIZATION, SITE]
        .iter()
        .all(|name| headers.get_all(name).iter().count() <= 1);
    match admit(&head, &shared.token).filter(|_| is_plain) {
        Some(Route::Page) if shared.has_page => page::page().map_or_else(
            |_| nothing(StatusCode::INTERNAL_SERVER_ERROR),
            |page| {
                let mut answer = whole(StatusCode::OK, "text/html; charset=utf-8", page.html);
                if let Ok(policy) = HeaderValue::from_str(&page.policy) {
                    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
                }
                answer
            },
        ),
        Some(Route::Page) | None => nothing(StatusCode::NOT_FOUND),
        Some(Route::State) => json_of(StatusCode::OK, as_json(&shared.board.state(&shared.desk))),
        Some(Route::Metrics) => {
            let text = metrics::metrics(&shared.board.state(&shared.desk));
            whole(StatusCode::OK, metrics::CONTENT_TYPE, without(&text).into_owned())
        }
        Some(Route::Events) => events(shared, guest),
        Some(Route::Say) => say(request, shared).await,
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    // What is no text is none of ours, and must not pass for missing.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Hears a verb.
async fn say(request: Request<Incoming>, shared: &Shared) -> Answer {
    let body = Limited::new(request.into_body(), LONGEST_VERB).collect();
    let Ok(body) = body.await else {
        return json_of(StatusCode::BAD_REQUEST, json!({ "error": "that is no verb" }).to_string());
    };
    let heard = std::str::from_utf8(&body.to_bytes()).unwrap_or_default().parse::<Verb>();
    match heard {
        Ok(verb) => {
            let said = shared.desk.obey(verb);
            let settings = shared.board.state(&shared.desk).settings;
            json_of(StatusCode::OK, json!({ "said": said, "settings": settings }).to_string())
        }
        Err(error) => json_of(StatusCode::BAD_REQUEST, json!({ "error": error }).to_string()),
    }
}

/// The state, now and each time it is looked at, until nobody reads it any more.
fn events(shared: &Shared, guest: &Arc<Guest>) -> Answer {
    let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
        return nothing(StatusCode::SERVICE_UNAVAILABLE);
    };
    guest.stays();
    let guest = Arc::clone(guest);
    let (send, frames) = mpsc::channel(2);
    let mut latest = shared.latest.clone();
    latest.mark_changed();
    tokio::spawn(async move {
        let _place = place;
        // A browser that comes back after an interruption waits so long.
        let mut event = b"retry: 1000\n".to_vec();
        while latest.changed().await.is_ok() {
            if latest.borrow().is_empty() {
                continue;
            }
            event.extend_from_slice(b"data: ");
            event.extend_from_slice(&latest.borrow_and_update());
            event.extend_from_slice(b"\n\n");
            let event = Bytes::from(std::mem::take(&mut event));
            // Who takes nothing any more (a machine asleep) keeps no place; a page comes back by itself.
            if !matches!(tokio::time::timeout(LONGEST, send.send(event)).await, Ok(Ok(()))) {
                return guest.dismiss();
            }
        }
    });
    let mut answer = Response::new(Either::Right(Events(frames)));
    dress(answer.headers_mut(), "text/event-stream");
    answer
}

/// A body that is never finished.
struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn json_of(status: StatusCode, json: String) -> Answer {
    whole(status, "application/json", json)
}

fn nothing(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

fn whole(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *answer.status_mut() = status;
    dress(answer.headers_mut(), kind);
    answer
}

fn dress(headers: &mut HeaderMap, kind: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-origin"));
}
