//! OpenSSL's own client and server as the other end of TLS: a stack that is not ours.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::wait;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A certificate that signs itself, and its key.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// PEM.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one for a host name, and for 127.0.0.1 where that is the name.
    ///
    /// # Errors
    /// When openssl is missing or refuses.
    pub fn make(folder: &Path, host: &str) -> Result<Self> {
        let kind = if host.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
        // A certificate of an authority is refused as a server's own (RFC 5280 §4.2.1.9).
        Self::signed_by_itself(
            folder,
            host,
            &[&format!("subjectAltName={kind}:{host}"), "basicConstraints=critical,CA:FALSE"],
        )
    }

    /// Makes one that may sign others.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub fn authority(folder: &Path, name: &str) -> Result<Self> {
        Self::signed_by_itself(
            folder,
            name,
            &["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"],
        )
    }

    fn signed_by_itself(folder: &Path, name: &str, extensions: &[&str]) -> Result<Self> {
        let file = |end: &str| folder.join(format!("{name}.{end}"));
        let made = Self { certificate: file("pem"), key: file("key") };
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
        for extension in extensions {
            command.args(["-addext", extension]);
        }
        command.arg("-out").arg(&made.certificate).arg("-keyout").arg(&made.key);
        let output = command.output().context("openssl cannot be started")?;
        ensure!(output.status.success(), "openssl makes no certificate: {}", String::from_utf8_lossy(&output.stderr));
        Ok(made)
    }
}

/// One end of a TLS connection that `openssl` speaks; what is written to `line` goes to the peer in the clear.
#[derive(Debug)]
pub struct Secured {
    child: Child,
    /// To and from the peer.
    pub line: UnixStream,
}

impl Secured {
    /// Connects to a server, whose certificate must be `ca` or signed by it where one is given; asks for `name`.
    ///
    /// # Errors
    /// When openssl is missing. That the peer refuses shows by the line's end.
    pub fn connect(server: SocketAddr, name: Option<&str>, ca: Option<&Path>) -> Result<Self> {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-connect", &server.to_string()]);
        match name {
            Some(name) => command.args(["-servername", name]),
            None => command.arg("-noservername"),
        };
        if let Some(ca) = ca {
            command.args(["-verify_return_error", "-CAfile"]).arg(ca);
        }
        Self::start(command)
    }

    /// Waits on a port for one peer and shows it this certificate.
    ///
    /// # Errors
    /// When openssl is missing or the port is taken.
    pub fn listen(port: u16, own: &Certificate) -> Result<Self> {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-naccept", "1", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(&own.certificate).arg("-key").arg(&own.key);
        let secured = Self::start(command)?;
        // A look at the port would be its one peer: the kernel's list of sockets says when it listens.
        let listening = format!("0100007F:{port:04X} 00000000:0000 0A");
        wait::until("openssl s_server", PATIENCE, || {
            Ok(std::fs::read_to_string("/proc/net/tcp")?.contains(&listening).then_some(()))
        })?;
        Ok(secured)
    }

    fn start(mut command: Command) -> Result<Self> {
        let (line, far) = UnixStream::pair().context("no pair of sockets")?;
        let out = far.try_clone()?;
        command.stdin(OwnedFd::from(far)).stdout(OwnedFd::from(out)).stderr(Stdio::null());
        let child = command.spawn().context("openssl cannot be started")?;
        Ok(Self { child, line })
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        // One that has ended already is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The subject's common name in the certificate that a server shows to who asks for `name`.
///
/// # Errors
/// When there is no handshake.
pub fn shown_name(server: SocketAddr, name: &str) -> Result<String> {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &server.to_string(), "-servername", name]);
    let output = command.stdin(Stdio::null()).output().context("openssl cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let subject = text.lines().find_map(|line| line.strip_prefix("subject="));
    let subject = subject.with_context(|| format!("no certificate: {text}"))?;
    Ok(subject.rsplit("CN = ").next().unwrap_or_default().trim().to_owned())
}
