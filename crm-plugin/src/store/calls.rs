//! The call records (CDR).

use hooks::id::TenantId;
use sqlx::sqlite::SqliteRow;

use super::query::{self, Page, PageAsk, Span, View, json, opt_text, opt_unsigned, text, unsigned};
use super::{CrmStore, StoreError};
use crate::fold::CallKind;

/// Which records are wanted (CDR-02, CDR-03).
#[derive(Clone, Debug)]
pub(crate) struct CallFilter {
    pub(crate) view: View,
    pub(crate) span: Span,
    /// The record of this id.
    pub(crate) id: Option<String>,
    /// Caller or callee, in its normal form.
    pub(crate) number: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) kind: Option<CallKind>,
    pub(crate) satisfaction: Option<String>,
    pub(crate) talk_min_ms: Option<u64>,
    pub(crate) talk_max_ms: Option<u64>,
}

/// A call record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallRecord {
    pub(crate) id: String,
    pub(crate) call: String,
    pub(crate) part: u64,
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) trunk: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) agent_name: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) department_name: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) started_at_ms: u64,
    pub(crate) ring_at_ms: Option<u64>,
    pub(crate) answered_at_ms: Option<u64>,
    pub(crate) ended_at_ms: u64,
    pub(crate) queue_wait_ms: u64,
    pub(crate) ring_ms: u64,
    pub(crate) talk_ms: u64,
    pub(crate) total_ms: u64,
    pub(crate) ended_by: Option<String>,
    pub(crate) cause: String,
    pub(crate) satisfaction: String,
    pub(crate) recordings: Vec<String>,
}

impl CrmStore {
    /// A page of the call records, newest first.
    pub(crate) fn call_records(
        &self,
        tenant: &TenantId,
        filter: &CallFilter,
        ask: &PageAsk,
    ) -> Result<Page<CallRecord>, StoreError> {
        let mut query = query::select("crm_call_record", tenant.as_str());
        query::within(&mut query, filter.span);
        query::seen(&mut query, &filter.view);
        if let Some(number) = &filter.number {
            // Each side by its own index: an OR of the two is read through from end to end.
            for (words, side) in [(" AND id IN (", "caller_normal"), (" UNION ALL ", "callee_normal")] {
                query.push(format!("{words}SELECT n.id FROM crm_call_record n WHERE n.tenant = "));
                query.push_bind(tenant.as_str().to_owned());
                query.push(format!(" AND n.{side} = ")).push_bind(number.clone());
            }
            query.push(")");
        }
        query::is(&mut query, "id", filter.id.as_ref());
        query::is(&mut query, "agent", filter.agent.as_ref());
        query::is(&mut query, "queue", filter.queue.as_ref());
        query::is(&mut query, "kind", filter.kind.as_ref().map(query::word).as_ref());
        query::is(&mut query, "satisfaction", filter.satisfaction.as_ref());
        query::talked(&mut query, filter.talk_min_ms, filter.talk_max_ms);
        query::page(&mut query, ask);
        let rows = self.run(async { Ok(query.build().fetch_all(&self.pool).await?) })?;
        let rows = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        Ok(query::cut(rows, ask, |row| (row.started_at_ms, row.id.clone())))
    }
}

fn record(row: &SqliteRow) -> Result<CallRecord, StoreError> {
    Ok(CallRecord {
        id: text(row, "id")?,
        call: text(row, "call")?,
        part: unsigned(row, "part")?,
        kind: text(row, "kind")?,
        source: text(row, "source")?,
        caller: text(row, "caller")?,
        callee: text(row, "callee")?,
        trunk: opt_text(row, "trunk")?,
        agent: opt_text(row, "agent")?,
        agent_name: opt_text(row, "agent_name")?,
        department: opt_text(row, "department")?,
        department_name: opt_text(row, "department_name")?,
        queue: opt_text(row, "queue")?,
        started_at_ms: unsigned(row, "at_ms")?,
        ring_at_ms: opt_unsigned(row, "ring_at_ms")?,
        answered_at_ms: opt_unsigned(row, "answered_at_ms")?,
        ended_at_ms: unsigned(row, "ended_at_ms")?,
        queue_wait_ms: unsigned(row, "queue_wait_ms")?,
        ring_ms: unsigned(row, "ring_ms")?,
        talk_ms: unsigned(row, "talk_ms")?,
        total_ms: unsigned(row, "total_ms")?,
        ended_by: opt_text(row, "ended_by")?,
        cause: text(row, "cause")?,
        satisfaction: text(row, "satisfaction")?,
        recordings: json(row, "recordings")?,
    })
}
