//! Messages that callers left. Written by the consumer of the journal only; their audio is a recording of the same id.

use std::collections::BTreeMap;

use hooks::id::{CallId, RecordingId, TenantId};

use super::records::{Condition, DerivedTable, in_calls};
use super::scope::{Sight, boxes};
use super::setting::{Page, PageAsk};
use super::sql::{Arg, Conn, Row, args};
use super::{Store, StoreError, audit};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voicemail {
    /// Which: its recording's id.
    pub voicemail: RecordingId,
    /// The call in which it was left.
    pub call: CallId,
    /// For whom: `extension:1001`, `queue:support`.
    pub mailbox: String,
    /// Who left it; empty when withheld.
    pub caller: String,
    /// His name; may be empty.
    pub caller_name: String,
    /// The number that he dialled.
    pub callee: String,
    /// When it was over, ms since the Unix epoch.
    pub left_at_ms: u64,
    /// How long he talked.
    pub length_ms: u64,
    /// Who listened to it first (VM-02).
    pub listened: Option<FirstUse>,
    /// Who took a copy first (VM-02).
    pub downloaded: Option<FirstUse>,
    /// Who deleted it: it is hidden since then (GEN-12).
    pub deleted: Option<FirstUse>,
}

/// Who did something first, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstUse {
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// A login name, `token:NAME` or, by phone, `extension:1001`.
    pub by: String,
}

/// Which messages a list shows (VM-02); `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoicemailFilter {
    /// In this box (VM-06).
    pub mailbox: Option<String>,
    /// Left by this number.
    pub caller: Option<String>,
    /// He dialled this number.
    pub callee: Option<String>,
    /// Somebody has listened to it, or nobody.
    pub listened: Option<bool>,
    /// Somebody has a copy, or nobody.
    pub downloaded: Option<bool>,
    /// At least so long.
    pub length_min_ms: Option<u64>,
    /// At most so long.
    pub length_max_ms: Option<u64>,
    /// Left at this time or later, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Left before this time.
    pub to_ms: Option<u64>,
}

/// How many messages are in a box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Nobody has listened to them.
    pub new: u32,
    /// The others.
    pub old: u32,
}

impl Store {
    /// A message that was not deleted, if it is in a box that is seen: one of the people whose rows are.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn voicemail(&self, sight: Sight<'_>, id: RecordingId) -> Result<Option<Voicemail>, StoreError> {
        let sql = "SELECT * FROM voicemails WHERE tenant = $1 AND voicemail = $2 AND deleted_at_ms IS NULL";
        let mut conn = self.pool.read().await?;
        let row = conn.first(sql, args![sight.tenant.as_str(), id.to_string()]).await?;
        let found = row.as_ref().map(voicemail).transpose()?;
        let boxes = boxes(&mut conn, sight).await?;
        Ok(found.filter(|message| boxes.is_none_or(|boxes| boxes.contains(&message.mailbox))))
    }

    /// A page of messages that were not deleted and are in a box that is seen, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn voicemails(
        &self,
        sight: Sight<'_>,
        filter: &VoicemailFilter,
        ask: &PageAsk,
    ) -> Result<Page<Voicemail>, StoreError> {
        let mut conn = self.pool.read().await?;
        let boxes = boxes(&mut conn, sight).await?;
        let mut condition = Condition::of_boxes(sight.tenant, boxes.as_deref());
        condition.and("voicemail < ?", ask.after.clone().unwrap_or_else(|| audit::LAST.to_owned()));
        narrow(&mut condition, filter);
        let limit = condition.bind(ask.rows());
        let (text, args) = condition.into_parts();
        let sql = format!(
            "SELECT * FROM voicemails WHERE {text} AND deleted_at_ms IS NULL ORDER BY voicemail DESC LIMIT {limit}"
        );
        let rows = conn.all(sql, args).await?;
        let items = rows.iter().map(voicemail).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |message| message.voicemail.to_string()))
    }

    /// How many messages are in the boxes of a tenant that have any, by box.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn waiting_messages(&self, tenant: &TenantId) -> Result<BTreeMap<String, Waiting>, StoreError> {
        let sql = "SELECT mailbox, COUNT(*) AS messages, COUNT(listened_at_ms) AS heard FROM voicemails \
                   WHERE tenant = $1 AND deleted_at_ms IS NULL GROUP BY mailbox";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str()]).await?;
        rows.iter().map(|row| Ok((row.text("mailbox")?, waiting(row)?))).collect()
    }

    /// How many messages are in one box.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn waiting_messages_of(&self, tenant: &TenantId, mailbox: &str) -> Result<Waiting, StoreError> {
        let sql = "SELECT COUNT(*) AS messages, COUNT(listened_at_ms) AS heard FROM voicemails \
                   WHERE tenant = $1 AND mailbox = $2 AND deleted_at_ms IS NULL";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), mailbox]).await?;
        row.as_ref().map(waiting).transpose().map(Option::unwrap_or_default)
    }
}

