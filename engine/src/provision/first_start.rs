//! The first start: an installation that can be used at once. Tenant `default` with its root department and the roles of administrators
//! and agents (ORG-38), administrator `admin`, extensions 1001 to 1003
//! with a random password each, agents 10001 to 10003 for them, queue `support` (7000), conference room 8000, and a sample inbound
//! route.

use std::fmt::Write as _;
use std::path::PathBuf;

use hooks::id::TenantId;

use crate::centre::{AgentRules, QueueMember, QueueRules};
use crate::config::Config;
use crate::secrets::{hash_password, new_password, write_private};
use crate::store::agents::Agent;
use crate::store::departments::Department;
use crate::store::employees::Employee;
use crate::store::extensions::Extension;
use crate::store::queues::Queue;
use crate::store::roles::Role;
use crate::store::rooms::Room;
use crate::store::routes::{Route, RouteRule, RouteTarget};
use crate::store::setting::{Change, Origin, SettingsTx};
use crate::store::tenants::Tenant;
use crate::store::{Store, StoreError};

/// The first administrator's user name.
pub const ADMIN: &str = "admin";
/// His employee number: the least there may be (ORG-22).
pub const ADMIN_NUMBER: &str = "10000";
/// The demo phones.
pub const PHONES: [&str; 3] = ["1001", "1002", "1003"];
/// The agents of the demo phones, in their order.
pub const AGENTS: [&str; 3] = ["10001", "10002", "10003"];
/// Their queue, and its number.
pub const QUEUE: (&str, &str) = ("support", "7000");
/// The conference room.
pub const ROOM: &str = "8000";
/// In the environment of the first start it makes every password that value, and asks for no change of it (for scripts).
pub const DEMO_PASSWORD: &str = "SWITCHBOARD_DEMO_PASSWORD";

/// What the first start made: shown once, and kept in `first-login.txt`.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstLogin {
    /// The administrator's password.
    pub admin_password: String,
    /// Each demo phone's number and SIP password.
    pub phones: Vec<(String, String)>,
    /// Each agent's number and password.
    pub agents: Vec<(String, String)>,
    /// Where this is kept.
    pub file: PathBuf,
}

impl FirstLogin {
    /// As it is printed and kept.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("administrator: {ADMIN}\npassword: {}\n\n", self.admin_password);
        text.push_str("demo phones with their SIP passwords (user name and authentication name are the number):\n");
        for (number, password) in &self.phones {
            let _ = writeln!(text, "  {number}  {password}");
        }
        text.push_str("\nagents with their passwords (user name is the number), in queue support, number 7000:\n");
        for (number, password) in &self.agents {
            let _ = writeln!(text, "  {number}  {password}");
        }
        text
    }
}

