//! An object as a stream: read again from where it broke, and never another object under the same name.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::patience::Patience;
use crate::store::{ANSWER, Failed, bare, path, runtime, store};
use crate::{Address, BucketError, Object};

/// Bytes that are read ahead, and a piece beyond them.
const AHEAD: usize = 1 << 20;
/// Without a byte for so long a connection is taken for broken.
const SILENCE: Duration = Duration::from_mins(1);

/// Those bytes of an object. Nothing is asked of the store before something is read.
///
/// # Errors
/// A store that can't be asked. What goes wrong later is an error of the reader with a [`BucketError`] within.
pub fn open(object: &Object, bytes: Range<u64>) -> Result<Box<dyn Read + Send>, BucketError> {
    let (tell, told) = channel();
    let room = Arc::new(Semaphore::new(0));
    let address = object.address.clone();
    let reading = Reading {
        object: object.clone(),
        store: store(&address)?,
        path: path(&address)?,
        at: bytes.start,
        end: bytes.end.min(object.bytes),
        etag: None,
        tell,
        room: Arc::clone(&room),
    };
    runtime(&address)?.spawn(reading.all());
    Ok(Box::new(Stream {
        told: Mutex::new(told),
        room,
        begun: false,
        now: Bytes::new(),
        over: None,
        address,
    }))
}

enum Told {
    Piece(Bytes),
    End,
    Failed(BucketError),
}

/// The side that is read.
struct Stream {
    /// Behind a lock only so that the reader may be shared; nobody does.
    told: Mutex<Receiver<Told>>,
    room: Arc<Semaphore>,
    begun: bool,
    now: Bytes,
    /// How it ended: it is the same however often it is asked.
    over: Option<Result<(), BucketError>>,
    address: Address,
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if !self.begun {
            self.begun = true;
            self.room.add_permits(AHEAD);
        }
        while self.now.is_empty() {
            if let Some(over) = &self.over {
                return over.clone().map(|()| 0).map_err(Into::into);
            }
            let told = self.told.get_mut().map_err(|_| io::Error::other("poisoned"))?.recv();
            match told {
                Ok(Told::Piece(piece)) => {
                    self.room.add_permits(taken(&piece) as usize);
                    self.now = piece;
                }
                Ok(Told::End) => self.over = Some(Ok(())),
                Ok(Told::Failed(error)) => self.over = Some(Err(error)),
                // Its thread is gone: the end of the stream it is not.
                Err(_) => {
                    let (address, why) = (self.address.to_string(), "the reading broke off".to_owned());
                    self.over = Some(Err(BucketError::Refused { address, byte: 0, why }));
                }
            }
        }
        let n = buf.len().min(self.now.len());
        buf[..n].copy_from_slice(&self.now.split_to(n));
        Ok(n)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// The side that asks the store.
struct Reading {
    object: Object,
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// The next byte to come.
    at: u64,
    /// Where it ends.
    end: u64,
    /// As an answer's header said it, to ask for that version alone from then on.
    etag: Option<String>,
    tell: Sender<Told>,
    room: Arc<Semaphore>,
}

/// How a connection ended.
enum Ended {
    /// Everything came.
    Whole,
    /// Nobody reads any more.
    Unread,
    Failed(Failed),
}

impl Reading {
    async fn all(mut self) {
        // A wrong address is to be told at once; what was being read is waited for.
        let mut patience = Patience::SHORT;
        // Nothing is asked before somebody wants it.
        if self.room.acquire().await.is_err() {
            return;
        }
        loop {
            let (began, before) = (Instant::now(), self.at);
            let failed = match self.some().await {
                Ended::Unread => return,
                Ended::Whole => {
                    self.tell.send(Told::End).ok();
                    return;
                }
                Ended::Failed(failed) => failed,
            };
            let mut tried = began.elapsed();
            if self.at > before {
                (patience, tried) = (Patience::LONG, Duration::ZERO);
            }
            match failed.then(&self.object.address, self.at, &mut patience, tried) {
                Ok(wait) => tokio::time::sleep(wait).await,
                Err(error) => {
                    self.tell.send(Told::Failed(error)).ok();
                    return;
                }
            }
        }
    }

    /// Reads on until the end, or until the connection breaks.
    async fn some(&mut self) -> Ended {
        // A range behind the last byte is refused, also where all that is left is to see the end.
        if self.at >= self.end {
            return Ended::Whole;
        }
        let options = GetOptions {
            range: (self.at > 0 || self.end < self.object.bytes)
                .then_some(GetRange::Bounded(self.at..self.end)),
            if_match: self.etag.clone(),
            ..GetOptions::default()
        };
        let answer = match timeout(ANSWER, self.store.get_opts(&self.path, options)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Ended::Failed(self.failed(&error)),
            Err(_) => return silent("no answer"),
        };
        let is = answer.meta.e_tag.as_deref().map(bare);
        // Some servers don't know `If-Match`.
        if is != self.object.etag || answer.meta.size != self.object.bytes {
            return Ended::Failed(self.replaced(is.as_deref()));
        }
        self.etag.clone_from(&answer.meta.e_tag);
        let mut pieces = answer.into_stream();
        loop {
            let piece = match timeout(SILENCE, pieces.next()).await {
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(error))) => return Ended::Failed(self.failed(&error)),
                Ok(None) if self.at == self.end => return Ended::Whole,
                Ok(None) => return silent("the connection ended before the object did"),
                Err(_) => return silent("the connection is silent"),
            };
            match self.room.acquire_many(taken(&piece)).await {
                Ok(permit) => permit.forget(),
                Err(_) => return Ended::Unread,
            }
            self.at += piece.len() as u64;
            if self.at > self.end {
                return Ended::Failed(self.replaced(is.as_deref()));
            }
            if self.tell.send(Told::Piece(piece)).is_err() {
                return Ended::Unread;
            }
        }
    }

    fn failed(&self, error: &Error) -> Failed {
        match error {
            Error::Precondition { .. } => self.replaced(None),
            error => Failed::of(&self.object.address, self.at, error),
        }
    }

    fn replaced(&self, is: Option<&str>) -> Failed {
        let was = self.object.etag.clone().unwrap_or_else(|| format!("none ({} bytes)", self.object.bytes));
        let is = is.unwrap_or("another").to_owned();
        Failed::ForGood(BucketError::Replaced { address: self.object.address.to_string(), was, is })
    }
}

/// How much of what is read ahead a piece takes.
fn taken(piece: &Bytes) -> u32 {
    u32::try_from(piece.len().min(AHEAD)).unwrap_or(u32::MAX)
}

fn silent(why: &str) -> Ended {
    Ended::Failed(Failed::ForNow(why.to_owned()))
}
