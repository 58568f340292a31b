//! Certificates of version 1, as `openssl x509 -req` makes them without extensions. `curl --cacert` takes them; webpki
//! reads none of them but as an authority, so what is to be known of one is read here.

use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error};

/// What a certificate says, as slices of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Certificate<'a> {
    is_version_1: bool,
    /// What its issuer signed.
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    /// Seconds since 1970.
    valid: (i64, i64),
    key_info: &'a [u8],
    key_algorithm: &'a [u8],
    key: &'a [u8],
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const LONG_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

impl<'a> Certificate<'a> {
    /// Reads one; `None` where it is none.
    pub(super) fn read(der: &'a CertificateDer<'_>) -> Option<Self> {
        let mut rest = der.as_ref();
        let mut certificate = value(&mut rest, SEQUENCE)?;
        let (_, mut content, signed) = next(&mut certificate)?;
        let algorithm = value(&mut certificate, SEQUENCE)?;
        let signature = bits(&mut certificate)?;
        let is_version_1 = content.first() != Some(&VERSION);
        if !is_version_1 {
            next(&mut content)?;
        }
        value(&mut content, INTEGER)?;
        let same_algorithm = value(&mut content, SEQUENCE)?;
        let issuer = value(&mut content, SEQUENCE)?;
        let mut times = value(&mut content, SEQUENCE)?;
        let valid = (time(&mut times)?, time(&mut times)?);
        let subject = value(&mut content, SEQUENCE)?;
        let (_, mut key, key_info) = next(&mut content)?;
        let key_algorithm = value(&mut key, SEQUENCE)?;
        let key = bits(&mut key)?;
        let whole = rest.is_empty() && algorithm == same_algorithm && (!is_version_1 || content.is_empty());
        let read = Self {
            is_version_1,
            signed,
            algorithm,
            signature,
            issuer,
            subject,
            valid,
            key_info,
            key_algorithm,
            key,
        };
        whole.then_some(read)
    }

    /// The same where it is of version 1.
    pub(super) fn read_old(der: &'a CertificateDer<'_>) -> Option<Self> {
        Self::read(der).filter(|certificate| certificate.is_version_1)
    }

    /// Whether it is in force.
    pub(super) fn is_valid(&self, now: UnixTime) -> Result<(), Error> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        match self.valid {
            (from, _) if now < from => Err(CertificateError::NotValidYet.into()),
            (_, until) if now > until => Err(CertificateError::Expired.into()),
            _ => Ok(()),
        }
    }

    /// Whether that authority, which was named, signed it.
    pub(super) fn is_signed_by(
        &self,
        authority: &CertificateDer<'_>,
        known: &WebPkiSupportedAlgorithms,
    ) -> bool {
        let Some(by) = Certificate::read(authority) else { return false };
        // One that says that it signs others, or of a time when none said so.
        let may = if by.is_version_1 { by.subject == by.issuer } else { says_authority(authority) };
        let mut algorithms = known.all.iter().filter(|algorithm| {
            algorithm.signature_alg_id().as_ref() == self.algorithm
                && algorithm.public_key_alg_id().as_ref() == by.key_algorithm
        });
        let signed = |algorithm: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            algorithm.verify_signature(by.key, self.signed, self.signature).is_ok()
        };
        may && by.subject == self.issuer && algorithms.any(signed)
    }

    /// Whether whoever has its key signed that in a handshake of TLS 1.2.
    pub(super) fn did_sign_12(
        &self,
        message: &[u8],
        dss: &DigitallySignedStruct,
        known: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        let of_scheme = known.mapping.iter().filter(|(scheme, _)| *scheme == dss.scheme);
        let mut algorithms = of_scheme.flat_map(|(_, algorithms)| *algorithms);
        let did = algorithms.any(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == self.key_algorithm
                && algorithm.verify_signature(self.key, message, dss.signature()).is_ok()
        });
        if did { Ok(()) } else { Err(CertificateError::BadSignature.into()) }
    }

    /// The same for TLS 1.3.
    pub(super) fn did_sign_13(
        &self,
        message: &[u8],
        dss: &DigitallySignedStruct,
        known: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        let key = SubjectPublicKeyInfoDer::from(self.key_info);
        verify_tls13_signature_with_raw_key(message, &key, dss, known).map(|_| ())
    }
}

