//! The real `switchboard`, started, killed and started again on ports of its own.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::api::Api;
use crate::ports::Ports;
use crate::process::{Process, tail};
use crate::wait;

/// The password of administrator and demo phones in every test.
pub const PASSWORD: &str = "a-password-for-tests-7";
/// How long the server may take to be ready, or to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// RTP ports a server gets: forty legs.
const RTP_PORTS: u16 = 80;

/// What a test's server is told beside the usual.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Seconds for which calls go on after SIGTERM.
    pub drain_s: u32,
    /// Where it listens for SIP over UDP, TCP and TLS, and binds media.
    pub families: Families,
    /// Where HTTPS and SIP over WSS are spoken, if not on 127.0.0.1.
    pub https: Option<IpAddr>,
    /// Whole sections, as TOML.
    pub sections: String,
    /// Lines of `[sip]`.
    pub sip: String,
    /// Lines of `[recording]`.
    pub recording: String,
    /// Lines of `[rtp]`.
    pub rtp: String,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// A backup that it begins with.
    pub restored: Option<PathBuf>,
}

/// Loopback addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// 127.0.0.1 alone.
    #[default]
    V4,
    /// And ::1, on the same ports.
    Both,
}

/// A running server.
#[derive(Debug)]
pub struct Switchboard {
    process: Option<Process>,
    setup: Setup,
    folder: tempfile::TempDir,
    ports: Ports,
    sip: SocketAddr,
    tls: SocketAddr,
    http: SocketAddr,
    https: SocketAddr,
    /// Signed in once: an employee has one session, and a second sign-in would end the first.
    api: OnceLock<Api>,
}

impl Switchboard {
    /// Starts it with an empty data folder, and waits until it is ready. Calls between its phones are recorded.
    ///
    /// # Errors
    /// When it cannot be built, ends, or is not ready in time; with what it said last.
    pub fn start() -> Result<Self> {
        Self::start_with(Setup::default())
    }

