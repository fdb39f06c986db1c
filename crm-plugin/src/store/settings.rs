//! The CRM's own settings of a tenant.

use hooks::id::TenantId;

use super::query::{number, unsigned};
use super::{CrmStore, StoreError};

/// A tenant's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// After so many hours an occupied lost call is released; 0: never (LOST-10).
    pub(crate) lost_auto_release_h: u64,
    /// Between two short messages to one number there are at least so many seconds (SMS-04).
    pub(crate) sms_interval_s: u64,
    /// A number gets at most so many short messages in 24 hours (SMS-04).
    pub(crate) sms_day_max: u64,
    /// Grows with each change; 0 where nothing was ever set.
    pub(crate) version: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lost_auto_release_h: 0, sms_interval_s: 60, sms_day_max: 10, version: 0 }
    }
}

impl CrmStore {
    /// The settings of a tenant.
    pub(crate) fn settings(&self, tenant: &TenantId) -> Result<Settings, StoreError> {
        let query = sqlx::query("SELECT * FROM crm_setting WHERE tenant = $1").bind(tenant.as_str());
        let row = self.run(async { Ok(query.fetch_optional(&self.pool).await?) })?;
        let Some(row) = row else { return Ok(Settings::default()) };
        Ok(Settings {
            lost_auto_release_h: unsigned(&row, "lost_auto_release_h")?,
            sms_interval_s: unsigned(&row, "sms_interval_s")?,
            sms_day_max: unsigned(&row, "sms_day_max")?,
            version: unsigned(&row, "version")?,
        })
    }

    /// Sets them where `wanted.version` is the one they are of; `None` where it is not.
    pub(crate) fn set(&self, tenant: &TenantId, wanted: Settings) -> Result<Option<Settings>, StoreError> {
        let set = self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql = "INSERT INTO crm_setting (tenant, lost_auto_release_h, sms_interval_s, sms_day_max, version)
                 VALUES ($1, $2, $3, $4, $5 + 1)
                 ON CONFLICT (tenant) DO UPDATE SET lost_auto_release_h = excluded.lost_auto_release_h,
                 sms_interval_s = excluded.sms_interval_s, sms_day_max = excluded.sms_day_max, version = excluded.version
                 WHERE crm_setting.version = $5";
            let query = sqlx::query(sql)
                .bind(tenant.as_str())
                .bind(number(wanted.lost_auto_release_h))
                .bind(number(wanted.sms_interval_s))
                .bind(number(wanted.sms_day_max))
                .bind(number(wanted.version));
            let set = query.execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(set.rows_affected())
        })?;
        Ok((set > 0).then_some(Settings { version: wanted.version + 1, ..wanted }))
    }
}
