//! Webhooks: endpoints that are told of events ([`Webhook`], a setting), where each stands ([`WebhookPlace`], written by what delivers),
//! the log of deliveries, and the events that were given up.

mod log;

use std::collections::BTreeMap;

use hooks::id::TenantId;
use hooks::position::Position;
use serde::{Deserialize, Serialize};

use super::setting::{Hidden, Setting, SettingsTx, as_texts};
use super::sql::{Arg, Conn, Row, args, json};
use super::{Store, StoreError};
use crate::webhooks::pattern::EventPattern;

pub use log::{DEAD_LETTERS_MAX, DELIVERIES_MAX, DeadLetter, Delivery, DeliveryOutcome};

/// An endpoint as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Webhook {
    /// A ULID.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// For people.
    pub description: String,
    /// A disabled one is sent nothing.
    pub enabled: bool,
    /// Which events it wants; empty: all.
    #[serde(serialize_with = "as_texts")]
    pub types: Vec<EventPattern>,
    /// It may be on this machine or in a private network, as far as the configuration allows that.
    pub allow_private: bool,
    /// What messages are signed with, encrypted.
    pub secret: Hidden,
    /// The one before.
    pub previous: Option<PreviousSecret>,
}

/// A secret that was replaced, and with which messages are signed for a while.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreviousSecret {
    /// Encrypted.
    pub secret: Hidden,
    /// Until then, ms since the Unix epoch.
    pub until_ms: u64,
}

/// For whom a webhook's secrets are encrypted.
#[must_use]
pub fn webhook_owner(tenant: &TenantId, id: &str) -> String {
    format!("{tenant}/webhook/{id}")
}

/// Characters of a description.
pub const DESCRIPTION_MAX: usize = 200;

impl Webhook {
    /// Whether it wants events of this type.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|pattern| pattern.matches(kind))
    }
}

impl Setting for Webhook {
    const RESOURCE: &'static str = "webhook";
    const TABLE: &'static str = "webhooks";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] =
        &["url", "description", "enabled", "types", "allow_private", "secret", "previous_secret", "previous_until_ms"];
    /// Each has a task, a reader of the journal and a connection of its own.
    const MAX: u64 = 32;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn args(&self) -> Vec<Arg> {
        let types: Vec<String> = self.types.iter().map(ToString::to_string).collect();
        args![
            self.url.as_str(),
            self.description.as_str(),
            self.enabled,
            json(&types),
            self.allow_private,
            self.secret.expose(),
            self.previous.as_ref().map(|previous| previous.secret.expose().to_owned()),
            self.previous.as_ref().map(|previous| previous.until_ms),
        ]
    }

    fn secrets(&self) -> Vec<&Hidden> {
        [&self.secret].into_iter().chain(self.previous.iter().map(|previous| &previous.secret)).collect()
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let types: Vec<String> = row.json("types")?;
        let types = types.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        let previous = match (row.opt_text("previous_secret")?, row.opt_unsigned("previous_until_ms")?) {
            (Some(secret), Some(until_ms)) => Some(PreviousSecret { secret: Hidden::new(secret), until_ms }),
            (None, _) | (_, None) => None,
        };
        Ok(Self {
            id: row.text("id")?,
            url: row.text("url")?,
            description: row.text("description")?,
            enabled: row.flag("enabled")?,
            types: types.map_err(|error| StoreError::corrupt("types", error))?,
            allow_private: row.flag("allow_private")?,
            secret: Hidden::new(row.text("secret")?),
            previous,
        })
    }
}

/// How far an endpoint has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookPlace {
    /// All up to here was delivered, given up, or not wanted.
    pub at: Position,
    /// Grows each time the place is set by people: what was delivered before that moves it no more.
    pub generation: u64,
    /// The event after it was not taken so far.
    pub trying: Option<Trying>,
    /// Events that it never got.
    pub lost: Option<LostPlace>,
    /// When it answered 410 and was disabled for that, ms since the Unix epoch.
    pub gone_at_ms: Option<u64>,
}

/// The tries of an event that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trying {
    /// How many there were.
    pub attempts: u32,
    /// When the first was, ms since the Unix epoch.
    pub since_ms: u64,
    /// When the next will be.
    pub next_at_ms: u64,
    /// What the server answered last, if it did.
    pub status: Option<u16>,
    /// What was wrong with it.
    pub error: String,
}

/// An endpoint was so far behind that events which it had not got were deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostPlace {
    /// When that was found, ms since the Unix epoch.
    pub at_ms: u64,
    /// The last event before the gap.
    pub after: Position,
    /// Where it went on: events after this one it gets.
    pub resumed_after: Position,
}

/// What deliveries amount to, stored in one step.
#[derive(Debug)]
pub struct Settled<'s> {
    /// Where the endpoint stands now, of the generation in which it was read.
    pub place: &'s WebhookPlace,
    /// What was tried.
    pub log: &'s [Delivery],
    /// An event that was given up.
    pub dead: Option<&'s DeadLetter>,
}

