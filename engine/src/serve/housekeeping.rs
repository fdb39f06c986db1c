//! What has to be cleared away from time to time: old segments of the journal, and sessions nobody uses any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hooks::id::TenantId;
use hooks::plugin::Plugin;
use hooks::position::Position;
use tokio::sync::watch;

use crate::consumers;
use crate::journal::JournalHandle;
use crate::store::{Store, StoreError, unix_ms};

/// How often. What is old by days need not go by the second.
const EVERY: Duration = Duration::from_secs(600);

/// The first round waits until plugins have said where they stand.
const FIRST: Duration = Duration::from_secs(30);

const DAY_MS: u64 = 86_400_000;

/// How far each plugin has come in each tenant's journal, as it says itself by asking for what follows.
#[derive(Clone, Debug, Default)]
pub(super) struct Passed(Arc<Mutex<BTreeMap<(&'static str, TenantId), Position>>>);

impl Passed {
    /// The plugin has stored everything up to here.
    pub(super) fn note(&self, plugin: &'static str, position: &Position) {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.insert((plugin, position.tenant.clone()), position.clone());
    }

    fn of(&self, plugin: &'static str, tenant: &TenantId) -> Option<Position> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(plugin, tenant.clone())).cloned()
    }
}

/// What is cleared away, and after how long.
pub(super) struct Housekeeping {
    pub(super) store: Store,
    pub(super) journals: BTreeMap<TenantId, JournalHandle>,
    /// The names of the plugins that read the journals.
    pub(super) plugins: Vec<&'static str>,
    pub(super) passed: Passed,
    /// See `journal.keep_days`.
    pub(super) keep_days: u64,
}

impl Housekeeping {
    /// For these journals, which these plugins read.
    pub(super) fn new(
        store: &Store,
        journals: &BTreeMap<TenantId, JournalHandle>,
        plugins: &[Arc<dyn Plugin>],
        keep_days: u64,
    ) -> Self {
        let plugins = plugins.iter().map(|plugin| plugin.name()).collect();
        Self { store: store.clone(), journals: journals.clone(), plugins, passed: Passed::default(), keep_days }
    }

    /// A round every ten minutes until told to stop.
    pub(super) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => self.round(unix_ms()).await,
                _ = stopping.changed() => return,
            }
            pause = EVERY;
        }
    }

    /// One round. What fails is tried again in the next one.
    async fn round(&self, now_ms: u64) {
        match self.store.sweep_sessions(now_ms).await {
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "sessions that were idle for too long are deleted"),
            Err(error) => tracing::warn!(%error, "idle sessions cannot be deleted"),
        }
        let before_ms = now_ms.saturating_sub(self.keep_days.saturating_mul(DAY_MS));
        for (tenant, journal) in &self.journals {
            let passed = match self.passed_by_all(tenant, journal).await {
                Ok(Some(passed)) => passed,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%tenant, %error, "the journal keeps old segments: nobody knows who has read them");
                    continue;
                }
            };
            let journal = journal.clone();
            let deleted = tokio::task::spawn_blocking(move || journal.delete_old(before_ms, &passed)).await;
            match deleted {
                Ok(Ok(gone)) if gone.is_empty() => {}
                Ok(Ok(gone)) => {
                    tracing::info!(%tenant, segments = gone.len(), "old segments of the journal are deleted")
                }
                Ok(Err(error)) => tracing::warn!(%tenant, %error, "old segments of the journal cannot be deleted"),
                Err(error) => tracing::error!(%tenant, %error, "deleting old segments did not end well"),
            }
        }
    }

    /// The least position that every consumer has passed; `None` while a plugin has not said where it stands.
    async fn passed_by_all(&self, tenant: &TenantId, journal: &JournalHandle) -> Result<Option<Position>, StoreError> {
        let records = self.store.cursor(tenant, consumers::call_records::CONSUMER).await?;
        let plugins: Option<Vec<Position>> = self.plugins.iter().map(|plugin| self.passed.of(plugin, tenant)).collect();
        let Some(plugins) = plugins else { return Ok(None) };
        let all = plugins.into_iter().chain([records, journal.head()]);
        Ok(all.min_by_key(|position| (position.epoch, position.number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StorageUrl;
    use crate::journal::JournalOptions;
    use crate::journal::facts::FactJournal;
    use crate::store::records::Derived;
    use hooks::fact::{Event, Fact, SourceBanned};

    struct House {
        keeping: Housekeeping,
        journal: FactJournal,
        folder: tempfile::TempDir,
    }

    /// A journal of many small segments.
    async fn house(plugins: Vec<&'static str>) -> House {
        let folder = tempfile::tempdir().unwrap();
        let tenant = TenantId::first();
        let store = Store::open(&StorageUrl::Sqlite(folder.path().join("test.db"))).await.unwrap();
        let options = JournalOptions {
            segment_bytes: 500,
            ..JournalOptions::new(&folder.path().join("journal"), tenant.clone())
        };
        let mut journal = FactJournal::open(&options).unwrap();
        for failures in 0..40 {
            let banned = SourceBanned { source: "192.0.2.9".to_owned(), until_ms: 5, failures };
            journal.append(&[Fact { tenant: tenant.clone(), at_ms: 1, event: Event::SourceBanned(banned) }]).unwrap();
        }
        let keeping = Housekeeping {
            store,
            journals: BTreeMap::from([(tenant, journal.handle())]),
            plugins,
            passed: Passed::default(),
            keep_days: 30,
        };
        House { keeping, journal, folder }
    }

    impl House {
        fn segments(&self) -> usize {
            let files = std::fs::read_dir(self.folder.path().join("journal").join("default")).unwrap();
            files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "seg")).count()
        }

        async fn records_are_at(&self, number: u64) {
            let start = Position::start(TenantId::first());
            let to = Position { number, ..self.journal.handle().head() };
            let consumer = consumers::call_records::CONSUMER;
            self.keeping.store.save_derived(consumer, &start, &to, &Derived::default()).await.unwrap();
        }
    }

    const DAYS_31_MS: u64 = 31 * DAY_MS;

    #[tokio::test]
    async fn a_segment_goes_when_it_is_old_and_every_consumer_has_passed_it() {
        let house = house(vec!["crm"]).await;
        let all = house.segments();
        assert!(all > 10, "{all}");
        house.records_are_at(40).await;
        house.keeping.round(unix_ms() + DAYS_31_MS).await;
        assert_eq!(house.segments(), all, "the plugin has not said where it stands");
        house.keeping.passed.note("crm", &Position { number: 20, ..house.journal.handle().head() });
        house.keeping.round(unix_ms() + DAY_MS).await;
        assert_eq!(house.segments(), all, "none is old");
        house.keeping.round(unix_ms() + DAYS_31_MS).await;
        let left = house.segments();
        assert!(left > 1 && left < all, "{left} of {all}: up to where the plugin stands");
        house.keeping.passed.note("crm", &house.journal.handle().head());
        house.keeping.round(unix_ms() + DAYS_31_MS).await;
        assert_eq!(house.segments(), 1, "the one being written stays");
    }

    #[tokio::test]
    async fn what_the_database_has_not_derived_stays() {
        let house = house(Vec::new()).await;
        let all = house.segments();
        house.keeping.round(unix_ms() + DAYS_31_MS).await;
        assert_eq!(house.segments(), all);
    }

    #[tokio::test]
    async fn idle_sessions_are_deleted() {
        use crate::store::sessions::{NewSession, SESSION_IDLE_MS};
        let house = house(Vec::new()).await;
        let session = NewSession {
            employee_no: "10000".to_owned(),
            token_hash: "hash".to_owned(),
            address: String::new(),
            user_agent: String::new(),
            at_ms: 1_000,
        };
        house.keeping.store.open_session(&TenantId::first(), &session).await.unwrap();
        house.keeping.round(1_000 + SESSION_IDLE_MS - 1).await;
        assert_eq!(house.keeping.store.sweep_sessions(0).await.unwrap(), 0);
        house.keeping.round(1_000 + SESSION_IDLE_MS).await;
        assert!(!house.keeping.store.close_session(&TenantId::first(), "hash").await.unwrap(), "it is gone already");
    }
}