impl std::fmt::Debug for FirstLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstLogin").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Why the first start failed. It is done again at the next one.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file with the passwords.
    #[error("cannot write {path}: {source}")]
    File {
        /// Where.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// How passwords are made.
#[derive(Clone, Debug)]
pub enum Passwords {
    /// Each its own, and the administrator changes theirs at the first sign-in.
    Random,
    /// All the same, as [`DEMO_PASSWORD`] says.
    Demo(String),
}

impl Passwords {
    /// As the environment says.
    #[must_use]
    pub fn from_env() -> Self {
        std::env::var(DEMO_PASSWORD).ok().filter(|text| !text.is_empty()).map_or(Self::Random, Self::Demo)
    }

    /// A password.
    #[must_use]
    pub fn make(&self) -> String {
        match self {
            Self::Random => new_password(),
            Self::Demo(password) => password.clone(),
        }
    }
}

/// Fills an empty database; `None` where there is a tenant already. The passwords are on the disk before they hold, so a
/// crash between loses none: the next start begins anew.
///
/// # Errors
/// [`FirstStartError`].
///
/// # Panics
/// Never: the names in here are well formed.
pub async fn run(store: &Store, config: &Config, passwords: &Passwords) -> Result<Option<FirstLogin>, FirstStartError> {
    if !store.tenants().await?.is_empty() {
        return Ok(None);
    }
    let first = FirstLogin {
        admin_password: passwords.make(),
        phones: PHONES.iter().map(|number| ((*number).to_owned(), passwords.make())).collect(),
        agents: AGENTS.iter().map(|number| ((*number).to_owned(), passwords.make())).collect(),
        file: config.first_login_file(),
    };
    write_private(&first.file, first.text().as_bytes())
        .map_err(|source| FirstStartError::File { path: first.file.display().to_string(), source })?;
    let tenant = TenantId::first();
    let mut tx = store.change(Change::system(tenant.clone(), Origin::Setup)).await?;
    // The demo's two phones are heard on its recording.
    let tenant = Tenant { record_internal: true, ..Tenant::new(tenant, "Default") };
    found(&mut tx, tenant, &first.admin_password, passwords).await?;
    for (number, password) in &first.phones {
        let number = number.parse().expect("a demo phone's number is an extension");
        let extension = Extension::new(number, &config.sip.domain, password);
        tx.create(Extension { record: true, display_name: format!("Phone {}", extension.number), ..extension }).await?;
    }
    for ((number, password), extension) in first.agents.iter().zip(PHONES) {
        tx.create(employee(number, &format!("Agent {number}"), password, passwords).await).await?;
        tx.is_born_joined(number).await?;
        let rules = AgentRules { extension: Some(extension.to_owned()), ..AgentRules::default() };
        tx.create(Agent { agent: number.parse().expect("an agent's number"), rules }).await?;
    }
    tx.create(support()).await?;
    tx.create(Room { name: "Conference".to_owned(), ..Room::new(ROOM.parse().expect("a room's number")) }).await?;
    tx.create(sample_route()).await?;
    tx.commit().await?;
    Ok(Some(first))
}

/// A tenant with what each has from its first day (ORG-38): the root department, the roles of administrators and agents, and an
/// administrator.
///
/// # Errors
/// [`StoreError`].
pub async fn found(
    tx: &mut SettingsTx,
    tenant: Tenant,
    password: &str,
    passwords: &Passwords,
) -> Result<(), StoreError> {
    let root = Department::root(&tenant.name);
    tx.create(tenant).await?;
    tx.create(root).await?;
    tx.create(Role::administrator()).await?;
    tx.create(Role::agent()).await?;
    let admin = employee(ADMIN_NUMBER, "Administrator", password, passwords).await;
    tx.create(Employee { login: ADMIN.to_owned(), role: Role::ADMINISTRATOR.to_owned(), ..admin }).await?;
    tx.is_born_joined(ADMIN_NUMBER).await
}

async fn employee(number: &str, name: &str, password: &str, passwords: &Passwords) -> Employee {
    let password = password.to_owned();
    let hashing = tokio::task::spawn_blocking(move || hash_password(&password));
    Employee {
        name: name.to_owned(),
        must_change: matches!(passwords, Passwords::Random),
        ..Employee::new(number, hashing.await.expect("hashing a password does not panic"))
    }
}

/// All three agents, and everything at its default.
fn support() -> Queue {
    let member = |(agent, order): (&&str, u16)| QueueMember { agent: (*agent).to_owned(), level: 1, order };
    let rules = QueueRules {
        number: Some(QUEUE.1.to_owned()),
        members: AGENTS.iter().zip(1..).map(member).collect(),
        ..QueueRules::default()
    };
    Queue { name: QUEUE.0.parse().expect("a slug"), rules }
}

/// Whatever comes in by a trunk rings the first phone, until somebody makes a better route.
fn sample_route() -> Route {
    let first: RouteTarget = PHONES[0].parse().expect("a demo phone's number is a target");
    Route {
        name: "sample".parse().expect("a slug"),
        place: 1_000,
        rule: RouteRule::Inbound {
            trunk: None,
            did: "*".parse().expect("takes all"),
            to: first,
            hours: None,
            closed: None,
        },
    }
}
