//! The rules of the house, checked: each rule is a function from what was read to its findings.
//!
//! Reading (git, cargo metadata, files) happens here and in [`tree`]; the rules themselves are pure and are tested
//! with planted faults.

pub mod architecture;
pub mod edges;
pub mod rules;
pub mod source;
pub mod tree;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// One breach of a rule: where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path relative to the workspace root, with `/` between its parts.
    pub path: String,
    /// Line, counted from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do, lower case, no full stop.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// The root of the workspace this crate belongs to.
///
/// # Errors
/// When the manifest folder of `xtask` has no parent, which means it was moved out of the workspace.
pub fn workspace_root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies outside its workspace: move it back")?.to_owned())
}

/// Reads the workspace at `root` and returns every breach, ordered by path and line.
///
/// # Errors
/// When git or cargo cannot be run, a file cannot be read, or ARCHITECTURE.md has no list of edges.
pub fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let files = tree::tracked_files(root)?;
    let packages = tree::packages(root)?;
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md is missing: write it")?;
    let architecture = architecture::parse(&text)?;

    let mut findings = edges::check(&architecture, &packages);
    findings.extend(architecture::names_missing(&text, &packages, &files));
    let pure = architecture.pure_folders(&packages);
    for path in &files {
        let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
        findings.extend(rules::check_text(path, &text));
        if path.ends_with(".rs") {
            let source = source::Source::read(path, &text);
            findings.extend(rules::check_rust(&source, pure.iter().any(|folder| source.is_in(folder))));
        }
    }
    findings.sort();
    Ok(findings)
}
