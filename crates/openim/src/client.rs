//! The client: one address, one login, every call.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{Pause, Stop, Verdict, judge, not_openim};
use super::error::{CallError, LoginError, SetupError};
use super::token::{Current, Login};
use super::transport::{Answer, Exchange, NoAnswer, Transport};
use super::wire::Envelope;

/// Where the server is and how to talk to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the API, with the path prefix of a proxy if there is one.
    pub api: String,
    /// How we log in.
    pub login: Login,
    /// A further certificate authority, PEM.
    pub ca: Option<PathBuf>,
    /// A proxy for all calls, with its scheme.
    pub proxy: Option<String>,
    /// Connections kept open between calls: as many as calls are under way at once.
    pub connections: u16,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a whole call may take.
    pub timeout: Duration,
}

impl Settings {
    /// Settings with the usual patience.
    pub fn new(api: impl Into<String>, login: Login) -> Self {
        Self {
            api: api.into(),
            login,
            ca: None,
            proxy: None,
            connections: 40,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
        }
    }
}

/// The client. Cheap to clone; all clones share connections and token.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Transport,
    base: Url,
    send: Url,
    settings: Settings,
    token: Current,
    operation: String,
    calls: AtomicU64,
    /// An address that has answered is right: whatever happens to it later passes.
    answered: AtomicBool,
}

const SEND: &str = "/msg/send_msg";
const GET_TOKEN: &str = "/auth/get_admin_token";

