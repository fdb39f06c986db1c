//! The rules of the house hold in this very workspace.

#[test]
fn the_workspace_is_tidy() {
    let root = xtask::tidy::workspace_root().unwrap();
    let findings = xtask::tidy::check(&root).unwrap();
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}
