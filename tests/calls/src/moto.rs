//! moto, a server that speaks S3 and that is not ours.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::wait;

/// A running server, which forgets everything when it ends.
#[derive(Debug)]
pub struct Moto {
    server: Child,
    address: SocketAddr,
}

impl Moto {
    /// Starts it on a loopback port with an empty bucket.
    ///
    /// # Errors
    /// When it cannot be installed or does not answer.
    pub fn start(port: u16, bucket: &str) -> Result<Self> {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/moto.sh");
        let found = Command::new(setup).output()?;
        ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let program = String::from_utf8(found.stdout)?;
        let server = Command::new(program.trim())
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {program}"))?;
        let moto = Self { server, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        wait::until("moto to make a bucket", Duration::from_secs(30), || {
            let made = moto.http(&format!("PUT /{bucket}"));
            Ok(made.is_ok_and(|made| made.starts_with("HTTP/1.1 200")).then_some(()))
        })?;
        Ok(moto)
    }

    /// What the bucket holds, as XML. Nobody signs for it: moto does not mind.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn list(&self, bucket: &str) -> Result<String> {
        self.http(&format!("GET /{bucket}?list-type=2"))
    }

    fn http(&self, request: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        let host = self.address;
        write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}
