//! RTCP of one leg: when to report, to whom, and what the peer reported.

use std::net::SocketAddr;

use super::endpoint::{BROWSER, Endpoint};
use super::{Deadline, Output, Port, Relay, Slot};
use crate::now::MICROS_PER_SECOND;
use crate::quality::RemoteTotals;
use crate::rtcp::{LastSenderReport, OwnReport, PeerReception, PeerReport, REPORT_BYTES_MAX, SenderFigures};
use crate::{Now, SourceRule};

/// Reports of one leg.
pub(super) struct Reports {
    due: u64,
    random: u64,
    cname: String,
    /// Middle bits of the peer's last sender report, and when it came.
    last_sender_report: Option<(u32, u64)>,
    /// Where the peer's reports come from, if that is not where its SDP says.
    source: Option<(Port, SocketAddr)>,
    remote: RemoteTotals,
    /// The highest number that the peer had seen when it last reported.
    remote_highest: Option<u32>,
}

impl Reports {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = seed | 1;
        // RFC 7022 §4.2: a name that says nothing of the host.
        let cname = format!("{:016x}", next_random(&mut random));
        Self {
            due: 0,
            random,
            cname,
            last_sender_report: None,
            source: None,
            remote: RemoteTotals::default(),
            remote_highest: None,
        }
    }

    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// The peer has moved: its reports will come from elsewhere too.
    pub(super) fn forget_source(&mut self) {
        self.source = None;
    }

    /// What the peer has lost of ours, by its last report.
    pub(super) fn remote_lost(&self) -> u32 {
        u32::try_from(self.remote.lost).unwrap_or(u32::MAX)
    }

    /// All that the peer has reported.
    pub(super) fn remote(&self) -> RemoteTotals {
        self.remote
    }

    /// Takes in a report about our stream, of which so many packets had been sent.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn hear_of_us(&mut self, ntp_middle: u32, us: &PeerReception, sent: u64, clock_hz: u32) {
        let remote = &mut self.remote;
        let step = match self.remote_highest.replace(us.highest_sequence) {
            None => sent,
            // One that goes back counts anew.
            Some(before) => u64::try_from(us.highest_sequence.wrapping_sub(before).cast_signed()).unwrap_or(0),
        };
        remote.reports += 1;
        // Its word may be anything; nobody can have been expected to get more than was sent.
        remote.expected = (remote.expected + step).min(sent);
        remote.lost = u64::from(us.cumulative_lost);
        remote.jitter_ms = us.jitter as f32 * 1_000.0 / clock_hz as f32;
        remote.round_trip_ms = us.round_trip_ms(ntp_middle).or(remote.round_trip_ms);
        if let Some(voip) = us.voip {
            remote.late = remote.expected * u64::from(voip.discarded_256ths) / 256;
            remote.buffer_ms = Some(u64::from(voip.buffer_ms));
        }
    }

    /// RFC 3550 §6.2: 5 s on average, spread over half to one and a half of it; the first after half.
    fn schedule(&mut self, now: Now, first: bool) -> u64 {
        let interval = INTERVAL_US / 2 + next_random(&mut self.random) % INTERVAL_US;
        self.due = now.mono_us + if first { interval / 2 } else { interval };
        self.due
    }
}

impl Endpoint {
    /// When the first report is due.
    pub(super) fn first_report(&mut self, now: Now) -> u64 {
        self.reports.schedule(now, true)
    }

    /// Where reports go, and from which of our ports.
    fn report_destination(&self) -> Option<(Port, SocketAddr)> {
        if self.browser.is_some() {
            return Some((Port::Rtp, self.browser_address()?));
        }
        let session = self.session()?;
        let remote = session.remote?;
        let rtp = match session.source_rule {
            SourceRule::Sdp => remote.rtp,
            SourceRule::Learn { .. } => {
                if let Some(source) = self.reports.source {
                    return Some(source);
                }
                self.lock.source().unwrap_or(remote.rtp)
            }
        };
        if rtp == remote.rtp {
            let port = if remote.rtcp == remote.rtp { Port::Rtp } else { Port::Rtcp };
            return Some((port, remote.rtcp));
        }
        // Behind NAT: the next port is a guess until the peer's first report shows the real one.
        let mut guess = rtp;
        guess.set_port(rtp.port().checked_add(1)?);
        Some((Port::Rtcp, guess))
    }

