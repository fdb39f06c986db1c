//! The product as its users meet it: the real binary, real phones.

mod audio;
mod call;
mod crash;
mod fail_point;
mod ladder;
mod names;
mod refusal;
mod registering;
mod registration;
mod resume;
mod scenario;
mod tls;
mod transfer;
mod trunk;
