//! Subscriptions of phones (RFC 6665): which phone watches whose calls (`dialog`, RFC 4235: the busy lamps) or messages
//! (`message-summary`, RFC 3842), and what each was told last. This file holds the table; who gets in is in `subscribe`, what is
//! said in `notify`.
//!
//! Nothing outlives the process: a phone that refreshes a subscription nobody knows is told 481 and subscribes anew (RFC 6665
//! §4.1.2.2).

mod dialog_info;
mod notify;
mod subscribe;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::name::Mailbox;
use dialplan::number::ExtensionNumber;
use hooks::id::TenantId;
use sip::dialog::Dialog;
use sip::flow::{ConnectionId, Flow};
use sip::headers::EventPackage;
use sip::transaction::ClientKey;
use sip::uri::Uri;

use crate::registrar::Aor;

pub(crate) use dialog_info::{Direction, Line, LineState, Party};
pub(crate) use subscribe::ALLOW_EVENTS;
pub(crate) use summary::Waiting;

/// Subscriptions at a time; beyond: 503 with Retry-After. A thousand phones with sixteen lamps each.
const SUBSCRIPTIONS_MAX: usize = 16_384;
/// Of these by the phones of one extension: the biggest panel of lamps there is, and those that a phone forgot when it was
/// switched off.
const SUBSCRIPTIONS_OF_ONE_MAX: usize = 512;

/// Names a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SubscriptionId(u64);

/// What can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Package {
    /// The calls of an extension.
    Dialog,
    /// The messages that wait for it, or for a queue.
    MessageSummary,
}

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// The calls of the extension.
    Dialogs(Arc<[Line]>),
    /// The messages that wait for it.
    Messages(Waiting),
}

/// One phone's subscription.
#[derive(Debug)]
struct Subscription {
    dialog: Dialog,
    /// Where its last message came from.
    flow: Flow,
    subscriber: Aor,
    watched: Aor,
    package: Package,
    /// As the phone wrote it, to be said again in each NOTIFY (RFC 6665 §4.2.2).
    event: EventPackage,
    expires_at: Duration,
    /// The number of the next document (RFC 4235 §4.1).
    version: u32,
    told: Option<State>,
    owed: Owed,
    turn: Turn,
    /// It is over, and the phone is to be told why.
    ending: Option<Reason>,
}

/// What a phone has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owed {
    Nothing,
    /// The state, if it is another one than it was told last.
    Change,
    /// The state, whatever it was told.
    State,
}

/// Whether a NOTIFY may be sent. One is under way at a time, so that a phone gets the last state and not each one there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Free,
    /// One was sent and has no final response.
    Sent(ClientKey),
    /// Not before then.
    Later(Duration),
}

/// Why a subscription is over (RFC 6665 §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It ran out, or the phone ended it.
    Timeout,
    /// Whom it watches is gone.
    NoResource,
    /// The subscriber may no longer.
    Rejected,
    /// This process ends: the phone should subscribe anew.
    Deactivated,
}

/// No further subscription is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Full;

/// Every subscription of this node.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    next: u64,
    /// By our tag, which is unique.
    by_tag: BTreeMap<Box<str>, SubscriptionId>,
    by_watched: BTreeMap<Aor, BTreeSet<(Package, SubscriptionId)>>,
    by_subscriber: BTreeMap<Aor, BTreeSet<SubscriptionId>>,
    /// When one runs out, or may be told again.
    alarms: BTreeSet<(Duration, SubscriptionId)>,
    clients: BTreeMap<ClientKey, SubscriptionId>,
    /// Those that something is owed.
    due: BTreeSet<SubscriptionId>,
    /// Of boxes that have any.
    messages: BTreeMap<(TenantId, Mailbox), Waiting>,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::NoResource => "noresource",
            Self::Rejected => "rejected",
            Self::Deactivated => "deactivated",
        }
    }
}

