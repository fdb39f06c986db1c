//! Every page that the menu offers, looked at by axe-core, in Chinese by day and in English by night.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use calls::browser;
use calls::switchboard::PASSWORD;
use serde_json::Value;

use crate::console::Centre;

/// The pages that there were when this was written: a menu that does not open must not look like one without faults.
const PAGES_MIN: usize = 7;

/// Proves GEN-17 (each page speaks the language that was chosen).
#[test]
fn no_page_has_a_serious_fault_for_who_cannot_see_or_use_a_mouse() -> Result<()> {
    let centre = Centre::open()?;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../browser/console_walk.mjs");
    let origin = format!("http://{}", centre.server.http());
    let mut walk = Command::new(browser::node()?);
    walk.arg(script).args([origin.as_str(), "admin", PASSWORD]).stderr(Stdio::inherit());
    let walked = walk.output().context("node is missing")?;
    let said: Vec<Value> = String::from_utf8_lossy(&walked.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    ensure!(walked.status.success(), "the walk broke off after {said:?}");
    let pages: BTreeSet<String> =
        said.iter().filter(|line| line["walked"] == true).map(|line| line["page"].to_string()).collect();
    ensure!(pages.len() >= PAGES_MIN, "only {pages:?} were walked");
    let faults: Vec<String> = said.iter().filter(|line| line["fault"].is_string()).map(ToString::to_string).collect();
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}
