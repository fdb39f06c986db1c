//! Kamailio, a registrar and proxy of other people's making: as a carrier that challenges, keeps who registered, records its
//! route and passes calls on, and as an edge between phones and us (RFC 3327).

use std::net::{SocketAddr, TcpStream};
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

/// A running carrier or edge.
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
        Self::run(folder, setup.listen, &configuration(&modules()?, setup))
    }

    /// Starts an edge at `listen`: phones reach the switch at `onward` by it alone, and it puts itself on the path of their
    /// registrations and the route of their calls.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn edge(folder: &Path, listen: SocketAddr, onward: SocketAddr) -> Result<Self> {
        Self::run(folder, listen, &edge(&modules()?, listen, onward))
    }

    /// Starts an edge at `listen`, on UDP and TCP, that keeps the flows of its phones apart (RFC 5626 §5): a call of the switch at
    /// `onward` goes by the flow that it names, and is answered 430 where that is gone.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn flows(folder: &Path, listen: SocketAddr, onward: SocketAddr) -> Result<Self> {
        let edge = Self::run(folder, listen, &flows(&modules()?, listen, onward))?;
        // Its TCP follows its UDP.
        wait::until("Kamailio to take connections", PATIENCE, || Ok(TcpStream::connect(listen).ok()))?;
        Ok(edge)
    }

    fn run(folder: &Path, listen: SocketAddr, configuration: &str) -> Result<Self> {
        let file = folder.join("kamailio.cfg");
        std::fs::write(&file, configuration).context("no configuration written")?;
        let mut command = Command::new("kamailio");
        // In the foreground; 16 MB are plenty for a call.
        command.args(["-f"]).arg(&file).args(["-DD", "-E", "-m", "16", "-Y"]).arg(folder);
        let mut process = Process::start(&mut command, &folder.join("kamailio.log"))?;
        wait::until("Kamailio to listen", PATIENCE, || {
            ensure!(process.ended()?.is_none(), "Kamailio ended: {}", tail(&process.output()));
            Ok(is_bound(listen).then_some(()))
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
    let head = head(modules, listen, &names);
    format!(
        r#"{head}modparam("auth", "algorithm", "{algorithm}")
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

/// What every configuration begins with.
fn head(modules: &str, listen: SocketAddr, names: &[&str]) -> String {
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
{names}"#
    )
}

fn flows(modules: &str, listen: SocketAddr, onward: SocketAddr) -> String {
    let switch = onward.port();
    // The order matters: the path and the route carry flow tokens where they find the outbound module.
    let names = ["sl", "tm", "outbound", "rr", "path", "pv", "maxfwd", "siputils", "textops"];
    let head = head(modules, listen, &names)
        .replace("disable_tcp=yes", &format!("disable_tcp=no\ntcp_children=1\nlisten=tcp:{listen}"));
    format!(
        r#"{head}request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (is_method("REGISTER")) {{
        if (!add_path()) {{ sl_send_reply("500", "No Path"); exit; }}
        $du = "sip:{onward}";
        t_relay();
        exit;
    }}
    if (is_method("INVITE")) {{ record_route(); }}
    if ($sp == {switch} && $proto == "udp") {{
        loose_route();
        # A flow is used or it is dead: no connection is made in its place.
        if (!t_relay()) {{ sl_send_reply("430", "Flow Failed"); }}
        exit;
    }}
    if (has_totag() && loose_route()) {{ t_relay(); exit; }}
    if (has_totag() && is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    $du = "sip:{onward}";
    t_relay();
}}
"#
    )
}

fn edge(modules: &str, listen: SocketAddr, onward: SocketAddr) -> String {
    let switch = onward.port();
    let head = head(modules, listen, &["sl", "tm", "rr", "pv", "maxfwd", "siputils", "textops", "path"]);
    format!(
        r#"{head}modparam("rr", "enable_full_lr", 1)
modparam("path", "use_received", 1)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (is_method("REGISTER")) {{
        if (!add_path_received()) {{ sl_send_reply("500", "No Path"); exit; }}
        $du = "sip:{onward}";
        t_relay();
        exit;
    }}
    if (is_method("INVITE")) {{ record_route(); }}
    # Within a dialog. From the switch by the path of a registration, too: a Route of ours alone counts as none there.
    if (loose_route() || $sp == {switch}) {{ t_relay(); exit; }}
    if (has_totag() && is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    $du = "sip:{onward}";
    t_relay();
}}
"#
    )
}