impl SettingsTx {
    /// Gives a new webhook its place: it is told of what follows.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn place_webhook(&mut self, id: &str, at: &Position) -> Result<(), StoreError> {
        let sql = "INSERT INTO webhook_places (tenant, webhook, epoch, number, generation) VALUES ($1, $2, $3, $4, 0)";
        let (conn, change) = self.parts();
        conn.execute(sql, args![change.tenant.as_str(), id, at.epoch, at.number]).await?;
        Ok(())
    }

    /// Notes that a webhook answered 410; `None`: it is enabled again.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_webhook_gone(&mut self, id: &str, at_ms: Option<u64>) -> Result<(), StoreError> {
        let sql = "UPDATE webhook_places SET gone_at_ms = $3 WHERE tenant = $1 AND webhook = $2";
        let (conn, change) = self.parts();
        conn.execute(sql, args![change.tenant.as_str(), id, at_ms]).await?;
        Ok(())
    }

    /// Deletes all that belongs to a webhook that is deleted.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_webhook(&mut self, id: &str) -> Result<(), StoreError> {
        let (conn, change) = self.parts();
        for table in ["webhook_places", "webhook_deliveries", "webhook_dead_letters"] {
            let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND webhook = $2");
            conn.execute(sql, args![change.tenant.as_str(), id]).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Where a webhook stands; `None` where it was deleted.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn webhook_place(&self, tenant: &TenantId, id: &str) -> Result<Option<WebhookPlace>, StoreError> {
        let sql = "SELECT * FROM webhook_places WHERE tenant = $1 AND webhook = $2";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), id]).await?;
        row.as_ref().map(|row| place(tenant, row)).transpose()
    }

    /// Where all webhooks of a tenant stand, by ID.
    ///
    /// # Errors
    /// As [`Store::webhook_place`].
    pub async fn webhook_places(&self, tenant: &TenantId) -> Result<BTreeMap<String, WebhookPlace>, StoreError> {
        let sql = "SELECT * FROM webhook_places WHERE tenant = $1";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str()]).await?;
        rows.iter().map(|row| Ok((row.text("webhook")?, place(tenant, row)?))).collect()
    }

    /// The least place of all enabled webhooks of a tenant: who deletes events asks.
    ///
    /// # Errors
    /// As [`Store::webhook_place`].
    pub async fn webhooks_passed(&self, tenant: &TenantId) -> Result<Option<Position>, StoreError> {
        let sql = "SELECT p.epoch AS epoch, p.number AS number FROM webhook_places p \
                   JOIN webhooks w ON w.tenant = p.tenant AND w.id = p.webhook \
                   WHERE p.tenant = $1 AND w.enabled = 1 ORDER BY p.epoch, p.number LIMIT 1";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str()]).await?;
        row.as_ref().map(|row| position(tenant, row)).transpose()
    }

    /// Stores what deliveries amount to. `false`, and nothing is stored, where the webhook was deleted or its place was set by people since
    /// it was read.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn settle_webhook(&self, id: &str, settled: &Settled<'_>) -> Result<bool, StoreError> {
        let place = settled.place;
        let tenant = &place.at.tenant;
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE webhook_places SET epoch = $4, number = $5, trying = $6, lost = $7 \
                   WHERE tenant = $1 AND webhook = $2 AND generation = $3";
        let (trying, lost) = (place.trying.as_ref().map(json), place.lost.as_ref().map(json));
        let args = args![tenant.as_str(), id, place.generation, place.at.epoch, place.at.number, trying, lost];
        if tx.execute(sql, args).await? == 0 {
            return Ok(false);
        }
        log::insert(&mut tx, tenant, id, settled.log).await?;
        if let Some(dead) = settled.dead {
            log::bury(&mut tx, id, dead).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Sets a webhook's place: it is told of what follows `to`, again where it was told already. `false` where there is no such webhook.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn replay_webhook(&self, id: &str, to: &Position) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE webhook_places SET epoch = $3, number = $4, generation = generation + 1, trying = NULL, \
                   lost = NULL WHERE tenant = $1 AND webhook = $2";
        let moved = tx.execute(sql, args![to.tenant.as_str(), id, to.epoch, to.number]).await?;
        tx.commit().await?;
        Ok(moved == 1)
    }
}

async fn exists(conn: &mut Conn, tenant: &TenantId, id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM webhook_places WHERE tenant = $1 AND webhook = $2";
    Ok(conn.first(sql, args![tenant.as_str(), id]).await?.is_some())
}

fn position(tenant: &TenantId, row: &Row) -> Result<Position, StoreError> {
    Ok(Position { tenant: tenant.clone(), epoch: row.unsigned("epoch")?, number: row.unsigned("number")? })
}

fn place(tenant: &TenantId, row: &Row) -> Result<WebhookPlace, StoreError> {
    Ok(WebhookPlace {
        at: position(tenant, row)?,
        generation: row.unsigned("generation")?,
        trying: opt_json(row, "trying")?,
        lost: opt_json(row, "lost")?,
        gone_at_ms: row.opt_unsigned("gone_at_ms")?,
    })
}

fn opt_json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, StoreError> {
    let text = row.opt_text(column)?;
    let read = |text: String| serde_json::from_str(&text).map_err(|error| StoreError::corrupt(column, error));
    text.map(read).transpose()
}
