//! The employees of provisioned agents: made where there are none, then theirs who administer the people.

use hooks::fact::SettingsChanged;
use hooks::id::TenantId;
use tokio::task::spawn_blocking;

use super::first_start::AGENT_PERMISSIONS;
use crate::config::provision::ProvisionedAgent;
use crate::secrets::{hash_password, new_password};
use crate::store::employees::{Employee, Employment};
use crate::store::setting::{Change, Hidden, Origin};
use crate::store::{Store, StoreError};

/// Makes an employee for each agent who has none. An employee who is there, in service or not, is left as he is: the file makes
/// people, it does not administer them.
///
/// # Errors
/// [`StoreError`].
///
/// # Panics
/// Never: hashing a password does not.
pub(super) async fn make_employees(
    store: &Store,
    tenant: &TenantId,
    wanted: impl Iterator<Item = &ProvisionedAgent>,
) -> Result<Vec<SettingsChanged>, StoreError> {
    let mut tx = store.change(Change::system(tenant.clone(), Origin::Setup)).await?;
    // Of a password that nobody knows, one for all, because a hash is slow.
    let mut nobodys: Option<Hidden> = None;
    for it in wanted {
        if tx.find::<Employee>(it.number.as_str()).await?.is_some() {
            continue;
        }
        let password_hash = match (&it.password, &nobodys) {
            (Some(password), _) => hashed(password.0.clone()).await,
            (None, Some(hash)) => hash.clone(),
            (None, None) => nobodys.insert(hashed(new_password()).await).clone(),
        };
        let made = Employee {
            employee_no: it.number.to_string(),
            login: it.number.to_string(),
            name: it.name.clone().unwrap_or_else(|| format!("Agent {}", it.number)),
            password_hash,
            must_change: true,
            permissions: AGENT_PERMISSIONS.iter().map(|key| (*key).to_owned()).collect(),
            employment: Employment::Active,
        };
        tx.create(made).await?;
    }
    tx.commit().await
}

async fn hashed(password: String) -> Hidden {
    spawn_blocking(move || hash_password(&password)).await.expect("hashing a password does not panic")
}
