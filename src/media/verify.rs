//! Every object is read back from the address that messages have, and compared by digest.

use std::sync::Mutex;

use importer_media::Sum;

use super::progress::Progress;
use crate::job::{JobError, MediaBook, MediaObject, ObjectState};
use crate::openim::{Limits, PART, Web, WebError};

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Objects that are what they must be.
    pub good: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Objects that are not.
    pub differences: Vec<Difference>,
    /// Objects that could not be looked at.
    pub unanswered: Vec<Difference>,
}

/// An object, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its address.
    pub url: String,
    /// What is wrong.
    pub why: String,
}

/// Reads them back; notes in the book which are good.
pub async fn verify(
    objects: &[MediaObject],
    web: &Web,
    book: &Mutex<MediaBook>,
    progress: &Progress,
) -> Result<Verified, JobError> {
    let mut verified = Verified::default();
    let locked = || book.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for object in objects {
        let difference = |why| Difference { url: object.url.clone(), why };
        match differs(object, web).await {
            Ok(None) => {
                verified.good += 1;
                verified.bytes += object.size;
                locked().settle(&object.name, ObjectState::Verified, "")?;
            }
            Ok(Some(why)) => {
                locked().lost(&object.name, &why)?;
                verified.differences.push(difference(why));
            }
            // Its name is known, and nothing lies there.
            Err(error @ WebError::Refused { status: 404, .. }) => {
                let why = format!("is not there: {error}");
                locked().lost(&object.name, &why)?;
                verified.differences.push(difference(why));
            }
            Err(error) => verified.unanswered.push(difference(error.to_string())),
        }
        progress.bytes(object.size);
        progress.file();
    }
    Ok(verified)
}

/// What is wrong with the bytes at an object's address; `None`: nothing.
pub(super) async fn differs(object: &MediaObject, web: &Web) -> Result<Option<String>, WebError> {
    let mut sum = Sum::new(PART);
    let mut sink = |piece: &[u8]| {
        sum.update(piece);
        Ok(())
    };
    // Who answers without end is not waited for.
    let limits = Limits { bytes: object.size, ..web.limits() };
    match web.within(limits).read(&object.url, &mut sink).await {
        Ok(_) => {}
        Err(WebError::TooLarge(_)) => return Ok(Some(format!("has more than {} bytes", object.size))),
        Err(error) => return Err(error),
    }
    let back = sum.finish();
    if back.size != object.size {
        return Ok(Some(format!("has {} bytes, and must have {}", back.size, object.size)));
    }
    Ok((back.parts != object.parts).then(|| "has other bytes".to_owned()))
}
