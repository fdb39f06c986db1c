//! What really went over the wire: dumpcap records it, tshark complains about it, and we listen to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::ports::Ports;
use crate::process::Process;
use crate::rtp::Packet;
use crate::sip_text;
use crate::wait;

const PATIENCE: Duration = Duration::from_secs(10);
/// The last datagram of a capture, so that its end can be seen in the file.
const END_MARK: &[u8] = b"end of capture";

/// A capture that runs.
#[derive(Debug)]
pub struct Capture {
    process: Process,
    file: PathBuf,
    mark_port: u16,
}

/// A finished capture.
#[derive(Clone, Debug)]
pub struct Captured {
    file: PathBuf,
    /// Every UDP datagram over IPv4, in order.
    pub datagrams: Vec<Datagram>,
}

/// A UDP datagram on the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Datagram {
    /// When, in seconds since the Unix epoch.
    pub at_s: f64,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What it carried.
    pub payload: Vec<u8>,
}

impl Capture {
    /// Records everything on loopback that touches a port of `ports`, into `folder`.
    ///
    /// # Errors
    /// When dumpcap is missing or may not capture: run the tests as root, or let sudo ask for no password.
    pub fn start(ports: &Ports, folder: &Path) -> Result<Self> {
        let (first, last) = ports.range();
        let file = folder.join("wire.pcap");
        // The owner of our own entry in /proc is who we are.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let mut command = if is_root {
            Command::new("dumpcap")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "dumpcap"]);
            sudo
        };
        command.args(["-i", "lo", "-P", "-q", "-f", &format!("portrange {first}-{last}"), "-w"]).arg(&file);
        let mut process = Process::start(&mut command, &folder.join("dumpcap.log"))?;
        wait::until("dumpcap to listen", PATIENCE, || {
            ensure!(process.ended()?.is_none(), "dumpcap cannot capture: {}", process.output());
            Ok(process.output().contains("File:").then_some(()))
        })?;
        Ok(Self { process, file, mark_port: ports.one()? })
    }

    /// Ends the capture once everything sent so far is in it.
    ///
    /// # Errors
    /// When dumpcap does not write what it captured.
    pub fn finish(mut self) -> Result<Captured> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("no socket for the end mark")?;
        socket.send_to(END_MARK, ("127.0.0.1", self.mark_port)).context("the end mark cannot be sent")?;
        wait::until("the end mark in the capture", PATIENCE, || {
            let bytes = std::fs::read(&self.file).unwrap_or_default();
            Ok(bytes.windows(END_MARK.len()).any(|part| part == END_MARK).then_some(()))
        })?;
        self.process.terminate(PATIENCE)?;
        let datagrams = read_pcap(&std::fs::read(&self.file).context("the capture is gone")?)?;
        Ok(Captured { file: self.file, datagrams })
    }
}

impl Captured {
    /// RTP streams by sender and receiver, each in order of arrival; times are those of the capture.
    #[must_use]
    pub fn streams(&self) -> BTreeMap<(SocketAddr, SocketAddr), Vec<Packet>> {
        let mut streams: BTreeMap<_, Vec<Packet>> = BTreeMap::new();
        for datagram in &self.datagrams {
            // SIP begins with a letter, RTP with its version.
            if let Some(packet) = Packet::read(datagram.at_s, &datagram.payload) {
                streams.entry((datagram.from, datagram.to)).or_default().push(packet);
            }
        }
        streams
    }

    /// What tshark (malformed, or a warning or worse) and [`sip_text::faults`] find wrong in what was sent from `senders`,
    /// with the SIP spoken on `sip_ports`; one line a frame.
    ///
    /// # Errors
    /// When tshark cannot read the file.
    pub fn complaints(&self, sip_ports: &[u16], senders: &[u16]) -> Result<Vec<String>> {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).args(["-n", "-o", "rtp.heuristic_rtp:TRUE"]);
        for port in sip_ports {
            command.args(["-d", &format!("udp.port=={port},sip"), "-d", &format!("tcp.port=={port},sip")]);
        }
        let from: Vec<String> = senders.iter().map(|p| format!("udp.srcport=={p} || tcp.srcport=={p}")).collect();
        // TCP's own notes (window updates, a reset of a closed connection) are the kernel's, not ours.
        let wrong =
            "(_ws.malformed || _ws.expert.severity >= \"Warning\") && !tcp.analysis.flags && !tcp.flags.reset==1";
        command.args(["-Y", &format!("{wrong} && ({})", from.join(" || "))]);
        command.args(["-T", "fields", "-e", "frame.number", "-e", "_ws.col.Info", "-e", "_ws.expert.message"]);
        let out = command.output().context("tshark cannot be started: is it installed?")?;
        ensure!(out.status.success(), "tshark failed: {}", String::from_utf8_lossy(&out.stderr));
        let mut told: Vec<String> = String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect();
        told.extend(self.sip_faults(senders));
        Ok(told)
    }

    /// tshark forgives much in SIP that a strict peer would not: [`sip_text::faults`] does not.
    fn sip_faults(&self, senders: &[u16]) -> Vec<String> {
        let ours = self.datagrams.iter().filter(|datagram| senders.contains(&datagram.from.port()));
        let texts = ours.filter_map(|datagram| std::str::from_utf8(&datagram.payload).ok());
        let sip = texts.filter(|text| text.lines().next().is_some_and(|line| line.contains("SIP/2.0")));
        sip.flat_map(|text| sip_text::faults(text).into_iter().map(move |fault| format!("{fault}: {text}"))).collect()
    }
}

