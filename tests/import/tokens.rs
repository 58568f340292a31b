//! Several importers with one admin user, on a release where each login of his ends his older tokens within five minutes.

use openim_importer::import::{Ended, Settings, StopSignal};
use openim_importer::message::Release;
use openim_importer::openim::Client;

use super::support::*;

/// Importers side by side.
const IMPORTERS: u64 = 3;
/// A token that is not the newest is good for so long.
const FIVE_MINUTES: i64 = 300_000;
/// The code of a token that is none any more.
const NOT_EXISTING: i32 = 1507;

/// A single chat that nobody else imports.
fn chat(importer: u64) -> Vec<Said> {
    let conversation = format!("si_a{importer}_b{importer}");
    let said = |n: i64| Said {
        conversation: conversation.clone(),
        time: 1_500_000_000_000 + n * 1000,
        sender: format!("a{importer}"),
        text: format!("message {n}"),
    };
    (0..800).map(said).collect()
}

async fn import(client: Client, said: &[Said], dir: &std::path::Path) -> Ended {
    let mut job = job(dir, said);
    let settings = Settings { connections: 1, ..settings() };
    run_with(client, settings, &mut job, StopSignal::default()).await.unwrap().ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_login_ends_the_others_tokens_and_costs_no_message() {
    let server = server(Release::Main).await;
    let histories: Vec<Vec<Said>> = (0..IMPORTERS).map(chat).collect();
    let dirs: Vec<tempfile::TempDir> = histories.iter().map(|_| tempfile::tempdir().unwrap()).collect();
    // Tokens of one second are the same token.
    let mut clients = Vec::new();
    for _ in 0..IMPORTERS {
        let client = client(&server);
        client.log_in().await.unwrap();
        clients.push(client);
        server.advance_clock(1_000);
    }
    let written = || server.audit().total.tally.written;
    let clock = async {
        let mut ended = 0;
        for at in (200..2_000).step_by(300) {
            wait_while(|| written() < at).await;
            server.advance_clock(FIVE_MINUTES + 1_000);
            ended += 1;
        }
        ended
    };
    let [one, two, three] = [0, 1, 2].map(|n| import(clients[n].clone(), &histories[n], dirs[n].path()));
    let (one, two, three, ended) = tokio::join!(one, two, three, clock);
    assert!([one, two, three].iter().all(|ended| *ended == Ended::Done));
    server.settle().await;
    for said in &histories {
        assert_exact(&server, said);
    }
    let audit = server.audit();
    assert_eq!(audit.total.tally.again_though_stored, 0);
    let refused = audit.refused.get(&NOT_EXISTING).copied().unwrap_or(0);
    // A message and a look at what is numbered can be under way in each.
    assert!(refused > 0, "no token was ended: {:?}", audit.refused);
    println!("{refused} calls were refused in {IMPORTERS} importers whose tokens ended up to {ended} times");
    assert!(refused <= 2 * IMPORTERS * ended, "{refused} calls were refused, at {ended} ends of tokens");
}
