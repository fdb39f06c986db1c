//! Digest, server and client, through their public names.

#![allow(clippy::unwrap_used, reason = "test helpers")]

use std::time::Duration;

use bytes::Bytes;
use sip::digest::{
    AnswerError, Challenger, Credentials, DigestClient, DigestServer, Ha1, NONCE_LIFETIME, Refusal, ha1,
};
use sip::headers::HeaderName;
use sip::message::{Message, Request, Response, StatusCode};
use sip::parse::parse_datagram;
use sip::random::Random;
use sip::time::Now;

const REALM: &str = "pbx.example.org";

fn at(seconds: u64) -> Now {
    Now { mono: Duration::from_secs(seconds), unix_ms: 1_700_000_000_000 + seconds * 1000 }
}

fn random() -> Random {
    Random::from_seed([9; 32])
}

fn server() -> DigestServer {
    DigestServer::new(Challenger::Server, REALM, &[1; 32], &mut random())
}

fn client(password: &str) -> DigestClient {
    DigestClient::new(Credentials { username: "1001".into(), password: password.into() })
}

fn stored() -> Ha1 {
    ha1("1001", REALM, "secret")
}

fn register() -> Request {
    parse_request(
        "REGISTER sip:pbx.example.org SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport\r\n\
         From: <sip:1001@pbx.example.org>;tag=a\r\n\
         To: <sip:1001@pbx.example.org>\r\n\
         Call-ID: c@192.0.2.1\r\n\
         CSeq: 1 REGISTER\r\n\
         Max-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n",
    )
}

fn parse_request(text: &str) -> Request {
    match parse_datagram(Bytes::copy_from_slice(text.as_bytes())).unwrap() {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

fn challenge(server: &mut DigestServer, now: Now, why: Option<Refusal>) -> Response {
    server.challenge(now, &register(), "totag", why)
}

fn header(response: &Response) -> Vec<String> {
    response
        .headers
        .get_all(&HeaderName::WwwAuthenticate)
        .map(|value| String::from_utf8(value.to_vec()).unwrap())
        .collect()
}

/// The request with credentials for this challenge.
fn answered(client: &mut DigestClient, challenge: &Response) -> Request {
    let mut request = register();
    client.answer(challenge, &mut request, &mut random()).unwrap();
    request
}

fn verify(server: &mut DigestServer, now: Now, request: &Request, ha1: Option<&Ha1>) -> Result<(), Refusal> {
    let claim = server.claim(request).unwrap();
    assert_eq!(claim.username(), "1001");
    server.verify(now, request, &claim, ha1)
}

#[test]
fn challenge_offers_sha_256_first_and_md5_with_one_nonce() {
    let response = challenge(&mut server(), at(1), None);
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    let values = header(&response);
    assert_eq!(values.len(), 2);
    assert!(values[0].starts_with("Digest realm=\"pbx.example.org\", nonce=\""));
    assert!(values[0].ends_with(", algorithm=SHA-256, qop=\"auth\""), "{}", values[0]);
    assert!(values[1].ends_with(", algorithm=MD5, qop=\"auth\""), "{}", values[1]);
    let nonce = |value: &str| value.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(nonce(&values[0]), nonce(&values[1]));
}

#[test]
fn right_password_is_accepted_and_each_count_once() {
    let (mut server, mut client) = (server(), client("secret"));
    let response = challenge(&mut server, at(1), None);
    let first = answered(&mut client, &response);
    assert!(first.headers.get(&HeaderName::Authorization).unwrap().starts_with(b"Digest username=\"1001\""));
    assert_eq!(verify(&mut server, at(1), &first, Some(&stored())), Ok(()));
    assert_eq!(verify(&mut server, at(2), &first, Some(&stored())), Err(Refusal::Stale), "the count is used");
    let mut second = register();
    client.authorize(&mut second, &mut random());
    assert_eq!(verify(&mut server, at(3), &second, Some(&stored())), Ok(()), "the next count is fresh");
    assert_eq!(server.nonces_in_use(), 1);
}

#[test]
fn md5_phone_is_accepted() {
    let (mut server, mut client) = (server(), client("secret"));
    let mut response = challenge(&mut server, at(1), None);
    let md5 = header(&response)[1].clone();
    response.headers.replace(HeaderName::WwwAuthenticate, md5);
    let request = answered(&mut client, &response);
    assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Ok(()));
}

#[test]
fn wrong_password_and_unknown_user_look_the_same() {
    let mut server = server();
    let response = challenge(&mut server, at(1), None);
    let wrong = answered(&mut client("guess"), &response);
    let right = answered(&mut client("secret"), &response);
    assert_eq!(verify(&mut server, at(1), &wrong, Some(&stored())), Err(Refusal::Wrong));
    assert_eq!(verify(&mut server, at(1), &wrong, None), Err(Refusal::Wrong));
    assert_eq!(verify(&mut server, at(1), &right, None), Err(Refusal::Wrong));
    assert_eq!(server.nonces_in_use(), 0, "a failure takes no room");
}

#[test]
fn old_nonce_is_stale_only_with_the_right_password() {
    let mut server = server();
    let response = challenge(&mut server, at(1), None);
    let late = Now { mono: at(1).mono + NONCE_LIFETIME + Duration::from_millis(1), ..at(1) };
    let right = answered(&mut client("secret"), &response);
    assert_eq!(verify(&mut server, late, &right, Some(&stored())), Err(Refusal::Stale));
    let wrong = answered(&mut client("guess"), &response);
    assert_eq!(verify(&mut server, late, &wrong, Some(&stored())), Err(Refusal::Wrong));
    let again = challenge(&mut server, late, Some(Refusal::Stale));
    assert!(header(&again).iter().all(|value| value.ends_with(", stale=true")));
}

#[test]
fn nonce_of_an_earlier_process_is_stale() {
    let mut before = server();
    let request = answered(&mut client("secret"), &challenge(&mut before, at(1), None));
    let mut other_seed = Random::from_seed([10; 32]);
    let mut after = DigestServer::new(Challenger::Server, REALM, &[1; 32], &mut other_seed);
    assert_eq!(verify(&mut after, at(1), &request, Some(&stored())), Err(Refusal::Stale));
}

#[test]
fn credentials_for_another_callee_are_refused() {
    let mut server = server();
    let mut request = register();
    request.uri = "sip:1002@pbx.example.org".parse().unwrap();
    let asked = challenge(&mut server, at(1), None);
    client("secret").answer(&asked, &mut request, &mut random()).unwrap();
    request.uri = "sip:0019005551234@pbx.example.org".parse().unwrap();
    assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Err(Refusal::OtherRequest));
    request.uri = "sip:1002@pbx.example.org:5060;transport=udp".parse().unwrap();
    assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Ok(()), "port and parameters may differ");
}

