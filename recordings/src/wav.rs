//! The header of a stereo 16-bit PCM WAV file: 44 bytes, always the same but for the rate and two sizes.
//!
//! Our own, since the file must be valid after every write, may have holes, and is repaired from its length alone; `hound`
//! reads it in the tests.

/// Bytes before the first frame.
pub(crate) const HEADER_BYTES: u64 = 44;

/// Two channels of 16 bits.
pub(crate) const FRAME_BYTES: u64 = 4;

/// The header of a file of `frames` frames. `frames` is bounded by `RecordingsOptions::AUDIO_BYTES_MAX`.
pub(crate) fn header(rate_hz: u32, frames: u64) -> [u8; HEADER_BYTES as usize] {
    let audio_bytes = u32::try_from(frames * FRAME_BYTES).unwrap_or(u32::MAX - 43);
    let mut out = [0; HEADER_BYTES as usize];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(audio_bytes + 36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &rate_hz.to_le_bytes(),
        &(rate_hz * 4).to_le_bytes(),
        &4_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &audio_bytes.to_le_bytes(),
    ];
    let bytes = fields.into_iter().flatten();
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reader_understands_the_header() {
        let mut file = header(16_000, 2).to_vec();
        file.extend_from_slice(&[1, 0, 2, 0, 3, 0, 0xff, 0xff]);
        let mut reader = hound::WavReader::new(file.as_slice()).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 16_000, 16));
        assert_eq!(reader.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3, -1]);
    }
}
