//! Signatures and templates of short messages (SMS-06 to SMS-09).

use hooks::id::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use super::query::{self, Page, PageAsk, number, opt_text, text, unsigned};
use super::{CrmStore, StoreError, fresh_id};

/// A signature (短信签名) as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) id: String,
    pub(crate) at_ms: u64,
    pub(crate) name: String,
    pub(crate) remark: String,
    pub(crate) version: u64,
}

/// How a template stands (SMS-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TemplateState {
    /// 待审核.
    Pending,
    /// 通过.
    Approved,
    /// 驳回.
    Rejected,
}

/// What somebody writes of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateText {
    pub(crate) name: String,
    pub(crate) content: String,
    /// The signature's id.
    pub(crate) signature: String,
    /// Its name at the gateway; may be empty.
    pub(crate) gateway: String,
}

/// A template (短信模板) as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) at_ms: u64,
    pub(crate) text: TemplateText,
    /// The signature's name.
    pub(crate) signature_name: String,
    pub(crate) state: TemplateState,
    /// Why it was rejected.
    pub(crate) reason: String,
    /// Who wrote it as it is: an employee number, or `token:NAME`.
    pub(crate) author: String,
    pub(crate) reviewer: Option<String>,
    pub(crate) version: u64,
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// There is none of that id.
    Missing,
    /// It is not of a version that was seen.
    Changed,
    /// Another has the name.
    NameTaken,
    /// There is no such signature.
    NoSignature,
    /// A template uses the signature (SMS-09).
    Used,
    /// It is the last signature (SMS-08).
    Last,
}

type Written<T> = Result<Result<T, Unwritten>, StoreError>;

impl CrmStore {
    /// All signatures, by name.
    pub(crate) fn sms_signatures(&self, tenant: &TenantId) -> Result<Vec<Signature>, StoreError> {
        let query = sqlx::query("SELECT * FROM crm_sms_signature WHERE tenant = $1 ORDER BY name");
        let rows = self.run(async { Ok(query.bind(tenant.as_str()).fetch_all(&self.pool).await?) })?;
        rows.iter().map(signature).collect()
    }

