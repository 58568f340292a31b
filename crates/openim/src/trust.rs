//! `--ca`: what `curl --cacert` takes is taken. An authority, and a server's own certificate as well, such as
//! `openssl req -x509` makes it: that one is its own authority, which rustls refuses in a server. And those of version 1.

mod version1;

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use version1::Certificate;

/// What a file of certificates holds, or why it is none.
pub(super) fn certificates(file: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    // Windows tools put a byte order mark in front.
    let pem = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let has = |words: &[u8]| pem.windows(words.len()).any(|bytes| bytes == words);
    match all {
        // A sequence, in ASN.1.
        none if none.is_empty() && pem.starts_with(b"\x30") => {
            Err("it is in DER form; `openssl x509 -inform der -in FILE -out ca.pem` makes PEM of it"
                .to_owned())
        }
        none if none.is_empty() && has(b"BEGIN TRUSTED CERTIFICATE") => {
            Err("it is in a form of OpenSSL's own; `openssl x509 -in FILE -out ca.pem` makes PEM of it"
                .to_owned())
        }
        none if none.is_empty() => Err("it holds none".to_owned()),
        all => Ok(all),
    }
}

/// TLS that trusts what this machine trusts, and these certificates.
pub(super) fn trusting(named: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let usual = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider))?;
    let trust = Trust { usual, named, provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    // HTTP/2 would put all calls into one connection.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[derive(Debug)]
struct Trust {
    usual: Verifier,
    named: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// A certificate of version 1 is trusted where it was named, or one that signed it.
    fn verify_old(
        &self,
        certificate: &CertificateDer<'_>,
        old: &Certificate<'_>,
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        old.is_valid(now)?;
        let known = &self.provider.signature_verification_algorithms;
        let is_in_force = |named| Certificate::read(named).is_some_and(|named| named.is_valid(now).is_ok());
        let is_named = self
            .named
            .iter()
            .any(|named| named == certificate || (is_in_force(named) && old.is_signed_by(named, known)));
        if !is_named {
            return Err(CertificateError::UnknownIssuer.into());
        }
        if !has_common_name(certificate, server_name) {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(old) = Certificate::read_old(end_entity) {
            return self.verify_old(end_entity, &old, server_name, now);
        }
        let refused = match self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            Err(error) if self.named.iter().any(|named| named == end_entity) => error,
            usual => return usual,
        };
        // The certificate itself was named. Its validity is looked at before anything else, so it is valid now; what
        // is left is that it is no leaf of an authority, and its name.
        if !is_about_authority(&refused) {
            return Err(refused);
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        match rustls::client::verify_server_name(&parsed, server_name) {
            Err(_) if has_common_name(end_entity, server_name) => Ok(ServerCertVerified::assertion()),
            named => named.map(|()| ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match Certificate::read_old(cert) {
            Some(old) => old.did_sign_12(message, dss, &self.provider.signature_verification_algorithms)?,
            None => return self.usual.verify_tls12_signature(message, cert, dss),
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match Certificate::read_old(cert) {
            Some(old) => old.did_sign_13(message, dss, &self.provider.signature_verification_algorithms)?,
            None => return self.usual.verify_tls13_signature(message, cert, dss),
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether it was refused for who signed it, or for being an authority itself.
fn is_about_authority(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        // webpki's own word, which rustls has none for.
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            format!("{other:?}").contains("CaUsedAsEndEntity")
        }
        _ => false,
    }
}

/// Certificates without alternative names have their host as the common name of their subject, which comes last.
fn has_common_name(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> bool {
    const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
    const ALTERNATIVE_NAMES: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x11];
    let at = |oid: &[u8]| certificate.windows(oid.len()).rposition(|window| window == oid);
    if at(ALTERNATIVE_NAMES).is_some() {
        return false;
    }
    let value = at(COMMON_NAME).and_then(|at| certificate.get(at + COMMON_NAME.len()..));
    let Some([_kind, len, rest @ ..]) = value else { return false };
    rest.get(..usize::from(*len)).is_some_and(|name| name.eq_ignore_ascii_case(host.to_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::{Path, PathBuf};

    use rustls::pki_types::PrivateKeyDer;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;
    use crate::{CallError, Client, Login, Settings};

    /// Made for these tests by `openssl req -x509` and `openssl x509 -req`: `own` with alternative names, `noname` with
    /// a common name alone, `other` for another host, `signed` by `ca`. Of version 1: `old`, `oldother` for another host,
    /// `oldsigned` by `oldca`, `forged` by another that calls itself so; `newbyold` is of version 3 and by `oldca`.
    fn pem(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
    }

    #[test]
    fn files_of_certificates() {
        let text = fs_err::read(pem("own.pem")).unwrap();
        let crlf = String::from_utf8(text.clone()).unwrap().replace('\n', "\r\n");
        for file in [text.clone(), [b"\xef\xbb\xbf", &text[..]].concat(), crlf.into_bytes()] {
            assert_eq!(certificates(&file).unwrap().len(), 1);
        }
        let der = certificates(&text).unwrap()[0].to_vec();
        let trusted = b"-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n";
        for (file, says) in [(&der[..], "-inform der"), (trusted, "OpenSSL's own"), (b"", "holds none")] {
            let why = certificates(file).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    /// A server with that certificate that lets everybody in.
    fn server(certificate: &str, versions: &[&'static rustls::SupportedProtocolVersion]) -> String {
        let chain = vec![CertificateDer::from_pem_file(pem(&format!("{certificate}.pem"))).unwrap()];
        let key = PrivateKeyDer::from_pem_file(pem(&format!("{certificate}.key"))).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = provider.key_provider.load_private_key(key).unwrap();
        // As it is: rustls itself offers none of version 1.
        let certified = SingleCertAndKey::from(CertifiedKey::new(chain, key));
        let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(certified)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream =
                    StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                let mut request = [0; 4096];
                let mut len = 0;
                // The whole request, which ends with its body.
                while !request[..len].ends_with(b"}") {
                    match stream.read(&mut request[len..]) {
                        Ok(n @ 1..) => len += n,
                        _ => break,
                    }
                }
                let body = r#"{"errCode":0,"data":{"token":"opaque","expireTimeSeconds":9000}}"#;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                drop(stream.write_all((head + body).as_bytes()));
                drop(stream.flush());
            }
        });
        format!("https://localhost:{port}")
    }

    /// Fails where that certificate is taken and should not be, or the other way round.
    async fn try_it(
        certificate: &str,
        ca: &str,
        taken: bool,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) {
        let login = Login::Secret { secret: "s".to_owned().into(), admin_user: "imAdmin".to_owned() };
        let settings = Settings {
            ca: Some(pem(&format!("{ca}.pem"))),
            ..Settings::new(server(certificate, versions), login)
        };
        match Client::new(&settings).unwrap().log_in().await {
            Ok(()) => assert!(taken, "{certificate} with {ca}"),
            Err(CallError::WrongAddress(why)) => {
                assert!(!taken && why.contains("certificate"), "{certificate} with {ca}: {why}");
            }
            Err(other) => panic!("{certificate} with {ca}: {other}"),
        }
    }

    #[tokio::test]
    async fn what_curl_takes_is_taken_and_nothing_else() {
        for (certificate, ca, taken) in [
            ("own", "own", true),
            ("noname", "noname", true),
            ("signed", "ca", true),
            ("signed", "signed", true),
            ("other", "other", false),
            ("own", "ca", false),
            ("own", "noname", false),
            ("signed", "own", false),
            ("newbyold", "oldca", true),
        ] {
            try_it(certificate, ca, taken, rustls::DEFAULT_VERSIONS).await;
        }
    }

    #[tokio::test]
    async fn certificates_of_version_1_too() {
        use rustls::version::{TLS12, TLS13};
        for version in [&TLS12, &TLS13] {
            for (certificate, ca, taken) in [
                ("old", "old", true),
                ("oldsigned", "oldca", true),
                ("oldsigned", "oldsigned", true),
                ("oldother", "oldother", false),
                ("old", "oldca", false),
                ("old", "ca", false),
                ("oldsigned", "old", false),
                ("forged", "oldca", false),
            ] {
                try_it(certificate, ca, taken, &[version]).await;
            }
        }
    }

    /// Whoever has a certificate, and not its key, is nobody.
    #[tokio::test]
    async fn the_key_counts() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let known = provider.signature_verification_algorithms;
        let der = |name: &str| CertificateDer::from_pem_file(pem(&format!("{name}.pem"))).unwrap();
        let (old, forged) = (der("oldsigned"), der("forged"));
        let by = |certificate: &CertificateDer<'_>, authority: &CertificateDer<'_>| {
            Certificate::read(certificate).unwrap().is_signed_by(authority, &known)
        };
        assert!(by(&old, &der("oldca")));
        assert!(!by(&forged, &der("oldca")) && !by(&old, &old) && !by(&old, &der("old")));
        // One byte of what was signed is another.
        let mut changed = old.to_vec();
        let at = changed.windows(9).position(|window| window == b"localhost").unwrap();
        changed[at] = b'L';
        assert!(!by(&CertificateDer::from(changed), &der("oldca")));
    }
}
