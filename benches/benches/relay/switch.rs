//! The media threads, set up as the switch sets them up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result};
use media::{
    Channels, Codec, Command, EndpointId, Event, Format, Hear, OpenEndpoint, PayloadType, RecordRate, RecordSink,
    RecorderId, Remote, Session, Source, StartRecorder,
};
use media_io::MediaHandle;

use crate::Work;

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
    pub(crate) fn start(work: Work, phones: &[SocketAddr]) -> Result<Self> {
        let (sender, events) = channel();
        let handle = media_io::start(Arc::new(move |event| drop(sender.send(event))), None)?;
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut addresses = Vec::new();
        for (at, phone) in phones.iter().enumerate() {
            let endpoint = EndpointId(at as u64);
            handle.send(Command::Open(OpenEndpoint { endpoint, rtp: any, rtcp: any, seed: at as u64 * 977 + 1 }))?;
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
            let session = Session::new(Some(remote), vec![Format { codec, receive, send: number }]);
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
