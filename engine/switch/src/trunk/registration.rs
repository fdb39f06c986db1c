//! Our registration with a carrier (RFC 3261 §10, as client): kept alive before it runs out, tried again after a while when it
//! is refused, and taken back when the trunk is switched off or the process stops.

use std::net::SocketAddr;
use std::time::Duration;

use sip::digest::{AnswerError, Credentials, DigestClient};
use sip::flow::{Flow, Transport};
use sip::headers::{CSeq, Contacts, HeaderName, NameAddr};
use sip::message::{Method, Request, Response, StatusCode};
use sip::random::Random;
use sip::time::Now;
use sip::transaction::ClientKey;
use sip::uri::{Host, SipUri, Uri};

use super::health::{answer, unanswered_text};
use super::table::{Errand, TrunkTimer};
use super::watched::Watched;
use crate::config::Trunk;
use crate::desk::Desk;
use crate::incoming::HOPS;
use crate::invite;
use crate::nat;
use crate::view::{TrunkAnswer, TrunkRegistrationView};

/// See the module.
#[derive(Debug)]
pub(crate) struct Registration {
    /// The user in our Contact: who calls it got it from the carrier.
    pub(super) token: String,
    address_of_record: SipUri,
    call_id: String,
    cseq: u32,
    login: Option<DigestClient>,
    /// Which of the trunk's addresses is asked.
    target: usize,
    /// How long a registration is asked for; more than is set after a 423.
    expires_s: u32,
    /// In a row.
    pub(super) failures: u32,
    binding: Option<Binding>,
    step: Step,
}

/// The carrier has us.
#[derive(Clone, Copy, Debug)]
struct Binding {
    flow: Flow,
    until: Duration,
    until_ms: u64,
}

#[derive(Debug)]
enum Step {
    /// A REGISTER is out.
    Asking(Box<Asking>),
    /// The next one is sent at `due`.
    Resting { due: Duration },
}

/// A REGISTER without a final answer.
#[derive(Debug)]
struct Asking {
    client: ClientKey,
    request: Request,
    flow: Flow,
    since: Duration,
    /// How often it was sent again as its answer asked.
    rounds: u8,
}

/// A registration that is being taken back.
#[derive(Debug)]
pub(crate) struct Departure {
    registration: Registration,
    /// The request that is out: the last REGISTER, or the one that takes back.
    asking: Asking,
    step: Leaving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// RFC 3261 §10.2: no new REGISTER before the last one has its answer.
    Waiting,
    Asked,
}

/// Whether a registration of `before` holds for `after`.
pub(super) fn is_same(before: &Trunk, after: &Trunk) -> bool {
    before.enabled
        && before.policy.registration == after.policy.registration
        && before.credentials == after.credentials
        && before.host == after.host
        && before.transport == after.transport
}

/// The transport's name, for people.
pub(super) fn spoken(trunk: &Trunk) -> &'static str {
    match trunk.transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
        Transport::Ws => "WS",
        Transport::Wss => "WSS",
    }
}

