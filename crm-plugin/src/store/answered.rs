//! The lost calls that a mobile answered (LOSTANS).

use hooks::id::TenantId;
use hooks::scope::Scope;
use sqlx::sqlite::SqliteRow;

use super::query::{self, Page, PageAsk, Span, json, opt_text, text, unsigned};
use super::{CrmStore, StoreError};

/// Which are wanted (LOSTANS-02).
#[derive(Clone, Debug)]
pub(crate) struct AnsweredFilter {
    pub(crate) span: Span,
    /// The one of this id.
    pub(crate) id: Option<String>,
    /// The caller or the mobile, in its normal form.
    pub(crate) number: Option<String>,
    pub(crate) talk_min_ms: Option<u64>,
    pub(crate) talk_max_ms: Option<u64>,
    /// They belong to no agent and no department.
    pub(crate) scope: Scope,
}

/// One as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The call's id.
    pub(crate) id: String,
    pub(crate) caller: String,
    pub(crate) trunk: Option<String>,
    pub(crate) queue: String,
    pub(crate) mobile: String,
    pub(crate) began_at_ms: u64,
    pub(crate) answered_at_ms: u64,
    pub(crate) ended_at_ms: u64,
    pub(crate) talk_ms: u64,
    pub(crate) recordings: Vec<String>,
}

impl CrmStore {
    /// A page of them, newest first.
    pub(crate) fn lost_answered(
        &self,
        tenant: &TenantId,
        filter: &AnsweredFilter,
        ask: &PageAsk,
    ) -> Result<Page<Answered>, StoreError> {
        if !filter.scope.holds(None, None) {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let mut query = query::select("crm_lost_answered", tenant.as_str());
        query::within(&mut query, filter.span);
        if let Some(number) = &filter.number {
            query.push(" AND (caller_normal = ").push_bind(number.clone());
            query.push(" OR mobile_normal = ").push_bind(number.clone()).push(")");
        }
        query::is(&mut query, "id", filter.id.as_ref());
        query::talked(&mut query, filter.talk_min_ms, filter.talk_max_ms);
        query::page(&mut query, ask);
        let rows = self.run(async { Ok(query.build().fetch_all(&self.pool).await?) })?;
        let rows = rows.iter().map(answered).collect::<Result<Vec<_>, _>>()?;
        Ok(query::cut(rows, ask, |row| (row.began_at_ms, row.id.clone())))
    }
}

fn answered(row: &SqliteRow) -> Result<Answered, StoreError> {
    Ok(Answered {
        id: text(row, "id")?,
        caller: text(row, "caller")?,
        trunk: opt_text(row, "trunk")?,
        queue: text(row, "queue")?,
        mobile: text(row, "mobile")?,
        began_at_ms: unsigned(row, "at_ms")?,
        answered_at_ms: unsigned(row, "answered_at_ms")?,
        ended_at_ms: unsigned(row, "ended_at_ms")?,
        talk_ms: unsigned(row, "talk_ms")?,
        recordings: json(row, "recordings")?,
    })
}
