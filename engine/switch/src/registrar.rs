//! Who is registered where (RFC 3261 §10.3, RFC 5626): the table of bindings, and what a REGISTER does to it.
//!
//! It decides about contacts alone; who may register is decided before, and what is answered and written down after.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dialplan::number::ExtensionNumber;
use hooks::fact::UnboundReason;
use hooks::id::TenantId;
use sip::flow::{ConnectionId, Flow};
use sip::headers::{Contacts, NameAddr};
use sip::time::Now;
use sip::uri::Uri;

use crate::config::ExpiryBounds;

/// An address of record: an extension of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Aor {
    pub(crate) tenant: TenantId,
    pub(crate) extension: ExtensionNumber,
}

/// One phone of an extension.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    id: BindingId,
    /// The Contact's URI: the Request-URI of what is sent there.
    pub(crate) uri: Uri,
    /// The Contact as registered, with its parameters.
    pub(crate) contact: String,
    /// Where the REGISTER came from, and where requests go (RFC 5626 §5.3; on UDP RFC 3581's symmetric way).
    pub(crate) flow: Flow,
    /// The path of proxies in between, first hop first (RFC 3327).
    pub(crate) path: Vec<NameAddr>,
    pub(crate) user_agent: String,
    pub(crate) sip_call_id: String,
    pub(crate) cseq: u32,
    /// Preference, thousandths.
    q: u16,
    device: Option<Device>,
    /// The user name of the pass that it was made with.
    pass: Option<String>,
    pub(crate) since_ms: u64,
    expires_at: Duration,
    pub(crate) expires_at_ms: u64,
    /// How long the phone took to answer our last challenge.
    pub(crate) round_trip: Option<Duration>,
}

/// Which phone it is and which of its flows (RFC 5626 §4): stays the same over restarts and changes of address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    instance: String,
    reg_id: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct BindingId(u64);

/// A REGISTER that was authorised, as far as bindings are concerned.
#[derive(Debug)]
pub(crate) struct Update<'a> {
    pub(crate) flow: Flow,
    pub(crate) contacts: &'a Contacts,
    /// The Expires header, seconds.
    pub(crate) expires: Option<u32>,
    pub(crate) path: Vec<NameAddr>,
    pub(crate) user_agent: &'a str,
    pub(crate) sip_call_id: &'a str,
    pub(crate) cseq: u32,
    /// The pass it came with.
    pub(crate) pass: Option<String>,
    /// How long the phone took to answer the challenge; `None` where it was not challenged for this request.
    pub(crate) round_trip: Option<Duration>,
}

/// Why a REGISTER changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unacceptable {
    /// `*` without `Expires: 0` (RFC 3261 §10.3 step 6): 400.
    Wildcard,
    /// More contacts than an extension may have: 400.
    TooMany,
    /// It asks for less than the least: 423 with Min-Expires.
    TooBrief,
    /// An older request of the same phone (RFC 3261 §10.3 step 7): 500, as registrars in use answer.
    OutOfOrder,
}

/// What happened to a binding.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Made, refreshed or moved; from which connection, if it was on another one.
    Bound { aor: Aor, binding: Box<Binding>, made: bool, left: Option<ConnectionId> },
    /// Ended.
    Unbound { aor: Aor, contact: String, reason: UnboundReason },
}

impl Change {
    /// Whose binding.
    pub(crate) fn aor(&self) -> &Aor {
        match self {
            Self::Bound { aor, .. } | Self::Unbound { aor, .. } => aor,
        }
    }

    /// The binding that was made or refreshed, and the connection that its phone left.
    pub(crate) fn bound(&self) -> Option<(&Binding, Option<ConnectionId>)> {
        match self {
            Self::Bound { binding, left, .. } => Some((binding, *left)),
            Self::Unbound { .. } => None,
        }
    }
}

/// A phone that had registered over a connection that is gone.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    pub(crate) aor: Aor,
    pub(crate) device: Device,
}

