//! The consumer of one endpoint: reads on from its place, sends, notes what became of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hooks::fact::CloudEvent;
use hooks::id::TenantId;
use hooks::position::Position;
use tokio::sync::watch;
use tokio::time::Instant;

use super::retry::{After, Failed, millis};
use super::send::{Attempt, Message, Target, TargetError, Verdict};
use crate::events::Feed;
use crate::http::state::Api;
use crate::journal::{JournalHandle, ReadError};
use crate::secrets::{new_ulid, random_bytes};
use crate::store::setting::{Change, Expect, Stored};
use crate::store::webhooks::{
    DeadLetter, Delivery, DeliveryOutcome, LostPlace, Settled, Trying, Webhook, WebhookPlace,
};
use crate::store::{StoreError, unix_ms};

/// Events read at a time.
const BATCH: usize = 64;
/// What was delivered is noted at least so often; a process that is killed sends again what it delivered since.
const SAVE_EVERY: Duration = Duration::from_millis(250);
/// After a failure of the database or the journal, so long before the next try; doubled each time up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Delivers to one endpoint.
pub(super) struct Consumer {
    api: Api,
    tenant: TenantId,
    id: String,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// The version of the webhook that was read last: after a change what waits is tried at once.
    version: Option<u64>,
    /// Something changed, perhaps this webhook.
    is_woken: bool,
}

/// The endpoint, between two events.
struct Standing {
    webhook: Stored<Webhook>,
    target: Target,
    place: WebhookPlace,
    feed: Option<Feed>,
    queue: VecDeque<CloudEvent>,
    log: Vec<Delivery>,
    /// Something is not noted in the database yet.
    is_unsaved: bool,
    saved_at: Instant,
}

/// Why a consumer reads its webhook again, or ends.
enum End {
    Reload,
    Deleted,
    Stopped,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot read the journal: {0}")]
    Journal(#[from] ReadError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the log of events is not open")]
    NoJournal,
    #[error("reading broke off")]
    Broken,
}

impl Consumer {
    pub(super) fn new(api: Api, tenant: TenantId, id: String, stopping: watch::Receiver<bool>) -> Self {
        let changes = api.webhooks().changes.subscribe();
        Self { api, tenant, id, changes, stopping, version: None, is_woken: false }
    }

    /// Delivers until the webhook is deleted or the process stops. Dropped at any moment, the next one goes on from what was noted.
    pub(super) async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            match self.serve().await {
                Ok(End::Deleted) => return self.show_lag(0),
                Ok(End::Stopped) => return,
                Ok(End::Reload) => pause = PAUSE_MIN,
                Err(error) => {
                    tracing::warn!(tenant = %self.tenant, webhook = self.id, %error, "a webhook is late");
                    self.rest(Some(Instant::now() + pause)).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    async fn serve(&mut self) -> Result<End, Trouble> {
        self.changes.borrow_and_update();
        let Some(mut standing) = self.load().await? else { return Ok(End::Deleted) };
        loop {
            if self.is_stopping() {
                return self.save(&mut standing).await.map(|_| End::Stopped);
            }
            if self.is_changed(&standing).await? {
                return self.save(&mut standing).await.map(|_| End::Reload);
            }
            if standing.is_save_due() && !self.save(&mut standing).await? {
                return Ok(End::Reload);
            }
            if !standing.webhook.value.enabled {
                self.show_lag(0);
                self.rest(None).await;
                continue;
            }
            if let Some(wait) = standing.wait() {
                self.rest(Some(Instant::now() + wait)).await;
                continue;
            }
            let goes_on = match self.next(&mut standing).await? {
                Some(event) => self.handle(&mut standing, event).await?,
                None if standing.is_unsaved => self.save(&mut standing).await?,
                None => self.wait_for_events(&standing).await,
            };
            if !goes_on {
                return Ok(End::Reload);
            }
        }
    }

    async fn load(&mut self) -> Result<Option<Standing>, Trouble> {
        let store = self.api.store();
        let Some(webhook) = store.find::<Webhook>(&self.tenant, &self.id).await? else { return Ok(None) };
        let Some(mut place) = store.webhook_place(&self.tenant, &self.id).await? else { return Ok(None) };
        let is_other = self.version.is_some_and(|version| version != webhook.version);
        if let Some(trying) = place.trying.as_mut().filter(|_| is_other) {
            trying.next_at_ms = 0;
        }
        self.version = Some(webhook.version);
        Ok(Some(Standing {
            target: Target::new(&webhook.value, &self.tenant, self.api.secret_key())?,
            webhook,
            place,
            feed: None,
            queue: VecDeque::new(),
            log: Vec::new(),
            is_unsaved: false,
            saved_at: Instant::now(),
        }))
    }

    /// Whether the webhook, or the place that people gave it, is another one than what was read.
    async fn is_changed(&mut self, standing: &Standing) -> Result<bool, StoreError> {
        if !std::mem::take(&mut self.is_woken) && !self.changes.has_changed().unwrap_or(false) {
            return Ok(false);
        }
        self.changes.borrow_and_update();
        let version = self.api.store().find::<Webhook>(&self.tenant, &self.id).await?.map(|stored| stored.version);
        let place = self.api.store().webhook_place(&self.tenant, &self.id).await?;
        let generation = place.map(|place| place.generation);
        Ok((version, generation) != (Some(standing.webhook.version), Some(standing.place.generation)))
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow() || self.stopping.has_changed().is_err()
    }

    /// Until then, a change, or the end of the process.
    async fn rest(&mut self, until: Option<Instant>) {
        let elapsed = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = elapsed => {}
            _ = self.changes.changed() => self.is_woken = true,
            _ = self.stopping.changed() => {}
        }
    }

    /// Until there may be events, a change, or the end of the process.
    async fn wait_for_events(&mut self, standing: &Standing) -> bool {
        let Some(feed) = &standing.feed else { return true };
        tokio::select! {
            () = feed.changed() => {}
            _ = self.changes.changed() => self.is_woken = true,
            _ = self.stopping.changed() => {}
        }
        true
    }

    fn journal(&self) -> Result<&JournalHandle, Trouble> {
        self.api.journal(&self.tenant).map_err(|_| Trouble::NoJournal)
    }

    /// The next event; none where there is none yet, or where the place was found to be lost.
    async fn next(&self, standing: &mut Standing) -> Result<Option<CloudEvent>, Trouble> {
        if let Some(event) = standing.queue.pop_front() {
            return Ok(Some(event));
        }
        let journal = self.journal()?.clone();
        let (feed, at) = (standing.feed.take(), standing.place.at.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let mut feed = feed.map_or_else(|| Feed::after(&journal, &at), Ok)?;
            let events = feed.read(BATCH)?;
            Ok::<_, ReadError>((feed, events))
        });
        match reading.await.map_err(|_| Trouble::Broken)? {
            Ok((feed, events)) => {
                if events.is_empty() && feed.position() > standing.place.at {
                    standing.pass(feed.position());
                }
                standing.feed = Some(feed);
                standing.queue = events.into();
                Ok(standing.queue.pop_front())
            }
            Err(ReadError::Gone { .. }) => {
                let start = self.journal()?.start();
                self.lose(standing, start);
                Ok(None)
            }
            // The journal is an older one, out of a backup: what it does not hold any more cannot be told.
            Err(ReadError::Ahead { head, .. }) => {
                self.lose(standing, head);
                Ok(None)
            }
            Err(error @ (ReadError::OtherTenant { .. } | ReadError::Damaged { .. } | ReadError::Io { .. })) => {
                Err(error.into())
            }
        }
    }

