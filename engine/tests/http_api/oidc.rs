//! Signing in by a provider of OpenID Connect: a provider of our own, whose keys and tokens are made here without the library that reads
//! them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use aws_lc_rs::{digest, hmac};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dialplan::number::Dialled;
use engine::config::{Credential, OidcConfig, OidcMatch};
use engine::secrets::{random_bytes, to_hex};
use engine::store::employees::{Employee, Employment, LoginOutcome};
use engine::store::logins::{LoginEntry, LoginFilter, LoginWay, SignInWay};
use engine::store::scope::Sight;
use engine::store::setting::{Change, Expect, Hidden, Origin, PageAsk};
use engine::store::unix_ms;
use reqwest::Url;
use serde_json::{Value, json};

use crate::fixture::{Answer, Beside, Fixture, PASSWORD, default_tenant};
use crate::people::{as_bearer, sign_in};

const CLIENT: &str = "switchboard";
const SECRET: &str = "s3cret/of:ours";
const REDIRECT: &str = "http://pbx.example/api/v1/session/oidc/callback";

/// What signs tokens.
enum Key {
    Rsa(RsaKey),
    Ec(EcdsaKeyPair),
}

impl Key {
    fn rsa() -> Self {
        Self::Rsa(RsaKey::generate(KeySize::Rsa2048).unwrap())
    }

    fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    /// RFC 7517 §4, RFC 7518 §6.
    fn public(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(key) => json!({
                "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256",
                "n": base64(key.public_key().modulus().big_endian_without_leading_zero()),
                "e": base64(key.public_key().exponent().big_endian_without_leading_zero()),
            }),
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": base64(&point[1..33]), "y": base64(&point[33..])})
            }
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec(),
        }
    }
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token before it is signed, and how it is.
struct Token {
    header: Value,
    claims: Value,
    sign: Sign,
}

/// What is done to a token before it is signed.
type Edit = Box<dyn FnOnce(&mut Token)>;

enum Sign {
    WithOurKey,
    With(Key),
    /// With a bit that is wrong.
    Badly,
    /// By a secret both know.
    Hmac(&'static str),
    NotAtAll,
}

/// A provider: <https://openid.net/specs/openid-connect-core-1_0.html>, as little of it as this needs.
struct Provider(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    key: Mutex<(String, Key)>,
    /// What a code is given for: the challenge it was asked with, and the token.
    codes: Mutex<BTreeMap<String, (String, String)>>,
    keys_read: AtomicUsize,
    is_ill: AtomicBool,
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            key: Mutex::new(("first".to_owned(), Key::rsa())),
            codes: Mutex::default(),
            keys_read: AtomicUsize::new(0),
            is_ill: AtomicBool::new(false),
        });
        let routes = Router::new()
            .route("/realm/.well-known/openid-configuration", get(metadata))
            .route("/realm/keys", get(keys))
            .route("/realm/token", post(token))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self(inner)
    }

    fn config(&self) -> OidcConfig {
        OidcConfig {
            issuer: self.0.issuer(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(Credential::Text(Hidden::new(SECRET.to_owned()))),
            redirect: REDIRECT.to_owned(),
            scopes: "openid profile".to_owned(),
            claim: "preferred_username".to_owned(),
            matches: OidcMatch::Login,
            tenant: Some(default_tenant()),
            name: "Our company".to_owned(),
            allow_private: true,
        }
    }

    /// Somebody signs in there: the code that his browser brings back.
    fn code(&self, sent: &Url, login: &str, change: impl FnOnce(&mut Token)) -> String {
        let asked: BTreeMap<_, _> = sent.query_pairs().into_owned().collect();
        assert_eq!(sent.path(), "/realm/authorize");
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
        assert_eq!((asked["redirect_uri"].as_str(), asked["scope"].as_str()), (REDIRECT, "openid profile"));
        assert_eq!(asked["code_challenge_method"], "S256");
        let (kid, key) = &*self.0.key.lock().unwrap();
        let now = unix_ms() / 1_000;
        let claims = json!({
            "iss": self.0.issuer(), "aud": CLIENT, "sub": "248289761001", "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "preferred_username": login,
        });
        let header = json!({"typ": "JWT", "alg": key.algorithm(), "kid": kid});
        let mut token = Token { header, claims, sign: Sign::WithOurKey };
        change(&mut token);
        let text = format!("{}.{}", base64(token.header.to_string()), base64(token.claims.to_string()));
        let signature = match token.sign {
            Sign::WithOurKey => key.sign(&text),
            Sign::With(other) => other.sign(&text),
            Sign::Badly => key.sign(&text).into_iter().map(|byte| byte ^ 1).collect(),
            Sign::Hmac(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes()).as_ref().to_vec()
            }
            Sign::NotAtAll => Vec::new(),
        };
        let code = to_hex(&random_bytes::<8>());
        let given = (asked["code_challenge"].clone(), format!("{text}.{}", base64(signature)));
        self.0.codes.lock().unwrap().insert(code.clone(), given);
        code
    }

    /// Another key signs from now on, and the old one is gone.
    fn rotate(&self, kid: &str, key: Key) -> Key {
        std::mem::replace(&mut *self.0.key.lock().unwrap(), (kid.to_owned(), key)).1
    }

    fn keys_read(&self) -> usize {
        self.0.keys_read.load(Ordering::Relaxed)
    }

    fn set_ill(&self, ill: bool) {
        self.0.is_ill.store(ill, Ordering::Relaxed);
    }
}