/// All bindings of the node.
#[derive(Debug)]
pub(crate) struct Registrar {
    expiry: ExpiryBounds,
    contacts_max: usize,
    bindings: BTreeMap<Aor, Vec<Binding>>,
    by_expiry: BTreeMap<(Duration, BindingId), Aor>,
    by_connection: BTreeSet<(ConnectionId, BindingId, Aor)>,
    next: u64,
}

impl Registrar {
    pub(crate) fn new(expiry: ExpiryBounds, contacts_max: usize) -> Self {
        Self {
            expiry,
            contacts_max: contacts_max.max(1),
            bindings: BTreeMap::new(),
            by_expiry: BTreeMap::new(),
            by_connection: BTreeSet::new(),
            next: 1,
        }
    }

    /// The bindings of an extension, the preferred one first.
    pub(crate) fn of(&self, aor: &Aor) -> &[Binding] {
        self.bindings.get(aor).map_or(&[], Vec::as_slice)
    }

    /// The phones of an extension, the preferred one first; of each its flows, of equally preferred ones the last refreshed
    /// first.
    pub(crate) fn phones_of(&self, aor: &Aor) -> Vec<Vec<&Binding>> {
        let mut phones: Vec<Vec<&Binding>> = Vec::new();
        for binding in self.of(aor) {
            let same = |flows: &&mut Vec<&Binding>| flows.iter().any(|flow| flow.is_of_phone_of(binding));
            match phones.iter_mut().find(same) {
                Some(flows) => {
                    let at = flows.iter().position(|flow| flow.q <= binding.q).unwrap_or(flows.len());
                    flows.insert(at, binding);
                }
                None => phones.push(vec![binding]),
            }
        }
        phones
    }

    /// Does what a REGISTER asks for, all of it or nothing (RFC 3261 §10.3 steps 6 and 7).
    ///
    /// # Errors
    /// [`Unacceptable`]; nothing was changed then.
    pub(crate) fn register(&mut self, now: Now, aor: &Aor, update: &Update<'_>) -> Result<Vec<Change>, Unacceptable> {
        match update.contacts {
            Contacts::Wildcard => self.unregister_all(aor, update),
            Contacts::List(list) => {
                let wanted = self.plan(aor, list, update)?;
                let mut changes = Vec::new();
                for (address, seconds) in wanted {
                    self.set(now, aor, update, address, seconds, &mut changes);
                }
                Ok(changes)
            }
        }
    }

    /// Puts a binding back that was written down before a restart; one that has expired is dropped.
    pub(crate) fn restore(&mut self, now: Now, aor: &Aor, spec: Restored) -> Option<Change> {
        let left_ms = spec.expires_at_ms.checked_sub(now.unix_ms).filter(|left| *left > 0)?;
        let address = spec.address;
        let contact = text(&address);
        let binding = Binding {
            id: self.fresh_id(),
            contact,
            flow: spec.flow,
            path: spec.path,
            user_agent: spec.user_agent,
            sip_call_id: spec.sip_call_id,
            cseq: spec.cseq,
            q: address.q().unwrap_or(Q_DEFAULT),
            device: Device::of(&address),
            pass: None,
            since_ms: now.unix_ms,
            expires_at: now.after(Duration::from_millis(left_ms)),
            expires_at_ms: spec.expires_at_ms,
            round_trip: None,
            uri: address.uri,
        };
        let full = self.of(aor).len() >= self.contacts_max;
        let known = self.of(aor).iter().any(|other| other.is_at(&binding.uri, binding.device.as_ref()));
        if full || known {
            return None;
        }
        self.insert(aor, binding.clone());
        Some(Change::Bound { aor: aor.clone(), binding: Box::new(binding), made: true, left: None })
    }

