//! What has been encoded of which prompt, for as long as it is worth its memory.

use std::collections::BTreeMap;

use super::Output;
use crate::codec::Coder;
use crate::encoded::{EncodedPrompt, Portion};
use crate::prompt::{Prompt, PromptKey};

/// Encoded prompts by name and codec.
#[derive(Default)]
pub(super) struct Encodings {
    encoded: BTreeMap<(PromptKey, Coder), EncodedPrompt>,
    /// In how many playlists each prompt is.
    used: BTreeMap<PromptKey, u32>,
    /// Prompts in no playlist, the one that has been so for longest first.
    idle: BTreeMap<u64, PromptKey>,
    idle_bytes: usize,
    /// Counts the times a prompt became idle.
    times: u64,
}

impl Encodings {
    /// A playlist holds these from now on.
    pub(super) fn hold(&mut self, prompts: &[Prompt]) {
        for prompt in prompts {
            let key = prompt.key();
            let used = self.used.entry(key).or_default();
            *used += 1;
            if *used == 1 && self.idle.values().any(|idle| *idle == key) {
                self.idle.retain(|_, idle| *idle != key);
                self.idle_bytes -= self.bytes(key);
            }
        }
    }

    /// A playlist holds these no more: they are kept for the next while there is room.
    pub(super) fn release(&mut self, prompts: &[Prompt]) {
        for prompt in prompts {
            let key = prompt.key();
            let Some(used) = self.used.get_mut(&key) else { continue };
            *used -= 1;
            if *used == 0 {
                self.used.remove(&key);
                self.times += 1;
                self.idle.insert(self.times, key);
                self.idle_bytes += self.bytes(key);
            }
        }
        while self.idle_bytes > IDLE_BYTES_MAX {
            let Some((_, key)) = self.idle.pop_first() else { return };
            self.idle_bytes -= self.bytes(key);
            self.encoded.retain(|(encoded, _), _| *encoded != key);
        }
    }

    /// Asks for what of a playlist is not there yet in a codec; the first is asked for first.
    pub(super) fn want(&mut self, prompts: &[Prompt], coder: Coder, out: &mut impl Output) {
        for prompt in prompts {
            self.encoded.entry((prompt.key(), coder)).or_insert_with(|| {
                out.encode(prompt, coder);
                EncodedPrompt::default()
            });
        }
    }

    /// Takes a portion that has been asked for; true if it is the first of its prompt.
    pub(super) fn append(&mut self, key: PromptKey, coder: Coder, portion: &Portion) -> bool {
        // What nobody plays any more has been forgotten.
        let Some(encoded) = self.encoded.get_mut(&(key, coder)) else { return false };
        let before = (encoded.frames(), encoded.bytes());
        encoded.append(portion);
        if !self.used.contains_key(&key) {
            self.idle_bytes += encoded.bytes() - before.1;
        }
        before.0 == 0 && encoded.frames() > 0
    }

    /// A frame, if it has been encoded.
    pub(super) fn frame(&self, key: PromptKey, coder: Coder, index: u64) -> Option<&[u8]> {
        self.encoded.get(&(key, coder))?.frame(index)
    }

    fn bytes(&self, key: PromptKey) -> usize {
        let all = self.encoded.range((key, FIRST_CODER)..);
        all.take_while(|((encoded, _), _)| *encoded == key).map(|(_, encoded)| encoded.bytes()).sum()
    }
}

#[cfg(test)]
impl Encodings {
    /// Bytes of what is in no playlist.
    pub(super) fn idle_bytes(&self) -> usize {
        self.idle_bytes
    }
}

/// The first in the order of codecs.
const FIRST_CODER: Coder = Coder::G711(crate::codec::Law::Mu);
/// Encoded prompts that nobody plays, kept since they will be played again: half an hour in G.711.
pub(super) const IDLE_BYTES_MAX: usize = 16 << 20;
