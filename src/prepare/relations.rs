//! Who is in which group, whose friend, whom blocked, how far each has read, what his e-mail is, who may not write and
//! what people have set for their conversations, as the export tells it: files in the job's folder that `provision` and
//! `mark-read` take.

use std::collections::HashMap;
use std::io::Write;

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::heap::{Heap, Spot, put_texts, texts};
use super::people::Lately;
use super::rows::Row;
use super::sort::Sorter;
use crate::job::{BLACKS, EMAILS, FRIENDS, GROUPS, JobError, KEPT, MUTES, Pass, READ};
use crate::mapping::people::Kind;
use crate::mapping::{Relation, Role};

/// One thing that was told; by file, by what makes a line of it, in the order of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RelationRow {
    file: u8,
    line: u64,
    spot: Spot,
}

/// The files, in the order of `RelationRow::file`.
const FILES: [&str; 7] = [GROUPS, FRIENDS, BLACKS, READ, EMAILS, MUTES, KEPT];

/// Texts of a row: in [`GROUPS`] group, user, role; in [`FRIENDS`] and [`BLACKS`] two users; in [`READ`] user,
/// kind, peer, id; in [`EMAILS`] user, e-mail; in [`MUTES`] group, user, until; in [`KEPT`] user, kind, peer, pinned, bell.
type Texts<'a> = Vec<&'a str>;

/// How many texts of a row tell which line it belongs to, by file.
const NAMED_BY: [usize; 7] = [1, 1, 1, 3, 1, 2, 3];

fn kind_of(kind: Kind) -> &'static str {
    if kind == Kind::Group { "g" } else { "u" }
}

impl RelationRow {
    /// Writes down what was told, unless the thread was told the same lately.
    pub(super) fn new(relation: &Relation<'_>, lately: &mut Lately, heap: &mut Vec<u8>) -> Option<Self> {
        let number;
        let (file, texts): (u8, Texts<'_>) = match relation {
            Relation::Member { group, user, role } => {
                let role = match role {
                    Role::Owner => "0",
                    Role::Admin => "1",
                    Role::Member => "2",
                };
                (0, vec![group, user, role])
            }
            // From the one side of the two that is the same each time.
            Relation::Friends(a, b) if b < a => (1, vec![b, a]),
            Relation::Friends(a, b) => (1, vec![a, b]),
            Relation::Blocks(a, b) => (2, vec![a, b]),
            Relation::Read { user, peer, kind, id } => (3, vec![user, kind_of(*kind), peer, id]),
            Relation::Muted { group, user, until } => {
                number = until.to_string();
                (5, vec![group, user, &number])
            }
            Relation::Kept { user, peer, kind, pinned, bell } => {
                number = bell.code().to_string();
                (6, vec![user, kind_of(*kind), peer, if *pinned { "1" } else { "0" }, &number])
            }
            Relation::Email { user, email } => (4, vec![user, email]),
        };
        Self::of(file, &texts, |bytes| lately.is_news(&[&[b'r', file], bytes]), heap)
    }

    fn of(file: u8, texts: &[&str], wanted: impl FnOnce(&[u8]) -> bool, heap: &mut Vec<u8>) -> Option<Self> {
        let start = heap.len();
        let spot = put_texts(heap, texts);
        if !wanted(&heap[start..]) {
            heap.truncate(start);
            return None;
        }
        let line = texts[..NAMED_BY[usize::from(file)]].join("\n");
        Some(Self { file, line: xxh3_64(line.as_bytes()), spot })
    }

    /// The same, with all before it moved up.
    pub(super) fn moved(self, by: u64) -> Self {
        Self { spot: self.spot.moved(by), ..self }
    }
}

impl Row for RelationRow {
    const BYTES: usize = 21;
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.file);
        out.extend_from_slice(&self.line.to_le_bytes());
        out.extend_from_slice(&self.spot.offset.to_le_bytes());
        out.extend_from_slice(&self.spot.len.to_le_bytes());
    }
    fn get(bytes: &[u8]) -> Self {
        let eight =
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a row has all its bytes"));
        let len = u32::from_le_bytes(bytes[17..21].try_into().expect("a row has all its bytes"));
        Self { file: bytes[0], line: eight(1), spot: Spot { offset: eight(9), len } }
    }
}

