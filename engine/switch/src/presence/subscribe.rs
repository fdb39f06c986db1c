//! SUBSCRIBE (RFC 6665 §4.2.1): who may watch whom, for how long; refreshed and ended in the dialog that it makes.

use std::sync::Arc;
use std::time::Duration;

use dialplan::number::ExtensionNumber;
use sip::dialog::{Dialog, DialogId};
use sip::flow::Flow;
use sip::headers::{EventPackage, HeaderName, Headers, NameAddr};
use sip::message::{Method, Request, Response, StatusCode};
use sip::transaction::ServerKey;

use super::{Owed, Package, Reason, Subscription, SubscriptionId, Turn};
use crate::auth::Verdict;
use crate::config::{Extension, TenantConfig};
use crate::desk::Refusal;
use crate::incoming::number;
use crate::input::Admission;
use crate::invite::ALLOW;
use crate::nat;
use crate::registrar::Aor;
use crate::replace::explained;
use crate::requests::check_required;
use crate::switch::Switch;

/// What can be subscribed to (RFC 6665 §8.2.2).
pub(crate) const ALLOW_EVENTS: &str = "dialog, message-summary";
/// Shorter asks get 423 with Min-Expires (RFC 6665 §4.2.1.1).
const EXPIRES_MIN_S: u32 = 60;
/// Longer ones are cut.
const EXPIRES_MAX_S: u32 = 7_200;
/// Where the phone says nothing (RFC 4235 §3.4).
const EXPIRES_DEFAULT_S: u32 = 3_600;

/// What a SUBSCRIBE asks for.
struct Asked {
    package: Package,
    event: EventPackage,
    /// 0: the state as it is now, once (RFC 6665 §4.4.3).
    seconds: u32,
}

impl Asked {
    /// # Errors
    /// 400 for a malformed Event, 489 for one that is not served (RFC 6665 §4.2.1.1), 406 where our documents are not accepted,
    /// 423 for too short a time.
    fn of(headers: &Headers) -> Result<Self, Refusal> {
        let event = headers.event().map_err(|_| StatusCode::BAD_REQUEST)?;
        let known = event.and_then(|event| Some((Package::named(&event.package)?, event)));
        let (package, event) = known.ok_or_else(bad_event)?;
        if !accepts(headers, package.content_type()) {
            return Err(Refusal::from(StatusCode::NOT_ACCEPTABLE).with(HeaderName::Accept, package.content_type()));
        }
        let seconds = headers.expires().unwrap_or(EXPIRES_DEFAULT_S).min(EXPIRES_MAX_S);
        if (1..EXPIRES_MIN_S).contains(&seconds) {
            return Err(Refusal::from(StatusCode::INTERVAL_TOO_BRIEF).with(HeaderName::MinExpires, EXPIRES_MIN_S));
        }
        Ok(Self { package, event, seconds })
    }
}

impl Switch {
    /// A SUBSCRIBE outside any dialog.
    pub(crate) fn subscribe(&mut self, key: ServerKey, request: &Request, flow: Flow) {
        if !nat::may_carry(&flow, &request.uri) {
            return self.desk.refuse(key, request, StatusCode::UNSUPPORTED_URI_SCHEME.into());
        }
        let tenant = self.tenant_of(request);
        let verdict = self.doorman.identify(self.desk.now, &mut self.desk.metrics, tenant.as_deref(), request, &flow);
        let subscribed = match (verdict, &tenant) {
            (Verdict::Proven(subscriber), Some(tenant)) => self.accept(key, request, flow, tenant, subscriber),
            (Verdict::Proven(_), None) => return,
            (Verdict::Refused { response, delay, banned }, _) => {
                let tenant = tenant.as_ref().map(|tenant| tenant.tenant.clone());
                return self.refuse_stranger(key, response, delay, banned, tenant);
            }
        };
        if let Err(refusal) = subscribed {
            self.desk.refuse(key, request, refusal);
        }
    }

