//! The harness of the call tests: it starts the real `switchboard`, and real phones around it, on loopback.
//!
//! Phones come in three kinds: [`sipp`] for ladders that SIPp can play, [`baresip`] for real softphones with audio, and
//! [`phone`], whose messages are written as text, for everything odd. What they hear is judged by [`chirp`], which
//! knows each phone's voice and where in its sequence it stands, from what they received and from what [`capture`] saw
//! on the wire. Nothing here uses a crate of the product: the harness is an oracle of its own.

pub mod api;
pub mod authority;
pub mod baresip;
pub mod browser;
pub mod capture;
pub mod chirp;
pub mod digest;
pub mod dns;
pub mod g711;
pub mod impair;
pub mod kamailio;
pub mod keys;
pub mod moto;
pub mod network;
pub mod openssl;
pub mod party;
pub mod phone;
pub mod pjsua2;
pub mod ports;
pub mod postgres;
pub mod process;
mod received;
pub mod rtp;
pub mod sdp;
pub mod sip_text;
pub mod sipp;
pub mod switchboard;
pub mod wait;
pub mod wav;
pub mod websocket;
