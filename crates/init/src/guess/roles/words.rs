//! When, and which words.

use super::{Doubt, LEAST, can_be};
use crate::mapping::{Key, TimeFormat};
use crate::names::{Role, fits, is_best, is_of_other};
use crate::table::Table;
use crate::times::Written;
use crate::values::Column;

use crate::guess::relate::{determines, repeats, same};

/// How near the fit of another name must be to be a doubt.
const NEAR: u32 = 12;

/// The column of the times of messages: in every record, and not the same for all of a chat.
pub(super) fn time(table: &Table, doubts: &mut Vec<Doubt>, by_values: &mut Vec<usize>) -> Option<usize> {
    let columns = &table.columns;
    let moments: Vec<usize> = (0..columns.len())
        .filter(|c| {
            let column = &columns[*c];
            can_be(column, Role::Time, table.records)
                && column.filled * 100 >= table.records * 99
                && !column.is_constant()
                && !is_of_chat(table, *c)
        })
        .collect();
    let mut named: Vec<(u32, usize)> = moments
        .iter()
        .filter(|c| !is_of_other(&columns[**c].name) && is_best(&columns[**c].name, Role::Time))
        .map(|c| (fits(&columns[*c].name, Role::Time), *c))
        .filter(|(fit, _)| *fit >= LEAST)
        .map(|(fit, c)| (fit + u32::from(is_sent(&columns[c].name)) * NEAR, c))
        .collect();
    named.sort_by_key(|(fit, c)| (std::cmp::Reverse(*fit), *c));
    if let Some((fit, first)) = named.first().copied() {
        let shown = table.series(first);
        let near: Vec<usize> = named
            .iter()
            .filter(|(other, c)| *other + NEAR > fit && *c != first && !is_same_time(table, first, *c))
            .map(|(_, c)| *c)
            .collect();
        if !near.is_empty() {
            let choices = std::iter::once(first).chain(near).collect();
            let note = "several columns could be the time of a message, and they differ".to_owned();
            doubts.push(Doubt { key: Key::SendTime, note, choices });
            return None;
        }
        // Of two that say the same, the one that says its zone, or needs none.
        let zoned = |c: usize| match columns[c].times.written() {
            Some(Written::In(_)) => true,
            Some(
                Written::Rfc3339 { zoned }
                | Written::Pattern { zoned, .. }
                | Written::DayOrMonthFirst { zoned, .. },
            ) => zoned,
            None => false,
        };
        let equal = |c: &usize| same(&shown, &table.series(*c));
        let best = named.iter().map(|(_, c)| *c).filter(equal).find(|c| zoned(*c)).unwrap_or(first);
        return Some(best);
    }
    let unnamed: Vec<usize> = moments
        .iter()
        .copied()
        .filter(|c| !is_of_other(&columns[*c].name) && fits(&columns[*c].name, Role::Id) < LEAST)
        .collect();
    if let [only] = unnamed[..] {
        by_values.push(only);
        return Some(only);
    }
    if !moments.is_empty() {
        let note = "no column of times says that it is the time of a message".to_owned();
        doubts.push(Doubt { key: Key::SendTime, note, choices: moments });
    }
    None
}

/// Whether two columns say the same moments, as far as a zone does not part them.
fn is_same_time(table: &Table, one: usize, other: usize) -> bool {
    let read = |at: usize| {
        let format = TimeFormat::new(&table.columns[at].times.written()?.how(), Some("UTC")).ok()?;
        Some(move |time: &str| format.read(time).ok().map(|time| time.millis))
    };
    let (Some(first), Some(second)) = (read(one), read(other)) else {
        return same(&table.series(one), &table.series(other));
    };
    let mut apart = table.pairs(one, other).filter_map(|(a, b)| Some(second(b)? - first(a)?));
    let Some(zone) = apart.next() else { return true };
    let near = |apart: i64| apart.abs() < 1000;
    let quarters = (zone + 500).div_euclid(900_000) * 900_000;
    near(zone - quarters) && apart.all(|apart| near(apart - zone))
}

