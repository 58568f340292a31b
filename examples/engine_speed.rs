//! engine_speed API MESSAGES CONVERSATIONS CONNECTIONS [raw]
use openim_importer::{import, job::Job, message::*, openim, prepare::few};
use std::sync::Arc;
use std::time::{Duration, Instant};
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(") ").next().unwrap().split(' ').collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
#[tokio::main]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (n, c, k): (usize, usize, u16) =
        (a[2].parse().unwrap(), a[3].parse().unwrap(), a[4].parse().unwrap());
    if std::env::var("RUST_LOG").is_ok() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .init();
    }
    let login = openim::Login::Secret { secret: "openIM123".into(), admin_user: "imAdmin".into() };
    let mut set = openim::Settings::new(&a[1], login);
    set.connections = k + 16;
    let client = openim::Client::new(&set).unwrap();
    client.log_in().await.unwrap();
    let tag = format!("{:x}", fastrand::u32(..));
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::create(dir.path()).unwrap();
    let text = "x".repeat(60);
    let msgs: Vec<Message> = (0..n)
        .map(|i| {
            let w = i % c;
            Message {
                sender: format!("a{w}{tag}").into(),
                peer: Peer::User(format!("b{w}{tag}").into()),
                nickname: "".into(),
                face_url: "".into(),
                platform: 10,
                content_type: 101,
                content: format!("{{\"content\":\"message {i} {text}\"}}").into(),
                send_time: SendTime(1500000000000 + i as i64),
                ex: "".into(),
                not_offline_push: true,
                online_only: false,
                offline_push_info: None,
                source_id: None,
                quote: None,
                place: Place { source: SourceNo(0), line: i as u64, byte: 0, part: 0 },
            }
        })
        .collect();
    if a.get(5).map(String::as_str) == Some("raw") {
        let msgs: Arc<Vec<bytes::Bytes>> = Arc::new(msgs.iter().map(|m| { let Peer::User(p) = &m.peer else { panic!() }; bytes::Bytes::from(format!(r#"{{"sendID":"{}","recvID":"{}","senderPlatformID":10,"sessionType":1,"sendTime":{},"notOfflinePush":true,"contentType":101,"content":{}}}"#, m.sender, p, m.send_time.0, m.content)) }).collect());
        let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (t, c0) = (Instant::now(), cpu());
        let tasks: Vec<_> = (0..k)
            .map(|_| {
                let (m, next, cl) = (msgs.clone(), next.clone(), client.clone());
                tokio::spawn(async move {
                    loop {
                        let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        if i >= m.len() {
                            return;
                        }
                        let v = cl.send(101, m[i].clone()).await;
                        assert!(matches!(v, openim::Verdict::Delivered { .. }), "{v:?}");
                    }
                })
            })
            .collect();
        for t in tasks {
            t.await.unwrap();
        }
        println!(
            "raw: {:.0}/s, {:.1} us cpu/message",
            n as f64 / t.elapsed().as_secs_f64(),
            (cpu() - c0) * 1e6 / n as f64
        );
        return;
    }
    few(&mut job, &msgs).unwrap();
    drop(msgs);
    let progress = Arc::new(import::Progress::default());
    let settings = import::Settings {
        connections: k,
        stay_away: Duration::from_millis(300),
        ..import::Settings::default()
    };
    let (t, c0) = (Instant::now(), cpu());
    let o = import::run(settings, &mut job, client, import::StopSignal::default(), progress).await.unwrap();
    println!(
        "{:.0}/s, {:.1} us cpu/message; {:?}",
        n as f64 / t.elapsed().as_secs_f64(),
        (cpu() - c0) * 1e6 / n as f64,
        o
    );
}
