//! What became of events: the log of deliveries, and the dead letters. Both are bounded for each webhook.

use hooks::id::TenantId;
use hooks::position::Position;
use serde::{Deserialize, Serialize};

use super::{exists, position};
use crate::store::setting::{Page, PageAsk};
use crate::store::sql::{Conn, Row, args, word};
use crate::store::{Store, StoreError};

/// Lines of the log kept of a webhook; the oldest go first.
pub const DELIVERIES_MAX: u64 = 1_000;
/// Dead letters kept of a webhook; the oldest go first.
pub const DEAD_LETTERS_MAX: u64 = 1_000;

/// An attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// A ULID; they are in order.
    pub id: String,
    /// The event's ID.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// The how manieth attempt it was, from 1.
    pub attempt: u32,
    /// When it began, ms since the Unix epoch.
    pub at_ms: u64,
    /// What the server answered, if it did.
    pub status: Option<u16>,
    /// How long it took.
    pub duration_ms: u64,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// What was wrong.
    pub error: Option<String>,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The server took the event.
    Delivered,
    /// It did not; the event is tried again, unless it was a test or a dead letter.
    Failed,
    /// It did not, and the event went to the dead letters.
    Dead,
    /// It answered 410, and the webhook was disabled.
    Gone,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place: its ID.
    pub at: Position,
    /// Its type.
    pub kind: String,
    /// The CloudEvent as it is sent.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When first, ms since the Unix epoch.
    pub first_at_ms: u64,
    /// When it was given up.
    pub dead_at_ms: u64,
    /// What the server answered last, if it did.
    pub status: Option<u16>,
    /// What was wrong then.
    pub error: String,
}

pub(super) async fn insert(
    conn: &mut Conn,
    tenant: &TenantId,
    webhook: &str,
    log: &[Delivery],
) -> Result<(), StoreError> {
    for entry in log {
        let sql = "INSERT INTO webhook_deliveries \
                   (tenant, webhook, id, event, kind, attempt, at_ms, status, duration_ms, outcome, error) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let args = args![
            tenant.as_str(),
            webhook,
            entry.id.as_str(),
            entry.event.as_str(),
            entry.kind.as_str(),
            entry.attempt,
            entry.at_ms,
            entry.status,
            entry.duration_ms,
            word(&entry.outcome),
            entry.error.clone(),
        ];
        conn.execute(sql, args).await?;
    }
    if !log.is_empty() {
        let sql = "DELETE FROM webhook_deliveries WHERE tenant = $1 AND webhook = $2 AND id <= \
                   (SELECT id FROM webhook_deliveries WHERE tenant = $1 AND webhook = $2 \
                   ORDER BY id DESC LIMIT 1 OFFSET $3)";
        conn.execute(sql, args![tenant.as_str(), webhook, DELIVERIES_MAX]).await?;
    }
    Ok(())
}

/// Puts a letter beside the others. After a replay the same may die again: the last death counts.
pub(super) async fn bury(conn: &mut Conn, webhook: &str, dead: &DeadLetter) -> Result<(), StoreError> {
    let tenant = dead.at.tenant.as_str();
    let sql = "INSERT INTO webhook_dead_letters \
               (tenant, webhook, epoch, number, kind, body, attempts, first_at_ms, dead_at_ms, status, error) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tenant, webhook, epoch, number) \
               DO UPDATE SET attempts = $7, first_at_ms = $8, dead_at_ms = $9, status = $10, error = $11";
    let args = args![
        tenant,
        webhook,
        dead.at.epoch,
        dead.at.number,
        dead.kind.as_str(),
        dead.body.as_str(),
        dead.attempts,
        dead.first_at_ms,
        dead.dead_at_ms,
        dead.status,
        dead.error.as_str(),
    ];
    conn.execute(sql, args).await?;
    let sql = "SELECT epoch, number FROM webhook_dead_letters WHERE tenant = $1 AND webhook = $2 \
               ORDER BY epoch DESC, number DESC LIMIT 1 OFFSET $3";
    let Some(beyond) = conn.first(sql, args![tenant, webhook, DEAD_LETTERS_MAX]).await? else { return Ok(()) };
    let sql = "DELETE FROM webhook_dead_letters WHERE tenant = $1 AND webhook = $2 \
               AND (epoch < $3 OR (epoch = $3 AND number <= $4))";
    conn.execute(sql, args![tenant, webhook, beyond.int("epoch")?, beyond.int("number")?]).await?;
    tracing::warn!(tenant, webhook, "a webhook has more than {DEAD_LETTERS_MAX} dead letters: the oldest are deleted");
    Ok(())
}

