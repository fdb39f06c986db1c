//! What the switch is told after a restart from the records: who talked with which caller last (IVR-05), and what agents answered today.

use hooks::id::{CallId, TenantId};
use switch::input::{REGULARS_MAX, Recalled, Talk};

use super::sql::{Row, args};
use super::{Store, StoreError};

/// Since when what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecallAsk {
    /// Talks, ms since the Unix epoch.
    pub talks_from_ms: u64,
    /// The first moment of the tenant's day.
    pub day_begins_ms: u64,
}

impl Store {
    /// Reads it.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn recalled(&self, tenant: &TenantId, ask: RecallAsk) -> Result<Recalled, StoreError> {
        let mut conn = self.pool.read().await?;
        // A call's ULID begins with its time, so the key's index serves the range.
        let first = CallId::new(ask.talks_from_ms, 0).to_string();
        let most = u64::try_from(REGULARS_MAX).unwrap_or(u64::MAX);
        let talks = conn.all(TALKS, args![tenant.as_str(), first.as_str(), ask.talks_from_ms, most]).await?;
        let talk = |row: &Row| {
            Ok::<_, StoreError>(Talk {
                caller: row.text("caller")?,
                agent: row.parsed("agent")?,
                at_ms: row.unsigned("at_ms")?,
            })
        };
        let talks = talks.iter().map(talk).collect::<Result<_, _>>()?;
        // Who waits at midnight may have come the day before.
        let first = CallId::new(ask.day_begins_ms.saturating_sub(CALL_MAX_MS), 0).to_string();
        let answered = conn.all(ANSWERED, args![tenant.as_str(), first.as_str(), ask.day_begins_ms]).await?;
        let count = |row: &Row| Ok::<_, StoreError>((row.parsed("agent")?, row.unsigned("calls")?));
        let answered_today = answered.iter().map(count).collect::<Result<_, _>>()?;
        Ok(Recalled { talks, answered_today })
    }
}

/// No call is older when an agent answers it.
const CALL_MAX_MS: u64 = 86_400_000;

const TALKS: &str = "SELECT r.caller AS caller, s.agent AS agent, s.started_at_ms AS at_ms \
    FROM call_segments s JOIN call_records r ON r.tenant = s.tenant AND r.call = s.call \
    WHERE s.tenant = $1 AND s.call >= $2 AND s.kind = 'agent' AND s.agent IS NOT NULL AND s.started_at_ms >= $3 \
    AND r.direction = 'inbound' AND r.caller <> '' ORDER BY s.started_at_ms DESC LIMIT $4";

const ANSWERED: &str = "SELECT agent, COUNT(*) AS calls FROM call_segments \
    WHERE tenant = $1 AND call >= $2 AND kind = 'offer' AND outcome = 'answered' AND queue IS NOT NULL \
    AND agent IS NOT NULL AND ended_at_ms >= $3 GROUP BY agent";
