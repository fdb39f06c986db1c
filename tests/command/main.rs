//! The binary itself, as a script that installs it uses it: what it prints, and by which exit code it says that something is wrong.
//!
//! That there is such a test has the unit tests build the binary, which the call tests then take (Makefile).

use std::path::PathBuf;
use std::process::{Command, Output};

fn switchboard(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[test]
fn it_says_its_version() {
    let told = switchboard(&["version"]);
    assert!(told.status.success());
    assert_eq!(text(&told.stdout), format!("switchboard {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_configuration_that_is_shipped_is_valid() {
    let told = switchboard(&["check", "--config", "conf/switchboard.toml"]);
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert_eq!(text(&told.stdout), "conf/switchboard.toml is valid");
}

/// What is wrong is on the error output, by file and line and with the mend, and the exit code is not 0.
#[test]
fn a_wrong_configuration_is_named_and_fails() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wrong.toml");
    std::fs::write(&file, "[http]\nlistn = \"127.0.0.1:8080\"\n").unwrap();
    let file = file.to_str().unwrap();
    let told = switchboard(&["check", "--config", file]);
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(2), ""));
    let wrong = format!("switchboard: {file}:2: there is no key `http.listn`, did you mean `listen`?");
    assert_eq!(text(&told.stderr), wrong);
    assert_ne!(switchboard(&["serve", "--config", file]).status.code(), Some(0), "nor is it begun with that");
}
