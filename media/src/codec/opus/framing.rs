//! How frames lie in an Opus packet (RFC 6716 §3.2): what is needed to make one packet of several, and to take it apart.

/// One packet with the frames of all of `packets`, each of which has one frame; `None` where they are not of one kind, have more
/// frames than one, or are none or more than [`FRAMES_MAX`].
#[must_use]
pub fn join(packets: &[&[u8]]) -> Option<Vec<u8>> {
    let (first, rest) = packets.split_first()?;
    let toc = *first.first()?;
    let of_a_kind = packets.iter().all(|packet| packet.first() == Some(&toc) && packet.len() <= FRAME_BYTES_MAX + 1);
    if packets.len() > FRAMES_MAX || toc & CODE != 0 || !of_a_kind {
        return None;
    }
    if rest.is_empty() {
        return Some(first.to_vec());
    }
    let mut joined = vec![toc | CODE_ANY_NUMBER, VBR | u8::try_from(packets.len()).ok()?];
    for packet in &packets[..packets.len() - 1] {
        write_length(packet.len() - 1, &mut joined);
    }
    joined.extend(packets.iter().flat_map(|packet| &packet[1..]));
    Some(joined)
}

/// The frames of a packet made by [`join`], each as a packet of its own; one of another make comes whole.
#[must_use]
pub fn split(packet: &[u8]) -> Vec<Vec<u8>> {
    parts(packet).unwrap_or_else(|| vec![packet.to_vec()])
}

/// How many milliseconds there are in a packet, rounded up; 0 for what is none.
#[must_use]
pub fn duration_ms(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else { return 0 };
    // RFC 6716 table 2, in tenths of a millisecond.
    let frame = match toc >> 3 {
        config @ 0..=11 => [100, 200, 400, 600][usize::from(config % 4)],
        config @ 12..=15 => [100, 200][usize::from(config % 2)],
        config => [25, 50, 100, 200][usize::from(config % 4)],
    };
    let frames = match toc & CODE {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u32::from(count & FRAME_COUNT)),
    };
    (frame * frames).div_ceil(10)
}

fn parts(packet: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (&toc, rest) = packet.split_first()?;
    if toc & CODE != CODE_ANY_NUMBER {
        return None;
    }
    let (&count, mut rest) = rest.split_first()?;
    let frames = usize::from(count & FRAME_COUNT);
    if count & !FRAME_COUNT != VBR || frames == 0 {
        return None;
    }
    let mut lengths = Vec::with_capacity(frames);
    for _ in 1..frames {
        let (length, after) = read_length(rest)?;
        lengths.push(length);
        rest = after;
    }
    lengths.push(rest.len().checked_sub(lengths.iter().sum())?);
    let mut parts = Vec::with_capacity(frames);
    for length in lengths {
        let (frame, after) = rest.split_at_checked(length)?;
        parts.push([&[toc & !CODE], frame].concat());
        rest = after;
    }
    Some(parts)
}

/// RFC 6716 §3.2.1.
#[expect(clippy::cast_possible_truncation, reason = "below 252, and at most 255 after the division")]
fn write_length(length: usize, out: &mut Vec<u8>) {
    if length < 252 {
        out.push(length as u8);
    } else {
        let first = 252 + length % 4;
        out.extend([first as u8, ((length - first) / 4) as u8]);
    }
}

fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [first @ 0..=251, rest @ ..] => Some((usize::from(*first), rest)),
        [first, second, rest @ ..] => Some((usize::from(*second) * 4 + usize::from(*first), rest)),
        _ => None,
    }
}

/// RFC 6716 §3.2.5: a packet is 120 ms at most; of frames of 10 ms or more there are so many.
pub const FRAMES_MAX: usize = 12;
/// RFC 6716 §3.2.1.
const FRAME_BYTES_MAX: usize = 1_275;
/// The part of the first byte that says how many frames there are.
const CODE: u8 = 0b11;
const CODE_ANY_NUMBER: u8 = 0b11;
/// The flag of lengths that differ, in the byte of the count.
const VBR: u8 = 0x80;
const FRAME_COUNT: u8 = 0x3F;

#[cfg(test)]
mod tests {
    use audiopus::SampleRate;
    use audiopus::packet::{Packet, nb_frames, nb_samples};

    use super::*;
    use crate::RecordRate;
    use crate::codec::opus::{MonoToOpus, OpusSettings, OpusToMono};
    use crate::codec::{Decoder, Encoder};

    fn packets(frames: usize) -> Vec<Vec<u8>> {
        let mut encoder = MonoToOpus::new(OpusSettings::default()).unwrap();
        (0..frames)
            .map(|nth| {
                let tone = crate::testing::sine(16_000, 300.0 + 90.0 * nth as f64, 9_000.0, 0.02);
                let mut packet = Vec::new();
                encoder.encode(&tone, &mut packet);
                packet
            })
            .collect()
    }

    #[test]
    fn libopus_reads_what_is_joined() {
        for frames in 1..=6 {
            let packets = packets(frames);
            let joined = join(&packets.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
            let packet = Packet::try_from(joined.as_slice()).unwrap();
            assert_eq!(nb_frames(packet).unwrap(), frames);
            let packet = Packet::try_from(joined.as_slice()).unwrap();
            assert_eq!(nb_samples(packet, SampleRate::Hz48000).unwrap(), frames * 960);
            assert_eq!(duration_ms(&joined), 20 * frames as u32);
            assert_eq!(split(&joined), packets);
            let (mut whole, mut one_by_one) = (Vec::new(), Vec::new());
            OpusToMono::new(RecordRate::Wide).unwrap().decode(&joined, &mut whole);
            let mut decoder = OpusToMono::new(RecordRate::Wide).unwrap();
            packets.iter().for_each(|packet| decoder.decode(packet, &mut one_by_one));
            assert_eq!(whole, one_by_one);
        }
    }

    #[test]
    fn long_frames_have_two_bytes_of_length() {
        for lengths in [[0, 251, 252], [253, 1_275, 255], [256, 300, 1]] {
            let packets = lengths.map(|length| [vec![0x78], vec![7; length]].concat());
            let joined = join(&packets.each_ref().map(Vec::as_slice)).unwrap();
            assert_eq!(split(&joined), packets, "{lengths:?}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_not_joined() {
        assert_eq!(join(&[]), None);
        assert_eq!(join(&[&[]]), None);
        assert_eq!(join(&[&[0x78, 1], &[0x08, 1]]), None, "another kind");
        assert_eq!(join(&[&[0x7B, 0x81, 1]]), None, "more frames than one");
        assert_eq!(join(&[&[0x78, 1][..]; 13]), None, "longer than 120 ms");
    }

    #[test]
    fn garbage_comes_whole() {
        for garbage in [&[][..], &[3], &[3, 0x80], &[3, 0x83, 200, 200, 1], &[3, 0xC2, 1, 1, 1], &[3, 0x82, 255]] {
            assert_eq!(split(garbage), [garbage.to_vec()]);
            let _ = duration_ms(garbage);
        }
    }
}
