//! Whether values name files: links, paths, JSON of either.

use crate::mapping::files_in;

/// Endings of what people send each other.
const ENDINGS: &str = "jpg jpeg png gif webp bmp heic svg tif tiff mp4 m4v mov webm 3gp mkv avi mp3 m4a aac ogg oga opus amr \
     wav flac pdf zip rar 7z gz doc docx xls xlsx ppt pptx odt ods odp rtf txt csv vcf ics eml apk psd key pages numbers";
/// What may stand between several names of files.
const BETWEEN: [&str; 3] = [";", "|", ","];
/// No list of files is longer, bytes.
const LONGEST: usize = 16 << 10;

/// What was seen of the values of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attached {
    /// Values in which all that is named is a link, or ends as a file does.
    pub(super) files: u64,
    /// Those in which all ends as a file does.
    pub(super) known: u64,
    /// Values that are several files with one of [`BETWEEN`] between them, and that have it inside of a name.
    split: [(u64, u64); BETWEEN.len()],
}

impl Attached {
    /// Looks at one value.
    pub(super) fn add(&mut self, value: &str) {
        let may_be = value.contains("://") || is_known(value) || value.starts_with(['[', '{']);
        if !may_be || value.len() > LONGEST {
            return;
        }
        let files = files_in(value);
        let link = |at: &str| (at.starts_with("https://") || at.starts_with("http://")) && !at.contains(' ');
        let path = |at: &str| !at.trim_start_matches("file://").contains("://") && is_known(at);
        if files.is_empty() || !files.iter().all(|file| link(&file.at) || path(&file.at)) {
            return;
        }
        self.files += 1;
        self.known += u64::from(files.iter().all(|file| is_known(&file.at) || is_known(&file.name)));
        if let [one] = &files[..]
            && !link(&one.at)
        {
            for (between, (several, inside)) in BETWEEN.iter().zip(&mut self.split) {
                if one.at.contains(between) {
                    let all = one.at.split(between).all(|name| is_known(name.trim()));
                    *(if all { several } else { inside }) += 1;
                }
            }
        }
    }

    /// What stands between several files, where it is always that.
    pub(super) fn split(&self) -> Option<&'static str> {
        let found =
            BETWEEN.iter().zip(self.split).find(|(_, (several, inside))| *several > 0 && *inside == 0);
        found.map(|(between, _)| *between)
    }
}

/// Whether it ends as a file of a kind that is known does, whatever stands behind `?`.
fn is_known(at: &str) -> bool {
    let bare = at.split(['?', '#']).next().unwrap_or_default();
    let name = bare.rsplit(['/', '\\']).next().unwrap_or_default();
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    // `https://example.key`
    let is_host = bare.contains("://") && bare.matches('/').count() < 3;
    !stem.is_empty() && !is_host && ending.len() <= 7 && {
        let ending = ending.to_ascii_lowercase();
        ENDINGS.split_whitespace().any(|known| known == ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(values: &[&str]) -> (u64, u64, Option<&'static str>) {
        let mut attached = Attached::default();
        for value in values {
            attached.add(value);
        }
        (attached.files, attached.known, attached.split())
    }

    #[test]
    fn values_that_name_files() {
        assert_eq!(seen(&["https://x/a.png?sig=1", "img/b.JPG", r#"["c.pdf"]"#]), (3, 3, None));
        assert_eq!(seen(&["https://x/download?id=1", r#"[{"url":"https://x/2"}]"#]), (2, 0, None));
        assert_eq!(
            seen(&["see https://x/a.png", "https://x is down", "hello", "a.b", "https://example.key"]),
            (1, 0, None)
        );
        assert_eq!(seen(&["a.png;b.pdf", "c.png"]), (2, 2, Some(";")));
        assert_eq!(seen(&["a.png, b.pdf", "Smith, John.pdf"]), (2, 2, None));
    }
}
