//! Codes that were sent to mobiles (LOGIN-02): the last one of each, encrypted, with what was tried.

use serde::{Deserialize, Serialize};

use super::setting::Hidden;
use super::sql::{args, word};
use super::{Store, StoreError};

/// A code holds for 5 minutes.
pub const CODE_MS: u64 = 300_000;
/// The next one is sent after 60 s at the earliest.
pub const RESEND_MS: u64 = 60_000;
/// So many wrong tries void a code.
pub const TRIES_MAX: u64 = 5;
/// So many codes are sent to a mobile within a day.
pub const A_DAY_MAX: u64 = 10;
/// From the first of them on.
pub const DAY_MS: u64 = 86_400_000;

/// What a code is for; one for another purpose does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// Signing in.
    SignIn,
    /// A new mobile of somebody who is signed in (ORG-45).
    Mobile,
}

/// A code to be sent.
#[derive(Clone, Debug)]
pub struct NewCode<'a> {
    /// To whom, in the form in which numbers are compared.
    pub mobile: &'a str,
    /// What for.
    pub purpose: CodePurpose,
    /// By whom it may be used: empty where nobody is signed in, else `TENANT/NUMBER`.
    pub owner: &'a str,
    /// The code, encrypted for this mobile.
    pub sealed: Hidden,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
}

/// Whether a code may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaySend {
    /// It is noted: send it.
    Yes,
    /// Not before this time has passed, ms.
    After(u64),
}

impl Store {
    /// Notes a code, if the mobile may get one now; the one before is void. Atomic: of two at the same time one is sent.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_code(&self, code: &NewCode<'_>) -> Result<MaySend, StoreError> {
        let sql = "INSERT INTO sms_codes (mobile, purpose, owner, sealed, sent_at_ms, tries, day_began_at_ms, day_count) \
                   VALUES ($1, $2, $3, $4, $5, 0, $5, 1) \
                   ON CONFLICT (mobile) DO UPDATE SET purpose = excluded.purpose, owner = excluded.owner, \
                   sealed = excluded.sealed, sent_at_ms = excluded.sent_at_ms, tries = 0, \
                   day_count = CASE WHEN sms_codes.day_began_at_ms + $6 <= $5 THEN 1 ELSE sms_codes.day_count + 1 END, \
                   day_began_at_ms = CASE WHEN sms_codes.day_began_at_ms + $6 <= $5 THEN $5 \
                   ELSE sms_codes.day_began_at_ms END \
                   WHERE sms_codes.sent_at_ms + $7 <= $5 \
                   AND (sms_codes.day_began_at_ms + $6 <= $5 OR sms_codes.day_count < $8) RETURNING mobile";
        let purpose = word(&code.purpose);
        let args =
            args![code.mobile, purpose, code.owner, code.sealed.expose(), code.at_ms, DAY_MS, RESEND_MS, A_DAY_MAX];
        let mut tx = self.pool.write().await?;
        if tx.first(sql, args).await?.is_some() {
            tx.commit().await?;
            return Ok(MaySend::Yes);
        }
        let sql = "SELECT sent_at_ms, day_began_at_ms, day_count FROM sms_codes WHERE mobile = $1";
        let Some(row) = tx.first(sql, args![code.mobile]).await? else { return Ok(MaySend::After(RESEND_MS)) };
        let resend_ms = row.unsigned::<u64>("sent_at_ms")? + RESEND_MS;
        let is_full = row.unsigned::<u64>("day_count")? >= A_DAY_MAX;
        let day_ms = if is_full { row.unsigned::<u64>("day_began_at_ms")? + DAY_MS } else { 0 };
        Ok(MaySend::After(resend_ms.max(day_ms).saturating_sub(code.at_ms).max(1)))
    }

    /// Takes a code back that no gateway took: another may be sent at once.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn take_code_back(&self, code: &NewCode<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE sms_codes SET sealed = NULL, sent_at_ms = 0, day_count = day_count - 1 \
                   WHERE mobile = $1 AND sealed = $2";
        let mut tx = self.pool.write().await?;
        tx.execute(sql, args![code.mobile, code.sealed.expose()]).await?;
        tx.commit().await
    }

    /// The code against which a try is to be compared; the try counts from now on, also one at the same time.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn try_code(
        &self,
        mobile: &str,
        purpose: CodePurpose,
        owner: &str,
        now_ms: u64,
    ) -> Result<Option<Hidden>, StoreError> {
        let sql = "UPDATE sms_codes SET tries = tries + 1 WHERE mobile = $1 AND purpose = $2 AND owner = $3 \
                   AND sealed IS NOT NULL AND tries < $4 AND sent_at_ms + $5 > $6 RETURNING sealed";
        let purpose = word(&purpose);
        let mut tx = self.pool.write().await?;
        let row = tx.first(sql, args![mobile, purpose, owner, TRIES_MAX, CODE_MS, now_ms]).await?;
        tx.commit().await?;
        row.map(|row| row.text("sealed").map(Hidden::new)).transpose()
    }

    /// Uses a code up; false when somebody else just did.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn use_code(&self, mobile: &str, sealed: &Hidden) -> Result<bool, StoreError> {
        let sql = "UPDATE sms_codes SET sealed = NULL WHERE mobile = $1 AND sealed = $2";
        let mut tx = self.pool.write().await?;
        let used = tx.execute(sql, args![mobile, sealed.expose()]).await?;
        tx.commit().await?;
        Ok(used > 0)
    }

    /// Forgets mobiles that got no code for a day; to be called from time to time.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn sweep_codes(&self, now_ms: u64) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sms_codes WHERE sent_at_ms + $1 <= $2 AND day_began_at_ms + $1 <= $2";
        let mut tx = self.pool.write().await?;
        let gone = tx.execute(sql, args![DAY_MS, now_ms]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
