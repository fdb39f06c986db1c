//! `switchboard`: wires the engine and the CRM plugin together.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use engine::cli::{self, Cli, CliError, Outcome};
use engine::config::{Config, LogConfig, LogFormat};
use engine::serve::{Launch, LogLevel};
use hooks::plugin::Plugin;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, reload};

/// The console, as it was built.
mod console {
    include!(concat!(env!("OUT_DIR"), "/console_files.rs"));
}

/// Wrong usage or an invalid configuration.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    // One crypto provider in the whole process: two would panic at the first use.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return fail("a second crypto provider is linked in; this is a fault of the build");
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way, too, and are no error.
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(WORKERS).build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    runtime.block_on(run(cli))
}

/// Threads for HTTP, consumers and stream connections. Calls need none of them.
const WORKERS: usize = 2;

async fn run(cli: Cli) -> ExitCode {
    let config_file = cli.config.clone();
    match cli::run(cli).await {
        Ok(Outcome::Done(text)) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Ok(Outcome::Document) => {
            print(&engine::http::document::text(&engine::http::openapi(&plugins())));
            ExitCode::SUCCESS
        }
        Ok(Outcome::Serve(config)) => serve(*config, config_file).await,
        Err(error) => report(&error),
    }
}

/// What this call centre is made of beside the engine.
fn plugins() -> Vec<Arc<dyn Plugin>> {
    vec![Arc::new(crm_plugin::Crm::default())]
}

/// Those of them that run (`plugins.off`).
fn running(config: &Config) -> Result<Vec<Arc<dyn Plugin>>, String> {
    let (off, all) = (&config.plugins_off, plugins());
    let names: Vec<&str> = all.iter().map(|plugin| plugin.name()).collect();
    match off.iter().find(|off| !names.contains(&off.as_str())) {
        Some(unknown) => Err(format!("plugins.off: there is no plugin `{unknown}`; there are {}", names.join(", "))),
        None => Ok(all.into_iter().filter(|plugin| !off.iter().any(|off| off == plugin.name())).collect()),
    }
}

async fn serve(config: Config, config_file: PathBuf) -> ExitCode {
    let log_level = match log_to_stderr(&config.log) {
        Ok(log_level) => log_level,
        Err(error) => return fail(&format!("log.level is wrong: {error}")),
    };
    let plugins = match running(&config) {
        Ok(plugins) => plugins,
        Err(error) => return fail(&error),
    };
    let launch = Launch { config, config_file, log_level, plugins, console: console::FILES };
    match engine::serve::serve(launch, say).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn log_to_stderr(log: &LogConfig) -> Result<LogLevel, ParseError> {
    let (filter, handle) = reload::Layer::new(level(&log.level)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    Ok(Box::new(move |text| {
        let (filter, handle) = (level(text).map_err(|error| error.to_string())?, handle.clone());
        Ok(Box::new(move || {
            // Fails only once nobody logs any more.
            let _ = handle.reload(filter);
        }))
    }))
}

fn level(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(text)
}

fn report(error: &CliError) -> ExitCode {
    let code = error.exit_code();
    let _ = fail(&error.to_string());
    ExitCode::from(code)
}

#[allow(clippy::print_stdout, reason = "a command prints")]
fn print(text: &str) {
    print!("{text}");
}

#[allow(clippy::print_stdout, reason = "a command prints")]
fn say(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "a command says what went wrong")]
fn fail(line: &str) -> ExitCode {
    eprintln!("switchboard: {line}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo xtask openapi` prints it anew.
    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

    #[test]
    fn plugins_are_switched_off_by_their_names() {
        let names = |text: &str| {
            let config = Config::parse(text, []).unwrap_or_else(|problems| panic!("{problems:?}"));
            running(&config).map(|plugins| plugins.iter().map(|plugin| plugin.name()).collect::<Vec<_>>())
        };
        assert_eq!(names(""), Ok(vec!["crm"]));
        assert_eq!(names("[plugins]\noff = [\"crm\"]"), Ok(Vec::new()));
        assert_eq!(
            names("[plugins]\noff = \"crn\""),
            Err("plugins.off: there is no plugin `crn`; there are crm".to_owned())
        );
    }

    #[test]
    fn the_committed_document_is_what_the_code_says() {
        let text = engine::http::document::text(&engine::http::openapi(&plugins()));
        let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
        assert!(
            committed == text,
            "docs/openapi.json is out of step with the code: run `cargo xtask openapi > docs/openapi.json`"
        );
    }
}