/// Whether a certificate of version 3 has the extension by which it may sign others.
fn says_authority(der: &[u8]) -> bool {
    const BASIC_CONSTRAINTS: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x13];
    const TRUE: &[u8] = &[0x01, 0x01, 0xff];
    let Some(at) = der.windows(BASIC_CONSTRAINTS.len()).rposition(|window| window == BASIC_CONSTRAINTS)
    else {
        return false;
    };
    let mut rest = &der[at + BASIC_CONSTRAINTS.len()..];
    rest = rest.strip_prefix(TRUE).unwrap_or(rest);
    let constraints = value(&mut rest, OCTETS).and_then(|mut octets| value(&mut octets, SEQUENCE));
    constraints.is_some_and(|constraints| constraints.starts_with(TRUE))
}

/// The next element: its tag, what is in it, and all of it.
fn next<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8], &'a [u8])> {
    let all = *input;
    let [tag, first, rest @ ..] = all else { return None };
    let (len, head) = match *first {
        len @ ..=0x7f => (usize::from(len), 2),
        // Four bytes at most; one of these would be none of DER.
        more @ 0x81..=0x84 => {
            let more = usize::from(more & 0x7f);
            (rest.get(..more)?.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), 2 + more)
        }
        _ => return None,
    };
    let (whole, behind) = all.split_at_checked(head.checked_add(len)?)?;
    *input = behind;
    Some((*tag, &whole[head..], whole))
}

fn value<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(input).filter(|(found, ..)| *found == tag).map(|(_, value, _)| value)
}

/// Whole bytes of bits.
fn bits<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    value(input, BITS)?.strip_prefix(&[0])
}

/// `YYMMDDhhmmssZ`, of 1950 to 2049, or `YYYYMMDDhhmmssZ`, in seconds since 1970.
fn time(input: &mut &[u8]) -> Option<i64> {
    let (tag, text, _) = next(input)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = text.split_at_checked(match tag {
        UTC_TIME => 2,
        LONG_TIME => 4,
        _ => return None,
    })?;
    let year: i64 = year.parse().ok()?;
    let year = if tag == LONG_TIME { year } else { year + if year < 50 { 2000 } else { 1900 } };
    let part = |n: usize| rest.get(2 * n..2 * n + 2)?.parse::<i64>().ok();
    let [month, day, hour, minute, second] = [part(0)?, part(1)?, part(2)?, part(3)?, part(4)?];
    if rest.len() != 10 || !(1..=12).contains(&month) {
        return None;
    }
    // Days since 1970: years begin in March here, so that the leap day is their last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 719_469;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "500101000000Z", -631_152_000),
            (LONG_TIME, "20240229120000Z", 1_709_208_000),
            (LONG_TIME, "20000301000000Z", 951_868_800),
            (LONG_TIME, "21261105084105Z", 4_949_541_665),
        ] {
            let der = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            assert_eq!(time(&mut &der[..]), Some(seconds), "{text}");
        }
        for text in
            ["", "Z", "700101000000", "701301000000Z", "7001010000Z", "-00101000000Z", "ü70101000000Z"]
        {
            let der = [&[UTC_TIME, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            assert_eq!(time(&mut &der[..]), None, "{text}");
        }
    }

    #[test]
    fn whatever_is_cut_or_changed_is_read_or_refused() {
        use rustls::pki_types::pem::PemObject;
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/old.pem");
        let der = CertificateDer::from_pem_file(path).unwrap();
        let now = |secs| UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
        let old = Certificate::read_old(&der).unwrap();
        assert!(old.is_valid(now(1_800_000_000)).is_ok());
        assert_eq!(old.is_valid(now(1_000_000_000)), Err(CertificateError::NotValidYet.into()));
        assert_eq!(old.is_valid(now(9_000_000_000)), Err(CertificateError::Expired.into()));
        for len in 0..der.len() {
            assert!(Certificate::read(&CertificateDer::from(&der[..len])).is_none());
        }
        for at in 0..der.len() {
            for byte in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = der.to_vec();
                changed[at] = byte;
                let _read = Certificate::read(&CertificateDer::from(changed)).map(|read| read.is_version_1);
            }
        }
    }
}
