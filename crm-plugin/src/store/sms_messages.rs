//! The short messages (SMS): what waits, what was sent, and what came of it.

use std::collections::BTreeMap;

use hooks::directory::Employee;
use hooks::id::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use super::query::{self, Page, PageAsk, Span, View, json, number, opt_text, text, unsigned};
use super::settings::Settings;
use super::{CrmStore, StoreError};

/// SMS-04: what a number may get is counted over so long, ms.
const DAY_MS: u64 = 24 * 3_600_000;

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageState {
    /// It will be handed to the gateway.
    Waiting,
    /// The gateway has it in hand. Whoever was stopped meanwhile does not know what came of it.
    Sending,
    /// A rule refused it (SMS-04).
    Refused,
    /// The gateway took it.
    Sent,
    /// The gateway did not.
    Failed,
}

/// As people are shown it (SMS-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageResult {
    /// 未发送: it waits, or a rule refused it.
    NotSent,
    /// 发送成功.
    Sent,
    /// 发送失败.
    Failed,
}

impl MessageState {
    pub(crate) fn result(self) -> MessageResult {
        match self {
            Self::Waiting | Self::Sending | Self::Refused => MessageResult::NotSent,
            Self::Sent => MessageResult::Sent,
            Self::Failed => MessageResult::Failed,
        }
    }
}

impl MessageResult {
    fn states(self) -> &'static [MessageState] {
        match self {
            Self::NotSent => &[MessageState::Waiting, MessageState::Sending, MessageState::Refused],
            Self::Sent => &[MessageState::Sent],
            Self::Failed => &[MessageState::Failed],
        }
    }
}

/// What is written down of a message before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewMessage {
    /// As it was typed.
    pub(crate) number: String,
    pub(crate) number_normal: String,
    /// Without its signature.
    pub(crate) content: String,
    pub(crate) signature: String,
    /// The template's name.
    pub(crate) template: Option<String>,
    /// The template's name at the gateway.
    pub(crate) gateway: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SmsMessage {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
    pub(crate) at_ms: u64,
    pub(crate) what: NewMessage,
    pub(crate) agent: Option<String>,
    pub(crate) agent_name: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) department_name: Option<String>,
    pub(crate) state: MessageState,
    /// Why it was refused or failed.
    pub(crate) reason: String,
}

/// Which messages are wanted (SMS-01).
#[derive(Clone, Debug)]
pub(crate) struct MessageFilter {
    pub(crate) view: View,
    pub(crate) span: Span,
    /// In the normal form.
    pub(crate) number: Option<String>,
    pub(crate) result: Option<MessageResult>,
}

impl CrmStore {
    /// A page of the messages, newest first.
    pub(crate) fn sms_messages(
        &self,
        tenant: &TenantId,
        filter: &MessageFilter,
        ask: &PageAsk,
    ) -> Result<Page<SmsMessage>, StoreError> {
        let mut query = query::select("crm_sms_message", tenant.as_str());
        query::within(&mut query, filter.span);
        query::seen(&mut query, &filter.view);
        query::is(&mut query, "number_normal", filter.number.as_ref());
        if let Some(result) = filter.result {
            query.push(" AND state IN (");
            let mut list = query.separated(", ");
            result.states().iter().for_each(|state| _ = list.push_bind(query::word(state)));
            query.push(")");
        }
        query::page(&mut query, ask);
        let rows = self.run(async { Ok(query.build().fetch_all(&self.pool).await?) })?;
        let rows = rows.iter().map(message).collect::<Result<Vec<_>, _>>()?;
        Ok(query::cut(rows, ask, |row| (row.at_ms, row.id.clone())))
    }

