//! A report as data, and its two forms: text for a terminal, one HTML file to show around.

use std::fmt::Write;

use super::summary::Verdict;

/// What a report says, before it has a form.
#[derive(Debug, Clone)]
pub struct Document {
    /// `Import of import.job`
    pub title: String,
    /// How it ended, in one sentence.
    pub verdict: String,
    /// How good that is.
    pub mood: Verdict,
    /// Name and value, one a line.
    pub facts: Vec<(String, String)>,
    /// Tables, most important first.
    pub tables: Vec<Table>,
}

/// A table of a report.
#[derive(Debug, Clone)]
pub struct Table {
    /// What it lists.
    pub title: String,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Cells, by row.
    pub rows: Vec<Vec<String>>,
}

impl Document {
    /// The facts alone.
    pub fn facts_text(&self) -> String {
        let mut out = String::new();
        let width = self.facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in &self.facts {
            line(&mut out, format_args!("  {name:width$}  {value}"));
        }
        out
    }

    /// For a terminal: aligned columns, the verdict last, where the eye is.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n\n{}", self.title, self.facts_text());
        for table in self.tables.iter().filter(|table| !table.rows.is_empty()) {
            line(&mut out, format_args!("\n{}", table.title));
            let widths: Vec<usize> = (0..table.columns.len())
                .map(|i| {
                    let cells =
                        table.rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count());
                    cells.chain([table.columns[i].chars().count()]).max().unwrap_or(0)
                })
                .collect();
            let header = table.columns.iter().map(|&column| column.to_owned()).collect();
            for row in std::iter::once(&header).chain(&table.rows) {
                let cells: Vec<String> =
                    row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
                line(&mut out, format_args!("  {}", cells.join("  ").trim_end()));
            }
        }
        line(&mut out, format_args!("\n{}", self.verdict));
        out
    }

    /// One file without scripts, fonts or links: it can be mailed.
    pub fn html(&self) -> String {
        let mood = match self.mood {
            Verdict::Good => "good",
            Verdict::Open => "open",
            Verdict::Bad => "bad",
        };
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\n\
             <body><h1>{title}</h1>\n<p class=\"verdict {mood}\">{verdict}</p>\n<dl>\n",
            title = escape(&self.title),
            verdict = escape(&self.verdict),
        );
        for (name, value) in &self.facts {
            line(&mut out, format_args!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)));
        }
        out.push_str("</dl>\n");
        for table in self.tables.iter().filter(|table| !table.rows.is_empty()) {
            line(&mut out, format_args!("<h2>{}</h2>\n<table>", escape(&table.title)));
            html_row(&mut out, "th", table.columns.iter().copied());
            for row in &table.rows {
                html_row(&mut out, "td", row.iter().map(String::as_str));
            }
            out.push_str("</table>\n");
        }
        out.push_str("</body></html>\n");
        out
    }
}

fn html_row<'a>(out: &mut String, tag: &str, cells: impl Iterator<Item = &'a str>) {
    let cells: String = cells.map(|cell| ["<", tag, ">", &escape(cell), "</", tag, ">"].concat()).collect();
    line(out, format_args!("<tr>{cells}</tr>"));
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}\
.verdict{padding:1em;border-left:.4em solid;background:#f6f6f6;font-size:1.15em}.good{border-color:#2a7d2a}\
.open{border-color:#c58a00}.bad{border-color:#b3261e}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1.5em}\
dt{color:#666}dd{margin:0}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .8em .3em 0;\
border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}th{color:#666;font-weight:600}";

/// Names and texts of an export stand in reports: nothing of them may become markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document {
            title: "Import of x.job".into(),
            verdict: "All 2 messages are there.".into(),
            mood: Verdict::Good,
            facts: vec![("messages".into(), "2".into()), ("server".into(), "<script>".into())],
            tables: vec![
                Table {
                    title: "Conversations".into(),
                    columns: vec!["name", "messages"],
                    rows: vec![vec!["sg_a & \"b\"".into(), "2".into()]],
                },
                Table { title: "Empty".into(), columns: vec!["nothing"], rows: vec![] },
            ],
        }
    }

    #[test]
    fn text_is_aligned_and_ends_in_the_verdict() {
        insta::assert_snapshot!(document().text(), @r#"
        Import of x.job

          messages  2
          server    <script>

        Conversations
          name        messages
          sg_a & "b"  2

        All 2 messages are there.
        "#);
    }

    #[test]
    fn html_never_takes_markup_from_the_export() {
        let html = document().html();
        assert!(!html.contains("<script>"));
        assert!(html.contains("sg_a &amp; &quot;b&quot;"));
        assert!(!html.contains("Empty"));
    }
}
