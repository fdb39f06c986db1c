//! The command line: `switchboard serve|check|tenant|user|migrate|simulate|backup|restore|move|version`. `serve` is the caller's; the rest is
//! done here and gives text to print. Exit codes: 0 ok, 1 failed, 2 wrong usage or invalid configuration.

mod backup;
mod relocate;
mod simulate;
mod tenant;
mod user;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError, StorageUrl};
use crate::store::{Store, StoreError};
use crate::tls;

/// A call centre in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "switchboard",
    version,
    about = "A call centre in one binary: SIP, media, queues, recording and a CRM on hooks"
)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "conf/switchboard.toml")]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the call centre until it is stopped.
    Serve,
    /// Check the configuration: names file, line and mend of everything wrong.
    Check,
    /// Make another tenant (an enterprise of its own in this installation), name SIP domains, or list them, while no server runs.
    Tenant {
        /// What to do.
        #[command(subcommand)]
        action: TenantAction,
    },
    /// Make an employee, set a password, or lift a lock.
    User {
        /// The tenant.
        #[arg(long, default_value = "default")]
        tenant: String,
        /// What to do.
        #[command(subcommand)]
        action: UserAction,
    },
    /// Bring the database schema up to date.
    Migrate,
    /// Try a flow without phones: checks it, walks it with the keys given, and says what it does.
    Simulate(simulate::Simulation),
    /// Copy databases, journal, keys, prompts and recordings to a new folder, while the server runs.
    Backup {
        /// The folder; it must not exist.
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// Leave the audio of recordings and messages out.
        #[arg(long)]
        without_recordings: bool,
    },
    /// Put a backup into the empty data folder of the configuration, while no server runs.
    Restore {
        /// The folder of the backup.
        #[arg(long, value_name = "FOLDER")]
        from: PathBuf,
    },
    /// Move everything from one database into another, empty one, while no server runs.
    Move {
        /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
        #[arg(long, value_name = "URL")]
        from: StorageUrl,
        /// The same.
        #[arg(long, value_name = "URL")]
        to: StorageUrl,
    },
    /// Print the OpenAPI document of the API, plugins included.
    Openapi,
    /// Print the version.
    Version,
}

/// What to do with tenants.
#[derive(Clone, Debug, Subcommand)]
pub enum TenantAction {
    /// List them with their SIP domains.
    List,
    /// Make one with its root department, its roles and an administrator, whose random password is printed.
    Add {
        /// Its slug: a-z, 0-9 and -.
        slug: String,
        /// The name for people.
        #[arg(long)]
        name: String,
        /// A SIP domain that means it; may be given several times.
        #[arg(long = "domain", value_name = "DOMAIN", required = true)]
        domains: Vec<String>,
        /// The time zone (IANA).
        #[arg(long, default_value = "Asia/Shanghai")]
        time_zone: String,
    },
    /// Name the SIP domains that mean a tenant, in place of those that did.
    Domains {
        /// The slug.
        slug: String,
        /// The domains.
        #[arg(value_name = "DOMAIN", required = true)]
        domains: Vec<String>,
    },
}

/// What to do with an account.
#[derive(Clone, Debug, Subcommand)]
pub enum UserAction {
    /// Make an employee; prints a random password, to be changed at the first sign-in.
    Create {
        /// The user name.
        login: String,
        /// The employee number, 10000 to 99999999; the next free one where it is left out.
        #[arg(long)]
        employee_no: Option<String>,
        /// The name for people.
        #[arg(long)]
        name: Option<String>,
        /// May do everything.
        #[arg(long, conflicts_with = "role")]
        admin: bool,
        /// The name of the role; `Agent` where it is left out.
        #[arg(long)]
        role: Option<String>,
    },
    /// Set a new random password and lift a lock; prints it.
    Password {
        /// The user name or employee number.
        login: String,
    },
    /// Lift the lock of an account.
    Unlock {
        /// The user name or employee number.
        login: String,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Store(_) | Self::Failed(_) => 1,
        }
    }
}

/// What a command came to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; the text to print.
    Done(String),
    /// `openapi`: the caller knows the plugins.
    Document,
    /// `serve`: the caller goes on with this configuration.
    Serve(Box<Config>),
}

/// Runs a command.
///
/// # Errors
/// [`CliError`], with the exit code.
pub async fn run(cli: Cli) -> Result<Outcome, CliError> {
    if let Command::Version = cli.command {
        return Ok(Outcome::Done(format!("switchboard {}", env!("CARGO_PKG_VERSION"))));
    }
    if let Command::Openapi = cli.command {
        return Ok(Outcome::Document);
    }
    if let Command::Simulate(simulation) = &cli.command {
        return simulate::run(simulation).map(Outcome::Done);
    }
    let config = Config::load(&cli.config)?;
    match cli.command {
        Command::Serve => Ok(Outcome::Serve(Box::new(config))),
        Command::Check => {
            check_files(&config)?;
            Ok(Outcome::Done(format!("{} is valid", cli.config.display())))
        }
        Command::Migrate => {
            Store::open(&config.storage).await?.close().await;
            Ok(Outcome::Done("the database schema is up to date".to_owned()))
        }
        Command::Tenant { action } => tenant::run(&config, action).await.map(Outcome::Done),
        Command::User { tenant, action } => user::run(&config, &tenant, action).await.map(Outcome::Done),
        Command::Backup { to, without_recordings } => {
            let with = if without_recordings { backup::With::IndexOnly } else { backup::With::Recordings };
            backup::run(&config, &cli.config, &to, with).await.map(Outcome::Done)
        }
        Command::Restore { from } => backup::restore::run(&config, &from).await.map(Outcome::Done),
        Command::Move { from, to } => relocate::run(&config, &from, &to).await.map(Outcome::Done),
        Command::Simulate(_) | Command::Openapi | Command::Version => unreachable!("answered above"),
    }
}

/// What the configuration names and the server could not start without, or could not ask an authority.
fn check_files(config: &Config) -> Result<(), CliError> {
    let named = config.tls.hosts.iter().map(|(name, files)| (format!("tls.host {name}"), files));
    for (section, files) in config.tls.own.iter().map(|own| ("tls".to_owned(), own)).chain(named) {
        for (key, path) in [("certificate", &files.certificate), ("private_key", &files.private_key)] {
            std::fs::File::open(path).map_err(|error| {
                let mend = "name another file or take the section out";
                CliError::Usage(format!("{section}.{key}: cannot read {}: {error}; {mend}", path.display()))
            })?;
        }
    }
    if let Some(ca) = config.acme.as_ref().and_then(|acme| acme.ca.as_ref()) {
        tls::authorities(ca).map_err(|error| CliError::Usage(format!("acme.ca: {error}; name another file")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
