//! Kamailio as a carrier: a registrar and proxy of other people's making that challenges, keeps who registered, records its
//! route and passes calls on.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::ports::is_bound;
use crate::process::{Process, tail};
use crate::wait;

const PATIENCE: Duration = Duration::from_secs(10);
/// Where Debian keeps the modules of this machine's architecture.
const LIBRARIES: &str = "/usr/lib";

/// What the carrier is.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Where it listens, on UDP.
    pub listen: SocketAddr,
    /// The digest algorithm of its challenge: `MD5` or `SHA-256`.
    pub algorithm: &'a str,
    /// Its realm.
    pub realm: &'a str,
    /// The password of every account.
    pub password: &'a str,
    /// Where it sends calls that are signed.
    pub onward: SocketAddr,
}

/// A running carrier.
#[derive(Debug)]
pub struct Kamailio {
    process: Process,
}

impl Kamailio {
    /// Starts it with its files in `folder`.
    ///
    /// # Errors
    /// When it is missing or refuses its configuration.
    pub fn start(folder: &Path, setup: Setup<'_>) -> Result<Self> {
        let file = folder.join("kamailio.cfg");
        std::fs::write(&file, configuration(&modules()?, setup)).context("no configuration written")?;
        let mut command = Command::new("kamailio");
        // In the foreground; 16 MB are plenty for a call.
        command.args(["-f"]).arg(&file).args(["-DD", "-E", "-m", "16", "-Y"]).arg(folder);
        let mut process = Process::start(&mut command, &folder.join("kamailio.log"))?;
        wait::until("Kamailio to listen", PATIENCE, || {
            ensure!(process.ended()?.is_none(), "Kamailio ended: {}", tail(&process.output()));
            Ok(is_bound(setup.listen).then_some(()))
        })?;
        Ok(Self { process })
    }

    /// What it logged.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its children end with it only when it is asked to end.
        drop(self.process.terminate(PATIENCE));
    }
}

fn modules() -> Result<String> {
    let entries = std::fs::read_dir(LIBRARIES).context("/usr/lib cannot be read")?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path().join("kamailio/modules")));
    let found = folders.into_iter().find(|folder| folder.join("tm.so").is_file());
    Ok(found.context("Kamailio's modules are missing: is it installed?")?.display().to_string())
}

fn configuration(modules: &str, setup: Setup<'_>) -> String {
    let Setup { listen, algorithm, realm, password, onward } = setup;
    let names = ["sl", "tm", "rr", "pv", "maxfwd", "siputils", "textops", "auth", "usrloc", "registrar"];
    let names: String = names.iter().map(|name| format!("loadmodule \"{name}.so\"\n")).collect();
    format!(
        r#"#!KAMAILIO
debug=2
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:{listen}
mpath="{modules}/"
{names}modparam("auth", "algorithm", "{algorithm}")
modparam("rr", "enable_full_lr", 1)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{realm}", "{password}", "0")) {{ www_challenge("{realm}", "0"); exit; }}
        save("location");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("200", "OK"); exit; }}
    # Whoever registered is called where it is.
    if (lookup("location")) {{ record_route(); t_relay(); exit; }}
    if (!pv_proxy_authenticate("{realm}", "{password}", "0")) {{ proxy_challenge("{realm}", "0"); exit; }}
    consume_credentials();
    record_route();
    $du = "sip:{onward}";
    t_relay();
}}
"#
    )
}