impl Registration {
    pub(super) fn new(desk: &mut Desk, trunk: &Trunk) -> Self {
        let settings = trunk.policy.registration.as_ref();
        let username = trunk.credentials.as_ref().map(|credentials| credentials.username.as_str());
        let user = settings.and_then(|settings| settings.user.as_deref()).or(username);
        let domain = settings.and_then(|settings| settings.domain.as_deref()).unwrap_or(&trunk.host);
        let (host, port) = invite::host_and_port(domain)
            .unwrap_or_else(|| (Host::from(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)), None));
        let login = trunk.credentials.as_ref().map(|account| {
            let credentials = Credentials { username: account.username.clone(), password: account.password.clone() };
            DigestClient::new(credentials)
        });
        let expires_s = settings.map_or(0, |settings| u32::try_from(settings.expires.as_secs()).unwrap_or(u32::MAX));
        Self {
            token: desk.random.token(),
            address_of_record: SipUri::new(user, &host, port),
            call_id: desk.random.token(),
            cseq: 0,
            login,
            target: 0,
            expires_s,
            failures: 0,
            binding: None,
            step: Step::Resting { due: desk.now.mono },
        }
    }

    /// By which flow the carrier has us, if it has.
    pub(super) fn flow(&self) -> Option<Flow> {
        self.binding.map(|binding| binding.flow)
    }

    /// Whether it is with one of these addresses. None are there while the host does not resolve: it stays where it is.
    pub(super) fn is_at(&self, targets: &[SocketAddr]) -> bool {
        targets.is_empty() || self.binding.is_none_or(|binding| targets.contains(&binding.flow.peer))
    }

    pub(super) fn view(&self, now: Now) -> TrunkRegistrationView {
        let next_ms = match self.step {
            Step::Asking(_) => None,
            Step::Resting { due } => {
                u64::try_from(due.saturating_sub(now.mono).as_millis()).ok().map(|left| now.unix_ms + left)
            }
        };
        TrunkRegistrationView {
            address_of_record: self.address_of_record.as_str().to_owned(),
            until_ms: self.binding.map(|binding| binding.until_ms),
            next_ms,
            failures: self.failures,
        }
    }

    /// RFC 3261 §10.2: To and From are the address of record, the Request-URI is its domain; §10.2.4: the same Call-ID and the
    /// next CSeq each time.
    fn request(&mut self, desk: &mut Desk, flow: &Flow, expires_s: u32) -> Request {
        self.cseq += 1;
        let domain: Uri = SipUri::new(None, self.address_of_record.host(), self.address_of_record.port()).into();
        let tag = desk.random.token();
        let mut request = Request::new(Method::Register, domain.clone());
        let headers = &mut request.headers;
        let ours = NameAddr::new(self.address_of_record.clone().into());
        headers.push(HeaderName::MaxForwards, u32::from(HOPS));
        headers.push(HeaderName::From, ours.clone().with_tag(&tag));
        headers.push(HeaderName::To, ours);
        headers.push(HeaderName::CallId, self.call_id.as_str());
        headers.push(HeaderName::CSeq, CSeq { seq: self.cseq, method: Method::Register });
        let contact = nat::contact(&desk.node, flow, &self.token, &domain);
        headers.push(HeaderName::Contact, NameAddr::new(contact.into()));
        headers.push(HeaderName::Expires, expires_s);
        headers.push(HeaderName::Allow, invite::ALLOW);
        if let Some(login) = &mut self.login {
            login.authorize(&mut request, &mut desk.random);
        }
        request
    }

    /// How long the carrier keeps us: RFC 3261 §10.2.4, by our Contact in its answer, else by its Expires, else as asked.
    fn granted_s(&self, response: &Response) -> u32 {
        let contacts = response.headers.contacts().ok();
        let ours = match &contacts {
            Some(Contacts::List(list)) => {
                list.iter().find(|contact| contact.uri.user().as_deref() == Some(&self.token))
            }
            Some(Contacts::Wildcard) | None => None,
        };
        let granted = ours.and_then(NameAddr::expires).or_else(|| response.headers.expires());
        granted.unwrap_or(self.expires_s).min(GRANTED_MAX_S)
    }
}

impl Asking {
    /// Sends the request again with credentials for the challenge (RFC 3261 §22.2) under the next CSeq.
    fn again_signed(
        &mut self,
        desk: &mut Desk,
        registration: &mut Registration,
        response: &Response,
    ) -> Result<Request, AnswerError> {
        let login = registration.login.as_mut().ok_or(AnswerError::NothingUsable)?;
        let mut request = self.request.clone();
        login.answer(response, &mut request, &mut desk.random)?;
        registration.cseq += 1;
        request.headers.replace(HeaderName::CSeq, CSeq { seq: registration.cseq, method: Method::Register });
        Ok(request)
    }
}

impl Watched {
    /// The next REGISTER is due.
    pub(super) fn register_due(&mut self, desk: &mut Desk) {
        let (Some(trunk), Some(registration)) = (&self.trunk, &mut self.registration) else { return };
        if matches!(registration.step, Step::Asking(_)) {
            return;
        }
        self.changed = true;
        let count = trunk.targets.len();
        let target = registration.target.checked_rem(count).and_then(|at| trunk.targets.get(at)).copied();
        let Some(target) = target else {
            let text = format!("host {} does not resolve", trunk.host);
            return self.register_failed(desk, nothing(desk.now.unix_ms, text), Duration::ZERO);
        };
        let Some(flow) = nat::new_flow(&desk.node, trunk.transport, target) else {
            let text = format!("there is no {} socket of ours by which {target} is reached", spoken(trunk));
            return self.register_failed(desk, nothing(desk.now.unix_ms, text), Duration::ZERO);
        };
        let expires_s = registration.expires_s;
        let request = registration.request(desk, &flow, expires_s);
        self.send_register(desk, request, flow, 0);
    }

    /// Somebody wants to see a REGISTER now.
    pub(super) fn register_now(&mut self, desk: &mut Desk) {
        if let Some(Registration { step: Step::Resting { due }, .. }) = &self.registration {
            desk.trunks.timers.stop(*due, TrunkTimer::Register(self.id));
            self.register_due(desk);
        }
    }

    fn send_register(&mut self, desk: &mut Desk, request: Request, flow: Flow, rounds: u8) {
        let Some(registration) = &mut self.registration else { return };
        match desk.send(request.clone(), flow) {
            Ok(client) => {
                desk.trunks.errands.insert(client, Errand::Register(self.id));
                let asking = Asking { client, request, flow, since: desk.now.mono, rounds };
                registration.step = Step::Asking(Box::new(asking));
            }
            // We are full ourselves; that says nothing about the carrier.
            Err(error) => {
                let answer = nothing(desk.now.unix_ms, error.to_string());
                self.note_test_registration(&answer);
                self.rest(desk, BACK_OFF_MIN);
            }
        }
    }

