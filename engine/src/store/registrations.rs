//! Registrations as the journal tells them: what a restarted switch begins with.

use hooks::fact::RegistrationBound;
use hooks::id::TenantId;

use super::sql::{Conn, Row, args};
use super::{Store, StoreError};

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationChange {
    /// It stands so since `at_ms`.
    Bound {
        /// When this was written down, ms since the Unix epoch.
        at_ms: u64,
        /// The binding.
        binding: RegistrationBound,
    },
    /// It is gone.
    Unbound {
        /// The extension.
        extension: String,
        /// The Contact as registered.
        contact: String,
    },
}

/// A registration as last written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// When, ms since the Unix epoch.
    pub bound_at_ms: u64,
    /// The binding.
    pub binding: RegistrationBound,
}

impl Store {
    /// Registrations of a tenant that have not run out, by extension and contact.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn registrations(&self, tenant: &TenantId, now_ms: u64) -> Result<Vec<Registration>, StoreError> {
        let sql = "SELECT * FROM registrations WHERE tenant = $1 AND expires_at_ms > $2 ORDER BY extension, contact";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), now_ms]).await?;
        rows.iter().map(registration).collect()
    }
}

pub(super) async fn apply(
    conn: &mut Conn,
    tenant: &TenantId,
    changes: &[RegistrationChange],
) -> Result<(), StoreError> {
    for change in changes {
        match change {
            RegistrationChange::Bound { at_ms, binding } => bind(conn, tenant, *at_ms, binding).await?,
            RegistrationChange::Unbound { extension, contact } => {
                let sql = "DELETE FROM registrations WHERE tenant = $1 AND extension = $2 AND contact = $3";
                conn.execute(sql, args![tenant.as_str(), extension.as_str(), contact.as_str()]).await?;
            }
        }
    }
    Ok(())
}

async fn bind(conn: &mut Conn, tenant: &TenantId, at_ms: u64, binding: &RegistrationBound) -> Result<(), StoreError> {
    let sql = "INSERT INTO registrations (tenant, extension, contact, source, local, user_agent, sip_call_id, cseq, \
               bound_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               ON CONFLICT (tenant, extension, contact) DO UPDATE SET source = excluded.source, local = excluded.local, \
               user_agent = excluded.user_agent, sip_call_id = excluded.sip_call_id, cseq = excluded.cseq, \
               bound_at_ms = excluded.bound_at_ms, expires_at_ms = excluded.expires_at_ms";
    let args = args![
        tenant.as_str(),
        binding.extension.as_str(),
        binding.contact.as_str(),
        binding.source.as_str(),
        binding.local.as_str(),
        binding.user_agent.as_str(),
        binding.sip_call_id.as_str(),
        binding.cseq,
        at_ms,
        binding.expires_at_ms,
    ];
    conn.execute(sql, args).await?;
    Ok(())
}

fn registration(row: &Row) -> Result<Registration, StoreError> {
    Ok(Registration {
        bound_at_ms: row.unsigned("bound_at_ms")?,
        binding: RegistrationBound {
            extension: row.text("extension")?,
            contact: row.text("contact")?,
            // Only the switch needs it, which reads the journal.
            path: Vec::new(),
            source: row.text("source")?,
            local: row.text("local")?,
            user_agent: row.text("user_agent")?,
            sip_call_id: row.text("sip_call_id")?,
            cseq: row.unsigned("cseq")?,
            expires_at_ms: row.unsigned("expires_at_ms")?,
        },
    })
}