    /// Makes a signature, or changes the one of `id`.
    pub(crate) fn write_sms_signature(
        &self,
        tenant: &TenantId,
        id: Option<(&str, Option<&[u64]>)>,
        (name, remark): (&str, &str),
        at_ms: u64,
    ) -> Written<Signature> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let (id, version, at_ms) = match id {
                None => (fresh_id(&mut transaction, at_ms).await?, 1, at_ms),
                Some((id, if_match)) => {
                    let Some(before) = find_signature(&mut transaction, tenant, id).await? else {
                        return Ok(Err(Unwritten::Missing));
                    };
                    if if_match.is_some_and(|versions| !versions.contains(&before.version)) {
                        return Ok(Err(Unwritten::Changed));
                    }
                    (before.id, before.version + 1, before.at_ms)
                }
            };
            let sql = "INSERT INTO crm_sms_signature (tenant, id, at_ms, name, remark, version) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, remark = excluded.remark, version = excluded.version";
            let written = sqlx::query(sql)
                .bind(tenant.as_str())
                .bind(&id)
                .bind(number(at_ms))
                .bind(name)
                .bind(remark)
                .bind(number(version))
                .execute(&mut *transaction)
                .await;
            if is_taken(&written) {
                return Ok(Err(Unwritten::NameTaken));
            }
            written?;
            transaction.commit().await?;
            Ok(Ok(Signature { id, at_ms, name: name.to_owned(), remark: remark.to_owned(), version }))
        })
    }

    /// Deletes a signature that no template uses and that is not the last.
    pub(crate) fn delete_sms_signature(&self, tenant: &TenantId, id: &str) -> Written<()> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            if find_signature(&mut transaction, tenant, id).await?.is_none() {
                return Ok(Err(Unwritten::Missing));
            }
            let used = "SELECT COUNT(*) FROM crm_sms_template WHERE tenant = $1 AND signature = $2";
            let used: i64 =
                sqlx::query_scalar(used).bind(tenant.as_str()).bind(id).fetch_one(&mut *transaction).await?;
            if used > 0 {
                return Ok(Err(Unwritten::Used));
            }
            let all = "SELECT COUNT(*) FROM crm_sms_signature WHERE tenant = $1";
            let all: i64 = sqlx::query_scalar(all).bind(tenant.as_str()).fetch_one(&mut *transaction).await?;
            if all == 1 {
                return Ok(Err(Unwritten::Last));
            }
            let sql = "DELETE FROM crm_sms_signature WHERE tenant = $1 AND id = $2";
            sqlx::query(sql).bind(tenant.as_str()).bind(id).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(Ok(()))
        })
    }

    /// A page of the templates, newest first; with `name` those whose name holds it (SMS-06).
    pub(crate) fn sms_templates(
        &self,
        tenant: &TenantId,
        name: Option<&str>,
        state: Option<TemplateState>,
        ask: &PageAsk,
    ) -> Result<Page<Template>, StoreError> {
        let mut query = query::Query::new(format!("{TEMPLATES} WHERE template.tenant = "));
        query.push_bind(tenant.as_str().to_owned());
        if let Some(name) = name {
            query.push(" AND instr(template.name, ").push_bind(name.to_owned()).push(") > 0");
        }
        query::is(&mut query, "template.state", state.as_ref().map(query::word).as_ref());
        if let Some((at_ms, id)) = &ask.after {
            query.push(" AND (template.at_ms, template.id) < (").push_bind(number(*at_ms));
            query.push(", ").push_bind(id.clone()).push(")");
        }
        let rows = i64::try_from(ask.limit).unwrap_or(i64::MAX).saturating_add(1);
        query.push(" ORDER BY template.at_ms DESC, template.id DESC LIMIT ").push_bind(rows);
        let rows = self.run(async { Ok(query.build().fetch_all(&self.pool).await?) })?;
        let rows = rows.iter().map(template).collect::<Result<Vec<_>, _>>()?;
        Ok(query::cut(rows, ask, |row| (row.at_ms, row.id.clone())))
    }

    /// One template.
    pub(crate) fn sms_template(&self, tenant: &TenantId, id: &str) -> Result<Option<Template>, StoreError> {
        self.run(async {
            let mut transaction = self.pool.begin().await?;
            find_template(&mut transaction, tenant, id).await
        })
    }

    /// Makes a template, or changes the one of `id`; it has to be reviewed (SMS-07).
    pub(crate) fn write_sms_template(
        &self,
        tenant: &TenantId,
        id: Option<(&str, Option<&[u64]>)>,
        text: &TemplateText,
        (author, at_ms): (&str, u64),
    ) -> Written<Template> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let (id, version, at_ms) = match id {
                None => (fresh_id(&mut transaction, at_ms).await?, 1, at_ms),
                Some((id, if_match)) => {
                    let Some(before) = find_template(&mut transaction, tenant, id).await? else {
                        return Ok(Err(Unwritten::Missing));
                    };
                    if if_match.is_some_and(|versions| !versions.contains(&before.version)) {
                        return Ok(Err(Unwritten::Changed));
                    }
                    (before.id, before.version + 1, before.at_ms)
                }
            };
            if find_signature(&mut transaction, tenant, &text.signature).await?.is_none() {
                return Ok(Err(Unwritten::NoSignature));
            }
            let sql = "INSERT INTO crm_sms_template (tenant, id, at_ms, name, content, signature, gateway, state, reason, author, version)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', '', $8, $9)
                 ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, content = excluded.content,
                 signature = excluded.signature, gateway = excluded.gateway, state = 'pending', reason = '', reviewer = NULL,
                 author = excluded.author, version = excluded.version";
            let written = sqlx::query(sql)
                .bind(tenant.as_str())
                .bind(&id)
                .bind(number(at_ms))
                .bind(&text.name)
                .bind(&text.content)
                .bind(&text.signature)
                .bind(&text.gateway)
                .bind(author)
                .bind(number(version))
                .execute(&mut *transaction)
                .await;
            if is_taken(&written) {
                return Ok(Err(Unwritten::NameTaken));
            }
            written?;
            let row = find_template(&mut transaction, tenant, &id).await?;
            transaction.commit().await?;
            Ok(row.ok_or(Unwritten::Missing))
        })
    }

    /// Approves a template, or rejects it with a reason; only as it was seen.
    pub(crate) fn review_sms_template(
        &self,
        tenant: &TenantId,
        seen: &Template,
        state: TemplateState,
        (reviewer, reason): (&str, &str),
    ) -> Written<Template> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql = "UPDATE crm_sms_template SET state = $3, reason = $4, reviewer = $5, version = version + 1
                 WHERE tenant = $1 AND id = $2 AND version = $6";
            let done = sqlx::query(sql)
                .bind(tenant.as_str())
                .bind(&seen.id)
                .bind(query::word(&state))
                .bind(reason)
                .bind(reviewer)
                .bind(number(seen.version))
                .execute(&mut *transaction)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(Err(Unwritten::Changed));
            }
            let row = find_template(&mut transaction, tenant, &seen.id).await?;
            transaction.commit().await?;
            Ok(row.ok_or(Unwritten::Missing))
        })
    }

    /// Deletes a template; messages that were sent by it stay.
    pub(crate) fn delete_sms_template(&self, tenant: &TenantId, id: &str) -> Result<bool, StoreError> {
        self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql = "DELETE FROM crm_sms_template WHERE tenant = $1 AND id = $2";
            let done = sqlx::query(sql).bind(tenant.as_str()).bind(id).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(done.rows_affected() > 0)
        })
    }
}

