//! The plugin boundary: what happened ([`fact`]), where in the log it stands ([`position`]), who is meant ([`id`]), and the
//! traits by which a plugin and its host know each other ([`plugin`]), what a plugin gives to the HTTP API ([`operation`]), what may
//! be asked in the middle of a call ([`lookup`]), who works here ([`directory`]), whose rows somebody may see ([`scope`]), how
//! numbers are masked ([`number`]) and durations told ([`duration`]), and what is taken out and in as a file ([`task`]).
//!
//! Pure types: nothing here opens, reads or waits. A fact once written is never changed; a field may be added with a
//! default, never renamed or given another meaning.

pub mod directory;
pub mod duration;
pub mod fact;
pub mod id;
pub mod lookup;
pub mod number;
pub mod operation;
pub mod plugin;
pub mod position;
pub mod scope;
pub mod sms;
pub mod task;
