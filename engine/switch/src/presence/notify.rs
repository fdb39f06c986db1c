//! NOTIFY (RFC 6665 §4.2.2): what watchers are told, once per step of the switch and one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::name::Mailbox;
use dialplan::number::ExtensionNumber;
use hooks::id::TenantId;
use sip::headers::{HeaderName, NameAddr, SubscriptionState};
use sip::message::{Method, Request, Response};
use sip::transaction::ClientKey;

use super::dialog_info::{Document, LINES_MAX, address};
use super::{Line, Owed, Package, Party, State, Subscription, SubscriptionId, Turn, Waiting};
use crate::config::TenantConfig;
use crate::invite::{ALLOW, own_host};
use crate::nat;
use crate::registrar::Aor;
use crate::switch::Switch;

/// How long a NOTIFY waits that there was no room for in the table of transactions.
const NO_ROOM: Duration = Duration::from_secs(5);
/// The longest Retry-After of a phone that is heeded.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// The calls of extensions in the step at hand: many may watch one.
type Seen = BTreeMap<Aor, Arc<[Line]>>;

impl Switch {
    /// Counts the messages in a box, for who watches them.
    pub(crate) fn messages_waiting(&mut self, tenant: &TenantId, mailbox: Mailbox, waiting: Waiting) {
        let Some(config) = self.tenants.by_id(tenant).filter(|config| config.has_box(&mailbox)) else { return };
        let numbers: Vec<ExtensionNumber> = match &mailbox {
            Mailbox::Extension(number) => vec![number.clone()],
            Mailbox::Queue(queue) => config.plan.numbers_of(queue).cloned().collect(),
        };
        self.desk.presence.set_messages(tenant, mailbox, &numbers, waiting);
    }

    /// Tells those who watch what the step at hand has changed for them.
    pub(crate) fn tell_watchers(&mut self) {
        if self.desk.presence.due.is_empty() {
            return;
        }
        let mut seen = Seen::new();
        while let Some(id) = self.desk.presence.due.pop_first() {
            self.tell(id, &mut seen);
        }
        self.pump();
    }

    fn tell(&mut self, id: SubscriptionId, seen: &mut Seen) {
        let Some(subscription) = self.desk.presence.subscriptions.get(&id) else { return };
        if subscription.turn != Turn::Free || subscription.owed == Owed::Nothing {
            return;
        }
        let Some(tenant) = self.tenants.by_id(&subscription.watched.tenant).cloned() else { return };
        let state = match subscription.package {
            Package::Dialog => State::Dialogs(self.lines_of(&subscription.watched, seen)),
            Package::MessageSummary => {
                let mailbox = mailbox(&tenant, &subscription.watched.extension);
                State::Messages(self.desk.presence.messages_in(&tenant.tenant, mailbox))
            }
        };
        let unchanged = subscription.owed == Owed::Change && subscription.told.as_ref() == Some(&state);
        if unchanged {
            return self.desk.presence.change(id, |subscription| subscription.owed = Owed::Nothing);
        }
        self.send_state(id, &tenant, state);
    }

    fn lines_of(&self, watched: &Aor, seen: &mut Seen) -> Arc<[Line]> {
        if let Some(lines) = seen.get(watched) {
            return Arc::clone(lines);
        }
        let extension = watched.extension.as_str();
        let calls = self.desk.engaged.calls_of(&watched.tenant, extension);
        let calls = calls.iter().filter_map(|call| self.calls.get(call));
        let parked = self.desk.parking.at(&watched.tenant, &watched.extension);
        let parked = parked.and_then(|call| self.calls.get(&call)?.parked_line());
        let lines: Arc<[Line]> =
            calls.flat_map(|call| call.lines_of(extension)).chain(parked).take(LINES_MAX).collect();
        seen.insert(watched.clone(), Arc::clone(&lines));
        lines
    }