    fn lose(&self, standing: &mut Standing, resumed_after: Position) {
        let after = standing.place.at.clone();
        tracing::error!(webhook = self.id, %after, %resumed_after, "a webhook lost its place: events that it had not got are deleted");
        metrics::counter!("switchboard_webhook_lost_places_total").increment(1);
        standing.place.lost = Some(LostPlace { at_ms: unix_ms(), after, resumed_after: resumed_after.clone() });
        standing.pass(resumed_after);
    }

    /// Sends an event, if it is wanted; whether to go on.
    async fn handle(&mut self, standing: &mut Standing, event: CloudEvent) -> Result<bool, Trouble> {
        let at: Position = event.id.parse().map_err(|_| Trouble::Broken)?;
        if !standing.webhook.value.wants(&event.kind) {
            standing.pass(at);
            return Ok(true);
        }
        let attempt = self.api.webhooks().attempt(&standing.target, Message::of(&event)).await;
        let number = standing.place.trying.as_ref().map_or(1, |trying| trying.attempts.saturating_add(1));
        match attempt.verdict {
            Verdict::Delivered => {
                self.note(standing, &event, number, &attempt, DeliveryOutcome::Delivered);
                let was_late = standing.place.trying.is_some();
                standing.pass(at);
                if was_late { self.save(standing).await } else { Ok(true) }
            }
            Verdict::Gone => {
                self.note(standing, &event, number, &attempt, DeliveryOutcome::Gone);
                if self.save(standing).await? {
                    self.disable(standing).await?;
                }
                Ok(false)
            }
            Verdict::TooLong => self.give_up(standing, &event, at, number, &attempt).await,
            Verdict::Failed { retry_after } => {
                let now_ms = unix_ms();
                let since_ms = standing.place.trying.as_ref().map_or(attempt.at_ms, |trying| trying.since_ms);
                let random = u32::from_be_bytes(random_bytes());
                let failed = Failed { attempt: number, since_ms, now_ms, retry_after, random };
                match self.api.webhooks().config.retry.after(failed) {
                    After::Dead => self.give_up(standing, &event, at, number, &attempt).await,
                    After::Again(next_at_ms) => {
                        self.note(standing, &event, number, &attempt, DeliveryOutcome::Failed);
                        let error = attempt.error.unwrap_or_default();
                        let status = attempt.status;
                        standing.place.trying = Some(Trying { attempts: number, since_ms, next_at_ms, status, error });
                        standing.queue.push_front(event);
                        self.save(standing).await
                    }
                }
            }
        }
    }