/// Reads a pcap file of Ethernet frames (what `lo` gives); anything but UDP over IPv4 is passed over.
fn read_pcap(bytes: &[u8]) -> Result<Vec<Datagram>> {
    const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
    const ETHERNET: u32 = 1;
    let word = |at: usize| bytes.get(at..at + 4).and_then(|w| w.first_chunk::<4>()).map(|w| u32::from_le_bytes(*w));
    ensure!(word(0) == Some(MAGIC_MICROSECONDS), "the capture is no little-endian pcap with microseconds");
    ensure!(word(20) == Some(ETHERNET), "the capture is not of Ethernet frames");
    let mut datagrams = Vec::new();
    let mut at = 24;
    while let (Some(seconds), Some(micros), Some(length)) = (word(at), word(at + 4), word(at + 8)) {
        let length = usize::try_from(length).context("a frame longer than memory")?;
        let Some(frame) = bytes.get(at + 16..at + 16 + length) else { break };
        let at_s = f64::from(seconds) + f64::from(micros) / 1e6;
        datagrams.extend(datagram(at_s, frame));
        at += 16 + length;
    }
    Ok(datagrams)
}

fn datagram(at_s: f64, frame: &[u8]) -> Option<Datagram> {
    const UDP: u8 = 17;
    let packet = frame.get(14..).filter(|_| frame.get(12..14) == Some(&[0x08, 0x00]))?;
    let header = 4 * usize::from(packet.first()? & 0x0f);
    if *packet.get(9)? != UDP {
        return None;
    }
    let host = |from: usize| packet.get(from..from + 4)?.first_chunk::<4>().map(|b| IpAddr::V4(Ipv4Addr::from(*b)));
    let udp = packet.get(header..)?;
    let number = |from: usize| udp.get(from..from + 2)?.first_chunk::<2>().map(|b| u16::from_be_bytes(*b));
    let length = usize::from(number(4)?);
    Some(Datagram {
        at_s,
        from: SocketAddr::new(host(12)?, number(0)?),
        to: SocketAddr::new(host(16)?, number(2)?),
        payload: udp.get(8..length)?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_captured_and_judged() {
        let ports = Ports::take().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let capture = Capture::start(&ports, folder.path()).unwrap();
        let (one, two) = (ports.one().unwrap(), ports.one().unwrap());
        let socket = UdpSocket::bind(("127.0.0.1", one)).unwrap();
        let good = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKa\r\nMax-Forwards: 70\r\nFrom: <sip:b@c>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
        socket.send_to(good.as_bytes(), ("127.0.0.1", two)).unwrap();
        let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 999999 RTP/AVP 0\r\n";
        let head = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let malformed = good.replace("Content-Length: 0\r\n\r\n", &head);
        socket.send_to(malformed.as_bytes(), ("127.0.0.1", two)).unwrap();
        socket.send_to(good.replace("tag=1", "x=1").as_bytes(), ("127.0.0.1", two)).unwrap();
        let captured = capture.finish().unwrap();
        let sent: Vec<&Datagram> = captured.datagrams.iter().filter(|d| d.from.port() == one).collect();
        assert_eq!(sent.len(), 3);
        assert_eq!(sent[0].payload, good.as_bytes());
        let complaints = captured.complaints(&[two], &[one]).unwrap();
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("2\t"), "{complaints:?}");
        assert!(complaints[1].contains("no tag in From"), "{complaints:?}");
    }
}
