//! A phone whose every message is text, for ladders no ready-made phone can play: it does exactly what the test says,
//! right or wrong, and keeps the ladder it saw for the message of a failing test.

use std::io::{ErrorKind, Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::digest::{Answer, Hash};
use crate::openssl::Secured;
use crate::ports::Ports;
use crate::received::{self, Received};
use crate::sip_text::{Text, faults, wire};
use crate::websocket::Socket;

/// What a phone waits for an answer: far above what any timer in a test needs.
pub const PATIENCE: Duration = Duration::from_secs(8);
const DATAGRAM_MAX: usize = 65_535;

/// A phone, or a trunk: both are one socket and a habit of writing messages.
#[derive(Debug)]
pub struct Phone {
    user: String,
    local: SocketAddr,
    server: SocketAddr,
    domain: Option<String>,
    line: Line,
    ladder: Vec<String>,
    seen: Vec<String>,
    last_sent: String,
    began: Instant,
    received: Received,
}

#[derive(Debug)]
enum Line {
    Udp(UdpSocket),
    Tcp { stream: TcpStream, unread: Vec<u8> },
    Tls { secured: Secured, unread: Vec<u8> },
    WebSocket(Box<Socket>),
}

/// The sides of a dialog as a phone keeps them, enough to write its next request.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Our From value, with tag.
    pub local: String,
    /// Their To value, with tag once it is known.
    pub remote: String,
    /// Where requests go: their Contact.
    pub target: String,
    /// Route headers of our requests, in order (RFC 3261 §12.1.2: the Record-Routes of the answer, reversed).
    pub routes: Vec<String>,
    /// CSeq of our last request.
    pub cseq: u32,
    /// Our Contact.
    pub contact: String,
}

impl Phone {
    /// A phone on UDP at a port of `ports`.
    ///
    /// # Errors
    /// When no port is left.
    pub fn udp(ports: &Ports, user: &str, server: SocketAddr) -> Result<Self> {
        Self::udp_at(SocketAddr::from(([127, 0, 0, 1], ports.one()?)), user, server)
    }

    /// A phone on UDP at an address of its own, such as that of a trunk.
    ///
    /// # Errors
    /// When the address is taken.
    pub fn udp_at(local: SocketAddr, user: &str, server: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind(local).with_context(|| format!("{local} is taken"))?;
        Ok(Self::new(user, socket.local_addr()?, server, Line::Udp(socket)))
    }

