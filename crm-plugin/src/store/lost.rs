//! The lost calls (LOST): who occupies which number. Each change is one transaction, and the first wins.

use hooks::id::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use super::query::{self, Page, PageAsk, Span, number, opt_text, opt_unsigned, text, unsigned};
use super::{CrmStore, StoreError};

/// How a lost call stands (LOST-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LostState {
    /// Nobody deals with it.
    Open,
    /// Somebody occupies its number (占有).
    Occupied,
    /// It is dealt with.
    Completed,
}

/// Which lost calls are wanted (LOST-02). Those that another occupies are in no list (LOST-05, LOST-10).
#[derive(Clone, Debug)]
pub(crate) struct LostFilter {
    pub(crate) span: Span,
    /// The caller, in its normal form.
    pub(crate) number: Option<String>,
    pub(crate) state: Option<LostState>,
    /// Who looks; `None` for a program.
    pub(crate) viewer: Option<String>,
    /// Only those that he occupies or completed.
    pub(crate) mine: bool,
}

/// A lost call as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The call's id.
    pub(crate) id: String,
    pub(crate) caller: String,
    pub(crate) caller_normal: String,
    pub(crate) callee: String,
    pub(crate) trunk: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) began_at_ms: u64,
    pub(crate) ended_at_ms: u64,
    pub(crate) voicemail: bool,
    pub(crate) state: LostState,
    /// Who occupies it, or completed it.
    pub(crate) owner: Option<String>,
    pub(crate) owned_at_ms: Option<u64>,
    pub(crate) version: u64,
}

/// What is done with a lost call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LostAct {
    /// 占有.
    Occupy,
    /// 解除占有.
    Release,
    /// 处理完成.
    Complete,
}

/// Who does it, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor<'a> {
    /// His employee number.
    pub(crate) employee: &'a str,
    /// ms since the Unix epoch.
    pub(crate) at_ms: u64,
    /// The versions that he has seen; `None` where any will do.
    pub(crate) if_match: Option<&'a [u64]>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Acted {
    /// The row as it is now.
    Done(Box<Lost>),
    /// There is none of that id.
    Missing,
    /// Another occupies it.
    OccupiedByAnother,
    /// It is completed: nothing can be done with it any more.
    Completed,
    /// He does not occupy it, and only the occupier may.
    NotOccupied,
    /// It is not of a version that he has seen.
    Changed,
}

impl CrmStore {
    /// A page of the lost calls, newest first.
    pub(crate) fn lost_calls(
        &self,
        tenant: &TenantId,
        filter: &LostFilter,
        ask: &PageAsk,
    ) -> Result<Page<Lost>, StoreError> {
        let mut query = query::select("crm_lost_call", tenant.as_str());
        query::within(&mut query, filter.span);
        query.push(" AND (state <> 'occupied' OR owner = ").push_bind(filter.viewer.clone()).push(")");
        if filter.mine {
            query.push(" AND owner = ").push_bind(filter.viewer.clone());
        }
        query::is(&mut query, "caller_normal", filter.number.as_ref());
        query::is(&mut query, "state", filter.state.as_ref().map(query::word).as_ref());
        query::page(&mut query, ask);
        let rows = self.run(async { Ok(query.build().fetch_all(&self.pool).await?) })?;
        let rows = rows.iter().map(lost).collect::<Result<Vec<_>, _>>()?;
        Ok(query::cut(rows, ask, |row| (row.began_at_ms, row.id.clone())))
    }

    /// One lost call, be it whose it will.
    pub(crate) fn lost_call(&self, tenant: &TenantId, id: &str) -> Result<Option<Lost>, StoreError> {
        self.run(async {
            let query = sqlx::query("SELECT * FROM crm_lost_call WHERE tenant = $1 AND id = $2");
            let row = query.bind(tenant.as_str()).bind(id).fetch_optional(&self.pool).await?;
            row.as_ref().map(lost).transpose()
        })
    }