    fn rest(&mut self, desk: &mut Desk, wait: Duration) {
        let Some(registration) = &mut self.registration else { return };
        let due = desk.now.after(wait);
        registration.step = Step::Resting { due };
        desk.trunks.timers.start(due, TrunkTimer::Register(self.id));
        self.changed = true;
    }

    pub(super) fn register_responded(&mut self, desk: &mut Desk, client: ClientKey, response: &Response) {
        let Some(registration) = &mut self.registration else { return };
        let resting = Step::Resting { due: desk.now.mono };
        let mut asking = match std::mem::replace(&mut registration.step, resting) {
            Step::Asking(asking) if asking.client == client && response.status.is_final() => asking,
            other @ (Step::Asking(_) | Step::Resting { .. }) => {
                registration.step = other;
                return;
            }
        };
        desk.trunks.errands.remove(&client);
        let said = answer(desk, response.status, asking.since);
        if response.status.is_success() {
            return self.registered(desk, asking.flow, response, &said);
        }
        let again = asking.rounds < ROUNDS_MAX;
        match response.status {
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED if again => {
                match asking.again_signed(desk, registration, response) {
                    Ok(request) => self.send_register(desk, request, asking.flow, asking.rounds + 1),
                    Err(error) => {
                        let text = format!("{}: {error}", said.text);
                        // Asking often with a wrong password gets us banned.
                        self.register_failed(desk, TrunkAnswer { text, ..said }, BACK_OFF_MAX);
                    }
                }
            }
            // RFC 3261 §10.2.8: again with what the registrar wants at least.
            StatusCode::INTERVAL_TOO_BRIEF if again => match response.headers.min_expires() {
                Some(least) if least > registration.expires_s && least <= GRANTED_MAX_S => {
                    registration.expires_s = least;
                    let request = registration.request(desk, &asking.flow, least);
                    self.send_register(desk, request, asking.flow, asking.rounds + 1);
                }
                Some(_) | None => self.register_failed(desk, said, Duration::ZERO),
            },
            _ => {
                let asked = response.headers.retry_after().ok().flatten();
                let wait = asked.map_or(Duration::ZERO, |asked| Duration::from_secs(asked.seconds.into()));
                self.register_failed(desk, said, wait);
            }
        }
    }

    pub(super) fn register_unanswered(&mut self, desk: &mut Desk, client: ClientKey, status: StatusCode) {
        let Some(Registration { step: Step::Asking(asking), .. }) = &self.registration else { return };
        if asking.client == client {
            let text = unanswered_text(status);
            self.register_failed(desk, nothing(desk.now.unix_ms, text), Duration::ZERO);
        }
    }

    fn registered(&mut self, desk: &mut Desk, flow: Flow, response: &Response, said: &TrunkAnswer) {
        let Some(registration) = &mut self.registration else { return };
        let granted_s = registration.granted_s(response);
        if granted_s == 0 {
            let text = format!("{}, but for no time at all", said.text);
            return self.register_failed(desk, TrunkAnswer { text, ..said.clone() }, Duration::ZERO);
        }
        let granted = Duration::from_secs(granted_s.into());
        self.forget_binding(desk);
        let until = desk.now.after(granted);
        desk.trunks.timers.start(until, TrunkTimer::Expiry(self.id));
        let until_ms = desk.now.unix_ms + u64::from(granted_s) * 1_000;
        if let Some(registration) = &mut self.registration {
            registration.binding = Some(Binding { flow, until, until_ms });
            registration.failures = 0;
        }
        // Between one half and three quarters of it: time for two more tries, and not all trunks at once.
        let half = granted / 2;
        let more = part_of(half / 2, &mut desk.random);
        self.rest(desk, half + more);
        self.note_test_registration(said);
    }

    /// It was refused or not answered: tried again later, at the next address.
    fn register_failed(&mut self, desk: &mut Desk, answer: TrunkAnswer, at_least: Duration) {
        let Some(registration) = &mut self.registration else { return };
        registration.failures = registration.failures.saturating_add(1);
        registration.target = registration.target.wrapping_add(1);
        let wait = back_off(registration.failures, &mut desk.random).max(at_least.min(BACK_OFF_MAX));
        self.note_test_registration(&answer);
        self.trouble(TrunkAnswer { text: format!("REGISTER: {}", answer.text), ..answer });
        self.rest(desk, wait);
    }

