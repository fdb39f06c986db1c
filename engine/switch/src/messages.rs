//! Text messages between phones (RFC 3428): a MESSAGE outside any dialog is relayed to every phone of the extension it is for,
//! by one of its flows at a time.
//! Nothing is stored: who is not there does not get it, and the sender is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialplan::number::{Dialled, ExtensionNumber};
use dialplan::plan::{Destination, Dial};
use sip::flow::Flow;
use sip::headers::{CSeq, HeaderName, NameAddr, Privacy};
use sip::message::{Method, Request, Response, StatusCode};
use sip::transaction::{ClientKey, ServerKey};
use sip::uri::SipUri;

use crate::auth;
use crate::call::Verdict;
use crate::config::{Extension, TenantConfig};
use crate::desk::Refusal;
use crate::incoming::{hops, number};
use crate::invite::{anonymous, own_host};
use crate::requests::check_required;
use crate::switch::Switch;
use crate::target::{self, Phone, Target};

/// Messages on their way.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    relays: BTreeMap<u64, Relay>,
    /// To which phones, and for which relay.
    clients: BTreeMap<ClientKey, (u64, Phone)>,
    next: u64,
}

/// A message whose sender waits for an answer.
#[derive(Debug)]
struct Relay {
    server: ServerKey,
    request: Request,
    tenant: Arc<TenantConfig>,
    /// The extension that wrote it.
    sender: ExtensionNumber,
    /// Phones that have not answered.
    open: usize,
    /// The best of the failures so far.
    verdict: Option<Verdict>,
}

/// RFC 3428 §8: beyond this a message needs a way without loss; 413.
pub(crate) const MESSAGE_BODY_MAX: usize = 1_300;
/// Messages on their way at a time; beyond: 503. Far more than people type, far less than a phone gone mad sends.
const RELAYS_MAX: usize = 256;
/// Copied from the sender's message: what describes the body, and who reads it.
const KEPT: [HeaderName; 6] = [
    HeaderName::ContentType,
    HeaderName::ContentDisposition,
    HeaderName::ContentEncoding,
    HeaderName::ContentLanguage,
    HeaderName::Subject,
    HeaderName::Date,
];

impl Messages {
    /// How many wait for an answer.
    pub(crate) fn len(&self) -> usize {
        self.relays.len()
    }
}

impl Switch {
    /// A MESSAGE outside any dialog.
    pub(crate) fn message(&mut self, key: ServerKey, request: &Request, flow: Flow) {
        let tenant = self.tenant_of(request);
        let verdict = self.doorman.identify(self.desk.now, &mut self.desk.metrics, tenant.as_deref(), request, &flow);
        let relayed = match (verdict, &tenant) {
            (auth::Verdict::Proven(sender), Some(tenant)) => self.relay(key, request, tenant, sender),
            (auth::Verdict::Proven(_), None) => return,
            (auth::Verdict::Refused { response, delay, banned }, _) => {
                let tenant = tenant.as_ref().map(|tenant| tenant.tenant.clone());
                return self.refuse_stranger(key, response, delay, banned, tenant);
            }
        };
        if let Err(refusal) = relayed {
            self.desk.refuse(key, request, refusal);
        }
    }

    /// Sends it to every phone of the extension that it is for.
    fn relay(
        &mut self,
        server: ServerKey,
        request: &Request,
        tenant: &Arc<TenantConfig>,
        sender: &Extension,
    ) -> Result<(), Refusal> {
        check_required(&request.headers, &[])?;
        let from = request.headers.from().map_err(|_| StatusCode::BAD_REQUEST)?;
        // An extension cannot write as another one.
        if from.uri.user().as_deref() != Some(sender.number.as_str()) {
            return Err(StatusCode::FORBIDDEN.into());
        }
        if request.body.len() > MESSAGE_BODY_MAX {
            return Err(StatusCode::REQUEST_ENTITY_TOO_LARGE.into());
        }
        if self.messages.len() >= RELAYS_MAX {
            return Err(Refusal::busy_node());
        }
        let dialled = Dialled::clean(&number(&request.uri)?).map_err(|_| StatusCode::NOT_FOUND)?;
        let Dial::Internal(Destination::Extension(found)) = tenant.plan.dial(&dialled) else {
            return Err(StatusCode::NOT_FOUND.into());
        };
        let extension = tenant.extensions.get(&found).filter(|extension| extension.enabled);
        let extension = extension.ok_or(StatusCode::NOT_FOUND)?;
        let phones = target::phones(&self.desk, tenant, extension);
        if phones.is_empty() {
            return Err(StatusCode::TEMPORARILY_UNAVAILABLE.into());
        }
        let id = self.messages.next;
        self.messages.next += 1;
        let mut open = 0;
        for target in phones {
            let Target::Phone(phone) = target else { continue };
            let message = self.write(request, tenant, sender, &phone);
            if let Ok(client) = self.desk.send(message, phone.flow) {
                self.messages.clients.insert(client, (id, phone));
                open += 1;
            }
        }
        if open == 0 {
            return Err(Refusal::busy_node());
        }
        let (tenant, sender) = (Arc::clone(tenant), sender.number.clone());
        self.messages
            .relays
            .insert(id, Relay { server, request: request.clone(), tenant, sender, open, verdict: None });
        Ok(())
    }