    /// A phone on TCP, connected to the server.
    ///
    /// # Errors
    /// When the server does not listen.
    pub fn tcp(user: &str, server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).with_context(|| format!("nobody listens on {server}"))?;
        stream.set_nodelay(true).context("TCP_NODELAY cannot be set")?;
        let local = stream.local_addr()?;
        Ok(Self::new(user, local, server, Line::Tcp { stream, unread: Vec::new() }))
    }

    /// A phone on TLS by OpenSSL, connected to the server, or a carrier to which the server connects. Its own address is made
    /// up: nothing may be sent there.
    #[must_use]
    pub fn tls(user: &str, server: SocketAddr, secured: Secured) -> Self {
        let host: IpAddr = if server.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        let nowhere = SocketAddr::new(host, 9);
        Self::new(user, nowhere, server, Line::Tls { secured, unread: Vec::new() })
    }

    /// Connects anew after the server was killed, from another port.
    ///
    /// # Errors
    /// When the server does not listen.
    pub fn reconnect(&mut self) -> Result<()> {
        let Self { line, local, .. } = Self::tcp(&self.user, self.server)?;
        (self.line, self.local) = (line, local);
        self.note("--", "connected anew");
        Ok(())
    }

    /// A phone on a WebSocket. It gives no address of its own, as browsers do not know theirs (RFC 7118 §5).
    #[must_use]
    pub fn websocket(user: &str, server: SocketAddr, socket: Socket) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        Self::new(user, nowhere, server, Line::WebSocket(Box::new(socket)))
    }

    fn new(user: &str, local: SocketAddr, server: SocketAddr, line: Line) -> Self {
        let (ladder, seen) = (Vec::new(), Vec::new());
        Self {
            user: user.to_owned(),
            local,
            server,
            domain: None,
            line,
            ladder,
            seen,
            last_sent: String::new(),
            began: Instant::now(),
            received: Received::default(),
        }
    }

    /// Names this SIP domain in place of the server's address.
    #[must_use]
    pub fn of_domain(mut self, domain: &str) -> Self {
        self.domain = Some(domain.to_owned());
        self
    }

    /// The host of its own address-of-record and of those whom it calls.
    fn realm(&self) -> String {
        self.domain.clone().unwrap_or_else(|| self.server.to_string())
    }

    /// Its own transport address.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whom it is registered at.
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Its user name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    fn transport(&self) -> &'static str {
        match &self.line {
            Line::Udp(_) => "UDP",
            Line::Tcp { .. } => "TCP",
            Line::Tls { .. } => "TLS",
            Line::WebSocket(socket) if socket.is_secure() => "WSS",
            Line::WebSocket(_) => "WS",
        }
    }

    /// Its Contact.
    #[must_use]
    pub fn contact(&self) -> String {
        let parameter = match self.line {
            Line::Udp(_) => "",
            Line::Tcp { .. } => ";transport=tcp",
            Line::Tls { .. } => ";transport=tls",
            Line::WebSocket(_) => return format!("<sip:{}@{};transport=ws>", self.user, self.host()),
        };
        format!("<sip:{}@{}{parameter}>", self.user, self.local)
    }

    /// A Via with a branch never used before.
    #[must_use]
    pub fn via(&self) -> String {
        format!("SIP/2.0/{} {};branch=z9hG4bK{};rport", self.transport(), self.host(), unique())
    }

    /// As what it names itself.
    fn host(&self) -> String {
        match self.line {
            Line::WebSocket(_) => "df7jal23ls0d.invalid".to_owned(),
            Line::Udp(_) | Line::Tcp { .. } | Line::Tls { .. } => self.local.to_string(),
        }
    }

    /// Sends `text` (LF line ends; Content-Length is added) as it stands.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn send(&mut self, text: &str) -> Result<()> {
        let bytes = wire(text);
        let name = bytes.lines().next().unwrap_or_default().to_owned();
        self.note("->", &name);
        self.last_sent = bytes;
        self.send_raw(self.last_sent.clone().as_bytes())
    }

    /// Sends the last message again, byte by byte the same.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn send_again(&mut self) -> Result<()> {
        self.send_raw(self.last_sent.clone().as_bytes())
    }

    /// Sends bytes, be they SIP or not.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.line {
            Line::Udp(socket) => socket.send_to(bytes, self.server).map(drop).context("a datagram cannot be sent"),
            Line::Tcp { stream, .. } => stream.write_all(bytes).context("the connection is gone"),
            Line::Tls { secured, .. } => secured.line.write_all(bytes).context("the secured connection is gone"),
            Line::WebSocket(socket) => socket.send(bytes),
        }
    }

    /// The next message, whatever it is; `None` when none comes in `at_most`.
    ///
    /// # Errors
    /// When what comes is not readable as SIP, or the connection breaks.
    pub fn receive(&mut self, at_most: Duration) -> Result<Option<Text>> {
        let deadline = Instant::now() + at_most;
        let Some(message) = self.receive_text(deadline)? else { return Ok(None) };
        let text = Text::read(&message).with_context(|| format!("unreadable: {message:?}"))?;
        self.note("<-", &text.start);
        if received::is_of_product(&text) {
            let faults = faults(&message);
            ensure!(faults.is_empty(), "{faults:?} in {message}");
            self.received.keep(self.server, self.local, &message);
        }
        Ok(Some(text))
    }

    fn receive_text(&mut self, deadline: Instant) -> Result<Option<String>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let arrived = match &mut self.line {
                Line::Udp(socket) => receive_datagram(socket, left)?,
                Line::Tcp { stream, unread } => {
                    stream.set_read_timeout(Some(left)).context("a read timeout cannot be set")?;
                    receive_framed(stream, unread)?
                }
                Line::Tls { secured, unread } => {
                    secured.line.set_read_timeout(Some(left)).context("a read timeout cannot be set")?;
                    receive_framed(&mut secured.line, unread)?
                }
                Line::WebSocket(socket) => socket.receive(left)?,
            };
            // Keep-alives (RFC 5626 §3.5) are not messages.
            if let Some(message) = arrived.filter(|message| !message.trim().is_empty()) {
                return Ok(Some(message));
            }
        }
    }

    /// The next message that is neither a 100 nor a retransmission; it must be `name` (`"INVITE"`, `"486 INVITE"`).
    ///
    /// # Errors
    /// When another message comes, or none; with the ladder up to there.
    pub fn expect(&mut self, name: &str) -> Result<Text> {
        self.expect_within(name, PATIENCE)
    }

    /// [`Self::expect`] with a patience of its own.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub fn expect_within(&mut self, name: &str, at_most: Duration) -> Result<Text> {
        let deadline = Instant::now() + at_most;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(text) = self.receive(left)? else { bail!("no {name} in {at_most:?}\n{}", self.told()) };
            let is_new = self.is_new(&text);
            if text.name() == name && (is_new || text.method() == "ACK") {
                return Ok(text);
            }
            ensure!(text.status() == Some(100) || !is_new, "{} in place of {name}\n{}", text.name(), self.told());
        }
    }

    /// Waits for silence: nothing but retransmissions in `span`.
    ///
    /// # Errors
    /// When something new comes.
    pub fn expect_nothing(&mut self, span: Duration) -> Result<()> {
        let deadline = Instant::now() + span;
        while let Some(text) = self.receive(deadline.saturating_duration_since(Instant::now()))? {
            ensure!(!self.is_new(&text), "{} though nothing was expected\n{}", text.name(), self.told());
        }
        Ok(())
    }

    /// True the first time a message comes; a retransmission has the same start, Via, CSeq and To.
    fn is_new(&mut self, text: &Text) -> bool {
        let parts = [&text.start, text.header("Via"), text.header("CSeq"), text.header("To"), text.header("Call-ID")];
        let key = parts.join("|");
        let is_new = !self.seen.contains(&key);
        if is_new {
            self.seen.push(key);
        }
        is_new
    }

    /// The ladder so far.
    #[must_use]
    pub fn told(&self) -> String {
        format!("ladder of {} at {}:\n{}", self.user, self.local, self.ladder.join("\n"))
    }

    fn note(&mut self, arrow: &str, what: &str) {
        self.ladder.push(format!("{:>7.3}s {arrow} {what}", self.began.elapsed().as_secs_f64()));
    }

    /// Answers a request: its Via, From, To, Call-ID, CSeq and Record-Route are copied, a To tag and Contact added.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn reply(&mut self, request: &Text, status: &str, body: &str) -> Result<()> {
        self.reply_with(request, status, &[], body)
    }

    /// [`Self::reply`] with more header lines.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn reply_with(&mut self, request: &Text, status: &str, more: &[&str], body: &str) -> Result<()> {
        let mut lines = vec![format!("SIP/2.0 {status}")];
        for name in ["Via", "Record-Route", "From"] {
            lines.extend(request.all(name).iter().map(|value| format!("{name}: {value}")));
        }
        let to = request.header("To");
        let needs_tag = request.parameter("To", "tag").is_none() && !status.starts_with("100");
        let tag = if needs_tag { format!(";tag=phone{}", self.local.port()) } else { String::new() };
        lines.push(format!("To: {to}{tag}"));
        lines.push(format!("Call-ID: {}", request.header("Call-ID")));
        lines.push(format!("CSeq: {}", request.header("CSeq")));
        lines.push(format!("Contact: {}", self.contact()));
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        if !body.is_empty() {
            lines.push("Content-Type: application/sdp".to_owned());
        }
        self.send(&format!("{}\n\n{body}", lines.join("\n")))
    }

    /// Registers, answering the challenge with `hash`; returns the 200.
    ///
    /// # Errors
    /// When the server refuses or does not challenge.
    pub fn register(&mut self, password: &str, hash: Hash) -> Result<Text> {
        self.register_for(password, hash, 300)
    }

    /// [`Self::register`] for so many seconds; 0 takes the binding away.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub fn register_for(&mut self, password: &str, hash: Hash, expires_s: u32) -> Result<Text> {
        let fields = format!("Contact: {}\nExpires: {expires_s}", self.contact());
        self.register_with(password, hash, &fields)
    }

    /// [`Self::register`] by one flow of a phone that has several (RFC 5626 §4.2), which `instance`, a URN, names.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub fn register_flow(&mut self, password: &str, instance: &str, reg_id: u32) -> Result<Text> {
        // As behind NAT: its own address is known to itself alone, and the same by all flows.
        let address = self.contact().replace(&self.local.to_string(), "192.0.2.77:5060");
        let contact = format!("{address};+sip.instance=\"<{instance}>\";reg-id={reg_id}");
        let fields = format!("Contact: {contact}\nExpires: 300\nSupported: path, outbound");
        self.register_with(password, Hash::Sha256, &fields)
    }

    fn register_with(&mut self, password: &str, hash: Hash, fields: &str) -> Result<Text> {
        let (user, uri) = (self.user.clone(), format!("sip:{}", self.realm()));
        let (tag, call_id) = (unique(), unique());
        let request = |via: &str, cseq: u32, authorization: &str| {
            format!(
                "REGISTER {uri} SIP/2.0\nVia: {via}\nMax-Forwards: 70\nFrom: <sip:{user}@{0}>;tag={tag}\nTo: <sip:{user}@{0}>\nCall-ID: {call_id}\nCSeq: {cseq} REGISTER\n{fields}\n{authorization}\n",
                uri.trim_start_matches("sip:")
            )
        };
        let text = request(&self.via(), 1, "");
        self.send(&text)?;
        let challenge = self.expect("401 REGISTER")?;
        let answer = Answer { user: &user, password, method: "REGISTER", uri: &uri, count: 1 };
        let authorization = answer.to(&challenge.all("WWW-Authenticate"), hash)?;
        let text = request(&self.via(), 2, &format!("Authorization: {authorization}\n"));
        self.send(&text)?;
        self.expect("200 REGISTER")
    }

    /// A dialog about to begin with a call to `number`.
    #[must_use]
    pub fn dialog_to(&self, number: &str) -> Dialog {
        let realm = self.realm();
        Dialog {
            call_id: format!("{}@phone", unique()),
            local: format!("<sip:{}@{realm}>;tag={}", self.user, unique()),
            remote: format!("<sip:{number}@{realm}>"),
            target: format!("sip:{number}@{realm}"),
            routes: Vec::new(),
            cseq: 0,
            contact: self.contact(),
        }
    }

    /// The dialog that a request (an INVITE to us) began, once we have answered it.
    #[must_use]
    pub fn dialog_of(&self, request: &Text) -> Dialog {
        Dialog {
            call_id: request.header("Call-ID").to_owned(),
            local: format!("{};tag=phone{}", request.header("To"), self.local.port()),
            remote: request.header("From").to_owned(),
            target: request.uri("Contact"),
            routes: request.all("Record-Route").iter().map(|route| (*route).to_owned()).collect(),
            cseq: 100,
            contact: self.contact(),
        }
    }

    /// Sends a request in `dialog` with the next CSeq; returns the Via it carries, for CANCEL and ACK.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn request(&mut self, dialog: &mut Dialog, method: &str, more: &[&str], body: &str) -> Result<String> {
        dialog.cseq += 1;
        let via = self.via();
        let text = dialog.text(method, dialog.cseq, &via, more, body);
        self.send(&text)?;
        Ok(via)
    }

    /// Sends INVITE in `dialog` and answers a challenge (401 or 407) for `password`; returns the Via of the last INVITE.
    ///
    /// # Errors
    /// When the transport refuses, or the challenge cannot be answered.
    pub fn invite(&mut self, dialog: &mut Dialog, password: Option<&str>, body: &str) -> Result<String> {
        self.invite_with(dialog, password, &[], body)
    }

    /// The same with more header fields.
    ///
    /// # Errors
    /// As [`Self::invite`].
    pub fn invite_with(
        &mut self,
        dialog: &mut Dialog,
        password: Option<&str>,
        more: &[&str],
        body: &str,
    ) -> Result<String> {
        let via = self.request(dialog, "INVITE", more, body)?;
        let Some(password) = password else { return Ok(via) };
        let challenge = match self.expect_one_of(&["401 INVITE", "407 INVITE"])? {
            challenge if challenge.status() == Some(401) => (challenge, "WWW-Authenticate", "Authorization"),
            challenge => (challenge, "Proxy-Authenticate", "Proxy-Authorization"),
        };
        let (challenge, asked, answered) = challenge;
        let mut failed = dialog.clone();
        failed.remote = challenge.header("To").to_owned();
        let ack = failed.text("ACK", dialog.cseq, &via, &[], "");
        self.send(&ack)?;
        let user = self.user.clone();
        let answer = Answer { user: &user, password, method: "INVITE", uri: &dialog.target, count: 1 };
        let value =
            answer.to(&challenge.all(asked), Hash::Sha256).or_else(|_| answer.to(&challenge.all(asked), Hash::Md5))?;
        let signature = format!("{answered}: {value}");
        let fields: Vec<&str> = more.iter().copied().chain([signature.as_str()]).collect();
        self.request(dialog, "INVITE", &fields, body)
    }

    /// [`Self::expect`] of any of several.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub fn expect_one_of(&mut self, names: &[&str]) -> Result<Text> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(text) = self.receive(left)? else { bail!("none of {names:?}\n{}", self.told()) };
            let is_new = self.is_new(&text);
            if names.contains(&text.name().as_str()) {
                return Ok(text);
            }
            ensure!(text.status() == Some(100) || !is_new, "{} in place of {names:?}\n{}", text.name(), self.told());
        }
    }

    /// Acknowledges a 2xx: the dialog learns the remote tag and target from it.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn ack(&mut self, dialog: &mut Dialog, ok: &Text, body: &str) -> Result<()> {
        dialog.remote = ok.header("To").to_owned();
        dialog.target = ok.uri("Contact");
        dialog.routes = ok.all("Record-Route").iter().rev().map(|route| (*route).to_owned()).collect();
        let text = dialog.text("ACK", ok.cseq(), &self.via(), &[], body);
        self.send(&text)
    }

    /// Acknowledges a final response that is no 2xx, in the INVITE's own transaction (RFC 3261 §17.1.1.3).
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn ack_failure(&mut self, dialog: &Dialog, invite_via: &str, response: &Text) -> Result<()> {
        let mut failed = dialog.clone();
        failed.remote = response.header("To").to_owned();
        let text = failed.text("ACK", response.cseq(), invite_via, &[], "");
        self.send(&text)
    }

    /// Cancels the INVITE that carried `invite_via`.
    ///
    /// # Errors
    /// When the transport refuses.
    pub fn cancel(&mut self, dialog: &Dialog, invite_via: &str) -> Result<()> {
        let text = dialog.text("CANCEL", dialog.cseq, invite_via, &[], "");
        self.send(&text)
    }

    /// Ends the dialog with BYE and waits for its 200.
    ///
    /// # Errors
    /// When no 200 comes.
    pub fn hang_up(&mut self, dialog: &mut Dialog) -> Result<()> {
        self.request(dialog, "BYE", &[], "")?;
        self.expect("200 BYE").map(drop)
    }
}

