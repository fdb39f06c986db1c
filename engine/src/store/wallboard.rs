//! The figures of a day (MON-02 to MON-09), counted from what the consumer of the journal has stored, so that they are the same after
//! a restart.

use hooks::id::{CallId, TenantId};

use super::sql::args;
use super::{Store, StoreError};

/// Which day, and what is abnormal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayAsk {
    /// Its first moment, ms since the Unix epoch.
    pub begins_ms: u64,
    /// A talk longer than this is abnormal, ms.
    pub abnormal_max_ms: u64,
    /// A talk shorter than this is; 0 = none.
    pub abnormal_min_ms: u64,
}

/// The figures of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayFigures {
    /// Calls from outside (MON-02).
    pub inbound: u64,
    /// Those that a person answered (MON-03).
    pub inbound_connected: u64,
    /// Callers who hung up before that, and offers that timed out, each once (MON-04).
    pub abandoned_or_timed_out: u64,
    /// Calls to outside (MON-05).
    pub outbound: u64,
    /// Those that were answered.
    pub outbound_connected: u64,
    /// Those that ended without.
    pub outbound_not_connected: u64,
    /// From the entry into the queue, or the ringing, to the answer, on average, ms (MON-06).
    pub response_ms: Option<u64>,
    /// Talks that were too long or too short (MON-07).
    pub abnormal: u64,
    /// Calls that entered a queue (MON-08).
    pub queued: u64,
    /// By the hour (MON-09).
    pub hours: Vec<HourFigures>,
}

/// The figures of an hour of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourFigures {
    /// Which, from the beginning of the day.
    pub hour: u64,
    /// Calls from outside.
    pub inbound: u64,
    /// Those that a person answered.
    pub connected: u64,
    /// Calls to outside.
    pub outbound: u64,
}

impl Store {
    /// The agents of a tenant with their names and those of their departments.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn board_names(&self, tenant: &TenantId) -> Result<Vec<(String, String, String)>, StoreError> {
        let rows = self.pool.read().await?.all(NAMES, args![tenant.as_str()]).await?;
        rows.iter().map(|row| Ok((row.text("agent")?, row.text("name")?, row.text("department")?))).collect()
    }

    /// The figures of a day up to now.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn day_figures(&self, tenant: &TenantId, ask: DayAsk) -> Result<DayFigures, StoreError> {
        let mut conn = self.pool.read().await?;
        // A call's ULID begins with its time, so the key's index serves the range.
        let first = CallId::new(ask.begins_ms, 0).to_string();
        let calls = args![tenant.as_str(), first.as_str(), ask.begins_ms, ask.abnormal_max_ms, ask.abnormal_min_ms];
        let row = conn.first(CALLS, calls).await?;
        let timed_out = conn.first(TIMED_OUT, args![tenant.as_str(), ask.begins_ms]).await?;
        let rows = conn.all(HOURS, args![tenant.as_str(), first.as_str(), ask.begins_ms]).await?;
        let (Some(row), Some(timed_out)) = (row, timed_out) else { return Ok(DayFigures::default()) };
        let hour = |row: &super::sql::Row| {
            Ok::<_, StoreError>(HourFigures {
                hour: row.unsigned("hour")?,
                inbound: row.unsigned("inbound")?,
                connected: row.unsigned("connected")?,
                outbound: row.unsigned("outbound")?,
            })
        };
        let (responded, response_sum): (u64, u64) = (row.unsigned("responded")?, row.unsigned("response_ms")?);
        Ok(DayFigures {
            inbound: row.unsigned("inbound")?,
            inbound_connected: row.unsigned("inbound_connected")?,
            abandoned_or_timed_out: row.unsigned::<u64>("abandoned")? + timed_out.unsigned::<u64>("timed_out")?,
            outbound: row.unsigned("outbound")?,
            outbound_connected: row.unsigned("outbound_connected")?,
            outbound_not_connected: row.unsigned("outbound_not_connected")?,
            response_ms: response_sum.checked_div(responded),
            abnormal: row.unsigned("abnormal")?,
            queued: row.unsigned("queued")?,
            hours: rows.iter().map(hour).collect::<Result<_, _>>()?,
        })
    }
}

const NAMES: &str = "SELECT a.agent AS agent, e.name AS name, d.name AS department FROM agents a \
    JOIN employees e ON e.tenant = a.tenant AND e.employee_no = a.agent \
    JOIN departments d ON d.tenant = e.tenant AND d.id = e.department WHERE a.tenant = $1";

const CALLS: &str = "SELECT \
    COUNT(CASE WHEN direction = 'inbound' THEN 1 END) AS inbound, \
    COUNT(CASE WHEN direction = 'inbound' AND connected_at_ms IS NOT NULL THEN 1 END) AS inbound_connected, \
    COUNT(CASE WHEN direction = 'inbound' AND connected_at_ms IS NULL AND ended_by = 'caller' THEN 1 END) AS abandoned, \
    COUNT(CASE WHEN direction = 'outbound' THEN 1 END) AS outbound, \
    COUNT(CASE WHEN direction = 'outbound' AND connected_at_ms IS NOT NULL THEN 1 END) AS outbound_connected, \
    COUNT(CASE WHEN direction = 'outbound' AND connected_at_ms IS NULL AND ended_at_ms IS NOT NULL THEN 1 END) \
        AS outbound_not_connected, \
    COUNT(CASE WHEN direction = 'inbound' AND connected_at_ms IS NOT NULL \
        AND (queue_wait_ms IS NOT NULL OR ringing_at_ms IS NOT NULL) THEN 1 END) AS responded, \
    CAST(COALESCE(SUM(CASE WHEN direction = 'inbound' AND connected_at_ms IS NOT NULL \
        THEN COALESCE(queue_wait_ms, connected_at_ms - ringing_at_ms) END), 0) AS BIGINT) AS response_ms, \
    COUNT(CASE WHEN direction <> 'internal' AND connected_at_ms IS NOT NULL AND ended_at_ms IS NOT NULL \
        AND (ended_at_ms - connected_at_ms > $4 OR ended_at_ms - connected_at_ms < $5) THEN 1 END) AS abnormal, \
    COUNT(queue) AS queued \
    FROM call_records WHERE tenant = $1 AND call >= $2 AND created_at_ms >= $3";

const TIMED_OUT: &str = "SELECT COUNT(*) AS timed_out FROM call_segments \
    WHERE tenant = $1 AND kind = 'offer' AND outcome = 'timed_out' AND started_at_ms >= $2";

const HOURS: &str = "SELECT (created_at_ms - $3) / 3600000 AS hour, \
    COUNT(CASE WHEN direction = 'inbound' THEN 1 END) AS inbound, \
    COUNT(CASE WHEN direction <> 'internal' AND connected_at_ms IS NOT NULL THEN 1 END) AS connected, \
    COUNT(CASE WHEN direction = 'outbound' THEN 1 END) AS outbound \
    FROM call_records WHERE tenant = $1 AND call >= $2 AND created_at_ms >= $3 GROUP BY hour ORDER BY hour";