    /// The message to one phone. RFC 3428 §4: it has no Contact, for it makes no dialog.
    fn write(&mut self, request: &Request, tenant: &TenantConfig, sender: &Extension, phone: &Phone) -> Request {
        let host = own_host(&self.desk, tenant);
        let address = |user: &str| NameAddr::new(SipUri::new(Some(user), &host, None).into());
        let from = if Privacy::of(&request.headers).hides_caller() {
            anonymous()
        } else {
            address(sender.number.as_str()).with_display(&sender.display_name)
        };
        let mut message = Request::new(Method::Message, phone.uri.clone());
        let headers = &mut message.headers;
        for hop in &phone.path {
            headers.push(HeaderName::Route, hop);
        }
        headers.push(HeaderName::MaxForwards, u32::from(hops(request)));
        headers.push(HeaderName::From, from.with_tag(&self.desk.random.token()));
        headers.push(HeaderName::To, address(phone.extension.as_str()));
        headers.push(HeaderName::CallId, self.desk.random.token());
        headers.push(HeaderName::CSeq, CSeq { seq: 1, method: Method::Message });
        for name in &KEPT {
            headers.append_copies(&request.headers, name);
        }
        message.body = request.body.clone();
        message
    }

    /// A phone answered a message.
    pub(crate) fn message_responded(&mut self, client: ClientKey, response: &Response) {
        if response.status.is_provisional() {
            return;
        }
        let Some((id, phone)) = self.messages.clients.remove(&client) else { return };
        if !response.status.is_success() {
            return self.message_failed(id, &phone, Verdict::of(response.status));
        }
        // RFC 3428 §7: the first phone that has it is enough; 202 says that it was stored for later.
        let stored = response.status == StatusCode::ACCEPTED;
        let status = if stored { StatusCode::ACCEPTED } else { StatusCode::OK };
        if let Some(relay) = self.messages.relays.remove(&id) {
            let tag = self.desk.random.token();
            self.desk.respond(relay.server, Response::to_request(&relay.request, status, Some(&tag)));
        }
    }

    /// A phone did not answer a message.
    pub(crate) fn message_unanswered(&mut self, client: ClientKey) {
        if let Some((id, phone)) = self.messages.clients.remove(&client) {
            self.message_failed(id, &phone, Verdict::of(StatusCode::REQUEST_TIMEOUT));
        }
    }

    /// Writes to the phone by another flow of its. False if there is none.
    fn write_again(&mut self, id: u64, phone: &Phone, verdict: Verdict) -> bool {
        let Some(phone) = phone.by_another_flow(verdict) else { return false };
        let Some(Relay { request, tenant, sender, .. }) = self.messages.relays.get(&id) else { return false };
        let (request, tenant) = (request.clone(), Arc::clone(tenant));
        let Some(sender) = tenant.extensions.get(sender) else { return false };
        let message = self.write(&request, &tenant, sender, &phone);
        let sent = self.desk.send(message, phone.flow);
        sent.is_ok_and(|client| self.messages.clients.insert(client, (id, phone)).is_none())
    }

    /// Once all phones have failed, the sender is told the best of the failures.
    fn message_failed(&mut self, id: u64, phone: &Phone, verdict: Verdict) {
        if self.write_again(id, phone, verdict) {
            return;
        }
        let Some(relay) = self.messages.relays.get_mut(&id) else { return };
        relay.open -= 1;
        let best = relay.verdict.map_or(verdict, |old| old.better(verdict));
        relay.verdict = Some(best);
        if relay.open == 0
            && let Some(relay) = self.messages.relays.remove(&id)
        {
            self.desk.refuse(relay.server, &relay.request, best.refusal());
        }
    }
}
