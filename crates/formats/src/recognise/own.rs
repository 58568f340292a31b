//! Tables of somebody's own beside known formats: what one mapping reads stays together, what has other columns is apart.

use super::{Anything, Apart, head, inside, is_plain, last};
use crate::export::json::first_keys;
use crate::export::{ExportError, Found, discover, lying};
use crate::{slack, unpacked};

/// Whether something in it, a file or a folder, could be read by a mapping.
pub(super) fn could_be(path: &str) -> Result<bool, ExportError> {
    Ok(shape(path)?.is_some())
}

/// Whether a folder has files that are called as Slack's days are: a channel whose first days tell nothing.
pub(super) fn has_days(path: &str) -> bool {
    let days = |found: Vec<Found>| found.iter().any(|file| slack::is_day(unpacked(last(&file.inside))));
    matches!(lying(path), Ok(Some(_))) && discover(&[path.to_owned()], &Anything).is_ok_and(days)
}

/// Those whose records look alike together, in the order in which they were named.
pub(super) fn grouped(paths: Vec<String>) -> Result<Vec<Apart>, ExportError> {
    let mut groups: Vec<(Option<String>, Vec<String>)> = Vec::new();
    for path in paths {
        let shape = shape(&path)?;
        match groups.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, paths)) => paths.push(path),
            None => groups.push((shape, vec![path])),
        }
    }
    Ok(groups.into_iter().map(|(_, paths)| Apart { format: None, paths }).collect())
}

/// Tables and JSON of somebody's own that lie side by side in the sources, for each of which a mapping is made; nothing,
/// where there is only one of them.
///
/// # Errors
/// As [`super::recognise`].
pub fn tables_and_json(sources: &[String]) -> Result<Vec<Apart>, ExportError> {
    let (mut tables, mut json) = (Vec::new(), Vec::new());
    for source in sources {
        for path in inside(source)?.unwrap_or_else(|| vec![source.clone()]) {
            match shape(&path)? {
                Some(shape) if shape.starts_with("json ") => json.push(path),
                Some(_) => tables.push(path),
                None => {}
            }
        }
    }
    if tables.is_empty() || json.is_empty() {
        return Ok(Vec::new());
    }
    Ok([tables, json].map(|paths| Apart { format: None, paths }).into())
}

/// What the first records say of all: the columns of a table, the keys of JSON. `None`: there are none.
fn shape(path: &str) -> Result<Option<String>, ExportError> {
    let found = match discover(&[path.to_owned()], &Anything) {
        Err(ExportError::NoExports { .. } | ExportError::NothingInMatches { .. }) => return Ok(None),
        found => found?,
    };
    let Some(first) = found.iter().find(|file| file.bytes > 0 && is_plain(last(&file.inside))) else {
        return Ok(None);
    };
    let head = head(first)?;
    let text = head.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(['{', '[']) {
        let mut keys = first_keys(text.as_bytes());
        keys.sort();
        // An empty list, as a day without messages is.
        return Ok((!keys.is_empty()).then(|| format!("json {}", keys.join("\n"))));
    }
    Ok(text.lines().next().map(|columns| format!("table {columns}")))
}
