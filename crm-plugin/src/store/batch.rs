//! Facts become rows here: calls are read, and what was derived is written with the cursor in one transaction.

use std::collections::BTreeMap;

use hooks::directory::Employee;
use hooks::id::{CallId, TenantId};
use hooks::position::Position;
use sqlx::{Row as _, Sqlite, SqliteConnection, Transaction};

use super::query::{number, word};
use super::{CrmStore, StoreError};
use crate::fold::{AnsweredOutside, CallRow, CallState, LostCall, Missed};

/// What a batch of facts came to.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    /// The calls that were spoken of.
    pub(crate) calls: Vec<DerivedCall>,
    /// Of each agent whom they name what the directory says.
    pub(crate) people: BTreeMap<String, Option<Employee>>,
    /// Calls that ended before this time are known well enough: their state is let go, ms since the Unix epoch.
    pub(crate) let_go_before_ms: u64,
}

/// A call and its rows.
#[derive(Debug)]
pub(crate) struct DerivedCall {
    pub(crate) state: CallState,
    pub(crate) records: Vec<CallRow>,
    pub(crate) missed: Vec<Missed>,
    pub(crate) lost: Option<LostCall>,
    pub(crate) answered: Option<AnsweredOutside>,
    /// Each number of the rows in its normal form.
    pub(crate) normal: BTreeMap<String, String>,
}

impl CrmStore {
    /// Calls as the last batch left them.
    pub(crate) fn calls(&self, tenant: &TenantId, calls: &[CallId]) -> Result<Vec<CallState>, StoreError> {
        self.run(async {
            let mut connection = self.pool.acquire().await?;
            let mut states = Vec::new();
            for call in calls {
                let query = sqlx::query("SELECT state FROM crm_call WHERE tenant = $1 AND call = $2");
                let row = query.bind(tenant.as_str()).bind(call.to_string()).fetch_optional(&mut *connection).await?;
                if let Some(row) = row {
                    states.push(super::query::json(&row, "state")?);
                }
            }
            Ok(states)
        })
    }

    /// Writes what was derived and moves the cursor from `from` to `to`: all of it or nothing. Nothing happens where `from` is `to`.
    ///
    /// # Errors
    /// [`StoreError::Moved`] where the cursor is not at `from`; else see [`StoreError`].
    pub(crate) fn take(&self, from: &Position, to: &Position, derived: &Derived) -> Result<(), StoreError> {
        if from == to {
            return Ok(());
        }
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            for call in &derived.calls {
                write(&mut transaction, &to.tenant, call, &derived.people).await?;
            }
            let old = sqlx::query("DELETE FROM crm_call WHERE tenant = $1 AND ended_at_ms < $2");
            old.bind(to.tenant.as_str()).bind(number(derived.let_go_before_ms)).execute(&mut *transaction).await?;
            move_cursor(&mut transaction, from, to).await?;
            Ok(transaction.commit().await?)
        })
    }
}

async fn move_cursor(
    transaction: &mut Transaction<'static, Sqlite>,
    from: &Position,
    to: &Position,
) -> Result<(), StoreError> {
    let moved = sqlx::query(
        "INSERT INTO crm_cursor (tenant, epoch, number) SELECT $1, $2, $3
         WHERE $5 = 0 OR EXISTS (SELECT 1 FROM crm_cursor WHERE tenant = $1)
         ON CONFLICT (tenant) DO UPDATE SET epoch = excluded.epoch, number = excluded.number
         WHERE crm_cursor.epoch = $4 AND crm_cursor.number = $5",
    )
    .bind(to.tenant.as_str())
    .bind(number(to.epoch))
    .bind(number(to.number))
    .bind(number(from.epoch))
    .bind(number(from.number))
    .execute(&mut **transaction)
    .await?;
    if moved.rows_affected() == 0 {
        return Err(StoreError::Moved { tenant: to.tenant.clone() });
    }
    Ok(())
}

