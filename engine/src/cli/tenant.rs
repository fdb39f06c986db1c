//! `switchboard tenant`: whom an installation serves. Which SIP domains mean whom is the operator's to say, never a tenant's: who could name
//! another's domain would get its phones. The next start serves what is written here, so no server may run meanwhile.

use std::collections::BTreeSet;
use std::net::IpAddr;

use dialplan::hours::Zone;
use hooks::id::TenantId;

use super::{CliError, TenantAction};
use crate::config::{Config, is_host};
use crate::data_lock::DataLock;
use crate::provision::first_start::{self, ADMIN, Passwords};
use crate::store::setting::{Change, Expect, Origin};
use crate::store::tenants::Tenant;
use crate::store::{Store, StoreError};

/// Domains of one tenant.
const DOMAINS_MAX: usize = 16;

pub(super) async fn run(config: &Config, action: TenantAction) -> Result<String, CliError> {
    let _lock = match &action {
        TenantAction::List => None,
        TenantAction::Add { .. } | TenantAction::Domains { .. } => {
            Some(DataLock::take(&config.data_dir).map_err(|error| CliError::Failed(error.to_string()))?)
        }
    };
    let store = Store::open(&config.storage).await?;
    let done = act(&store, action).await;
    store.close().await;
    done
}

async fn act(store: &Store, action: TenantAction) -> Result<String, CliError> {
    let tenants: Vec<Tenant> = store.tenants().await?.into_iter().map(|stored| stored.value).collect();
    match action {
        TenantAction::List => Ok(list(&tenants)),
        TenantAction::Add { slug, name, domains, time_zone } => {
            let tenant = Tenant {
                domains: checked(&tenants, None, domains)?,
                time_zone: zone(time_zone)?,
                ..Tenant::new(slug_of(&slug)?, named(&name)?)
            };
            add(store, &tenants, tenant).await
        }
        TenantAction::Domains { slug, domains } => {
            let slug = slug_of(&slug)?;
            let domains = checked(&tenants, Some(&slug), domains)?;
            let Some(tenant) = tenants.into_iter().find(|tenant| tenant.slug == slug) else {
                return Err(CliError::Failed(format!("there is no tenant {slug}")));
            };
            let said = format!("{} mean tenant {slug} from the next start on", domains.join(", "));
            let mut tx = store.change(Change::system(slug, Origin::Cli)).await?;
            tx.update(Tenant { domains, ..tenant }, Expect::Any).await?;
            tx.commit().await?;
            Ok(said)
        }
    }
}

fn list(tenants: &[Tenant]) -> String {
    let line = |tenant: &Tenant| {
        let domains = if tenant.domains.is_empty() { "no domain".to_owned() } else { tenant.domains.join(", ") };
        format!("{}\t{}\t{domains}", tenant.slug, tenant.name)
    };
    tenants.iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn add(store: &Store, tenants: &[Tenant], tenant: Tenant) -> Result<String, CliError> {
    // With several, a phone is told to whom it belongs by the domain alone (decision 8).
    if let Some(nameless) = tenants.iter().find(|tenant| tenant.domains.is_empty()) {
        let slug = &nameless.slug;
        return Err(CliError::Failed(format!(
            "tenant {slug} has no SIP domain, and its phones could not be told apart: name one first by `switchboard tenant domains {slug} DOMAIN`"
        )));
    }
    let (slug, domains) = (tenant.slug.clone(), tenant.domains.join(", "));
    let passwords = Passwords::Random;
    let password = passwords.make();
    let mut tx = store.change(Change::system(slug.clone(), Origin::Cli)).await?;
    match first_start::found(&mut tx, tenant, &password, &passwords).await {
        Err(StoreError::Exists { .. }) => return Err(CliError::Failed(format!("there is a tenant {slug} already"))),
        done => done?,
    }
    tx.commit().await?;
    Ok(format!(
        "tenant {slug} ({domains}) is served from the next start on; {ADMIN} may sign in to it with the password {password}"
    ))
}

fn slug_of(text: &str) -> Result<TenantId, CliError> {
    text.parse().map_err(|error| CliError::Usage(format!("{text}: {error}")))
}

fn named(text: &str) -> Result<&str, CliError> {
    let fits = (1..=64).contains(&text.trim().chars().count());
    if fits {
        Ok(text.trim())
    } else {
        Err(CliError::Usage("--name: a tenant's name is 1 to 64 characters".to_owned()))
    }
}

fn zone(text: String) -> Result<String, CliError> {
    text.parse::<Zone>().map_err(|error| CliError::Usage(format!("--time-zone: {error}")))?;
    Ok(text)
}

/// In small letters, each once, none that is another's.
fn checked(tenants: &[Tenant], own: Option<&TenantId>, domains: Vec<String>) -> Result<Vec<String>, CliError> {
    let domains: BTreeSet<String> = domains.into_iter().map(|domain| domain.to_ascii_lowercase()).collect();
    if domains.len() > DOMAINS_MAX {
        return Err(CliError::Usage(format!("a tenant has at most {DOMAINS_MAX} domains")));
    }
    for domain in &domains {
        // An address means the only tenant there is (decision 8).
        if !is_host(domain) || domain.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return Err(CliError::Usage(format!("{domain} is no domain; write it as sip.example.com")));
        }
        let of_another = |tenant: &&Tenant| own != Some(&tenant.slug) && tenant.domains.contains(domain);
        if let Some(other) = tenants.iter().find(of_another) {
            return Err(CliError::Failed(format!("{domain} means tenant {} already", other.slug)));
        }
    }
    Ok(domains.into_iter().collect())
}
