//! A file as the body of an answer, read piece by piece.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::io::{Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A file from somewhere to somewhere, or a text.
pub(super) enum Content {
    File { file: fs_err::File, left: u64 },
    Text(Option<Bytes>),
}

impl Content {
    pub(super) fn text(text: impl Into<Bytes>) -> Self {
        Self::Text(Some(text.into()))
    }

    pub(super) fn file(mut file: fs_err::File, from: u64, left: u64) -> std::io::Result<Self> {
        file.seek(SeekFrom::Start(from))?;
        Ok(Self::File { file, left })
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        const PIECE: u64 = 64 << 10;
        match self.get_mut() {
            Self::Text(text) => {
                Poll::Ready(text.take().filter(|text| !text.is_empty()).map(|text| Ok(Frame::data(text))))
            }
            Self::File { left: 0, .. } => Poll::Ready(None),
            Self::File { file, left } => {
                // From the page cache, mostly: what it takes is no time for others.
                let mut piece = vec![0; usize::try_from((*left).min(PIECE)).unwrap_or_default()];
                Poll::Ready(Some(file.read_exact(&mut piece).map(|()| {
                    *left -= piece.len() as u64;
                    Frame::data(piece.into())
                })))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.as_ref().is_none_or(Bytes::is_empty),
            Self::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::File { left, .. } => SizeHint::with_exact(*left),
        }
    }
}
