//! `man`: the manual, made from the same types as the command line itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;
use roff::{Roff, bold, roman};

use super::{Exit, Failure, OrFail};
use crate::report::terminal;

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write the page of the program and one of each command into this folder, as `openim-import.1`,
    /// `openim-import-run.1`, … [default: that of the program, to standard output]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// What a section of the program's page has: names, and what each means.
type Section = (&'static str, &'static [(&'static str, &'static str)]);

const SECTIONS: &[Section] = &[
    (
        "EXIT STATUS",
        &[
            ("0", "Done and verified, or nothing to do."),
            ("1", "A defect of the program, or of the machine."),
            ("2", "Usage, configuration, or an address that can't be right."),
            ("3", "Done, with rejects: they stand in rejected.jsonl, with the reason of each."),
            ("4", "check found errors; nothing was sent."),
            (
                "5",
                "Unfinished, or not known: what is left is said; the same command goes on, or the verdict names the one that does.",
            ),
            ("6", "The preflight refused; nothing was sent."),
            ("7", "Login, or a certificate."),
            ("8", "Verification found a difference, or a conversation that can't be scrolled."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("OPENIM_API", "Address of the server, as --api."),
            ("OPENIM_ADMIN_USER", "The admin user, as --admin-user."),
            ("OPENIM_SECRET", "The server's secret; instead of it secret_file in import.toml."),
            ("OPENIM_TOKEN", "A ready token instead of the secret. It can't be renewed when it ends."),
            ("OPENIM_IMPORT_CONFIG", "The configuration, as --config."),
            ("OPENIM_IMPORT_JOB", "Folder of the job, as --job."),
            ("OPENIM_ACCOUNTS_API, OPENIM_CHAT_API", "The chat server, as --accounts-api and --chat-api."),
            ("OPENIM_CHAT_PASSWORD", "Password of the chat server's admin."),
            ("JOB_COMPLETION_INDEX", "The number of the shard, counted from 0, for --shard auto/16."),
        ],
    ),
    (
        "FILES",
        &[
            ("import.toml", "The configuration, written by init; config.example.toml explains every key."),
            ("import.job/", "The job: everything that is needed to go on, and to prove what was done."),
            ("import.job/findings.jsonl", "What check found, with file and line."),
            ("import.job/rejected.jsonl", "What was refused, to be mended by hand and sent by retry."),
            ("import.job/differences.jsonl", "What verify found."),
            ("import.job/report.html", "The report of the last run."),
            ("import.job/pause", "While this file is there, a run sends nothing."),
        ],
    ),
    (
        "EXAMPLES",
        &[
            ("openim-import init export/", "Look at an export, and write an import.toml for it."),
            ("openim-import check", "Read and check everything; sends nothing."),
            (
                "openim-import run --provision --canary 3",
                "Make who is missing, send three conversations, compare them, ask, and send the rest.",
            ),
            ("openim-import run", "Go on with what was interrupted."),
            (
                "openim-import verify --store --client",
                "Compare the server with the job, its store and the eye of users too.",
            ),
            ("openim-import run export/ --rehearse", "Everything against a server inside the program."),
        ],
    ),
];

pub(super) fn man(args: &ManArgs, whole: clap::Command) -> Result<Exit, Failure> {
    let Some(dir) = &args.dir else {
        program(whole, &mut terminal::data()).or_fail(Exit::Internal)?;
        return Ok(Exit::Done);
    };
    write_all(dir, whole).or_fail(Exit::Usage)?;
    Ok(Exit::Done)
}

/// A page for each command, and the program's own.
fn write_all(dir: &Path, whole: clap::Command) -> io::Result<()> {
    fs_err::create_dir_all(dir)?;
    clap_mangen::generate_to(whole.clone(), dir)?;
    program(whole, &mut fs_err::File::create(dir.join("openim-import.1"))?)
}

fn program(whole: clap::Command, to: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(whole);
    man.render_title(to)?;
    man.render_name_section(to)?;
    man.render_synopsis_section(to)?;
    man.render_description_section(to)?;
    man.render_options_section(to)?;
    man.render_subcommands_section(to)?;
    let mut roff = Roff::new();
    for (title, entries) in SECTIONS {
        roff.control("SH", [*title]);
        for (name, meaning) in *entries {
            roff.control("TP", []).text([bold(*name)]).text([roman(*meaning)]);
        }
    }
    roff.to_writer(to)?;
    man.render_version_section(to)
}
