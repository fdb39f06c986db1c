//! The plugin boundary: what happened ([`fact`]), where in the log it stands ([`position`]), who is meant ([`id`]), and the
//! traits by which a plugin and its host know each other ([`plugin`]), what may be asked in the middle of a call ([`lookup`]), and
//! whose rows somebody may see ([`scope`]).
//!
//! Pure types: nothing here opens, reads or waits. A fact once written is never changed; a field may be added with a
//! default, never renamed or given another meaning.

pub mod fact;
pub mod id;
pub mod lookup;
pub mod plugin;
pub mod position;
pub mod scope;
