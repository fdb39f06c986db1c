//! Against a web server of the test's own, on loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::A;
use hooks::id::{CallId, TenantId};
use hooks::lookup::{
    Answer, CallerFound, CallerLookup, DialAuthorize, DialResolve, DialVerdict, Lookups as Answering, Question,
};
use hooks::plugin::{Host, Plugin, PluginError};
use switch::input::LookUpId;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::HookConfig;
use crate::http::server::{Security, serve};
use crate::names::tests::server as dns;
use crate::tls::{CertificateFiles, Certificates, Loaded, Trust, Trusted, ensure};
use crate::writer::inbox;

/// How many questions came.
type Asked = Arc<AtomicUsize>;

async fn good(State(asked): State<Asked>, headers: HeaderMap) -> Response {
    asked.fetch_add(1, Ordering::Relaxed);
    let wants = headers["accept"].to_str().unwrap().to_owned();
    ([("content-type", "application/json")], format!("{{\"name\": \"李雷\", \"wants\": \"{wants}\"}}")).into_response()
}

/// Says in the name what it was asked.
async fn who(State(asked): State<Asked>, RawQuery(query): RawQuery) -> String {
    asked.fetch_add(1, Ordering::Relaxed);
    format!("{{\"name\": \"{}\", \"owner\": \"10002\", \"level\": {{\"vip\": true}}}}", query.unwrap())
}

/// Of this length, all of it one text.
fn text_of(length: usize) -> Body {
    let bytes = Bytes::from(format!("\"{}\"", "x".repeat(length - 2)));
    let chunks: Vec<_> = bytes.chunks(4_096).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    Body::from_stream(stream::iter(chunks))
}

fn router(asked: &Asked) -> Router {
    // Part of an answer, and then nothing for ever.
    let begun = || Body::from_stream(stream::iter([Ok::<_, std::io::Error>("{\"name\":")]).chain(stream::pending()));
    Router::new()
        .route("/good", get(good))
        .route("/slow", get(std::future::pending::<()>))
        .route("/begun", get(async move || begun()))
        .route("/longest", get(async || text_of(ANSWER_MAX)))
        .route("/longer", get(async || text_of(ANSWER_MAX + 1)))
        .route("/endless", get(async || Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>("[")))))
        .route("/fault", get(async || (StatusCode::INTERNAL_SERVER_ERROR, "{\"name\": 1}")))
        .route("/moved", get(async || (StatusCode::FOUND, [("location", "/good")], "{\"name\": 1}")))
        .route("/page", get(async || "<html>hello</html>"))
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/who", get(who))
        .route("/may", get(async || "{\"allowed\": false, \"reason\": \"on the list\"}"))
        .route("/number", get(async || "{\"number\": \"13800000009\"}"))
        .with_state(Arc::clone(asked))
}

struct Web {
    at: SocketAddr,
    asked: Asked,
}

async fn web() -> Web {
    let asked = Asked::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, served) = (listener.local_addr().unwrap(), router(&asked));
    tokio::spawn(async move { axum::serve(listener, served).await });
    Web { at, asked }
}

fn tls(ca: &std::path::Path) -> Arc<TlsClient> {
    let trust = Trust { ca: ca.to_owned(), unverified_hosts: BTreeSet::default() };
    Arc::new(TlsClient::new(Trusted::read(trust).unwrap()).unwrap())
}

fn asker(allow_private: bool, names: Names) -> Asker {
    asker_believing(allow_private, names, tls("/nowhere".as_ref()))
}

fn asker_believing(allow_private: bool, names: Names, tls: Arc<TlsClient>) -> Asker {
    let reach = if allow_private { Reach::Everywhere } else { Reach::Public };
    Asker(WebClient::new(reach, MEND, Arc::new(names), tls))
}

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_server_is_asked_for_json_and_its_answer_is_read() {
    let web = web().await;
    let answer = asker(true, Names::default()).within(SOON, &format!("http://{}/good?caller=1", web.at)).await.unwrap();
    assert_eq!(answer, serde_json::json!({"name": "李雷", "wants": "application/json"}));
}

#[tokio::test]
async fn what_is_no_answer_has_its_reason_and_the_time_is_kept() {
    let web = web().await;
    let asker = asker(true, Names::default());
    let longest = asker.within(SOON, &format!("http://{}/longest", web.at)).await.unwrap();
    assert_eq!(longest.as_str().unwrap().len(), ANSWER_MAX - 2);
    let short = Duration::from_millis(100);
    for (path, timeout, reason) in [
        ("slow", short, "no answer within 100 ms"),
        ("begun", short, "no answer within 100 ms"),
        ("longer", SOON, "the answer is longer than 65536 bytes"),
        ("endless", SOON, "the answer is longer than 65536 bytes"),
        ("fault", SOON, "the server answered 500"),
        ("moved", SOON, "the server answered 302"),
        ("missing", SOON, "the server answered 404"),
        ("page", SOON, "the answer is no JSON: expected value at line 1 column 1"),
        ("empty", SOON, "the answer is no JSON: EOF while parsing a value at line 1 column 0"),
    ] {
        let failure = asker.within(timeout, &format!("http://{}/{path}", web.at)).await.unwrap_err();
        assert_eq!(failure.to_string(), reason, "{path}");
    }
    assert_eq!(web.asked.load(Ordering::Relaxed), 0, "a redirection is not followed");
}