    /// Puts an event to the dead letters, so that the next one follows.
    async fn give_up(
        &self,
        standing: &mut Standing,
        event: &CloudEvent,
        at: Position,
        attempts: u32,
        attempt: &Attempt,
    ) -> Result<bool, Trouble> {
        self.note(standing, event, attempts, attempt, DeliveryOutcome::Dead);
        let dead = DeadLetter {
            at: at.clone(),
            kind: event.kind.clone(),
            body: Message::of(event).body,
            attempts,
            first_at_ms: standing.place.trying.as_ref().map_or(attempt.at_ms, |trying| trying.since_ms),
            dead_at_ms: unix_ms(),
            status: attempt.status,
            error: attempt.error.clone().unwrap_or_default(),
        };
        tracing::warn!(
            webhook = self.id,
            event = event.id,
            error = dead.error,
            "an event was given up: see the dead letters"
        );
        standing.pass(at);
        self.settle(standing, Some(&dead)).await
    }

    fn note(
        &self,
        standing: &mut Standing,
        event: &CloudEvent,
        number: u32,
        attempt: &Attempt,
        outcome: DeliveryOutcome,
    ) {
        let result = match outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::Failed => "failed",
            DeliveryOutcome::Dead => "dead",
            DeliveryOutcome::Gone => "gone",
        };
        let webhook = self.id.clone();
        metrics::counter!("switchboard_webhook_deliveries_total", "webhook" => webhook, "result" => result)
            .increment(1);
        standing.log.push(attempt.logged(event.id.clone(), event.kind.clone(), number, outcome));
        standing.is_unsaved = true;
    }

    /// Notes in the database what was done. `false`: people set the place meanwhile, or deleted the webhook.
    async fn save(&self, standing: &mut Standing) -> Result<bool, Trouble> {
        if standing.is_unsaved { self.settle(standing, None).await } else { Ok(true) }
    }

    async fn settle(&self, standing: &mut Standing, dead: Option<&DeadLetter>) -> Result<bool, Trouble> {
        let settled = Settled { place: &standing.place, log: &standing.log, dead };
        let is_stored = self.api.store().settle_webhook(&self.id, &settled).await?;
        standing.log.clear();
        standing.is_unsaved = false;
        standing.saved_at = Instant::now();
        let head = self.journal()?.head().number;
        self.show_lag(head.saturating_sub(standing.place.at.number));
        Ok(is_stored)
    }

    fn show_lag(&self, events: u64) {
        let events = f64::from(u32::try_from(events).unwrap_or(u32::MAX));
        metrics::gauge!("switchboard_webhook_lag_events", "webhook" => self.id.clone()).set(events);
    }

    /// Disables a webhook whose server wants no more, unless somebody changed it since it was read.
    async fn disable(&self, standing: &Standing) -> Result<(), Trouble> {
        let turn = self.api.turn(&self.tenant);
        let _held = turn.lock().await;
        let change = Change::by(self.tenant.clone(), format!("webhook:{}", self.id));
        let mut tx = self.api.store().change(change).await?;
        let disabled = Webhook { enabled: false, ..standing.webhook.value.clone() };
        match tx.update(disabled, Expect::Version(standing.webhook.version)).await {
            Ok(_) => {}
            Err(StoreError::Changed { .. } | StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        tx.note_webhook_gone(&self.id, Some(unix_ms())).await?;
        let changed = tx.commit().await?;
        tracing::warn!(webhook = self.id, "a webhook answered 410 and is disabled");
        // What cannot be told now is in the database; the switch uses nothing of it.
        if let Ok(config) = self.api.tenant_config(&self.tenant).await {
            let _ = self.api.switch().settings(Arc::new(config), changed).await;
        }
        Ok(())
    }
}

impl Standing {
    /// All up to here is done.
    fn pass(&mut self, at: Position) {
        self.place.at = at;
        self.place.trying = None;
        self.is_unsaved = true;
    }

    fn is_save_due(&self) -> bool {
        self.is_unsaved && self.saved_at.elapsed() >= SAVE_EVERY
    }

    /// How long until the next try, if it is not due.
    fn wait(&self) -> Option<Duration> {
        let left_ms = self.place.trying.as_ref()?.next_at_ms.saturating_sub(unix_ms());
        (left_ms > 0).then(|| Duration::from_millis(left_ms))
    }
}

impl Attempt {
    /// As it stands in the log.
    #[must_use]
    pub fn logged(&self, event: String, kind: String, attempt: u32, outcome: DeliveryOutcome) -> Delivery {
        Delivery {
            id: new_ulid(unix_ms()),
            event,
            kind,
            attempt,
            at_ms: self.at_ms,
            status: self.status,
            duration_ms: millis(self.duration),
            outcome,
            error: self.error.clone(),
        }
    }
}
