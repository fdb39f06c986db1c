//! Browsers: whose a datagram is that comes on one of their shared sockets, and what becomes of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::endpoint::Endpoint;
use super::{Bound, Deadline, Output, Port, Relay, Slot};
use crate::dtls::{Dtls, DtlsOutput, Keying};
use crate::event::Refusal;
use crate::ice::stun::Request;
use crate::ice::{self, Agent, Path, SILENCE_US, SharedSocket};
use crate::{BrowserLoss, BrowserPeer, EndpointId, Event, Fingerprint, IceCredentials, Now, OpenBrowser};

/// Whose a datagram is.
#[derive(Default)]
pub(super) struct Browsers {
    /// By our user fragment: at most two of each endpoint.
    pub(super) fragments: BTreeMap<String, Slot>,
    /// By where it comes from: at most [`ice::PAIRS_MAX`] of each endpoint. An address belongs to whoever authenticated it last.
    pub(super) addresses: BTreeMap<SocketAddr, Slot>,
    /// Endpoints of browsers.
    pub(super) open: usize,
}

/// What makes an endpoint a browser's.
pub(super) struct Browser {
    agent: Agent,
    /// `None` once it has failed.
    dtls: Option<Box<dyn Dtls>>,
    keying: Keying,
    /// Of whom the SDP speaks.
    expected: Option<Fingerprint>,
    presence: Presence,
    /// When it is looked at next.
    due: Option<u64>,
}

/// Whether its silence means anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// It has not agreed to anything yet: it may be ringing.
    NotExpected,
    Watched,
    /// Gone, as has been told.
    Gone,
}

/// How much work a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burden {
    /// As any packet.
    Light,
    /// Part of a handshake: others should have their turn first.
    Heavy,
}

impl Browser {
    fn new(now: Now, local: IceCredentials, dtls: Box<dyn Dtls>) -> Self {
        Self {
            agent: Agent::new(now.mono_us, local),
            dtls: Some(dtls),
            keying: Keying::default(),
            expected: None,
            presence: Presence::NotExpected,
            due: None,
        }
    }

    pub(super) fn path(&self) -> Option<Path> {
        self.agent.path()
    }

    /// When the next look is wanted; a look that comes too early does no harm.
    fn wants(&self) -> Option<u64> {
        let silence = (self.presence == Presence::Watched).then(|| self.agent.heard_us().saturating_add(SILENCE_US));
        let flight = self.dtls.as_ref().and_then(|dtls| dtls.poll_timeout());
        [silence, flight].into_iter().flatten().min()
    }