    fn accept(
        &mut self,
        key: ServerKey,
        request: &Request,
        flow: Flow,
        tenant: &Arc<TenantConfig>,
        subscriber: &Extension,
    ) -> Result<(), Refusal> {
        check_required(&request.headers, &[])?;
        let from = request.headers.from().map_err(|_| StatusCode::BAD_REQUEST)?;
        // An extension cannot watch as another one.
        if from.uri.user().as_deref() != Some(subscriber.number.as_str()) {
            return Err(StatusCode::FORBIDDEN.into());
        }
        let Asked { package, event, seconds } = Asked::of(&request.headers)?;
        if self.admission == Admission::Draining {
            return Err(Refusal::busy_node());
        }
        let aor = |extension: &ExtensionNumber| Aor { tenant: tenant.tenant.clone(), extension: extension.clone() };
        let watched = self.watched(request, tenant, package)?;
        // VM-06.
        if !self.may_watch(tenant, &subscriber.number, &watched) {
            return Err(explained(StatusCode::FORBIDDEN, "the messages of a queue are shown to its members"));
        }
        let watched = aor(&watched);
        let subscriber = aor(&subscriber.number);
        if self.desk.presence.check_room(&subscriber).is_err() {
            self.desk.metrics.refused_subscriptions_full += 1;
            return Err(Refusal::busy_node());
        }
        let tag = self.desk.random.token();
        let dialog = Dialog::of_subscription(request, &tag).map_err(|_| StatusCode::BAD_REQUEST)?;
        // RFC 5630 §3.1.3: nobody could be told there by this flow.
        if !nat::may_carry(&flow, dialog.remote_target()) {
            return Err(StatusCode::BAD_REQUEST.into());
        }
        self.confirm(key, request, &flow, Confirmation { user: watched.extension.as_str(), seconds, tag: Some(&tag) });
        self.desk.presence.add(Subscription {
            dialog,
            flow,
            subscriber,
            watched,
            package,
            event,
            expires_at: self.desk.now.after(Duration::from_secs(seconds.into())),
            version: 0,
            told: None,
            owed: Owed::State,
            turn: Turn::Free,
            ending: (seconds == 0).then_some(Reason::Timeout),
        });
        Ok(())
    }

    /// Whether an extension may know of what it wants to watch: of a queue, if its agent is a member.
    pub(crate) fn may_watch(&self, tenant: &TenantConfig, by: &ExtensionNumber, watched: &ExtensionNumber) -> bool {
        tenant.plan.queue_at(watched).is_none_or(|queue| self.desk.floor.is_members(tenant, by, queue))
    }

    /// Whom a SUBSCRIBE is for.
    ///
    /// # Errors
    /// 404 for nobody of this tenant's, and for the calls of a queue.
    fn watched(&self, request: &Request, tenant: &TenantConfig, package: Package) -> Result<ExtensionNumber, Refusal> {
        let host = request.uri.as_sip().map(|uri| uri.host().to_string()).unwrap_or_default();
        let elsewhere = self.tenants.by_host(&host).is_some_and(|other| other.tenant != tenant.tenant);
        let number: Option<ExtensionNumber> = number(&request.uri)?.parse().ok().filter(|_| !elsewhere);
        let place = number.clone();
        let extension = number.and_then(|number| tenant.extensions.get(&number)).filter(|extension| extension.enabled);
        extension
            .map(|extension| extension.number.clone())
            .or_else(|| {
                let is_queue = |place: &ExtensionNumber| tenant.plan.queue_at(place).is_some();
                let is_box = |place: &ExtensionNumber| package == Package::MessageSummary && is_queue(place);
                place.filter(|place| tenant.plan.is_slot(place) || is_box(place))
            })
            .ok_or_else(|| explained(StatusCode::NOT_FOUND, "there is no such extension to watch"))
    }

    /// RFC 6665 §4.2.1.1: 200 with the time that it lasts.
    fn confirm(&mut self, key: ServerKey, request: &Request, flow: &Flow, what: Confirmation<'_>) {
        let contact = nat::contact(&self.desk.node, flow, what.user, &request.uri);
        let mut response = Response::to_request(request, StatusCode::OK, what.tag)
            .with(HeaderName::Contact, NameAddr::new(contact.into()))
            .with(HeaderName::Expires, what.seconds)
            .with(HeaderName::Allow, ALLOW)
            .with(HeaderName::AllowEvents, ALLOW_EVENTS);
        if what.tag.is_some() {
            response.headers.append_copies(&request.headers, &HeaderName::RecordRoute);
        }
        self.desk.respond(key, response);
    }

