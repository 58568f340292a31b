//! What a caller may take of this machine: so many connections, so long for a head, a body and between two calls, so
//! many bytes. For the API, the chat server and the object store alike.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioTimer;

/// So long a caller may take for a head, for a body, and between two calls: longer than clients keep idle connections.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);

/// So many are open at once; for one more the one that has been silent longest is closed. Each task has a buffer, each
/// file handle is one of about a thousand.
pub(crate) const CONNECTIONS: usize = if cfg!(test) { 50 } else { 1000 };

/// Longer than any call that a server takes (8 MiB between its parts).
pub(crate) const LONGEST_BODY: usize = 64 << 20;

/// HTTP/1.1 that waits for nobody for ever.
pub(crate) fn http() -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(LONGEST_SILENCE);
    builder
}

/// A whole body; `None` where it is too long, or takes too long.
pub(crate) async fn whole(body: Incoming) -> Option<Bytes> {
    let body = http_body_util::Limited::new(body, LONGEST_BODY).collect();
    let body = tokio::time::timeout(LONGEST_SILENCE, body).await.ok()?;
    Some(body.ok()?.to_bytes())
}

/// The next bytes of a body; `None` at its end.
///
/// # Errors
/// The caller is gone, or silent.
pub(crate) async fn next(body: &mut Incoming) -> Result<Option<Bytes>, ()> {
    loop {
        match tokio::time::timeout(LONGEST_SILENCE, body.frame()).await {
            Err(_) | Ok(Some(Err(_))) => return Err(()),
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::net::TcpStream;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::message::Release;
    use crate::{Options, Running, Server};

    /// Longer than any patience of the server, in time that passes at once where nobody does anything.
    const LONG: Duration = Duration::from_hours(1);

    async fn server() -> (Running, [SocketAddr; 2]) {
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(Options::fast(Release::V3_8_3), any).await.unwrap();
        let store = server.store_url().strip_prefix("http://").unwrap().parse().unwrap();
        let addresses = [server.addr(), store];
        (server, addresses)
    }

    /// Whether all of it was taken.
    async fn write(stream: &TcpStream, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() && stream.writable().await.is_ok() {
            match stream.try_write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
        bytes.is_empty()
    }

    async fn read(stream: &TcpStream) -> Vec<u8> {
        let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
        while stream.readable().await.is_ok() {
            match stream.try_read(&mut piece) {
                Ok(n @ 1..) => answer.extend_from_slice(&piece[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
        answer
    }

    /// Says that, and all that comes back until the server closes; `None` where it does not.
    async fn said(to: SocketAddr, what: &[u8]) -> Option<Vec<u8>> {
        let stream = TcpStream::connect(to).await.unwrap();
        // A server that has heard enough closes while we still write.
        write(&stream, what).await;
        timeout(LONG, read(&stream)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_or_half_of_it_is_cut_off() {
        let (_server, addresses) = server().await;
        for address in addresses {
            for half in [
                "",
                "POST /msg/send_msg HTTP/1.1\r\nHost: h\r\nX: ",
                "POST /msg/send_msg HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nten bytes.",
                "PUT /openim/a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nten bytes.",
                "DELETE /openim/a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nten bytes.",
                "POST /openim HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nten bytes.",
            ] {
                let began = Instant::now();
                assert!(said(address, half.as_bytes()).await.is_some(), "{address} waits for ever: {half}");
                assert!(began.elapsed() < LONGEST_SILENCE * 3, "{half}");
            }
        }
    }

    #[tokio::test]
    async fn what_has_no_end_is_not_read_to_its_end() {
        let (server, addresses) = server().await;
        let piece = [b"100000\r\n", &vec![b'a'; 1 << 20][..], b"\r\n"].concat();
        for address in addresses {
            for head in ["POST /msg/send_msg", "DELETE /openim/a", "POST /openim"] {
                let stream = TcpStream::connect(address).await.unwrap();
                let head = format!("{head} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
                assert!(write(&stream, head.as_bytes()).await);
                let mut taken = 0;
                while taken < 3 * LONGEST_BODY && write(&stream, &piece).await {
                    taken += piece.len();
                }
                assert!(taken < 2 * LONGEST_BODY, "{address} {head}: {taken}");
            }
        }
        let head = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(4 << 20));
        for address in addresses {
            let answer = said(address, head.as_bytes()).await.unwrap();
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{:?}", &answer[..20]);
        }
        // And it goes on.
        let answer =
            said(server.addr(), b"GET /_rehearsal/audit HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assert!(answer.await.unwrap().starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn who_holds_every_place_shuts_nobody_out() {
        let (_server, addresses) = server().await;
        for address in addresses {
            let mut held = Vec::new();
            for n in 0..=CONNECTIONS {
                let stream = TcpStream::connect(address).await.unwrap();
                let half = [
                    "",
                    "GET / HTTP/1.1\r\nX: ",
                    "POST /openim HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
                ];
                write(&stream, half[n % half.len()].as_bytes()).await;
                held.push(stream);
            }
            let whole = b"GET /_rehearsal/audit HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
            let answer = timeout(LONGEST_SILENCE / 2, said(address, whole)).await;
            let answer = answer.expect("while all places are held").unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 "), "{address}");
        }
    }
}
