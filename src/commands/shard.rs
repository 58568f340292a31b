//! `--shard`: one of several jobs that an export is spread over (docs/scale.md).

use std::num::NonZeroU32;

use clap::Args;

use super::prepare::job_failure;
use super::{Exit, Failure};
use crate::config;
use crate::job::{Job, JobReader, Shard};

/// Which part of the export.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ShardArgs {
    /// Only the conversations of one of several jobs that share nothing, such as `3/16` for the third of sixteen; each
    /// reads the whole export. `auto/16` takes the number from `JOB_COMPLETION_INDEX`, which counts from 0 (docs/scale.md)
    #[arg(long, value_name = "N/OF", value_parser = parse)]
    pub shard: Option<Shard>,
}

/// `3/16`, or `auto/16`.
fn parse(text: &str) -> Result<Shard, String> {
    match text.strip_prefix("auto/") {
        Some(of) => numbered(config::completion_index().as_deref(), of),
        None => text.parse(),
    }
}

/// The shard with the number that a scheduler gave.
fn numbered(index: Option<&str>, of: &str) -> Result<Shard, String> {
    let index = index.ok_or("there is no JOB_COMPLETION_INDEX: write the number, as in `3/16`")?;
    let no = index.trim().parse::<u32>().ok().and_then(|index| index.checked_add(1));
    let no = no.ok_or_else(|| format!("JOB_COMPLETION_INDEX is `{index}`, which is no number"))?;
    format!("{no}/{of}").parse().map_err(|_| {
        format!("JOB_COMPLETION_INDEX is {index}: there is no such shard of {of}; `completions` has to be {of} as well")
    })
}

/// Makes the job the shard that was asked for; refuses to go on with one as another.
pub(super) fn settle(job: &mut Job, asked: Option<Shard>) -> Result<Shard, Failure> {
    let known = job.shard().map_err(job_failure)?;
    let Some(asked) = asked.filter(|asked| *asked != known) else { return Ok(known) };
    if job.reader().and_then(|reader| reader.passes()).map_err(job_failure)?.is_empty() {
        job.be_shard(asked).map_err(job_failure)?;
        return Ok(asked);
    }
    let is = if known.is_whole() { "a whole export".to_owned() } else { format!("shard {known}") };
    let text = format!(
        "the job in `{}` is {is}, and stays that: name another folder with --job for shard {asked}",
        job.dir().display()
    );
    Err(Failure::new(Exit::Usage, text))
}

/// Refuses what is done once for all shards and not by each.
pub(super) fn refuse(shard: Option<Shard>, text: &'static str) -> Result<(), Failure> {
    match shard {
        Some(shard) if !shard.is_whole() => Err(Failure::new(Exit::Usage, text)),
        _ => Ok(()),
    }
}

/// Why a shard uploads no files.
pub(super) const NO_MEDIA: &str = "the files of an export are uploaded once, and not by each shard: `media SOURCE --job \
    media.job` first, then give each shard a copy of that folder as its --job (docs/scale.md); nothing was sent";

/// A shard's part of `--rate`.
pub(super) fn share(rate: Option<NonZeroU32>, shard: Shard) -> Result<Option<NonZeroU32>, Failure> {
    let Some(rate) = rate else { return Ok(None) };
    let part = shard.share(rate).ok_or_else(|| {
        let text = format!("{rate} messages a second are less than one for each of {} shards", shard.of());
        Failure::new(Exit::Usage, text)
    })?;
    Ok(Some(part))
}

/// The verdict, and whose it is where that is one shard alone: it says nothing of the others.
pub(super) fn said(readers: &[JobReader], verdict: String) -> Result<String, Failure> {
    let [reader] = readers else { return Ok(verdict) };
    Ok(match in_words(reader)? {
        Some(shard) => format!("Of {shard}: {verdict}"),
        None => verdict,
    })
}

/// `shard 3/16`, where it is one.
pub(super) fn in_words(reader: &JobReader) -> Result<Option<String>, Failure> {
    let shard = reader.shard().map_err(job_failure)?;
    Ok((!shard.is_whole()).then(|| format!("shard {shard}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduler_counts_from_zero() {
        assert_eq!(numbered(Some("0"), "4"), Ok(Shard::new(1, 4).unwrap()));
        assert_eq!(numbered(Some("3"), "4"), Ok(Shard::new(4, 4).unwrap()));
        for (index, said) in [
            (Some("4"), "no such shard of 4"),
            (Some("x"), "no number"),
            (Some("4294967295"), "no number"),
            (None, "no JOB_COMPLETION_INDEX"),
        ] {
            assert!(numbered(index, "4").unwrap_err().contains(said), "{index:?}");
        }
    }
}
