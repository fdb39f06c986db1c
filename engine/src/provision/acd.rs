//! Agents and queues that the configuration file provisions.

use std::collections::BTreeSet;

use dialplan::number::AgentNumber;

use super::{delete_others, put};
use crate::config::provision::{ProvisionedAgent, ProvisionedQueue};
use crate::http::permission::{
    AGENTS_READ, AGENTS_WORK, CALLS_DIAL, CALLS_READ, EXTENSIONS_READ, EXTENSIONS_USE, QUEUES_READ,
};
use crate::secrets::{hash_password, new_password, verify_password};
use crate::store::StoreError;
use crate::store::agents::Agent;
use crate::store::employees::{Employee, Employment};
use crate::store::queues::Queue;
use crate::store::setting::{Hidden, SettingsTx};

/// What the account of an agent may do: sign in, dial, and see colleagues and queues.
#[must_use]
pub fn agent_permissions() -> Vec<String> {
    let keys = [AGENTS_READ, AGENTS_WORK, CALLS_DIAL, CALLS_READ, EXTENSIONS_READ, EXTENSIONS_USE, QUEUES_READ];
    keys.iter().map(|key| key.0.to_owned()).collect()
}

/// The account of an agent: the employee number is the user name, too.
#[must_use]
pub fn agent_account(number: &AgentNumber, name: &str, password_hash: Hidden, must_change: bool) -> Employee {
    Employee {
        employee_no: number.to_string(),
        login: number.to_string(),
        name: name.to_owned(),
        password_hash,
        must_change,
        permissions: agent_permissions(),
        employment: Employment::Active,
    }
}

pub(super) async fn apply_agents(
    tx: &mut SettingsTx,
    wanted: impl Iterator<Item = &ProvisionedAgent>,
) -> Result<(), StoreError> {
    let (mut keep, mut accounts) = (BTreeSet::new(), BTreeSet::new());
    for it in wanted {
        let there = tx.find::<Employee>(it.agent.employee_no.as_str()).await?;
        // An account that people made is theirs.
        if there.as_ref().is_none_or(crate::store::setting::Stored::is_read_only) {
            let account = account(it, there.map(|stored| stored.value)).await;
            accounts.insert(put(tx, account).await?);
        }
        keep.insert(put(tx, it.agent.clone()).await?);
    }
    delete_others::<Agent>(tx, &keep).await?;
    delete_others::<Employee>(tx, &accounts).await
}

/// A hash is another text each time, so the one that stands there is kept where it means the same.
async fn account(it: &ProvisionedAgent, before: Option<Employee>) -> Employee {
    let before = before.map(|employee| employee.password_hash);
    let password = it.password.as_ref().map(|password| password.0.clone());
    let hashing = tokio::task::spawn_blocking(move || match (before, password) {
        (Some(hash), None) => hash,
        (Some(hash), Some(password)) if verify_password(&hash, &password).unwrap_or(false) => hash,
        (_, Some(password)) => hash_password(&password),
        // Nobody knows this password.
        (None, None) => hash_password(&new_password()),
    });
    let hash = hashing.await.expect("hashing a password does not panic");
    let name = if it.name.is_empty() { it.agent.employee_no.as_str() } else { &it.name };
    agent_account(&it.agent.employee_no, name, hash, false)
}

pub(super) async fn apply_queues(
    tx: &mut SettingsTx,
    wanted: impl Iterator<Item = &ProvisionedQueue>,
) -> Result<(), StoreError> {
    let mut keep = BTreeSet::new();
    for it in wanted {
        keep.insert(put(tx, it.queue.clone()).await?);
    }
    delete_others::<Queue>(tx, &keep).await
}
