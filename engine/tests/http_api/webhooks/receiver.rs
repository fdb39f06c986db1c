//! An endpoint of the test's own: says what it is told to say, and notes what it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What the endpoint says to a request; 204 where nothing is said before.
#[derive(Clone, Debug)]
pub(super) enum Say {
    Status(u16),
    /// With this header.
    With(u16, &'static str, String),
    /// Nothing, for ever.
    Nothing,
    /// 200, when the test says so.
    WhenTold,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Sent {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(super) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Which of the tests' facts it is.
    pub(super) fn n(&self) -> u64 {
        self.json()["data"]["failures"].as_u64().unwrap()
    }

    /// Whether one of its signatures is by this secret. HMAC (RFC 2104) written out here over a bare SHA-256.
    pub(super) fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(&key);
        let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
        let mut inner = pad(0x36);
        inner.extend_from_slice(format!("{}.{}.", self.id(), self.header("webhook-timestamp")).as_bytes());
        inner.extend_from_slice(&self.body);
        let mut outer = pad(0x5c);
        outer.extend_from_slice(digest(&SHA256, &inner).as_ref());
        let expected = format!("v1,{}", STANDARD.encode(digest(&SHA256, &outer).as_ref()));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }

    pub(super) fn signatures(&self) -> usize {
        self.header("webhook-signature").split(' ').count()
    }
}

#[derive(Default)]
struct Book {
    say: VecDeque<Say>,
    otherwise: Option<Say>,
    got: Vec<Sent>,
    taken: Vec<Sent>,
}

/// The endpoint.
pub(super) struct Receiver {
    pub(super) at: SocketAddr,
    book: Arc<Mutex<Book>>,
    count: watch::Sender<usize>,
    go: watch::Sender<bool>,
    /// Of its own: shut down, it and all of its connections are gone.
    runtime: Option<Runtime>,
}

#[derive(Clone)]
struct Served {
    book: Arc<Mutex<Book>>,
    count: watch::Sender<usize>,
    go: watch::Receiver<bool>,
}

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

impl Receiver {
    pub(super) async fn new() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::default())
    }

    fn on(listener: TcpListener, book: Arc<Mutex<Book>>) -> Self {
        let (count, (go, going)) = (watch::Sender::new(0), watch::channel(false));
        let at = listener.local_addr().unwrap();
        let listener = listener.into_std().unwrap();
        let served = Served { book: book.clone(), count: count.clone(), go: going };
        let router = Router::new().fallback(receive).with_state(served);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move { axum::serve(TcpListener::from_std(listener).unwrap(), router).await });
        Self { at, book, count, go, runtime: Some(runtime) }
    }

    /// Dies: its connections break, and nobody listens at its address.
    pub(super) async fn die(mut self) -> Dead {
        self.runtime.take().unwrap().shutdown_background();
        let bound = async {
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                socket.set_reuseaddr(true).unwrap();
                match socket.bind(self.at) {
                    Ok(()) => return socket,
                    Err(_still_listening) => tokio::task::yield_now().await,
                }
            }
        };
        let socket = tokio::time::timeout(PATIENCE, bound).await.unwrap();
        Dead { socket, book: self.book.clone() }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hooks", self.at)
    }

    /// What it says to the next requests, one after the other.
    pub(super) fn says(&self, say: impl IntoIterator<Item = Say>) {
        self.book.lock().unwrap().say.extend(say);
    }

    /// What it says to all others.
    pub(super) fn says_always(&self, say: Say) {
        self.book.lock().unwrap().otherwise = Some(say);
    }

    /// Answers what waits for that, and what is to come.
    pub(super) fn go(&self) {
        self.go.send_replace(true);
    }

    /// All that came.
    pub(super) fn got(&self) -> Vec<Sent> {
        self.book.lock().unwrap().got.clone()
    }

    /// What it answered with 2xx.
    pub(super) fn taken(&self) -> Vec<Sent> {
        self.book.lock().unwrap().taken.clone()
    }

    pub(super) fn taken_ns(&self) -> Vec<u64> {
        self.taken().iter().map(Sent::n).collect()
    }

    /// Waits until so many came.
    pub(super) async fn wait_for(&self, count: usize) {
        self.wait(|book| book.got.len() >= count).await;
    }

    /// Waits until it took so many.
    pub(super) async fn wait_for_taken(&self, count: usize) {
        self.wait(|book| book.taken.len() >= count).await;
    }

    /// Waits until it took this one.
    pub(super) async fn wait_for_the(&self, n: u64) {
        self.wait(|book| book.taken.last().is_some_and(|sent| sent.n() == n)).await;
    }

    async fn wait(&self, is_enough: impl Fn(&Book) -> bool) {
        let came = async {
            let mut counted = self.count.subscribe();
            while !is_enough(&self.book.lock().unwrap()) {
                counted.changed().await.unwrap();
            }
        };
        let all = tokio::time::timeout(PATIENCE, came).await;
        assert!(all.is_ok(), "{} came, and {:?} were taken", self.got().len(), self.taken_ns());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An endpoint that is away. Its port is held, so that nobody else takes it.
pub(super) struct Dead {
    socket: TcpSocket,
    book: Arc<Mutex<Book>>,
}

impl Dead {
    /// Comes back, with what it noted before.
    pub(super) fn revive(self) -> Receiver {
        Receiver::on(self.socket.listen(1_024).unwrap(), self.book)
    }
}

async fn receive(State(mut served): State<Served>, headers: HeaderMap, body: Bytes) -> Response {
    let sent = Sent { headers, body: body.to_vec() };
    let say = {
        let mut book = served.book.lock().unwrap();
        book.got.push(sent.clone());
        book.say.pop_front().or_else(|| book.otherwise.clone()).unwrap_or(Say::Status(204))
    };
    served.count.send_modify(|count| *count += 1);
    let status = |status: u16| axum::http::StatusCode::from_u16(status).unwrap();
    let response = match say {
        Say::Status(code) => status(code).into_response(),
        Say::With(code, name, value) => (status(code), [(name, value)]).into_response(),
        Say::Nothing => std::future::pending().await,
        Say::WhenTold => {
            served.go.wait_for(|go| *go).await.unwrap();
            status(200).into_response()
        }
    };
    if response.status().is_success() {
        served.book.lock().unwrap().taken.push(sent);
        served.count.send_modify(|count| *count += 1);
    }
    response
}