    /// The connection is gone, and with it the bindings that came over it (RFC 5626 §5.3.1).
    pub(crate) fn connection_closed(&mut self, connection: ConnectionId) -> Vec<Change> {
        let lost: Vec<(BindingId, Aor)> = self
            .by_connection
            .iter()
            .skip_while(|(other, ..)| *other < connection)
            .take_while(|(other, ..)| *other == connection)
            .map(|(_, id, aor)| (*id, aor.clone()))
            .collect();
        lost.into_iter().filter_map(|(id, aor)| self.unbind(&aor, id, UnboundReason::FlowLost)).collect()
    }

    /// The phones that registered over a connection and say which they are.
    pub(crate) fn devices_on(&self, connection: ConnectionId) -> Vec<Lost> {
        let on = self.by_connection.iter().skip_while(|(other, ..)| *other < connection);
        let here = on.take_while(|(other, ..)| *other == connection);
        here.filter_map(|(_, id, aor)| {
            let binding = self.of(aor).iter().find(|binding| binding.id == *id)?;
            Some(Lost { aor: aor.clone(), device: binding.device.clone()? })
        })
        .collect()
    }

    /// Ends the bindings of an extension that was changed, disabled or deleted, but for those whose flow may stay.
    pub(crate) fn drop_changed(&mut self, aor: &Aor, may_stay: impl Fn(&Flow) -> bool) -> Vec<Change> {
        let going = self.of(aor).iter().filter(|binding| !may_stay(&binding.flow));
        let ids: Vec<BindingId> = going.map(|binding| binding.id).collect();
        ids.into_iter().filter_map(|id| self.unbind(aor, id, UnboundReason::Settings)).collect()
    }

    /// Ends the bindings that were made with a pass.
    pub(crate) fn drop_pass(&mut self, aor: &Aor, pass: &str) -> Vec<Change> {
        let made_with = |binding: &&Binding| binding.pass.as_deref() == Some(pass);
        let ids: Vec<BindingId> = self.of(aor).iter().filter(made_with).map(|binding| binding.id).collect();
        ids.into_iter().filter_map(|id| self.unbind(aor, id, UnboundReason::SignedOut)).collect()
    }

    /// Ends all bindings of an extension whose owner is gone.
    pub(crate) fn drop_all(&mut self, aor: &Aor) -> Vec<Change> {
        let ids: Vec<BindingId> = self.of(aor).iter().map(|binding| binding.id).collect();
        ids.into_iter().filter_map(|id| self.unbind(aor, id, UnboundReason::SignedOut)).collect()
    }

    /// The extensions of a tenant that have bindings.
    pub(crate) fn extensions_of(&self, tenant: &TenantId) -> Vec<Aor> {
        self.bindings.keys().filter(|aor| aor.tenant == *tenant).cloned().collect()
    }

    /// When the next binding expires.
    pub(crate) fn next_expiry(&self) -> Option<Duration> {
        self.by_expiry.first_key_value().map(|((at, _), _)| *at)
    }

    /// Ends one binding that was not refreshed in time.
    pub(crate) fn expire_one(&mut self, now: Now) -> Option<Change> {
        let ((at, id), aor) = self.by_expiry.first_key_value()?;
        if *at > now.mono {
            return None;
        }
        let (id, aor) = (*id, aor.clone());
        self.unbind(&aor, id, UnboundReason::Expired)
    }

    /// Bindings in all.
    pub(crate) fn len(&self) -> usize {
        self.by_expiry.len()
    }

    /// Seconds a binding has left, rounded up.
    pub(crate) fn left_s(binding: &Binding, now: Now) -> u64 {
        let left = binding.expires_at.saturating_sub(now.mono);
        left.as_secs() + u64::from(left.subsec_nanos() > 0)
    }

    /// The least that may be asked for, seconds: for Min-Expires.
    pub(crate) fn min_expires_s(&self) -> u32 {
        seconds(self.expiry.min)
    }

    fn unregister_all(&mut self, aor: &Aor, update: &Update<'_>) -> Result<Vec<Change>, Unacceptable> {
        if update.expires != Some(0) {
            return Err(Unacceptable::Wildcard);
        }
        if self.of(aor).iter().any(|binding| is_older(update, binding)) {
            return Err(Unacceptable::OutOfOrder);
        }
        let ids: Vec<BindingId> = self.of(aor).iter().map(|binding| binding.id).collect();
        Ok(ids.into_iter().filter_map(|id| self.unbind(aor, id, UnboundReason::Unregistered)).collect())
    }