async fn write(
    transaction: &mut Transaction<'static, Sqlite>,
    tenant: &TenantId,
    call: &DerivedCall,
    people: &BTreeMap<String, Option<Employee>>,
) -> Result<(), StoreError> {
    let connection = &mut **transaction;
    let id = call.state.call().to_string();
    let state = serde_json::to_string(&call.state).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    sqlx::query("INSERT OR REPLACE INTO crm_call (tenant, call, ended_at_ms, state) VALUES ($1, $2, $3, $4)")
        .bind(tenant.as_str())
        .bind(&id)
        .bind(call.state.ended_at_ms().map(number))
        .bind(state)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM crm_call_record WHERE tenant = $1 AND call = $2")
        .bind(tenant.as_str())
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    let writing = Writing { tenant, id: &id, call, people };
    for row in &call.records {
        writing.record(connection, row).await?;
    }
    for row in &call.missed {
        writing.missed(connection, row).await?;
    }
    if let Some(row) = &call.lost {
        writing.lost(connection, row).await?;
    }
    if let Some(row) = &call.answered {
        writing.answered(connection, row).await?;
    }
    Ok(())
}

/// The rows of one call on their way.
struct Writing<'w> {
    tenant: &'w TenantId,
    id: &'w str,
    call: &'w DerivedCall,
    people: &'w BTreeMap<String, Option<Employee>>,
}

/// An agent as a row keeps him, whatever becomes of him.
#[derive(Debug, Default)]
struct Kept {
    name: Option<String>,
    department: Option<String>,
    department_name: Option<String>,
}

/// The id of one of several rows of a call; ids of one call are in the order of their numbers.
pub(crate) fn part_id(call: &str, part: u32) -> String {
    format!("{call}-{part:04}")
}