    /// Lets the association do something; sends what it wants to send.
    fn drive(
        &mut self,
        out: &mut impl Output,
        step: impl FnOnce(&mut dyn Dtls, &mut dyn FnMut(DtlsOutput<'_>)),
    ) -> Result<(), BrowserLoss> {
        let (path, keying) = (self.agent.path(), &mut self.keying);
        let Some(dtls) = &mut self.dtls else { return Ok(()) };
        let mut taken = Ok(());
        step(dtls.as_mut(), &mut |output| {
            if let (DtlsOutput::Datagram(datagram), Some(path)) = (&output, path) {
                // What the system does not take is lost like any other datagram, and sent again.
                out.send_shared(path.socket, path.address, datagram);
            }
            taken = taken.and_then(|()| keying.take(output));
        });
        taken
    }
}

impl Endpoint {
    pub(super) fn of(mut self, browser: Browser) -> Self {
        self.browser = Some(Box::new(browser));
        self
    }

    /// Uses the keys once they are those of the right one.
    fn settle_keys(&mut self) -> Result<(), BrowserLoss> {
        let Some(browser) = &mut self.browser else { return Ok(()) };
        let Some(expected) = browser.expected else { return Ok(()) };
        if let Some(keys) = browser.keying.compare(expected)? {
            self.guard_with(keys);
        }
        Ok(())
    }
}

impl Relay {
    pub(super) fn open_browser(&mut self, now: Now, open: OpenBrowser, out: &mut impl Output) -> Result<(), Refusal> {
        let OpenBrowser { endpoint: id, local, seed } = open;
        let slot = self.free_slot(id)?;
        let failed = |reason: &str| Event::OpenFailed { endpoint: id, reason: reason.to_owned() };
        let (Some(at), Some(dtls)) = (out.shared_address(), out.dtls(now)) else {
            self.free.push(slot);
            out.event(failed("no sockets are open to browsers"));
            return Ok(());
        };
        if self.browsers.fragments.contains_key(&local.ufrag) {
            self.free.push(slot);
            out.event(failed("its ICE fragment is in use"));
            return Ok(());
        }
        let fragment = local.ufrag.clone();
        let endpoint = Endpoint::new(now, id, seed).of(Browser::new(now, local, dtls));
        self.install(now, slot, endpoint, Bound { rtp: at, rtcp: at }, out)?;
        self.browsers.fragments.insert(fragment, slot);
        self.browsers.open += 1;
        Ok(())
    }

    pub(super) fn restart_ice(&mut self, id: EndpointId, local: IceCredentials) -> Result<(), Refusal> {
        let slot = self.slot(id)?;
        let owner = self.browsers.fragments.get(&local.ufrag).copied();
        let endpoint = self.slots.get_mut(slot.0 as usize).and_then(|slot| slot.as_deref_mut());
        let browser = endpoint.and_then(|endpoint| endpoint.browser.as_deref_mut());
        let browser = browser.ok_or(Refusal::NoBrowser(id))?;
        if owner.is_some() {
            return Err(Refusal::FragmentInUse(id));
        }
        self.browsers.fragments.insert(local.ufrag.clone(), slot);
        if let Some(retired) = browser.agent.restart(local) {
            self.browsers.fragments.remove(&retired);
        }
        Ok(())
    }

    /// Takes what the SDP says of a browser.
    pub(super) fn agree_browser(&mut self, now: Now, slot: Slot, peer: &BrowserPeer, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let Some(browser) = endpoint.browser.as_deref_mut() else { return };
        let reloaded = browser.expected.is_some_and(|before| before != peer.fingerprint);
        let mut gone = browser.agent.agree(now.mono_us, peer);
        if reloaded {
            gone.extend(browser.agent.forget_others(now.mono_us, peer));
        }
        if reloaded || browser.dtls.is_none() {
            (browser.dtls, browser.keying) = (out.dtls(now), Keying::default());
            endpoint.unguard(now);
        }
        if let Some(browser) = &mut endpoint.browser {
            browser.expected = Some(peer.fingerprint);
            browser.presence = Presence::Watched;
        }
        let settled = endpoint.settle_keys();
        self.forget_addresses(slot, gone);
        self.after_step(slot, settled, out);
    }

    /// Takes a datagram from a socket that browsers share. The buffer is used up.
    pub fn receive_shared(
        &mut self,
        now: Now,
        socket: SharedSocket,
        from: SocketAddr,
        datagram: &mut [u8],
        out: &mut impl Output,
    ) -> Burden {
        // RFC 7983 §7: the first byte tells STUN, DTLS and RTP apart.
        match datagram.first() {
            Some(0..=3) => self.receive_check(now, Path { socket, address: from }, datagram, out),
            Some(20..=63) => {
                if let Some(slot) = self.browsers.addresses.get(&from).copied() {
                    self.receive_handshake(now, slot, datagram, out);
                    return Burden::Heavy;
                }
            }
            Some(128..=191) => {
                if let Some(slot) = self.browsers.addresses.get(&from).copied() {
                    self.receive(now, slot, Port::Rtp, from, datagram, out);
                }
            }
            Some(_) | None => {}
        }
        Burden::Light
    }

    fn receive_check(&mut self, now: Now, path: Path, datagram: &[u8], out: &mut impl Output) {
        let Some(mut request) = Request::parse(datagram) else { return };
        let slot = request.ours().and_then(|ours| self.browsers.fragments.get(ours).copied());
        let endpoint = slot.and_then(|slot| self.slots.get_mut(slot.0 as usize)?.as_deref_mut());
        let browser = endpoint.and_then(|endpoint| Some((endpoint.id, endpoint.browser.as_deref_mut()?)));
        let (Some(slot), Some((id, browser))) = (slot, browser) else {
            if let Some(answer) = ice::refuse(&request) {
                out.send_shared(path.socket, path.address, &answer);
            }
            return;
        };
        let before = browser.agent.path();
        let outcome = browser.agent.receive(now.mono_us, path, &mut request);
        if let Some(answer) = outcome.answer {
            out.send_shared(path.socket, path.address, &answer);
        }
        if !outcome.authentic {
            return;
        }
        let back = browser.presence == Presence::Gone;
        if back {
            browser.presence = Presence::Watched;
        }
        if let Some(path) = browser.agent.path().filter(|path| before != Some(*path)) {
            out.event(Event::SourceLocked { endpoint: id, source: path.address });
        }
        if let Some(retired) = outcome.retired {
            self.browsers.fragments.remove(&retired);
        }
        self.forget_addresses(slot, outcome.forgotten);
        self.browsers.addresses.insert(path.address, slot);
        if back {
            self.schedule_browser(slot);
        }
    }

    fn receive_handshake(&mut self, now: Now, slot: Slot, datagram: &[u8], out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let Some(browser) = endpoint.browser.as_deref_mut() else { return };
        let driven = browser.drive(out, |dtls, give| dtls.receive(now, datagram, give));
        let settled = driven.and_then(|()| endpoint.settle_keys());
        self.after_step(slot, settled, out);
    }

    /// Looks at a browser: lost flights are sent again, silence is told.
    pub(super) fn look_at_browser(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let id = endpoint.id;
        let Some(browser) = endpoint.browser.as_deref_mut() else { return };
        browser.due = None;
        let due = |at: Option<u64>| at.is_some_and(|at| at <= now.mono_us);
        let mut settled = Ok(());
        if due(browser.dtls.as_ref().and_then(|dtls| dtls.poll_timeout())) {
            let driven = browser.drive(out, |dtls, give| dtls.handle_timeout(now, give));
            settled = driven.and_then(|()| endpoint.settle_keys());
        }
        if let Some(browser) = endpoint.browser.as_deref_mut()
            && browser.presence == Presence::Watched
            && due(Some(browser.agent.heard_us().saturating_add(SILENCE_US)))
        {
            browser.presence = Presence::Gone;
            out.event(Event::BrowserGone { endpoint: id, reason: BrowserLoss::Silent });
        }
        self.after_step(slot, settled, out);
    }

    /// A handshake that has failed is told once, and over.
    fn after_step(&mut self, slot: Slot, settled: Result<(), BrowserLoss>, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let id = endpoint.id;
        if let (Err(reason), Some(browser)) = (settled, endpoint.browser.as_deref_mut()) {
            browser.dtls = None;
            out.event(Event::BrowserGone { endpoint: id, reason });
        }
        self.schedule_browser(slot);
    }

    /// Sees to it that a browser is looked at in time.
    fn schedule_browser(&mut self, slot: Slot) {
        let Some(browser) = self.endpoint_mut(slot).and_then(|endpoint| endpoint.browser.as_deref_mut()) else {
            return;
        };
        let Some(wanted) = browser.wants() else { return };
        let before = browser.due;
        if before.is_some_and(|due| due <= wanted) {
            return;
        }
        browser.due = Some(wanted);
        if let Some(due) = before {
            self.deadlines.remove(&(due, Deadline::Browser(slot)));
        }
        self.deadlines.insert((wanted, Deadline::Browser(slot)));
    }

    /// An endpoint is closed: nothing that comes is its own any more.
    pub(super) fn close_browser(&mut self, slot: Slot, browser: &Browser) {
        self.browsers.open -= 1;
        if let Some(due) = browser.due {
            self.deadlines.remove(&(due, Deadline::Browser(slot)));
        }
        for fragment in browser.agent.fragments() {
            self.browsers.fragments.remove(fragment);
        }
        self.forget_addresses(slot, browser.agent.addresses());
    }

    fn forget_addresses(&mut self, slot: Slot, gone: impl IntoIterator<Item = SocketAddr>) {
        for address in gone {
            // Another may have authenticated it since.
            if self.browsers.addresses.get(&address) == Some(&slot) {
                self.browsers.addresses.remove(&address);
            }
        }
    }
}