    fn report(&mut self, now: Now, bye: bool) -> OwnReport<'_> {
        let sender = (self.counts.sent_packets > 0).then(|| SenderFigures {
            ntp: now.ntp(),
            rtp_timestamp: self.out.timestamp_at(now.mono_us).unwrap_or(0),
            packets: modulo_32(self.counts.sent_packets),
            octets: modulo_32(self.counts.sent_bytes),
        });
        let last_sender_report = self.reports.last_sender_report.map(|(ntp_middle, at_us)| LastSenderReport {
            ntp_middle,
            delay: modulo_32((now.mono_us.saturating_sub(at_us) << 16) / MICROS_PER_SECOND),
        });
        OwnReport {
            ssrc: self.out.ssrc(),
            cname: &self.reports.cname,
            sender,
            reception: self.reception.report(),
            last_sender_report,
            bye,
        }
    }

    /// Whether reports from there are believed: the host we send RTP to, or the one the SDP names for RTCP.
    fn believes_report(&self, from: SocketAddr) -> bool {
        if from == BROWSER {
            // It had the key.
            return self.browser.is_some();
        }
        let remote = self.session().and_then(|session| session.remote);
        self.lock.source().or(remote.map(|remote| remote.rtp)).is_some_and(|rtp| rtp.ip() == from.ip())
            || remote.is_some_and(|remote| remote.rtcp == from)
    }

    fn read_report(&mut self, now: Now, port: Port, from: SocketAddr, datagram: &[u8]) {
        if !self.believes_report(from) {
            self.counts.rejected += 1;
            return;
        }
        let Some(report) = PeerReport::read(datagram, self.out.ssrc()) else {
            self.counts.malformed += 1;
            return;
        };
        self.reports.source = Some((port, from));
        if let Some(ntp_middle) = report.sender_ntp_middle {
            self.reports.last_sender_report = Some((ntp_middle, now.mono_us));
        }
        if let Some(us) = report.of_us {
            let clock_hz = self.encodable().map_or(8_000, |(coder, _)| coder.clock_hz());
            self.reports.hear_of_us(now.ntp_middle(), &us, self.counts.sent_packets, clock_hz);
        }
    }
}

impl Relay {
    pub(super) fn receive_report(&mut self, now: Now, slot: Slot, port: Port, from: SocketAddr, datagram: &[u8]) {
        if let Some(endpoint) = self.endpoint_mut(slot) {
            endpoint.read_report(now, port, from, datagram);
        }
    }

    pub(super) fn send_report(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let due = endpoint.reports.schedule(now, false);
        endpoint.write_report(now, slot, false, out);
        self.deadlines.insert((due, Deadline::Report(slot)));
    }

    /// RFC 3550 §6.6: one who has sent says good-bye.
    pub(super) fn send_bye(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        if let Some(endpoint) = self.endpoint_mut(slot)
            && endpoint.counts.sent_packets > 0
        {
            endpoint.write_report(now, slot, true, out);
        }
    }
}

impl Endpoint {
    fn write_report(&mut self, now: Now, slot: Slot, bye: bool, out: &mut impl Output) {
        let Some((port, to)) = self.report_destination() else { return };
        let mut buffer = [0; REPORT_BYTES_MAX];
        let report = self.report(now, bye);
        // Nothing sent and nothing heard: nothing to say.
        if report.sender.is_some() || report.reception.is_some() {
            let written = report.write(&mut buffer).len();
            self.transmit(slot, port, to, &buffer[..written], out);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "RTCP counts modulo 2^32")]
fn modulo_32(value: u64) -> u32 {
    value as u32
}

/// Xorshift: good enough to spread reports; not for secrets.
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Mean time between reports. RFC 3550 §6.2.
const INTERVAL_US: u64 = 5 * MICROS_PER_SECOND;
