//! The chat server beside OpenIM, whose accounts its apps log in with.
//!
//! It has two addresses: one for its admin (as delivered port 10009), where accounts are made, and one for everybody
//! (port 10008), where apps log in and where it is asked who is there. Measured on both releases: docs/accounts.md.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::client::{Settings, base, data, join, read};
use super::error::{CallError, LoginError, SetupError};
use super::objects::digest;
use super::token::{Current, Login};
use super::transport::{Exchange, Transport};
use super::wire::null_is_default;

/// Where it is and who its admin is.
#[derive(Debug, Clone)]
pub struct ChatSettings {
    /// Address for its admin.
    pub admin: String,
    /// Address for everybody; `None`: the port before the admin's.
    pub everybody: Option<String>,
    /// The admin's account.
    pub account: String,
    /// The admin's password, as it is typed.
    pub password: SecretString,
    /// A further certificate authority, PEM.
    pub ca: Option<std::path::PathBuf>,
    /// A proxy for all calls, with its scheme.
    pub proxy: Option<String>,
}

/// The client. Cheap to clone; all clones share connections and token.
#[derive(Debug, Clone)]
pub struct Chat(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Transport,
    admin: Url,
    everybody: Url,
    account: String,
    password: SecretString,
    token: Current,
    operation: String,
    calls: AtomicU64,
}

/// An account to be made. Whoever has neither e-mail nor phone can't have one.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewAccount {
    /// Whose; the IM must know him already, or his default friends and groups leave notices of today.
    #[serde(rename = "userID")]
    pub user: String,
    /// Must not be empty.
    pub nickname: String,
    /// May be empty.
    #[serde(rename = "faceURL")]
    pub face_url: String,
    /// May be empty; upper and lower case differ.
    pub email: String,
    /// With `+`; empty where there is no phone.
    pub area_code: String,
    /// Digits.
    pub phone_number: String,
    /// Letters and digits; upper and lower case differ.
    pub account: String,
    /// Digest of what is typed, see [`password_digest`]; empty: he logs in with codes alone.
    #[serde(serialize_with = "exposed")]
    pub password: SecretString,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").field("user", &self.user).finish_non_exhaustive()
    }
}

fn exposed<S: serde::Serializer>(secret: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.expose_secret())
}

/// An account that is there: what it is said to have, which is not always what one can log in with ([`Chat::knows`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Account {
    /// Whose.
    #[serde(rename = "userID")]
    pub user: String,
    /// May be empty, like everything below.
    #[serde(deserialize_with = "null_is_default")]
    pub account: String,
    /// With `+`.
    #[serde(deserialize_with = "null_is_default")]
    pub area_code: String,
    /// Digits.
    #[serde(deserialize_with = "null_is_default")]
    pub phone_number: String,
    /// As it was written.
    #[serde(deserialize_with = "null_is_default")]
    pub email: String,
}

/// What somebody types to say who he is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Way {
    /// An e-mail.
    Email(String),
    /// Area code with `+`, and number.
    Phone(String, String),
    /// A name of an account.
    Account(String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(email) => write!(f, "e-mail `{email}`"),
            Self::Phone(area, number) => write!(f, "phone `{area} {number}`"),
            Self::Account(account) => write!(f, "account `{account}`"),
        }
    }
}

/// Friends and groups that everybody new gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// userIDs.
    pub friends: Vec<String>,
    /// groupIDs.
    pub groups: Vec<String>,
}

impl Defaults {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.friends.is_empty() && self.groups.is_empty()
    }
}

const LOGIN: &str = "/account/login";
/// The code of a server that sends none, as delivered.
const DELIVERED_CODE: &str = "666666";
/// The address of nobody (RFC 2606), where a call wants one beside an account.
const NOBODY: &str = "nobody@example.invalid";
/// No digest: nobody's password, whatever he types.
const NO_PASSWORD: &str = "-";

/// An answer of a thousand accounts has a tenth of it, bytes.
const MOST: usize = 16 << 20;

/// What the server keeps in place of a password: the digest that apps make of what is typed.
pub fn password_digest(typed: &str) -> SecretString {
    SecretString::from(digest(typed.as_bytes()))
}