    fn send_state(&mut self, id: SubscriptionId, tenant: &TenantConfig, state: State) {
        let Some(subscription) = self.desk.presence.subscriptions.get(&id) else { return };
        let body = body(self, tenant, subscription, &state);
        let ending = subscription.ending;
        let left = subscription.expires_at.saturating_sub(self.desk.now.mono).as_secs();
        let said = match ending {
            Some(reason) => SubscriptionState::terminated(reason.as_str()),
            None => SubscriptionState::active(u32::try_from(left).unwrap_or(u32::MAX)),
        };
        let user = subscription.watched.extension.to_string();
        let contact = nat::contact(&self.desk.node, &subscription.flow, &user, subscription.dialog.remote_target());
        let flow = nat::next_flow(&self.desk.node, &subscription.flow, subscription.dialog.next_hop());
        let Some(subscription) = self.desk.presence.subscriptions.get_mut(&id) else { return };
        let notify = written(subscription, NameAddr::new(contact.into()), said, body);
        match self.desk.send(notify, flow) {
            // Whether it hears that it is over makes no difference any more.
            Ok(_) if ending.is_some() => {
                self.desk.metrics.notifies_sent += 1;
                self.desk.presence.remove(id);
            }
            Ok(client) => {
                self.desk.metrics.notifies_sent += 1;
                self.desk.presence.clients.insert(client, id);
                self.desk.presence.change(id, |subscription| {
                    subscription.version = subscription.version.wrapping_add(1);
                    subscription.told = Some(state);
                    (subscription.owed, subscription.turn) = (Owed::Nothing, Turn::Sent(client));
                });
            }
            Err(_) if ending.is_some() => self.desk.presence.remove(id),
            Err(_) => {
                let until = self.desk.now.after(NO_ROOM);
                self.desk.presence.change(id, |subscription| subscription.turn = Turn::Later(until));
            }
        }
    }

    /// A phone answered a NOTIFY. False if it was none of these.
    pub(crate) fn notified(&mut self, client: ClientKey, response: &Response) -> bool {
        let Some(id) = self.desk.presence.clients.get(&client).copied() else { return false };
        if response.status.is_provisional() {
            return true;
        }
        self.desk.presence.clients.remove(&client);
        if response.status.is_success() {
            self.desk.presence.change(id, |subscription| subscription.turn = Turn::Free);
            self.desk.presence.due.insert(id);
            return true;
        }
        // RFC 6665 §4.2.2: it failed, and with it the subscription, unless the phone says when to try again.
        match response.headers.retry_after().ok().flatten() {
            Some(after) => {
                let until = self.desk.now.after(Duration::from_secs(after.seconds.into()).min(RETRY_AFTER_MAX));
                self.desk.presence.change(id, |subscription| subscription.turn = Turn::Later(until));
                self.desk.presence.owe(id, Owed::State);
            }
            None => self.unnotified(id),
        }
        true
    }

    /// A NOTIFY had no final response, or could not be sent. False if it was none.
    pub(crate) fn notify_unanswered(&mut self, client: ClientKey) -> bool {
        let found = self.desk.presence.clients.remove(&client);
        if let Some(id) = found {
            self.unnotified(id);
        }
        found.is_some()
    }

    fn unnotified(&mut self, id: SubscriptionId) {
        self.desk.metrics.notifies_failed += 1;
        self.desk.presence.remove(id);
    }
}

/// Whose messages a number stands for.
fn mailbox(tenant: &TenantConfig, number: &ExtensionNumber) -> Mailbox {
    match tenant.plan.queue_at(number) {
        Some(queue) => Mailbox::Queue(queue.clone()),
        None => Mailbox::Extension(number.clone()),
    }
}

/// The NOTIFY with all that stands in it.
fn written(subscription: &mut Subscription, contact: NameAddr, said: SubscriptionState, body: String) -> Request {
    let mut notify = subscription.dialog.request(Method::Notify);
    notify.headers.push(HeaderName::Contact, contact);
    notify.headers.push(HeaderName::Allow, ALLOW);
    notify.headers.push(HeaderName::Event, &subscription.event);
    notify.headers.push(HeaderName::SubscriptionState, said);
    notify.set_body(subscription.package.content_type(), body);
    notify
}

fn body(switch: &Switch, tenant: &TenantConfig, subscription: &Subscription, state: &State) -> String {
    let host = own_host(&switch.desk, tenant);
    let number = &subscription.watched.extension;
    let known_by = subscription.dialog.local().uri.as_sip().map(|uri| uri.host().clone());
    let known_by = known_by.as_ref().unwrap_or(&host);
    match state {
        State::Messages(waiting) => waiting.to_text(&address(number.as_str(), known_by)),
        State::Dialogs(lines) => {
            let name = tenant.extensions.get(number).map(|extension| extension.display_name.clone());
            let owner = Party { number: number.to_string(), name: name.unwrap_or_default() };
            let told: &[Line] = match &subscription.told {
                Some(State::Dialogs(told)) => told,
                Some(State::Messages(_)) | None => &[],
            };
            let over = told.iter().filter(|old| !lines.iter().any(|line| line.leg == old.leg)).collect();
            let version = subscription.version;
            let watcher = &subscription.subscriber.extension;
            let shown = |party: &Party| {
                let sight = switch.desk.sight(tenant, watcher, &party.number);
                sight.shown(&party.number, &party.name).map(|(number, name)| Party { number, name })
            };
            Document { owner: &owner, entity_host: known_by, host: &host, version, lines, shown: &shown, over }.to_xml()
        }
    }
}
