//! Boxes for messages as calls read them (`*98`): what is in one, and what is said in a message.

use std::sync::Arc;
use std::time::Duration;

use hooks::fact::AudioFormat;
use hooks::id::{RecordingId, TenantId};
use recordings::{DecodeError, Storage, StorageError};
use switch::input::{BOX_MESSAGES_MAX, BoxAnswer, Input, StoredMessage};
use switch::media::Audio;
use switch::output::{BOX_ANSWER_MAX, BoxAsked, BoxOrder};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::keeper;
use crate::prompts::sound::{self, SoundError};
use crate::store::recordings::{RecordingState, RecordingUse};
use crate::store::scope::Sight;
use crate::store::setting::PageAsk;
use crate::store::voicemails::VoicemailFilter;
use crate::store::{Store, StoreError};
use crate::writer::Inbox;

/// Reads for calls.
pub struct Mailboxes {
    reader: Reader,
    inbox: Inbox,
    runtime: Handle,
}

/// What reading takes.
#[derive(Clone)]
struct Reader {
    store: Store,
    storage: Storage,
    places: Arc<Semaphore>,
}

/// Messages that are decoded at a time; who comes then waits, as long as his call does.
const DECODING_MAX: usize = 4;
/// The largest file of a message: more than three minutes of two channels at 48 kHz.
const FILE_BYTES_MAX: u64 = 40 << 20;
/// What is heard of a message, at 16 kHz: more than the three minutes that it may have.
const SAMPLES_MAX: usize = 200 * 16_000;
/// The switch waits for [`BOX_ANSWER_MAX`]; it is told before.
const SPARE: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it took longer than a caller waits")]
    Late,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the message was deleted, or there is none")]
    NoMessage,
    #[error("its recording is not ready, failed, or was deleted when its time was over")]
    NotReady,
    #[error("its file has {0} bytes, and no message has more than {FILE_BYTES_MAX}")]
    Long(u64),
    #[error(transparent)]
    Sound(#[from] SoundError),
    #[error(transparent)]
    Opus(#[from] DecodeError),
    #[error("the thread that decodes it has gone: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl Mailboxes {
    /// To be called within tokio: what is read is read there.
    #[must_use]
    pub fn new(store: Store, storage: Storage, inbox: Inbox) -> Self {
        let reader = Reader { store, storage, places: Arc::new(Semaphore::new(DECODING_MAX)) };
        Self { reader, inbox, runtime: Handle::current() }
    }

    /// Reads; the switch is told what there is, or that it can't be read. Never blocks.
    pub fn ask(&self, asked: BoxAsked) {
        let (reader, inbox) = (self.reader.clone(), self.inbox.clone());
        self.runtime.spawn(async move {
            let BoxAsked { tenant, call, id, what } = asked;
            let reading = tokio::time::timeout(BOX_ANSWER_MAX.saturating_sub(SPARE), reader.read(&tenant, what));
            let read = reading.await.unwrap_or(Err(Failure::Late));
            if let Err(failure) = &read {
                tracing::warn!(%tenant, %call, reason = %failure, "messages cannot be read for a call");
            }
            inbox.input(Input::Box { call, id, answer: read.ok() }).await;
        });
    }
}

impl Reader {
    async fn read(&self, tenant: &TenantId, what: BoxOrder) -> Result<BoxAnswer, Failure> {
        match what {
            BoxOrder::Open(mailbox) => self.open(tenant, &mailbox.to_string()).await,
            BoxOrder::Sound { voicemail, by } => Ok(BoxAnswer::Sound(self.sound(tenant, voicemail, &by).await?)),
        }
    }

    /// The newest of those that nobody has heard, then of the others.
    async fn open(&self, tenant: &TenantId, mailbox: &str) -> Result<BoxAnswer, Failure> {
        let new = self.store.waiting_messages_of(tenant, mailbox).await?.new;
        let mut messages = Vec::new();
        for heard in [false, true] {
            let left = u32::try_from(BOX_MESSAGES_MAX.saturating_sub(messages.len())).unwrap_or_default();
            if left == 0 {
                break;
            }
            let mailbox = Some(mailbox.to_owned());
            let filter = VoicemailFilter { mailbox, listened: Some(heard), ..VoicemailFilter::default() };
            let page =
                self.store.voicemails(Sight::whole(tenant), &filter, &PageAsk { limit: left, after: None }).await?;
            messages.extend(page.items.into_iter().map(|found| StoredMessage {
                voicemail: found.voicemail,
                call: found.call,
                heard,
            }));
        }
        Ok(BoxAnswer::Opened { new, messages })
    }

    async fn sound(&self, tenant: &TenantId, id: RecordingId, by: &str) -> Result<Audio, Failure> {
        if self.store.voicemail(Sight::whole(tenant), id).await?.is_none() {
            return Err(Failure::NoMessage);
        }
        let file = match self.store.recording(Sight::whole(tenant), id).await?.map(|recording| recording.state) {
            Some(RecordingState::Ready(file)) => file,
            Some(RecordingState::Running | RecordingState::Failed { .. } | RecordingState::Purged { .. }) | None => {
                return Err(Failure::NotReady);
            }
        };
        if file.bytes > FILE_BYTES_MAX {
            return Err(Failure::Long(file.bytes));
        }
        // It is never closed.
        let _place = self.places.acquire().await;
        let bytes = keeper::read_whole(&self.storage, &file).await?;
        let samples = tokio::task::spawn_blocking(move || samples(bytes, file.format)).await??;
        // REC-05: not given out unless it is logged.
        self.store.log_recording_use(tenant, by, id, RecordingUse::Play).await?;
        Ok(Audio(samples.into()))
    }
}

fn samples(file: Vec<u8>, format: AudioFormat) -> Result<Vec<i16>, Failure> {
    let mut samples = match format {
        AudioFormat::Wav => sound::as_recorded(file)?,
        AudioFormat::Opus => recordings::decode_opus(&file, SAMPLES_MAX)?,
    };
    samples.truncate(SAMPLES_MAX);
    Ok(samples)
}
