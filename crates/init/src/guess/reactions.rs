//! Reactions that stand among the messages as records of their own: nobody wrote them as words.

use super::roles::LEAST;
use super::{Guess, LeaveOut, records};
use crate::names::{Role, fits, words};
use crate::rule::Condition;
use crate::table::{Table, cell};
use crate::values::Column;

/// Leaves them out, where a type, a flag or what only they have says so.
pub(super) fn reactions(table: &Table, text: Option<usize>, guess: &mut Guess) {
    for (at, column) in table.columns.iter().enumerate() {
        if text == Some(at) {
            continue;
        }
        let found = by_type(column).or_else(|| by_flag(column)).or_else(|| by_target(table, at, text));
        let Some((condition, count)) = found.filter(|(_, count)| *count < table.records) else { continue };
        let note = format!("{}, by `{}`: a reaction, and no message", records(count), column.name);
        guess.notes.push(format!("left out: {note}"));
        guess.leave_out.retain(|rule| rule.column != column.name);
        guess
            .leave_out
            .insert(0, LeaveOut { column: column.name.clone(), condition, reason: "reaction", note });
    }
}

/// What calls itself a message.
fn is_plain(value: &str) -> bool {
    ["message", "msg", "text", "post", "comment", "chat", "消息", "文本"]
        .contains(&value.to_lowercase().as_str())
}

/// Whether a word speaks of reactions: `reaction_added`, `Reaktion`, `点赞`.
pub(crate) fn speaks_of_it(word: &str) -> bool {
    const STEMS: &str = "reaction reacted reactji reaktion reacción reaccion reação reacao réaction reazion реакц reakc \
         リアクション 반응 表情回应 表情回應 点赞 點讚 tapback";
    let word = word.to_lowercase();
    matches!(word.as_str(), "react" | "like" | "unlike" | "liked")
        || STEMS.split_whitespace().any(|stem| word.contains(stem))
}

/// `type`: `reaction`; of iMessage a number.
fn by_type(column: &Column) -> Option<(Condition, u64)> {
    let few = column.few.as_ref()?;
    // One word each: what they say of the record, whatever the column is called.
    let are_words =
        few.keys().all(|value| !value.contains(' ') && value.chars().all(|c| c.is_alphabetic() || c == '_'));
    if fits(&column.name, Role::Type) < LEAST && !(are_words && few.keys().any(|value| is_plain(value))) {
        return None;
    }
    let of_phone = words(&column.name).concat().ends_with("associatedmessagetype");
    let is_tapback = |value: &str| of_phone && value.parse().is_ok_and(|n: u32| matches!(n, 2000..=3999));
    let found = few.iter().filter(|(value, _)| speaks_of_it(value) || is_tapback(value));
    let (values, counts): (Vec<String>, Vec<u64>) =
        found.map(|(value, count)| (value.clone(), *count)).unzip();
    (!values.is_empty()).then(|| (Condition::Is(values), counts.iter().sum()))
}

/// `is_reaction`: yes.
fn by_flag(column: &Column) -> Option<(Condition, u64)> {
    let is = words(&column.name).concat().starts_with("is");
    let few = column.few.as_ref().filter(|_| is && is_named(column) && column.is_flags())?;
    let yes = |value: &str| ["1", "true", "t", "yes", "y", "on"].contains(&value.to_lowercase().as_str());
    let (value, count) = few.iter().find(|(value, _)| yes(value))?;
    Some((Condition::Is(vec![value.clone()]), *count))
}

/// `reaction_to`: a message; what stands there as words is an emoji or begins as a phone's does.
fn by_target(table: &Table, at: usize, text: Option<usize>) -> Option<(Condition, u64)> {
    let (column, text) = (&table.columns[at], text?);
    if !is_named(column) || column.name.contains('[') {
        return None;
    }
    let mut rows = table.sample.iter().filter(|row| !cell(row, at).is_empty()).peekable();
    rows.peek()?;
    let sign = |row: &Vec<String>| {
        let words = cell(row, text);
        !words.is_empty() && (words == cell(row, at) || is_sign(words))
    };
    rows.all(sign).then_some((Condition::Filled, column.filled))
}

/// Whether it is called by one reaction: several, or how many there were, are a message's.
fn is_named(column: &Column) -> bool {
    words(&column.name).iter().any(|word| speaks_of_it(word) && !word.ends_with('s'))
}

/// An emoji without words, one by its name, or the words that a phone writes for one.
fn is_sign(text: &str) -> bool {
    const WRITTEN: &str = "Liked Loved Laughed Disliked Emphasized Questioned Reacted Removed";
    let of_phone =
        WRITTEN.split_whitespace().any(|word| text.starts_with(word)) && text.contains(['“', '"', ' ']);
    let by_name = text.len() > 2 && text.starts_with(':') && text.ends_with(':') && !text.contains(' ');
    of_phone || by_name || !text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use crate::guess::{Answers, guess};
    use crate::records::tests::table;

    /// What is left out of sixteen records in two rooms, of which the fifth and the tenth have `reacted` in a column and an
    /// emoji for words.
    fn left_out(column: &str, [message, reacted]: [&str; 2]) -> Vec<String> {
        let row = |n: usize| {
            let is = n % 5 == 4;
            let text = if is { "👍".to_owned() } else { format!("is it ready {n} times") };
            let value = if is { reacted } else { message };
            format!(
                "m{n},r{},{},{text},2024-03-01T08:{}:00Z,{value}\n",
                n / 8,
                ["ann", "bo", "cy"][n % 3],
                10 + n
            )
        };
        let text =
            (0..16).fold(format!("id,room_id,sender_id,text,sent_at,{column}\n"), |text, n| text + &row(n));
        let guess = guess(&table("chat.csv", &text), &Answers::default());
        assert!(guess.open.is_empty(), "{column}: {:?}", guess.open);
        guess.leave_out.iter().map(|rule| format!("{} {}", rule.column, rule.reason)).collect()
    }

    #[test]
    fn reactions_are_left_out_and_what_messages_have_of_them_is_not() {
        for (column, values) in [
            ("type", ["message", "reaction"]),
            ("event_type", ["text", "REACTION_ADDED"]),
            ("消息类型", ["文本", "表情回应"]),
            ("associated_message_type", ["0", "2001"]),
            ("recordtype", ["message", "REACTION"]),
            ("what", ["text", "reaction_added"]),
            ("is_reaction", ["false", "true"]),
            ("isReaction", ["0", "1"]),
            ("reaction_to", ["", "m1"]),
            ("Reacted To Id", ["", "3"]),
        ] {
            assert_eq!(left_out(column, values), [format!("{column} reaction")], "{column}");
        }
        for (column, values) in [
            ("reactions", ["0", "1"]),
            ("reactions", ["", "👍"]),
            ("reaction_count", ["0", "2"]),
            ("type", ["text", "emoji"]),
            ("what", ["calm", "reaction"]),
            ("reaction", ["👍", ""]),
            ("is_read", ["0", "1"]),
        ] {
            assert_eq!(left_out(column, values), [""; 0], "{column}");
        }
    }
}