#[tokio::test]
async fn who_is_not_there_is_told_without_the_address_that_was_asked() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failure = asker(true, Names::default()).within(SOON, &format!("http://{gone}/13800138000")).await.unwrap_err();
    assert!(matches!(failure, Failure::Web(WebError::Http(_))), "{failure}");
    assert!(!failure.to_string().contains("13800138000"), "{failure}");
    let failure = asker(true, Names::default()).within(SOON, "http://").await.unwrap_err();
    assert!(matches!(failure, Failure::Web(WebError::NoUrl(_))), "{failure}");
}

#[tokio::test]
async fn servers_of_this_machine_are_not_asked_however_they_are_named() {
    let web = web().await;
    let port = web.at.port();
    let (dns, _zone) = dns(&[("inside.test", 60, RData::A(A::new(127, 0, 0, 1)))]);
    let asker_at = |allow_private| asker(allow_private, Names::new(&[dns]));
    let refused = asker_at(false);
    for host in
        ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "inside.test", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
    {
        let failure = refused.within(SOON, &format!("http://{host}:{port}/good")).await.unwrap_err();
        assert!(matches!(failure, Failure::Web(WebError::Private(_))), "{host}: {failure}");
    }
    assert_eq!(web.asked.load(Ordering::Relaxed), 0);
    for host in ["127.0.0.1", "localhost", "inside.test"] {
        asker_at(true).within(SOON, &format!("http://{host}:{port}/good")).await.unwrap();
    }
    assert_eq!(web.asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_certificate_is_looked_at_and_authorities_that_change_count_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let [own, other] = ["own", "other"].map(|name| CertificateFiles::own(&folder.path().join(name)));
    for files in [&own, &other] {
        std::fs::create_dir_all(files.key.parent().unwrap()).unwrap();
        ensure(files, &names).unwrap();
    }
    let served = Arc::new(Certificates::new(Loaded::read(own.clone(), BTreeMap::new()).unwrap())).server(&[]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/good", listener.local_addr().unwrap().port());
    let (_stop, stopping) = tokio::sync::watch::channel(false);
    let router = router(&Asked::default());
    tokio::spawn(serve(listener, Security::Tls(TlsAcceptor::from(served)), router, stopping));
    let client = tls(&other.certificate);
    let asker = asker_believing(true, Names::default(), Arc::clone(&client));
    let failure = asker.within(SOON, &url).await.unwrap_err();
    assert!(failure.to_string().contains("certificate"), "{failure}");
    let trust = Trust { ca: own.certificate, unverified_hosts: BTreeSet::default() };
    client.replace(Trusted::read(trust).unwrap());
    asker.within(SOON, &url).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_questions_than_may_run_have_no_answer_at_once_and_every_one_is_told() {
    let web = web().await;
    let (inbox, outbox) = inbox();
    let config = LookupConfig { allow_private: true, hooks: HookConfig::default() };
    let (names, client) = (Arc::new(Names::default()), tls("/nowhere".as_ref()));
    let hooks = Arc::new(Hooks::new(&[], config.hooks.clone(), names.clone(), client.clone()));
    let lookups = Lookups::new(&config, hooks, names, client, inbox);
    let ask = |id: usize, path: &str, timeout: Duration| {
        lookups.ask(LookUp {
            tenant: TenantId::first(),
            call: CallId::new(0, 1),
            id: LookUpId(id as u64),
            url: format!("http://{}/{path}", web.at),
            timeout,
        });
    };
    (0..RUNNING_MAX).for_each(|id| ask(id, "slow", Duration::from_secs(3)));
    ask(RUNNING_MAX, "good", SOON);
    let next = || match tokio::task::block_in_place(|| outbox.wait_input()) {
        Input::LookedUp { id, answer, .. } => (id.0, answer),
        other => panic!("{other:?}"),
    };
    assert_eq!(next(), (RUNNING_MAX as u64, None), "the last one first: it is not waited for");
    let mut late: Vec<u64> =
        (0..RUNNING_MAX).map(|_| next()).map(|(id, answer)| answer.map_or(id, |_| panic!())).collect();
    late.sort_unstable();
    assert_eq!(late, (0..RUNNING_MAX as u64).collect::<Vec<_>>());
    ask(1_000, "good", SOON);
    assert_eq!(next().1.unwrap()["name"], "李雷");
}

/// A plugin that answers lookups in one way.
struct Knows(fn() -> Option<CallerFound>);

impl Answering for Knows {
    fn caller(&self, _: &CallerLookup) -> Option<CallerFound> {
        (self.0)()
    }
}

impl Plugin for Knows {
    fn name(&self) -> &'static str {
        "knows"
    }

    fn lookups(&self) -> Option<&dyn Answering> {
        Some(self)
    }

    fn run(&self, _: &dyn Host) -> Result<(), PluginError> {
        Ok(())
    }
}

fn hooks(plugins: &[Arc<dyn Plugin>], config: HookConfig) -> Hooks {
    Hooks::new(plugins, config, Arc::new(Names::default()), tls("/nowhere".as_ref()))
}

fn named(name: &str) -> Option<CallerFound> {
    Some(CallerFound { name: Some(name.to_owned()), ..CallerFound::default() })
}

fn who_calls(timeout: Duration) -> switch::output::Asked {
    let (tenant, call) = (TenantId::first(), CallId::new(0, 1));
    let question = CallerLookup { tenant, call, caller: "+86 138&x".to_owned(), called: "4001".to_owned() };
    switch::output::Asked { id: LookUpId(1), question: Question::Caller(question), timeout }
}

fn caller_at(web: &Web, path: &str) -> HookConfig {
    let url = format!("http://{}/{path}?tenant={{tenant}}&from={{caller}}&to={{called}}", web.at);
    HookConfig { caller_url: Some(url.parse().unwrap()), ..HookConfig::default() }
}

#[tokio::test]
async fn the_first_plugin_that_knows_answers_and_no_server_is_asked() {
    let web = web().await;
    let plugins: [Arc<dyn Plugin>; 3] =
        [Arc::new(Knows(|| None)), Arc::new(Knows(|| named("first"))), Arc::new(Knows(|| named("second")))];
    let hooks = hooks(&plugins, caller_at(&web, "who"));
    assert_eq!(hooks.answer(&who_calls(SOON)).await, named("first").map(Answer::Caller));
    assert_eq!(web.asked.load(Ordering::Relaxed), 0);
}

/// Proves POP-08 (a plugin that crashed touches no call): whoever is asked next answers.
#[tokio::test]
async fn a_server_answers_where_plugins_panic_or_know_nothing() {
    let web = web().await;
    let plugins: [Arc<dyn Plugin>; 2] = [Arc::new(Knows(|| panic!("on purpose"))), Arc::new(Knows(|| None))];
    let hooks = hooks(&plugins, caller_at(&web, "who"));
    let Some(Answer::Caller(found)) = hooks.answer(&who_calls(SOON)).await else { panic!() };
    // What somebody dials cannot reach beyond its place in the address.
    assert_eq!(found.name.as_deref(), Some("tenant=default&from=%2B86%20138%26x&to=4001"));
    assert_eq!((found.owner.as_deref(), found.priority), (Some("10002"), 0));
}

#[tokio::test]
async fn what_is_no_answer_is_none() {
    let web = web().await;
    for path in ["page", "fault", "empty", "longer"] {
        assert_eq!(hooks(&[], caller_at(&web, path)).answer(&who_calls(SOON)).await, None, "{path}");
    }
}

/// Proves POP-08 (a plugin, or a server, that is slow).
#[tokio::test]
async fn who_is_slow_is_not_waited_for() {
    let web = web().await;
    let soon = Duration::from_millis(20);
    assert_eq!(hooks(&[], caller_at(&web, "slow")).answer(&who_calls(soon)).await, None);
    static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    let plugins: [Arc<dyn Plugin>; 1] = [Arc::new(Knows(|| {
        let _open = GATE.1.wait_while(GATE.0.lock().unwrap(), |open| !*open).unwrap();
        named("late")
    }))];
    let hooks = hooks(&plugins, HookConfig::default());
    for _ in 0..=HOOKS_RUNNING_MAX {
        assert_eq!(hooks.answer(&who_calls(soon)).await, None);
    }
    *GATE.0.lock().unwrap() = true;
    GATE.1.notify_all();
}

#[tokio::test]
async fn servers_say_which_number_a_record_has_and_whether_one_may_be_dialled() {
    let web = web().await;
    let at = |path: &str| Some(format!("http://{}/{path}", web.at).parse().unwrap());
    let config = HookConfig { authorize_url: at("may"), resolve_url: at("number"), ..HookConfig::default() };
    let hooks = hooks(&[], config);
    let times = hooks.times();
    assert_eq!((times.caller, times.authorize), (None, Some(Duration::from_millis(500))));
    let (tenant, call) = (TenantId::first(), CallId::new(0, 1));
    let asked = DialResolve { tenant: tenant.clone(), by: "anna".to_owned(), record: "7".to_owned() };
    assert_eq!(hooks.resolve(asked).await.as_deref(), Some("13800000009"));
    let (extension, number) = ("1001".to_owned(), "13900000000".to_owned());
    let question = Question::Authorize(DialAuthorize { tenant, call, extension, agent: None, number });
    let asked = switch::output::Asked { id: LookUpId(1), question, timeout: SOON };
    let refused = DialVerdict { allowed: false, reason: "on the list".to_owned() };
    assert_eq!(hooks.answer(&asked).await, Some(Answer::Authorize(refused)));
}
