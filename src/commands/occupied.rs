//! `check --api URL --archive … --behind …`: what becomes of conversations in which people have written later than their
//! history begins. What is chosen is written down as a mapping that every later preparation follows.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::check::CheckArgs;
use super::context::{Context, note};
use super::prepare::{job_failure, now};
use super::server::exit_of;
use super::{Exit, Failure, OrFail};
use crate::before::{Occupied, PreflightError, archive_groups};
use crate::config::ImportFile;
use crate::job::{Job, JobReader};
use crate::mapping::occupied::{Archive, Table, Way, archive_id};
use crate::message::{ConversationId, SendTime};
use crate::openim::Client;
use crate::report::plural;

/// The table, where the configuration names none.
const USUAL_TABLE: &str = "occupied.csv";
/// Stands for all of them.
const ALL: &str = "all";

/// Over the options of that kind, in every command.
pub(super) const HEADING: &str = "Conversations in which people have written already";

/// What becomes of conversations in which people have written already (`would-not-scroll`).
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = HEADING)]
pub struct WayArgs {
    /// Give their history an archive: a group of its own beside the conversation, with the same members and a name that
    /// says so, which `provision` makes; `all`, or such as `si_alice_bob`, `sg_team`
    #[arg(long, value_name = "CONVERSATION|all", value_delimiter = ',', requires = "api")]
    pub archive: Vec<String>,
    /// Send their history behind what people wrote, with times after that and its own in `ex`
    #[arg(long, value_name = "CONVERSATION|all", value_delimiter = ',', requires = "api")]
    pub behind: Vec<String>,
}

/// Which of the ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Archive,
    Behind,
}

impl WayArgs {
    /// Whether anything was chosen.
    pub(super) fn are_given(&self) -> bool {
        !self.archive.is_empty() || !self.behind.is_empty()
    }

    /// Finds a place for those that were chosen.
    pub(super) async fn find(
        &self,
        client: &Client,
        job: &JobReader,
        occupied: &[Occupied],
    ) -> Result<Vec<(ConversationId, Way)>, Failure> {
        let chosen = self.choose(occupied).map_err(|text| Failure::new(Exit::Usage, text))?;
        let wanted: Vec<Occupied> = of(&chosen, Choice::Archive).cloned().collect();
        let groups = archive_groups(client, job, &wanted).await.map_err(|error| match error {
            PreflightError::Call(error) => Failure { exit: exit_of(&error), error: error.into() },
            PreflightError::Job(error) => job_failure(error),
        })?;
        let archives = wanted.into_iter().zip(groups).map(|(one, group)| {
            let id = archive_id(&one.conversation);
            let archive = Archive { group: id, name: group.name, owner: group.owner, members: group.members };
            Ok((one.conversation, Way::Archive(archive)))
        });
        let behind = of(&chosen, Choice::Behind).map(|one| {
            let after = after(one, now()).map_err(|text| Failure::new(Exit::Preflight, text))?;
            Ok((one.conversation.clone(), Way::Behind(after)))
        });
        archives.chain(behind).collect()
    }

    fn choose<'a>(&self, occupied: &'a [Occupied]) -> Result<Vec<(&'a Occupied, Choice)>, String> {
        let lists = [(&self.archive, Choice::Archive), (&self.behind, Choice::Behind)];
        for name in self.archive.iter().chain(&self.behind).filter(|name| *name != ALL) {
            if !occupied.iter().any(|one| one.conversation.as_str() == name) {
                return Err(format!(
                    "`{name}` is none of the conversations in which people have written later than their history begins; \
                     nothing was written down"
                ));
            }
            if self.archive.contains(name) && self.behind.contains(name) {
                return Err(format!("`{name}` is named for both ways: choose one"));
            }
        }
        let of_all = lists.map(|(names, _)| names.iter().any(|name| name == ALL));
        if of_all == [true, true] {
            return Err("`all` is named for both ways: choose one".to_owned());
        }
        let choice = |one: &Occupied| {
            let named = |names: &[String]| names.iter().any(|name| name == one.conversation.as_str());
            let named = lists.iter().find(|(names, _)| named(names));
            let all = lists.iter().find(|(names, _)| names.iter().any(|name| name == ALL));
            named.or(all).map(|(_, choice)| *choice)
        };
        Ok(occupied.iter().filter_map(|one| choice(one).map(|choice| (one, choice))).collect())
    }
}