#[test]
fn credentials_that_name_only_the_server_are_good_for_any_callee_once() {
    let mut server = server();
    let mut request = answered(&mut client("secret"), &challenge(&mut server, at(1), None));
    request.uri = "sip:1002@pbx.example.org".parse().unwrap();
    assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Ok(()));
    request.uri = "sip:0019005551234@pbx.example.org".parse().unwrap();
    assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Err(Refusal::Stale), "the count was used");
}

#[test]
fn mangled_credentials_are_refused() {
    let mut server = server();
    let mut request = answered(&mut client("secret"), &challenge(&mut server, at(1), None));
    let good = String::from_utf8(request.headers.get(&HeaderName::Authorization).unwrap().to_vec()).unwrap();
    for (from, to) in [
        ("qop=auth", "qop=auth-int"),
        ("nc=00000001", "nc=00000000"),
        ("nc=00000001", "nc=zzzzzzzz"),
        ("algorithm=SHA-256", "algorithm=SHA-256-sess"),
        ("algorithm=SHA-256", "algorithm=MD5"),
        ("algorithm=SHA-256", "algorithm=SHA-512-256"),
        (", qop=auth", ""),
        ("response=", "responses="),
        ("nonce=", "nonces="),
    ] {
        assert!(good.contains(from), "{from}");
        request.headers.replace(HeaderName::Authorization, good.replacen(from, to, 1));
        assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Err(Refusal::Wrong), "{from} -> {to}");
    }
    request.headers.replace(HeaderName::Authorization, good.replace(REALM, "elsewhere"));
    assert!(server.claim(&request).is_none(), "credentials for another realm are none for us");
}

#[test]
fn client_gives_up_on_a_second_refusal_unless_stale() {
    let (mut server, mut client) = (server(), client("guess"));
    let response = challenge(&mut server, at(1), None);
    let mut request = answered(&mut client, &response);
    let refused = challenge(&mut server, at(1), Some(Refusal::Wrong));
    assert_eq!(client.answer(&refused, &mut request, &mut random()), Err(AnswerError::Rejected));

    let mut client = self::client("secret");
    let mut request = answered(&mut client, &response);
    let stale = challenge(&mut server, at(1), Some(Refusal::Stale));
    assert_eq!(client.answer(&stale, &mut request, &mut random()), Ok(()));
    assert_eq!(request.headers.get_all(&HeaderName::Authorization).count(), 1, "the old credentials are gone");
    assert_eq!(client.answer(&stale, &mut request, &mut random()), Err(AnswerError::Rejected), "once");

    let mut request = register();
    client.authorize(&mut request, &mut random());
    assert_eq!(client.answer(&response, &mut request, &mut random()), Ok(()), "a nonce of before may be too old");
}

