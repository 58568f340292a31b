//! The page: one document with its style and its script inside, which asks nobody but us.

use std::io;

/// The document and the policy it is sent with.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) html: String,
    pub(super) policy: String,
}

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");
const CHART: &str = include_str!("page/chart.js");

/// Put together; style and script run because they carry a number that is new each time.
pub(super) fn page() -> io::Result<Page> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let nonce = format!("{:032x}", u128::from_be_bytes(bytes));
    let html = HTML
        .replace("{nonce}", &nonce)
        .replace("{style}", STYLE)
        .replace("{script}", &format!("{CHART}\n{SCRIPT}"));
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    );
    Ok(Page { html, policy })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of an attribute, wherever it stands.
    fn values<'t>(html: &'t str, attribute: &str) -> Vec<&'t str> {
        html.split(&format!(" {attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn it_asks_nobody_else_and_runs_nothing_else() {
        let Page { html, policy } = page().unwrap();
        assert!(policy.starts_with("default-src 'none'"));
        assert!(!html.contains("{nonce}") && !html.contains("{script}") && !html.contains("{style}"));
        for foreign in [
            "https://",
            "//cdn",
            "@import",
            "url(",
            "innerHTML",
            "eval(",
            "document.write",
            " style=\"",
            " onclick",
        ] {
            assert!(!html.contains(foreign), "{foreign}");
        }
        // The one address in it is a name: that of SVG.
        assert_eq!(html.matches("http://").count(), html.matches("http://www.w3.org/2000/svg").count());
        assert_ne!(page().unwrap().policy, policy, "a nonce that repeats is none");
    }

    /// What a reader of screens and a keyboard need; what only a browser knows is looked at with axe, see docs/night.md.
    #[test]
    fn it_can_be_read_and_used_without_eyes_and_without_a_mouse() {
        assert!(
            HTML.contains("<html lang=\"en\">")
                && HTML.contains("<title>")
                && HTML.contains("name=\"viewport\"")
        );
        for landmark in ["<header", "<main", "<footer", "<h1", "class=\"skip\""] {
            assert!(HTML.contains(landmark), "{landmark}");
        }
        let ids = values(HTML, "id");
        for id in &ids {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "id {id} twice");
        }
        // Each field has a label, each reference a target, each table a caption and heads of columns.
        let labelled = values(HTML, "for");
        for field in HTML.split("<input").skip(1) {
            let field = format!(" {}", field.split('>').next().unwrap());
            let id = values(&field, "id").first().copied().unwrap_or_default().to_owned();
            assert!(labelled.contains(&id.as_str()), "{field} has no label");
        }
        for reference in ["for", "aria-labelledby", "aria-describedby"] {
            for id in values(HTML, reference) {
                assert!(ids.contains(&id), "{reference}={id} points nowhere");
            }
        }
        assert_eq!(HTML.matches("<table").count(), HTML.matches("<caption").count());
        assert!(HTML.matches("<th scope=\"col\"").count() >= HTML.matches("<table").count());
        // Only what the keyboard reaches is used: buttons, fields, links, details.
        assert!(!HTML.contains("tabindex=\"1") && !HTML.contains("role=\"button\""));
        assert!(HTML.contains("role=\"status\"") && HTML.contains("aria-live"));
        for query in ["prefers-color-scheme: dark", "max-width", "prefers-reduced-motion", ":focus-visible"] {
            assert!(STYLE.contains(query), "{query}");
        }
    }

    /// Each number of the state that the page shows is one that the state has.
    #[test]
    fn the_script_names_only_what_the_state_has() {
        let state = serde_json::to_value(super::super::state::State::default()).unwrap();
        let mut named = 0;
        for name in format!("{SCRIPT}{CHART}").split("state.").skip(1) {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            named += 1;
            assert!(state.get(&name).is_some(), "state.{name}");
        }
        assert!(named > 20, "{named}");
    }
}
