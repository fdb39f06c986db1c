//! The thread that encodes prompts, apart from recordings: a sink that blocks must not keep a caller without music.

use std::sync::mpsc::{Receiver, Sender};

use media::Prompt;
use media::codec::Coder;
use media::encoded::EncodedPrompt;

use crate::sockets::Waker;

/// A prompt to be encoded.
pub(crate) struct Wanted {
    pub(crate) prompt: Prompt,
    pub(crate) coder: Coder,
}

/// A prompt that has been.
pub(crate) struct Encoded {
    pub(crate) prompt: Prompt,
    pub(crate) coder: Coder,
    pub(crate) encoded: EncodedPrompt,
}

/// Until the relay thread has gone.
pub(crate) fn run(wanted: &Receiver<Wanted>, encoded: &Sender<Encoded>, waker: &Waker) {
    while let Ok(Wanted { prompt, coder }) = wanted.recv() {
        let frames = EncodedPrompt::encode(&prompt, coder);
        if encoded.send(Encoded { prompt, coder, encoded: frames }).is_err() {
            return;
        }
        waker.wake();
    }
}
