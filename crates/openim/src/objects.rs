//! Object storage: announcing a file, signed addresses for its bytes, completing it. The bytes themselves go to the
//! store, see [`super::Web`].

use md5::{Digest, Md5};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::CallError;
use super::store::EMPTY;
use super::wire::null_is_default;

/// What goes in one part on every server, bytes.
pub const PART: u64 = 5 << 20;

/// A file, as it is announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announce<'a> {
    /// [`hash_of_parts`].
    pub hash: &'a str,
    /// Bytes.
    pub size: u64,
    /// The name it will have: letters, digits, `.`, `_`, `-` and single `/` survive an address.
    pub name: &'a str,
    /// Its type, as those who open it will be told.
    pub content_type: &'a str,
    /// What the server's cleaning job goes by: what begins with `msg-` is deleted after 180 days.
    pub cause: &'a str,
    /// Of how many parts addresses are wanted at once: -1 of all, 0 of none if there are several.
    pub max_parts: i32,
}

/// What announcing came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The server knows the content: the name stands for it already. That the bytes are there, only reading
    /// them proves.
    Known,
    /// The bytes are to be put.
    Upload(Upload),
}

/// An upload that was begun. It can be completed after any restart of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What the server calls it.
    pub id: String,
    /// Bytes of each part but the last.
    pub part_size: u64,
    /// Where the parts go, of those that were signed.
    pub puts: Vec<Put>,
}

/// Where a part goes, and with which headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// From 1.
    pub part: u32,
    /// With the signature in it: fit for nobody's eyes.
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Sign {
    #[serde(deserialize_with = "null_is_default")]
    url: String,
    #[serde(deserialize_with = "null_is_default")]
    query: Vec<Values>,
    #[serde(deserialize_with = "null_is_default")]
    header: Vec<Values>,
    #[serde(deserialize_with = "null_is_default")]
    parts: Vec<SignedPart>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SignedPart {
    part_number: u32,
    #[serde(deserialize_with = "null_is_default")]
    url: String,
    #[serde(deserialize_with = "null_is_default")]
    query: Vec<Values>,
    #[serde(deserialize_with = "null_is_default")]
    header: Vec<Values>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Values {
    #[serde(deserialize_with = "null_is_default")]
    key: String,
    #[serde(deserialize_with = "null_is_default")]
    values: Vec<String>,
}

impl Sign {
    /// The address of a part is its own, or the common one; queries and headers of both count.
    fn puts(&self) -> Vec<Put> {
        let one = |part: &SignedPart| {
            let mut url = if part.url.is_empty() { self.url.clone() } else { part.url.clone() };
            for pair in self.query.iter().chain(&part.query) {
                for value in &pair.values {
                    url.push(if url.contains('?') { '&' } else { '?' });
                    url.push_str(&escaped(&pair.key));
                    url.push('=');
                    url.push_str(&escaped(value));
                }
            }
            let headers = self
                .header
                .iter()
                .chain(&part.header)
                .flat_map(|pair| pair.values.iter().map(|value| (pair.key.clone(), value.clone())))
                .collect();
            Put { part: part.part_number, url, headers }
        };
        self.parts.iter().map(one).collect()
    }
}

fn escaped(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").ok();
        }
        out
    })
}

/// The server's hash of a file: MD5 of the digests of its parts, in lower case, joined by commas.
pub fn hash_of_parts<T: AsRef<str>>(digests: &[T]) -> String {
    let mut sum = Md5::new();
    for (n, digest) in digests.iter().enumerate() {
        if n > 0 {
            sum.update(b",");
        }
        sum.update(digest.as_ref().as_bytes());
    }
    hex(&sum.finalize())
}

/// MD5 in lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