impl Writing<'_> {
    fn normal<'n>(&'n self, number: &'n str) -> &'n str {
        self.call.normal.get(number).map_or(number, String::as_str)
    }

    fn kept(&self, agent: Option<&String>) -> Kept {
        let Some(employee) = agent.and_then(|agent| self.people.get(agent)).and_then(Option::as_ref) else {
            return Kept::default();
        };
        let department = employee.department.as_ref();
        Kept {
            name: Some(employee.name.clone()),
            department: department.map(|department| department.id.to_string()),
            department_name: department.map(|department| department.name.clone()),
        }
    }

    async fn record(&self, connection: &mut SqliteConnection, row: &CallRow) -> Result<(), StoreError> {
        let kept = self.kept(row.agent.as_ref());
        let sql = "INSERT INTO crm_call_record (tenant, id, call, part, kind, source, caller, callee, caller_normal, callee_normal,
             trunk, agent, agent_name, department, department_name, queue, at_ms, ring_at_ms, answered_at_ms, ended_at_ms,
             queue_wait_ms, ring_ms, talk_ms, total_ms, ended_by, cause, satisfaction, recordings)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
             $25, $26, $27, $28)";
        sqlx::query(sql)
            .bind(self.tenant.as_str())
            .bind(part_id(self.id, row.part))
            .bind(self.id)
            .bind(i64::from(row.part))
            .bind(word(&row.kind))
            .bind(word(&row.source))
            .bind(&row.caller)
            .bind(&row.callee)
            .bind(self.normal(&row.caller))
            .bind(self.normal(&row.callee))
            .bind(&row.trunk)
            .bind(&row.agent)
            .bind(kept.name)
            .bind(kept.department)
            .bind(kept.department_name)
            .bind(&row.queue)
            .bind(number(row.started_at_ms))
            .bind(row.ring_at_ms.map(number))
            .bind(row.answered_at_ms.map(number))
            .bind(number(row.ended_at_ms))
            .bind(number(row.queue_wait_ms))
            .bind(number(row.ring_ms))
            .bind(number(row.talk_ms))
            .bind(number(row.total_ms))
            .bind(row.ended_by.as_ref().map(word))
            .bind(word(&row.cause))
            .bind(&row.satisfaction)
            .bind(serde_json::json!(row.recordings).to_string())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// A row that is there stays as it is: an offer that ended does not change, and somebody may have processed it.
    async fn missed(&self, connection: &mut SqliteConnection, row: &Missed) -> Result<(), StoreError> {
        let kept = self.kept(Some(&row.agent));
        let sql = "INSERT INTO crm_missed_call (tenant, id, call, agent, agent_name, department, department_name, queue, caller, callee,
             caller_normal, at_ms, ring_ended_at_ms, ring_ms, outcome)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING";
        sqlx::query(sql)
            .bind(self.tenant.as_str())
            .bind(part_id(self.id, row.offer))
            .bind(self.id)
            .bind(&row.agent)
            .bind(kept.name)
            .bind(kept.department)
            .bind(kept.department_name)
            .bind(&row.queue)
            .bind(&row.caller)
            .bind(&row.callee)
            .bind(self.normal(&row.caller))
            .bind(number(row.ring_at_ms))
            .bind(number(row.ring_ended_at_ms))
            .bind(number(row.ring_ms))
            .bind(word(&row.outcome))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// One of a number that somebody has occupied is occupied by him from the beginning (LOST-09). A row that is there
    /// is only told that a message was left.
    async fn lost(&self, connection: &mut SqliteConnection, row: &LostCall) -> Result<(), StoreError> {
        let normal = self.normal(&row.caller);
        let sql = "SELECT owner, owned_at_ms FROM crm_lost_call
             WHERE tenant = $1 AND caller_normal = $2 AND caller_normal <> '' AND state = 'occupied' LIMIT 1";
        let occupied =
            sqlx::query(sql).bind(self.tenant.as_str()).bind(normal).fetch_optional(&mut *connection).await?;
        let (owner, owned_at_ms): (Option<String>, Option<i64>) = match &occupied {
            Some(row) => (row.try_get("owner")?, row.try_get("owned_at_ms")?),
            None => (None, None),
        };
        let sql = "INSERT INTO crm_lost_call (tenant, id, caller, callee, caller_normal, trunk, queue, at_ms, ended_at_ms, voicemail,
             state, owner, owned_at_ms, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)
             ON CONFLICT (tenant, id) DO UPDATE SET voicemail = excluded.voicemail";
        sqlx::query(sql)
            .bind(self.tenant.as_str())
            .bind(self.id)
            .bind(&row.caller)
            .bind(&row.callee)
            .bind(normal)
            .bind(&row.trunk)
            .bind(&row.queue)
            .bind(number(row.began_at_ms))
            .bind(number(row.ended_at_ms))
            .bind(i64::from(row.voicemail))
            .bind(if owner.is_some() { "occupied" } else { "open" })
            .bind(owner)
            .bind(owned_at_ms)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn answered(&self, connection: &mut SqliteConnection, row: &AnsweredOutside) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO crm_lost_answered (tenant, id, caller, caller_normal, trunk, queue, mobile, mobile_normal, at_ms,
             answered_at_ms, ended_at_ms, talk_ms, recordings)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        sqlx::query(sql)
            .bind(self.tenant.as_str())
            .bind(self.id)
            .bind(&row.caller)
            .bind(self.normal(&row.caller))
            .bind(&row.trunk)
            .bind(&row.queue)
            .bind(&row.mobile)
            .bind(self.normal(&row.mobile))
            .bind(number(row.began_at_ms))
            .bind(number(row.answered_at_ms))
            .bind(number(row.ended_at_ms))
            .bind(number(row.talk_ms))
            .bind(serde_json::json!(row.recordings).to_string())
            .execute(connection)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_on_the_same_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let start = Position::start(TenantId::first());
        let place = |number| Position { epoch: 1, number, ..start.clone() };
        let (one, other) = (CrmStore::open(folder.path()).unwrap(), CrmStore::open(folder.path()).unwrap());
        one.take(&start, &place(5), &Derived::default()).unwrap();
        let twice = other.take(&start, &place(7), &Derived::default());
        assert!(matches!(twice, Err(StoreError::Moved { .. })), "{twice:?}");
        let beside = other.take(&place(3), &place(7), &Derived::default());
        assert!(matches!(beside, Err(StoreError::Moved { .. })), "{beside:?}");
        assert_eq!(one.cursor(&TenantId::first()).unwrap(), place(5));
        other.take(&place(5), &place(7), &Derived::default()).unwrap();
    }
}
