//! acme2certifier, an authority that speaks ACME (RFC 8555) and is not ours.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::openssl::Certificate;
use crate::{ports, wait};

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// The account that it wants one to have with it first.
pub const KEY_ID: &str = "a-call-centre";
/// What proves that.
pub const KEY: &str = "dGhpc19pc19hX3ZlcnlfbG9uZ19obWFjX3RvX21ha2Vfc3VyZV90aGF0X2l0c19tb3JlX3RoYW5fMjU2X2JpdHM";

/// An authority: its own certificate, and the one by which it is reached.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    port: u16,
    reached: Certificate,
    server: Option<Child>,
}

impl Authority {
    /// Makes one that will give certificates for this name and below it alone; it does not run yet.
    ///
    /// # Errors
    /// When openssl is missing or refuses.
    pub fn make(folder: &Path, port: u16, gives: &str) -> Result<Self> {
        let reached = Certificate::make(folder, "127.0.0.1")?;
        Certificate::authority(folder, "ca")?;
        let at = folder.display();
        let config = format!(
            "[CAhandler]\nhandler_module: acme2certifier.cahandlers.openssl_ca_handler\nissuing_ca_key: {at}/ca.key\n\
             issuing_ca_cert: {at}/ca.pem\nissuing_ca_crl: {at}/ca.crl\ncert_save_path: {at}/given\n\
             [Order]\nallowed_domainlist: [\"{gives}\"]\n\
             [DBhandler]\nhandler: wsgi\ndbfile: {at}/acme.db\n\
             [EABhandler]\neab_handler_module: acme2certifier.eabhandlers.json_handler\nkey_file: {at}/keys.json\n"
        );
        std::fs::create_dir(folder.join("given"))?;
        std::fs::write(folder.join("acme_srv.cfg"), config)?;
        std::fs::write(folder.join("keys.json"), format!("{{\"{KEY_ID}\": \"{KEY}\"}}"))?;
        Ok(Self { folder: folder.to_owned(), port, reached, server: None })
    }

    /// Starts it; it looks at names at this port.
    ///
    /// # Errors
    /// When it cannot be installed or does not listen in time.
    pub fn start(&mut self, looks_at: SocketAddr) -> Result<()> {
        let log = std::fs::File::create(self.log())?;
        let ports = [self.port.to_string(), looks_at.port().to_string()];
        let mut command = self.script("serve")?;
        command.args(ports).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.server = Some(command.spawn().context("no Python")?);
        let said = || format!("it said: {}", std::fs::read_to_string(self.log()).unwrap_or_default());
        let here = SocketAddr::from(([127, 0, 0, 1], self.port));
        wait::until("acme2certifier", PATIENCE, || Ok(ports::is_bound(here).then_some(()))).with_context(said)
    }

    /// The address of its directory.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/directory", self.port)
    }

    /// Who vouches for the directory's own certificate, PEM.
    #[must_use]
    pub fn reached_by(&self) -> &Path {
        &self.reached.certificate
    }

    /// Who vouches for what it gives, PEM.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Writes a certificate that it gave eighty days ago and that is over in ten, with its key.
    ///
    /// # Errors
    /// When Python refuses.
    pub fn write_old(&self, name: &str, file: &Path) -> Result<()> {
        let output = self.script("old")?.arg(name).arg(file).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("acme.log")
    }

    fn script(&self, what: &str) -> Result<Command> {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup");
        let found = Command::new(setup.join("acme.sh")).output()?;
        ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let mut command = Command::new(String::from_utf8(found.stdout)?.trim());
        command.arg(setup.join("acme_server.py")).arg(what).arg(&self.folder);
        Ok(command)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            drop(server.kill());
            drop(server.wait());
        }
    }
}