impl Client {
    /// Asks whether there is object storage at all: the smallest part it takes, bytes. One that is off refuses
    /// with "s3 disabled".
    pub async fn part_limit(&self) -> Result<u64, CallError> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Got {
            min_part_size: u64,
        }
        let got: Option<Got> = self.call("/object/part_limit", &EMPTY).await?;
        Ok(got.unwrap_or_default().min_part_size)
    }

    /// How large the parts of a file of that size must be.
    pub async fn part_size(&self, size: u64) -> Result<u64, CallError> {
        #[derive(Serialize)]
        struct Ask {
            size: u64,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            size: u64,
        }
        let got: Option<Got> = self.call("/object/part_size", &Ask { size }).await?;
        Ok(got.unwrap_or_default().size)
    }

    /// Announces a file.
    pub async fn begin_upload(&self, file: &Announce<'_>) -> Result<Begun, CallError> {
        const PATH: &str = "/object/initiate_multipart_upload";
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Got {
            #[serde(deserialize_with = "null_is_default")]
            url: String,
            upload: Option<Opened>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Opened {
            #[serde(rename = "uploadID")]
            id: String,
            part_size: u64,
            #[serde(default, deserialize_with = "null_is_default")]
            sign: Sign,
        }
        let got: Option<Got> = self.call(PATH, file).await?;
        match got.unwrap_or_default() {
            Got { upload: Some(Opened { id, part_size, sign }), .. } => {
                Ok(Begun::Upload(Upload { id, part_size, puts: sign.puts() }))
            }
            Got { url, .. } if !url.is_empty() => Ok(Begun::Known),
            Got { .. } => {
                Err(CallError::Unreadable { path: PATH, why: "neither an address nor an upload".to_owned() })
            }
        }
    }

    /// Signs further parts of an upload of several, for a quarter of an hour.
    pub async fn sign_parts(&self, upload: &str, parts: &[u32]) -> Result<Vec<Put>, CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a> {
            #[serde(rename = "uploadID")]
            upload: &'a str,
            part_numbers: &'a [u32],
        }
        let sign: Option<Sign> = self.call("/object/auth_sign", &Ask { upload, part_numbers: parts }).await?;
        Ok(sign.unwrap_or_default().puts())
    }

    /// Makes a file of the parts that were put, `parts` being their digests.
    pub async fn complete_upload<T: AsRef<str> + Serialize + Sync>(
        &self,
        upload: &str,
        parts: &[T],
        file: &Announce<'_>,
    ) -> Result<(), CallError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ask<'a, T> {
            #[serde(rename = "uploadID")]
            upload: &'a str,
            parts: &'a [T],
            name: &'a str,
            content_type: &'a str,
            cause: &'a str,
        }
        let Announce { name, content_type, cause, .. } = *file;
        let ask = Ask { upload, parts, name, content_type, cause };
        self.tell("/object/complete_multipart_upload", &ask).await
    }

    /// The address under which a phone finds an object; `public` is that of the API as phones know it.
    pub fn object_url(&self, public: Option<&str>, name: &str) -> String {
        let base =
            public.map_or_else(|| self.api().trim_end_matches('/'), |url| url.trim().trim_end_matches('/'));
        format!("{base}/object/{name}")
    }
}

/// Whether this can be the API's address as phones know it.
///
/// # Errors
/// Why not.
pub fn check_public_url(url: &str) -> Result<(), String> {
    let url = Url::parse(url.trim()).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => {}
        _ => return Err("it begins neither with http:// nor with https://".to_owned()),
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("it has more than host and path".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_servers() {
        // One byte `A`, as it was recorded.
        assert_eq!(hash_of_parts(&[digest(b"A")]), "4cbd6d53280de25e04712c7434a70642");
        assert_eq!(
            hash_of_parts(&[digest(b"a"), digest(b"b")]),
            digest(format!("{},{}", digest(b"a"), digest(b"b")).as_bytes())
        );
    }

    #[test]
    fn parts_have_the_common_address_and_their_own_headers() {
        let sign: Sign = serde_json::from_str(
            r#"{"url":"http://s/o","query":[{"key":"uploadId","values":["a/b"]}],"header":null,"parts":[
               {"partNumber":2,"url":"","query":[{"key":"partNumber","values":["2"]}],"header":[{"key":"Authorization","values":["x"]}]}]}"#,
        )
        .unwrap();
        let puts = sign.puts();
        assert_eq!(puts[0].url, "http://s/o?uploadId=a%2Fb&partNumber=2");
        assert_eq!(puts[0].headers, [("Authorization".to_owned(), "x".to_owned())]);
        let one: Sign = serde_json::from_str(
            r#"{"url":"","query":null,"header":null,"parts":[{"partNumber":1,"url":"http://s/o?x=1","query":null,"header":null}]}"#,
        )
        .unwrap();
        assert_eq!((one.puts()[0].url.as_str(), one.puts()[0].part), ("http://s/o?x=1", 1));
    }

    #[test]
    fn addresses_that_phones_can_open() {
        for good in ["https://im.example.com/api", "http://10.0.0.1:10002", "https://im.example.com/api/"] {
            assert_eq!(check_public_url(good), Ok(()), "{good}");
        }
        for bad in ["im.example.com", "ftp://x/", "https://u:p@x/", "https://x/?a=b", ""] {
            assert!(check_public_url(bad).is_err(), "{bad}");
        }
    }
}
