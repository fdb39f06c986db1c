//! What has to be cleared away from time to time: old segments of the journal, sessions nobody uses any more, and the log of webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hooks::id::TenantId;
use hooks::plugin::Plugin;
use hooks::position::Position;
use tokio::sync::watch;

use crate::config::{Config, RetentionConfig};
use crate::consumers;
use crate::data_lock::Deletions;
use crate::journal::JournalHandle;
use crate::passed::Passed;
use crate::store::logins::LogsBefore;
use crate::store::{Store, StoreError, unix_ms};

/// How often. What is old by days need not go by the second.
const EVERY: Duration = Duration::from_secs(600);

/// The first round waits until plugins have said where they stand.
const FIRST: Duration = Duration::from_secs(30);

const DAY_MS: u64 = 86_400_000;

/// What is cleared away, and after how long.
pub(super) struct Housekeeping {
    pub(super) store: Store,
    pub(super) journals: BTreeMap<TenantId, JournalHandle>,
    /// The names of the plugins that read the journals.
    pub(super) plugins: Vec<&'static str>,
    pub(super) passed: Passed,
    pub(super) kept: Kept,
    /// See `[retention]`.
    pub(super) retention: RetentionConfig,
    /// A backup keeps the segments that it has yet to copy.
    pub(super) deletions: Deletions,
}

/// How many days what is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Events that all have read: `journal.keep_days`.
    pub(super) journal_days: u64,
    /// Events that a webhook still waits for: `webhooks.hold_days`, where that is longer. Beyond it the webhook loses its place, so that
    /// none can fill the disk.
    pub(super) webhook_days: u64,
}

impl Kept {
    pub(super) fn of(config: &Config) -> Self {
        Self { journal_days: config.journal_keep_days, webhook_days: config.webhooks.hold_days }
    }
}

/// How long the log of webhooks is kept.
const WEBHOOK_LOG_DAYS: u64 = 7;

impl Housekeeping {
    /// For these journals, which these plugins read.
    pub(super) fn new(
        store: &Store,
        journals: &BTreeMap<TenantId, JournalHandle>,
        plugins: &[Arc<dyn Plugin>],
        config: &Config,
        passed: &Passed,
    ) -> Self {
        let plugins = plugins.iter().map(|plugin| plugin.name()).collect();
        let (store, journals, passed) = (store.clone(), journals.clone(), passed.clone());
        let (kept, retention) = (Kept::of(config), config.retention);
        Self { store, journals, plugins, passed, kept, retention, deletions: Deletions::of(&config.data_dir) }
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

    /// LOGIN-06: so that lists show it, too, before he signs in.
    async fn lift_locks(&self, now_ms: u64) -> Result<(), StoreError> {
        for tenant in self.store.tenants().await? {
            self.store.lift_locks(&tenant.value.slug, now_ms).await?;
        }
        Ok(())
    }

    /// One round. What fails is tried again in the next one.
    async fn round(&self, now_ms: u64) {
        match self.store.sweep_sessions(now_ms).await {
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "sessions that were idle for too long are deleted"),
            Err(error) => tracing::warn!(%error, "idle sessions cannot be deleted"),
        }
        if let Err(error) = self.lift_locks(now_ms).await {
            tracing::warn!(%error, "locks that have lasted long enough cannot be lifted");
        }
        if let Err(error) = self.store.sweep_codes(now_ms).await {
            tracing::warn!(%error, "old codes cannot be deleted");
        }
        let old = |days: u64| if days == 0 { 0 } else { before(now_ms, days) };
        let RetentionConfig { logins_days, audit_days, agent_states_days } = self.retention;
        let logs = LogsBefore {
            logins_ms: old(logins_days),
            audit_ms: old(audit_days),
            agent_states_ms: old(agent_states_days),
        };
        match self.store.sweep_logs(logs).await {
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "entries of logs whose time is over are deleted"),
            Err(error) => tracing::warn!(%error, "old entries of logs cannot be deleted"),
        }
        if let Err(error) = self.store.sweep_webhook_deliveries(before(now_ms, WEBHOOK_LOG_DAYS)).await {
            tracing::warn!(%error, "the log of webhooks cannot be shortened");
        }
        let Some(_leave) = self.deletions.begin() else { return };
        for (tenant, journal) in &self.journals {
            let bounds = match self.bounds(tenant, journal, now_ms).await {
                Ok(bounds) => bounds,
                Err(error) => {
                    tracing::warn!(%tenant, %error, "the journal keeps old segments: nobody knows who has read them");
                    continue;
                }
            };
            for (before_ms, passed) in bounds {
                delete(journal, before_ms, passed).await;
            }
        }
    }

    /// What may go: events that old which all up to a place have been read.
    async fn bounds(
        &self,
        tenant: &TenantId,
        journal: &JournalHandle,
        now_ms: u64,
    ) -> Result<Vec<(u64, Position)>, StoreError> {
        let Some(passed) = self.passed_by_all(tenant, journal).await? else { return Ok(Vec::new()) };
        let by_webhooks = self.store.webhooks_passed(tenant).await?.unwrap_or_else(|| passed.clone());
        let by_both = by_webhooks.min(passed.clone());
        let Kept { journal_days, webhook_days } = self.kept;
        Ok(vec![(before(now_ms, journal_days), by_both), (before(now_ms, journal_days.max(webhook_days)), passed)])
    }

    /// The least position that every consumer but the webhooks has passed; `None` while a plugin has not said where it stands.
    async fn passed_by_all(&self, tenant: &TenantId, journal: &JournalHandle) -> Result<Option<Position>, StoreError> {
        let records = self.store.cursor(tenant, consumers::call_records::CONSUMER).await?;
        let plugins: Option<Vec<Position>> = self.plugins.iter().map(|plugin| self.passed.of(plugin, tenant)).collect();
        let Some(plugins) = plugins else { return Ok(None) };
        let all = plugins.into_iter().chain([records, journal.head()]);
        Ok(all.min_by_key(|position| (position.epoch, position.number)))
    }
}

