//! `report`: what a job has done, to show around.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::prepare::{job_failure, now};
use super::status::{document, figures, head, scroll};
use super::{Exit, Failure, OrFail, afterwards, output, verify, whole as shards};
use crate::after::{AfterError, ReceiptFormat, ReceiptWriter, write_receipts};
use crate::config::JobsArgs;
use crate::job::{Adding, JobReader, Sums, Which};
use crate::openim::Reason;
use crate::report::{self, Document, Facts};

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Whose.
    #[command(flatten)]
    pub jobs: JobsArgs,
    /// Write HTML to this file instead of text to standard output
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite it if it is there
    #[arg(long, requires = "html")]
    pub force: bool,
}

/// The object of `--json`: that of every command, and everything that the report says.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    summary: &'a report::Summary,
    /// Of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a Facts>,
    /// Of each shard of an export.
    #[serde(skip_serializing_if = "<[Facts]>::is_empty")]
    shards: &'a [Facts],
}

pub(super) fn report(context: &Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let readers = shards::observe(context, &args.jobs)?;
    let mut summary = report::Summary { command: "report", ..figures(&readers)? };
    let (document, facts) = match readers.as_slice() {
        [reader] => {
            let (document, facts) = whole(reader, &summary)?;
            (document, vec![facts])
        }
        all => of_shards(all, &summary)?,
    };
    summary.verdict.clone_from(&document.verdict);
    if let Some(path) = &args.html {
        let mut file = output::create(path, args.force)?;
        file.write_all(document.html().as_bytes()).or_fail(Exit::Internal)?;
        context.say(&format!("written to {}", path.display()))?;
    } else if !context.json() {
        context.say(&document.text())?;
    }
    if context.json() {
        let (report, shards) = match facts.as_slice() {
            [facts] => (Some(facts), [].as_slice()),
            all => (None, all),
        };
        context.print_json(&Told { summary: &summary, report, shards })?;
    } else if args.html.is_some() {
        context.end(&summary)?;
    }
    Ok(Exit::Done)
}

/// The report of a job, and what it was made of.
pub(super) fn whole(reader: &JobReader, summary: &report::Summary) -> Result<(Document, Facts), Failure> {
    let facts = gather(reader)?;
    let readers = std::slice::from_ref(reader);
    let tables = report::tables(&facts, scroll(readers));
    Ok((Document { tables, signed: true, ..head(readers, summary)? }, facts))
}

/// The report of all shards of an export, and what is known of each.
fn of_shards(readers: &[JobReader], summary: &report::Summary) -> Result<(Document, Vec<Facts>), Failure> {
    let mut document = document(readers, summary)?;
    document.signed = true;
    Ok((document, readers.iter().map(gather).collect::<Result<_, _>>()?))
}

fn gather(reader: &JobReader) -> Result<Facts, Failure> {
    let (sums, receipts) = added_up(reader).map_err(afterwards::failure)?;
    let known = report::Known {
        now: now().0,
        verified: verify::last(reader),
        sums,
        receipts,
        reason: &|name| Reason::from_name(name).map_or(("", ""), |reason| (reason.means(), reason.mend())),
    };
    report::gather(reader, known).map_err(job_failure)
}

/// The job in sums, and SHA-256 of what `receipts` writes; `None`: they can't be read any more. One walk gives both: of a long
/// history that is what a report takes.
fn added_up(reader: &JobReader) -> Result<(Sums, Option<[u8; 32]>), AfterError> {
    let mut sums = Adding::up(reader)?;
    let mut digest = Hashing(Sha256::new());
    if reader.is_purged()? {
        reader.walk(Which::All, |met| {
            sums.add(met);
            Ok::<_, AfterError>(())
        })?;
        let kept = write_receipts(reader, ReceiptFormat::Csv, &mut digest);
        return Ok((sums.end(), kept.ok().map(|_| digest.0.finalize().into())));
    }
    let mut receipts = ReceiptWriter::new(reader, ReceiptFormat::Csv, &mut digest);
    reader.walk(Which::All, |met| {
        sums.add(met);
        receipts.add(met)
    })?;
    receipts.end()?;
    Ok((sums.end(), Some(digest.0.finalize().into())))
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ConvNo, Durability, Job, Receipt, Step, Under, Write};
    use crate::message::{Message, Ordinal, Peer, Place, SendTime, Seq, SourceNo};
    use crate::prepare::few;

    fn message(n: i64) -> Message<'static> {
        Message {
            sender: "u1".into(),
            peer: Peer::User(["u2", "u3", "u4", "u5"][usize::try_from(n % 4).unwrap()].into()),
            nickname: "".into(),
            face_url: "".into(),
            platform: 1,
            content_type: 101,
            content: r#"{"content":"as people write"}"#.into(),
            send_time: SendTime(n),
            ex: "".into(),
            not_offline_push: true,
            online_only: false,
            offline_push_info: None,
            source_id: Some(n.to_string().into()),
            quote: None,
            place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
        }
    }

    fn confirmed(conv: ConvNo, messages: u64) -> Step {
        let receipts = (0..messages)
            .map(|n| {
                let ids = None;
                Receipt { ordinal: Ordinal(n), seq: Seq(n.cast_signed() + 1), ids, hidden: false }
            })
            .collect();
        Step {
            conv,
            cursor: Ordinal(messages),
            read_to: Seq(messages.cast_signed()),
            state: Under::Nothing,
            run: 1,
            receipts,
            rejects: Vec::new(),
            withdrawn: Vec::new(),
            doubles: Vec::new(),
            unseen: Vec::new(),
            overtaken: None,
        }
    }

    /// Sums and receipts each read all of them, one by one.
    #[tokio::test]
    async fn a_report_reads_each_text_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::create(dir.path()).unwrap();
        few(&mut job, &(0..2_000).map(message).collect::<Vec<_>>()).unwrap();
        let writer = job.writer().unwrap();
        let handle = writer.handle();
        for conversation in job.reader().unwrap().conversations(None, 9).unwrap() {
            let conversations = vec![(conversation.no, Seq(0))];
            handle.lazily(Write::Activate { run: 1, conversations }).await.unwrap();
            handle.lazily(Write::Step(Box::new(confirmed(conversation.no, 500)))).await.unwrap();
        }
        handle.surely(Write::Nothing, Durability::Written).await.unwrap();
        let reader = job.reader().unwrap();
        let facts = gather(&reader).unwrap();
        assert_eq!(facts.proof.confirmed, 2_000);
        let size = fs_err::metadata(dir.path().join("messages.spool")).unwrap().len();
        let (calls, bytes) = reader.texts_read();
        assert!(bytes <= size && calls * 100 < 2_000, "{calls} calls, {bytes} of {size} bytes");

        let mut digest = Hashing(Sha256::new());
        assert_eq!(write_receipts(&reader, ReceiptFormat::Csv, &mut digest).unwrap(), 2_000);
        assert_eq!(added_up(&reader).unwrap().1, Some(digest.0.finalize().into()));
    }
}
