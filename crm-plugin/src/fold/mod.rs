//! From the facts of a call to what the lists show of it. Pure: the same facts always give the same rows.

mod rows;
mod state;

pub(crate) use rows::{
    AnsweredOutside, CallKind, CallRow, LostCall, Missed, answered_outside, call_rows, lost, missed,
};
pub use state::CallState;
pub(crate) use state::call_of;
