//! `cargo xtask`: the chores of the workspace.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use xtask::{events, locations, tidy};

/// Chores of the Switchboard workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Compare the tree with ARCHITECTURE.md and the rules of the house
    Tidy,
    /// Run the seeded simulator (arguments go to it: --seed N, --seeds N, --seconds N, --centre N, --day N, --erlang,
    /// --record SEED FILE, --replay FILE, --explore)
    Sim {
        /// Passed on to the simulator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the benches (arguments go to `cargo bench -p benches`)
    Bench {
        /// Passed on to `cargo bench`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Print the OpenAPI document that the code declares
    Openapi,
    /// Print engine/data/locations.txt, made from libphonenumber's geocoding/zh/86.txt
    Locations {
        /// The file of libphonenumber, which lies in the package of the crate `phonenumber`, too
        file: PathBuf,
    },
    /// Print the page of events that the types declare
    Events,
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().chore {
        Chore::Tidy => run_tidy(),
        Chore::Sim { args } => cargo(&["run", "--quiet", "--profile", "sim", "--package", "sim", "--"], &args),
        Chore::Bench { args } => cargo(&["bench", "--package", "benches"], &args),
        Chore::Openapi => cargo(&["run", "--quiet", "--package", "switchboard", "--", "openapi"], &[]),
        Chore::Locations { file } => print_locations(&file),
        Chore::Events => {
            write!(std::io::stdout(), "{}", events::page(&tidy::workspace_root()?)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command-line tool speaks on stderr")]
fn run_tidy() -> anyhow::Result<ExitCode> {
    let root = tidy::workspace_root()?;
    let findings = tidy::check(&root)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        eprintln!("tidy: nothing to complain about in {}", Path::new(&root).display());
        Ok(ExitCode::SUCCESS)
    } else {
        eprintln!("tidy: {} findings", findings.len());
        Ok(ExitCode::FAILURE)
    }
}

#[expect(clippy::print_stdout, reason = "a command-line tool gives its result on stdout")]
fn print_locations(file: &Path) -> anyhow::Result<ExitCode> {
    let source = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    print!("{}", locations::compact(&source)?);
    Ok(ExitCode::SUCCESS)
}

fn cargo(fixed: &[&str], args: &[String]) -> anyhow::Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(fixed).args(args).status().context("cargo could not be started")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
