//! What the rules are applied to: the files git knows of and the packages cargo knows of.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// A workspace package with its dependencies.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its name in Cargo.toml.
    pub name: String,
    /// Its folder relative to the workspace root; empty for the root package.
    pub folder: String,
    /// Every dependency that is compiled into it or its build script, by package name.
    pub normal: Vec<String>,
    /// Dependencies of its tests only.
    pub dev: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: String,
    packages: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    manifest_path: String,
    dependencies: Vec<RawDependency>,
}

#[derive(Deserialize)]
struct RawDependency {
    name: String,
    kind: Option<String>,
}

/// All packages of the workspace, as `cargo metadata` tells them.
///
/// # Errors
/// When cargo cannot be run or a manifest is wrong; cargo's own words are passed on.
pub fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let out = Command::new(cargo).args(args).current_dir(root).output().context("cargo could not be started")?;
    ensure!(out.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&out.stderr).trim());
    let metadata: Metadata = serde_json::from_slice(&out.stdout).context("cargo metadata was not understood")?;
    Ok(metadata.packages.iter().map(|raw| package(raw, &metadata.workspace_root)).collect())
}

fn package(raw: &RawPackage, root: &str) -> Package {
    let folder = raw.manifest_path.trim_end_matches("Cargo.toml").trim_end_matches('/');
    let folder = folder.strip_prefix(root).unwrap_or(folder).trim_start_matches('/').to_owned();
    let of_kind = |dev: bool| {
        let kept = raw.dependencies.iter().filter(|d| (d.kind.as_deref() == Some("dev")) == dev);
        kept.map(|d| d.name.clone()).collect()
    };
    Package { name: raw.name.clone(), folder, normal: of_kind(false), dev: of_kind(true) }
}

/// Paths of all files git tracks or would track, relative to `root`, with `/` between the parts.
///
/// # Errors
/// When git cannot be run or `root` is no clone.
pub fn tracked_files(root: &Path) -> anyhow::Result<Vec<String>> {
    let args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let out = Command::new("git").args(args).current_dir(root).output().context("git could not be started")?;
    ensure!(out.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&out.stderr).trim());
    let listed = String::from_utf8_lossy(&out.stdout);
    let mut paths: Vec<String> = listed.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    paths.retain(|path| root.join(path).is_file());
    paths.sort();
    paths.dedup();
    Ok(paths)
}
