//! How it ended, in sentences.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::list::LIST;
use crate::job::{MediaFile, MediaObject, ObjectState};
use crate::media;
use crate::report::{bytes, count, plural};

/// Problems that are shown; all are in the list.
pub(super) const SHOWN: usize = 10;

/// What a dry run found.
pub(super) fn dry_verdict(plan: &media::Plan) -> String {
    let counts = plan.counts;
    let mut text = format!(
        "{}, {} with {}; {} to be uploaded ({}, about {}), {} there.",
        plural(counts.files, "file", "files"),
        plural(counts.objects, "different one", "different ones"),
        bytes(counts.bytes),
        plural(counts.open, "is", "are"),
        bytes(counts.open_bytes),
        crate::report::duration(forecast(plan)),
        plural(counts.there, "is", "are")
    );
    faces(counts, &mut text);
    problems(&plan.problems, &mut text);
    text
}

/// By what both releases took with four callers: 20 small files a second, 40 MB a second of large ones.
fn forecast(plan: &media::Plan) -> Duration {
    Duration::from_millis(plan.counts.open * 50 + plan.counts.open_bytes / 40_000)
}

/// What was done.
pub(super) fn verdict(plan: &media::Plan, uploaded: &media::Uploaded, orphaned: u64, dir: &Path) -> String {
    let counts = plan.counts;
    let mut text = format!(
        "{}, {}: ",
        plural(counts.files, "file", "files"),
        plural(counts.objects, "different one", "different ones")
    );
    text.push_str(&match (uploaded.objects + uploaded.known, uploaded.left + counts.unseen) {
        (0, 0) if counts.objects == counts.there => "all are there, nothing was uploaded.".to_owned(),
        (n, left) => {
            let mut text = format!("{} uploaded ({})", count(n), bytes(uploaded.bytes));
            for (n, words) in [
                (uploaded.known, "of them known to the server already"),
                (counts.there, "there before"),
                (counts.later, "go up when the messages that show them are sent"),
                (left, "left: the same command goes on"),
            ] {
                if n > 0 {
                    write!(text, ", {} {words}", count(n)).expect("text takes all");
                }
            }
            text.push('.');
            text
        }
    });
    faces(counts, &mut text);
    if !uploaded.refused.is_empty() {
        write!(text, " {} refused:", plural(uploaded.refused.len() as u64, "was", "were"))
            .expect("text takes all");
        for (name, why) in uploaded.refused.iter().take(SHOWN) {
            write!(text, "\n  {name}: {why}").expect("text takes all");
        }
    }
    problems(&plan.problems, &mut text);
    if orphaned > 0 {
        write!(
            text,
            "\n{} of large files may lie open in the object storage, because their number was never told (a crash, a lost \
             answer): OpenIM has no call that closes them; in MinIO `mc rm --incomplete --recursive --force \
             STORE/BUCKET/openim/data/hash/` does, when nobody uploads",
            plural(orphaned, "upload", "uploads")
        )
        .expect("text takes all");
    }
    write!(text, "\nAll of them are listed in {}.", dir.join(LIST).display()).expect("text takes all");
    text
}

/// A job whose messages are on their way has the files that it began with; of those that waited for their messages so
/// many were uploaded now, and so many are left.
pub(super) fn begun(lost: usize, (uploaded, left): (u64, u64)) -> String {
    let mut begun =
        "The job has begun: the files of its messages are those of its beginning; --add takes more."
            .to_owned();
    if uploaded > 0 {
        write!(begun, " {} uploaded ahead of the messages.", plural(uploaded, "file was", "files were"))
            .expect("text takes all");
    }
    if left > 0 {
        write!(begun, " {} left: the same command goes on.", plural(left, "file is", "files are"))
            .expect("text takes all");
    }
    match lost as u64 {
        0 => begun,
        n => format!(
            "{begun} {} lost in the storage: name the SOURCE, and what is lost is uploaded again.",
            plural(n, "file is", "files are")
        ),
    }
}

/// Stopped before the files of the messages were there.
pub(super) fn left_before_sending(left: u64) -> String {
    format!(
        "{} of these messages not uploaded yet, and no message goes out before its files: the same command goes on",
        plural(left, "file is", "files are")
    )
}

/// Files can't be uploaded that were there when their messages were given addresses.
pub(super) fn cannot_be_shown(refused: &[(String, String)], begun: bool) -> String {
    let mut text = format!(
        "{} that these messages show can't be uploaded any more:",
        plural(refused.len() as u64, "file", "files")
    );
    for (file, why) in refused.iter().take(SHOWN) {
        write!(text, "\n  {file}: {why}").expect("text takes all");
    }
    if refused.len() > SHOWN {
        write!(text, "\n  and {} more", count((refused.len() - SHOWN) as u64)).expect("text takes all");
    }
    text.push_str(if begun {
        "\nNothing was sent by this command. Once the files are where they were, it goes on; `--only` sends other \
         conversations meanwhile; `media` gives up what is gone, and then these messages go out with addresses \
         that lead nowhere until `media` finds the files again"
    } else {
        "\nNothing was sent. `run --media` looks at all files anew, and what is missing is left to `without_link` in [media]"
    });
    text
}

/// How many of the lost are there again, and why the others are not.
pub(super) fn restored(lost: usize, still: &[MediaObject]) -> String {
    let mut text = format!(
        "The job has begun: the files of its messages are those of its beginning; --add takes more. Of {} {} there again.",
        plural(lost as u64, "file that was lost", "files that were lost"),
        plural((lost - still.len()) as u64, "is", "are")
    );
    for object in still.iter().take(SHOWN) {
        let why = match object.state {
            ObjectState::Refused => &object.why,
            _ => "is not there, and no file of the export has its bytes any more",
        };
        write!(text, "\n  {} {why}", object.url).expect("text takes all");
    }
    text
}

/// What becomes of pictures of users and groups.
fn faces(counts: media::Counts, text: &mut String) {
    let media::Counts { faces, faces_left, .. } = counts;
    if faces + faces_left > 0 {
        write!(text, " Pictures of users and groups: {} move with them", count(faces))
            .expect("text takes all");
        if faces_left > 0 {
            write!(
                text,
                ", {} can't be had and keep the address they have, if they have one",
                count(faces_left)
            )
            .expect("text takes all");
        }
        text.push('.');
    }
}

fn problems(problems: &[MediaFile], text: &mut String) {
    if problems.is_empty() {
        return;
    }
    write!(
        text,
        "\n{} can't be uploaded; `without_link` in [media] decides what stands for them:",
        count(problems.len() as u64)
    )
    .expect("text takes all");
    for file in problems.iter().take(SHOWN) {
        let key = crate::finding::shorten(&file.key);
        write!(text, "\n  {key} ({}): {}", file.problem.as_deref().unwrap_or_default(), file.why)
            .expect("text takes all");
    }
    if problems.len() > SHOWN {
        write!(text, "\n  and {} more", count((problems.len() - SHOWN) as u64)).expect("text takes all");
    }
}
