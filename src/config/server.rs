//! Where the server is: flags, environment and `[server]` become the client's settings.

use secrecy::{ExposeSecret, SecretString};

use super::file::ServerSection;
use super::secret::{Credentials, SecretError};
use crate::cli::ServerArgs;
use crate::openim::{Login, Settings};
use crate::secrets::{hide, hide_parts};

/// The admin user that OpenIM is delivered with.
const USUAL_ADMIN: &str = "imAdmin";

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
