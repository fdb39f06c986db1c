//! HTTPS with the certificate of the first start.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::http::server::{Security, serve};
use engine::tls::{CertificateFiles, Certificates, Loaded, ensure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::fixture::{Fixture, PASSWORD};

#[tokio::test]
async fn a_session_over_tls_has_a_secure_cookie() {
    let fixture = Fixture::new().await;
    let files = CertificateFiles::own(fixture.folder.path());
    ensure(&files, &["localhost".to_owned()]).unwrap();
    let certificates = Arc::new(Certificates::new(Loaded::read(files.clone(), BTreeMap::new()).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let security = Security::Tls(TlsAcceptor::from(certificates.server(&[b"http/1.1"]).unwrap()));
    let server = tokio::spawn(serve(listener, security, fixture.router.clone(), stopped));

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(address).await.unwrap();
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
    stop.send(true).unwrap();
    server.await.unwrap();
}