impl Store {
    /// Notes an attempt that moves no place: a test, or a dead letter sent again. Nothing where the webhook was deleted.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn log_delivery(&self, tenant: &TenantId, webhook: &str, entry: &Delivery) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        if exists(&mut tx, tenant, webhook).await? {
            insert(&mut tx, tenant, webhook, std::slice::from_ref(entry)).await?;
        }
        tx.commit().await
    }

    /// The log of a webhook, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn webhook_deliveries(
        &self,
        tenant: &TenantId,
        webhook: &str,
        ask: &PageAsk,
    ) -> Result<Page<Delivery>, StoreError> {
        // No ULID is as great as this.
        let before = ask.after.clone().unwrap_or_else(|| "Z".to_owned());
        let sql = "SELECT * FROM webhook_deliveries WHERE tenant = $1 AND webhook = $2 AND id < $3 \
                   ORDER BY id DESC LIMIT $4";
        let args = args![tenant.as_str(), webhook, before, ask.rows()];
        let rows = self.pool.read().await?.all(sql, args).await?;
        let entries = rows.iter().map(delivery).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(entries, |entry| entry.id.clone()))
    }

    /// The dead letters of a webhook after a place, in order of their events; up to `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn dead_letters(
        &self,
        webhook: &str,
        after: &Position,
        limit: u64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = "SELECT * FROM webhook_dead_letters WHERE tenant = $1 AND webhook = $2 \
                   AND (epoch > $3 OR (epoch = $3 AND number > $4)) ORDER BY epoch, number LIMIT $5";
        let args = args![after.tenant.as_str(), webhook, after.epoch, after.number, limit];
        let rows = self.pool.read().await?.all(sql, args).await?;
        rows.iter().map(|row| dead_letter(&after.tenant, row)).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`Store::dead_letters`].
    pub async fn dead_letter(&self, webhook: &str, at: &Position) -> Result<Option<DeadLetter>, StoreError> {
        let sql = "SELECT * FROM webhook_dead_letters \
                   WHERE tenant = $1 AND webhook = $2 AND epoch = $3 AND number = $4";
        let args = args![at.tenant.as_str(), webhook, at.epoch, at.number];
        let row = self.pool.read().await?.first(sql, args).await?;
        row.as_ref().map(|row| dead_letter(&at.tenant, row)).transpose()
    }

    /// Deletes a dead letter; whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete_dead_letter(&self, webhook: &str, at: &Position) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "DELETE FROM webhook_dead_letters \
                   WHERE tenant = $1 AND webhook = $2 AND epoch = $3 AND number = $4";
        let gone = tx.execute(sql, args![at.tenant.as_str(), webhook, at.epoch, at.number]).await?;
        tx.commit().await?;
        Ok(gone == 1)
    }

    /// Deletes lines of the log that are older; how many.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn sweep_webhook_deliveries(&self, before_ms: u64) -> Result<u64, StoreError> {
        let mut tx = self.pool.write().await?;
        let gone = tx.execute("DELETE FROM webhook_deliveries WHERE at_ms < $1", args![before_ms]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.text("id")?,
        event: row.text("event")?,
        kind: row.text("kind")?,
        attempt: row.unsigned("attempt")?,
        at_ms: row.unsigned("at_ms")?,
        status: row.opt_unsigned("status")?,
        duration_ms: row.unsigned("duration_ms")?,
        outcome: row.word("outcome")?,
        error: row.opt_text("error")?,
    })
}

fn dead_letter(tenant: &TenantId, row: &Row) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        at: position(tenant, row)?,
        kind: row.text("kind")?,
        body: row.text("body")?,
        attempts: row.unsigned("attempts")?,
        first_at_ms: row.unsigned("first_at_ms")?,
        dead_at_ms: row.unsigned("dead_at_ms")?,
        status: row.opt_unsigned("status")?,
        error: row.text("error")?,
    })
}