impl Chat {
    /// Makes the client; nothing is sent yet.
    pub fn new(settings: &ChatSettings) -> Result<Self, SetupError> {
        // One transport for both addresses: what differs between them is the address.
        Self::over(settings, Transport::new)
    }

    /// The same for a server of this process.
    pub fn within(settings: &ChatSettings, exchange: Arc<dyn Exchange>) -> Result<Self, SetupError> {
        Self::over(settings, |http, _| Ok(Transport::within(http, exchange)))
    }

    fn over(
        settings: &ChatSettings,
        transport: impl FnOnce(&Settings, &Url) -> Result<Transport, SetupError>,
    ) -> Result<Self, SetupError> {
        let admin = base(&settings.admin)?;
        let everybody = match &settings.everybody {
            Some(address) => base(address)?,
            None => port_before(&admin).ok_or_else(|| SetupError::Url {
                url: settings.admin.clone(),
                why: "it names no port, so the one before it is not the chat server's address for apps: \
                      name that one as `chat_api` under [accounts]"
                    .to_owned(),
            })?,
        };
        let nobody = Login::Token { token: SecretString::from(""), admin_user: String::new() };
        let http = Settings {
            ca: settings.ca.clone(),
            proxy: settings.proxy.clone(),
            ..Settings::new(settings.admin.clone(), nobody)
        };
        let secure = if everybody.scheme() == "https" { &everybody } else { &admin };
        Ok(Self(Arc::new(Inner {
            transport: transport(&http, secure)?,
            admin,
            everybody,
            account: settings.account.clone(),
            password: settings.password.clone(),
            token: Current::default(),
            operation: format!("{:08x}c", fastrand::u32(..)),
            calls: AtomicU64::new(0),
        })))
    }

    /// The address for its admin, for messages.
    pub fn admin_address(&self) -> &str {
        self.0.admin.as_str()
    }

    /// The address for everybody, for messages.
    pub fn address(&self) -> &str {
        self.0.everybody.as_str()
    }

    /// Gets a token if there is none yet: says at once whether we are let in.
    pub async fn log_in(&self) -> Result<(), CallError> {
        match self.0.token.get() {
            (_, Some(_)) => Ok(()),
            (number, None) => self.renew(number).await,
        }
    }

    /// Makes one account. 1102 says that the IM knew him already, and is as good as 0: it comes after all was written.
    pub async fn import(&self, account: &NewAccount) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            users: [&'a NewAccount; 1],
        }
        const ALREADY_IN_IM: i32 = 1102;
        match self.as_admin(&self.0.admin, "/user/import/json", &Ask { users: [account] }).await {
            Err(CallError::Refused { code: ALREADY_IN_IM, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Those of these users that are there.
    pub async fn find(&self, users: &[&str]) -> Result<Vec<Account>, CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            #[serde(rename = "userIDs")]
            users: &'a [&'a str],
        }
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let found: Option<Found> = self.asked(&self.0.everybody, "/user/find/full", &Ask { users }).await?;
        Ok(found.unwrap_or_default().users)
    }

    /// A page of everybody who is there, from 1, and how many that are.
    pub async fn everybody(&self, page: u32, size: u32) -> Result<(u64, Vec<Account>), CallError> {
        let ask = serde_json::json!({
            "keyword": "", "pagination": { "pageNumber": page, "showNumber": size },
        });
        let found: Option<Found> = self.asked(&self.0.everybody, "/user/search/full", &ask).await?;
        let found = found.unwrap_or_default();
        Ok((found.total, found.users))
    }

