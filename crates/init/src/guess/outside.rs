//! When the name of a file or folder is clearly that of a conversation, although no column says so: the names are words,
//! the conversations run side by side, a crowd writes in each, and nothing parts them further.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::relate::{Series, determines, distinct, is_full, repeats, writers};
use super::roles::Roles;
use crate::table::Table;

/// Words for a part of a whole, or for all of it: no conversation is called so.
const PARTS: &str = "message messages msg msgs part parts export exports data all dump chunk page history archive archives \
     backup log logs chat chats file files out batch year month day old new current recent latest rest inbox sent drafts \
     users people me misc other others default untitled 聊天记录 消息 导出";

/// Whether these names (of files, of folders) are clearly those of conversations.
pub(super) fn is_clear(table: &Table, roles: &Roles, values: &Series<'_>) -> bool {
    let (Some(sender), Some(time)) = (roles.sender, roles.time) else { return false };
    // Who receives, or who made the export, says more than any name: then chats of two are among them.
    roles.receiver.is_none()
        && roles.mine.is_none()
        && are_words(values)
        && are_crowds(values, &table.series(sender))
        && run_side_by_side(values, &table.series(time))
        && !is_parted_further(table, roles, values)
}

/// Whether they are words, and differ in more than their digits.
fn are_words(values: &[&str]) -> bool {
    let names: HashSet<&str> = values.iter().copied().collect();
    let word = |name: &&str| {
        let bare = name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>().to_lowercase();
        bare.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
    };
    let words: HashSet<String> = names.iter().map(word).collect();
    names.len() > 1
        && words.len() == names.len()
        && words.iter().all(|word| !word.is_empty() && !PARTS.split_whitespace().any(|part| part == word))
}

/// Whether more than two write in each; or two who do so elsewhere too, because two have one chat of their own.
fn are_crowds(values: &[&str], sender: &[&str]) -> bool {
    let made = writers(values, sender);
    let mut pairs: HashMap<BTreeSet<&str>, usize> = HashMap::new();
    for (_, who) in made.values() {
        *pairs.entry(who.iter().copied().collect()).or_default() += 1;
    }
    let crowd = |who: &HashSet<&str>| match who.len() {
        0 | 1 => false,
        2 => pairs.get(&who.iter().copied().collect::<BTreeSet<_>>()).is_some_and(|chats| *chats > 1),
        _ => true,
    };
    made.values().all(|(_, who)| crowd(who))
}

/// Whether each of them goes on while another does: what was cut into pieces goes on where the last piece ends.
fn run_side_by_side(values: &[&str], times: &[&str]) -> bool {
    let Some(times) = times.iter().map(|time| comparable(time)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let mut spans: HashMap<&str, (&Moment<'_>, &Moment<'_>)> = HashMap::new();
    for (value, time) in values.iter().zip(&times) {
        let (first, last) = spans.entry(value).or_insert((time, time));
        (*first, *last) = ((*first).min(time), (*last).max(time));
    }
    spans.iter().all(|(one, (first, last))| {
        spans.iter().any(|(other, (begin, end))| other != one && begin < last && first < end)
    })
}

/// A number, or a date as it is written.
type Moment<'t> = (u64, &'t str);

/// A number, or a date that begins with its year: what can be compared as it stands.
fn comparable(time: &str) -> Option<Moment<'_>> {
    let digits = time.bytes().take_while(u8::is_ascii_digit).count();
    match (digits, time.len() - digits) {
        (0, _) => None,
        (_, 0) => time.parse().ok().map(|number| (number, "")),
        (4, _) => Some((0, time)),
        _ if time.as_bytes()[digits] == b'.' => time[..digits].parse().ok().map(|number| (number, "")),
        _ => None,
    }
}

