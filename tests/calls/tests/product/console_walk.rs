//! Every page that the menu offers, looked at by axe-core.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use calls::browser;
use calls::switchboard::PASSWORD;
use serde_json::Value;

use crate::console::Centre;

/// The pages that there were when this was written, and those of them that begin something new: a menu that does not open must not look
/// like one without faults.
const PAGES_MIN: usize = 36;
const FORMS_MIN: usize = 15;

/// Every page and the form on it, in a language and an appearance.
fn walk(language: &str, theme: &str) -> Result<()> {
    let centre = Centre::open()?;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../browser/console_walk.mjs");
    let origin = format!("http://{}", centre.server.http());
    let mut walk = Command::new(browser::node()?);
    walk.arg(script).args([origin.as_str(), "admin", PASSWORD, language, theme]).stderr(Stdio::inherit());
    let walked = walk.output().context("node is missing")?;
    let said: Vec<Value> = String::from_utf8_lossy(&walked.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    ensure!(walked.status.success(), "the walk broke off after {said:?}");
    let of = |is: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        said.iter().filter(|line| is(line)).map(|line| line["page"].to_string()).collect()
    };
    let (pages, forms) = (of(&|line| line["walked"] == true), of(&|line| line["opened"] == true));
    ensure!(pages.len() >= PAGES_MIN, "only {} pages: {pages:?}", pages.len());
    ensure!(forms.len() >= FORMS_MIN, "only {} forms: {forms:?}", forms.len());
    let faults: Vec<String> = said.iter().filter(|line| line["fault"].is_string()).map(ToString::to_string).collect();
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

// Each language and each appearance once: what is wrong in one of a pair is seldom wrong in that pair alone.

/// Proves GEN-17 (each page speaks the language that was chosen: Chinese).
#[test]
fn no_page_has_a_serious_fault_in_chinese_by_day() -> Result<()> {
    walk("zh-CN", "light")
}

/// Proves GEN-17 (each page speaks the language that was chosen: English).
#[test]
fn no_page_has_a_serious_fault_in_english_by_night() -> Result<()> {
    walk("en", "dark")
}