fn before(now_ms: u64, days: u64) -> u64 {
    now_ms.saturating_sub(days.saturating_mul(DAY_MS))
}

async fn delete(journal: &JournalHandle, before_ms: u64, passed: Position) {
    let (tenant, deleting) = (journal.tenant(), journal.clone());
    let deleted = tokio::task::spawn_blocking(move || deleting.delete_old(before_ms, &passed));
    match deleted.await {
        Ok(Ok(gone)) if gone.is_empty() => {}
        Ok(Ok(gone)) => tracing::info!(%tenant, segments = gone.len(), "old segments of the journal are deleted"),
        Ok(Err(error)) => tracing::warn!(%tenant, %error, "old segments of the journal cannot be deleted"),
        Err(error) => tracing::error!(%tenant, %error, "deleting old segments did not end well"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StorageUrl;
    use crate::journal::JournalOptions;
    use crate::journal::facts::FactJournal;
    use crate::store::records::Derived;
    use crate::store::setting::{Change, Hidden, Origin};
    use crate::store::webhooks::Webhook;
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
            kept: Kept { journal_days: 30, webhook_days: 40 },
            retention: RetentionConfig { logins_days: 2, audit_days: 3, agent_states_days: 4 },
            deletions: Deletions::of(folder.path()),
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

    impl House {
        /// A webhook that has got everything up to there.
        async fn webhook_is_at(&self, id: &str, enabled: bool, number: u64) {
            let webhook = Webhook {
                id: id.to_owned(),
                url: "https://crm.example/".to_owned(),
                description: String::new(),
                enabled,
                types: Vec::new(),
                allow_private: false,
                secret: Hidden::new(String::new()),
                previous: None,
            };
            let change = Change::system(TenantId::first(), Origin::Setup);
            let mut tx = self.keeping.store.change(change).await.unwrap();
            tx.create(webhook).await.unwrap();
            tx.place_webhook(id, &Position { number, ..self.journal.handle().head() }).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_a_webhook_waits_for_stays_for_a_while_and_not_for_one_that_is_disabled() {
        let house = house(Vec::new()).await;
        let all = house.segments();
        house.records_are_at(40).await;
        house.webhook_is_at("disabled", false, 1).await;
        house.webhook_is_at("behind", true, 20).await;
        house.webhook_is_at("good", true, 40).await;
        house.keeping.round(unix_ms() + DAYS_31_MS).await;
        let left = house.segments();
        assert!(left > 1 && left < all, "{left} of {all}: up to where the enabled one stands that is behind");
        house.keeping.round(unix_ms() + 39 * DAY_MS).await;
        assert_eq!(house.segments(), left);
        house.keeping.round(unix_ms() + 41 * DAY_MS).await;
        assert_eq!(house.segments(), 1, "the disk is not filled for it for ever");
    }

    #[tokio::test]
    async fn entries_of_logs_go_when_their_time_is_over() {
        use crate::store::employees::{LoginOutcome, LoginSeen};
        use crate::store::logins::{LoginFilter, LoginWay};
        use crate::store::scope::Sight;
        use crate::store::setting::PageAsk;
        let house = house(Vec::new()).await;
        for at_ms in [1_000, 1_000 + DAY_MS] {
            let (outcome, way) = (LoginOutcome::Failed, LoginWay::Password);
            let (employee_no, sign_in) = (None, None);
            let seen = LoginSeen { employee_no, login: "x", address: "", outcome, way, sign_in, at_ms };
            house.keeping.store.log_login(&TenantId::first(), &seen).await.unwrap();
        }
        for (now_ms, left) in [(1_000 + 2 * DAY_MS, 2), (1_001 + 2 * DAY_MS, 1), (1_001 + 3 * DAY_MS, 0)] {
            house.keeping.round(now_ms).await;
            let (tenant, filter) = (TenantId::first(), LoginFilter::default());
            let page = house.keeping.store.logins(Sight::whole(&tenant), &filter, &PageAsk::first(10)).await.unwrap();
            assert_eq!(page.items.len(), left, "at {now_ms}");
        }
    }

    #[tokio::test]
    async fn what_was_changed_and_how_agents_stood_go_when_their_time_is_over() {
        use crate::store::agent_states::{AgentStay, StayFilter};
        use crate::store::audit::{AuditFilter, Entry};
        use crate::store::scope::Sight;
        use crate::store::setting::{Action, PageAsk};
        use hooks::fact::{AgentState, ChangeReason};
        let house = house(Vec::new()).await;
        let (store, tenant) = (&house.keeping.store, TenantId::first());
        let entry = |at_ms: u64| Entry {
            id: at_ms.to_string(),
            at_ms,
            by: "chief".to_owned(),
            resource: "call".to_owned(),
            resource_id: "1".to_owned(),
            action: Action::Supervised,
            before: None,
            after: None,
        };
        let stay = |number, ended_at_ms| AgentStay {
            number,
            agent: "10001".to_owned(),
            state: AgentState::Ready,
            began_at_ms: 0,
            ended_at_ms,
            reason: ChangeReason::Manual,
            done_by: None,
            extension: None,
            mobile: None,
        };
        let later = 1_000 + DAY_MS;
        let derived = Derived {
            audit: vec![entry(1_000), entry(later)],
            stays: vec![stay(1, Some(1_000)), stay(2, Some(later)), stay(3, None)],
            ..Derived::default()
        };
        let (start, to) = (Position::start(tenant.clone()), house.journal.handle().head());
        store.save_derived("test", &start, &to, &derived).await.unwrap();
        for (now_ms, entries, stays) in [
            (1_000 + 3 * DAY_MS, 2, 3),
            (1_001 + 3 * DAY_MS, 1, 3),
            (1_001 + 4 * DAY_MS, 0, 2),
            (1_001 + 5 * DAY_MS, 0, 1),
        ] {
            house.keeping.round(now_ms).await;
            let log = store.audit(&tenant, &AuditFilter::default(), &PageAsk::first(10)).await.unwrap().items;
            let stood = store.agent_stays(Sight::whole(&tenant), &StayFilter::default(), &PageAsk::first(10)).await;
            let left = (log.len(), stood.unwrap().items.len());
            assert_eq!(left, (entries, stays), "at {now_ms}; a stay that lasts stays");
        }
    }

    #[tokio::test]
    async fn idle_sessions_are_deleted() {
        use crate::store::logins::LoginWay;
        use crate::store::sessions::{NewSession, SESSION_IDLE_MS};
        let house = house(Vec::new()).await;
        let session = NewSession {
            employee_no: "10000".to_owned(),
            token_hash: "hash".to_owned(),
            address: String::new(),
            user_agent: String::new(),
            way: LoginWay::Password,
            at_ms: 1_000,
        };
        house.keeping.store.open_session(&TenantId::first(), &session).await.unwrap();
        house.keeping.round(1_000 + SESSION_IDLE_MS - 1).await;
        assert_eq!(house.keeping.store.sweep_sessions(0).await.unwrap(), 0);
        house.keeping.round(1_000 + SESSION_IDLE_MS).await;
        assert!(!house.keeping.store.close_session(&TenantId::first(), "hash").await.unwrap(), "it is gone already");
    }
}
