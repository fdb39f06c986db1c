//! A phone with audio, and a call between two of them: where most ladders begin.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::chirp::{Hearing, Voice};
use crate::digest::Hash;
use crate::g711::Law;
use crate::phone::{Dialog, Phone};
use crate::ports::Ports;
use crate::rtp::{self, RtpEnd};
use crate::sdp;
use crate::sip_text::Text;
use crate::switchboard::{PASSWORD, Switchboard};
use crate::wait;

/// A phone with a mouth and an ear.
#[derive(Debug)]
pub struct Party {
    /// Signalling.
    pub phone: Phone,
    /// Audio.
    pub media: RtpEnd,
    address: SocketAddr,
    password: String,
}

/// What a phone signs in with.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Its number.
    pub user: &'a str,
    /// Its SIP password.
    pub password: &'a str,
}

impl Party {
    /// Registers a phone at `server` and opens its audio, both on the loopback address of the server's family; `clock` is the
    /// zero of what it hears.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn register(ports: &Ports, server: SocketAddr, account: Account<'_>, clock: Instant) -> Result<Self> {
        let phone = Phone::udp_at((loopback(server), ports.one()?).into(), account.user, server)?;
        Self::on(phone, ports, account.password, clock)
    }

    /// Registers a phone by the connection that it has, and opens its audio on the loopback address of that family.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn on(mut phone: Phone, ports: &Ports, password: &str, clock: Instant) -> Result<Self> {
        let media = RtpEnd::open_at((loopback(phone.server()), ports.many(2)?).into(), clock)?;
        let address = media.address()?;
        phone.register(password, Hash::Sha256)?;
        Ok(Self { phone, media, address, password: password.to_owned() })
    }

    /// [`Self::register`] at a test's own server.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub fn new(server: &Switchboard, user: &str, clock: Instant) -> Result<Self> {
        Self::register(server.ports(), server.sip(), Account { user, password: PASSWORD }, clock)
    }

    /// Sends a signed INVITE with an offer in `dialog`; returns its Via.
    ///
    /// # Errors
    /// When the server does not challenge.
    pub fn call(&mut self, dialog: &mut Dialog) -> Result<String> {
        let offer = self.sdp(1, "sendrecv");
        let password = self.password.clone();
        self.phone.invite(dialog, Some(&password), &offer)
    }

    /// Names another address as its own in what it offers and answers from now on: it is behind something.
    pub fn moves_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// An offer or answer of this version and direction.
    #[must_use]
    pub fn sdp(&self, version: u32, direction: &str) -> String {
        sdp::session(self.address, version, "0 8 101", &["rtpmap:101 telephone-event/8000", "ptime:20", direction])
    }
}

fn loopback(like: SocketAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}

/// A call that is up, and both its ends.
#[derive(Debug)]
pub struct Up {
    /// Who calls: 1001.
    pub alice: Party,
    /// Who is called: 1002.
    pub bob: Party,
    /// Alice's dialog.
    pub calling: Dialog,
    /// Bob's dialog.
    pub called: Dialog,
    /// The 200 that Alice got.
    pub ok: Text,
    /// The INVITE that Bob got.
    pub invite: Text,
}

/// 1001 calls 1002, who answers; nobody speaks yet.
///
/// # Errors
/// When a step fails, with the ladder up to there.
pub fn up(server: &Switchboard) -> Result<Up> {
    let clock = Instant::now();
    connect(Party::new(server, "1001", clock)?, Party::new(server, "1002", clock)?)
}

/// Alice calls Bob, who answers; nobody speaks yet.
///
/// # Errors
/// When a step fails, with the ladder up to there.
pub fn connect(mut alice: Party, mut bob: Party) -> Result<Up> {
    let mut calling = alice.phone.dialog_to(bob.phone.user());
    alice.call(&mut calling)?;
    let invite = bob.phone.expect("INVITE")?;
    bob.phone.reply(&invite, "180 Ringing", "")?;
    alice.phone.expect("180 INVITE")?;
    let answer = bob.sdp(1, "sendrecv");
    bob.phone.reply(&invite, "200 OK", &answer)?;
    bob.phone.expect("ACK")?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut calling, &ok, "")?;
    let called = bob.phone.dialog_of(&invite);
    Ok(Up { alice, bob, calling, called, ok, invite })
}

/// Both speak, each in its own voice, for at most `seconds`.
///
/// # Errors
/// When an address is missing.
pub fn talk(up: &mut Up, seconds: f64) -> Result<()> {
    up.alice.media.speak(sdp::audio_address(&up.ok.body)?, Law::Mu, &Voice::Low.speak(8_000, seconds))?;
    up.bob.media.speak(sdp::audio_address(&up.invite.body)?, Law::Mu, &Voice::High.speak(8_000, seconds))
}

/// Waits until `end` has received so many packets since it was opened.
///
/// # Errors
/// When they do not come.
pub fn wait_for_packets(end: &RtpEnd, packets: usize) -> Result<()> {
    wait::until("audio", Duration::from_secs(20), || Ok((end.heard().len() >= packets).then_some(())))
}

/// What was heard from the packet number `from` on.
#[must_use]
pub fn hearing(end: &RtpEnd, voice: Voice, from: usize) -> Hearing {
    let heard = end.heard();
    voice.listen(8_000, &rtp::played(&heard[from.min(heard.len())..]).channels[0])
}
