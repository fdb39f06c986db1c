//! The seeded simulator: text phones, a bad network and invariants around the real cores.