    /// The carrier no longer has us.
    pub(super) fn registration_expired(&mut self, now: Now) {
        if let Some(registration) = &mut self.registration {
            registration.binding = None;
            registration.failures = registration.failures.max(1);
            self.trouble(nothing(now.unix_ms, "REGISTER: the registration ran out before it was renewed".to_owned()));
        }
    }

    fn forget_binding(&mut self, desk: &mut Desk) {
        let binding = self.registration.as_mut().and_then(|registration| registration.binding.take());
        if let Some(binding) = binding {
            desk.trunks.timers.stop(binding.until, TrunkTimer::Expiry(self.id));
        }
    }

    /// Takes the registration back, if there is one.
    pub(super) fn unregister(&mut self, desk: &mut Desk) {
        let id = self.id;
        let mine = |timer: &TrunkTimer| matches!(timer, TrunkTimer::Register(of) | TrunkTimer::Expiry(of) if *of == id);
        desk.trunks.timers.stop_all(mine);
        let Some(mut registration) = self.registration.take() else { return };
        match std::mem::replace(&mut registration.step, Step::Resting { due: desk.now.mono }) {
            Step::Asking(asking) => {
                let client = asking.client;
                desk.trunks.errands.insert(client, Errand::Depart);
                let departure = Departure { registration, asking: *asking, step: Leaving::Waiting };
                desk.trunks.departures.insert(client, departure);
            }
            Step::Resting { .. } => depart(desk, registration),
        }
    }
}

/// RFC 3261 §10.2.2: takes a binding back.
fn depart(desk: &mut Desk, mut registration: Registration) {
    let Some(binding) = registration.binding else { return };
    let request = registration.request(desk, &binding.flow, 0);
    send_departure(desk, registration, request, binding.flow, 0);
}

fn send_departure(desk: &mut Desk, registration: Registration, request: Request, flow: Flow, rounds: u8) {
    // Where we are full ourselves, the binding runs out at the carrier.
    if let Ok(client) = desk.send(request.clone(), flow) {
        desk.trunks.errands.insert(client, Errand::Depart);
        let asking = Asking { client, request, flow, since: desk.now.mono, rounds };
        desk.trunks.departures.insert(client, Departure { registration, asking, step: Leaving::Asked });
    }
}

/// A response to a REGISTER of a trunk that leaves.
pub(super) fn departure_responded(desk: &mut Desk, client: ClientKey, response: &Response) {
    if response.status.is_provisional() {
        return;
    }
    desk.trunks.errands.remove(&client);
    let Some(Departure { mut registration, mut asking, step }) = desk.trunks.departures.remove(&client) else { return };
    match step {
        Leaving::Waiting => {
            if response.status.is_success() {
                let until = desk.now.mono;
                registration.binding = Some(Binding { flow: asking.flow, until, until_ms: desk.now.unix_ms });
            }
            depart(desk, registration);
        }
        Leaving::Asked => {
            let challenged =
                matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
            if challenged
                && asking.rounds < ROUNDS_MAX
                && let Ok(request) = asking.again_signed(desk, &mut registration, response)
            {
                send_departure(desk, registration, request, asking.flow, asking.rounds + 1);
            }
        }
    }
}

/// RFC 5626 §4.5: doubled with each failure up to a bound, and drawn between half of that and all of it.
fn back_off(failures: u32, random: &mut Random) -> Duration {
    let doublings = failures.saturating_sub(1).min(DOUBLINGS_MAX);
    let bound = BACK_OFF_MIN.saturating_mul(1 << doublings).min(BACK_OFF_MAX);
    bound / 2 + part_of(bound / 2, random)
}

/// A random part of it, to the millisecond.
fn part_of(whole: Duration, random: &mut Random) -> Duration {
    let ms = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(random.next_u64() % ms)
}

fn nothing(at_ms: u64, text: String) -> TrunkAnswer {
    TrunkAnswer { at_ms, status: 0, text, round_trip_us: None }
}

/// The bound of the first wait after a failure.
const BACK_OFF_MIN: Duration = Duration::from_secs(10);
/// The bound of every wait after a failure.
const BACK_OFF_MAX: Duration = Duration::from_secs(600);
/// Enough to reach [`BACK_OFF_MAX`].
const DOUBLINGS_MAX: u32 = 6;
/// How often one REGISTER is sent again at once: 401, 407 of a proxy, a stale nonce, 423.
const ROUNDS_MAX: u8 = 4;
/// One day: no registration is asked for or believed in for longer.
const GRANTED_MAX_S: u32 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_never_less_than_half_of_it() {
        let mut random = Random::from_seed([3; 32]);
        for (failures, bound_s) in [(1, 10), (2, 20), (4, 80), (7, 600), (40, 600)] {
            for _ in 0..100 {
                let wait = back_off(failures, &mut random);
                let bound = Duration::from_secs(bound_s);
                assert!(wait >= bound / 2 && wait < bound, "{wait:?} after {failures} failures");
            }
        }
    }
}
