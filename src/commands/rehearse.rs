//! `rehearse`: the rehearsal server on its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Exit, Failure, OrFail};
use crate::config::{parse_duration, rehearsal_chat_password, rehearsal_secret};
use crate::message::Release;
use crate::rehearsal::{AnswerTime, Capacity, CodeUse, Fault, Options, Server, Timing, Users};
use crate::report::terminal;

/// What there is to go wrong, for `rehearse --help`.
const FAULTS: &str = "\
Faults, with what each may be given. They strike at every occasion, unless `after=N`, `every=N`, `chance=0.01`
or `times=N` say otherwise; which ones follows from the seed. The same names are the keys of the JSON that
`POST /_rehearsal/faults` takes, with `kind` for the name.

 at calls of send_msg, or of `path=/…`, `*` for all:
  lose-answer                     processed, the connection closed without an answer
  close-before-body               closed at once
  close-after-body                closed, not processed
  proxy-error    status=502|503|504 processed=BOOL      HTML of a proxy
  too-many       retry-after=SECONDS                    429 with the recorded headers
  rate-limit     per-second=N                           the same for what exceeds the rate
  error-500                       processed, answered with 500
  hang           ms=N processed=BOOL                    no answer, then closed
  expire-token, kick-token        all tokens given out so far
  remove-user    user=ID
  remove-group   group=ID
  restart        down-ms=N kill=BOOL                    with its state; see laws 5 and 8
  night                           deletes what is older than a year (law 6)
 at batches in the second and third stage, of all conversations or of `conversation=ID`:
  lose-queue                      acknowledged, never stored
  repeat-queue   last=N           again, with the same ids (law 5)
  lose-store                      in the cache, never in the store (law 8)
  jump-seq       by=N             maxSeq jumps ahead (law 4)
  fall-back-seq  by=N             maxSeq falls back: slots are overwritten
  read-gap       ms=N             numbers first, messages later (law 3)
 at calls of the object store:
  cut-upload                      a PUT is cut off in its midst
  lose-put                        stored, the connection closed without an answer
  wrong-digest                    answered with the digest of something else
  expired-signature               403, as after a quarter of an hour
  slow-store     ms=N             each call takes that long
 all the time:
  store-off                       no object storage is set up
  store-away     ms=N             nobody reaches it; the server tries that long
  store-unreachable               its addresses are those of the stock configuration
  stall          of=N             one in so many partitions of the queue stands still, or conversation=ID
  slow           by=N             storing takes so many times as long
  live-traffic   per-second=N     others write in each conversation (law 12)
  users-act      per-second=N act=revoke|delete|clear|any   (law 13)

