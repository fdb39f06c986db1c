//! HTTPS with the certificate of the first start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use engine::http::server::{Security, serve};
use engine::tls::{ACME_TLS, CertificateFiles, Certificates, DIGEST_LEN, Loaded, Proof, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::fixture::{Fixture, PASSWORD};

#[tokio::test]
async fn a_session_over_tls_has_a_secure_cookie() {
    let server = Server::start().await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&server.files.certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let body = json!({"login": "admin", "password": PASSWORD, "tenant": "default"}).to_string();
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // The peer may close the connection without a TLS farewell; what came until then is the answer.
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let cookie = answer.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    // Who cannot sign in yet is told that browsers warn.
    let mut stream = server.connect(&[]).await.unwrap();
    stream
        .write_all(b"GET /api/v1/session/ways HTTP/1.1\r\nHost: localhost:8443\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.contains("\"self_signed\":true"), "{answer}");
    server.end().await;
}

/// RFC 8737: an authority that asks for `acme-tls/1` sees the proof of a name and is told nothing else; no other name, and nobody else, sees it.
#[tokio::test]
async fn only_an_authority_sees_that_a_name_is_proved() {
    let server = Server::start().await;
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let own = shown(&server.connect(&[]).await.unwrap());
    assert!(server.connect(&[ACME_TLS]).await.is_err(), "nothing is to be proved");
    let other = Proof::show(&server.certificates, "other.test", &[1; DIGEST_LEN]).unwrap();
    assert!(server.connect(&[ACME_TLS]).await.is_err(), "another name is");
    let proof = Proof::show(&server.certificates, "localhost", &[7; DIGEST_LEN]).unwrap();
    let mut seen = server.connect(&[ACME_TLS]).await.unwrap();
    // RFC 8737 §6.1: the extension and its digest, an OCTET STRING in an OCTET STRING.
    let oid_and_digest = [&[0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 1, 0x1f, 1, 1, 0xff, 4, 34, 4, 32][..], &[7; 32]].concat();
    assert!(shown(&seen).windows(oid_and_digest.len()).any(|part| part == oid_and_digest));
    let _ = seen.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut told = Vec::new();
    let _ = seen.read_to_end(&mut told).await;
    assert_eq!(told, b"");
    let others: [&[&[u8]]; 3] = [&[], &[b"http/1.1"], &[b"http/1.1", ACME_TLS]];
    for other in others {
        assert_eq!(shown(&server.connect(other).await.unwrap()), own);
    }
    drop((proof, other));
    assert!(server.connect(&[ACME_TLS]).await.is_err());
    server.end().await;
}

/// HTTPS with a certificate for localhost.
struct Server {
    files: CertificateFiles,
    certificates: Arc<Certificates>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    _fixture: Fixture,
}

impl Server {
    async fn start() -> Self {
        let fixture = Fixture::new().await;
        let files = CertificateFiles::own(fixture.folder.path());
        ensure(&files, &["localhost".to_owned()]).unwrap();
        let certificates = Arc::new(Certificates::new(Loaded::read(files.clone(), BTreeMap::new()).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        fixture.health.set_certificates(Arc::clone(&certificates));
        let (stop, stopped) = watch::channel(false);
        let security = Security::Tls(TlsAcceptor::from(certificates.server(&[b"http/1.1", ACME_TLS]).unwrap()));
        let task = tokio::spawn(serve(listener, security, fixture.router.clone(), stopped));
        Self { files, certificates, address, stop, task, _fixture: fixture }
    }

    /// Asks for localhost and these protocols, and believes whatever is shown.
    async fn connect(&self, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let config = config.unwrap().dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)));
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// Believes everybody: what is shown is looked at afterwards.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    /// Not by the certificate's own key: webpki does not read one with an extension that it does not know.
    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
