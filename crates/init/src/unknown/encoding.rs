//! What is not UTF-8 is read in the encoding that it looks like, and somebody has to say whether that is right.

use std::collections::HashMap;

use crate::export::{Encoding, ExportError, Input, Plain, Settings, codes, discover};
use crate::message::SourceNo;
use crate::numbers::plural;

/// So many files are looked at.
const FILES: usize = 200;

/// An encoding that nobody has named.
pub(super) struct Like {
    pub(super) name: String,
    /// What is to be said about it.
    pub(super) to_do: String,
}

/// What most of the files that are not UTF-8 look like.
pub(super) fn like(sources: &[String]) -> Result<Option<Like>, ExportError> {
    let found = discover(sources, &Plain::new(&Settings::default())?)?;
    let mut seen: HashMap<String, (u64, &_)> = HashMap::new();
    for found in found.iter().take(FILES) {
        let unsure = Input::open(found, SourceNo(0), None)?.take_findings();
        for finding in unsure.into_iter().filter(|finding| finding.code.name == codes::ENCODING_UNSURE.name) {
            seen.entry(finding.value).or_insert((0, found)).0 += 1;
        }
    }
    let most = seen.into_iter().max_by(|(a, (n, _)), (b, (m, _))| (n, b).cmp(&(m, a)));
    let Some((name, (count, first))) = most else { return Ok(None) };
    let input = Input::open(first, SourceNo(0), Encoding::by_name(&name))?;
    let text = String::from_utf8_lossy(input.head()).into_owned();
    let word = text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_ascii()).unwrap_or_default();
    let to_do = format!(
        "encoding in [export]: {} not UTF-8 and {} like {name}, in which a word of `{}` is `{}`. If it is right so, take this \
         line out; else set the encoding that is (--encoding)",
        plural(count, "file is", "files are"),
        if count == 1 { "looks" } else { "look" },
        first.path,
        crate::finding::shorten(word),
    );
    Ok(Some(Like { name, to_do }))
}