    /// Writes messages down in one transaction, each waiting or refused by what its number got lately (SMS-04).
    pub(crate) fn queue_sms(
        &self,
        tenant: &TenantId,
        sender: Option<&Employee>,
        messages: Vec<NewMessage>,
        at_ms: u64,
    ) -> Result<Vec<SmsMessage>, StoreError> {
        let rules = self.settings(tenant)?;
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let mut queued = Vec::new();
            for what in messages {
                let reason = too_often(&mut transaction, tenant, rules, &what.number_normal, at_ms).await?;
                let department = sender.and_then(|sender| sender.department.as_ref());
                let row = SmsMessage {
                    tenant: tenant.clone(),
                    id: super::fresh_id(&mut transaction, at_ms).await?,
                    at_ms,
                    what,
                    agent: sender.map(|sender| sender.number.clone()),
                    agent_name: sender.map(|sender| sender.name.clone()),
                    department: department.map(|department| department.id.to_string()),
                    department_name: department.map(|department| department.name.clone()),
                    state: if reason.is_some() { MessageState::Refused } else { MessageState::Waiting },
                    reason: reason.unwrap_or_default(),
                };
                insert(&mut transaction, &row).await?;
                queued.push(row);
            }
            transaction.commit().await?;
            Ok(queued)
        })
    }

    /// The oldest that waits, of any tenant; from now on it is being sent.
    pub(crate) fn next_sms(&self) -> Result<Option<SmsMessage>, StoreError> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql = "UPDATE crm_sms_message SET state = 'sending' WHERE rowid = (SELECT rowid FROM crm_sms_message
                 WHERE state = 'waiting' ORDER BY at_ms, id LIMIT 1) RETURNING *";
            let row = sqlx::query(sql).fetch_optional(&mut *transaction).await?;
            transaction.commit().await?;
            row.as_ref().map(message).transpose()
        })
    }

    /// What came of a message.
    pub(crate) fn sms_done(
        &self,
        message: &SmsMessage,
        state: MessageState,
        reason: &str,
        at_ms: u64,
    ) -> Result<(), StoreError> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql =
                "UPDATE crm_sms_message SET state = $3, reason = $4, done_at_ms = $5 WHERE tenant = $1 AND id = $2";
            sqlx::query(sql)
                .bind(message.tenant.as_str())
                .bind(&message.id)
                .bind(query::word(&state))
                .bind(reason)
                .bind(number(at_ms))
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(())
        })
    }

    /// What a process that was stopped had in hand is not sent again: it may have arrived. How many there were.
    pub(crate) fn give_up_sms(&self, reason: &str, at_ms: u64) -> Result<u64, StoreError> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql =
                "UPDATE crm_sms_message SET state = 'failed', reason = $1, done_at_ms = $2 WHERE state = 'sending'";
            let done = sqlx::query(sql).bind(reason).bind(number(at_ms)).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(done.rows_affected())
        })
    }
}

/// Why the number may get nothing now. What the gateway did not take counts for nothing.
async fn too_often(
    transaction: &mut Transaction<'static, Sqlite>,
    tenant: &TenantId,
    rules: Settings,
    to: &str,
    at_ms: u64,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT COUNT(*), MAX(at_ms) FROM crm_sms_message WHERE tenant = $1 AND number_normal = $2 AND at_ms > $3
         AND state IN ('waiting', 'sending', 'sent')";
    let (count, last): (i64, Option<i64>) = sqlx::query_as(sql)
        .bind(tenant.as_str())
        .bind(to)
        .bind(number(at_ms.saturating_sub(DAY_MS)))
        .fetch_one(&mut **transaction)
        .await?;
    let interval_ms = rules.sms_interval_s.saturating_mul(1_000);
    let next_ms = last.map(|last| last.cast_unsigned().saturating_add(interval_ms)).filter(|next_ms| *next_ms > at_ms);
    if let Some(next_ms) = next_ms {
        let left_s = (next_ms - at_ms).div_ceil(1_000);
        return Ok(Some(format!("this number got a message just now: send again in {left_s} s")));
    }
    let full = count.cast_unsigned() >= rules.sms_day_max;
    Ok(full.then(|| format!("this number got {count} messages in 24 h, as many as may be: send again tomorrow")))
}

async fn insert(transaction: &mut Transaction<'static, Sqlite>, row: &SmsMessage) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO crm_sms_message (tenant, id, at_ms, number, number_normal, content, signature, template, gateway,
         parameters, agent, agent_name, department, department_name, state, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let parameters = serde_json::to_string(&row.what.parameters).expect("texts by names are JSON");
    sqlx::query(sql)
        .bind(row.tenant.as_str())
        .bind(&row.id)
        .bind(number(row.at_ms))
        .bind(&row.what.number)
        .bind(&row.what.number_normal)
        .bind(&row.what.content)
        .bind(&row.what.signature)
        .bind(&row.what.template)
        .bind(&row.what.gateway)
        .bind(parameters)
        .bind(&row.agent)
        .bind(&row.agent_name)
        .bind(&row.department)
        .bind(&row.department_name)
        .bind(query::word(&row.state))
        .bind(&row.reason)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn message(row: &SqliteRow) -> Result<SmsMessage, StoreError> {
    let tenant = text(row, "tenant")?.parse().map_err(|error| StoreError::Corrupt(format!("tenant: {error}")))?;
    let state = text(row, "state")?;
    let state = serde_json::from_value(state.into()).map_err(|error| StoreError::Corrupt(format!("state: {error}")))?;
    Ok(SmsMessage {
        tenant,
        id: text(row, "id")?,
        at_ms: unsigned(row, "at_ms")?,
        what: NewMessage {
            number: text(row, "number")?,
            number_normal: text(row, "number_normal")?,
            content: text(row, "content")?,
            signature: text(row, "signature")?,
            template: opt_text(row, "template")?,
            gateway: text(row, "gateway")?,
            parameters: json(row, "parameters")?,
        },
        agent: opt_text(row, "agent")?,
        agent_name: opt_text(row, "agent_name")?,
        department: opt_text(row, "department")?,
        department_name: opt_text(row, "department_name")?,
        state,
        reason: text(row, "reason")?,
    })
}