    /// Whether somebody can log in that way: asked with a password that nobody has.
    pub async fn knows(&self, way: &Way) -> Result<bool, CallError> {
        const UNKNOWN: i32 = 20002;
        match self.log_in_as(way, &SecretString::from(NO_PASSWORD)).await {
            Err(CallError::Refused { code: UNKNOWN, .. }) => Ok(false),
            // Wrong password; or a way in that leads to nobody any more, and is taken all the same.
            Ok(_) | Err(CallError::Refused { code: 20001 | 1004, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Logs in as an app does; the userID.
    pub async fn log_in_as(&self, way: &Way, password: &SecretString) -> Result<String, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(rename = "userID")]
            user: String,
        }
        // 5 is the web. Beside an account an e-mail must stand, anybody's.
        let mut ask = serde_json::json!({ "platform": 5, "password": password.expose_secret() });
        match way {
            Way::Email(email) => ask["email"] = email.as_str().into(),
            Way::Phone(area, number) => {
                ask["areaCode"] = area.as_str().into();
                ask["phoneNumber"] = number.as_str().into();
            }
            Way::Account(account) => {
                ask["account"] = account.as_str().into();
                ask["email"] = NOBODY.into();
            }
        }
        let body = self.as_nobody(&self.0.everybody, LOGIN, &ask).await?;
        let got: Option<Got> = data(LOGIN, &body)?;
        Ok(got.unwrap_or_default().user)
    }

    /// Whether the code that it is delivered with opens every account. Asked about a phone that nobody has; no code is
    /// sent, and nobody's is used up.
    pub async fn takes_delivered_code(&self) -> Result<bool, CallError> {
        let ask = serde_json::json!({ "areaCode": "+0", "phoneNumber": "0", "verifyCode": DELIVERED_CODE });
        match self.as_nobody(&self.0.everybody, "/account/code/verify", &ask).await {
            Ok(_) => Ok(true),
            Err(CallError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whom everybody new is made a friend of, and which groups he joins.
    pub async fn defaults(&self) -> Result<Defaults, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(rename = "userIDs", deserialize_with = "null_is_default")]
            users: Vec<String>,
            #[serde(rename = "groupIDs", deserialize_with = "null_is_default")]
            groups: Vec<String>,
        }
        let nothing = serde_json::json!({});
        let friends: Option<Got> = self.asked(&self.0.admin, "/default/user/find", &nothing).await?;
        let groups: Option<Got> = self.asked(&self.0.admin, "/default/group/find", &nothing).await?;
        Ok(Defaults { friends: friends.unwrap_or_default().users, groups: groups.unwrap_or_default().groups })
    }

    async fn asked<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        address: &Url,
        path: &'static str,
        request: &Q,
    ) -> Result<A, CallError> {
        data(path, &self.as_admin(address, path, request).await?)
    }

    /// A call with the admin's token; a refused one is renewed once.
    async fn as_admin<Q: Serialize + Sync>(
        &self,
        address: &Url,
        path: &'static str,
        request: &Q,
    ) -> Result<Bytes, CallError> {
        let body = bytes(path, request)?;
        for attempt in 0.. {
            let (number, token) = self.0.token.get();
            if token.is_some() {
                let answer = self.post(address, path, token, body.clone()).await;
                let refused = matches!(answer, Err(CallError::Refused { code: 1501..=1507 | 20101, .. }));
                if !refused {
                    return answer;
                }
                if attempt > 0 {
                    return Err(LoginError::FreshToken.into());
                }
            }
            self.renew(number).await?;
        }
        unreachable!("the loop ends by returning")
    }

    async fn as_nobody<Q: Serialize + Sync>(
        &self,
        address: &Url,
        path: &'static str,
        request: &Q,
    ) -> Result<Bytes, CallError> {
        self.post(address, path, None, bytes(path, request)?).await
    }