const TEMPLATES: &str = "SELECT template.*, signature.name AS signature_name FROM crm_sms_template AS template
     JOIN crm_sms_signature AS signature ON signature.tenant = template.tenant AND signature.id = template.signature";

fn is_taken<T>(written: &Result<T, sqlx::Error>) -> bool {
    matches!(written, Err(sqlx::Error::Database(error)) if error.is_unique_violation())
}

async fn find_signature(
    transaction: &mut Transaction<'static, Sqlite>,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Signature>, StoreError> {
    let query = sqlx::query("SELECT * FROM crm_sms_signature WHERE tenant = $1 AND id = $2");
    let row = query.bind(tenant.as_str()).bind(id).fetch_optional(&mut **transaction).await?;
    row.as_ref().map(signature).transpose()
}

async fn find_template(
    transaction: &mut Transaction<'static, Sqlite>,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Template>, StoreError> {
    let mut query = query::Query::new(format!("{TEMPLATES} WHERE template.tenant = "));
    query.push_bind(tenant.as_str().to_owned()).push(" AND template.id = ").push_bind(id.to_owned());
    let row = query.build().fetch_optional(&mut **transaction).await?;
    row.as_ref().map(template).transpose()
}

fn signature(row: &SqliteRow) -> Result<Signature, StoreError> {
    Ok(Signature {
        id: text(row, "id")?,
        at_ms: unsigned(row, "at_ms")?,
        name: text(row, "name")?,
        remark: text(row, "remark")?,
        version: unsigned(row, "version")?,
    })
}

fn template(row: &SqliteRow) -> Result<Template, StoreError> {
    let state = text(row, "state")?;
    let state = serde_json::from_value(state.into()).map_err(|error| StoreError::Corrupt(format!("state: {error}")))?;
    Ok(Template {
        id: text(row, "id")?,
        at_ms: unsigned(row, "at_ms")?,
        text: TemplateText {
            name: text(row, "name")?,
            content: text(row, "content")?,
            signature: text(row, "signature")?,
            gateway: text(row, "gateway")?,
        },
        signature_name: text(row, "signature_name")?,
        state,
        reason: text(row, "reason")?,
        author: text(row, "author")?,
        reviewer: opt_text(row, "reviewer")?,
        version: unsigned(row, "version")?,
    })
}