impl Inner {
    fn issuer(&self) -> String {
        format!("http://{}/realm", self.address)
    }
}

async fn metadata(State(provider): State<Arc<Inner>>) -> Json<Value> {
    let issuer = provider.issuer();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
    }))
}

async fn keys(State(provider): State<Arc<Inner>>) -> Json<Value> {
    provider.keys_read.fetch_add(1, Ordering::Relaxed);
    let (kid, key) = &*provider.key.lock().unwrap();
    Json(json!({"keys": [key.public(kid)]}))
}

async fn token(State(provider): State<Arc<Inner>>, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    if provider.is_ill.load(Ordering::Relaxed) {
        return (StatusCode::BAD_GATEWAY, Json(json!({})));
    }
    let body = Url::parse(&format!("http://form/?{body}")).unwrap();
    let form: BTreeMap<_, _> = body.query_pairs().into_owned().collect();
    // RFC 6749 §2.3.1: what is not a letter or digit is encoded first.
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:s3cret%2Fof%3Aours")));
    assert_eq!(headers["authorization"], basic.as_str());
    assert_eq!((form["grant_type"].as_str(), form["redirect_uri"].as_str()), ("authorization_code", REDIRECT));
    let given = provider.codes.lock().unwrap().remove(&form["code"]);
    let verified = base64(digest::digest(&digest::SHA256, form["code_verifier"].as_bytes()));
    match given {
        Some((challenge, id_token)) if challenge == verified => {
            let answer = json!({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": id_token});
            (StatusCode::OK, Json(answer))
        }
        Some(_) | None => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))),
    }
}

async fn fixture(provider: &Provider) -> Fixture {
    with(provider.config()).await
}

async fn with(config: OidcConfig) -> Fixture {
    Fixture::made(Beside { oidc: Some(config), ..Beside::default() }).await
}

/// A browser that was sent to the provider.
struct Browser {
    sent: Url,
    cookie: String,
}