/// Whether its name speaks of sending, or it is the export's only word for time.
fn is_sent(name: &str) -> bool {
    let name = name.to_lowercase();
    ["sen", "post", "发送", "發送", "傳送", "送信", "enviad", "envoy", "gesend", "отправ", "보낸"]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether it is the same for all that was written in a chat, a file or by a writer.
fn is_of_chat(table: &Table, at: usize) -> bool {
    let times = table.series(at);
    if repeats(&times) < 2 || times.len() < 4 {
        return false;
    }
    let parts = |c: usize| {
        let name = &table.columns[c].name;
        let named = [Role::Group, Role::Conversation, Role::Sender, Role::Topic];
        named.iter().any(|role| fits(name, *role) >= LEAST)
    };
    let follows = |other: &[&str]| repeats(other) >= 2 && determines(other, &times);
    (0..table.columns.len()).any(|c| c != at && parts(c) && follows(&table.series(c)))
        || table.inherited.iter().any(|column| follows(&table.series_around(&column.name)))
}

/// The column of the words: the longest free text that calls itself so.
pub(super) fn text(
    table: &Table,
    time: Option<usize>,
    doubts: &mut Vec<Doubt>,
    by_values: &mut Vec<usize>,
) -> Option<usize> {
    let columns = &table.columns;
    let free = |c: &usize| {
        let column = &columns[*c];
        Some(*c) != time
            && can_be(column, Role::Text, table.records)
            && !column.is_constant()
            && !column.is_flags()
            && !is_of_other(&column.name)
    };
    let fit = |column: &Column| {
        let fit = fits(&column.name, Role::Text);
        let words = column.is_worded() && !column.is_json();
        // What has no words at all is a text only where it is called just that.
        let can = words || (fit >= 90 && !is_status(column));
        (fit >= LEAST && can && is_best(&column.name, Role::Text)).then(|| fit + u32::from(words) * 20)
    };
    let mut named: Vec<(u32, usize)> =
        (0..columns.len()).filter(free).filter_map(|c| Some((fit(&columns[c])?, c))).collect();
    named.sort_by_key(|(fit, c)| (std::cmp::Reverse(*fit), *c));
    if let Some((fit, first)) = named.first().copied() {
        let mut near: Vec<usize> =
            named.iter().filter(|(other, _)| *other + 45 > fit).map(|(_, c)| *c).collect();
        // The beginning of a text is not the text, and most words are more than some.
        let all = near.clone();
        near.retain(|c| !all.iter().any(|other| other != c && begins(table, *c, *other)));
        let most = near.iter().map(|c| columns[*c].filled).max().unwrap_or(0);
        near.retain(|c| columns[*c].filled * 2 >= most);
        let plain: Vec<usize> = near.iter().copied().filter(|c| !is_markup(table, *c)).collect();
        if !plain.is_empty() {
            near = plain;
        }
        let shown = table.series(near.first().copied().unwrap_or(first));
        let differ = near.iter().any(|c| table.series(*c) != shown);
        if differ && near.len() > 1 {
            let note = "several columns could be the words of a message, and they differ".to_owned();
            doubts.push(Doubt { key: Key::Text, note, choices: near });
            return None;
        }
        return near.first().copied().or(Some(first));
    }
    let worded: Vec<usize> = (0..columns.len())
        .filter(free)
        .filter(|c| {
            let column = &columns[*c];
            let other =
                [Role::Sender, Role::Nickname, Role::Conversation, Role::Receiver, Role::Owner, Role::Topic];
            let named = other.iter().any(|role| fits(&column.name, *role) >= LEAST);
            column.is_worded() && !named && column.different_percent() >= 30
        })
        .collect();
    let remarks = |c: &usize| fits(&columns[*c].name, Role::Remark) >= LEAST;
    match worded[..] {
        [only] if !remarks(&only) || columns[only].filled * 10 >= table.records * 8 => {
            by_values.push(only);
            Some(only)
        }
        [] => None,
        _ => {
            let note = "no column says that it has the words of a message".to_owned();
            doubts.push(Doubt { key: Key::Text, note, choices: worded });
            None
        }
    }
}

/// Words that stand for states and types, not for what somebody said: `delivered`, `text/plain`.
fn is_status(column: &Column) -> bool {
    let few = column.few.as_ref().is_some_and(|few| few.len() <= 4);
    few && column.filled >= 12 || column.is_numbers() && column.different_percent() < 50
}

/// Whether all values of `a` are the beginnings of those of `b`, and some are shorter.
fn begins(table: &Table, a: usize, b: usize) -> bool {
    let mut shorter = false;
    let all = table.pairs(a, b).filter(|(a, b)| !a.is_empty() && !b.is_empty()).all(|(a, b)| {
        let cut = a.trim_end_matches(['…', '.']).trim_end();
        shorter |= cut.len() < b.len();
        b.starts_with(cut)
    });
    all && shorter
}

/// Whether most of its values are HTML.
fn is_markup(table: &Table, at: usize) -> bool {
    let values = table.series(at);
    let markup = values.iter().filter(|text| text.contains('<') && text.contains('>')).count();
    markup * 2 > values.iter().filter(|text| !text.is_empty()).count()
}