/// The credentials that the client gives for these challenges of a proxy.
fn credentials_for(challenges: &[&str], body: &'static str) -> Result<Vec<String>, AnswerError> {
    let mut request = register();
    request.set_body("application/sdp", body);
    let mut response = Response::to_request(&request, StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some("t"));
    for challenge in challenges {
        response.headers.push(HeaderName::ProxyAuthenticate, *challenge);
    }
    client("secret").answer(&response, &mut request, &mut random())?;
    let values = request.headers.get_all(&HeaderName::ProxyAuthorization);
    Ok(values.map(|value| String::from_utf8(value.to_vec()).unwrap()).collect())
}

/// RFC 8760 §2.4.
#[test]
fn client_takes_the_topmost_it_knows_for_each_realm() {
    let values = credentials_for(
        &[
            "Digest realm=\"a\", nonce=\"n0\", algorithm=SHA-512, qop=\"auth\"",
            "Digest realm=\"a\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth-conf\"",
            "Digest realm=\"a\", nonce=\"n2\", algorithm=SHA-512-256, qop=\"auth-int,auth\", opaque=\"o\"",
            "Digest realm=\"a\", nonce=\"n3\", algorithm=MD5, qop=\"auth\"",
            "Digest realm=\"b\", nonce=\"n4\", algorithm=SHA3-512, qop=\"auth\"",
            "Digest realm=\"b\", nonce=\"n5\"",
            "Digest realm=\"b\", nonce=\"n6\", algorithm=SHA-256, qop=\"auth\"",
            "Basic realm=\"c\"",
        ],
        "",
    )
    .unwrap();
    assert_eq!(values.len(), 2);
    assert!(values[0].contains("nonce=\"n2\"") && values[0].contains("algorithm=SHA-512-256"), "{}", values[0]);
    assert!(values[0].contains("qop=auth, nc=00000001, opaque=\"o\""), "{}", values[0]);
    assert!(values[1].contains("nonce=\"n5\"") && !values[1].contains("qop"), "{}", values[1]);
    assert!(!values[1].contains("algorithm"), "an old server named none: {}", values[1]);
    assert_eq!(credentials_for(&["Basic realm=\"c\""], ""), Err(AnswerError::NothingUsable));
}

/// RFC 7616 §3.4.3.
#[test]
fn client_protects_the_body_where_only_auth_int_is_offered() {
    for algorithm in ["MD5", "SHA-256"] {
        let challenge = format!("Digest realm=\"a\", nonce=\"n\", algorithm={algorithm}, qop=\"auth-int\"");
        let given = |body| credentials_for(&[&challenge], body).unwrap().remove(0);
        let response = |value: &str| value.split("response=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(given("v=0").contains("qop=auth-int, nc=00000001"), "{}", given("v=0"));
        assert_ne!(response(&given("v=0")), response(&given("v=1")), "the body counts");
        let both = credentials_for(&[&challenge.replace("auth-int", "auth-int, auth")], "v=0").unwrap().remove(0);
        assert!(both.contains("qop=auth, nc"), "{both}");
    }
}

/// RFC 2617 §3.5, byte for byte as credentials, legacy form: no qop, so the nonce is good once.
#[test]
fn legacy_phone_without_qop_is_accepted_once_a_nonce() {
    let mut server = server();
    let mut response = challenge(&mut server, at(1), None);
    let legacy = header(&response)[1].replace(", qop=\"auth\"", "");
    response.headers.replace(HeaderName::WwwAuthenticate, legacy);
    let request = answered(&mut client("secret"), &response);
    assert!(!String::from_utf8_lossy(request.headers.get(&HeaderName::Authorization).unwrap()).contains("qop"));
    assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Ok(()));
    assert_eq!(verify(&mut server, at(1), &request, Some(&stored())), Err(Refusal::Stale));
}

#[test]
fn secrets_are_not_printed() {
    let client = client("secret");
    assert!(!format!("{client:?}").contains("secret"));
    assert!(!format!("{:?}", server()).contains("dummy"));
}
