//! The fingerprint of a certificate (`a=fingerprint`, RFC 8122 §5).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The SHA-256 of a DER certificate; written as the attribute has it, without the name of the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_as_the_attribute_has_it() {
        let text = Fingerprint(std::array::from_fn(|at| at as u8 * 8)).to_string();
        assert!(text.starts_with("00:08:10:18:") && text.ends_with(":F0:F8") && text.len() == 95, "{text}");
    }
}
