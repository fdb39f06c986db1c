//! The command line: `switchboard serve|check|user|migrate|simulate|backup|version`. `serve` is the caller's; the rest is done
//! here and gives text to print. Exit codes: 0 ok, 1 failed, 2 wrong usage or invalid configuration.

mod backup;
mod simulate;
mod user;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::store::{Store, StoreError};

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
    /// Copy database, journal and keys to a new folder, while the server runs.
    Backup {
        /// The folder; it must not exist.
        #[arg(value_name = "FOLDER")]
        to: PathBuf,
        /// Copy the recordings, too.
        #[arg(long)]
        recordings: bool,
    },
    /// Print the version.
    Version,
}

/// What to do with an account.
#[derive(Clone, Debug, Subcommand)]
pub enum UserAction {
    /// Make an employee; prints a random password, to be changed at the first sign-in.
    Create {
        /// The user name, also the employee number unless one is given.
        login: String,
        /// The employee number.
        #[arg(long)]
        employee_no: Option<String>,
        /// The name for people.
        #[arg(long)]
        name: Option<String>,
        /// May do everything.
        #[arg(long)]
        admin: bool,
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
        Command::User { tenant, action } => user::run(&config, &tenant, action).await.map(Outcome::Done),
        Command::Backup { to, recordings } => {
            let with = if recordings { backup::With::Recordings } else { backup::With::IndexOnly };
            backup::run(&config, &to, with).await.map(Outcome::Done)
        }
        Command::Simulate(_) | Command::Version => unreachable!("answered above"),
    }
}

/// What the configuration names and the server could not start without.
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
    Ok(())
}

#[cfg(test)]
mod tests;
