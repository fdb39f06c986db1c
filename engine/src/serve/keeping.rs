//! Keeps recordings where and as the configuration says.

use std::sync::Arc;

use anyhow::Context;
use recordings::{SealKeys, Storage};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Config, RecordingConfig, S3Config};
use crate::data_lock::Deletions;
use crate::keeper::{KeepOptions, Keeper};
use crate::mail::Mailer;
use crate::store::Store;
use crate::writer::Inbox;

/// Starts the keeper.
pub(super) fn start(
    config: &Config,
    storage: &Storage,
    store: &Store,
    inbox: &Inbox,
    stopping: &watch::Receiver<bool>,
) -> JoinHandle<()> {
    let options = KeepOptions { format: config.recording.format, keep_days: config.recording.keep_days };
    let deletions = Deletions::of(&config.data_dir);
    let keeper = Keeper::new(store.clone(), inbox.clone(), storage.clone(), options, deletions);
    tokio::spawn(keeper.run(stopping.clone()))
}

/// Starts what tells of messages by mail, if there is a server for that.
pub(super) fn mail(
    config: &Config,
    store: &Store,
    storage: &Storage,
    stopping: &watch::Receiver<bool>,
) -> Option<JoinHandle<()>> {
    let mailer = Mailer::new(config.smtp.clone()?, config.tls.ca.clone(), store.clone(), storage.clone());
    Some(tokio::spawn(mailer.run(stopping.clone())))
}

/// The folder, the bucket and the keys.
///
/// # Errors
/// A file that is named cannot be read or says nothing of use; the folder cannot be made.
pub(super) fn storage(config: &RecordingConfig) -> anyhow::Result<Storage> {
    let s3 = config.s3.as_ref().map(S3Config::options).transpose()?;
    let keys = match (&config.encryption_keys, &config.encryption_key_file) {
        (Some(keys), _) => Some(keys.clone()),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read recording.encryption_key_file {}", file.display()))?;
            Some(SealKeys::parse(&text).with_context(|| format!("recording.encryption_key_file {}", file.display()))?)
        }
        (None, None) => None,
    };
    Storage::new(&config.dir, s3.as_ref(), keys.map(Arc::new)).context("recordings cannot be kept; see [recording]")
}
