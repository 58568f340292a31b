//! Who gets in, and where to. Pure.
//!
//! Whoever knows the token may do what the verbs allow, so nobody else learns even that somebody is here: every refusal is
//! the same empty 404. A page of another origin that makes a browser call us has no token; should it have guessed one, its
//! origin betrays it, and a name that was rebound to this machine (DNS rebinding) is not the name of this machine.

/// What a request says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head<'a> {
    /// `GET`, `POST`.
    pub(super) method: &'a str,
    /// The path, without what stands behind `?`.
    pub(super) path: &'a str,
    /// `Host`.
    pub(super) host: Option<&'a str>,
    /// `Origin`: which page made the browser ask.
    pub(super) origin: Option<&'a str>,
    /// `Sec-Fetch-Site`: whether that page is one of ours.
    pub(super) site: Option<&'a str>,
    /// `Authorization`.
    pub(super) authorization: Option<&'a str>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// The page.
    Page,
    /// The state as JSON.
    State,
    /// The state again and again.
    Events,
    /// The numbers for Prometheus.
    Metrics,
    /// A verb.
    Say,
}

/// Lets a request in that names the token, as the first part of its path or as `Authorization: Bearer`.
pub(super) fn admit(head: &Head<'_>, token: &str) -> Option<Route> {
    let host = head.host.filter(|host| is_this_machine(host))?;
    if head.origin.is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
        return None;
    }
    if head.site.is_some_and(|site| site != "same-origin" && site != "none") {
        return None;
    }
    let bearer = head.authorization.and_then(|value| value.strip_prefix("Bearer "));
    let path = match bearer {
        Some(bearer) if is_same(bearer, token) => head.path.strip_prefix('/')?,
        Some(_) => return None,
        None => {
            let (first, rest) = head.path.strip_prefix('/')?.split_once('/')?;
            if !is_same(first, token) {
                return None;
            }
            rest
        }
    };
    match (head.method, path) {
        ("GET", "") => Some(Route::Page),
        ("GET", "state") => Some(Route::State),
        ("GET", "events") => Some(Route::Events),
        ("GET", "metrics") => Some(Route::Metrics),
        ("POST", "say") => Some(Route::Say),
        _ => None,
    }
}

/// A name that is nobody else's, with any port: what goes through a tunnel has another one.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

/// In a time that says nothing of where they differ.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn head<'a>(method: &'a str, path: &'a str) -> Head<'a> {
        Head { method, path, host: Some("127.0.0.1:7071"), ..Head::default() }
    }

    #[test]
    fn the_token_opens_and_nothing_else_does() {
        let open = |method, path| admit(&head(method, path), TOKEN);
        assert_eq!(open("GET", "/0123456789abcdef/"), Some(Route::Page));
        assert_eq!(open("GET", "/0123456789abcdef/events"), Some(Route::Events));
        assert_eq!(open("POST", "/0123456789abcdef/say"), Some(Route::Say));
        for path in [
            "/",
            "",
            "/state",
            "/metrics",
            "/say",
            "//state",
            "/0123456789abcdeF/state",
            "/0123456789abcde/state",
            "/0123456789abcdef",
            "/0123456789abcdef/../state",
            "/0123456789abcdef/nothing",
        ] {
            assert_eq!(open("GET", path), None, "{path}");
        }
        assert_eq!(open("GET", "/0123456789abcdef/say"), None, "what changes something is a POST");
        let bearer = |token: &str| {
            let value = format!("Bearer {token}");
            admit(&Head { authorization: Some(&value), ..head("GET", "/metrics") }, TOKEN)
        };
        assert_eq!(bearer(TOKEN), Some(Route::Metrics));
        assert_eq!(bearer("0123456789abcdeg"), None);
        assert_eq!(bearer(""), None);
        assert_eq!(admit(&head("GET", "//state"), ""), Some(Route::State), "so the token is never empty");
    }

    #[test]
    fn another_origin_and_a_rebound_name_get_nothing() {
        let with = |host, origin, site| {
            let head = Head { host, origin, site, ..head("POST", "/0123456789abcdef/say") };
            admit(&head, TOKEN).is_some()
        };
        let here = Some("127.0.0.1:7071");
        assert!(with(here, None, None));
        assert!(with(here, Some("http://127.0.0.1:7071"), Some("same-origin")));
        assert!(with(Some("localhost:8080"), Some("http://localhost:8080"), None), "through a tunnel");
        assert!(with(Some("[::1]:7071"), None, Some("none")));
        for (host, origin, site) in [
            (here, Some("https://evil.example"), None),
            (here, Some("http://127.0.0.1:9999"), None),
            (here, Some("null"), None),
            (here, None, Some("cross-site")),
            (here, None, Some("same-site")),
            (Some("evil.example"), None, None),
            (Some("evil.example:7071"), Some("http://evil.example:7071"), Some("same-origin")),
            (Some("127.0.0.1.evil.example:7071"), None, None),
            (Some("localhost.evil.example"), None, None),
            (None, None, None),
        ] {
            assert!(!with(host, origin, site), "{host:?} {origin:?} {site:?}");
        }
    }
}
