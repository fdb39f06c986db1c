//! `switchboard user`: for the day nobody can sign in any more (LOGIN-06).

use hooks::id::TenantId;

use super::{CliError, UserAction};
use crate::config::Config;
use crate::secrets::{hash_password, new_password};
use crate::store::Store;
use crate::store::employees::{
    Employee, NUMBER_RULE, NewPassword, USER_NAME_RULE, is_employee_number, is_user_name, next_number,
};
use crate::store::roles::Role;
use crate::store::setting::{Change, Origin, caseless};

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
        UserAction::Create { login, employee_no, name, admin, role } => {
            check_login(&login)?;
            let number = match employee_no {
                Some(number) if is_employee_number(&number) => number,
                Some(_) => return Err(CliError::Usage(NUMBER_RULE.to_owned())),
                None => next_number(&store.all::<Employee>(tenant).await?),
            };
            let role = if admin { Role::ADMINISTRATOR.to_owned() } else { find_role(store, tenant, role).await? };
            let password = new_password();
            let employee = Employee {
                name: name.unwrap_or_else(|| login.clone()),
                login,
                role,
                ..Employee::new(&number, hash_password(&password))
            };
            let login = employee.login.clone();
            let mut tx = store.change(change).await?;
            tx.create(employee).await?;
            tx.is_born_joined(&number).await?;
            tx.commit().await?;
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

async fn find_role(store: &Store, tenant: &TenantId, name: Option<String>) -> Result<String, CliError> {
    let roles = store.all::<Role>(tenant).await?;
    let wanted = caseless(name.as_deref().unwrap_or("Agent"));
    let found = roles.iter().find(|role| caseless(&role.value.name) == wanted);
    found.map(|role| role.value.id.clone()).ok_or_else(|| {
        let names: Vec<&str> = roles.iter().map(|role| role.value.name.as_str()).collect();
        CliError::Usage(format!("--role: there is no role {wanted}; there are {}", names.join(", ")))
    })
}

fn check_login(login: &str) -> Result<(), CliError> {
    if is_user_name(login) { Ok(()) } else { Err(CliError::Usage(USER_NAME_RULE.to_owned())) }
}
