//! Several job folders as one: the shards of an export, all of them, each once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::prepare::job_failure;
use super::{Exit, Failure, intake};
use crate::after::AGAIN;
use crate::config::JobsArgs;
use crate::job::{Job, JobReader, Shard};

/// The folders that were named, each once; the usual one where none was.
pub(super) fn folders(context: &Context, args: &JobsArgs) -> Result<Vec<PathBuf>, Failure> {
    if args.jobs.is_empty() {
        return Ok(vec![context.job()]);
    }
    // Before any is opened: who has a job for himself would meet himself in it.
    match given_twice(&args.jobs) {
        Some(text) => Err(Failure::new(Exit::Usage, text)),
        None => Ok(args.jobs.clone()),
    }
}

/// That two of them are one folder, however they are written. What can't be looked at is none: opening it says why.
fn given_twice(dirs: &[PathBuf]) -> Option<String> {
    let mut known: HashMap<PathBuf, &Path> = HashMap::with_capacity(dirs.len());
    for dir in dirs {
        let is = fs_err::canonicalize(dir).unwrap_or_else(|_| dir.clone());
        let Some(first) = known.insert(is, dir) else { continue };
        let (first, dir) = (first.display(), dir.display());
        let how = if first.to_string() == dir.to_string() {
            format!("`{dir}` is given twice")
        } else {
            format!("`{first}` and `{dir}` are the same folder, given twice")
        };
        return Some(format!("{how}: name the folder of each shard once"));
    }
    None
}

/// Looks into them, also while they are worked with.
pub(super) fn observe(context: &Context, args: &JobsArgs) -> Result<Vec<JobReader>, Failure> {
    let readers = folders(context, args)?.iter().map(|dir| Job::observe(dir)).collect::<Result<Vec<_>, _>>();
    let readers = readers.map_err(job_failure)?;
    are_one(&readers)?;
    let mut numbered = Vec::with_capacity(readers.len());
    for reader in readers {
        numbered.push((reader.shard().map_err(job_failure)?, reader));
    }
    numbered.sort_by_key(|(shard, _)| *shard);
    Ok(numbered.into_iter().map(|(_, reader)| reader).collect())
}

/// Refuses jobs that are not all the shards of one export. One job alone is what it is.
pub(super) fn are_one(readers: &[JobReader]) -> Result<(), Failure> {
    if readers.len() < 2 {
        return Ok(());
    }
    let mut parts = Vec::with_capacity(readers.len());
    for reader in readers {
        parts.push(Part::of(reader)?);
    }
    check(&parts).map_err(|(exit, text)| Failure::new(exit, text))
}

/// What a pass read: its settings, and the size and fingerprint of each source.
type Read = (String, Vec<(u64, [u8; 32])>);

/// What tells whether jobs belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    dir: String,
    shard: Shard,
    /// By pass; what goes out once more is none.
    passes: Vec<Read>,
    /// It is being read just now.
    is_being_read: bool,
}

impl Part {
    fn of(reader: &JobReader) -> Result<Self, Failure> {
        let mut part = Self {
            dir: reader.dir().display().to_string(),
            shard: reader.shard().map_err(job_failure)?,
            passes: Vec::new(),
            is_being_read: false,
        };
        for pass in reader.passes().map_err(job_failure)?.into_iter().filter(|pass| pass.settings != AGAIN) {
            part.is_being_read |= !pass.ready;
            let sources = reader.sources(pass.no).map_err(job_failure)?;
            let sources = sources.into_iter().map(|source| (source.bytes, source.sha256)).collect();
            part.passes.push((intake::without_uploads(&pass.settings).to_owned(), sources));
        }
        part.is_being_read |= part.passes.is_empty();
        Ok(part)
    }
}

