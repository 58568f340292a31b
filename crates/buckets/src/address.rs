//! `s3://bucket/folder/key`, taken apart; pure.

use std::fmt;

use crate::BucketError;
use crate::secrets;

/// Where an object or a folder of them is. The key is meant as it stands there: nothing of it is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    pub(crate) kind: Kind,
    pub(crate) bucket: String,
    /// Without a slash at its end; empty for the whole bucket.
    pub(crate) key: String,
    is_folder: bool,
}

/// Which service, or one that speaks like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    S3,
    Google,
    Azure,
}

const KINDS: [(&str, Kind); 3] = [("s3://", Kind::S3), ("gs://", Kind::Google), ("az://", Kind::Azure)];

/// Whether a source is in an object store.
pub fn is_address(source: &str) -> bool {
    kind(source).is_some()
}

fn kind(source: &str) -> Option<(Kind, &str)> {
    KINDS.iter().find_map(|(scheme, kind)| {
        let (head, rest) = source.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some((*kind, rest))
    })
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What names no bucket, and keys that can't be asked for.
    pub fn parse(source: &str) -> Result<Self, BucketError> {
        // Some tools take credentials there; whoever tries shall not read them in an error.
        secrets::hide_parts(source);
        let bad = |why: &str| BucketError::Address { address: source.to_owned(), why: why.to_owned() };
        let (kind, rest) = kind(source).ok_or_else(|| bad("it begins with none of s3://, gs://, az://"))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(bad("it names no bucket, as in `s3://bucket/folder/chats.jsonl.zst`"));
        }
        if bucket.contains(['@', ':']) {
            return Err(bad("a bucket is named alone: credentials and the server come from the environment"));
        }
        if bucket.contains(['*', '?', '[']) {
            return Err(bad("a glob can stand for keys, and not for buckets"));
        }
        let (key, is_folder) = match key.strip_suffix('/') {
            Some(key) => (key, true),
            None => (key, key.is_empty()),
        };
        if !key.is_empty() && key.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(bad("its key has an empty part, `.` or `..` between two slashes"));
        }
        if key.contains(char::is_control) {
            return Err(bad("its key has control characters"));
        }
        Ok(Self { kind, bucket: bucket.to_owned(), key: key.to_owned(), is_folder })
    }

    /// Another one in the same bucket.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), is_folder: key.is_empty(), ..self.clone() }
    }

    /// Whether it is the whole bucket, or has a slash at its end: no object, but what is in there.
    pub fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// Whether it is in the same bucket.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.kind == other.kind && self.bucket == other.bucket
    }

    /// What it is called within its bucket.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The last part of its key.
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(scheme, _)| scheme);
        write!(f, "{scheme}{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_it_says() {
        let address = Address::parse("S3://chats/2024/a b%20#é.jsonl").unwrap();
        assert_eq!(
            (address.key(), address.name(), address.is_folder),
            ("2024/a b%20#é.jsonl", "a b%20#é.jsonl", false)
        );
        assert_eq!(address.to_string(), "s3://chats/2024/a b%20#é.jsonl");
        for (folder, key) in [("gs://b", ""), ("az://b/", ""), ("s3://b/x/", "x")] {
            let address = Address::parse(folder).unwrap();
            assert!(address.is_folder && address.key() == key, "{address:?}");
        }
        assert!(
            !is_address("s3:/b") && !is_address("./s3://b") && !is_address("é://") && is_address("AZ://b")
        );
    }

    #[test]
    fn what_is_none_says_why() {
        for (source, why) in [
            ("s3:///key", "names no bucket"),
            ("s3://", "names no bucket"),
            ("s3://AKIA12:hunter22@b/key", "named alone"),
            ("s3://b*/key", "not for buckets"),
            ("s3://b/a//c", "empty part"),
            ("s3://b/../c", "empty part"),
            ("s3://b/a\u{1b}c", "control"),
        ] {
            let error = Address::parse(source).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!secrets::without(&error).contains("hunter22"), "{error}");
        }
    }
}
