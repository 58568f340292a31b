use super::*;
use std::sync::atomic::AtomicUsize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn secret() -> Login {
    Login::Secret { secret: "hush".into(), admin_user: "imAdmin".into() }
}

fn url(api: &str) -> Result<String, String> {
    Client::new(&Settings::new(api, secret())).map(|c| c.0.send.to_string()).map_err(|e| e.to_string())
}

#[test]
fn addresses_and_path_prefixes() {
    assert_eq!(url("http://host:10002").unwrap(), "http://host:10002/msg/send_msg");
    assert_eq!(url("https://host/api/").unwrap(), "https://host/api/msg/send_msg");
    assert_eq!(url(" http://host/a/b?x#y ").unwrap(), "http://host/a/b/msg/send_msg");
    for bad in ["", "host:10002", "ftp://host", "http://", "https://me:hidden@host"] {
        let error = url(bad).unwrap_err();
        assert!(!error.contains("hidden"), "{error}");
    }
}

#[test]
fn a_missing_or_strange_certificate_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    let mut settings = Settings::new("https://host", secret());
    settings.ca = Some(path.clone());
    assert!(Client::new(&settings).unwrap_err().to_string().contains("ca.pem"));
    fs_err::write(&path, "no certificate").unwrap();
    assert!(Client::new(&settings).unwrap_err().to_string().contains("ca.pem"));
}

/// A server that gives each connection to a function, and how many requests it has seen.
async fn serve<F, R>(each: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(usize, String) -> R + Send + Sync + 'static,
    R: Into<Option<String>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let (count, each) = (seen.clone(), Arc::new(each));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (count, each) = (count.clone(), each.clone());
            tokio::spawn(async move {
                let mut bytes = vec![0; 65536];
                let mut have = 0;
                loop {
                    let n = socket.read(&mut bytes[have..]).await.unwrap_or(0);
                    have += n;
                    let text = String::from_utf8_lossy(&bytes[..have]).into_owned();
                    let length = text
                        .to_lowercase()
                        .split("content-length: ")
                        .nth(1)
                        .and_then(|rest| rest.lines().next().map(|n| n.trim().parse::<usize>().unwrap()));
                    let complete = text
                        .split_once("\r\n\r\n")
                        .is_some_and(|(_, body)| length.is_some_and(|length| body.len() >= length));
                    if complete {
                        let number = count.fetch_add(1, Ordering::SeqCst);
                        have = 0;
                        let Some(body) = each(number, text).into() else { return };
                        let answer =
                            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                        socket.write_all(answer.as_bytes()).await.unwrap();
                    } else if n == 0 {
                        return;
                    }
                }
            });
        }
    });
    (api, seen)
}

const TOKEN: &str = r#"{"errCode":0,"data":{"token":"eyJ.one.token","expireTimeSeconds":1}}"#;
const ACK: &str = r#"{"errCode":0,"data":{"serverMsgID":"s","clientMsgID":"c","sendTime":1}}"#;

#[tokio::test]
async fn no_layer_repeats_a_call() {
    // Every call is read whole, then the connection is closed: with any repetition below us the server
    // would see more calls than we made. Half of them go out on a connection that had an answer before.
    for through_a_proxy in [false, true] {
        let answer = TOKEN.replace("token\":", "x\":\"\",\"token\":");
        let (api, seen) = serve(move |number, _| (number % 2 == 0).then(|| answer.clone())).await;
        let login = Login::Token { token: "t".into(), admin_user: "imAdmin".into() };
        let mut settings = Settings::new(api.clone(), login);
        if through_a_proxy {
            // Then it is reqwest that calls.
            settings.proxy = Some(api);
        }
        let client = Client::new(&settings).unwrap();
        let mut unanswered = 0;
        for _ in 0..200 {
            unanswered += usize::from(matches!(
                client.send(101, Bytes::from_static(b"{}")).await,
                Verdict::Unanswered(super::super::Lost::Cut(_))
            ));
        }
        assert_eq!(seen.load(Ordering::SeqCst), 200);
        assert_eq!(unanswered, 100);
    }
}

#[tokio::test]
async fn one_caller_renews_a_token_for_all() {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = logins.clone();
    let (api, _) = serve(move |_, text| {
        if text.contains("get_admin_token") {
            let n = count.fetch_add(1, Ordering::SeqCst);
            return TOKEN.replace("one", &format!("n{n}"));
        }
        // The first token has died.
        if text.contains("n0") { r#"{"errCode":1501,"errDlt":"token=eyJ.n0.token"}"# } else { ACK }.to_owned()
    })
    .await;
    let client = Client::new(&Settings::new(api, secret())).unwrap();
    client.log_in().await.unwrap();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(101, Bytes::from_static(b"{}")).await })
        })
        .collect();
    for call in calls {
        assert!(matches!(call.await.unwrap(), Verdict::Delivered { .. }));
    }
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_wrong_secret_stops_and_is_not_shown() {
    let (api, seen) =
        serve(|_, _| r#"{"errCode":1002,"errMsg":"NoPermissionError","errDlt":"secret invalid"}"#.to_owned())
            .await;
    let client = Client::new(&Settings::new(api, secret())).unwrap();
    let error = client.log_in().await.unwrap_err();
    assert!(matches!(error, CallError::Login(LoginError::Secret(_))));
    assert!(!error.to_string().contains("hush"), "{error}");
    let verdict = client.send(101, Bytes::from_static(b"{}")).await;
    assert!(matches!(verdict, Verdict::Stop(Stop::Login(LoginError::Secret(_)))), "{verdict:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    assert!(!format!("{client:?}").contains("hush"));
}

#[tokio::test]
async fn a_token_that_stays_refused_stops() {
    let refuse = r#"{"errCode":1505,"errDlt":"1505 signature is invalid jwt parse error, token=eyJ.x.y"}"#;
    let (api, _) =
        serve(move |_, text| if text.contains("get_admin_token") { TOKEN } else { refuse }.to_owned()).await;
    let client = Client::new(&Settings::new(api.clone(), secret())).unwrap();
    let verdict = client.send(101, Bytes::from_static(b"{}")).await;
    assert_eq!(verdict, Verdict::Stop(Stop::Login(LoginError::FreshToken)));
    let given = Login::Token { token: "eyJ.given.token".into(), admin_user: "imAdmin".into() };
    let client = Client::new(&Settings::new(api, given)).unwrap();
    assert_eq!(client.seqs("a", &["b"]).await, Err(LoginError::GivenToken.into()));
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(&Settings::new(api, secret())).unwrap();
    let error = client.log_in().await.unwrap_err();
    assert!(matches!(&error, CallError::Unreachable(why) if why.contains("refused")), "{error}");
    assert!(error.is_passing());
    assert!(matches!(client.send(101, Bytes::new()).await, Verdict::Wait(Pause::Unreachable(_))));
}

#[tokio::test]
async fn a_web_page_is_no_openim() {
    let (api, _) = serve(|_, _| "<html>welcome</html>".to_owned()).await;
    let client = Client::new(&Settings::new(api, secret())).unwrap();
    let error = client.log_in().await.unwrap_err();
    assert!(error.to_string().starts_with("this is no OpenIM API: HTTP 200"), "{error}");
    assert!(matches!(client.send(101, Bytes::new()).await, Verdict::Stop(Stop::NotOpenIm(_))));
}