impl Client {
    /// Makes the client; nothing is sent yet.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        let base = base(&settings.api)?;
        let transport = Transport::new(settings, &base)?;
        Self::over(transport, base, settings)
    }

    /// The same for a server of this process.
    pub fn within(settings: &Settings, exchange: Arc<dyn Exchange>) -> Result<Self, SetupError> {
        Self::over(Transport::within(settings, exchange), base(&settings.api)?, settings)
    }

    fn over(transport: Transport, base: Url, settings: &Settings) -> Result<Self, SetupError> {
        let token = Current::default();
        if let Login::Token { token: given, .. } = &settings.login {
            token.set_secret(given).map_err(|error| SetupError::Tls(error.to_string()))?;
        }
        Ok(Self(Arc::new(Inner {
            transport,
            send: join(&base, SEND),
            base,
            settings: settings.clone(),
            token,
            // 3.8.3 keeps every operationID for 24 hours in Redis: short ones cost less.
            operation: format!("{:08x}-", fastrand::u32(..)),
            calls: AtomicU64::new(0),
            answered: AtomicBool::new(false),
        })))
    }

    /// The user as whom we ask for `maxSeq`.
    pub fn admin_user(&self) -> &str {
        self.0.settings.login.admin_user()
    }

    pub(super) fn login(&self) -> &Login {
        &self.0.settings.login
    }

    /// What it was made with.
    pub fn made_with(&self) -> &Settings {
        &self.0.settings
    }

    /// The address, for messages.
    pub fn api(&self) -> &str {
        self.0.base.as_str()
    }

    /// Gets a token if there is none yet: says at once whether we are let in.
    pub async fn log_in(&self) -> Result<(), CallError> {
        match self.0.token.get() {
            (_, Some(_)) => Ok(()),
            (number, None) => self.renew(number).await,
        }
    }

    /// `send_msg` with a finished body. `content_type` is that of the message, which one row of the table
    /// asks for. A refused token is renewed and the call made again: it was certainly not processed.
    pub async fn send(&self, content_type: i32, body: Bytes) -> Verdict {
        for attempt in 0.. {
            let (number, token) = self.0.token.get();
            if token.is_some() {
                let verdict = judge(content_type, self.post(&self.0.send, None, token, body.clone()).await);
                if verdict != Verdict::RefreshToken {
                    return verdict;
                }
                if attempt == ATTEMPTS {
                    return Verdict::Stop(Stop::Login(LoginError::FreshToken));
                }
                step_back(attempt).await;
            }
            match self.renew(number).await {
                Ok(()) => {}
                Err(CallError::Login(error)) => return Verdict::Stop(Stop::Login(error)),
                Err(CallError::NotOpenIm(what)) => return Verdict::Stop(Stop::NotOpenIm(what)),
                // Nothing was sent yet, or it was refused for the token.
                Err(CallError::RateLimited(after)) => return Verdict::Wait(Pause::RateLimited(after)),
                Err(other) => return Verdict::Wait(Pause::Unreachable(other.to_string())),
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// A call with an answer that carries data. A refused token is renewed and the call made again.
    pub(super) async fn call<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &'static str,
        request: &Q,
    ) -> Result<A, CallError> {
        let body = self.call_raw(path, request).await?;
        data(path, &body)
    }

    /// A call whose answer carries nothing.
    pub(super) async fn tell<Q: Serialize + Sync>(
        &self,
        path: &'static str,
        request: &Q,
    ) -> Result<(), CallError> {
        self.call_raw(path, request).await.map(|_| ())
    }

    /// The same about an earlier call, by its operationID.
    pub(super) async fn call_as<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &'static str,
        operation: &str,
        request: &Q,
    ) -> Result<A, CallError> {
        let body = self.exchange(path, Some(operation), request).await?;
        data(path, &body)
    }

    /// The whole body of an answer whose `errCode` is 0: for those that are read without copying.
    pub(super) async fn call_raw<Q: Serialize + Sync>(
        &self,
        path: &'static str,
        request: &Q,
    ) -> Result<Bytes, CallError> {
        self.exchange(path, None, request).await
    }

    async fn exchange<Q: Serialize + Sync>(
        &self,
        path: &'static str,
        operation: Option<&str>,
        request: &Q,
    ) -> Result<Bytes, CallError> {
        let body = serde_json::to_vec(request)
            .map_err(|error| CallError::Unreadable { path, why: error.to_string() })?;
        let (url, body) = (join(&self.0.base, path), Bytes::from(body));
        for attempt in 0.. {
            let (number, token) = self.0.token.get();
            if token.is_some() {
                let answer = read(path, self.post(&url, operation, token, body.clone()).await);
                let refused = matches!(answer, Err(CallError::Refused { code: 1501..=1507, .. }));
                if !refused {
                    return answer;
                }
                if attempt == ATTEMPTS {
                    return Err(LoginError::FreshToken.into());
                }
                step_back(attempt).await;
            }
            self.renew(number).await?;
        }
        unreachable!("the loop ends by returning")
    }

    /// Fetches a new token unless somebody else did since the token with that number.
    async fn renew(&self, number: u64) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            secret: &'a str,
            #[serde(rename = "userID")]
            user: &'a str,
        }
        #[derive(serde::Deserialize)]
        struct Got {
            token: secrecy::SecretString,
        }
        let _only_one = self.0.token.renewing.lock().await;
        if self.0.token.number() != number {
            return Ok(());
        }
        let Login::Secret { secret, admin_user } = &self.0.settings.login else {
            return Err(LoginError::GivenToken.into());
        };
        let body = serde_json::to_vec(&Ask {
            secret: secrecy::ExposeSecret::expose_secret(secret),
            user: admin_user,
        })
        .map_err(|error| CallError::Unreadable { path: GET_TOKEN, why: error.to_string() })?;
        let answer = self.post(&join(&self.0.base, GET_TOKEN), None, None, Bytes::from(body)).await;
        let refused = |code, said: String| match code {
            1002 => LoginError::Secret(said),
            1001 => LoginError::AdminUser { user: admin_user.clone(), said },
            _ => LoginError::Other { user: admin_user.clone(), code, said },
        };
        let body = match read(GET_TOKEN, answer) {
            // Asked for a token where none is needed: the call went to another path than it was meant for.
            Err(CallError::Refused { code: 1001, said, .. }) if said.contains("must have token") => {
                return Err(CallError::NotOpenIm(format!("`{GET_TOKEN}` is not there")));
            }
            Err(CallError::Refused { code, said, .. }) => return Err(refused(code, said).into()),
            other => other?,
        };
        let got: Option<Got> = Envelope::read(&body)
            .and_then(|envelope| envelope.data)
            .and_then(|data| serde_json::from_str(data.get()).ok());
        let Some(got) = got else {
            return Err(CallError::NotOpenIm("a login without a token".to_owned()));
        };
        self.0.token.set_secret(&got.token)?;
        tracing::info!("logged in as `{admin_user}`");
        Ok(())
    }

    async fn post(
        &self,
        url: &Url,
        operation: Option<&str>,
        token: Option<HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, NoAnswer> {
        let operation = operation.map_or_else(
            || format!("{}{:x}", self.0.operation, self.0.calls.fetch_add(1, Ordering::Relaxed)),
            str::to_owned,
        );
        let answer = self.0.transport.post(url, &operation, token, body, most(url.path())).await;
        match &answer {
            Ok(answer) => tracing::trace!(operation, path = url.path(), status = answer.status, "answered"),
            Err(error) => tracing::debug!(operation, path = url.path(), ?error, "no answer"),
        }
        match answer {
            Ok(answer) => {
                self.0.answered.store(true, Ordering::Relaxed);
                Ok(answer)
            }
            Err(NoAnswer::Wrong(why)) if self.0.answered.load(Ordering::Relaxed) => {
                Err(NoAnswer::Unreachable(why))
            }
            Err(NoAnswer::NoHttp(why)) if self.0.answered.load(Ordering::Relaxed) => Err(NoAnswer::Cut(why)),
            Err(error) => Err(error),
        }
    }
}

