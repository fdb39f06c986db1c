//! Where each consumer of the journal stands. A cursor moves in the transaction that stores what was derived, so that every
//! fact counts once, whatever dies when.

use hooks::id::TenantId;
use hooks::position::Position;

use super::sql::{Conn, args};
use super::{Store, StoreError};

impl Store {
    /// Where a consumer stands: the last fact it has stored something of; the start where it never did.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn cursor(&self, tenant: &TenantId, consumer: &str) -> Result<Position, StoreError> {
        let sql = "SELECT epoch, number FROM cursors WHERE tenant = $1 AND consumer = $2";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), consumer]).await?;
        let Some(row) = row else { return Ok(Position::start(tenant.clone())) };
        Ok(Position { tenant: tenant.clone(), epoch: row.unsigned("epoch")?, number: row.unsigned("number")? })
    }
}

/// Moves a cursor from where it was read to `to`.
pub(super) async fn advance(conn: &mut Conn, consumer: &str, from: &Position, to: &Position) -> Result<(), StoreError> {
    let tenant = to.tenant.as_str();
    let moved = if from.number == 0 {
        let sql = "INSERT INTO cursors (tenant, consumer, epoch, number) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (tenant, consumer) DO NOTHING";
        conn.execute(sql, args![tenant, consumer, to.epoch, to.number]).await?
    } else {
        let sql = "UPDATE cursors SET epoch = $3, number = $4 \
                   WHERE tenant = $1 AND consumer = $2 AND epoch = $5 AND number = $6";
        conn.execute(sql, args![tenant, consumer, to.epoch, to.number, from.epoch, from.number]).await?
    };
    if moved == 1 { Ok(()) } else { Err(StoreError::CursorMoved { consumer: consumer.to_owned() }) }
}