Control path, all of it JSON: GET /_rehearsal/audit, probe, log?conversation=ID, faults, objects; POST settle,
faults, now (a fault once, at once), clock {\"advance_ms\":N}, save, damage, revoke, delete, clear,
lose-object {\"name\":…}, forget-objects; DELETE faults[?id=N].
";

/// `rehearse`.
#[derive(Debug, Args)]
#[command(after_long_help = FAULTS)]
pub struct RehearseArgs {
    /// Address to listen on; port 0 takes any free one. Only a loopback address, unless --public says otherwise
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10002")]
    pub listen: SocketAddr,
    /// Which release to imitate
    #[arg(long, value_enum, default_value_t)]
    pub release: Release,
    /// Who exists
    #[arg(long, value_enum, default_value_t)]
    pub users: Users,
    /// Whatever is left to chance follows from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How long `send_msg` takes to answer, such as `5ms` or `0s` [default: as measured, by the number of callers]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub answer_time: Option<Duration>,
    /// How long a batch is collected [default: 100ms]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub batch_interval: Option<Duration>,
    /// From the first message of a batch to its being readable [default: 150ms, main 112ms]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub storing_lag: Option<Duration>,
    /// From there to the store [default: 500ms]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub store_lag: Option<Duration>,
    /// How long it remembers that a user does not have a conversation in his list, once it was asked [default: 1m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub unlisted_for: Option<Duration>,
    /// What storing costs: for each message, each conversation in a batch besides, and each that is begun, such as `2ms,2.6ms,20ms`;
    /// `none`: nothing, so that it is never the limit [default: as measured, `none` with --answer-time]
    #[arg(long, value_name = "TIME,TIME,TIME|measured|none", value_parser = parse_storing)]
    pub capacity: Option<Storing>,
    /// So many pairs of live users write twice a second, and measure how long their messages take (see the audit)
    #[arg(long, value_name = "PAIRS", num_args = 0..=1, default_missing_value = "3", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub live_probe: Option<u16>,
    /// Something that goes wrong, such as `lose-answer:chance=0.01` or `restart:kill=true,after=500`; may be
    /// repeated. --help lists them
    #[arg(long, value_name = "KIND[:KEY=VALUE,…]")]
    pub fault: Vec<Fault>,
    /// The admin user; its secret is `OPENIM_SECRET`, or openIM123 [default: imAdmin]
    #[arg(long, value_name = "USER", env = "OPENIM_ADMIN_USER")]
    pub admin_user: Option<String>,
    /// Let only friends write to each other
    #[arg(long)]
    pub friend_verify: bool,
    /// Count messages that are sent again, by what had become of them (150 bytes a message)
    #[arg(long)]
    pub watch_again: bool,
    /// Keep the state in this file over a restart
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Where the object store listens [default: any free port of the same address]
    #[arg(long, value_name = "ADDR")]
    pub store_listen: Option<SocketAddr>,
    /// Run a chat server too, with whose accounts apps log in; its admin listens at the port after this one. The admin's
    /// password is `OPENIM_CHAT_PASSWORD`, or chatAdmin
    #[arg(long, value_name = "ADDR")]
    pub chat_listen: Option<SocketAddr>,
    /// Which codes it takes: the fixed one, as delivered, or those that it sends, which nobody gets
    #[arg(long, value_name = "fixed|sent", value_parser = parse_codes, default_value = "fixed")]
    pub chat_codes: CodeUse,
    /// Keep the objects in this folder [default: beside --state, else as long as the server runs]
    #[arg(long, value_name = "DIR")]
    pub objects: Option<PathBuf>,
    /// Listen where others on the network can reach it
    #[arg(long)]
    pub public: bool,
}

/// What storing costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storing {
    /// As measured on the real server of that release.
    Measured,
    /// Nothing.
    Free,
    /// So much.
    Costs(Capacity),
}

fn parse_storing(text: &str) -> Result<Storing, String> {
    match text {
        "measured" => Ok(Storing::Measured),
        "none" => Ok(Storing::Free),
        other => {
            other.parse().map(Storing::Costs).map_err(|error| format!("{error}; or `measured`, or `none`"))
        }
    }
}

fn parse_codes(text: &str) -> Result<CodeUse, String> {
    match text {
        "fixed" => Ok(CodeUse::Fixed),
        "sent" => Ok(CodeUse::Sent),
        _ => Err("`fixed` or `sent`".to_owned()),
    }
}

impl RehearseArgs {
    fn capacity(&self) -> Option<Capacity> {
        match (self.capacity, self.answer_time) {
            (Some(Storing::Measured), _) | (None, None) => Some(Capacity::measured(self.release)),
            (Some(Storing::Costs(capacity)), _) => Some(capacity),
            (Some(Storing::Free), _) | (None, Some(_)) => None,
        }
    }

    fn options(&self) -> Options {
        let measured = Timing::measured(self.release);
        let usual = Options::new(self.release);
        Options {
            secret: rehearsal_secret().unwrap_or(usual.secret),
            admin: self.admin_user.clone().unwrap_or(usual.admin),
            users: self.users,
            seed: self.seed,
            state: self.state.clone(),
            store: self.store_listen,
            chat: self.chat_listen,
            chat_password: rehearsal_chat_password().unwrap_or(usual.chat_password),
            codes: self.chat_codes,
            objects: self.objects.clone(),
            faults: self.fault.clone(),
            capacity: self.capacity(),
            live_probe: self.live_probe.unwrap_or(0),
            friend_verify: self.friend_verify,
            watch_again: self.watch_again,
            timing: Timing {
                answer: self.answer_time.map_or(measured.answer, AnswerTime::Fixed),
                batch_interval: self.batch_interval.unwrap_or(measured.batch_interval),
                storing_lag: self.storing_lag.unwrap_or(measured.storing_lag),
                store_lag: self.store_lag.unwrap_or(measured.store_lag),
                unlisted_for: self.unlisted_for.unwrap_or(measured.unlisted_for),
            },
            ..usual
        }
    }
}

/// Runs until it is told to stop.
pub(super) fn rehearse(args: &RehearseArgs) -> Result<Exit, Failure> {
    let open = [Some(args.listen), args.store_listen, args.chat_listen]
        .into_iter()
        .flatten()
        .find(|addr| !addr.ip().is_loopback());
    if let Some(addr) = open.filter(|_| !args.public) {
        let text = format!("{addr} is no loopback address: add --public if others shall reach it");
        return Err(Failure::new(Exit::Usage, text));
    }
    let runtime = tokio::runtime::Runtime::new().or_fail(Exit::Internal)?;
    runtime.block_on(async {
        let running = Server::start(args.options(), args.listen).await.or_fail(Exit::Usage)?;
        terminal::say(&format!("listening on {}", running.url()));
        terminal::say(&format!("object store on {}", running.store_url()));
        for (who, url) in [("chat server", running.chat_url()), ("chat admin", running.chat_admin_url())] {
            if let Some(url) = url {
                terminal::say(&format!("{who} on {url}"));
            }
        }
        // Where it listens is all that it has to say: without that it is of no use to anybody.
        if terminal::all_said().is_err() {
            return Ok(Exit::Internal);
        }
        stop_signal().await.or_fail(Exit::Internal)?;
        running.stop().await.or_fail(Exit::Internal)?;
        Ok(Exit::Done)
    })
}

/// Returns at the first SIGINT or SIGTERM.
async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