impl Package {
    /// RFC 6665 §8.2.1: names are compared byte by byte.
    fn named(name: &str) -> Option<Self> {
        [Self::Dialog, Self::MessageSummary].into_iter().find(|package| package.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Dialog => "dialog",
            Self::MessageSummary => "message-summary",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Dialog => dialog_info::CONTENT_TYPE,
            Self::MessageSummary => summary::CONTENT_TYPE,
        }
    }
}

impl Subscription {
    /// When something has to be done about it, whatever its phone says.
    fn alarm(&self) -> Duration {
        match self.turn {
            Turn::Later(until) => until.min(self.expires_at),
            Turn::Free | Turn::Sent(_) => self.expires_at,
        }
    }
}

impl Presence {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// Whether anybody watches anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// The calls of this extension may have changed.
    pub(crate) fn touch(&mut self, tenant: &TenantId, extension: &str) {
        if self.subscriptions.is_empty() {
            return;
        }
        let Ok(extension) = extension.parse::<ExtensionNumber>() else { return };
        self.touch_all(&Aor { tenant: tenant.clone(), extension }, Package::Dialog);
    }

    /// Counts the messages in a box, for who watches it by one of these numbers.
    pub(crate) fn set_messages(
        &mut self,
        tenant: &TenantId,
        mailbox: Mailbox,
        numbers: &[ExtensionNumber],
        waiting: Waiting,
    ) {
        for extension in numbers {
            self.touch_all(&Aor { tenant: tenant.clone(), extension: extension.clone() }, Package::MessageSummary);
        }
        let owner = (tenant.clone(), mailbox);
        if waiting == Waiting::default() {
            self.messages.remove(&owner);
        } else {
            self.messages.insert(owner, waiting);
        }
    }

    /// The messages in a box.
    fn messages_in(&self, tenant: &TenantId, mailbox: Mailbox) -> Waiting {
        self.messages.get(&(tenant.clone(), mailbox)).copied().unwrap_or_default()
    }

    /// The connection of this extension's phones is gone: what they are told next opens one to the same peer, until they are
    /// seen elsewhere.
    pub(crate) fn connection_closed(&mut self, subscriber: &Aor, connection: ConnectionId) {
        for id in self.by_subscriber.get(subscriber).into_iter().flatten() {
            if let Some(subscription) = self.subscriptions.get_mut(id)
                && subscription.flow.connection == Some(connection)
            {
                subscription.flow.connection = None;
            }
        }
    }

    /// A phone with this Contact registered over this connection: it is told by that one from now on.
    pub(crate) fn reconnected(&mut self, subscriber: &Aor, contact: &Uri, flow: Flow) {
        for id in self.by_subscriber.get(subscriber).into_iter().flatten() {
            if let Some(subscription) = self.subscriptions.get_mut(id)
                && subscription.dialog.remote_target() == contact
            {
                subscription.flow = flow;
            }
        }
    }

    /// Ends those of a tenant that lost whom they watch (`is_there`) or who watches (`may_watch`, who and whom); boxes that are gone
    /// (`has_box`) have no messages.
    pub(crate) fn revise(
        &mut self,
        tenant: &TenantId,
        is_there: impl Fn(&ExtensionNumber) -> bool,
        may_watch: impl Fn(&ExtensionNumber, &ExtensionNumber) -> bool,
        has_box: impl Fn(&Mailbox) -> bool,
    ) {
        self.messages.retain(|(owner, mailbox), _| owner != tenant || has_box(mailbox));
        let own = self.subscriptions.iter().filter(|(_, subscription)| subscription.watched.tenant == *tenant);
        let over: Vec<(SubscriptionId, Reason)> = own
            .filter_map(|(id, subscription)| {
                if !may_watch(&subscription.subscriber.extension, &subscription.watched.extension) {
                    return Some((*id, Reason::Rejected));
                }
                (!is_there(&subscription.watched.extension)).then_some((*id, Reason::NoResource))
            })
            .collect();
        for (id, reason) in over {
            self.end(id, reason);
        }
    }