    /// [`Self::start`] with more configuration.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(setup: Setup) -> Result<Self> {
        Self::start_on(Ports::take()?, setup)
    }

    /// [`Self::start_with`] on ports that the test holds already, because its configuration names some.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_on(ports: Ports, setup: Setup) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("switchboard-test-").tempdir().context("no temporary folder")?;
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (sip, http) = (loopback(ports.one()?), loopback(ports.one()?));
        let (tls, mut https, rtp) = (loopback(ports.one()?), loopback(ports.one()?), ports.many(RTP_PORTS)?);
        https.set_ip(setup.https.unwrap_or(https.ip()));
        let mut text = String::new();
        writeln!(text, "data_dir = \"{}\"\ndrain_s = {}", folder.path().join("data").display(), setup.drain_s)?;
        let (listen, secured, media) = match setup.families {
            Families::V4 => (sip.to_string(), tls.to_string(), "127.0.0.1"),
            Families::Both => {
                let both = |v4: SocketAddr| format!("{v4}, [::1]:{}", v4.port());
                (both(sip), both(tls), "127.0.0.1, ::1")
            }
        };
        writeln!(text, "[sip]\nudp = \"{listen}\"\ntcp = \"{listen}\"\ntls = \"{secured}\"\n{}", setup.sip)?;
        writeln!(text, "[http]\nlisten = \"{http}\"\n[https]\nlisten = \"{https}\"")?;
        let browsers = if setup.rtp.contains("browsers") { "" } else { "browsers = []\n" };
        writeln!(
            text,
            "[rtp]\naddress = \"{media}\"\nports = \"{rtp}-{}\"\n{browsers}{}",
            rtp + RTP_PORTS - 1,
            setup.rtp
        )?;
        writeln!(text, "[recording]\ninternal = true\nfree_disk_floor_mb = 1\n{}", setup.recording)?;
        writeln!(text, "[log]\nlevel = \"debug\"\n{}", setup.sections)?;
        std::fs::write(folder.path().join("switchboard.toml"), text).context("no configuration written")?;
        let mut server = Self { process: None, setup, folder, ports, sip, tls, http, https, api: OnceLock::new() };
        if let Some(backup) = server.setup.restored.clone() {
            server.command(&["restore", "--from", &backup.display().to_string()])?;
        }
        server.start_again()?;
        Ok(server)
    }

    /// Starts it on the same data after [`Self::kill`] or [`Self::stop`].
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "it runs: kill or stop it first");
        let mut command = Command::new(binary()?);
        command.current_dir(self.folder.path()).args(["serve", "--config", "switchboard.toml"]);
        command.env("SWITCHBOARD_DEMO_PASSWORD", PASSWORD);
        command.envs(self.setup.environment.iter().map(|(key, value)| (key, value)));
        let mut process = Process::start(&mut command, &self.log_file())?;
        let api = Api::new(self.http);
        let ready = wait::until("the server to be ready", PATIENCE, || {
            ensure!(process.ended()?.is_none(), "the server ended");
            Ok(api.is_ready().then_some(()))
        });
        ready.with_context(|| format!("it said last: {}", tail(&process.output())))?;
        self.process = Some(process);
        Ok(())
    }

    /// Runs another command of the binary with its configuration; what it printed.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(binary()?);
        command.current_dir(self.folder.path()).args(["--config", "switchboard.toml"]).args(arguments);
        let run = command.output().context("the binary cannot be started")?;
        let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        ensure!(run.status.success(), "{arguments:?} ended with {}: {said}", run.status);
        Ok(said)
    }

    /// What the environment holds from the next start on.
    pub fn set_environment(&mut self, environment: &[(&str, &str)]) {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        self.setup.environment = environment.iter().map(owned).collect();
    }

    /// Waits until it has ended by itself; true if it did.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn ends_within(&mut self, at_most: Duration) -> Result<bool> {
        let Some(process) = &mut self.process else { return Ok(true) };
        let ended = wait::until("the end of the server", at_most, || process.ended()).is_ok();
        if ended {
            self.process = None;
        }
        Ok(ended)
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("it does not run")?.kill()
    }

    /// Asks it to end and waits; its exit code must be 0.
    ///
    /// # Errors
    /// When it hangs or fails.
    pub fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("it does not run")?;
        let status = process.terminate(PATIENCE)?;
        ensure!(status.success(), "it ended with {status}: {}", tail(&process.output()));
        Ok(())
    }

    /// True while the process lives.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn is_alive(&mut self) -> Result<bool> {
        match &mut self.process {
            Some(process) => Ok(process.ended()?.is_none()),
            None => Ok(false),
        }
    }

    /// Where SIP is spoken, over UDP and TCP.
    #[must_use]
    pub fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// Where SIP is spoken on ::1, with [`Families::Both`].
    #[must_use]
    pub fn sip6(&self) -> SocketAddr {
        SocketAddr::from((Ipv6Addr::LOCALHOST, self.sip.port()))
    }

    /// Where SIP is spoken over TLS.
    #[must_use]
    pub fn tls(&self) -> SocketAddr {
        self.tls
    }

    /// Where SIP is spoken over TLS on ::1, with [`Families::Both`].
    #[must_use]
    pub fn tls6(&self) -> SocketAddr {
        SocketAddr::from((Ipv6Addr::LOCALHOST, self.tls.port()))
    }

    /// Where HTTP is spoken, and SIP over WebSocket.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The same over TLS.
    #[must_use]
    pub fn https(&self) -> SocketAddr {
        self.https
    }

    /// The certificate that it made at its first start.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.data().join("tls").join("certificate.pem")
    }

    /// Memory that it occupies, in KiB (`VmRSS`).
    ///
    /// # Errors
    /// When it does not run.
    pub fn resident_kib(&self) -> Result<u64> {
        let id = self.process.as_ref().context("it does not run")?.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).context("no status of the process")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        line.trim().trim_end_matches(" kB").parse().with_context(|| format!("VmRSS is {line}"))
    }

    /// Sends it a signal by name (`HUP`, `TERM`).
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, name: &str) -> Result<()> {
        let process = self.process.as_ref().context("it does not run")?;
        process.signal(name)
    }

    /// What its configuration file says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn configuration(&self) -> Result<String> {
        std::fs::read_to_string(self.configuration_file()).context("no configuration")
    }

    /// Writes its configuration file anew, asks it to read it (SIGHUP) and waits until it says what came of it; the log's line.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn reconfigure(&self, text: &str) -> Result<String> {
        std::fs::write(self.configuration_file(), text).context("no configuration written")?;
        let before = self.log().len();
        self.signal("HUP")?;
        wait::until("what became of the new configuration", PATIENCE, || {
            let log = self.log();
            let line = log[before..].lines().find(|line| line.contains("the configuration was read again"));
            Ok(line.map(str::to_owned))
        })
    }

    /// Waits until it has ended; its exit code must be 0.
    ///
    /// # Errors
    /// When it hangs or fails.
    pub fn ends_well(&mut self) -> Result<()> {
        let mut process = self.process.take().context("it does not run")?;
        let status = process.wait(PATIENCE)?;
        ensure!(status.success(), "it ended with {status}: {}", tail(&process.output()));
        Ok(())
    }

    fn configuration_file(&self) -> PathBuf {
        self.folder.path().join("switchboard.toml")
    }

    /// The test's ports.
    #[must_use]
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// A folder for the test's own files; it goes with the server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The API, signed in as the administrator.
    ///
    /// # Errors
    /// When signing in fails.
    pub fn api(&self) -> Result<Api> {
        if let Some(api) = self.api.get() {
            return Ok(api.clone());
        }
        let api = Api::new(self.http).sign_in("admin", PASSWORD)?;
        Ok(self.api.get_or_init(|| api).clone())
    }

    /// Lets nothing be said aloud in the room 8000: who measures voices wants no others.
    ///
    /// # Errors
    /// When it refuses.
    pub fn hush_room(&self) -> Result<()> {
        self.api()?.patch("rooms/8000", &serde_json::json!({"announce": false})).map(drop)
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Waits until the records say that `count` calls ended, and returns those records, the oldest first.
    ///
    /// # Errors
    /// When they do not, with what they say.
    pub fn ended_calls(&self, count: usize) -> Result<Vec<Value>> {
        let api = self.api()?;
        let mut last = Vec::new();
        let ended = wait::until("call records", PATIENCE, || {
            last = api.list("call-records")?;
            let ended = last.iter().filter(|record| !record["ended_at"].is_null()).count();
            Ok((ended >= count).then_some(()))
        });
        ended.with_context(|| format!("the records say: {last:?}\n{}", tail(&self.log())))?;
        last.sort_by_key(|record| record["created_at"].to_string());
        Ok(last)
    }

    /// Waits until a call that ended has its recording finished, and returns the document of the call.
    ///
    /// # Errors
    /// When it has none in time.
    pub fn recorded_call(&self, id: &str) -> Result<Value> {
        let api = self.api()?;
        let mut last = Value::Null;
        let ready = wait::until("a finished recording", PATIENCE, || {
            last = api.get(&format!("call-records/{id}"))?;
            Ok((last["recordings"][0]["state"] == "ready").then_some(()))
        });
        ready.with_context(|| format!("the record says: {last}"))?;
        Ok(last)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("switchboard.log")
    }
}

