//! Columns of files: by what they are called and by what stands in them. A picture of the writer is none.

use super::relate::{determines, distinct, repeats};
use super::roles::{LEAST, Roles};
use super::{Guess, examples};
use crate::mapping::{Key, More, names_a_file};
use crate::names::{Role, fits, words};
use crate::rule::Rule;
use crate::table::Table;
use crate::values::Column;

/// Words for links and pictures that are no files of a message.
const NONE: &str = "avatar avatars icon icons logo profile profiles thumb thumbs thumbnail thumbnails preview previews poster \
     permalink emoji emojis reaction reactions mention mentions member members participant participants embed embeds unfurl \
     unfurls card cards homepage website referrer referer page head headimg face userpic user author sender 头像";
/// What stands behind the name of a file in the names of columns.
const WHERE: [&str; 8] = ["url", "urls", "link", "links", "path", "paths", "src", "href"];

/// Writes where the files of messages stand, if there are any; says whether it is so.
pub(super) fn attachments(table: &Table, roles: &Roles, guess: &mut Guess) -> bool {
    let columns = alone(table, roles);
    let (mut split, mut with) = (None, Vec::new());
    if let [one] = columns[..] {
        let column = &table.columns[one];
        split = column.file_split().filter(|split| *split != "," || !column.is_links());
        with = told_beside(table, roles, one);
    }
    let lists = lists(table);
    let shown: Vec<String> = columns
        .iter()
        .chain(lists.iter().map(|(_, at)| at))
        .map(|at| examples(&table.columns[*at]))
        .collect();
    let alone = columns.iter().map(|at| table.columns[*at].name.clone());
    let names: Vec<String> = alone.chain(lists.into_iter().map(|(list, _)| list)).collect();
    if names.is_empty() {
        return false;
    }
    let note = format!("files, each a message of its own behind the words: {}", shown.join("; "));
    guess.field(Key::Attachments, Rule::Files(names, split, with), note);
    true
}

/// Columns that name files; one that is the same everywhere names none, but a single file among many messages is one. Where one has something only beside another, it is the name or a smaller copy of that: links
/// come first, then what is called so more plainly.
fn alone(table: &Table, roles: &Roles) -> Vec<usize> {
    let taken = [
        roles.id,
        roles.sender,
        roles.nickname,
        roles.face_url,
        roles.receiver,
        roles.kind,
        roles.time,
        roles.text,
        roles.quote,
    ];
    let fit = |at: usize| fits(&table.columns[at].name, Role::Files);
    let can = |at: &usize| {
        let column = &table.columns[*at];
        !taken.contains(&Some(*at))
            && !column.name.contains('[')
            && column.is_files()
            && (fit(*at) >= LEAST || column.is_known_files())
            && !is_none(&column.name)
            && !(column.is_constant() && column.filled * 2 > table.records)
            && !is_of_others(table, roles, *at)
    };
    let mut found: Vec<usize> = (0..table.columns.len()).filter(can).collect();
    let links = |at: usize| table.columns[at].is_links();
    let all = found.clone();
    found.retain(|at| {
        let better = |other: &usize| {
            let (a, b) = ((links(*other), fit(*other)), (links(*at), fit(*at)));
            other != at
                && (a, std::cmp::Reverse(*other)) > (b, std::cmp::Reverse(*at))
                && is_within(table, *at, *other)
                && !is_numbered(&table.columns[*at].name, &table.columns[*other].name)
        };
        !all.iter().any(better)
    });
    found
}

/// The lists of a JSON record that name files, each with a column of one of its members.
fn lists(table: &Table) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let Some((list, member)) = column.name.split_once("[0]") else { continue };
        let key = member.rsplit('.').next().unwrap_or_default();
        let named = fits(list, Role::Files) >= LEAST;
        let is_file = column.is_files()
            && (named || column.is_known_files())
            && (member.is_empty() || names_a_file(key))
            && !member.contains('[');
        if is_file && !is_none(list) && !is_none(member) && !found.iter().any(|(known, _)| known == list) {
            found.push((list.to_owned(), at));
        }
    }
    found
}

/// Columns beside one of files that tell their names, sizes and types.
fn told_beside(table: &Table, roles: &Roles, of: usize) -> Vec<(More, String)> {
    let mut stem = words(&table.columns[of].name);
    while stem.last().is_some_and(|word| WHERE.contains(&word.as_str())) {
        stem.pop();
    }
    let is_of = |name: &str, what: &[&str]| {
        let name = words(name);
        let joined = name.concat();
        let bare = |word: &String| word.trim_end_matches('s').to_owned();
        let begins = !stem.is_empty()
            && name.len() > stem.len()
            && name.iter().zip(&stem).all(|(a, b)| bare(a) == bare(b))
            && what.contains(&name[stem.len()..].concat().as_str());
        begins || what.iter().any(|what| what.len() > 4 && joined == *what)
    };
    let kinds: [(More, &[&str]); 3] = [
        (More::Name, &["name", "names", "filename", "filenames", "originalname", "title"]),
        (More::Size, &["size", "sizes", "bytes", "filesize", "sizebytes"]),
        (More::Type, &["type", "types", "mime", "mimetype", "contenttype", "filetype"]),
    ];
    let mut found = Vec::new();
    for (more, what) in kinds {
        let used = [roles.text, roles.sender, roles.id, roles.nickname, roles.kind, roles.time];
        let beside = (0..table.columns.len()).find(|at| {
            let column = &table.columns[*at];
            *at != of
                && column.filled > 0
                && !used.contains(&Some(*at))
                && is_of(&column.name, what)
                && is_within(table, *at, of)
        });
        found.extend(beside.map(|at| (more, table.columns[at].name.clone())));
    }
    found
}

