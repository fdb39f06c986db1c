//! Routes and number rules, without I/O or a clock.
