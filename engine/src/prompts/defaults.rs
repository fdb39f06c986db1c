//! The prompts that every installation has: Opus packets in the binary, made by `conf/prompts/make.sh`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dialplan::say::{Language, PromptName};
use media::RecordRate;
use media::codec::Coder;

/// Sound at 16 kHz.
pub(super) type Samples = Arc<[i16]>;

/// All prompts of a language by name, decoded: some tenths of a second.
///
/// # Errors
/// The pack in the binary is torn, or there is no memory for a decoder.
pub(super) fn spoken(language: Language) -> Result<BTreeMap<String, Samples>, PackError> {
    decode(pack(language))
}

fn pack(language: Language) -> &'static [u8] {
    match language {
        Language::ZhCn => include_bytes!("../../../conf/prompts/zh-CN.pack"),
        Language::En => include_bytes!("../../../conf/prompts/en.pack"),
    }
}

/// The names of all prompts that every installation has, in any language; nothing is decoded.
#[must_use]
pub fn names() -> BTreeSet<PromptName> {
    // A torn pack lets nobody start (see [`spoken`]).
    let of = |language| entries(pack(language)).unwrap_or_default();
    Language::ALL.into_iter().flat_map(of).filter_map(|entry| entry.name.parse().ok()).collect()
}

/// The music on hold that a tenant has who has not uploaded any.
///
/// # Errors
/// As [`spoken`].
pub(super) fn music() -> Result<Samples, PackError> {
    decode(include_bytes!("../../../conf/prompts/music.pack"))?.remove("hold_music").ok_or(PackError::Torn)
}

/// Why a pack can't be read: whoever built the binary did something to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It ends in the middle or is none.
    #[error("a pack of default prompts in this binary is torn; make it anew by conf/prompts/make.sh")]
    Torn,
    /// libopus has no memory.
    #[error("there is no memory to decode the default prompts")]
    NoMemory,
}

fn decode(pack: &[u8]) -> Result<BTreeMap<String, Samples>, PackError> {
    let mut clips = BTreeMap::new();
    for Entry { name, skip, length, packets } in entries(pack)? {
        let mut decoder = Coder::OPUS.decoder(RecordRate::Wide).ok_or(PackError::NoMemory)?;
        let mut samples = Vec::new();
        for packet in packets {
            decoder.decode(packet, &mut samples);
        }
        let clip = samples.get(skip..(skip + length).min(samples.len())).ok_or(PackError::Torn)?;
        clips.insert(name.to_owned(), clip.into());
    }
    Ok(clips)
}

/// A prompt as it stands in a pack.
struct Entry<'a> {
    name: &'a str,
    /// Samples before it begins.
    skip: usize,
    /// Samples of it.
    length: usize,
    packets: Vec<&'a [u8]>,
}

/// `conf/prompts/pack.py` says what stands in a pack.
fn entries(pack: &[u8]) -> Result<Vec<Entry<'_>>, PackError> {
    let mut rest = Bytes(pack.strip_prefix(b"SWP1").ok_or(PackError::Torn)?);
    let mut entries = Vec::new();
    while !rest.0.is_empty() {
        let name_len = rest.number(1)?;
        let name = std::str::from_utf8(rest.take(name_len)?).map_err(|_| PackError::Torn)?;
        let (skip, length, count) = (rest.number(2)? / DECIMATION, rest.number(4)? / DECIMATION, rest.number(2)?);
        let mut packets = Vec::with_capacity(count);
        for _ in 0..count {
            let packet_len = rest.number(2)?;
            packets.push(rest.take(packet_len)?);
        }
        entries.push(Entry { name, skip, length, packets });
    }
    Ok(entries)
}

/// What is left of a pack.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], PackError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(PackError::Torn)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Big end first.
    fn number(&mut self, bytes: usize) -> Result<usize, PackError> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }
}

/// Lengths stand at Opus's clock of 48 kHz.
const DECIMATION: usize = 3;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dialplan::say::{self, SPOKEN_MAX};

    use super::*;

    /// The clips that numbers and digits are spoken with, found by speaking many.
    fn number_clips(language: Language) -> BTreeSet<String> {
        let some = (0..1_000u64).chain((0..15).map(|power| 7 * 10u64.pow(power))).chain([SPOKEN_MAX - 1, 20_000]);
        let spoken = some.flat_map(|number| say::number(language, number));
        spoken.chain(say::digits(language, "0123456789*#+")).map(|clip| clip.to_string()).collect()
    }

    #[test]
    fn every_default_prompt_and_every_number_is_there_in_both_languages_and_nothing_else() {
        for language in Language::ALL {
            let clips = spoken(language).unwrap();
            let mut named = number_clips(language);
            named.extend(say::defaults::ALL.iter().map(ToString::to_string));
            if language == Language::ZhCn {
                named.remove("minute");
                named.insert("number_liang".to_owned());
            }
            assert_eq!(clips.keys().cloned().collect::<BTreeSet<_>>(), named, "{language}");
        }
    }

    #[test]
    fn clips_are_neither_empty_nor_long_and_begin_and_end_quietly() {
        for language in Language::ALL {
            for (name, samples) in spoken(language).unwrap() {
                let ms = samples.len() / 16;
                assert!((150..20_000).contains(&ms), "{language} {name}: {ms} ms");
                let loudest = |part: &[i16]| part.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
                assert!(loudest(&samples) > 4_000, "{language} {name}: {}", loudest(&samples));
                let ends = [&samples[..8], &samples[samples.len() - 160..]];
                assert!(ends.iter().all(|end| loudest(end) < 800), "{language} {name}: {:?}", ends.map(loudest));
            }
        }
    }

    #[test]
    fn the_music_is_48_seconds_without_a_seam() {
        let music = music().unwrap();
        assert_eq!(music.len(), 48 * 16_000);
        let seam = (i32::from(music[0]) - i32::from(music[music.len() - 1])).abs();
        assert!(seam < 1_500, "{seam}");
        for second in music.chunks(16_000) {
            let power = second.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 16_000.0;
            assert!((300.0..6_000.0).contains(&power.sqrt()), "{}", power.sqrt());
        }
    }

    #[test]
    fn a_torn_pack_is_an_error() {
        let whole = include_bytes!("../../../conf/prompts/music.pack");
        for cut in [0, 3, 4 + 5, whole.len() / 2, whole.len() - 1] {
            assert!(cut == 4 || decode(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