impl Dialog {
    fn text(&self, method: &str, cseq: u32, via: &str, more: &[&str], body: &str) -> String {
        let Self { call_id, local, remote, target, contact, routes, .. } = self;
        let routes: String = routes.iter().map(|route| format!("Route: {route}\n")).collect();
        let more: String = more.iter().map(|line| format!("{line}\n")).collect();
        let is_named = more.contains("Content-Type:");
        let kind = if body.is_empty() || is_named { "" } else { "Content-Type: application/sdp\n" };
        format!(
            "{method} {target} SIP/2.0\nVia: {via}\nMax-Forwards: 70\nFrom: {local}\nTo: {remote}\nCall-ID: {call_id}\nCSeq: {cseq} {method}\nContact: {contact}\n{routes}{more}{kind}\n{body}"
        )
    }
}

fn receive_datagram(socket: &UdpSocket, at_most: Duration) -> Result<Option<String>> {
    socket.set_read_timeout(Some(at_most)).context("a read timeout cannot be set")?;
    let mut bytes = vec![0; DATAGRAM_MAX];
    match socket.recv(&mut bytes) {
        Ok(length) => Ok(Some(String::from_utf8_lossy(&bytes[..length]).into_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        // ICMP from a peer that is restarting: what matters is what it sends later.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(None),
        Err(error) => Err(error).context("the socket broke"),
    }
}

fn receive_framed(stream: &mut impl Read, unread: &mut Vec<u8>) -> Result<Option<String>> {
    if let Some(message) = framed(unread) {
        return Ok(Some(message));
    }
    let mut bytes = vec![0; DATAGRAM_MAX];
    match stream.read(&mut bytes) {
        Ok(0) => bail!("the server closed the connection"),
        Ok(length) => unread.extend(&bytes[..length]),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        Err(error) => return Err(error).context("the connection broke"),
    }
    Ok(framed(unread))
}

/// Takes one message off the front, framed by Content-Length (RFC 3261 §18.3), or the keep-alive that stands there.
fn framed(unread: &mut Vec<u8>) -> Option<String> {
    if unread.starts_with(b"\r\n") {
        unread.drain(..2);
        return Some(String::new());
    }
    let head = unread.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&unread[..head]).into_owned();
    let length = Text::read(&text).ok()?.header("Content-Length").parse::<usize>().ok()?;
    let whole = unread.get(..head + length)?;
    let message = String::from_utf8_lossy(whole).into_owned();
    unread.drain(..head + length);
    Some(message)
}

/// A token no other message of this process carries, nor (by the process id) of another.
#[must_use]
pub fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{:x}t{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Phone, Phone, Ports) {
        let ports = Ports::take().unwrap();
        let (a, b) = (ports.one().unwrap(), ports.one().unwrap());
        let (a, b) = (SocketAddr::from(([127, 0, 0, 1], a)), SocketAddr::from(([127, 0, 0, 1], b)));
        (Phone::udp_at(a, "1001", b).unwrap(), Phone::udp_at(b, "1002", a).unwrap(), ports)
    }

    #[test]
    fn two_text_phones_play_a_call() {
        let (mut alice, mut bob, _ports) = pair();
        let mut call = alice.dialog_to("1002");
        alice.request(&mut call, "INVITE", &[], "v=0\n").unwrap();
        let invite = bob.expect("INVITE").unwrap();
        assert_eq!(invite.body, "v=0\r\n");
        bob.reply(&invite, "100 Trying", "").unwrap();
        bob.reply(&invite, "180 Ringing", "").unwrap();
        bob.reply(&invite, "200 OK", "v=0\n").unwrap();
        alice.expect("180 INVITE").unwrap();
        let ok = alice.expect("200 INVITE").unwrap();
        alice.ack(&mut call, &ok, "").unwrap();
        bob.expect("ACK").unwrap();
        let mut called = bob.dialog_of(&invite);
        bob.request(&mut called, "BYE", &[], "").unwrap();
        let bye = alice.expect("BYE").unwrap();
        alice.reply(&bye, "200 OK", "").unwrap();
        bob.expect("200 BYE").unwrap();
    }

    #[test]
    fn a_retransmission_is_passed_over_and_a_stranger_is_not() {
        let (mut alice, mut bob, _ports) = pair();
        let mut call = alice.dialog_to("1002");
        let via = alice.request(&mut call, "INVITE", &[], "").unwrap();
        let again = call.text("INVITE", 1, &via, &[], "");
        alice.send(&again).unwrap();
        alice.cancel(&call, &via).unwrap();
        bob.expect("INVITE").unwrap();
        bob.expect("CANCEL").unwrap();
        alice.request(&mut call, "OPTIONS", &[], "").unwrap();
        let refused = bob.expect("BYE").unwrap_err().to_string();
        assert!(refused.contains("OPTIONS in place of BYE"), "{refused}");
    }

    #[test]
    fn messages_are_cut_out_of_a_stream() {
        let mut unread = b"\r\nSIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nabSIP/2.0 4".to_vec();
        assert_eq!(framed(&mut unread), Some(String::new()));
        assert!(framed(&mut unread).unwrap().ends_with("\r\n\r\nab"));
        assert_eq!(framed(&mut unread), None);
        assert_eq!(unread, b"SIP/2.0 4");
    }
}