/// Whether a column that is for nothing else parts them further: then it may be what parts the conversations.
fn is_parted_further(table: &Table, roles: &Roles, values: &Series<'_>) -> bool {
    let sender = roles.sender.map(|at| table.series(at)).unwrap_or_default();
    let known = [roles.id, roles.sender, roles.nickname, roles.time, roles.text, roles.quote];
    (0..table.columns.len()).filter(|at| !known.contains(&Some(*at))).any(|at| {
        let column = table.series(at);
        distinct(&column) > distinct(values)
            && repeats(&column) >= 2
            && is_full(&column)
            && determines(&column, values)
            && !determines(&sender, &column)
            && table.columns[at].times.written().is_none_or(|_| table.columns[at].is_numbers())
    })
}

#[cfg(test)]
mod tests {
    use crate::guess::Answers;
    use crate::mapping::Key;
    use crate::unknown::look;

    /// By what the conversations are parted; `None`: it is asked.
    fn parted(files: &[(&str, &str)]) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        let found =
            look(&[dir.path().to_string_lossy().into_owned()], &Answers::default(), &mut |_, _| {}).unwrap();
        let guess = found.guess.unwrap();
        let field = guess.fields.iter().find(|field| field.key == Key::GroupId)?;
        Some(field.rule.to_string())
    }

    fn day(who: [&str; 3], from: u32) -> String {
        let row = |n: usize| {
            format!("2023-01-0{}T10:0{n}:00Z,{},words of {n}\n", from + u32::from(n > 2), who[n % 3])
        };
        (0..6).fold("time,sender,text\n".to_owned(), |text, n| text + &row(n))
    }

    #[test]
    fn names_of_conversations_are_told_from_names_of_parts() {
        let (all, few) = (["ann", "bob", "cy"], ["ann", "bob", "ann"]);
        let folder = Some("{ inherited = \"@folder\" }".to_owned());
        let stem = Some("{ inherited = \"@stem\" }".to_owned());
        let days = |a: &str, b: &str, who: [&str; 3]| {
            let [one, two] = [1, 3].map(|from| day(who, from));
            let path = |folder: &str, n: u32| format!("{folder}/2023-01-0{n}.csv");
            parted(&[(&path(a, 1), &one), (&path(a, 3), &two), (&path(b, 1), &one), (&path(b, 3), &two)])
        };
        assert_eq!(days("alpha", "beta", all), folder);
        // The same two, in two conversations: groups, because two have one chat of their own.
        assert_eq!(days("alpha", "beta", few), folder);
        assert_eq!(days("2022", "2023", all), None);
        assert_eq!(days("old", "new", all), None);
        let files = |a: &str, b: &str, who: [[&str; 3]; 2], from: [u32; 2]| {
            parted(&[(a, &day(who[0], from[0])), (b, &day(who[1], from[1]))])
        };
        let (bob, cy) = (["me", "bob", "me"], ["me", "cy", "me"]);
        assert_eq!(files("Kitchen.csv", "General.csv", [all, all], [1, 1]), stem);
        // One after the other, numbered, of two people each.
        assert_eq!(files("Kitchen.csv", "General.csv", [all, all], [1, 5]), None);
        assert_eq!(files("chat1.csv", "chat2.csv", [all, all], [1, 1]), None);
        assert_eq!(files("j.doe.csv", "j.smith.csv", [bob, cy], [1, 1]), None);
    }

    #[test]
    fn what_parts_them_further_is_asked_about() {
        let rows = |chat: [&str; 2]| {
            let row = |n: usize| {
                format!(
                    "2023-01-01T10:0{n}:00Z,{},words of {n},{}\n",
                    ["ann", "bob", "cy"][n % 3],
                    chat[n / 4]
                )
            };
            (0..8).fold("time,sender,text,x1\n".to_owned(), |text, n| text + &row(n))
        };
        let sales = ("Sales.csv", rows(["a", "b"]));
        let apart = parted(&[(sales.0, &sales.1), ("Support.csv", &rows(["c", "d"]))]);
        assert_eq!(apart, None);
        // A state is none: it goes across.
        let across = parted(&[(sales.0, &sales.1), ("Support.csv", &rows(["b", "a"]))]);
        assert_eq!(across, Some("{ inherited = \"@stem\" }".to_owned()));
    }
}
