//! `switchboard user`: for the day nobody can sign in any more (LOGIN-06).

use hooks::id::TenantId;

use super::{CliError, UserAction};
use crate::config::Config;
use crate::secrets::{hash_password, new_password};
use crate::store::Store;
use crate::store::employees::{Employee, Employment, NewPassword};
use crate::store::setting::{Change, Origin};

pub(super) async fn run(config: &Config, tenant: &str, action: UserAction) -> Result<String, CliError> {
    let tenant: TenantId = tenant.parse().map_err(|error| CliError::Usage(format!("--tenant: {error}")))?;
    let store = Store::open(&config.storage).await?;
    if store.tenants().await?.iter().all(|stored| stored.value.slug != tenant) {
        return Err(CliError::Failed(format!("there is no tenant {tenant}, start the server once or name another")));
    }
    let done = act(&store, &tenant, action).await;
    store.close().await;
    done
}

async fn act(store: &Store, tenant: &TenantId, action: UserAction) -> Result<String, CliError> {
    let change = Change::system(tenant.clone(), Origin::Cli);
    match action {
        UserAction::Create { login, employee_no, name, admin } => {
            check_login(&login)?;
            let password = new_password();
            let employee = Employee {
                employee_no: employee_no.unwrap_or_else(|| login.clone()),
                name: name.unwrap_or_else(|| login.clone()),
                password_hash: hash_password(&password),
                must_change: true,
                permissions: if admin { vec!["*".to_owned()] } else { Vec::new() },
                employment: Employment::Active,
                login,
            };
            let login = employee.login.clone();
            store.create(change, employee).await?;
            Ok(format!("{login} may sign in with the password {password}"))
        }
        UserAction::Password { login } => {
            let employee_no = find(store, tenant, &login).await?;
            let password = new_password();
            store.set_password(change, &employee_no, NewPassword::Initial(hash_password(&password))).await?;
            Ok(format!("{login} may sign in with the password {password}"))
        }
        UserAction::Unlock { login } => {
            let employee_no = find(store, tenant, &login).await?;
            store.unlock(change, &employee_no).await?;
            Ok(format!("{login} is not locked"))
        }
    }
}

async fn find(store: &Store, tenant: &TenantId, login: &str) -> Result<String, CliError> {
    let account = store.account(tenant, login).await?;
    let account = account.ok_or_else(|| CliError::Failed(format!("there is no user {login} in tenant {tenant}")))?;
    Ok(account.employee.value.employee_no)
}

/// LOGIN-04: 2 to 32 characters.
fn check_login(login: &str) -> Result<(), CliError> {
    let length = login.chars().count();
    if (2..=32).contains(&length) && !login.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Ok(())
    } else {
        Err(CliError::Usage("a user name is 2 to 32 characters without spaces".to_owned()))
    }
}
