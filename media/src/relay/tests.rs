//! The relay as a whole, with made-up packets.
