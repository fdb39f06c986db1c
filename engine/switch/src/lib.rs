//! The switch: one writer over one closed input enum. Registrar, calls and legs.
//!
//! Pure: [`Switch::handle`](switch::Switch::handle) takes an [`input::Input`] and the time, then
//! [`poll_output`](switch::Switch::poll_output) is called until it gives nothing more. It never sees RTP: it says what
//! shall be heard ([`media::MediaCommand`]) and is told what was heard ([`media::MediaEvent`]).

pub mod config;
pub mod input;
pub mod media;
pub mod output;
pub mod view;
