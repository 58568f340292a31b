//! A report as one HTML file: no script, no font, no link, nothing loaded. It can be mailed, printed and read without
//! colours, and what an export calls its people stays text.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::document::{Document, Table};
use super::summary::Verdict;
use crate::secrets::without;
use crate::visible::visible;

impl Document {
    /// The file.
    pub fn html(&self) -> String {
        let (mood, word) = match self.mood {
            Verdict::Good => ("good", "Complete."),
            Verdict::Open => ("open", "Not complete."),
            Verdict::Bad => ("bad", "Something is wrong."),
        };
        // Not even a style that is not ours: the hash of this one stands in the policy.
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
             base-uri 'none'; form-action 'none'\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">\
             <title>{title}</title><style>{STYLE}</style></head>\n<body><main><h1>{title}</h1>\n\
             <p class=\"verdict {mood}\"><strong>{word}</strong> {verdict}</p>\n<dl>\n",
            title = escape(&self.title),
            verdict = escape(&self.verdict),
        );
        for (name, value) in &self.facts {
            line(&mut out, format_args!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)));
        }
        out.push_str("</dl>\n");
        for table in self.tables.iter().filter(|table| !table.is_empty()) {
            section(&mut out, table);
        }
        if self.signed {
            out.push_str(SIGN);
        }
        out.push_str("</main></body></html>\n");
        without(&out).into_owned()
    }
}

fn section(out: &mut String, table: &Table) {
    line(out, format_args!("<section><h2>{}</h2>", escape(&table.title)));
    if !table.text.is_empty() {
        line(out, format_args!("<p>{}</p>", escape(&table.text)));
    }
    if let Some(chart) = &table.chart {
        out.push_str(&chart.html());
    }
    if !table.rows.is_empty() {
        // A table that is wider than a phone is moved within its place, by keys as well.
        let label = escape(&table.title);
        line(
            out,
            format_args!(
                "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{label}\"><table>\n<thead>"
            ),
        );
        out.push_str("<tr>");
        for (at, column) in table.columns.iter().enumerate() {
            let is_number = table.rows.iter().all(|row| row.get(at).is_some_and(|cell| is_number(cell)));
            let class = if is_number { " class=\"n\"" } else { "" };
            write!(out, "<th scope=\"col\"{class}>{}</th>", escape(column))
                .expect("a String takes everything");
        }
        out.push_str("</tr></thead><tbody>\n");
        for cells in &table.rows {
            row(out, cells);
        }
        out.push_str("</tbody></table></div>");
    }
    out.push_str("</section>\n");
}

fn row(out: &mut String, cells: &[String]) {
    out.push_str("<tr>");
    for cell in cells {
        let class = match cell {
            cell if is_number(cell) => " class=\"n\"",
            // A digest has to be broken somewhere; other words are not.
            cell if cell.split_whitespace().any(|word| word.len() > 32) => " class=\"l\"",
            _ => "",
        };
        write!(out, "<td{class}>{}</td>", escape(cell)).expect("a String takes everything");
    }
    out.push_str("</tr>\n");
}

/// Stands on the right.
fn is_number(cell: &str) -> bool {
    cell.starts_with(|c: char| c.is_ascii_digit()) && cell.chars().all(|c| c.is_ascii_digit() || c == ',')
}

/// Names and texts of an export stand in reports: nothing of them may become markup, or turn the line around.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments) {
    writeln!(out, "{text}").expect("a String takes everything");
}

const SIGN: &str = "<section class=\"sign\"><h2>Seen and accepted</h2>\
<p><span>Place and date</span><span>Name</span><span>Signature</span></p></section>\n";

const STYLE: &str = "\
:root{--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--page:#fff;--box:#f6f8fa;--full:#1f6feb;--pale:#b6c4d6;\
--good:#1a7f37;--open:#9a6700;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9aa4af;--line:#3d444d;--page:#0d1117;--box:#161b22;\
--full:#539bf5;--pale:#444f5c;--good:#3fb950;--open:#d29922;--bad:#f47067}}\
*{box-sizing:border-box}\
body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:1.5em 1em;color:var(--text);background:var(--page)}\
main{max-width:60em;margin:auto}h1{font-size:1.5em;margin:0 0 .6em;overflow-wrap:anywhere}\
h2{font-size:1.15em;margin:2em 0 .4em}p{margin:.3em 0 .8em;max-width:46em}section>p{color:var(--soft)}\
.verdict{padding:1em;border-left:.4em solid;background:var(--box);font-size:1.1em;max-width:none}\
.good{border-color:var(--good)}.open{border-color:var(--open)}.bad{border-color:var(--bad)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1.5em;margin:1em 0}\
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.95em}\
th,td{text-align:left;padding:.3em .9em .3em 0;border-bottom:1px solid var(--line);vertical-align:top;\
overflow-wrap:break-word}th{color:var(--soft);font-weight:600}td.l{overflow-wrap:anywhere}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
figure{margin:.5em 0 1em}svg{display:block;width:100%;height:7em;border-bottom:1px solid var(--line)}\
figcaption{color:var(--soft);font-size:.9em}.pale{fill:var(--pale)}.full{fill:var(--full)}\
.sign p{display:flex;gap:2em;margin-top:4em;max-width:none}.sign span{flex:1;border-top:1px solid var(--text);padding-top:.3em}\
@media(max-width:36em){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5em}.sign p{flex-direction:column;gap:3em}}\
@media print{:root{--text:#000;--soft:#444;--line:#bbb;--page:#fff;--box:#fff;--full:#333;--pale:#bbb;--good:#000;\
--open:#000;--bad:#000}body{font-size:10pt;padding:0}main{max-width:none}h2{break-after:avoid}\
tr,figure,.sign,.verdict{break-inside:avoid}.wide{overflow:visible}\
.verdict{border:2px solid #000;border-left-width:.6em}svg{print-color-adjust:exact}}";

#[cfg(test)]
mod tests {
    use super::*;

    fn document(name: &str) -> Document {
        Document {
            title: "Job x.job".into(),
            verdict: format!("All 2 messages of {name} are there."),
            mood: Verdict::Good,
            facts: vec![("server".into(), name.into())],
            tables: vec![
                Table {
                    title: name.into(),
                    text: name.into(),
                    columns: vec!["name", "messages"],
                    rows: vec![vec![name.into(), "1,234".into()]],
                    chart: None,
                },
                Table { title: "Empty".into(), ..Table::default() },
            ],
            signed: true,
        }
    }

    #[test]
    fn what_an_export_calls_its_people_stays_text() {
        let hostile = "<script>alert(1)</script><img src=x onerror='a()'>\"&\u{202e}\n</style><b>";
        let html = document(hostile).html();
        let (plain, said) = (document("x").html(), "&lt;script&gt;alert(1)&lt;/script&gt;");
        for mark in ["<", ">"] {
            assert_eq!(html.matches(mark).count(), plain.matches(mark).count(), "{html}");
        }
        assert!(html.contains(said) && html.contains("\\u{202e}\\n"), "{html}");
        assert!(!html.contains("Empty") && html.contains("<td class=\"n\">1,234</td>"), "{html}");
    }

    #[test]
    fn nothing_is_loaded_and_nothing_runs() {
        let html = document("x").html();
        for loads in ["<script", "<link", "<img", "@import", "url(", "http:", "https:", "style=\""] {
            assert!(!html.contains(loads), "{loads}");
        }
        let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(html.contains(&format!("style-src 'sha256-{hash}'")));
        assert!(html.contains("default-src 'none'"));
    }
}
