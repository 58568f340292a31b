//! Where the server is: flags, environment and `[server]` become the client's settings.

use secrecy::{ExposeSecret, SecretString};

use super::file::{AccountsSection, ServerSection};
use super::secret::{Credentials, SecretError, chat_password, first_line};
use crate::config::ServerArgs;
use crate::openim::{ChatSettings, Login, Settings};
use crate::secrets::{hide, hide_parts};

/// The admin user that OpenIM is delivered with.
pub const USUAL_ADMIN: &str = "imAdmin";
/// The admin that the chat server is delivered with.
const USUAL_CHAT_ADMIN: &str = "chatAdmin";

/// Why there is no server to talk to.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No address.
    #[error(
        "no server: name its API with --api URL, OPENIM_API or `api` under [server]; \
         or try everything without one: `run --rehearse`"
    )]
    NoAddress,
    /// No credentials.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No password for the chat server's admin.
    #[error(
        "no password for the chat server's admin: set OPENIM_CHAT_PASSWORD, or `password_file` under [accounts]"
    )]
    NoPassword,
    /// The file with that password.
    #[error("password_file under [accounts]: {0}")]
    Password(SecretError),
}

/// What the client needs. Flags and environment win over the file.
pub fn server(args: &ServerArgs, file: &ServerSection) -> Result<Settings, ServerError> {
    let api = args.api.clone().or_else(|| file.api.clone()).ok_or(ServerError::NoAddress)?;
    let admin_user = args.admin_user.clone().or_else(|| file.admin_user.clone());
    // Before anything can be said about them.
    hide_parts(&api);
    let login = login(Credentials::find(file.secret_file.as_deref())?, admin_user);
    let proxy = file.proxy.clone().or_else(|| proxy(&api));
    proxy.as_deref().inspect(|proxy| hide_parts(proxy));
    Ok(Settings { ca: args.ca.clone().or_else(|| file.ca.clone()), proxy, ..Settings::new(api, login) })
}

/// Where the chat server is, as it was typed.
#[derive(Debug, Clone, Default)]
pub struct AccountsAddress {
    /// Its admin address.
    pub api: Option<String>,
    /// Its address for apps.
    pub chat_api: Option<String>,
}

/// What the client of the chat server needs; `None`: no address is named.
pub fn accounts(
    typed: &AccountsAddress,
    file: &AccountsSection,
    server: &ServerSection,
    ca: Option<&std::path::PathBuf>,
) -> Result<Option<ChatSettings>, ServerError> {
    let Some(api) = typed.api.clone().or_else(|| file.api.clone()) else { return Ok(None) };
    let password = match (chat_password(), &file.password_file) {
        (Some(password), _) => password,
        (None, Some(path)) => first_line(path).map_err(ServerError::Password)?,
        (None, None) => return Err(ServerError::NoPassword),
    };
    let account = file.account.clone().unwrap_or_else(|| USUAL_CHAT_ADMIN.to_owned());
    // As it is delivered, the password is the account's name, which messages have to say.
    if password.expose_secret() != account {
        hide(password.expose_secret());
    }
    let everybody = typed.chat_api.clone().or_else(|| file.chat_api.clone());
    let proxy = server.proxy.clone().or_else(|| proxy(&api));
    [Some(&api), everybody.as_ref(), proxy.as_ref()]
        .into_iter()
        .flatten()
        .for_each(|address| hide_parts(address));
    let ca = ca.cloned().or_else(|| server.ca.clone());
    Ok(Some(ChatSettings { everybody, account, password, ca, proxy, admin: api }))
}

/// How to log in to a rehearsal server of our own making.
pub fn rehearsal(url: String, secret: &str) -> Settings {
    Settings::new(url, login(Credentials::Secret(SecretString::from(secret)), None))
}

/// What a client needs that only fetches: no address, and nobody to log in.
pub fn without_server() -> Settings {
    Settings::new("", login(Credentials::Token(SecretString::from("")), None))
}

fn login(credentials: Credentials, admin_user: Option<String>) -> Login {
    let admin_user = admin_user.unwrap_or_else(|| USUAL_ADMIN.to_owned());
    let (Credentials::Secret(known) | Credentials::Token(known)) = &credentials;
    hide(known.expose_secret());
    match credentials {
        Credentials::Secret(secret) => Login::Secret { secret, admin_user },
        Credentials::Token(token) => Login::Token { token, admin_user },
    }
}

/// The proxy that the environment names for this address, as other programs take it.
fn proxy(api: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
    let variable = |name: &str| {
        [name.to_lowercase(), name.to_uppercase()]
            .iter()
            .find_map(|name| std::env::var(name).ok())
            .filter(|value| !value.is_empty())
    };
    let rest = api.split_once("://").map_or(api, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    if goes_direct(host, &variable("no_proxy").unwrap_or_default()) {
        return None;
    }
    variable(if api.starts_with("https:") { "https_proxy" } else { "http_proxy" })
        .or_else(|| variable("all_proxy"))
}

/// This machine, and what `NO_PROXY` lists: names, domains, `*`.
fn goes_direct(host: &str, no_proxy: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[")
        || no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
            let domain = entry.trim_start_matches("*.").trim_start_matches('.');
            entry == "*" || host == domain || host.ends_with(&format!(".{domain}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_both_ways_out_are_named() {
        let error = server(&ServerArgs::default(), &ServerSection::default()).unwrap_err().to_string();
        assert!(error.contains("--api") && error.contains("--rehearse"), "{error}");
    }

    #[test]
    fn no_proxy_is_heeded() {
        assert!(goes_direct("im.example.com", "other.org, example.com"));
        assert!(goes_direct("im.example.com", "*.example.com"));
        assert!(goes_direct("localhost", ""));
        assert!(!goes_direct("badexample.com", "example.com"));
        assert!(!goes_direct("im.example.com", ""));
    }
}
