//! Routes and number rules: where a dialled number or a DID leads.
//!
//! Pure: no I/O and no clock. A [`plan::Plan`] is one tenant's; it is built from settings, then only read.

pub mod country;
pub mod header;
pub mod number;
pub mod plan;
pub mod rule;