fn narrow(condition: &mut Condition, filter: &VoicemailFilter) {
    if let Some(mailbox) = &filter.mailbox {
        condition.and("mailbox = ?", mailbox.as_str());
    }
    if let Some(caller) = &filter.caller {
        condition.and("caller = ?", caller.as_str());
    }
    if let Some(callee) = &filter.callee {
        condition.and("callee = ?", callee.as_str());
    }
    if let Some(min) = filter.length_min_ms {
        condition.and("length_ms >= ?", min);
    }
    if let Some(max) = filter.length_max_ms {
        condition.and("length_ms <= ?", max);
    }
    if let Some(from_ms) = filter.from_ms {
        condition.and("left_at_ms >= ?", from_ms);
    }
    if let Some(to_ms) = filter.to_ms {
        condition.and("left_at_ms < ?", to_ms);
    }
    for (column, wanted) in [("listened_at_ms", filter.listened), ("downloaded_at_ms", filter.downloaded)] {
        match wanted {
            Some(true) => condition.plain(&format!("{column} IS NOT NULL")),
            Some(false) => condition.plain(&format!("{column} IS NULL")),
            None => {}
        }
    }
}

fn waiting(row: &Row) -> Result<Waiting, StoreError> {
    let (messages, old): (u32, u32) = (row.unsigned("messages")?, row.unsigned("heard")?);
    Ok(Waiting { new: messages.saturating_sub(old), old })
}

pub(super) const TABLE: DerivedTable = DerivedTable {
    name: "voicemails",
    key: &["tenant", "voicemail"],
    rest: &[
        "call",
        "mailbox",
        "caller",
        "caller_name",
        "callee",
        "left_at_ms",
        "length_ms",
        "listened_at_ms",
        "listened_by",
        "downloaded_at_ms",
        "downloaded_by",
        "deleted_at_ms",
        "deleted_by",
    ],
};

pub(super) fn args_of(tenant: &TenantId, message: &Voicemail) -> Vec<Arg> {
    let at = |used: &Option<FirstUse>| used.as_ref().map(|used| used.at_ms);
    let by = |used: &Option<FirstUse>| used.as_ref().map(|used| used.by.clone());
    args![
        tenant.as_str(),
        message.voicemail.to_string(),
        message.call.to_string(),
        message.mailbox.as_str(),
        message.caller.as_str(),
        message.caller_name.as_str(),
        message.callee.as_str(),
        message.left_at_ms,
        message.length_ms,
        at(&message.listened),
        by(&message.listened),
        at(&message.downloaded),
        by(&message.downloaded),
        at(&message.deleted),
        by(&message.deleted),
    ]
}

pub(super) async fn of_calls(
    conn: &mut Conn,
    tenant: &TenantId,
    calls: &[CallId],
) -> Result<Vec<Voicemail>, StoreError> {
    let rows = in_calls(conn, "SELECT * FROM voicemails WHERE", "voicemail", tenant, calls).await?;
    rows.iter().map(voicemail).collect()
}

pub(super) fn voicemail(row: &Row) -> Result<Voicemail, StoreError> {
    let used = |at: &str, by: &str| -> Result<Option<FirstUse>, StoreError> {
        let (at_ms, by) = (row.opt_unsigned(at)?, row.opt_text(by)?);
        Ok(at_ms.map(|at_ms| FirstUse { at_ms, by: by.unwrap_or_default() }))
    };
    Ok(Voicemail {
        voicemail: row.parsed("voicemail")?,
        call: row.parsed("call")?,
        mailbox: row.text("mailbox")?,
        caller: row.text("caller")?,
        caller_name: row.text("caller_name")?,
        callee: row.text("callee")?,
        left_at_ms: row.unsigned("left_at_ms")?,
        length_ms: row.unsigned("length_ms")?,
        listened: used("listened_at_ms", "listened_by")?,
        downloaded: used("downloaded_at_ms", "downloaded_by")?,
        deleted: used("deleted_at_ms", "deleted_by")?,
    })
}
