//! The plugin boundary: what happened ([`fact`]), where in the log it stands ([`position`]), who is meant ([`id`]), and the
//! traits by which a plugin and its host know each other ([`plugin`]), and what may be asked in the middle of a call ([`lookup`]).
//!
//! Pure types: nothing here opens, reads or waits. A fact once written is never changed; a field may be added with a
//! default, never renamed or given another meaning.

pub mod fact;
pub mod id;
pub mod lookup;
pub mod plugin;
pub mod position;