    /// Checks everything before anything is changed.
    fn plan<'a>(
        &self,
        aor: &Aor,
        list: &'a [NameAddr],
        update: &Update<'_>,
    ) -> Result<Vec<(&'a NameAddr, u32)>, Unacceptable> {
        if list.len() > self.contacts_max {
            return Err(Unacceptable::TooMany);
        }
        let mut wanted = Vec::with_capacity(list.len());
        for address in list {
            let asked = address.expires().or(update.expires).unwrap_or_else(|| seconds(self.expiry.default));
            // RFC 3261 §10.3 step 7: less than the least and less than an hour may be refused; more is cut.
            if asked > 0 && asked < seconds(self.expiry.min) {
                return Err(Unacceptable::TooBrief);
            }
            if let Some(binding) = self.find(aor, address)
                && is_older(update, binding)
            {
                return Err(Unacceptable::OutOfOrder);
            }
            wanted.push((address, asked.min(seconds(self.expiry.max))));
        }
        Ok(wanted)
    }

    fn set(
        &mut self,
        now: Now,
        aor: &Aor,
        update: &Update<'_>,
        address: &NameAddr,
        lifetime_s: u32,
        changes: &mut Vec<Change>,
    ) {
        let old = self.find(aor, address).map(|binding| Old {
            id: binding.id,
            since_ms: binding.since_ms,
            uri: binding.uri.clone(),
            round_trip: binding.round_trip,
            connection: binding.flow.connection,
        });
        if lifetime_s == 0 {
            changes.extend(old.and_then(|old| self.unbind(aor, old.id, UnboundReason::Unregistered)));
            return;
        }
        let binding = Binding {
            id: self.fresh_id(),
            uri: address.uri.clone(),
            contact: text(address),
            flow: update.flow,
            path: update.path.clone(),
            user_agent: update.user_agent.to_owned(),
            sip_call_id: update.sip_call_id.to_owned(),
            cseq: update.cseq,
            q: address.q().unwrap_or(Q_DEFAULT),
            device: Device::of(address),
            pass: update.pass.clone(),
            since_ms: old.as_ref().map_or(now.unix_ms, |old| old.since_ms),
            expires_at: now.after(Duration::from_secs(lifetime_s.into())),
            expires_at_ms: now.unix_ms.saturating_add(u64::from(lifetime_s) * 1_000),
            round_trip: update.round_trip.or(old.as_ref().and_then(|old| old.round_trip)),
        };
        let made = old.is_none();
        let left = old.as_ref().and_then(|old| old.connection).filter(|old| Some(*old) != update.flow.connection);
        match old {
            // The same phone from another address: the old contact is no longer one.
            Some(old) if !old.uri.matches(&binding.uri) => {
                changes.extend(self.unbind(aor, old.id, UnboundReason::Replaced));
            }
            Some(old) => {
                self.remove(aor, old.id);
            }
            None => changes.extend(self.make_room(aor)),
        }
        self.insert(aor, binding.clone());
        changes.push(Change::Bound { aor: aor.clone(), binding: Box::new(binding), made, left });
    }

    /// At the limit the binding that would expire first is replaced.
    fn make_room(&mut self, aor: &Aor) -> Option<Change> {
        let bindings = self.of(aor);
        if bindings.len() < self.contacts_max {
            return None;
        }
        let oldest = bindings.iter().min_by_key(|binding| (binding.expires_at, binding.id))?.id;
        self.unbind(aor, oldest, UnboundReason::Replaced)
    }

    /// The binding that a contact is about: by phone and flow where it names them (RFC 5626 §6), else by URI.
    fn find(&self, aor: &Aor, address: &NameAddr) -> Option<&Binding> {
        let device = Device::of(address);
        let bindings = self.of(aor);
        let by_device = bindings.iter().find(|binding| device.is_some() && binding.device == device);
        by_device.or_else(|| bindings.iter().find(|binding| binding.is_at(&address.uri, device.as_ref())))
    }

    fn unbind(&mut self, aor: &Aor, id: BindingId, reason: UnboundReason) -> Option<Change> {
        let binding = self.remove(aor, id)?;
        Some(Change::Unbound { aor: aor.clone(), contact: binding.contact, reason })
    }

    fn insert(&mut self, aor: &Aor, binding: Binding) {
        self.by_expiry.insert((binding.expires_at, binding.id), aor.clone());
        if let Some(connection) = binding.flow.connection {
            self.by_connection.insert((connection, binding.id, aor.clone()));
        }
        let bindings = self.bindings.entry(aor.clone()).or_default();
        let at = bindings.iter().position(|other| other.q < binding.q).unwrap_or(bindings.len());
        bindings.insert(at, binding);
    }

    fn remove(&mut self, aor: &Aor, id: BindingId) -> Option<Binding> {
        let bindings = self.bindings.get_mut(aor)?;
        let at = bindings.iter().position(|binding| binding.id == id)?;
        let binding = bindings.remove(at);
        if bindings.is_empty() {
            self.bindings.remove(aor);
        }
        self.by_expiry.remove(&(binding.expires_at, id));
        if let Some(connection) = binding.flow.connection {
            self.by_connection.remove(&(connection, id, aor.clone()));
        }
        Some(binding)
    }

    fn fresh_id(&mut self) -> BindingId {
        self.next += 1;
        BindingId(self.next)
    }
}