fn is_none(name: &str) -> bool {
    let is = |word: &String| NONE.split_whitespace().any(|none| none == word);
    words(name).iter().any(is)
}

/// Whether it belongs to the writer, or says in which file the record stood.
fn is_of_others(table: &Table, roles: &Roles, at: usize) -> bool {
    let values = table.series(at);
    let column: &Column = &table.columns[at];
    let of_writer = roles.sender.is_some_and(|sender| {
        let sender = table.series(sender);
        let told = sender.iter().zip(&values).filter(|(_, value)| !value.is_empty());
        let told: Vec<&str> = told.map(|(sender, _)| *sender).collect();
        // Of writers who are named beside it once alone nothing follows.
        repeats(&sender) >= 2 && told.len() > distinct(&told) && determines(&sender, &values)
    });
    of_writer || (column.filled == table.records && repeats(&values) >= 2)
}

/// Whether the other has something wherever this one has.
fn is_within(table: &Table, at: usize, other: usize) -> bool {
    table.pairs(at, other).all(|(one, other)| one.is_empty() || !other.is_empty())
}

/// Whether they are called the same but for a number: `file1`, `file2`.
fn is_numbered(a: &str, b: &str) -> bool {
    let bare = |name: &str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    a != b && bare(a) == bare(b)
}

#[cfg(test)]
mod tests {
    use crate::guess::{Answers, guess};
    use crate::mapping::Key;
    use crate::records::tests::table;

    /// Rows of four messages, with these further columns.
    fn found(columns: &str, cells: [&str; 4]) -> Option<String> {
        let row = |n: usize| {
            format!(
                "m{n},{},r{},170000000{n},some words here {n},{}\n",
                ["ann", "bo"][n % 2],
                n / 2,
                cells[n]
            )
        };
        let text = (0..4).fold(format!("id,from,room,ts,text,{columns}\n"), |text, n| text + &row(n));
        let guess = guess(&table("x.csv", &text), &Answers::default());
        let field = guess.fields.into_iter().find(|field| field.key == Key::Attachments)?;
        Some(field.rule.to_string())
    }

    #[test]
    fn columns_of_files_by_name_and_by_values() {
        for (columns, cells, rule) in [
            ("attachment", ["", "https://x/1", "", "https://x/2"], Some("\"attachment\"")),
            ("附件", ["img/a.png", "", "", ""], Some("\"附件\"")),
            ("x7", ["", "", "a/b.pdf", ""], Some("\"x7\"")),
            ("url", ["", "https://x/profile/7", "", ""], None),
            ("url", ["", "https://x/7.png", "", ""], Some("\"url\"")),
            ("permalink", ["https://x/1.png", "https://x/2.png", "https://x/3.png", "https://x/4.png"], None),
            ("avatar", ["https://x/a.png", "https://x/b.png", "https://x/a.png", "https://x/b.png"], None),
            ("image", ["https://x/a.png", "https://x/b.png", "https://x/a.png", "https://x/b.png"], None),
            ("file", ["2020.csv", "2020.csv", "2021.csv", "2021.csv"], None),
            ("files", ["a.png;b.png", "", "c.pdf", ""], Some("{ column = \"files\", split = \";\" }")),
            ("attachments", ["\"[{\"\"url\"\":\"\"https://x/1\"\"}]\"", "[]", "", ""], None),
        ] {
            assert_eq!(found(columns, cells).as_deref(), rule, "{columns} {cells:?}");
        }
    }

    #[test]
    fn what_is_told_beside_a_file_goes_with_it() {
        let rule = found(
            "file_url,file_name,file_size,mime_type",
            [",,,", "https://x/1,a b.png,12,image/png", ",,,", "https://x/2,c.pdf,,"],
        );
        let with = "with = { name = \"file_name\", size = \"file_size\", type = \"mime_type\" }";
        assert_eq!(rule, Some(format!("{{ column = \"file_url\", {with} }}")));
        // Two in the same records: the file, and a smaller copy of it.
        let two = found(
            "image,image_small",
            [",", "https://x/1.png,https://x/s1.png", ",", "https://x/2.png,https://x/s2.png"],
        );
        assert_eq!(two.as_deref(), Some("\"image\""));
        let both = found(
            "file1,file2",
            [",", "https://x/1.png,https://x/2.png", ",", "https://x/3.png,https://x/4.png"],
        );
        assert_eq!(both.as_deref(), Some("{ column = [\"file1\", \"file2\"] }"));
    }

    #[test]
    fn lists_of_files_in_json() {
        let found = |member: &str| {
            let line = |n: u32| {
                format!(
                    "{{\"id\":\"m{n}\",\"from\":\"u{}\",\"room\":\"r{}\",\"ts\":170000000{n},\"text\":\"words of {n}\",{member}}}\n",
                    n % 2,
                    n / 2
                )
            };
            let text: String = (0..4).map(line).collect();
            let guess = guess(&table("x.jsonl", &text), &Answers::default());
            let field = guess
                .fields
                .iter()
                .find(|field| field.key == Key::Attachments)
                .map(|field| field.rule.to_string());
            (field, guess.unused.len())
        };
        let of = |rule: &str| Some(format!("\"{rule}\""));
        assert_eq!(
            found(r#""files":[{"url":"https://x/1","name":"A"},{"url":"https://x/2"}]"#),
            (of("files"), 0)
        );
        assert_eq!(found(r#""data":{"media":["https://x/1.png"]}"#), (of("data.media"), 0));
        assert_eq!(found(r#""stuff":[{"path":"a/b.pdf"}]"#), (of("stuff"), 0));
        assert_eq!(found(r#""mentions":[{"url":"https://x/1.png"}]"#).0, None);
        assert_eq!(found(r#""files":[{"id":"F1","thumb":"https://x/1.png"}]"#).0, None);
    }
}
