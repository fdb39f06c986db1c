//! The product as its users meet it: the real binary, real phones.

mod audio;
mod browser;
mod call;
mod crash;
mod crossing;
mod drain;
mod edge;
mod fail_point;
mod ipv6;
mod ladder;
mod names;
mod pjsua2;
mod refusal;
mod registering;
mod registration;
mod reload;
mod resume;
mod rooms;
mod scenario;
mod sipsak;
mod srtp;
mod storage;
mod tls;
mod transfer;
mod trunk;
mod websocket;
