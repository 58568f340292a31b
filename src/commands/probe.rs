//! `check --probe`: what a server can store shows only when something is stored. Some hundred messages go into a
//! conversation of our own and are taken out of it again.

use std::path::Path;
use std::sync::Arc;

use super::context::{Context, note};
use super::prepare::{job_failure, now};
use super::{Exit, Failure, OrFail, afterwards, run, stop};
use crate::after;
use crate::import::{self, Dial, Ended, StopSignal};
use crate::job::Job;
use crate::message::{Message, Peer, Place, SendTime, SourceNo};
use crate::numbers::plural;
use crate::openim::Client;
use crate::pacing::night::{Part, Shape};
use crate::prepare::few;

/// Its job, in the folder of the other: a probe that was cut off is cleared up by the next one.
const FOLDER: &str = "probe.job";
/// Messages: some seconds, after those that the start takes. With 400 it was over before the server's pace was found, and on a
/// real server the forecast was too short by a factor of four.
const MESSAGES: i64 = 2_000;

/// Measures it: what was sent, and how long it took. The admin writes to himself, so nobody sees it; afterwards his
/// conversation is cut off.
pub(super) async fn probe(context: &Context, client: &Client, dir: &Path) -> Result<Part, Failure> {
    let folder = dir.join(FOLDER);
    let stop = stop::listen();
    if folder.exists() {
        clear(client, &folder, &stop).await?;
    }
    let mut job = Job::create(&folder).map_err(job_failure)?;
    let admin = client.admin_user();
    let first = now().0 - MESSAGES;
    let messages: Vec<Message<'_>> = (0..MESSAGES).map(|n| message(admin, first + n)).collect();
    few(&mut job, &messages).or_fail(Exit::Internal)?;
    note(&format!("probe: {MESSAGES} messages of `{admin}` to himself, which are taken back afterwards"))?;
    let settings = import::Settings {
        dial: Dial::at(context.file.import.rate.map(|rate| rate.0)),
        ..import::Settings::default()
    };
    let sent = import::run(settings, &mut job, client.clone(), stop.clone(), Arc::default()).await;
    drop(job);
    let cleared = clear(client, &folder, &stop).await;
    let sent = sent.map_err(run::failure)?;
    cleared?;
    if sent.ended != Ended::Done || sent.rejected > 0 {
        let text = match sent.rejected {
            0 => "the probe did not come to its end: nothing was measured".to_owned(),
            n => {
                let refused = plural(n, "message", "messages");
                format!("the probe measured nothing: the server refused {refused} of `{admin}` to himself")
            }
        };
        return Err(Failure::new(Exit::Unfinished, text));
    }
    Ok(Part { shape: Shape::of([sent.confirmed_now]), took: sent.took, measured: sent.measured })
}

/// Takes back what a probe has sent, and forgets it.
async fn clear(client: &Client, folder: &Path, stop: &StopSignal) -> Result<(), Failure> {
    let mut job = Job::open(folder).map_err(job_failure)?;
    must_be_the_same_server(&job, client, folder)?;
    if job.is_started().map_err(job_failure)? {
        let settings = after::Settings { stop: stop.at_once.clone(), ..after::Settings::default() };
        let undone = after::undo(client.clone(), &mut job, settings, false, |_| {}).await;
        let undone = undone.map_err(afterwards::failure)?;
        if undone.failed > 0 {
            let text = "not all messages of the probe could be taken back: the same command tries it again";
            return Err(Failure::new(Exit::Unfinished, text.to_owned()));
        }
    }
    drop(job);
    fs_err::remove_dir_all(folder).or_fail(Exit::Internal)
}

/// What a probe left on one server can't be taken back from another.
fn must_be_the_same_server(job: &Job, client: &Client, folder: &Path) -> Result<(), Failure> {
    let reader = job.reader().map_err(job_failure)?;
    let Some(api) = afterwards::sent_elsewhere(&reader, client)? else { return Ok(()) };
    let text = format!(
        "a probe of {api} was cut off, and its messages can be taken back there alone, with `check --api {} --probe`. Where that \
         is the same server under another name, or is no more, remove the folder `{}`: then they stay where they are",
        api.trim_end_matches('/'),
        folder.display()
    );
    Err(Failure::new(Exit::Usage, text))
}

/// As long as people write.
fn message(admin: &str, time: i64) -> Message<'_> {
    Message {
        sender: admin.into(),
        peer: Peer::User(admin.into()),
        nickname: "".into(),
        face_url: "".into(),
        platform: 10,
        content_type: 101,
        content: r#"{"content":"How fast is this server? This is taken back in a moment, and nobody has to read it."}"#
            .into(),
        send_time: SendTime(time),
        ex: "".into(),
        not_offline_push: true,
        online_only: false,
        offline_push_info: None,
        source_id: None,
        quote: None,
        place: Place { source: SourceNo(0), line: 1, byte: 0, part: 0 },
    }
}
