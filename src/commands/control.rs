//! `control`: one word to a run under way; and the endpoint that hears it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::context::{Context, note, print};
use super::{Exit, Failure, OrFail};
use crate::config::{ImportSection, parse_loopback};
use crate::control::{self, ADDRESS, Desk, Endpoint, VERBS, Verb};
use crate::report::{count, duration, percent, plural};

/// `control`.
#[derive(Debug, Args)]
pub struct ControlArgs {
    /// What to do: pause, resume, `rate 200/s` (or `off`), `connections 8`, `max-lag 1s` (or `off`), `schedule off` (or
    /// `on`), drain, status
    #[arg(value_name = "VERB", required = true, num_args = 1..=2)]
    pub verb: Vec<String>,
}

/// How a run is watched and changed from outside.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "While it runs")]
pub struct EndpointArgs {
    /// Listen on a loopback port for `openim-import control`; what opens it stands in the job's folder
    #[arg(long)]
    pub control: bool,
    /// The same with a page to watch and control the run in a browser; it stays after the run, on a terminal, until it
    /// is closed [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:0", value_parser = loopback)]
    pub ui: Option<SocketAddr>,
}

impl EndpointArgs {
    /// Flags win over the file.
    pub(super) fn or(&self, file: &ImportSection) -> Self {
        Self { control: self.control || file.control, ui: self.ui.or(file.ui) }
    }

    fn address(&self) -> Option<SocketAddr> {
        self.ui.or_else(|| self.control.then(|| SocketAddr::from(([127, 0, 0, 1], 0))))
    }

    /// Opens it, if it is asked for.
    pub(super) async fn open(&self, context: &Context, desk: &Desk) -> Result<Option<Endpoint>, Failure> {
        let Some(address) = self.address() else { return Ok(None) };
        let (desk, board) = (desk.clone(), context.board.clone());
        let endpoint = Endpoint::open(address, self.ui.is_some(), desk, board).await;
        let endpoint = endpoint
            .map_err(|error| Failure::new(Exit::Usage, format!("can't listen on {address}: {error}")))?;
        if self.ui.is_some() {
            note(&format!("watch it at {}", endpoint.url()))?;
        }
        Ok(Some(endpoint))
    }
}

/// An address that nobody else can reach; what stands behind a plain `--ui` is taken for one.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    parse_loopback(text).map_err(|error| match text.parse::<SocketAddr>() {
        Ok(_) => error,
        Err(_) => format!("{error}, or put a plain `--ui` behind everything else"),
    })
}

/// The command.
pub(super) fn control(context: &Context, args: &ControlArgs) -> Result<Exit, Failure> {
    let text = args.verb.join(" ");
    let verb = match text.as_str() {
        "status" => None,
        text => Some(text.parse::<Verb>().map_err(|error| Failure::new(Exit::Usage, error))?),
    };
    let dir = context.job();
    let (address, token) =
        control::find(&dir).map_err(|_| nobody(&dir.join(ADDRESS).display().to_string()))?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().or_fail(Exit::Internal)?;
    let verb = verb.map(|verb| verb.to_string());
    let answer = runtime.block_on(control::ask(address, &token, verb.as_deref()));
    let (status, body) = answer.map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("nobody answers at {address} ({error}): the run has ended, or was killed"),
        )
    })?;
    let body: Value = serde_json::from_str(&body)
        .map_err(|_| Failure::new(Exit::Usage, format!("what answers at {address} is not this run")))?;
    if !status.is_success() {
        let said = body["error"].as_str().unwrap_or("it was refused").to_owned();
        return Err(Failure::new(Exit::Usage, said));
    }
    if context.json() {
        context.print_json(&body)?;
    } else if verb.is_some() {
        print(body["said"].as_str().unwrap_or_default())?;
    } else {
        print(&shown(&body))?;
    }
    Ok(Exit::Done)
}

fn nobody(address: &str) -> Failure {
    let text = format!(
        "no run of this job can be spoken to ({address} is not there): start it with `run --control` or `run --ui`. \
         `status` looks at the job itself, and a file named `pause` in its folder pauses any run"
    );
    Failure::new(Exit::Usage, text)
}

/// A state for people.
fn shown(state: &Value) -> String {
    let n = |name: &str| state[name].as_u64().unwrap_or(0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    if state["phase"] != "send" {
        let (done, total) = (n("done"), n("total"));
        let of = if total > 0 { format!(" of {}", count(total)) } else { String::new() };
        let far = format!(", {}{of} {}", count(done), text(&state["unit"]));
        lines.push(format!("{}{}", text(&state["doing"]), if done > 0 { far } else { String::new() }));
    }
    if state["phase"] == "send" || n("confirmed") > 0 {
        let passed = n("confirmed") + n("rejected");
        let average = state["pace"]["average"].as_f64().unwrap_or(0.0);
        lines.push(format!(
            "{} of {} confirmed ({}), {} in flight, {} pending, {} refused; {average:.0}/s on average",
            count(n("confirmed")),
            plural(n("messages"), "message", "messages"),
            percent(passed, n("messages")),
            count(n("in_flight")),
            count(n("pending")),
            count(n("rejected")),
        ));
    }
    if let Some(seconds) = state["eta"]["seconds"].as_f64().filter(|s| *s < 1e8) {
        let left = duration(Duration::from_secs_f64(seconds.max(0.0)));
        lines.push(format!("done about {} ({left} left)", text(&state["eta"]["at"])));
    }
    let settings = &state["settings"];
    let lag = settings["max_lag_ms"]
        .as_u64()
        .map_or_else(|| "any lag".to_owned(), |ms| format!("at most {ms} ms of lag above the idle server"));
    lines.push(format!(
        "holds: {}; at most {}; {lag}; timetable {}",
        text(&settings["holds"]),
        plural(settings["connections"].as_u64().unwrap_or(0), "call", "calls"),
        if settings["schedule"] == true { "counts" } else { "out of force" },
    ));
    let waiting = [&state["waiting"], &state["limit"]["text"]].map(text);
    let mut waiting: Vec<&str> = waiting.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    waiting.dedup();
    if !waiting.is_empty() {
        lines.push(waiting.join(" · "));
    }
    if let Some(verdict) = state["ended"]["verdict"].as_str() {
        lines.push(verdict.to_owned());
    }
    for (name, asked) in [("pause", "may I pause?"), ("switch", "may I switch over?")] {
        let answer = &state["advice"][name];
        let because: Vec<String> = answer["because"].as_array().into_iter().flatten().map(text).collect();
        lines.push(format!(
            "{asked} {}. {}",
            if answer["yes"] == true { "yes" } else { "no" },
            because.join(" ")
        ));
    }
    lines.push(format!("verbs: {VERBS}"));
    lines.join("\n")
}