impl Drop for Switchboard {
    fn drop(&mut self) {
        // A failing test shows what the server said.
        if std::thread::panicking() {
            let log = tail(&self.log());
            drop(std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("the server said last:\n{log}\n").as_bytes(),
            ));
        }
        self.gather_captures();
    }
}

impl Switchboard {
    /// Keeps what it sent and received for `tests/calls/dissect.sh`, where that is asked for.
    fn gather_captures(&self) {
        let Some(folder) = std::env::var_os("SWITCHBOARD_CAPTURES").map(PathBuf::from) else { return };
        let Ok(entries) = std::fs::read_dir(self.data().join("ladders")) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_some_and(|extension| extension == "pcap") {
                let name = format!("{}-{}.pcap", std::process::id(), crate::phone::unique());
                // What cannot be kept is missed by the count of messages.
                let _ = std::fs::copy(&path, folder.join(name));
            }
        }
    }
}

/// The binary named by `SWITCHBOARD_BIN`, or one built by cargo.
fn binary() -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(named) = std::env::var_os("SWITCHBOARD_BIN") {
        return Ok(PathBuf::from(named));
    }
    if let Some(built) = BUILT.get() {
        return Ok(built.clone());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["build", "--quiet", "--package", "switchboard", "--features", "failpoints"];
    let status = Command::new(cargo).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).status();
    ensure!(status.context("cargo cannot be started")?.success(), "switchboard does not build");
    // Tests lie in target/PROFILE/deps, the binary beside that folder.
    let test = std::env::current_exe().context("a test without a path")?;
    let beside = test.ancestors().nth(2).context("a test outside a target folder")?.join("switchboard");
    ensure!(beside.is_file(), "{} is missing: name the binary by SWITCHBOARD_BIN", beside.display());
    Ok(BUILT.get_or_init(|| beside).clone())
}
