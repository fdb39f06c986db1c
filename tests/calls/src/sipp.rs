//! SIPp as a peer: one scenario, one process, one verdict.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::ports::{Ports, is_bound};
use crate::process::{Process, tail};
use crate::wait;

/// SIPp gives up after this.
const PATIENCE: Duration = Duration::from_secs(30);

/// What SIPp shall play.
#[derive(Clone, Debug)]
pub struct Sipp {
    scenario: Scenario,
    remote: Option<SocketAddr>,
    local: SocketAddr,
    media_port: u16,
    control_port: u16,
    replaced: Vec<(String, String)>,
    number: Option<String>,
    arguments: Vec<String>,
}

#[derive(Clone, Debug)]
enum Scenario {
    BuiltIn(String),
    File(PathBuf),
}

impl Sipp {
    /// A scenario of `scenarios/`, by its name without `.xml`.
    ///
    /// # Errors
    /// When there is none of that name, or no port is left.
    pub fn scenario(ports: &Ports, name: &str) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.xml"));
        ensure!(path.is_file(), "{} is missing", path.display());
        Self::new(ports, Scenario::File(path))
    }

    /// A scenario that SIPp brings (`uac`, `uas`, ...).
    ///
    /// # Errors
    /// When no port is left.
    pub fn built_in(ports: &Ports, name: &str) -> Result<Self> {
        Self::new(ports, Scenario::BuiltIn(name.to_owned()))
    }

    fn new(ports: &Ports, scenario: Scenario) -> Result<Self> {
        let local = SocketAddr::from(([127, 0, 0, 1], ports.one()?));
        // Audio, its RTCP, and the same for the video SIPp opens although no scenario uses it.
        let media_port = ports.many(4)?;
        let control_port = ports.one()?;
        Ok(Self {
            scenario,
            remote: None,
            local,
            media_port,
            control_port,
            replaced: Vec::new(),
            number: None,
            arguments: Vec::new(),
        })
    }

    /// Who is called, or registered at.
    #[must_use]
    pub fn to(mut self, remote: SocketAddr) -> Self {
        self.remote = Some(remote);
        self
    }

    /// Binds elsewhere, such as to a trunk's address.
    #[must_use]
    pub fn at(mut self, local: SocketAddr) -> Self {
        self.local = local;
        self
    }

    /// Over TCP, one connection for all calls.
    #[must_use]
    pub fn over_tcp(self) -> Self {
        self.with(&["-t", "t1"])
    }

    /// The number dialled (`[service]`).
    #[must_use]
    pub fn dialling(mut self, number: &str) -> Self {
        self.number = Some(number.to_owned());
        self
    }

    /// User and password of `[authentication]`, and `[user]` as a key of the scenario.
    #[must_use]
    pub fn as_user(self, user: &str, password: &str) -> Self {
        self.with(&["-au", user, "-ap", password, "-key", "user", user])
    }

    /// Sets a key of the scenario.
    #[must_use]
    pub fn key(self, name: &str, value: &str) -> Self {
        self.with(&["-key", name, value])
    }

    /// Plays `calls` calls, `rate` begun each second; one call, if this is not said.
    #[must_use]
    pub fn calls(self, calls: u32, rate: u32) -> Self {
        self.with(&["-m", &calls.to_string(), "-r", &rate.to_string()])
    }

    /// Puts `by` in the place of `word` in the scenario (`STATUS`, `HOLD_MS`).
    #[must_use]
    pub fn replacing(mut self, word: &str, by: &str) -> Self {
        self.replaced.push((word.to_owned(), by.to_owned()));
        self
    }

    /// Adds header fields, one a line, to what describes a session.
    #[must_use]
    pub fn saying(self, fields: &str) -> Self {
        let described = "Content-Type: application/sdp";
        self.replacing(described, &format!("{fields}\n{described}"))
    }

    /// Any other argument.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Where it can be reached.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Starts it with its files in a folder of its own under `folder`.
    ///
    /// # Errors
    /// When SIPp is not installed.
    pub fn start(&self, folder: &Path) -> Result<Running> {
        let folder = tempfile::Builder::new().prefix("sipp-").tempdir_in(folder).context("no folder for SIPp")?;
        let mut command = Command::new("sipp");
        command.current_dir(folder.path()).env("TERM", "dumb");
        match &self.scenario {
            Scenario::BuiltIn(name) => command.args(["-sn", name]),
            Scenario::File(path) => command.arg("-sf").arg(self.edited(path, folder.path())?),
        };
        let (host, port) = (self.local.ip().to_string(), self.local.port().to_string());
        command.args(["-i", &host, "-p", &port, "-mi", &host]);
        command.args(["-mp", &self.media_port.to_string(), "-cp", &self.control_port.to_string(), "-bind_local"]);
        let patience = format!("{}s", PATIENCE.as_secs());
        command.args(["-timeout", &patience, "-timeout_error", "-nostdin", "-default_behaviors", "all,-bye"]);
        command.args(["-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"]);
        command.args(["-trace_logs", "-log_file", "log"]);
        command.args(["-m", "1"]).args(&self.arguments);
        if let (Some(number), Some(remote)) = (&self.number, self.remote) {
            // Left alone, SIPp signs for the server in place of the number (RFC 7616 §3.4.6: for the Request-URI).
            command.args(["-s", number, "-auth_uri", &format!("{number}@{remote}")]);
        }
        command.args(self.remote.map(|remote| remote.to_string()));
        let mut process = Process::start(&mut command, &folder.path().join("screen"))?;
        // A message that comes before its socket is lost.
        wait::until("SIPp's socket", PATIENCE, || {
            Ok((process.ended()?.is_some() || is_bound(self.local)).then_some(()))
        })?;
        Ok(Running { process, folder })
    }

    /// A copy of the scenario with its words replaced; calls last half a second where nothing else is said.
    fn edited(&self, path: &Path, folder: &Path) -> Result<PathBuf> {
        let mut text = std::fs::read_to_string(path).with_context(|| format!("{} is gone", path.display()))?;
        for (word, by) in &self.replaced {
            text = text.replace(word.as_str(), by);
        }
        let copy = folder.join("scenario.xml");
        std::fs::write(&copy, text.replace("HOLD_MS", "500")).context("no scenario written")?;
        Ok(copy)
    }

    /// Plays it to its end.
    ///
    /// # Errors
    /// When a message was not as the scenario wants it; SIPp's own words and the last messages are told.
    pub fn play(&self, folder: &Path) -> Result<Played> {
        self.start(folder)?.finish()
    }
}

