//! Where a dialled number or a DID leads: routes, number rules, opening hours, block lists, flows; and what is said to a caller.
//!
//! Pure: no I/O and no clock. A [`plan::Plan`] is one tenant's; it is built from settings, then only read.

pub mod block;
pub mod caller;
pub mod collect;
pub mod country;
pub mod flow;
pub mod header;
pub mod hours;
mod nearest;
pub mod number;
pub mod number_map;
pub mod park;
pub mod plan;
pub mod rule;
pub mod say;
pub mod survey;
pub mod voicemail;
pub mod xml;