    async fn renew(&self, number: u64) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Ask<'a> {
            account: &'a str,
            password: &'a str,
            // main refuses whoever names none, and takes any.
            version: &'a str,
        }
        #[derive(Deserialize)]
        struct Got {
            #[serde(rename = "adminToken")]
            token: SecretString,
        }
        let _only_one = self.0.token.renewing.lock().await;
        if self.0.token.number() != number {
            return Ok(());
        }
        let password = password_digest(self.0.password.expose_secret());
        let ask = Ask {
            account: &self.0.account,
            password: password.expose_secret(),
            version: env!("CARGO_PKG_VERSION"),
        };
        let account = self.0.account.clone();
        let address = self.0.admin.to_string();
        let body = match self.post(&self.0.admin, LOGIN, None, bytes(LOGIN, &ask)?).await {
            Err(CallError::Refused { code: 20001, .. }) => {
                return Err(LoginError::ChatPassword { account }.into());
            }
            Err(CallError::Refused { code: 20002, .. }) => {
                return Err(LoginError::ChatAccount { account }.into());
            }
            // So says the address for everybody, which asks for a platform.
            Err(CallError::Refused { code: 1001, said, .. }) if said.contains("platform") => {
                return Err(LoginError::NotForAdmins { address }.into());
            }
            // So says OpenIM itself, where this call is none.
            Err(CallError::Refused { code: 1001, said, .. }) if said.contains("must have token") => {
                return Err(
                    LoginError::NoChat { address, what: "OpenIM itself answers there".to_owned() }.into()
                );
            }
            Err(CallError::Refused { code, said, .. }) => {
                return Err(LoginError::Other { user: account, code, said }.into());
            }
            Err(CallError::NotOpenIm(what)) => return Err(LoginError::NoChat { address, what }.into()),
            other => other?,
        };
        let got: Option<Got> = data(LOGIN, &body)?;
        let Some(got) = got else {
            return Err(LoginError::NoChat { address, what: "a login without a token".to_owned() }.into());
        };
        self.0.token.set_secret(&got.token)?;
        tracing::info!("logged in at the chat server as `{account}`");
        Ok(())
    }

    async fn post(
        &self,
        address: &Url,
        path: &'static str,
        token: Option<reqwest::header::HeaderValue>,
        body: Bytes,
    ) -> Result<Bytes, CallError> {
        let operation = format!("{}{:x}", self.0.operation, self.0.calls.fetch_add(1, Ordering::Relaxed));
        let answer = self.0.transport.post(&join(address, path), &operation, token, body, MOST).await;
        match &answer {
            Ok(answer) => tracing::trace!(operation, path, status = answer.status, "answered"),
            Err(error) => tracing::debug!(operation, path, ?error, "no answer"),
        }
        // What it can't read it answers with a stack trace.
        read(path, answer).map_err(|error| match error {
            CallError::Refused { path, code, said } => {
                let said = said.split(" | -> ").next().unwrap_or_default().to_owned();
                CallError::Refused { path, code, said }
            }
            other => other,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    #[serde(deserialize_with = "null_is_default")]
    total: u64,
    #[serde(deserialize_with = "null_is_default")]
    users: Vec<Account>,
}

fn bytes<Q: Serialize>(path: &'static str, request: &Q) -> Result<Bytes, CallError> {
    serde_json::to_vec(request)
        .map(Bytes::from)
        .map_err(|error| CallError::Unreadable { path, why: error.to_string() })
}

/// The same address one port lower, where it names a port and nothing behind it.
fn port_before(admin: &Url) -> Option<Url> {
    let port = admin.port().filter(|_| matches!(admin.path(), "" | "/"))?;
    let mut everybody = admin.clone();
    everybody.set_port(Some(port.checked_sub(1)?)).ok()?;
    Some(everybody)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_for_everybody_is_one_port_lower() {
        let lower = |url: &str| port_before(&Url::parse(url).unwrap()).map(String::from);
        assert_eq!(lower("http://im.example.com:10009"), Some("http://im.example.com:10008/".into()));
        assert_eq!(lower("https://im.example.com/chat-admin"), None);
        assert_eq!(lower("http://im.example.com:10009/admin"), None);
    }

    #[test]
    fn a_digest_is_what_apps_send_and_is_not_shown() {
        let digest = password_digest("chatAdmin");
        assert_eq!(digest.expose_secret(), "625031fc4e4f2de6b187e6bfa3697784");
        let account = NewAccount {
            user: "ann".into(),
            nickname: "Ann".into(),
            face_url: String::new(),
            email: "ann@e.example".into(),
            area_code: String::new(),
            phone_number: String::new(),
            account: "ann".into(),
            password: digest,
        };
        assert!(!format!("{account:?}").contains("6250"));
        assert!(serde_json::to_string(&account).unwrap().contains("\"password\":\"6250"));
    }
}
