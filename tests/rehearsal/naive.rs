//! Law 1 as measured: what happens to a history that is sent the obvious way, workers taking messages in
//! file order. Here with the times of the real servers, by a client that costs next to nothing itself.

use super::client::Client;
use openim_importer::message::Release;
use openim_importer::rehearsal::Options;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// In which order the messages of several conversations are sent.
#[derive(Clone, Copy)]
enum Order {
    /// One conversation after the other.
    File,
    /// In turn.
    Even,
}

/// How many of them are stored, in per cent.
async fn stored(release: Release, conversations: usize, per: usize, workers: usize, order: Order) -> usize {
    let users: Vec<String> = (0..conversations).flat_map(|c| [format!("a{c}"), format!("b{c}")]).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let client = Client::with(Options::new(release), &users).await;
    let (addr, token) = (client.server.addr(), client.token().to_owned());
    let next = Arc::new(AtomicUsize::new(0));
    let total = conversations * per;
    let work = move || {
        let mut connection = Connection::open(addr, &token);
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= total {
                return;
            }
            let (conversation, n) = match order {
                Order::File => (n / per, n % per),
                Order::Even => (n % conversations, n / conversations),
            };
            connection.send(conversation, n);
        }
    };
    let workers: Vec<_> = (0..workers).map(|_| tokio::task::spawn_blocking(work.clone())).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    client.server.settle().await;
    let audit = client.server.audit().total;
    assert_eq!(audit.tally.acknowledged, total as u64, "every call succeeds");
    assert_eq!(audit.messages + audit.tally.lost(), total as u64, "and the audit knows where each one is");
    usize::try_from(audit.messages).unwrap() * 100 / total
}

/// A connection without any library around it.
struct Connection {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Connection {
    fn open(addr: SocketAddr, token: &str) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        let head = format!("POST /msg/send_msg HTTP/1.1\r\nhost: x\r\ntoken: {token}\r\noperationID: ");
        Self { stream: BufReader::new(stream), head }
    }

    fn send(&mut self, conversation: usize, n: usize) {
        let body = super::client::text(
            &format!("a{conversation}"),
            &format!("b{conversation}"),
            n.try_into().unwrap(),
        );
        let body = body.to_string();
        let call = format!("{}{conversation}-{n}\r\ncontent-length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.get_mut().write_all(call.as_bytes()).unwrap();
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).unwrap();
        assert!(answer.starts_with(b"{\"errCode\":0,"), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Three servers at once: they spend their time waiting.
#[tokio::test(flavor = "multi_thread")]
async fn on_3_8_3_one_worker_loses_nothing_and_sixteen_nearly_all() {
    let (one, sixteen, ten) = tokio::join!(
        stored(Release::V3_8_3, 1, 2000, 1, Order::File),
        stored(Release::V3_8_3, 1, 2000, 16, Order::File),
        stored(Release::V3_8_3, 10, 1000, 16, Order::File),
    );
    assert_eq!(one, 100, "1 conversation, 1 worker");
    assert!(sixteen < 20, "1 conversation, 16 workers: {sixteen} %");
    assert!(ten < 30, "10 conversations, 16 workers: {ten} %");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_main_one_worker_loses_most_of_one_conversation() {
    assert!(stored(Release::Main, 1, 2000, 1, Order::File).await < 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_main_one_worker_loses_much_of_ten_conversations() {
    let stored = stored(Release::Main, 10, 1000, 1, Order::File).await;
    assert!((10..=60).contains(&stored), "{stored} %");
}

#[tokio::test(flavor = "multi_thread")]
async fn spread_evenly_nothing_is_lost_on_either() {
    assert_eq!(stored(Release::V3_8_3, 10, 100, 1, Order::Even).await, 100);
    assert_eq!(stored(Release::Main, 10, 500, 1, Order::Even).await, 100);
}
