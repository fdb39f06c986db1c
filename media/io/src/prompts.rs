//! The thread that encodes prompts, apart from recordings: a sink that blocks must not keep a caller without music.
//!
//! Prompts are encoded in turns, a portion each, and one that has just been asked for before those that have begun: a long piece
//! of music keeps nobody waiting, and whatever is played begins with its first portion.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

use media::Prompt;
use media::codec::Coder;
use media::encoded::{Encoding, Portion};
use media::prompt::PromptKey;

use crate::sockets::Waker;

/// A prompt to be encoded.
pub(crate) struct Wanted {
    pub(crate) prompt: Prompt,
    pub(crate) coder: Coder,
}

/// The next portion of one.
pub(crate) struct Encoded {
    pub(crate) key: PromptKey,
    pub(crate) coder: Coder,
    pub(crate) portion: Portion,
}

/// One that has begun.
struct Begun {
    key: PromptKey,
    coder: Coder,
    encoding: Encoding,
}

/// Until the relay thread has gone.
pub(crate) fn run(wanted: &Receiver<Wanted>, encoded: &Sender<Encoded>, waker: &Waker) {
    let mut begun: VecDeque<Begun> = VecDeque::new();
    loop {
        let next =
            if begun.is_empty() { wanted.recv().map_err(|_| TryRecvError::Disconnected) } else { wanted.try_recv() };
        let (mut encoding, frames_max) = match next {
            Ok(Wanted { prompt, coder }) => match Encoding::begin(&prompt, coder) {
                Some(encoding) => (Begun { key: prompt.key(), coder, encoding }, FIRST_FRAMES),
                None => continue,
            },
            Err(TryRecvError::Empty) => match begun.pop_front() {
                Some(begun) => (begun, PORTION_FRAMES),
                None => continue,
            },
            Err(TryRecvError::Disconnected) => return,
        };
        let Some(portion) = encoding.encoding.next_portion(frames_max) else { continue };
        let Begun { key, coder, .. } = encoding;
        begun.push_back(encoding);
        if encoded.send(Encoded { key, coder, portion }).is_err() {
            return;
        }
        waker.wake();
    }
}

/// Frames of a first portion: a millisecond's work in Opus.
const FIRST_FRAMES: u32 = 10;
/// Frames of the others.
const PORTION_FRAMES: u32 = 50;
