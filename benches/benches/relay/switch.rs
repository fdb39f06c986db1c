//! The media threads, set up as the switch sets them up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result};
use media::{
    BrowserPeer, Channels, Codec, Command, EndpointId, Event, Fingerprint, Format, Hear, OpenBrowser, OpenEndpoint,
    PayloadType, RecordRate, RecordSink, RecorderId, Remote, Session, Source, SrtpKey, SrtpKeys, SrtpSuite,
    StartRecorder,
};
use media_io::{BrowserPorts, DtlsCertificate, MediaHandle};

use crate::Work;
use crate::secure::{credentials, sdes};

/// Running media with two endpoints a call that hear each other.
pub(crate) struct Switch {
    handle: MediaHandle,
    addresses: Vec<SocketAddr>,
}

/// Takes frames and forgets them: what a disk costs is another bench's.
struct Forget;

impl RecordSink for Forget {
    fn frames(&mut self, _: &[i16]) {}
}

impl Switch {
    pub(crate) fn start(work: Work, phones: &[SocketAddr], fingerprint: [u8; 32]) -> Result<Self> {
        let (sender, events) = channel();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let ports = BrowserPorts { listen: vec![any], certificate: DtlsCertificate::generate()? };
        let handle = media_io::start(Arc::new(move |event| drop(sender.send(event))), Some(ports))?;
        let mut addresses = Vec::new();
        for (at, phone) in phones.iter().enumerate() {
            let endpoint = EndpointId(at as u64);
            let seed = at as u64 * 977 + 1;
            handle.send(match work {
                Work::Browser => Command::OpenBrowser(OpenBrowser { endpoint, local: credentials("switch", at), seed }),
                Work::Bare | Work::Relay | Work::Record | Work::Translate | Work::Srtp | Work::Idle => {
                    Command::Open(OpenEndpoint { endpoint, rtp: any, rtcp: any, seed })
                }
            })?;
            let opened = events.iter().find_map(|event| match event {
                Event::Opened { rtp, .. } => Some(rtp),
                _ => None,
            });
            addresses.push(opened.context("no socket")?);
            let codec = if work == Work::Translate && at % 2 == 1 { Codec::Pcma } else { Codec::Pcmu };
            let number = PayloadType::new(if codec == Codec::Pcma { 8 } else { 0 }).context("a static number")?;
            // The bench's phones all send number 0; only what they are sent differs.
            let receive = PayloadType::new(0).context("a static number")?;
            let remote = Remote { rtp: *phone, rtcp: SocketAddr::from(([127, 0, 0, 1], 9)) };
            let mut session = Session::new(Some(remote), vec![Format { codec, receive, send: number }]);
            if work == Work::Browser {
                let peer = BrowserPeer { ice: credentials("phone", at), fingerprint: Fingerprint(fingerprint) };
                session.browser = Some(Box::new(peer));
            }
            if work == Work::Srtp {
                let [receive, send] = sdes(at).map(SrtpKey);
                session.srtp = Some(SrtpKeys { suite: SrtpSuite::AeadAes128Gcm, send, receive });
            }
            handle.send(Command::Configure { endpoint, session })?;
        }
        for at in 0..phones.len() as u64 {
            let sources = vec![Source::Endpoint(EndpointId(at ^ 1))];
            handle.send(Command::Hear(Hear { sink: EndpointId(at), sources }))?;
        }
        if work == Work::Record {
            for call in 0..phones.len() as u64 / 2 {
                handle.send(Command::StartRecorder(StartRecorder {
                    recorder: RecorderId(call),
                    channels: Channels {
                        left: [EndpointId(2 * call)].into(),
                        right: [EndpointId(2 * call + 1)].into(),
                        said_to: None,
                    },
                    rate: RecordRate::Narrow,
                    sink: Box::new(Forget),
                }))?;
            }
        }
        // The edges are made when the commands have been obeyed; nothing tells, and it is milliseconds.
        std::thread::sleep(Duration::from_millis(200));
        Ok(Self { handle, addresses })
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn stop(self) {
        self.handle.shutdown();
    }
}
