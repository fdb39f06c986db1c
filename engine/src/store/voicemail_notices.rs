//! What became of the mails that tell of messages. Written by the mailer only.

use hooks::id::{RecordingId, TenantId};

use super::sql::{Row, args};
use super::voicemails::{Voicemail, voicemail};
use super::{Store, StoreError};

/// A message of which a mail is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueNotice {
    /// The message.
    pub message: Voicemail,
    /// How often it was tried before.
    pub attempts: u32,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeOutcome {
    /// A server took it.
    Sent,
    /// The box has no address.
    Nobody,
    /// The server refused it for good.
    Refused,
    /// It was tried for as long as it is.
    GivenUp,
    /// It is tried again then, ms since the Unix epoch.
    Again {
        /// When.
        at_ms: u64,
    },
}

impl NoticeOutcome {
    /// As it is stored and counted.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Nobody => "nobody",
            Self::Refused => "refused",
            Self::GivenUp => "given_up",
            Self::Again { .. } => "again",
        }
    }
}

impl Store {
    /// Messages left since `since_ms` that nobody has heard, and of which a mail is due now, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn notices_due(
        &self,
        tenant: &TenantId,
        since_ms: u64,
        now_ms: u64,
        limit: u64,
    ) -> Result<Vec<DueNotice>, StoreError> {
        // The key begins with the time at which the message began, so that its index serves the range.
        let first = RecordingId::new(since_ms, 0).to_string();
        let sql = "SELECT v.*, n.attempts AS attempts FROM voicemails v \
                   LEFT JOIN voicemail_notices n ON n.tenant = v.tenant AND n.voicemail = v.voicemail \
                   WHERE v.tenant = $1 AND v.voicemail >= $2 AND v.deleted_at_ms IS NULL AND v.listened_at_ms IS NULL \
                   AND (n.voicemail IS NULL OR (n.done = 0 AND n.next_at_ms <= $3)) ORDER BY v.voicemail LIMIT $4";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), first.as_str(), now_ms, limit]).await?;
        let due = |row: &Row| {
            let attempts = u32::try_from(row.opt_unsigned("attempts")?.unwrap_or(0)).unwrap_or(u32::MAX);
            Ok(DueNotice { message: voicemail(row)?, attempts })
        };
        rows.iter().map(due).collect()
    }

    /// Notes what became of a try.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_notice(
        &self,
        tenant: &TenantId,
        message: RecordingId,
        outcome: NoticeOutcome,
    ) -> Result<(), StoreError> {
        let (done, next_ms) = match outcome {
            NoticeOutcome::Again { at_ms } => (0_u64, at_ms),
            NoticeOutcome::Sent | NoticeOutcome::Nobody | NoticeOutcome::Refused | NoticeOutcome::GivenUp => (1, 0),
        };
        let sql = "INSERT INTO voicemail_notices (tenant, voicemail, done, outcome, attempts, next_at_ms) \
                   VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT (tenant, voicemail) DO UPDATE SET done = $3, outcome = $4, \
                   attempts = voicemail_notices.attempts + 1, next_at_ms = $5";
        let mut tx = self.pool.write().await?;
        tx.execute(sql, args![tenant.as_str(), message.to_string(), done, outcome.word(), next_ms]).await?;
        tx.commit().await
    }
}
