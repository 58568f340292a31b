//! Files that wait until the messages that show them are sent: no message goes out before its files are there.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use importer_buckets::Holder;
use importer_media::{Place, PlaceError, Places};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::context::Context;
use super::super::prepare::job_failure;
use super::super::{Exit, Failure, OrFail, server, stop};
use super::{
    AHEAD, Done, Outcome, UPLOAD, at_once, draw, gave_up, key, of_store, refused, runtime, store, words,
};
use crate::job::{At, Job, MediaBook, MediaObject, ObjectState};
use crate::media::{self, Open, Upload, Uploaded};
use crate::message::ConversationId;
use crate::openim::{self, Client, PART};

/// Uploads what messages show that are about to be sent, those of some conversations or all.
pub(in super::super) fn before_sending(
    context: &Context,
    job: &Job,
    settings: &openim::Settings,
    (only, give_up): (Option<&HashSet<ConversationId>>, Duration),
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let book = job.media().map_err(job_failure)?;
    let mut waiting = book.waiting().map_err(job_failure)?;
    if waiting.is_empty() {
        return Ok(());
    }
    let names = waiting.iter().map(|(object, _)| object.name.clone()).collect();
    let reader = job.reader().map_err(job_failure)?;
    let shown = reader.shown_of(&names, only).map_err(job_failure)?;
    waiting.retain(|(object, _)| shown.contains(&object.name));
    if waiting.is_empty() {
        return Ok(());
    }
    let places: HashMap<String, String> =
        waiting.iter().map(|(object, at)| (object.name.clone(), shown_place(at))).collect();
    context.board.phase("media");
    let book = Mutex::new(book);
    let scope = Scope { context, settings, dir: job.dir(), give_up, stop };
    // A runtime of its own, of one thread: see `runtime`. Whoever calls is in one.
    let uploaded = std::thread::scope(|threads| {
        threads.spawn(|| runtime()?.block_on(scope.upload(waiting, &book))).join()
    });
    let uploaded = uploaded.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))?;
    super::list::write_list(job)?;
    if uploaded.left > 0 {
        let text = words::left_before_sending(uploaded.left);
        return Err(Failure::new(Exit::Unfinished, text));
    }
    if uploaded.refused.is_empty() {
        return Ok(());
    }
    let mut files = uploaded.refused;
    for (file, _) in &mut files {
        if let Some(place) = places.get(file) {
            file.clone_from(place);
        }
    }
    let begun = job.is_started().map_err(job_failure)?;
    Err(Failure::new(Exit::Preflight, words::cannot_be_shown(&files, begun)))
}

fn shown_place(at: &At) -> String {
    at.archive.as_ref().map_or_else(|| at.path.clone(), |archive| format!("{archive}/{}", at.path))
}

/// Uploads all that wait, for `media`; what can't be had is lost from now on, and messages go without waiting for it.
pub(super) async fn all(
    context: &Context,
    job: &Job,
    (settings, wait): (&openim::Settings, bool),
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let book = job.media().map_err(job_failure)?;
    let waiting = book.waiting().map_err(job_failure)?;
    if waiting.is_empty() {
        return Ok(());
    }
    let signals = stop::listen();
    let (book, give_up) = (Mutex::new(book), server::give_up(context));
    let client = Client::new(settings).or_fail(Exit::Usage)?;
    server::reach(&client, wait, (server::Work::Begun, give_up)).await?;
    let scope = Scope { context, settings, dir: job.dir(), give_up, stop: &signals.drain };
    let uploaded = scope.upload(waiting, &book).await?;
    let book = book.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (name, why) in &uploaded.refused {
        book.given_up(name, why).map_err(job_failure)?;
    }
    super::list::write_list(job)?;
    outcome.uploaded(&uploaded);
    Ok(())
}

struct Scope<'a> {
    context: &'a Context,
    settings: &'a openim::Settings,
    dir: &'a Path,
    give_up: Duration,
    stop: &'a CancellationToken,
}

impl Scope<'_> {
    async fn upload(
        &self,
        waiting: Vec<(MediaObject, At)>,
        book: &Mutex<MediaBook>,
    ) -> Result<Uploaded, Failure> {
        let client = &Client::new(self.settings).or_fail(Exit::Usage)?;
        let web = store(self.settings)?;
        let key = key(self.context)?;
        let public = self.context.file.media.public_url.as_deref();
        let url = |name: &str| client.object_url(public, name);
        let is_large = waiting.iter().any(|(object, _)| object.size > PART);
        media::check(client, &web, &key, &url, is_large, book)
            .await
            .map_err(|error| refused(error).failure)?;
        let done = Arc::new(Done::default());
        done.total.store(waiting.iter().map(|(object, _)| object.size).sum(), Ordering::Relaxed);
        let upload = Upload {
            client,
            web: &web,
            book,
            places: &Arc::new(Places::default()),
            scratch: self.dir,
            at_once: at_once(self.context, None),
            give_up: self.give_up,
            stop: self.stop.child_token(),
            progress: &done,
        };
        let drawn = draw(self.context, &done, UPLOAD);
        let (out, mut files) = mpsc::channel(AHEAD);
        let telling = async {
            for (object, at) in waiting {
                let open = open(object, at).await?;
                // Nobody takes it: uploading ended, and says why.
                if out.send(open).await.is_err() {
                    break;
                }
            }
            drop(out);
            Ok::<(), Failure>(())
        };
        let uploading = async {
            match files.recv().await {
                Some(first) => media::upload(first, files, &upload).await,
                None => Ok(Uploaded::default()),
            }
        };
        let (told, uploaded) = tokio::join!(telling, uploading);
        drawn.finish();
        told?;
        uploaded.map_err(|error| gave_up(error).failure)
    }
}

/// A file whose bytes are read, and compared with what its digest was, when it goes out.
async fn open(object: MediaObject, at: At) -> Result<Open, Failure> {
    let (holder, name) = match at.archive {
        Some(archive) => (archive, Some(at.path)),
        None => (at.path, None),
    };
    // Of what is in a store it is asked which object that is now.
    let (found, holder) = tokio::task::spawn_blocking(move || (Place::again(&holder, name), holder))
        .await
        .or_fail(Exit::Internal)?;
    let place = match found {
        Ok(place) => place,
        Err(PlaceError::Store(error)) => return Err(of_store(error)),
        // Reading it says so: that is an end of this file alone.
        Err(_) => Place::File(Holder::Disk(holder.into())),
    };
    // What was refused is tried anew.
    let state = if object.state == ObjectState::Refused { ObjectState::Planned } else { object.state };
    Ok(Open { object: MediaObject { state, ..object }, place, bytes: None })
}
