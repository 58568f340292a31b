//! What a choice would make: a few messages as they would be read under it.

use super::roles::Roles;
use super::{relate::writers, short};
use crate::finding::shorten;
use crate::mapping::{Key, TimeFormat, html};
use crate::mask::mask;
use crate::message::SendTime;
use crate::rule::{Of, Rule};
use crate::survey::in_words;
use crate::table::Table;

/// Under each choice so many.
const MESSAGES: usize = 3;

/// Messages as they would be with that rule: of the largest conversation, where it parts them; fewer where there are not so
/// many. Fit to be shown.
pub(super) fn messages(table: &Table, roles: &Roles, key: Key, rule: &Rule) -> Vec<String> {
    let column = |name: &str| table.columns.iter().position(|column| column.name == name);
    let series = |at: Option<usize>| at.map(|at| table.series(at)).unwrap_or_default();
    let of = |name: &str| series(column(name));
    let (who, words) = (series(roles.sender), series(roles.text));
    let at = |series: &[&str], row: usize| fit(series.get(row).copied().unwrap_or_default());
    match (key, rule) {
        (Key::GroupId | Key::RecvId | Key::SendId, Rule::Value(from)) => {
            let values = match from {
                Of::Column(name) => of(name),
                Of::Inherited(name) => table.series_around(name),
            };
            let made = writers(&values, &who);
            let largest = made.iter().max_by_key(|(name, (count, _))| (*count, std::cmp::Reverse(**name)));
            let Some((largest, _)) = largest else { return Vec::new() };
            let rows = (0..values.len()).filter(|row| values[*row] == *largest);
            let said = rows.filter(|row| !at(&words, *row).is_empty());
            let shown = |row| match key {
                Key::GroupId => format!("in `{}`, {}: {}", fit(largest), at(&who, row), at(&words, row)),
                Key::RecvId => format!("{} to {}: {}", at(&who, row), fit(largest), at(&words, row)),
                _ => format!("{}: {}", fit(largest), at(&words, row)),
            };
            said.map(shown).take(MESSAGES).collect()
        }
        (_, Rule::Html(name, as_words)) => {
            let texts = of(name);
            let marked = texts.iter().filter(|text| html::is_html(text));
            let read = |text: &&str| {
                if *as_words { html::text_of(text) } else { None }.unwrap_or_else(|| (*text).to_owned())
            };
            marked.map(|text| fit(&read(text))).take(MESSAGES).collect()
        }
        (Key::SendTime, Rule::Time(name, how)) => {
            let Ok(format) = TimeFormat::new(how, Some("UTC")) else { return Vec::new() };
            let times = of(name);
            let read =
                times.iter().enumerate().filter(|(_, time)| !time.is_empty()).filter_map(|(row, time)| {
                    let millis = format.read(time).ok()?.millis;
                    // Without its zone, which the value may not say.
                    let time = in_words(SendTime(millis));
                    Some(format!("{}, {}: {}", time.trim_end_matches(" UTC"), at(&who, row), at(&words, row)))
                });
            read.take(MESSAGES).collect()
        }
        (_, Rule::Value(Of::Column(name))) => {
            of(name).into_iter().filter(|value| !value.is_empty()).map(fit).take(MESSAGES).collect()
        }
        _ => Vec::new(),
    }
}

/// On one line, short, and without secrets.
fn fit(text: &str) -> String {
    short(&shorten(&mask(text)))
}

#[cfg(test)]
mod tests {
    use crate::guess::{Answers, guess};
    use crate::records::tests::table;

    #[test]
    fn under_each_choice_stand_messages_as_they_would_be_read() {
        let rows = "who,queue,case,at,words\n\
            ann,q1,k1,01/02/2024 10:00,<p>one&nbsp;<b>two</b></p>\n\
            bo,q1,k2,01/02/2024 10:01,<p>see https://x/a?token=hush</p>\n\
            ann,q2,k1,02/02/2024 10:02,<i>three</i>\n\
            bo,q2,k2,02/02/2024 10:03,<i>four</i>\n\
            ann,q1,k1,02/03/2024 10:04,<i>five</i>\n";
        let guess = guess(&table("x.csv", rows), &Answers::default());
        let shown: Vec<String> = guess
            .open
            .iter()
            .flat_map(|open| open.choices.iter().zip(&open.shown))
            .flat_map(|(rule, shown)| shown.iter().map(move |shown| format!("{rule} > {shown}")))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        { inherited = "@stem" } > in `x`, ann: <p>one&nbsp;<b>two</b></p>
        { inherited = "@stem" } > in `x`, bo: <p>see https://x/a?…</p>
        { inherited = "@stem" } > in `x`, ann: <i>three</i>
        { column = "at", time = "%d/%m/%Y %H:%M" } > 2024-02-01 10:00:00, ann: <p>one&nbsp;<b>two</b></p>
        { column = "at", time = "%d/%m/%Y %H:%M" } > 2024-02-01 10:01:00, bo: <p>see https://x/a?…</p>
        { column = "at", time = "%d/%m/%Y %H:%M" } > 2024-02-02 10:02:00, ann: <i>three</i>
        { column = "at", time = "%m/%d/%Y %H:%M" } > 2024-01-02 10:00:00, ann: <p>one&nbsp;<b>two</b></p>
        { column = "at", time = "%m/%d/%Y %H:%M" } > 2024-01-02 10:01:00, bo: <p>see https://x/a?…</p>
        { column = "at", time = "%m/%d/%Y %H:%M" } > 2024-02-02 10:02:00, ann: <i>three</i>
        { column = "words", html = true } > one two
        { column = "words", html = true } > see https://x/a?…
        { column = "words", html = true } > three
        { column = "words", html = false } > <p>one&nbsp;<b>two</b></p>
        { column = "words", html = false } > <p>see https://x/a?…</p>
        { column = "words", html = false } > <i>three</i>
        "#);
    }
}
