//! A PostgreSQL server of a test's own, which can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::ports::Ports;

/// The server; it goes with the value.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

/// The database's owner inside.
const USER: &str = "switchboard";
/// It refuses to run as root.
const OWNER: &str = "postgres";

impl Postgres {
    /// Starts an empty one on a port of the test's.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn start(ports: &Ports) -> Result<Self> {
        let binaries = newest(Path::new("/usr/lib/postgresql"))?;
        let folder = tempfile::Builder::new().prefix("switchboard-postgres-").tempdir().context("no folder")?;
        let this = Self { binaries, folder, port: ports.one()? };
        if is_root()? {
            run(Command::new("chown").arg(OWNER).arg(this.folder.path()))?;
        }
        let data = this.data();
        run(this.command("initdb").arg("-D").arg(&data).args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]))?;
        this.start_again()?;
        let port = this.port.to_string();
        run(this.command("createdb").args(["-h", "127.0.0.1", "-p", &port, "-U", USER, USER]))?;
        Ok(this)
    }

    /// What `storage.url` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{USER}", self.port)
    }

    /// Ends all its processes at once, as `kill -9` would: nothing is written any more, nobody is told.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> Result<()> {
        run(self.command("pg_ctl").arg("-D").arg(self.data()).args(["-m", "immediate", "-w", "stop"]))
    }

    /// Starts it on the same data.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&self) -> Result<()> {
        let options = format!("-p {} -k {} -c listen_addresses=127.0.0.1", self.port, self.folder.path().display());
        let log = self.folder.path().join("log");
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data()).arg("-l").arg(log).args(["-w", "-t", "60", "-o", &options, "start"]);
        // It outlives its starter, so it must not hold what we would read.
        let status = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status();
        let status = status.context("pg_ctl cannot be started")?;
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        ensure!(status.success(), "PostgreSQL does not start: {log}");
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let program = self.binaries.join(name);
        let mut command = match is_root() {
            Ok(true) => {
                let mut command = Command::new("runuser");
                command.args(["-u", OWNER, "--"]).arg(program);
                command
            }
            Ok(false) | Err(_) => Command::new(program),
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.kill();
    }
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).context("PostgreSQL is missing: run tests/setup/packages.sh test")?;
    let versions = entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).filter(|path| path.is_dir());
    versions.max().context("PostgreSQL is missing: run tests/setup/packages.sh test")
}

fn is_root() -> Result<bool> {
    let run = Command::new("id").arg("-u").output().context("id cannot be started")?;
    Ok(run.stdout.starts_with(b"0\n"))
}

fn run(command: &mut Command) -> Result<()> {
    let run = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    ensure!(run.status.success(), "{command:?}: {}", String::from_utf8_lossy(&run.stderr));
    Ok(())
}
