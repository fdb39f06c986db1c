//! The first start: an installation that can be used at once. Tenant `default`, administrator `admin`, extensions 1001 to 1003
//! with a random password each, conference room 8000, and a sample inbound route.

use std::fmt::Write as _;
use std::path::PathBuf;

use hooks::id::TenantId;

use crate::config::Config;
use crate::secrets::{hash_password, new_password, write_private};
use crate::store::employees::{Employee, Employment};
use crate::store::extensions::Extension;
use crate::store::rooms::Room;
use crate::store::routes::{Route, RouteRule, RouteTarget};
use crate::store::setting::{Change, Origin};
use crate::store::tenants::Tenant;
use crate::store::{Store, StoreError};

/// The first administrator's user name and employee number.
pub const ADMIN: &str = "admin";
/// The demo phones.
pub const PHONES: [&str; 3] = ["1001", "1002", "1003"];
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

    fn make(&self) -> String {
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
        file: config.first_login_file(),
    };
    write_private(&first.file, first.text().as_bytes())
        .map_err(|source| FirstStartError::File { path: first.file.display().to_string(), source })?;
    let tenant = TenantId::first();
    let mut tx = store.change(Change::system(tenant.clone(), Origin::Setup)).await?;
    // The demo's two phones are heard on its recording.
    tx.create(Tenant { record_internal: true, ..Tenant::new(tenant, "Default") }).await?;
    tx.create(administrator(&first.admin_password, passwords).await).await?;
    for (number, password) in &first.phones {
        let number = number.parse().expect("a demo phone's number is an extension");
        let extension = Extension::new(number, &config.sip.domain, password);
        tx.create(Extension { record: true, display_name: format!("Phone {}", extension.number), ..extension }).await?;
    }
    tx.create(Room { name: "Conference".to_owned(), ..Room::new(ROOM.parse().expect("a room's number")) }).await?;
    tx.create(sample_route()).await?;
    tx.commit().await?;
    Ok(Some(first))
}

async fn administrator(password: &str, passwords: &Passwords) -> Employee {
    let password = password.to_owned();
    let hashing = tokio::task::spawn_blocking(move || hash_password(&password));
    Employee {
        employee_no: ADMIN.to_owned(),
        login: ADMIN.to_owned(),
        name: "Administrator".to_owned(),
        password_hash: hashing.await.expect("hashing a password does not panic"),
        must_change: matches!(passwords, Passwords::Random),
        permissions: vec!["*".to_owned()],
        employment: Employment::Active,
    }
}

/// Whatever comes in by a trunk rings the first phone, until somebody makes a better route.
fn sample_route() -> Route {
    let first: RouteTarget = PHONES[0].parse().expect("a demo phone's number is a target");
    Route {
        name: "sample".parse().expect("a slug"),
        place: 1_000,
        rule: RouteRule::Inbound { trunk: None, did: "*".parse().expect("takes all"), to: first },
    }
}