impl Browser {
    async fn begin(fixture: &Fixture) -> Self {
        let answer = fixture.client().get("/session/oidc?sign_in=browser").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = answer.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        let sent = Url::parse(answer.header("location")).unwrap();
        Self { sent, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    fn asked(&self, name: &str) -> String {
        self.sent.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned()
    }

    fn state(&self) -> String {
        self.asked("state")
    }

    async fn back(&self, fixture: &Fixture, query: &str) -> Answer {
        let client = fixture.client().with("cookie", &self.cookie);
        client.get(&format!("/session/oidc/callback?{query}")).await
    }

    async fn back_with(&self, fixture: &Fixture, code: &str) -> Answer {
        self.back(fixture, &format!("code={code}&state={}&session_state=keycloaks-own", self.state())).await
    }
}

/// What a whole sign-in comes to.
async fn try_in(fixture: &Fixture, provider: &Provider, login: &str, change: impl FnOnce(&mut Token)) -> Answer {
    let browser = Browser::begin(fixture).await;
    let code = provider.code(&browser.sent, login, change);
    browser.back_with(fixture, &code).await
}

/// What the console is told; a session begins with `done` and never else.
fn told(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{answer:?}");
    let word = answer.header("location").strip_prefix("/?sign_in=").unwrap();
    assert_eq!(word == "done", session(answer).is_some(), "{answer:?}");
    word
}

fn session(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let mut tokens = cookies.filter_map(|cookie| cookie.strip_prefix("switchboard_session="));
    tokens.next().map(|cookie| cookie.split(';').next().unwrap().to_owned())
}

async fn log(fixture: &Fixture) -> Vec<LoginEntry> {
    let tenant = default_tenant();
    let page = fixture.store.logins(Sight::whole(&tenant), &LoginFilter::default(), &PageAsk::first(50)).await;
    page.unwrap().items
}

async fn change(fixture: &Fixture, number: &str, change: impl FnOnce(&mut Employee)) {
    let stored = fixture.store.find::<Employee>(&default_tenant(), number).await.unwrap().unwrap();
    let mut employee = stored.value;
    change(&mut employee);
    let by = Change::system(default_tenant(), Origin::Setup);
    fixture.store.update(by, employee, Expect::Version(stored.version)).await.unwrap();
}

async fn create(fixture: &Fixture, employee: Employee) {
    fixture.store.create(Change::system(default_tenant(), Origin::Setup), employee).await.unwrap();
}

fn newcomer(number: &str) -> Employee {
    Employee::new(number, engine::secrets::hash_password(PASSWORD))
}

/// Proves LOGIN-10 (for this way, too), LOGIN-12, LOG-06.
#[tokio::test]
async fn whom_the_provider_names_is_signed_in_and_an_older_session_of_his_ends() {
    let provider = Provider::start().await;
    let fixture = fixture(&provider).await;
    let ways = fixture.client().get("/session/ways").await.json();
    assert_eq!(ways, json!({"sms": false, "oidc": "Our company", "self_signed": false}));
    let older = as_bearer(&fixture, &sign_in(&fixture, "admin", PASSWORD).await.json());
    let answer = try_in(&fixture, &provider, "Admin", |_| ()).await;
    assert_eq!(told(&answer), "done");
    let cookie = format!("switchboard_session={}", session(&answer).unwrap());
    let me = fixture.client().with("cookie", &cookie).get("/session").await;
    assert_eq!((me.status.as_u16(), &me.json()["employee"]), (200, &json!("10000")));
    assert_eq!(older.get("/session").await.status, 401);
    let newest = &log(&fixture).await[..2];
    let seen: Vec<_> = newest.iter().map(|entry| (entry.outcome, entry.way, entry.sign_in)).collect();
    let browser = Some(SignInWay::Browser);
    assert_eq!(
        seen,
        [(LoginOutcome::Login, LoginWay::Oidc, browser), (LoginOutcome::Replaced, LoginWay::Oidc, browser)]
    );
}

/// Proves LOGIN-05: an initial password binds only who comes by it.
#[tokio::test]
async fn an_initial_password_does_not_matter_to_who_did_not_use_it() {
    let provider = Provider::start().await;
    let fixture = fixture(&provider).await;
    create(&fixture, newcomer("10031")).await;
    let answer = try_in(&fixture, &provider, "10031", |_| ()).await;
    let cookie = format!("switchboard_session={}", session(&answer).unwrap());
    let me = fixture.client().with("cookie", &cookie).get("/session").await.json();
    assert_eq!((&me["login"], &me["password_change_required"]), (&json!("10031"), &json!(false)));
}

#[tokio::test]
async fn a_token_that_proves_nothing_lets_nobody_in() {
    let provider = Provider::start().await;
    let fixture = fixture(&provider).await;
    let hour_ago = unix_ms() / 1_000 - 3_600;
    let changes: Vec<(&str, Edit)> = vec![
        ("bad signature", Box::new(|t| t.sign = Sign::Badly)),
        ("no signature", Box::new(|t| t.sign = Sign::NotAtAll)),
        ("another's key under the right ID", Box::new(|t| t.sign = Sign::With(Key::rsa()))),
        ("a key that the provider does not have", Box::new(|t| t.header["kid"] = json!("unknown"))),
        (
            "alg none",
            Box::new(|t| {
                t.header = json!({"alg": "none"});
                t.sign = Sign::NotAtAll;
            }),
        ),
        (
            "our own secret",
            Box::new(|t| {
                t.header["alg"] = json!("HS256");
                t.sign = Sign::Hmac(SECRET);
            }),
        ),
        ("wrong audience", Box::new(|t| t.claims["aud"] = json!("another"))),
        ("no audience", Box::new(|t| t.claims["aud"] = json!(null))),
        ("others may use it, too", Box::new(|t| t.claims["aud"] = json!([CLIENT, "another"]))),
        ("given out to another", Box::new(|t| t.claims["azp"] = json!("another"))),
        ("wrong issuer", Box::new(|t| t.claims["iss"] = json!("http://127.0.0.1:1/realm"))),
        ("wrong nonce", Box::new(|t| t.claims["nonce"] = json!("another"))),
        ("no nonce", Box::new(|t| t.claims["nonce"] = json!(null))),
        ("expired", Box::new(move |t| t.claims["exp"] = json!(hour_ago))),
        ("without an end", Box::new(|t| t.claims["exp"] = json!(null))),
        ("not yet", Box::new(move |t| t.claims["nbf"] = json!(hour_ago + 7_200))),
        ("nobody", Box::new(|t| t.claims["preferred_username"] = json!(" "))),
    ];
    for (what, change) in changes {
        // Each from an address that was never wrong.
        fixture.api.throttle().forgive("192.0.2.77".parse().unwrap());
        fixture.api.throttle().forgive("192.0.2.77".parse().unwrap());
        let answer = try_in(&fixture, &provider, "admin", change).await;
        assert_eq!(told(&answer), "unauthenticated", "{what}");
    }
    assert!(log(&fixture).await.is_empty(), "nobody was named");
    let shared = |t: &mut Token| t.claims["aud"] = json!([CLIENT]);
    assert_eq!(told(&try_in(&fixture, &provider, "admin", shared).await), "done");
}

#[tokio::test]
async fn what_comes_back_is_taken_once_and_from_the_browser_that_began() {
    let provider = Provider::start().await;
    let fixture = fixture(&provider).await;
    let browser = Browser::begin(&fixture).await;
    let other = Browser::begin(&fixture).await;
    assert_ne!(browser.state(), other.state());
    let code = provider.code(&browser.sent, "admin", |_| ());
    let query = format!("code={code}&state={}", browser.state());
    assert_eq!(told(&other.back(&fixture, &query).await), "unauthenticated", "another browser");
    let bare = fixture.client().get(&format!("/session/oidc/callback?{query}")).await;
    assert_eq!(told(&bare), "unauthenticated", "no cookie");
    assert_eq!(told(&browser.back(&fixture, &query).await), "done");
    // The provider would take this one.
    let again = provider.code(&browser.sent, "admin", |_| ());
    assert_eq!(told(&browser.back_with(&fixture, &again).await), "unauthenticated", "a state that was used");
    // RFC 7636: a code that another sign-in was given, whose token would do.
    let nonce = other.asked("nonce");
    let stolen = provider.code(&browser.sent, "admin", |token| token.claims["nonce"] = json!(nonce));
    assert_eq!(told(&other.back_with(&fixture, &stolen).await), "unauthenticated", "another's code");
    for query in ["", "state=x", "code=x"] {
        assert_eq!(told(&browser.back(&fixture, query).await), "unauthenticated", "{query}");
    }
    let denied = Browser::begin(&fixture).await;
    let query = format!("error=access_denied&state={}", denied.state());
    assert_eq!(told(&denied.back(&fixture, &query).await), "unauthenticated");
    // RFC 9207.
    let mixed = Browser::begin(&fixture).await;
    let code = provider.code(&mixed.sent, "admin", |_| ());
    let query = format!("code={code}&state={}&iss=https%3A%2F%2Fevil.example", mixed.state());
    assert_eq!(told(&mixed.back(&fixture, &query).await), "unauthenticated");
}

#[tokio::test]
async fn keys_are_kept_until_one_is_named_that_is_not_among_them() {
    let provider = Provider::start().await;
    let fixture = fixture(&provider).await;
    for _ in 0..2 {
        assert_eq!(told(&try_in(&fixture, &provider, "admin", |_| ()).await), "done");
    }
    assert_eq!(provider.keys_read(), 1);
    let old = provider.rotate("second", Key::ec());
    for _ in 0..2 {
        assert_eq!(told(&try_in(&fixture, &provider, "admin", |_| ()).await), "done", "another key of another kind");
    }
    assert_eq!(provider.keys_read(), 2);
    let by_old = |token: &mut Token| {
        token.header = json!({"alg": "RS256", "kid": "first"});
        token.sign = Sign::With(old);
    };
    assert_eq!(
        told(&try_in(&fixture, &provider, "admin", by_old).await),
        "unauthenticated",
        "it is not the provider's any more"
    );
    let unnamed = |token: &mut Token| token.header = json!({"alg": "ES256"});
    assert_eq!(told(&try_in(&fixture, &provider, "admin", unnamed).await), "done", "there is one key only");
}

/// Proves LOGIN-06 (for this way, too), LOGIN-09, LOGIN-12.
#[tokio::test]
async fn who_is_unknown_locked_or_left_stays_outside_and_nobody_is_made() {
    let provider = Provider::start().await;
    let fixture = fixture(&provider).await;
    create(&fixture, newcomer("10031")).await;
    create(&fixture, newcomer("10032")).await;
    change(&fixture, "10031", |employee| employee.employment = Employment::Left).await;
    for _ in 0..5 {
        sign_in(&fixture, "10032", "wrong").await;
    }
    let tenant = default_tenant();
    let employees = async || fixture.store.list::<Employee>(&tenant, &PageAsk::first(50)).await.unwrap().items.len();
    let before = employees().await;
    for (login, number, outcome) in [
        ("ghost", None, LoginOutcome::Failed),
        ("10031", Some("10031"), LoginOutcome::Failed),
        ("10032", Some("10032"), LoginOutcome::Locked),
    ] {
        assert_eq!(told(&try_in(&fixture, &provider, login, |_| ()).await), "unauthenticated", "{login}");
        let last = log(&fixture).await.swap_remove(0);
        assert_eq!((last.login.as_str(), last.employee_no.as_deref()), (login, number));
        assert_eq!((last.outcome, last.way), (outcome, LoginWay::Oidc), "{login}");
    }
    assert_eq!(employees().await, before);
}

/// Proves LOGIN-04: where codes are sent, one joins by a code first.
#[tokio::test]
async fn where_codes_are_sent_who_has_not_joined_is_told_so() {
    let provider = Provider::start().await;
    let fixture = Fixture::made(Beside { sms: true, oidc: Some(provider.config()), ..Beside::default() }).await;
    create(&fixture, newcomer("10031")).await;
    assert_eq!(told(&try_in(&fixture, &provider, "10031", |_| ()).await), "forbidden");
    fixture.store.join(&default_tenant(), "10031", unix_ms()).await.unwrap();
    assert_eq!(told(&try_in(&fixture, &provider, "10031", |_| ()).await), "done");
}

#[tokio::test]
async fn an_employee_is_named_by_his_mobile_or_address_if_the_provider_has_proved_it() {
    let provider = Provider::start().await;
    let cases = [
        (OidcMatch::Mobile, "phone_number", "+86 139-0013-9000"),
        (OidcMatch::Email, "email", "Li.Lei@Example.com"),
        (OidcMatch::Number, "employee_no", "10031"),
    ];
    for (matches, claim, value) in cases {
        let fixture = with(OidcConfig { matches, claim: claim.to_owned(), ..provider.config() }).await;
        let mobile = Some(Dialled::clean("13900139000").unwrap());
        create(&fixture, Employee { mobile, email: "li.lei@example.com".to_owned(), ..newcomer("10031") }).await;
        let named = |token: &mut Token| token.claims[claim] = json!(value);
        let proved = |token: &mut Token| {
            named(token);
            token.claims[format!("{claim}_verified")] = json!(true);
        };
        assert_eq!(told(&try_in(&fixture, &provider, "admin", proved).await), "done", "{claim}");
        let unproved = told(&try_in(&fixture, &provider, "admin", named).await).to_owned();
        assert_eq!(unproved == "done", claim == "employee_no", "{claim} is {unproved}");
    }
    // Two have the address: it names nobody.
    let fixture = with(OidcConfig { matches: OidcMatch::Email, claim: "upn".to_owned(), ..provider.config() }).await;
    for number in ["10031", "10032"] {
        create(&fixture, Employee { email: "desk@example.com".to_owned(), ..newcomer(number) }).await;
    }
    let shared = |token: &mut Token| token.claims["upn"] = json!("desk@example.com");
    assert_eq!(told(&try_in(&fixture, &provider, "admin", shared).await), "unauthenticated");
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_and_asked_again() {
    let provider = Provider::start().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nowhere = with(OidcConfig { issuer: format!("http://{closed}"), ..provider.config() }).await;
    assert_eq!(told(&nowhere.client().get("/session/oidc").await), "unavailable");
    let private = with(OidcConfig { allow_private: false, ..provider.config() }).await;
    assert_eq!(told(&private.client().get("/session/oidc").await), "unavailable", "it may not be reached");
    let fixture = fixture(&provider).await;
    provider.set_ill(true);
    assert_eq!(told(&try_in(&fixture, &provider, "admin", |_| ()).await), "unavailable");
    provider.set_ill(false);
    assert_eq!(told(&try_in(&fixture, &provider, "admin", |_| ()).await), "done");
    let impostor = with(OidcConfig {
        issuer: format!("http://localhost:{}/realm", provider.0.address.port()),
        ..provider.config()
    })
    .await;
    assert_eq!(told(&impostor.client().get("/session/oidc").await), "unavailable", "it calls itself otherwise");
}

/// Proves LOGIN-07 (tries of an address).
#[tokio::test]
async fn an_address_that_tries_too_often_waits() {
    let provider = Provider::start().await;
    let fixture = fixture(&provider).await;
    for _ in 0..10 {
        assert_eq!(told(&try_in(&fixture, &provider, "admin", |_| ()).await), "done");
    }
    for _ in 0..10 {
        assert_eq!(told(&try_in(&fixture, &provider, "ghost", |_| ()).await), "unauthenticated");
    }
    assert_eq!(told(&fixture.client().get("/session/oidc").await), "too-many");
    assert_eq!(told(&fixture.client().get("/session/oidc/callback?code=x&state=x").await), "too-many");
}

#[tokio::test]
async fn without_a_provider_there_is_none_and_without_a_tenant_nobody() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture.client().get("/session/ways").await.json(),
        json!({"sms": false, "oidc": null, "self_signed": false})
    );
    for path in ["/session/oidc", "/session/oidc/callback?code=x&state=x"] {
        let answer = fixture.client().get(path).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (409, "refused"), "{path}");
    }
    let provider = Provider::start().await;
    let several = with(OidcConfig { tenant: None, ..provider.config() }).await;
    assert_eq!(told(&try_in(&several, &provider, "admin", |_| ()).await), "unauthenticated", "there are two");
}
