//! Pictures of employees. They stand in the database, in base64: they are small, and a backup has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hooks::id::TenantId;
use serde::{Deserialize, Serialize};

use super::employees::Employee;
use super::setting::{Expect, Setting as _, SettingsTx, Stored};
use super::sql::{args, word};
use super::{Store, StoreError};
use crate::secrets::to_hex;

/// What a picture is coded as (ORG-21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its coding.
    pub kind: PictureKind,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl SettingsTx {
    /// Sets the picture of an employee, or takes it away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn set_avatar(
        &mut self,
        employee_no: &str,
        picture: Option<&Picture>,
    ) -> Result<Stored<Employee>, StoreError> {
        let none = || StoreError::NotFound { resource: Employee::RESOURCE, id: employee_no.to_owned() };
        let stored = self.find::<Employee>(employee_no).await?.ok_or_else(none)?;
        let (conn, change) = self.parts();
        let tenant = change.tenant.as_str();
        match picture {
            Some(picture) => {
                let sql = "INSERT INTO avatars (tenant, employee_no, kind, image) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (tenant, employee_no) DO UPDATE SET kind = excluded.kind, image = excluded.image";
                let args = args![tenant, employee_no, word(&picture.kind), STANDARD.encode(&picture.bytes)];
                conn.execute(sql, args).await?;
            }
            None => {
                let sql = "DELETE FROM avatars WHERE tenant = $1 AND employee_no = $2";
                conn.execute(sql, args![tenant, employee_no]).await?;
            }
        }
        let avatar = picture.map(|picture| sha256(&picture.bytes));
        self.update(Employee { avatar, ..stored.value }, Expect::Version(stored.version)).await
    }
}

impl Store {
    /// The picture of an employee.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn avatar(&self, tenant: &TenantId, employee_no: &str) -> Result<Option<Picture>, StoreError> {
        let sql = "SELECT kind, image FROM avatars WHERE tenant = $1 AND employee_no = $2";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), employee_no]).await?;
        let Some(row) = row else { return Ok(None) };
        let bytes = STANDARD.decode(row.text("image")?).map_err(|error| StoreError::corrupt("image", error))?;
        Ok(Some(Picture { kind: row.word("kind")?, bytes }))
    }
}

fn sha256(bytes: &[u8]) -> String {
    to_hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}