/// The longest answer that a call may have. Pulled messages and the store's are long: a document of 100 messages has up
/// to 16 MiB, and is longer as text in JSON.
fn most(path: &str) -> usize {
    const MIB: usize = 1 << 20;
    if path.ends_with("/pull_msg_by_seq") || path.ends_with("/search_msg") {
        48 * MIB
    } else if path.ends_with(SEND) || path.ends_with(GET_TOKEN) {
        MIB
    } else {
        16 * MIB
    }
}

/// How often a call is made again because of its token: on the next release another login of the same user ends the
/// token within minutes (measured), and several processes that log in whenever theirs was ended can take turns at that.
const ATTEMPTS: u32 = 6;

/// Lets another process use its token for a moment, after the first attempts.
async fn step_back(attempt: u32) {
    const EACH: Duration = Duration::from_millis(100);
    if attempt > 1 {
        tokio::time::sleep(EACH.mul_f64(f64::from(attempt) * fastrand::f64())).await;
    }
}

/// What an answer to any other call means.
pub(super) fn read(path: &'static str, answer: Result<Answer, NoAnswer>) -> Result<Bytes, CallError> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(NoAnswer::Unreachable(why)) => return Err(CallError::Unreachable(why)),
        Err(NoAnswer::Wrong(why) | NoAnswer::NoHttp(why)) => return Err(CallError::WrongAddress(why)),
        Err(NoAnswer::TooLong(why)) => return Err(CallError::NotOpenIm(format!("`{path}`: {why}"))),
        Err(NoAnswer::Cut(why)) => return Err(CallError::Unanswered { path, why }),
        Err(NoAnswer::TimedOut(after)) => {
            return Err(CallError::Unanswered {
                path,
                why: format!("none within {} s", after.as_secs_f32()),
            });
        }
    };
    if answer.status == 429 {
        return Err(CallError::RateLimited(answer.retry_after));
    }
    if answer.status >= 500 {
        return Err(CallError::Unanswered { path, why: format!("HTTP {} from a proxy", answer.status) });
    }
    // So begins every success of both releases; whoever wants what follows reads it once, and not twice.
    if answer.status == 200 && answer.body.starts_with(b"{\"errCode\":0,") {
        return Ok(answer.body);
    }
    let Some(envelope) = Envelope::read(&answer.body) else {
        let missing = answer.status == 404 && path.starts_with("/config/");
        return Err(if missing {
            CallError::NoSuchCall(path)
        } else {
            CallError::NotOpenIm(not_openim(answer.status, &answer.body))
        });
    };
    match envelope.err_code {
        0 => Ok(answer.body),
        429 => Err(CallError::RateLimited(answer.retry_after)),
        code => Err(CallError::Refused { path, code, said: envelope.said() }),
    }
}

pub(super) fn data<A: DeserializeOwned>(path: &'static str, body: &[u8]) -> Result<A, CallError> {
    let envelope = Envelope::read(body).ok_or_else(|| CallError::NotOpenIm(not_openim(200, body)))?;
    let data = envelope.data.map_or("null", serde_json::value::RawValue::get);
    // What the parser says can quote the answer.
    serde_json::from_str(data)
        .map_err(|error| CallError::Unreadable { path, why: super::redact(&error.to_string()) })
}

/// The address without a trailing slash, query or fragment.
pub(super) fn base(api: &str) -> Result<Url, SetupError> {
    let bad = |why: &str| SetupError::Url { url: without_password(api), why: why.to_owned() };
    let mut url = Url::parse(api.trim()).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it begins neither with http:// nor with https://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds a user or a password, which OpenIM does not ask for"));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// What is shown of an address that may hold a password.
fn without_password(api: &str) -> String {
    match (api.find("://"), api.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &api[..scheme + 3], &api[at..]),
        _ => crate::finding::shorten(api),
    }
}

pub(super) fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}{path}"));
    url
}

#[cfg(test)]
mod tests;
