//! Where a leg's media is: on ports of its own, or on the sockets that all browsers share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sip::flow::Flow;
use sip::random::Random;
use sip::sdp::{self, BrowserPeer, IceCredentials, LocalBrowser, OfferedSetup, SessionDescription};

use crate::config::{Browsers, NodeConfig, Srtp};
use crate::desk::Desk;
use crate::media::{EndpointId, MediaCommand, SourceRule};
use crate::nat;

/// How the audio of a leg travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    /// Over RTP, encrypted by keys in the description or not at all.
    Rtp(Srtp),
    /// As browsers want it: over ICE and DTLS.
    Browser,
}

impl Carriage {
    /// To a phone that we call on this flow.
    pub(crate) fn to(node: &NodeConfig, flow: &Flow, srtp: Srtp) -> Self {
        if nat::is_browser(node, flow) { Self::Browser } else { Self::Rtp(srtp) }
    }

    /// Of a phone that calls: as its offer has it; without an offer, as we would call it.
    pub(crate) fn asked(node: &NodeConfig, flow: &Flow, offer: Option<&SessionDescription>, srtp: Srtp) -> Self {
        match offer {
            Some(offer) if sdp::offers_dtls(offer) && node.browsers.is_some() => Self::Browser,
            Some(_) => Self::Rtp(srtp),
            None => Self::to(node, flow, srtp),
        }
    }
}

/// Where it is.
#[derive(Debug)]
pub(super) enum Place {
    /// On ports of its own.
    Ports {
        /// The RTP port; RTCP is the next one.
        port: u16,
        bind: IpAddr,
        shown: IpAddr,
        source: SourceRule,
    },
    /// On the sockets of the browsers.
    Shared(Box<Shared>),
}

impl Place {
    pub(super) fn shared(&self) -> Option<&Shared> {
        match self {
            Self::Shared(shared) => Some(shared),
            Self::Ports { .. } => None,
        }
    }

    pub(super) fn shared_mut(&mut self) -> Option<&mut Shared> {
        match self {
            Self::Shared(shared) => Some(shared),
            Self::Ports { .. } => None,
        }
    }
}

/// The ICE session with a browser.
#[derive(Debug)]
pub(super) struct Shared {
    endpoint: EndpointId,
    /// Ours, as they were described last.
    ice: IceCredentials,
    restart: Restart,
    /// As they were when the session began: RFC 8839 §4.4.1.3 lets a lite agent add no candidate later.
    browsers: Browsers,
}

/// Whether an offer of ours restarts ICE.
#[derive(Debug)]
enum Restart {
    /// It does not.
    No,
    /// The next one does.
    Wanted,
    /// The one that is not answered yet does, with these.
    Offered(IceCredentials),
}

impl Shared {
    pub(super) fn open(desk: &mut Desk, endpoint: EndpointId, browsers: Browsers) -> Self {
        let ice = fresh(&mut desk.random);
        desk.media(MediaCommand::OpenBrowser { endpoint, local: ice.clone() });
        Self { endpoint, ice, restart: Restart::No, browsers }
    }

    /// The next offer of ours shall restart ICE.
    pub(super) fn want_restart(&mut self) {
        if let Restart::No = self.restart {
            self.restart = Restart::Wanted;
        }
    }

    /// An offer of ours is made in a session that is there.
    pub(super) fn offering(&mut self, desk: &mut Desk) {
        if let Restart::Wanted = self.restart {
            self.restart = Restart::Offered(self.renewed(desk));
        }
    }

    /// It was answered.
    pub(super) fn answered(&mut self) {
        if let Restart::Offered(ice) = std::mem::replace(&mut self.restart, Restart::No) {
            self.ice = ice;
        }
    }

    /// It was not: what was described before holds.
    pub(super) fn withdrawn(&mut self, desk: &mut Desk) {
        if let Restart::Offered(_) = self.restart {
            self.restart = Restart::Wanted;
            desk.media(MediaCommand::RestartIce { endpoint: self.endpoint, local: self.ice.clone() });
        }
    }

    /// The far end offers what is to be answered. RFC 8839 §4.4.2.1: where it restarts ICE, who answers changes its
    /// credentials, too.
    pub(super) fn offered(&mut self, desk: &mut Desk, before: Option<&BrowserPeer>, now: Option<&BrowserPeer>) {
        if let (Some(before), Some(now)) = (before, now)
            && before.ice != now.ice
        {
            self.ice = self.renewed(desk);
            self.restart = Restart::No;
        }
    }

    fn renewed(&self, desk: &mut Desk) -> IceCredentials {
        let ice = fresh(&mut desk.random);
        desk.media(MediaCommand::RestartIce { endpoint: self.endpoint, local: ice.clone() });
        ice
    }

    /// Where media goes that knows nothing of ICE.
    pub(super) fn default_candidate(&self) -> SocketAddr {
        self.browsers.candidates.first().copied().unwrap_or(NOWHERE)
    }

    pub(super) fn local(&self, setup: OfferedSetup) -> LocalBrowser<'_> {
        let ice = match &self.restart {
            Restart::Offered(ice) => ice,
            Restart::No | Restart::Wanted => &self.ice,
        };
        LocalBrowser { ice, fingerprint: self.browsers.fingerprint, candidates: &self.browsers.candidates, setup }
    }
}

/// RFC 3264 §8.4: sends nothing there.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9);

/// 80 and 160 random bits (RFC 8445 §5.3 asks for 24 and 128).
fn fresh(random: &mut Random) -> IceCredentials {
    let ufrag = random.token();
    let pwd = random.token() + &random.token();
    IceCredentials { ufrag, pwd }
}
