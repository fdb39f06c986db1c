//! The missed calls (MISS).

use hooks::id::TenantId;
use sqlx::sqlite::SqliteRow;

use super::query::{self, Page, PageAsk, Span, View, number, opt_text, opt_unsigned, text, unsigned};
use super::{CrmStore, StoreError};

/// Which missed calls are wanted (MISS-04).
#[derive(Clone, Debug)]
pub(crate) struct MissedFilter {
    pub(crate) view: View,
    pub(crate) span: Span,
    pub(crate) agent: Option<String>,
    /// The caller, in its normal form.
    pub(crate) number: Option<String>,
    pub(crate) processed: Option<bool>,
}

/// A missed call as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MissedCall {
    pub(crate) id: String,
    pub(crate) call: String,
    pub(crate) agent: String,
    pub(crate) agent_name: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) department_name: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) ring_at_ms: u64,
    pub(crate) ring_ended_at_ms: u64,
    pub(crate) ring_ms: u64,
    pub(crate) outcome: String,
    pub(crate) processed_at_ms: Option<u64>,
    pub(crate) processed_by: Option<String>,
}

impl CrmStore {
    /// A page of the missed calls, newest first.
    pub(crate) fn missed_calls(
        &self,
        tenant: &TenantId,
        filter: &MissedFilter,
        ask: &PageAsk,
    ) -> Result<Page<MissedCall>, StoreError> {
        let mut query = query::select("crm_missed_call", tenant.as_str());
        query::within(&mut query, filter.span);
        query::seen(&mut query, &filter.view);
        query::is(&mut query, "agent", filter.agent.as_ref());
        query::is(&mut query, "caller_normal", filter.number.as_ref());
        if let Some(processed) = filter.processed {
            query.push(if processed { " AND processed_at_ms IS NOT NULL" } else { " AND processed_at_ms IS NULL" });
        }
        query::page(&mut query, ask);
        let rows = self.run(async { Ok(query.build().fetch_all(&self.pool).await?) })?;
        let rows = rows.iter().map(missed).collect::<Result<Vec<_>, _>>()?;
        Ok(query::cut(rows, ask, |row| (row.ring_at_ms, row.id.clone())))
    }

    /// One missed call.
    pub(crate) fn missed_call(&self, tenant: &TenantId, id: &str) -> Result<Option<MissedCall>, StoreError> {
        let query = sqlx::query("SELECT * FROM crm_missed_call WHERE tenant = $1 AND id = $2");
        let row = self.run(async { Ok(query.bind(tenant.as_str()).bind(id).fetch_optional(&self.pool).await?) })?;
        row.as_ref().map(missed).transpose()
    }

    /// Marks an agent's own missed call processed; the first time counts (MISS-05). False where it is not his.
    pub(crate) fn process_missed_call(
        &self,
        tenant: &TenantId,
        id: &str,
        agent: &str,
        at_ms: u64,
    ) -> Result<bool, StoreError> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql = "UPDATE crm_missed_call SET processed_at_ms = COALESCE(processed_at_ms, $4),
                 processed_by = COALESCE(processed_by, $3) WHERE tenant = $1 AND id = $2 AND agent = $3";
            let query = sqlx::query(sql).bind(tenant.as_str()).bind(id).bind(agent).bind(number(at_ms));
            let done = query.execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(done.rows_affected() > 0)
        })
    }
}

fn missed(row: &SqliteRow) -> Result<MissedCall, StoreError> {
    Ok(MissedCall {
        id: text(row, "id")?,
        call: text(row, "call")?,
        agent: text(row, "agent")?,
        agent_name: opt_text(row, "agent_name")?,
        department: opt_text(row, "department")?,
        department_name: opt_text(row, "department_name")?,
        queue: opt_text(row, "queue")?,
        caller: text(row, "caller")?,
        callee: text(row, "callee")?,
        ring_at_ms: unsigned(row, "at_ms")?,
        ring_ended_at_ms: unsigned(row, "ring_ended_at_ms")?,
        ring_ms: unsigned(row, "ring_ms")?,
        outcome: text(row, "outcome")?,
        processed_at_ms: opt_unsigned(row, "processed_at_ms")?,
        processed_by: opt_text(row, "processed_by")?,
    })
}
