//! Media as a graph of who hears whom: RTP, codecs, tones, relay and recorder, without I/O.
//!
//! Time comes in as [`Now`], packets come in as bytes and go out through `relay::Output`; sockets, threads
//! and the clock are `media-io`'s. Nothing here knows of SIP, calls or agents.

pub mod browser;
pub mod codec;
pub mod command;
pub mod dtls;
pub mod encoded;
pub mod event;
pub mod gain;
pub mod graph;
pub mod ice;
pub mod id;
pub mod inband;
pub mod jitter;
pub mod mix;
pub mod now;
pub mod out_stream;
mod packetizer;
pub mod prompt;
pub mod quality;
pub mod reception;
pub mod recorder;
pub mod recording;
pub mod relay;
pub mod rtcp;
pub mod rtp;
pub mod source_lock;
pub mod srtp;
pub mod telephone_event;
#[cfg(test)]
mod testing;
pub mod tone;
pub mod voice;

pub use browser::{BrowserLoss, BrowserPeer, Fingerprint, IceCredentials, OpenBrowser};
pub use codec::{Codec, OpusSettings, PayloadType};
pub use command::{
    Channels, Command, Detect, Direction, EdgeGain, Format, Hear, OpenEndpoint, Remote, Session, SourceRule, Spoken,
    StartRecorder,
};
pub use event::{Activity, DigitPressed, EndpointStats, Event};
pub use gain::Gain;
pub use graph::{Graph, Source};
pub use id::{EndpointId, PlayerId, RecorderId};
pub use now::Now;
pub use packetizer::PacketTime;
pub use prompt::{Clip, Playlist, Prompt, Tone, TonePlan};
pub use recording::{RecordRate, RecordSink};
pub use srtp::{SrtpKey, SrtpKeys, SrtpSuite};
