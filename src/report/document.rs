//! A report before it has a form, and its text for a terminal; `html` has the other form.

use std::fmt::Write;

use super::chart::Chart;
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
    /// Whether there is a place to sign.
    pub signed: bool,
}

/// A table of a report. Without rows and without text it is not shown.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What it lists.
    pub title: String,
    /// What its figures mean, in a sentence or two; may be empty.
    pub text: String,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Cells, by row.
    pub rows: Vec<Vec<String>>,
    /// The same as a picture.
    pub chart: Option<Chart>,
}

impl Table {
    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.text.is_empty()
    }
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
        for table in self.tables.iter().filter(|table| !table.is_empty()) {
            line(&mut out, format_args!("\n{}", table.title));
            if !table.text.is_empty() {
                line(&mut out, format_args!("  {}", table.text));
            }
            if table.rows.is_empty() {
                continue;
            }
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
                    ..Table::default()
                },
                Table { title: "Empty".into(), columns: vec!["nothing"], ..Table::default() },
                Table { title: "Refused".into(), text: "Nothing was refused.".into(), ..Table::default() },
            ],
            signed: false,
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

        Refused
          Nothing was refused.

        All 2 messages are there.
        "#);
    }
}
