//! The employees of provisioned agents: made where there are none, then theirs who administer the people.

use hooks::fact::SettingsChanged;
use hooks::id::TenantId;
use tokio::task::spawn_blocking;

use crate::config::provision::ProvisionedAgent;
use crate::secrets::{hash_password, new_password};
use crate::store::employees::Employee;
use crate::store::roles::Role;
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
        // Somebody may have deleted the role that nobody had.
        if tx.find::<Role>(Role::AGENT).await?.is_none() {
            tx.create(Role::agent()).await?;
        }
        let made = Employee {
            name: it.name.clone().unwrap_or_else(|| format!("Agent {}", it.number)),
            ..Employee::new(it.number.as_str(), password_hash)
        };
        tx.create(made).await?;
        tx.is_born_joined(it.number.as_str()).await?;
    }
    tx.commit().await
}

async fn hashed(password: String) -> Hidden {
    spawn_blocking(move || hash_password(&password)).await.expect("hashing a password does not panic")
}
