//! Child processes that never outlive their test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::wait;

/// A running program whose output goes to a file; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with stdout and stderr going to `log` (appended to, so that a restart keeps what was said).
    ///
    /// # Errors
    /// When the program cannot be started, naming it: install it with `tests/setup/packages.sh test`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let out = File::options().create(true).append(true).open(log);
        let out = out.with_context(|| format!("{} cannot be written", log.display()))?;
        let err = out.try_clone().context("a file handle cannot be doubled")?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.with_context(|| format!("{name} cannot be started: is it installed?"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// The process id, to signal it by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it said so far.
    #[must_use]
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// When the kernel refuses to say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("{} cannot be waited for", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `at_most`; its last words are in the message.
    pub fn wait(&mut self, at_most: Duration) -> Result<ExitStatus> {
        let name = self.name.clone();
        let ended = wait::until(&format!("the end of {name}"), at_most, || self.ended());
        ended.with_context(|| format!("{name} said last: {}", tail(&self.output())))
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn terminate(&mut self, at_most: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        self.wait(at_most)
    }

    /// Ends it as a crash would (SIGKILL): no handler of its own runs.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("{} cannot be killed", self.name))?;
        self.child.wait().map(drop).with_context(|| format!("{} cannot be reaped", self.name))
    }

    /// Sends the named signal.
    ///
    /// # Errors
    /// When `kill` cannot be run or refuses.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        anyhow::ensure!(status.context("kill cannot be run")?.success(), "{} cannot be signalled", self.name);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it must not be left behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The last lines of `text`, for messages.
#[must_use]
pub fn tail(text: &str) -> String {
    const LINES: usize = 30;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_status_are_seen_and_drop_kills() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut said = Process::start(Command::new("sh").args(["-c", "echo hello; exit 3"]), &log).unwrap();
        assert_eq!(said.wait(Duration::from_secs(5)).unwrap().code(), Some(3));
        assert_eq!(said.output(), "hello\n");
        let sleeper = Process::start(Command::new("sleep").arg("60"), &log).unwrap();
        let id = sleeper.id();
        drop(sleeper);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }
}
