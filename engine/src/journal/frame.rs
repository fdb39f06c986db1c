//! One record on disk: length, checksum, number, payload.
//!
//! ```text
//! length of the payload  u32 little endian, 1..=PAYLOAD_MAX
//! checksum               u32, CRC-32C of length, number and payload, begun with the segment's own checksum
//! number                 u64
//! payload                bytes
//! ```
//!
//! The checksum begins with that of the segment's header, so a frame of another segment (a reused disk block) never passes.

/// Bytes before the payload.
pub(super) const HEADER_BYTES: usize = 16;

/// The largest payload of a record, bytes: far above any fact; a greater length on disk is damage.
pub const PAYLOAD_MAX: usize = 1 << 20;

/// What stands at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded<'a> {
    /// A whole record of `bytes` bytes.
    Whole { number: u64, payload: &'a [u8], bytes: usize },
    /// The bytes end before the record does.
    Short,
    /// No record: the length is impossible or the checksum differs.
    Damaged,
}

/// Appends one record to `out`. The payload's length is at most [`PAYLOAD_MAX`] and not 0.
pub(super) fn encode(seed: u32, number: u64, payload: &[u8], out: &mut Vec<u8>) {
    debug_assert!((1..=PAYLOAD_MAX).contains(&payload.len()));
    let length = u32::try_from(payload.len()).expect("a payload is at most PAYLOAD_MAX bytes").to_le_bytes();
    let number = number.to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(seed, length, number, payload).to_le_bytes());
    out.extend_from_slice(&number);
    out.extend_from_slice(payload);
}

/// How many bytes the record at the start of `bytes` takes, as far as its header tells.
pub(super) fn needed(bytes: &[u8]) -> usize {
    match bytes.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize) {
        Some(length) if length <= PAYLOAD_MAX => HEADER_BYTES + length,
        Some(_) | None => HEADER_BYTES,
    }
}

/// Reads the record that `bytes` begin with.
pub(super) fn decode(seed: u32, bytes: &[u8]) -> Decoded<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Decoded::Short;
    };
    let [l0, l1, l2, l3, c0, c1, c2, c3, number @ ..] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length == 0 || length > PAYLOAD_MAX {
        return Decoded::Damaged;
    }
    let Some(payload) = rest.get(..length) else {
        return Decoded::Short;
    };
    if checksum(seed, [l0, l1, l2, l3], number, payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Decoded::Damaged;
    }
    Decoded::Whole { number: u64::from_le_bytes(number), payload, bytes: HEADER_BYTES + length }
}

fn checksum(seed: u32, length: [u8; 4], number: [u8; 8], payload: &[u8]) -> u32 {
    let mut head = [0; 12];
    head[..4].copy_from_slice(&length);
    head[4..].copy_from_slice(&number);
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &head), payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_cut_short_is_short_at_every_length() {
        let mut bytes = Vec::new();
        encode(7, 42, b"call.created", &mut bytes);
        for length in 0..bytes.len() {
            assert_eq!(decode(7, &bytes[..length]), Decoded::Short, "{length}");
        }
        let whole = Decoded::Whole { number: 42, payload: b"call.created", bytes: bytes.len() };
        assert_eq!(decode(7, &bytes), whole);
    }

    #[test]
    fn a_record_of_another_segment_is_damage() {
        let mut bytes = Vec::new();
        encode(7, 42, b"call.created", &mut bytes);
        assert_eq!(decode(8, &bytes), Decoded::Damaged);
    }

    proptest! {
        #[test]
        fn a_flipped_bit_never_gives_a_record(payload in prop::collection::vec(any::<u8>(), 1..200), bit in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            encode(1, 9, &payload, &mut bytes);
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let whole = matches!(decode(1, &bytes), Decoded::Whole { .. });
            prop_assert!(!whole);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(0, &bytes);
        }
    }
}
