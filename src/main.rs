//! `switchboard`: wires the engine and the CRM plugin together.

fn main() {}
