//! The CRM, which knows the engine only through its hooks.
