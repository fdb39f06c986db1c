//! What a queue had to do, counted from what the consumer of the journal has stored: callers, their waits, and what agents had to do with
//! them.

use std::ops::AddAssign;

use hooks::id::{CallId, TenantId};

use super::sql::{Row, args};
use super::{Store, StoreError};

/// The stays in a queue that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryAsk {
    /// Began at this time or later, ms since the Unix epoch.
    pub from_ms: u64,
    /// Began before this time.
    pub to_ms: u64,
    /// An answer within this time is within the target, ms.
    pub target_ms: u64,
}

/// What callers of a stretch of time came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// How many entered, and have left.
    pub calls: u64,
    /// Those whom an agent answered.
    pub answered: u64,
    /// Those whom one answered within the target.
    pub within_target: u64,
    /// Those who hung up.
    pub abandoned: u64,
    /// The waits of all together, ms.
    pub waited_ms: u64,
    /// Those answered with whom their agent is done.
    pub handled: u64,
    /// What agents had to do with these, from the answer to the end of wrap-up, ms.
    pub handled_ms: u64,
}

impl AddAssign for QueueFigures {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.answered += other.answered;
        self.within_target += other.within_target;
        self.abandoned += other.abandoned;
        self.waited_ms += other.waited_ms;
        self.handled += other.handled;
        self.handled_ms += other.handled_ms;
    }
}

/// The stretches of time that are counted apart, ms: every zone's clock differs from UTC by a whole number of them.
pub const QUARTER_MS: u64 = 900_000;

/// A call is in a queue no longer than this after its beginning.
const CALL_MAX_MS: u64 = 86_400_000;

impl Store {
    /// What came to a queue, by quarters of an hour since the Unix epoch; those without a caller are left out.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn queue_history(
        &self,
        tenant: &TenantId,
        queue: &str,
        ask: HistoryAsk,
    ) -> Result<Vec<(u64, QueueFigures)>, StoreError> {
        // A call's ULID begins with its time, so the index serves the range.
        let first = CallId::new(ask.from_ms.saturating_sub(CALL_MAX_MS), 0).to_string();
        let end = CallId::new(ask.to_ms, 0).to_string();
        let args = args![tenant.as_str(), queue, first, end, ask.from_ms, ask.to_ms, ask.target_ms];
        let rows = self.pool.read().await?.all(HISTORY, args).await?;
        rows.iter().map(|row| Ok((row.unsigned("quarter")?, figures(row)?))).collect()
    }
}

fn figures(row: &Row) -> Result<QueueFigures, StoreError> {
    Ok(QueueFigures {
        calls: row.unsigned("calls")?,
        answered: row.unsigned("answered")?,
        within_target: row.unsigned("within_target")?,
        abandoned: row.unsigned("abandoned")?,
        waited_ms: row.unsigned("waited_ms")?,
        handled: row.unsigned("handled")?,
        handled_ms: row.unsigned("handled_ms")?,
    })
}

/// An agent's part begins after his caller's stay in the queue in the order of the record, and his wrap-up when his part ends.
const HISTORY: &str = "SELECT q.started_at_ms / 900000 AS quarter, COUNT(*) AS calls, \
    COUNT(CASE WHEN q.outcome = 'answered' THEN 1 END) AS answered, \
    COUNT(CASE WHEN q.outcome = 'answered' AND q.ended_at_ms - q.started_at_ms <= $7 THEN 1 END) AS within_target, \
    COUNT(CASE WHEN q.outcome = 'abandoned' THEN 1 END) AS abandoned, \
    CAST(SUM(q.ended_at_ms - q.started_at_ms) AS BIGINT) AS waited_ms, \
    COUNT(CASE WHEN q.outcome = 'answered' THEN a.ended_at_ms END) AS handled, \
    CAST(COALESCE(SUM(CASE WHEN q.outcome = 'answered' \
        THEN a.ended_at_ms - a.started_at_ms + COALESCE(w.ended_at_ms - w.began_at_ms, 0) END), 0) AS BIGINT) AS handled_ms \
    FROM call_segments q \
    LEFT JOIN call_segments a ON a.tenant = q.tenant AND a.call = q.call AND a.at = (SELECT MIN(b.at) FROM call_segments b \
        WHERE b.tenant = q.tenant AND b.call = q.call AND b.kind = 'agent' AND b.agent = q.agent AND b.at > q.at) \
    LEFT JOIN agent_states w ON w.tenant = q.tenant AND w.agent = q.agent AND w.began_at_ms = a.ended_at_ms \
        AND w.state = 'wrap_up' \
    WHERE q.tenant = $1 AND q.kind = 'queue' AND q.queue = $2 AND q.call >= $3 AND q.call < $4 \
        AND q.started_at_ms >= $5 AND q.started_at_ms < $6 AND q.ended_at_ms IS NOT NULL \
    GROUP BY quarter ORDER BY quarter";
