//! An agent's own day (UI-01), counted from what the consumer of the journal has stored.

use std::collections::BTreeMap;

use hooks::id::{CallId, TenantId};

use super::sql::args;
use super::{Store, StoreError};

/// Whose day, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnDayAsk<'a> {
    /// The employee number.
    pub agent: &'a str,
    /// The day's first moment, ms since the Unix epoch.
    pub begins_ms: u64,
    /// Now: what still lasts is counted up to here.
    pub now_ms: u64,
}

/// The figures of an agent's day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnDay {
    /// Calls that were offered to him.
    pub offered: u64,
    /// Those that he answered.
    pub answered: u64,
    /// Calls to outside by the extension that he was signed in on.
    pub outbound: u64,
    /// Those that were answered.
    pub outbound_connected: u64,
    /// How long he talked, ms.
    pub talk_ms: u64,
    /// How long he was in each state, ms of whole seconds (GEN-04).
    pub states: BTreeMap<String, u64>,
}

impl Store {
    /// The figures of an agent's day up to now.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn own_day(&self, tenant: &TenantId, ask: OwnDayAsk<'_>) -> Result<OwnDay, StoreError> {
        let mut conn = self.pool.read().await?;
        let (tenant, agent) = (tenant.as_str(), ask.agent);
        let talks = conn.first(TALKS, args![tenant, agent, ask.begins_ms, ask.now_ms]).await?;
        // A call's ULID begins with its time, so the key's index serves the range.
        let first = CallId::new(ask.begins_ms, 0).to_string();
        let dialled = conn.first(DIALLED, args![tenant, agent, first.as_str(), ask.begins_ms]).await?;
        let stays = conn.all(STAYS, args![tenant, agent, ask.begins_ms, ask.now_ms]).await?;
        let (Some(talks), Some(dialled)) = (talks, dialled) else { return Ok(OwnDay::default()) };
        Ok(OwnDay {
            offered: talks.unsigned("offered")?,
            answered: talks.unsigned("answered")?,
            outbound: dialled.unsigned("outbound")?,
            outbound_connected: dialled.unsigned("connected")?,
            talk_ms: talks.unsigned("talk_ms")?,
            states: stays
                .iter()
                .map(|row| Ok((row.text("state")?, row.unsigned("total_ms")?)))
                .collect::<Result<_, StoreError>>()?,
        })
    }
}

const TALKS: &str = "SELECT \
    COUNT(CASE WHEN kind = 'offer' THEN 1 END) AS offered, \
    COUNT(CASE WHEN kind = 'offer' AND outcome = 'answered' THEN 1 END) AS answered, \
    CAST(COALESCE(SUM(CASE WHEN kind = 'agent' THEN COALESCE(ended_at_ms, $4) - started_at_ms END), 0) AS BIGINT) AS talk_ms \
    FROM call_segments WHERE tenant = $1 AND agent = $2 AND kind IN ('offer', 'agent') AND started_at_ms >= $3";

const DIALLED: &str = "SELECT COUNT(*) AS outbound, COUNT(r.connected_at_ms) AS connected FROM call_records r \
    WHERE r.tenant = $1 AND r.call >= $3 AND r.created_at_ms >= $4 AND r.direction = 'outbound' AND EXISTS \
    (SELECT 1 FROM agent_states s WHERE s.tenant = r.tenant AND s.agent = $2 AND s.extension = r.caller_extension \
    AND s.began_at_ms <= r.created_at_ms AND (s.ended_at_ms IS NULL OR s.ended_at_ms > r.created_at_ms))";

// GEN-04: from whole second to whole second, as the log shows each of them.
const STAYS: &str = "SELECT state, CAST(SUM(COALESCE(ended_at_ms, $4) / 1000 \
    - CASE WHEN began_at_ms < $3 THEN $3 ELSE began_at_ms END / 1000) * 1000 AS BIGINT) AS total_ms \
    FROM agent_states WHERE tenant = $1 AND agent = $2 AND began_at_ms <= $4 AND (ended_at_ms IS NULL OR ended_at_ms > $3) \
    GROUP BY state";
