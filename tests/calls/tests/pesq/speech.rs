//! Ten seconds of somebody who speaks: a default prompt of the repository, which espeak-ng spoke.

use std::path::Path;

use anyhow::{Context as _, Result};
use media::RecordRate;
use media::codec::Coder;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    English,
    Mandarin,
}

/// At 8 kHz, as loud as speech is, between two pauses.
pub(crate) fn of(language: Language) -> Result<Vec<i16>> {
    let pack = match language {
        Language::English => "en.pack",
        Language::Mandarin => "zh-CN.pack",
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conf/prompts").join(pack);
    let clips = clips(&std::fs::read(&path).with_context(|| format!("no {}", path.display()))?)?;
    let (_, clip) = clips.into_iter().find(|(name, _)| name == SPOKEN).context("the prompt is not in the pack")?;
    let mut speech = vec![0; PAUSE];
    speech.extend(clip);
    speech.extend([0; PAUSE]);
    speech.truncate(speech.len() / 160 * 160);
    Ok(speech)
}

/// The names and sounds of a pack, whose form `conf/prompts/pack.py` tells.
fn clips(pack: &[u8]) -> Result<Vec<(String, Vec<i16>)>> {
    let mut rest = Reader(pack.strip_prefix(b"SWP1").context("no pack")?);
    let mut clips = Vec::new();
    while !rest.0.is_empty() {
        let name = rest.number(1)?;
        let name = String::from_utf8(rest.bytes(name)?.to_vec())?;
        let (skip, samples, packets) = (rest.number(2)?, rest.number(4)?, rest.number(2)?);
        let mut decoder = Coder::OPUS.decoder(RecordRate::Narrow).context("Opus is decoded")?;
        let mut sound = Vec::new();
        for _ in 0..packets {
            let length = rest.number(2)?;
            decoder.decode(rest.bytes(length)?, &mut sound);
        }
        // Both are at 48 kHz.
        clips.push((name, sound.into_iter().skip(skip / 6).take(samples / 6).collect()));
    }
    Ok(clips)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).context("the pack is cut off")?;
        self.0 = rest;
        Ok(bytes)
    }

    fn number(&mut self, bytes: usize) -> Result<usize> {
        Ok(self.bytes(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }
}

/// Eleven seconds. By name: with "the longest", a new prompt would move every figure.
const SPOKEN: &str = "survey_invite";
/// Before and after it.
const PAUSE: usize = 3_200;