/// SIPp at play.
#[derive(Debug)]
pub struct Running {
    process: Process,
    folder: tempfile::TempDir,
}

/// What SIPp saw.
#[derive(Clone, Debug)]
pub struct Played {
    /// All messages, as SIPp logs them.
    pub messages: String,
    /// What `<log>` actions of the scenario said.
    pub log: String,
}

impl Running {
    /// Waits for the scenario's end.
    ///
    /// # Errors
    /// As [`Sipp::play`].
    pub fn finish(mut self) -> Result<Played> {
        let status = self.process.wait(PATIENCE + Duration::from_secs(5))?;
        let (messages, errors) = (self.file("messages"), self.file("errors"));
        let screen = self.process.output();
        ensure!(status.success(), "SIPp failed ({status}): {errors}\n{}\n{}", tail(&messages), tail(&screen));
        Ok(Played { messages, log: self.file("log") })
    }

    /// What it has logged so far of the messages sent and received.
    #[must_use]
    pub fn messages(&self) -> String {
        self.file("messages")
    }

    fn file(&self, name: &str) -> String {
        let bytes = std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_pair_plays_a_call() {
        let ports = Ports::take().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let called = Sipp::built_in(&ports, "uas").unwrap();
        let caller = Sipp::built_in(&ports, "uac").unwrap().to(called.local()).dialling("1002");
        let running = called.start(folder.path()).unwrap();
        let played = caller.play(folder.path()).unwrap();
        assert!(played.messages.contains("BYE sip:"), "{}", played.messages);
        running.finish().unwrap();
    }

    #[test]
    fn a_call_nobody_answers_fails_and_says_so() {
        let ports = Ports::take().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let nobody = SocketAddr::from(([127, 0, 0, 1], ports.one().unwrap()));
        let caller = Sipp::built_in(&ports, "uac").unwrap().to(nobody).with(&["-max_retrans", "1"]);
        let failed = caller.play(folder.path()).unwrap_err().to_string();
        assert!(failed.contains("SIPp failed"), "{failed}");
    }
}