fn of<'a>(chosen: &'a [(&'a Occupied, Choice)], choice: Choice) -> impl Iterator<Item = &'a Occupied> {
    chosen.iter().filter(move |(_, its)| *its == choice).map(|(one, _)| *one)
}

/// After which time a history is sent. It has to end before now, a millisecond a message: what people write next would
/// stand behind newer messages otherwise.
fn after(one: &Occupied, now: SendTime) -> Result<SendTime, String> {
    let name = &one.conversation;
    let Some(newest) = one.newest else {
        return Err(format!(
            "{name}: the end of what people have written can't be read yet, so there is no time to send its history behind \
             it: try again, or give it an archive"
        ));
    };
    let end = newest.0.saturating_add_unsigned(one.messages);
    if end >= now.0 {
        let seconds = (end - now.0) / 1000 + 1;
        return Err(format!(
            "{name}: the times of {} behind what was written there last would reach into the future, and what people \
             write next would be lost in them: try again in {seconds} s, or give it an archive",
            plural(one.messages, "message", "messages")
        ));
    }
    Ok(newest)
}

/// The sources are read anew with what is chosen, so they have to be known, and nothing may have been sent.
pub(super) fn refuse_what_has_begun(context: &Context, args: &CheckArgs) -> Result<(), Failure> {
    if args.source.sources.is_empty() && !context.file.names_sources() {
        let text = "--archive and --behind have the export read anew: name the SOURCE as well";
        return Err(Failure::new(Exit::Usage, text));
    }
    let dir = context.job();
    let job = match Job::observe(&dir) {
        Ok(job) => job,
        Err(crate::job::JobError::NoJob(_)) => return Ok(()),
        Err(error) => return Err(job_failure(error)),
    };
    if !args.add
        && job.standing().map_err(job_failure)?.passed == 0
        && job.runs().map_err(job_failure)?.is_empty()
    {
        return Ok(());
    }
    let text = format!(
        "the job `{}` has begun, and what it has sent stays where it is. Choose with another job: `check SOURCE --job NEW \
         --api URL --archive …`; then `adopt SOURCE --job NEW` finds out what is there already, and `run --job NEW` sends the \
         rest. A conversation that is partly sent is taken back first: `undo --only` it here",
        dir.display()
    );
    Err(Failure::new(Exit::Usage, text))
}

/// Adds these to the table, and sees to it that the configuration names it. Returns the configuration.
pub(super) fn write(context: &Context, ways: Vec<(ConversationId, Way)>) -> Result<PathBuf, Failure> {
    let named = context.file.occupied.table.clone();
    let path = named.clone().unwrap_or_else(|| context.beside_configuration(USUAL_TABLE));
    let mut table = if path.exists() { Table::read(&path).or_fail(Exit::Usage)? } else { Table::default() };
    let is_archive = |way: &Way| matches!(way, Way::Archive(_));
    let archives = ways.iter().filter(|(_, way)| is_archive(way)).count() as u64;
    let behind = ways.len() as u64 - archives;
    for (conversation, way) in ways {
        table.insert(conversation, way);
    }
    table.write(&path).or_fail(Exit::Usage)?;
    let config = context.configuration();
    if named.is_none() {
        name_table(&config, &path)?;
    }
    let mut said = Vec::new();
    if archives > 0 {
        said.push(plural(
            archives,
            "history goes into an archive of its own",
            "histories go into archives of their own",
        ));
    }
    if behind > 0 {
        said.push(format!("{} behind what people wrote", plural(behind, "goes", "go")));
    }
    note(&format!(
        "{}: written into {}, which {} names. Names of archives can be changed there before `provision` makes them. The \
         export is read anew.",
        said.join(", "),
        path.display(),
        config.display()
    ))?;
    Ok(config)
}

/// Has the configuration name the table; whatever else stands there stays as it is.
fn name_table(config: &Path, table: &Path) -> Result<(), Failure> {
    let text =
        if config.exists() { fs_err::read_to_string(config).or_fail(Exit::Usage)? } else { String::new() };
    let new = with_table(&text, table);
    let is_named =
        ImportFile::parse(config, &new).is_ok_and(|file| file.occupied.table.as_deref() == Some(table));
    if !is_named {
        let text = format!(
            "{}: write `table = {}` under [occupied] there, and give the same command again",
            config.display(),
            quoted(table)
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    replace(config, &new).or_fail(Exit::Usage)
}

/// In one step, with the mode that it had; a new one is its owner's alone.
fn replace(config: &Path, text: &str) -> io::Result<()> {
    let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(text.as_bytes())?;
    if config.exists() {
        beside.as_file().set_permissions(fs_err::metadata(config)?.permissions())?;
    }
    beside.as_file().sync_all()?;
    beside.persist(config)?;
    Ok(())
}

/// The text with the key in its section, which is made where there is none.
fn with_table(text: &str, table: &Path) -> String {
    let key = format!("table = {}", quoted(table));
    let is_head = |line: &str| line.split('#').next().unwrap_or_default().trim() == "[occupied]";
    if !text.lines().any(is_head) {
        let gap = if text.is_empty() {
            ""
        } else if text.ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        return format!(
            "{text}{gap}[occupied]                      # conversations in which people have written before their history came\n{key}\n"
        );
    }
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(line);
        out.push('\n');
        if is_head(line) {
            out.push_str(&key);
            out.push('\n');
        }
    }
    out
}

fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Peers;
    use crate::message::{GroupId, UserId};

    fn occupied(name: &str, newest: Option<i64>) -> Occupied {
        Occupied {
            conversation: ConversationId(name.into()),
            peers: name.strip_prefix("sg_").map_or_else(
                || Peers::Single(UserId("a".into()), UserId("b".into())),
                |group| Peers::Group(GroupId(group.into())),
            ),
            newest: newest.map(SendTime),
            until: SendTime(0),
            messages: 100,
        }
    }

    fn args(archive: &[&str], behind: &[&str]) -> WayArgs {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        WayArgs { archive: names(archive), behind: names(behind) }
    }

    #[test]
    fn what_is_named_wins_over_all() {
        let all = [occupied("si_a_b", Some(1)), occupied("sg_g", Some(1)), occupied("sg_h", Some(1))];
        let chosen = |args: &WayArgs| {
            let chosen = args.choose(&all)?;
            let names =
                |choice| of(&chosen, choice).map(|one| one.conversation.0.clone()).collect::<Vec<_>>();
            Ok::<_, String>((names(Choice::Archive), names(Choice::Behind)))
        };
        let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            chosen(&args(&["all"], &["sg_g"])).unwrap(),
            (strings(&["si_a_b", "sg_h"]), strings(&["sg_g"]))
        );
        assert_eq!(chosen(&args(&["sg_h"], &[])).unwrap(), (strings(&["sg_h"]), strings(&[])));
        assert!(chosen(&args(&["sg_x"], &[])).unwrap_err().contains("`sg_x` is none of"));
        assert!(chosen(&args(&["all"], &["all"])).unwrap_err().contains("both ways"));
        assert!(chosen(&args(&["sg_g"], &["sg_g"])).unwrap_err().contains("both ways"));
    }

    #[test]
    fn behind_never_reaches_into_the_future() {
        assert_eq!(after(&occupied("sg_g", Some(1_000)), SendTime(1_101)), Ok(SendTime(1_000)));
        let soon = after(&occupied("sg_g", Some(1_000)), SendTime(1_100)).unwrap_err();
        assert!(soon.contains("try again in 1 s"), "{soon}");
        assert!(after(&occupied("sg_g", None), SendTime(5_000)).unwrap_err().contains("can't be read yet"));
    }

    #[test]
    fn the_configuration_names_the_table_and_keeps_all_else() {
        let table = Path::new("occupied.csv");
        for text in [
            "",
            "job = \"a.job\"",
            "job = \"a.job\"\n\n[time] # times\nequal = \"keep\"\n",
            "[occupied]     # as the example has it\n#table = \"occupied.csv\"\n[time]\nequal = \"keep\"\n",
            include_str!("../../config.example.toml"),
        ] {
            let new = with_table(text, table);
            let file = ImportFile::parse(Path::new("x"), &new).unwrap();
            assert_eq!(file.occupied.table.as_deref(), Some(table), "{new}");
            assert!(text.lines().all(|line| new.contains(line)), "{new}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn whoever_could_not_read_the_configuration_still_can_not() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("import.toml");
        let mode = || fs_err::metadata(&config).unwrap().permissions().mode() & 0o777;
        replace(&config, "a = 1").unwrap();
        assert_eq!(mode(), 0o600);
        for kept in [0o600, 0o640, 0o644] {
            fs_err::set_permissions(&config, Permissions::from_mode(kept)).unwrap();
            replace(&config, "a = 2").unwrap();
            assert_eq!((mode(), &*fs_err::read_to_string(&config).unwrap()), (kept, "a = 2"));
        }
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
    }
}
