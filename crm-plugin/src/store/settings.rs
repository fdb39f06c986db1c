//! The CRM's own settings of a tenant.

use hooks::id::TenantId;

use super::query::{number, unsigned};
use super::{CrmStore, StoreError};

/// A tenant's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// After so many hours an occupied lost call is released; 0: never (LOST-10).
    pub(crate) lost_auto_release_h: u64,
    /// Grows with each change; 0 where nothing was ever set.
    pub(crate) version: u64,
}

impl CrmStore {
    /// The settings of a tenant.
    pub(crate) fn settings(&self, tenant: &TenantId) -> Result<Settings, StoreError> {
        let query = sqlx::query("SELECT * FROM crm_setting WHERE tenant = $1").bind(tenant.as_str());
        let row = self.run(async { Ok(query.fetch_optional(&self.pool).await?) })?;
        let Some(row) = row else { return Ok(Settings::default()) };
        Ok(Settings {
            lost_auto_release_h: unsigned(&row, "lost_auto_release_h")?,
            version: unsigned(&row, "version")?,
        })
    }

    /// Sets them where they are of a version among `if_match`; `None` where they are not.
    pub(crate) fn set(
        &self,
        tenant: &TenantId,
        lost_auto_release_h: u64,
        if_match: Option<&[u64]>,
    ) -> Result<Option<Settings>, StoreError> {
        let now = self.settings(tenant)?;
        if if_match.is_some_and(|versions| !versions.contains(&now.version)) {
            return Ok(None);
        }
        let set = self.run(async {
            let (_turn, mut transaction) = self.begin().await?;
            let sql = "INSERT INTO crm_setting (tenant, lost_auto_release_h, version) VALUES ($1, $2, $3 + 1)
                 ON CONFLICT (tenant) DO UPDATE SET lost_auto_release_h = excluded.lost_auto_release_h, version = excluded.version
                 WHERE crm_setting.version = $3";
            let query = sqlx::query(sql).bind(tenant.as_str()).bind(number(lost_auto_release_h)).bind(number(now.version));
            let set = query.execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(set.rows_affected())
        })?;
        Ok((set > 0).then_some(Settings { lost_auto_release_h, version: now.version + 1 }))
    }
}