    /// A request in the dialog of a subscription: it is refreshed or ended (RFC 6665 §4.1.2.2, §4.1.2.3). False if no subscription
    /// has that tag.
    pub(crate) fn in_subscription(&mut self, key: ServerKey, tag: &str, request: &Request, flow: Flow) -> bool {
        let Some(id) = self.desk.presence.by_tag.get(tag).copied() else { return false };
        let response = match self.refresh(id, request, flow) {
            Ok(Refreshed { user, seconds }) => {
                self.confirm(key, request, &flow, Confirmation { user: &user, seconds, tag: None });
                return true;
            }
            Err(response) => response,
        };
        self.desk.respond(key, *response);
        true
    }

    fn refresh(&mut self, id: SubscriptionId, request: &Request, flow: Flow) -> Result<Refreshed, Box<Response>> {
        let refused = |refusal: Refusal| Box::new(refusal.response(request));
        let unknown = || refused(StatusCode::CALL_DOES_NOT_EXIST.into());
        let presence = &mut self.desk.presence;
        let named = DialogId::of_request(request);
        let found = presence.subscriptions.get_mut(&id).filter(|found| Some(found.dialog.id()) == named.as_ref());
        // What is ending is over for its phone, too.
        let subscription = found.filter(|found| found.ending.is_none()).ok_or_else(unknown)?;
        match &request.method {
            Method::Subscribe => {}
            // RFC 5057 §5.1: there is no INVITE in this dialog.
            Method::Bye => return Err(unknown()),
            Method::Invite
            | Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Options
            | Method::Prack
            | Method::Notify
            | Method::Publish
            | Method::Info
            | Method::Refer
            | Method::Message
            | Method::Update
            | Method::Other(_) => {
                return Err(refused(
                    Refusal::from(StatusCode::METHOD_NOT_ALLOWED).with(HeaderName::Allow, "SUBSCRIBE"),
                ));
            }
        }
        let received = subscription.dialog.receive(request);
        received.map_err(|rejection| Box::new(rejection.response(request, &mut self.desk.random)))?;
        let asked = Asked::of(&request.headers).map_err(refused)?;
        // A second subscription in one dialog: RFC 6665 §4.5.2 lets us do without.
        if asked.event != subscription.event {
            return Err(refused(bad_event()));
        }
        let expires_at = self.desk.now.after(Duration::from_secs(asked.seconds.into()));
        let user = subscription.watched.extension.to_string();
        presence.change(id, |subscription| {
            (subscription.flow, subscription.expires_at) = (flow, expires_at);
        });
        // RFC 6665 §4.2.1.4: the state is told at once, as after the first one.
        presence.owe(id, Owed::State);
        if asked.seconds == 0 {
            presence.end(id, Reason::Timeout);
        }
        Ok(Refreshed { user, seconds: asked.seconds })
    }
}

/// What a 200 to a SUBSCRIBE says.
struct Confirmation<'a> {
    /// The user of our Contact.
    user: &'a str,
    seconds: u32,
    /// Ours, where the request begins the dialog.
    tag: Option<&'a str>,
}

/// A subscription that goes on, or ends as its phone wants.
struct Refreshed {
    user: String,
    seconds: u32,
}

fn bad_event() -> Refusal {
    Refusal::from(StatusCode::BAD_EVENT).with(HeaderName::AllowEvents, ALLOW_EVENTS)
}

/// Whether our documents are among what the phone takes; without an Accept they are (RFC 4235 §3.5, RFC 3842 §3.5).
fn accepts(headers: &Headers, content_type: &str) -> bool {
    let ranges = headers.tokens(&HeaderName::Accept);
    let mut ranges = ranges.map(|range| range.split(';').next().unwrap_or_default().trim()).peekable();
    let fits = |range: &str| [content_type, "application/*", "*/*"].iter().any(|ours| range.eq_ignore_ascii_case(ours));
    ranges.peek().is_none() || ranges.any(fits)
}
