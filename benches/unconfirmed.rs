//! What sending would cost, and lose, if nothing were confirmed: the messages of a job in the importer's own
//! order, one call at a time in each conversation, many conversations side by side, an answer of 0 taken for
//! the truth. For `benches/run`; never for a history.
//!
//! `cargo run --release --example unconfirmed -- import.job http://127.0.0.1:10002 32`

#![expect(clippy::print_stdout, reason = "it prints figures")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use openim_importer::job::{ConvNo, Conversation, Job, JobReader, Spooled};
use openim_importer::message::Ordinal;
use openim_importer::openim::{Client, Login, Settings, Verdict};

#[derive(Parser)]
struct Args {
    /// A prepared job.
    job: std::path::PathBuf,
    /// Address of the API; the secret is `OPENIM_SECRET`.
    api: String,
    /// Calls under way at once.
    connections: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    #[expect(clippy::disallowed_methods, reason = "a bench has no configuration")]
    let secret = std::env::var("OPENIM_SECRET").context("OPENIM_SECRET")?;
    let login = Login::Secret { secret: secret.into(), admin_user: "imAdmin".to_owned() };
    let mut settings = Settings::new(&args.api, login);
    settings.connections = args.connections;
    let client = Client::new(&settings)?;
    client.log_in().await?;
    let conversations = Arc::new(Mutex::new(all(&Job::observe(&args.job)?)?));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let callers: Vec<_> = (0..args.connections)
        .map(|_| {
            let reader = Mutex::new(Job::observe(&args.job)?);
            let (client, conversations, acknowledged) =
                (client.clone(), conversations.clone(), acknowledged.clone());
            Ok(tokio::spawn(async move {
                loop {
                    let next = conversations.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(conversation) = next else { return anyhow::Ok(()) };
                    send(&reader, &client, &conversation, &acknowledged).await?;
                }
            }))
        })
        .collect::<anyhow::Result<_>>()?;
    for caller in callers {
        caller.await??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(r#"{{"acknowledged":{},"seconds":{seconds:.3}}}"#, acknowledged.load(Ordering::Relaxed));
    Ok(())
}

/// The longest last: it is taken first.
fn all(reader: &JobReader) -> anyhow::Result<Vec<Conversation>> {
    let (mut all, mut after): (Vec<Conversation>, Option<ConvNo>) = (Vec::new(), None);
    loop {
        let page = reader.conversations(after, 1_000)?;
        let Some(last) = page.last() else { break };
        after = Some(last.no);
        all.extend(page);
    }
    all.sort_by_key(|conversation| conversation.messages);
    Ok(all)
}

async fn send(
    reader: &Mutex<JobReader>,
    client: &Client,
    conversation: &Conversation,
    acknowledged: &AtomicU64,
) -> anyhow::Result<()> {
    let mut next = Ordinal(0);
    while next.0 < conversation.messages {
        let messages = page(&reader.lock().unwrap_or_else(PoisonError::into_inner), conversation, &mut next)?;
        for message in messages {
            if let Verdict::Delivered { .. } = client.send(message.content_type.code(), message.body).await {
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}

/// The next messages of a conversation.
fn page(reader: &JobReader, of: &Conversation, next: &mut Ordinal) -> anyhow::Result<Vec<Spooled>> {
    let entries = reader.entries(of.no, *next, 64)?;
    next.0 = entries.last().map_or(of.messages, |last| last.ordinal.0 + 1);
    Ok(entries.iter().map(|entry| reader.message(entry)).collect::<Result<_, _>>()?)
}
