//! The product as its users meet it: the real binary, real phones.

mod audio;
mod call;
mod crash;
mod refusal;
mod registration;
mod scenario;
mod trunk;