/// Pure: why these are not one export, and the exit code that goes with it.
fn check(parts: &[Part]) -> Result<(), (Exit, String)> {
    let wrong = |text: String| Err((Exit::Usage, text));
    let Some(first) = parts.first() else { return Ok(()) };
    for (n, part) in parts.iter().enumerate() {
        let (dir, shard) = (&part.dir, part.shard);
        if shard.is_whole() {
            return wrong(format!(
                "the job in `{dir}` is no shard: several folders are looked at as one export"
            ));
        }
        if shard.of() != first.shard.of() {
            let (other, of) = (&first.dir, first.shard);
            return wrong(format!("`{other}` is shard {of} and `{dir}` shard {shard}: these are no set"));
        }
        if let Some(twice) = parts[..n].iter().find(|other| other.shard == shard) {
            return wrong(format!("shard {shard} is there twice: `{}` and `{dir}`", twice.dir));
        }
    }
    let all = (1..=first.shard.of()).filter_map(|no| Shard::new(no, first.shard.of()));
    let missing: Vec<String> = all
        .filter(|shard| parts.iter().all(|part| part.shard != *shard))
        .map(|shard| shard.to_string())
        .collect();
    match missing.as_slice() {
        [] => {}
        [one] => return wrong(format!("shard {one} is missing: name the folders of all of them")),
        some => {
            return wrong(format!("shards {} are missing: name the folders of all of them", some.join(", ")));
        }
    }
    if let Some(part) = parts.iter().find(|part| part.is_being_read) {
        let text = format!("shard {} in `{}` has not read its export yet", part.shard, part.dir);
        return Err((Exit::Unfinished, text));
    }
    for part in &parts[1..] {
        if let Some(difference) = difference(&first.passes, &part.passes) {
            return wrong(format!("`{}` is of another export than `{}`: {difference}", part.dir, first.dir));
        }
    }
    Ok(())
}

fn difference(one: &[Read], other: &[Read]) -> Option<String> {
    for (no, ((settings, sources), (other_settings, other_sources))) in (1..).zip(one.iter().zip(other)) {
        if sources != other_sources {
            return Some(format!("the sources of pass {no} are not the same"));
        }
        if settings != other_settings {
            return Some(format!("pass {no} was made with another configuration"));
        }
    }
    (one.len() != other.len()).then(|| format!("it has {} passes and not {}", other.len(), one.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Part);

    fn parts(shards: &[&str]) -> Vec<Part> {
        let part = |(n, shard): (usize, &&str)| Part {
            dir: format!("job-{n}"),
            shard: shard.parse().unwrap(),
            passes: vec![("settings".to_owned(), vec![(7, [1; 32])])],
            is_being_read: false,
        };
        shards.iter().enumerate().map(part).collect()
    }

    fn refused(parts: &[Part]) -> String {
        check(parts).unwrap_err().1
    }

    #[test]
    fn a_set_is_all_shards_each_once() {
        assert_eq!(check(&parts(&["2/3", "1/3", "3/3"])), Ok(()));
        for (shards, said) in [
            (&["1/3", "3/3"][..], "shard 2/3 is missing"),
            (&["3/4", "2/4"], "shards 1/4, 4/4 are missing"),
            (&["1/2", "2/2", "1/2"], "shard 1/2 is there twice: `job-0` and `job-2`"),
            (&["1/2", "2/3"], "these are no set"),
            (&["1/2", "1/1"], "`job-1` is no shard"),
        ] {
            assert!(refused(&parts(shards)).contains(said), "{shards:?}: {}", refused(&parts(shards)));
        }
    }

    #[test]
    fn a_set_is_of_one_export() {
        let with = |change: fn(&mut Part)| {
            let mut parts = parts(&["1/2", "2/2"]);
            change(&mut parts[1]);
            parts
        };
        let others: [(Change, &str); 4] = [
            (|part| part.passes[0].1[0].1 = [2; 32], "sources of pass 1"),
            (|part| part.passes[0].0.push('!'), "another configuration"),
            (|part| part.passes.push(part.passes[0].clone()), "2 passes and not 1"),
            (|part| part.passes[0].1.clear(), "sources of pass 1"),
        ];
        for (change, said) in others {
            let text = refused(&with(change));
            assert!(text.contains("another export") && text.contains(said), "{text}");
        }
        let (exit, text) = check(&with(|part| part.is_being_read = true)).unwrap_err();
        assert!(exit == Exit::Unfinished && text.contains("has not read its export yet"), "{text}");
    }
}