    /// Ends them all.
    pub(crate) fn end_all(&mut self, reason: Reason) {
        let all: Vec<SubscriptionId> = self.subscriptions.keys().copied().collect();
        for id in all {
            self.end(id, reason);
        }
    }

    /// When [`Self::ring`] is due, on the monotonic clock.
    pub(crate) fn next_alarm(&self) -> Option<Duration> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Ends those that have run out by `now`; those that were to be told later are due.
    pub(crate) fn ring(&mut self, now: Duration) {
        while self.next_alarm().is_some_and(|at| at <= now) {
            let Some((_, id)) = self.alarms.pop_first() else { return };
            let Some(subscription) = self.subscriptions.get_mut(&id) else { continue };
            if let Turn::Later(_) = subscription.turn {
                subscription.turn = Turn::Free;
                self.due.insert(id);
            }
            if now < subscription.expires_at {
                self.alarms.insert((subscription.expires_at, id));
            } else {
                self.end(id, Reason::Timeout);
            }
        }
    }

    fn touch_all(&mut self, watched: &Aor, package: Package) {
        let watchers = self.by_watched.get(watched).into_iter().flatten();
        let ids: Vec<SubscriptionId> =
            watchers.filter(|(watching, _)| *watching == package).map(|(_, id)| *id).collect();
        for id in ids {
            self.owe(id, Owed::Change);
        }
    }

    fn owe(&mut self, id: SubscriptionId, what: Owed) {
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.owed = subscription.owed.max(what);
            self.due.insert(id);
        }
    }

    /// It is over once its phone was told so.
    fn end(&mut self, id: SubscriptionId, reason: Reason) {
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.ending = subscription.ending.or(Some(reason));
            self.owe(id, Owed::State);
        }
    }

    fn check_room(&self, subscriber: &Aor) -> Result<(), Full> {
        let own = self.by_subscriber.get(subscriber).map_or(0, BTreeSet::len);
        let fits = own < SUBSCRIPTIONS_OF_ONE_MAX && self.len() < SUBSCRIPTIONS_MAX;
        fits.then_some(()).ok_or(Full)
    }

    /// Keeps a new one, which is owed its first NOTIFY (RFC 6665 §4.2.1.4: at once).
    fn add(&mut self, subscription: Subscription) -> SubscriptionId {
        let id = SubscriptionId(self.next);
        self.next += 1;
        self.by_tag.insert(subscription.dialog.id().local_tag.as_str().into(), id);
        self.by_watched.entry(subscription.watched.clone()).or_default().insert((subscription.package, id));
        self.by_subscriber.entry(subscription.subscriber.clone()).or_default().insert(id);
        self.alarms.insert((subscription.alarm(), id));
        self.subscriptions.insert(id, subscription);
        self.due.insert(id);
        id
    }

    /// Changes one, and with it when its alarm rings.
    fn change(&mut self, id: SubscriptionId, what: impl FnOnce(&mut Subscription)) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        self.alarms.remove(&(subscription.alarm(), id));
        what(subscription);
        self.alarms.insert((subscription.alarm(), id));
    }

    fn remove(&mut self, id: SubscriptionId) {
        let Some(gone) = self.subscriptions.remove(&id) else { return };
        self.by_tag.remove(gone.dialog.id().local_tag.as_str());
        self.alarms.remove(&(gone.alarm(), id));
        self.due.remove(&id);
        if let Turn::Sent(client) = gone.turn {
            self.clients.remove(&client);
        }
        if let Some(watchers) = self.by_watched.get_mut(&gone.watched) {
            watchers.remove(&(gone.package, id));
            if watchers.is_empty() {
                self.by_watched.remove(&gone.watched);
            }
        }
        if let Some(own) = self.by_subscriber.get_mut(&gone.subscriber) {
            own.remove(&id);
            if own.is_empty() {
                self.by_subscriber.remove(&gone.subscriber);
            }
        }
    }
}
