//! The API of the real binary against its own OpenAPI document, by Schemathesis: whatever is asked, no fault of the server, no answer whose status or
//! shape the document does not name.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::process::{Process, tail};
use calls::switchboard::Switchboard;
use serde_json::json;

/// The whole run, with its start; the tool itself ends sooner.
const LONGEST: Duration = Duration::from_secs(90);
/// What Schemathesis may take, seconds.
const RUN_S: u64 = 60;
/// The same requests each time.
const SEED: &str = "20261127";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";
/// Left out: what ends the session or the token of the test, WebSockets, what waits by itself, and what sends something outside.
const LEFT_OUT: &str =
    "^/api/v1/session|^/api/v1/tokens/|^/api/v1/me|/stream$|^/api/v1/events$|^/api/v1/webhooks/[^/]+/(test|replay)";

#[test]
fn the_api_answers_as_its_document_says() -> Result<()> {
    let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/../setup/schemathesis.sh");
    let found = Command::new(setup).output()?;
    ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let python = String::from_utf8(found.stdout)?;
    let program = Path::new(python.trim()).parent().context("no folder")?.join("st");

    let began = Instant::now();
    let server = Switchboard::start()?;
    let made = server.api()?.post("tokens", &json!({"name": "schema", "permissions": ["*"]}))?;
    ensure!(made.status == 201, "{}", made.json());
    let made = made.json();
    let token = made["token"].as_str().context("no token")?;
    let mut run = Command::new(program);
    run.current_dir(server.folder()).arg("run").arg(format!("http://{}/api/v1/openapi.json", server.http()));
    run.args(["--checks", CHECKS, "--seed", SEED, "--max-time", &RUN_S.to_string(), "--workers", "1", "--no-color"]);
    run.args(["--phases", "coverage,fuzzing", "--max-examples", "20", "--generation-database", "none", "--no-shrink"]);
    run.args(["--suppress-health-check", "all", "--request-timeout", "30", "--continue-on-failure", "--header"]);
    run.arg(format!("Authorization: Bearer {token}"));
    run.args(["--exclude-path-regex", LEFT_OUT]);
    run.env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/peers/schemathesis_hooks.py"));
    let mut run = Process::start(&mut run, &server.folder().join("schemathesis.log"))?;
    let ended = run.wait(LONGEST)?;
    let took = began.elapsed();
    ensure!(ended.success(), "Schemathesis found this:\n{}", run.output());
    let (selected, tested) = counted(&run.output())?;
    ensure!(selected > 150 && tested == selected, "{tested} of {selected} were tested\n{}", tail(&run.output()));
    ensure!(took < LONGEST, "it took {took:?}\n{}", tail(&run.output()));
    ensure!(server.api()?.is_ready(), "the server is well afterwards");
    // The token still holds: the requests were those of an administrator to the end.
    let tokens = server.api()?.list("tokens")?;
    ensure!(tokens.iter().any(|one| one["id"] == made["id"]), "{tokens:?}");
    ensure!(!server.log().contains("panicked"), "{}", tail(&server.log()));
    Ok(())
}

/// How many operations it was to test, and how many it tested, by its own summary.
fn counted(output: &str) -> Result<(usize, usize)> {
    let after = |label: &str| {
        let line = output.lines().rev().find_map(|line| line.trim().strip_prefix(label));
        line.map(str::trim).with_context(|| format!("no `{label}` in its summary:\n{}", tail(output)))
    };
    let (selected, _all) = after("Selected:")?.split_once('/').context("it names no number of selected ones")?;
    Ok((selected.parse()?, after("Tested:")?.parse()?))
}
