//! The single writer: registrar, calls and legs, without I/O.
