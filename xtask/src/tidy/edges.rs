//! Crate edges: what `cargo metadata` says against what ARCHITECTURE.md allows.

use super::Finding;
use super::architecture::{Allowed, Architecture};
use super::tree::Package;

/// Crates from outside that a pure crate must not be built on: each brings I/O, a clock, threads or randomness.
const NOT_IN_PURE_CRATES: &[&str] = &[
    "async-std",
    "axum",
    "chrono",
    "crossbeam-channel",
    "dashmap",
    "fastrand",
    "getrandom",
    "hyper",
    "libc",
    "mio",
    "nix",
    "rayon",
    "reqwest",
    "rustix",
    "smol",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
];

/// Every edge that is not allowed, and every package that has no line in the block.
#[must_use]
pub fn check(architecture: &Architecture, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let Some(edge) = architecture.edges.get(&package.name) else {
            let what = format!("crate `{}` has no line in the edges block: add it", package.name);
            findings.push(Finding { path: "ARCHITECTURE.md".into(), line: 0, what });
            continue;
        };
        if let Allowed::These(allowed) = &edge.allowed {
            findings.extend(edges_too_many(package, allowed, packages));
        }
        if edge.pure {
            findings.extend(impure(package, architecture, packages));
        }
    }
    findings
}

fn edges_too_many(package: &Package, allowed: &[String], packages: &[Package]) -> Vec<Finding> {
    let inner = package.normal.iter().filter(|name| packages.iter().any(|p| &p.name == *name));
    let too_many = inner.filter(|name| !allowed.contains(name));
    too_many
        .map(|name| {
            finding(
                package,
                format!("edge `{} → {name}` is not in ARCHITECTURE.md: drop it, or write an ADR", package.name),
            )
        })
        .collect()
}

fn impure(package: &Package, architecture: &Architecture, packages: &[Package]) -> Vec<Finding> {
    let outer = package.normal.iter().filter(|name| NOT_IN_PURE_CRATES.contains(&name.as_str()));
    let outer = outer.map(|name| format!("pure crate depends on `{name}`: pass what it gives in as an argument"));
    let does_io = |name: &&String| {
        let inner = packages.iter().any(|p| &p.name == *name);
        inner && !architecture.edges.get(*name).is_some_and(|edge| edge.pure)
    };
    let tests = package.dev.iter().filter(does_io);
    let tests =
        tests.map(|name| format!("the tests of a pure crate use `{name}`, which does I/O: move the test there"));
    outer.chain(tests).map(|what| finding(package, what)).collect()
}

fn finding(package: &Package, what: String) -> Finding {
    let path =
        if package.folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{}/Cargo.toml", package.folder) };
    Finding { path, line: 0, what }
}

#[cfg(test)]
mod tests {
    use super::super::architecture::parse;
    use super::*;

    const PAGE: &str = "```edges\nsip (pure) → none\nswitch (pure) → sip\nengine → switch, sip\nxtask → any\n```";

    fn check_edge(name: &str, normal: &[&str], dev: &[&str]) -> Vec<Finding> {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let mut packages: Vec<Package> = ["sip", "switch", "engine", "xtask"]
            .iter()
            .map(|n| Package { name: (*n).to_owned(), folder: (*n).to_owned(), ..Package::default() })
            .collect();
        let edited = packages.iter_mut().find(|p| p.name == name).unwrap();
        edited.normal = owned(normal);
        edited.dev = owned(dev);
        check(&parse(PAGE).unwrap(), &packages)
    }

    #[test]
    fn allowed_edges_pass() {
        assert!(check_edge("switch", &["sip", "bytes"], &["sip", "proptest"]).is_empty());
        assert!(check_edge("engine", &["switch", "tokio"], &["xtask"]).is_empty());
        assert!(check_edge("xtask", &["engine"], &[]).is_empty());
    }

    #[test]
    fn an_edge_that_is_not_listed_is_found() {
        assert_eq!(check_edge("sip", &["switch"], &[]).len(), 1);
        assert_eq!(check_edge("switch", &["engine"], &[]).len(), 1);
    }

    #[test]
    fn io_in_a_pure_crate_is_found() {
        assert_eq!(check_edge("sip", &["tokio"], &[]).len(), 1);
        assert_eq!(check_edge("sip", &[], &["engine"]).len(), 1);
    }

    #[test]
    fn a_crate_without_a_line_is_found() {
        let packages = [Package { name: "new".into(), ..Package::default() }];
        assert_eq!(check(&parse(PAGE).unwrap(), &packages).len(), 1);
    }
}
