//! ARCHITECTURE.md as data: the fenced `edges` block, and the names that must stand somewhere on the page.
//!
//! ```text
//! sip (pure)  → none
//! switch (pure) → sip, dialplan, hooks
//! xtask → any
//! ```

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};

use super::Finding;
use super::tree::Package;

/// Which workspace crates a crate may depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Exactly these (an edge that is listed but not there is no breach: it may come).
    These(Vec<String>),
    /// Any: tests, benches and chores.
    Any,
}

/// A line of the `edges` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// No I/O, no clock, no randomness, no threads in this crate.
    pub pure: bool,
    /// Where its dependencies may point.
    pub allowed: Allowed,
}

/// The `edges` block, by package name.
#[derive(Clone, Debug, Default)]
pub struct Architecture {
    /// One entry a workspace package.
    pub edges: BTreeMap<String, Edge>,
}

impl Architecture {
    /// Folders of the pure crates.
    #[must_use]
    pub fn pure_folders(&self, packages: &[Package]) -> Vec<String> {
        let is_pure = |p: &&Package| self.edges.get(&p.name).is_some_and(|edge| edge.pure);
        packages.iter().filter(is_pure).map(|p| p.folder.clone()).collect()
    }
}

/// Reads the `edges` block of ARCHITECTURE.md.
///
/// # Errors
/// When the block is missing, empty or holds a line that is not `name [(pure)] → list`.
pub fn parse(text: &str) -> anyhow::Result<Architecture> {
    let (_, rest) = text.split_once("```edges\n").context("ARCHITECTURE.md has no ```edges block: add it")?;
    let (block, _) = rest.split_once("```").context("the edges block of ARCHITECTURE.md does not end: close it")?;
    let mut edges = BTreeMap::new();
    for line in block.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (left, right) = line.split_once('→').with_context(|| format!("no arrow in the edges line {line:?}"))?;
        let (name, pure) = match left.trim().strip_suffix("(pure)") {
            Some(name) => (name.trim(), true),
            None => (left.trim(), false),
        };
        edges.insert(name.to_owned(), Edge { pure, allowed: allowed(right.trim()) });
    }
    ensure!(!edges.is_empty(), "the edges block of ARCHITECTURE.md is empty: list every crate");
    Ok(Architecture { edges })
}

fn allowed(list: &str) -> Allowed {
    match list {
        "any" => Allowed::Any,
        "none" => Allowed::These(Vec::new()),
        names => Allowed::These(names.split(',').map(|name| name.trim().to_owned()).collect()),
    }
}

/// Crates and top folders that ARCHITECTURE.md does not name.
#[must_use]
pub fn names_missing(text: &str, packages: &[Package], files: &[String]) -> Vec<Finding> {
    let mut wanted: Vec<String> = packages.iter().map(|p| p.name.clone()).collect();
    let tops = files.iter().filter_map(|path| path.split_once('/')).map(|(top, _)| top);
    wanted.extend(tops.filter(|top| !top.starts_with('.')).map(|top| format!("{top}/")));
    wanted.sort();
    wanted.dedup();
    let missing = wanted.into_iter().filter(|name| !names(text, name));
    missing
        .map(|name| Finding {
            path: "ARCHITECTURE.md".to_owned(),
            line: 0,
            what: format!("`{name}` is not named: say in a line what it is"),
        })
        .collect()
}

/// True when `name` stands in `text` as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(part_of_word) && (name.ends_with('/') || !after.is_some_and(part_of_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_block_is_read() {
        let read = parse("# x\n```edges\nsip (pure) → none\n switch (pure) → sip, hooks\nxtask → any\n```\n").unwrap();
        assert_eq!(read.edges["sip"], Edge { pure: true, allowed: Allowed::These(vec![]) });
        let both = vec!["sip".to_owned(), "hooks".to_owned()];
        assert_eq!(read.edges["switch"], Edge { pure: true, allowed: Allowed::These(both) });
        assert_eq!(read.edges["xtask"], Edge { pure: false, allowed: Allowed::Any });
    }

    #[test]
    fn a_page_without_edges_is_refused() {
        assert!(parse("# nothing").is_err());
        assert!(parse("```edges\n```").is_err());
        assert!(parse("```edges\nsip hooks\n```").is_err());
    }

    #[test]
    fn an_unnamed_crate_and_an_unnamed_folder_are_found() {
        let packages = [Package { name: "media-io".into(), ..Package::default() }];
        let files = ["media/io/src/lib.rs".to_owned(), ".ci/run".to_owned(), "Makefile".to_owned()];
        let found = names_missing("media-iota and multimedia/ only", &packages, &files);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(names_missing("`media-io` lies in media/io", &packages, &files).is_empty());
    }
}
