//! Answers that others overtake: a machine that stands still for a moment hears what the server said before it read on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use openim_importer::import::{self, Ended, Progress, Settings, StopSignal};
use openim_importer::job::{Committed, Job};
use openim_importer::message::{Message, Release};
use openim_importer::openim::{self, Answer, Client, Exchange, Login, NoAnswer};
use openim_importer::prepare::few;
use openim_importer::rehearsal::{Options, Server, Timing, Users};

use tokio::time::sleep;

use super::clock::virtually;
use super::dice::Dice;
use super::history::History;
use super::judge;
use super::network::Network;

/// Each tenth answer about how long the logs are is handed over a while later, and what is asked as one user reaches the server
/// in between.
#[derive(Debug)]
struct Slow {
    network: Network,
    asked: AtomicU64,
}

const LATER: Duration = Duration::from_millis(400);

impl Exchange for Slow {
    fn post(
        &self,
        path: &str,
        operation: &str,
        token: Option<&str>,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, NoAnswer>> + Send>> {
        let is_length = path.ends_with("has_read_and_max_seq");
        let about_all = is_length && body.windows(7).any(|part| part == b"imAdmin");
        let is_slow = about_all && self.asked.fetch_add(1, Ordering::Relaxed) % 10 == 9;
        let there = if is_length && !about_all { LATER / 2 } else { Duration::ZERO };
        let back = if is_slow { LATER } else { Duration::ZERO };
        let (network, path, operation) = (self.network.clone(), path.to_owned(), operation.to_owned());
        let token = token.map(str::to_owned);
        Box::pin(async move {
            sleep(there).await;
            let answer = network.post(&path, &operation, token.as_deref(), body).await;
            sleep(back).await;
            answer
        })
    }
}

/// Of ten million messages two thousand were never confirmed: one of five hundred conversations had been read further than an
/// older answer said, and the others that were asked about with it were not looked at again.
#[test]
fn nobody_is_forgotten_where_one_was_overtaken() {
    virtually(1, async {
        let options = Options {
            users: Users::Auto,
            timing: Timing::fast(),
            starts_at: Some(1_795_000_000_000),
            ..Options::fast(Release::Main)
        };
        let network = Network::new(Server::within(options).unwrap(), Dice::new(1), 0, false);
        let folder = tempfile::tempdir().unwrap();
        let history = History::in_turn(8_000, 40);
        let mut job = Job::create(&folder.path().join("job")).unwrap();
        let messages: Vec<Message<'_>> = history.passes[0].iter().map(|said| said.message()).collect();
        few(&mut job, &messages).unwrap();
        job.write_in_place(Committed(Arc::new(|_| {})));
        let login = Login::Secret { secret: "openIM123".into(), admin_user: "imAdmin".into() };
        let slow = Slow { network: network.clone(), asked: AtomicU64::default() };
        let client = Client::within(&openim::Settings::new("http://sim", login), Arc::new(slow)).unwrap();
        let settings = Settings { give_up: Duration::from_mins(2), ..Settings::default() };
        let (stop, progress) = (StopSignal::default(), Arc::new(Progress::default()));
        let outcome = import::run(settings, &mut job, client, stop, progress).await.unwrap();
        assert_eq!((outcome.ended, outcome.confirmed, outcome.left), (Ended::Done, 8_000, 0));
        assert!(outcome.took < Duration::from_mins(1), "{:?}", outcome.took);
        network.server().settle().await;
        let judged = judge::judge(network.server(), &history, 1, true);
        let wrong = judged.lost + judged.out_of_order + judged.hidden + judged.doubled.len() as u64;
        assert_eq!((judged.there, wrong), (8_000, 0), "{judged:?}");
    });
}
