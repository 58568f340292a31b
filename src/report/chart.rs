//! Columns as inline SVG: no script, no font, nothing that is loaded. The words stand beside it, as text.

use std::fmt::Write;

use super::html::escape;
use super::numbers::count;

/// Columns over something that has an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chart {
    /// What the height of a column is: `messages`.
    pub unit: &'static str,
    /// From left to right.
    pub columns: Vec<Column>,
}

/// A column: a part of it is drawn full, the rest pale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Where it stands: a day, a time.
    pub name: String,
    /// Its height.
    pub whole: u64,
    /// How much of it is full.
    pub full: u64,
}

/// Height and width of a column in units of the picture, which is stretched to its place.
const HEIGHT: u64 = 100;
const WIDTH: usize = 10;

impl Chart {
    /// The picture with its caption; nothing where there is nothing to compare.
    pub(super) fn html(&self) -> String {
        let Some((caption, most)) = self.caption().zip(self.highest()) else { return String::new() };
        let mut out = format!(
            "<figure><svg viewBox=\"0 0 {} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
            self.columns.len() * WIDTH,
            escape(&caption),
        );
        for (at, column) in self.columns.iter().enumerate() {
            let x = at * WIDTH + 1;
            for (class, value) in [("pale", column.whole), ("full", column.full.min(column.whole))] {
                let height = scaled(value, most.whole);
                if height > 0 {
                    let (y, width) = (HEIGHT - height, WIDTH - 2);
                    let rect = format_args!(
                        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
                    );
                    write!(out, "{rect}").expect("a String takes everything");
                }
            }
        }
        let caption = escape(&caption);
        write!(out, "</svg><figcaption>{caption}</figcaption></figure>").expect("a String takes everything");
        out
    }

    /// The same in a sentence.
    fn caption(&self) -> Option<String> {
        let [first, .., last] = self.columns.as_slice() else { return None };
        let most = self.highest()?;
        let (unit, name) = (self.unit, &most.name);
        Some(format!("{} to {}; most: {} {unit} ({name})", first.name, last.name, count(most.whole)))
    }

    fn highest(&self) -> Option<&Column> {
        self.columns.iter().max_by_key(|column| column.whole).filter(|most| most.whole > 0)
    }
}

/// What is there is seen, be it ever so small.
fn scaled(value: u64, most: u64) -> u64 {
    let height = u128::from(value) * u128::from(HEIGHT) / u128::from(most.max(1));
    u64::try_from(height).unwrap_or(HEIGHT).max(u64::from(value > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, whole: u64, full: u64) -> Column {
        Column { name: name.into(), whole, full }
    }

    #[test]
    fn columns_are_as_high_as_they_should_be_and_said_in_words() {
        let chart = Chart {
            unit: "messages",
            columns: vec![column("2024-01", 400, 400), column("2024-02", 200, 100), column("<b>", 1, 0)],
        };
        let html = chart.html();
        assert!(html.contains("2024-01 to &lt;b&gt;; most: 400 messages (2024-01)"), "{html}");
        for part in [
            r#"class="full" x="1" y="0" width="8" height="100""#,
            r#"class="pale" x="11" y="50" width="8" height="50""#,
            r#"class="full" x="11" y="75" width="8" height="25""#,
            r#"class="pale" x="21" y="99" width="8" height="1""#,
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!html.contains("<b>"));
    }

    #[test]
    fn one_column_or_none_is_no_picture() {
        for columns in [vec![], vec![column("a", 1, 1)], vec![column("a", 0, 0), column("b", 0, 0)]] {
            assert_eq!(Chart { unit: "messages", columns }.html(), "");
        }
    }
}