/// What a refreshed binding takes over.
struct Old {
    id: BindingId,
    since_ms: u64,
    uri: Uri,
    round_trip: Option<Duration>,
    connection: Option<ConnectionId>,
}

/// A binding as it was written down.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) address: NameAddr,
    pub(crate) path: Vec<NameAddr>,
    pub(crate) flow: Flow,
    pub(crate) user_agent: String,
    pub(crate) sip_call_id: String,
    pub(crate) cseq: u32,
    pub(crate) expires_at_ms: u64,
}

impl Binding {
    /// Instance and flow of the phone, where it names them (RFC 5626 §4.1, §4.2).
    pub(crate) fn device(&self) -> Option<(&str, Option<u32>)> {
        self.device.as_ref().map(|device| (device.instance.as_str(), device.reg_id))
    }

    /// The same as one value.
    pub(crate) fn phone(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// Whether it leads to this URI, and is not another flow. RFC 5626 §6: with a reg-id the URI does not matter, and the
    /// flows of a phone may share one.
    fn is_at(&self, uri: &Uri, device: Option<&Device>) -> bool {
        let flow = |device: Option<&Device>| device.is_some_and(|device| device.reg_id.is_some());
        let other_flow = flow(device) && flow(self.device.as_ref()) && self.device.as_ref() != device;
        self.uri.matches(uri) && !other_flow
    }

    /// Whether both lead to one phone.
    fn is_of_phone_of(&self, other: &Self) -> bool {
        let instance = |binding: &Self| binding.device.as_ref().map(|device| device.instance.clone());
        instance(self).is_some() && instance(self) == instance(other)
    }
}

impl Device {
    fn of(address: &NameAddr) -> Option<Self> {
        Some(Self { instance: address.instance()?, reg_id: address.reg_id() })
    }
}

/// RFC 3261 §10.3 step 7: of the same registration, but not newer.
fn is_older(update: &Update<'_>, binding: &Binding) -> bool {
    binding.sip_call_id == update.sip_call_id && update.cseq <= binding.cseq
}

pub(crate) fn text(address: &NameAddr) -> String {
    String::from_utf8_lossy(&address.to_bytes()).into_owned()
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// RFC 3261 §20.10 gives no default; registrars take 1.
const Q_DEFAULT: u16 = 1_000;