    /// Occupies, releases or completes a lost call, and with it every other one of the same number that stands alike (LOST-09).
    pub(crate) fn act_on_lost_call(
        &self,
        tenant: &TenantId,
        id: &str,
        act: LostAct,
        actor: Actor<'_>,
    ) -> Result<Acted, StoreError> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let Some(row) = find(&mut transaction, tenant, id).await? else { return Ok(Acted::Missing) };
            if let Some(refused) = refused(&row, act, actor) {
                return Ok(refused);
            }
            let (before, after, owner) = match act {
                LostAct::Occupy => (LostState::Open, LostState::Occupied, Some(actor.employee)),
                LostAct::Release => (LostState::Occupied, LostState::Open, None),
                LostAct::Complete => (LostState::Occupied, LostState::Completed, Some(actor.employee)),
            };
            // A withheld number is nobody's: each such call stands alone.
            let sql = "UPDATE crm_lost_call SET state = $3, owner = $4, owned_at_ms = $5, version = version + 1
                 WHERE tenant = $1 AND (id = $2 OR (caller_normal <> '' AND caller_normal = $6))
                 AND state = $7 AND (state <> 'occupied' OR owner = $8)";
            sqlx::query(sql)
                .bind(tenant.as_str())
                .bind(id)
                .bind(query::word(&after))
                .bind(owner)
                .bind(owner.map(|_| number(actor.at_ms)))
                .bind(&row.caller_normal)
                .bind(query::word(&before))
                .bind(actor.employee)
                .execute(&mut *transaction)
                .await?;
            let row = find(&mut transaction, tenant, id).await?;
            transaction.commit().await?;
            Ok(row.map_or(Acted::Missing, |row| Acted::Done(Box::new(row))))
        })
    }

    /// Who occupies anything, in any tenant (LOST-10).
    pub(crate) fn occupiers(&self, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
        let sql =
            "SELECT DISTINCT owner FROM crm_lost_call WHERE tenant = $1 AND state = 'occupied' AND owner IS NOT NULL";
        self.run(async { Ok(sqlx::query_scalar(sql).bind(tenant.as_str()).fetch_all(&self.pool).await?) })
    }

    /// Releases what these employees occupy, and what anybody has occupied since before `until_ms`, ms since the Unix epoch; how many.
    pub(crate) fn release_lost_calls(
        &self,
        tenant: &TenantId,
        left: &[String],
        until_ms: Option<u64>,
    ) -> Result<u64, StoreError> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let mut query = query::Query::new(
                "UPDATE crm_lost_call SET state = 'open', owner = NULL, owned_at_ms = NULL, version = version + 1 WHERE tenant = ",
            );
            query.push_bind(tenant.as_str().to_owned()).push(" AND state = 'occupied' AND (owned_at_ms < ");
            query.push_bind(until_ms.map(number));
            for owner in left {
                query.push(" OR owner = ").push_bind(owner.clone());
            }
            query.push(")");
            let released = query.build().execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(released.rows_affected())
        })
    }
}

/// Why it may not be done, as the row stands. Whoever occupies a row that is his already has what he wants.
fn refused(row: &Lost, act: LostAct, actor: Actor<'_>) -> Option<Acted> {
    let is_his = row.owner.as_deref() == Some(actor.employee);
    match (row.state, act) {
        (LostState::Completed, _) => Some(Acted::Completed),
        (LostState::Occupied, LostAct::Occupy) if is_his => Some(Acted::Done(Box::new(row.clone()))),
        (LostState::Occupied, LostAct::Occupy) => Some(Acted::OccupiedByAnother),
        (LostState::Occupied, LostAct::Release | LostAct::Complete) if !is_his => Some(Acted::OccupiedByAnother),
        (LostState::Open, LostAct::Release | LostAct::Complete) => Some(Acted::NotOccupied),
        (LostState::Open, LostAct::Occupy) | (LostState::Occupied, LostAct::Release | LostAct::Complete) => {
            let seen = actor.if_match.is_none_or(|versions| versions.contains(&row.version));
            (!seen).then_some(Acted::Changed)
        }
    }
}

async fn find(
    transaction: &mut Transaction<'static, Sqlite>,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Lost>, StoreError> {
    let query = sqlx::query("SELECT * FROM crm_lost_call WHERE tenant = $1 AND id = $2");
    let row = query.bind(tenant.as_str()).bind(id).fetch_optional(&mut **transaction).await?;
    row.as_ref().map(lost).transpose()
}

fn lost(row: &SqliteRow) -> Result<Lost, StoreError> {
    let state = text(row, "state")?;
    let state = serde_json::from_value(state.into()).map_err(|error| StoreError::Corrupt(format!("state: {error}")))?;
    Ok(Lost {
        id: text(row, "id")?,
        caller: text(row, "caller")?,
        caller_normal: text(row, "caller_normal")?,
        callee: text(row, "callee")?,
        trunk: opt_text(row, "trunk")?,
        queue: opt_text(row, "queue")?,
        began_at_ms: unsigned(row, "at_ms")?,
        ended_at_ms: unsigned(row, "ended_at_ms")?,
        voicemail: unsigned(row, "voicemail")? != 0,
        state,
        owner: opt_text(row, "owner")?,
        owned_at_ms: opt_unsigned(row, "owned_at_ms")?,
        version: unsigned(row, "version")?,
    })
}