/// What earlier passes were told, ahead of what this one will be.
pub(super) fn known(
    pass: &Pass<'_>,
    heap: &mut Heap,
    rows: &mut Sorter<RelationRow>,
) -> Result<(), JobError> {
    if pass.no().0 == 1 {
        return Ok(());
    }
    for (file, name) in (0..).zip(FILES) {
        let Ok(lines) = fs_err::read_to_string(pass.dir().join(name)) else { continue };
        // A line that somebody has spoilt is left out: the sources can tell it anew.
        for line in lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            for texts in told(file, &line) {
                let texts: Texts<'_> = texts.iter().map(String::as_str).collect();
                let mut bytes = Vec::new();
                if let Some(row) = RelationRow::of(file, &texts, |_| true, &mut bytes) {
                    rows.push(row.moved(heap.append(&bytes)?))?;
                }
            }
        }
    }
    Ok(())
}

/// The rows of which a line was made.
fn told(file: u8, line: &Value) -> Vec<Vec<String>> {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str| {
        let list = line[key].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let each = |owner: &str, key: &str, more: &[&str]| -> Vec<Vec<String>> {
        let row =
            |one: String| [vec![text(owner), one], more.iter().map(|t| (*t).to_owned()).collect()].concat();
        list(key).into_iter().map(row).collect()
    };
    match file {
        0 => {
            let owner = vec![vec![text("groupID"), text("ownerUserID"), "0".to_owned()]];
            [owner, each("groupID", "adminUserIDs", &["1"]), each("groupID", "memberUserIDs", &["2"])]
                .concat()
        }
        1 => each("ownerUserID", "friendUserIDs", &[]),
        2 => each("ownerUserID", "blackUserIDs", &[]),
        4 => vec![vec![text("userID"), text("email")]],
        5 => vec![vec![text("groupID"), text("userID"), line["muteEndTime"].to_string()]],
        _ => {
            let group = text("groupID");
            let (kind, peer) = if group.is_empty() { ("u", text("peerID")) } else { ("g", group) };
            let mut row = vec![text("userID"), kind.to_owned(), peer];
            if file == 3 {
                row.push(text("id"));
            } else {
                row.push(u8::from(line["isPinned"] == true).to_string());
                row.push(line["recvMsgOpt"].to_string());
            }
            vec![row]
        }
    }
}

/// Writes the files; says how many lines each has.
pub(super) fn write(rows: Sorter<RelationRow>, heap: &Heap, pass: &Pass<'_>) -> Result<[u64; 7], JobError> {
    let mut counts = [0; 7];
    let mut rows = rows.sorted()?;
    let mut next = rows.next()?;
    for (file, (name, count)) in (0..).zip(FILES.into_iter().zip(&mut counts)) {
        if next.is_none_or(|row| row.file != file) {
            drop(std::fs::remove_file(pass.dir().join(name)));
            continue;
        }
        let mut out = std::io::BufWriter::new(pass.new_file(name)?);
        let failed = |e| JobError::io(pass.dir(), e);
        while let Some(first) = next.filter(|row| row.file == file) {
            let mut told: Vec<Vec<u8>> = Vec::new();
            while let Some(row) = next.filter(|row| (row.file, row.line) == (file, first.line)) {
                told.push(heap.read(row.spot)?);
                next = rows.next()?;
            }
            let told: Vec<Texts<'_>> = told.iter().map(|bytes| texts(bytes).collect()).collect();
            writeln!(out, "{}", line(file, &told)).map_err(failed)?;
            *count += 1;
        }
        let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
        file.keep().map_err(failed)?;
    }
    Ok(counts)
}

/// The line that says all that was told of one group, user or position.
fn line(file: u8, told: &[Texts<'_>]) -> Value {
    let first = &told[0];
    // Told twice: what was told last.
    let last = &told[told.len() - 1];
    let peer = if last[1] == "g" { "groupID" } else { "peerID" };
    let number = |at: usize| last[at].parse::<i64>().unwrap_or_default();
    match file {
        3 => return json!({ "userID": last[0], peer: last[2], "id": last[3] }),
        4 => return json!({ "userID": last[0], "email": last[1] }),
        5 => return json!({ "groupID": last[0], "userID": last[1], "muteEndTime": number(2) }),
        6 => {
            let (pinned, bell) = (last[3] == "1", number(4));
            return json!({ "userID": last[0], peer: last[2], "isPinned": pinned, "recvMsgOpt": bell });
        }
        _ => {}
    }
    // Everybody once, with the most that he may do.
    let mut order: Vec<&str> = Vec::new();
    let mut roles: HashMap<&str, &str> = HashMap::new();
    for row in told {
        let role = row.get(2).copied().unwrap_or_default();
        if let Some(known) = roles.get_mut(row[1]) {
            *known = role.min(known);
        } else {
            order.push(row[1]);
            roles.insert(row[1], role);
        }
    }
    let with = |role: &str| order.iter().copied().filter(|user| roles[user] == role).collect::<Vec<_>>();
    match file {
        0 => {
            // A group must have an owner: where the export names none, an administrator, or the first member.
            let (mut owners, mut admins, mut members) = (with("0"), with("1"), with("2"));
            let owner = [&mut owners, &mut admins, &mut members]
                .into_iter()
                .find(|who| !who.is_empty())
                .map(|who| who.remove(0));
            admins.extend(owners);
            json!({ "groupID": first[0], "ownerUserID": owner, "adminUserIDs": admins, "memberUserIDs": members })
        }
        1 => json!({ "ownerUserID": first[0], "friendUserIDs": order }),
        _ => json!({ "ownerUserID": first[0], "blackUserIDs": order }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_what_it_was_made_of() {
        let members =
            vec![vec!["g", "m", "2"], vec!["g", "o", "0"], vec!["g", "a", "1"], vec!["g", "m", "1"]];
        let group = line(0, &members);
        assert_eq!(
            group.to_string(),
            r#"{"adminUserIDs":["m","a"],"groupID":"g","memberUserIDs":[],"ownerUserID":"o"}"#
        );
        assert_eq!(told(0, &group), [["g", "o", "0"], ["g", "m", "1"], ["g", "a", "1"]]);
        assert_eq!(line(0, &[vec!["g", "m", "2"], vec!["g", "n", "2"]])["ownerUserID"], "m");
        let friends = line(1, &[vec!["a", "b"], vec!["a", "c"], vec!["a", "b"]]);
        assert_eq!(told(1, &friends), [["a", "b"], ["a", "c"]]);
        let read = line(3, &[vec!["a", "g", "x", "1"], vec!["a", "g", "x", "2"]]);
        assert_eq!(read.to_string(), r#"{"groupID":"x","id":"2","userID":"a"}"#);
        assert_eq!(told(3, &read), [["a", "g", "x", "2"]]);
        assert_eq!(told(3, &line(3, &[vec!["a", "u", "b", "2"]])), [["a", "u", "b", "2"]]);
        let email = line(4, &[vec!["a", "old@e.example"], vec!["a", "a@e.example"]]);
        assert_eq!(email.to_string(), r#"{"email":"a@e.example","userID":"a"}"#);
        assert_eq!(told(4, &email), [["a", "a@e.example"]]);
        for muted in [["g", "", "0"], ["g", "m", "1700000000000"]] {
            assert_eq!(told(5, &line(5, &[muted.to_vec()])), [muted]);
        }
        for kept in [["a", "g", "x", "1", "0"], ["a", "u", "b", "0", "2"]] {
            assert_eq!(told(6, &line(6, &[kept.to_vec()])), [kept]);
        }
        let twice = line(6, &[vec!["a", "u", "b", "0", "2"], vec!["a", "u", "b", "1", "1"]]);
        assert_eq!(twice.to_string(), r#"{"isPinned":true,"peerID":"b","recvMsgOpt":1,"userID":"a"}"#);
    }

    #[test]
    fn rows_survive_the_disk() {
        let row =
            RelationRow { file: 2, line: 0x1122_3344_5566_7788, spot: Spot { offset: 1 << 40, len: 7 } };
        let mut bytes = Vec::new();
        row.put(&mut bytes);
        assert_eq!((bytes.len(), RelationRow::get(&bytes)), (RelationRow::BYTES, row));
    }
}
