//! A network namespace of a test's own, with a cable to this machine that can be pulled out and another one put in.
//!
//! It belongs to a process that lives as long as the test: whatever becomes of the test, the kernel takes the namespace away, and
//! the cables with it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::ports::Ports;
use crate::wait;

const PATIENCE: Duration = Duration::from_secs(10);

/// A namespace with one way out: to this machine.
#[derive(Debug)]
pub struct Network {
    holder: Child,
    /// The third byte of all its addresses.
    number: u8,
    plugged: Cable,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cable {
    First,
    Second,
}

impl Cable {
    /// Our end and the other one, of a network of 62 hosts.
    fn addresses(self, number: u8) -> [Ipv4Addr; 2] {
        let ours = match self {
            Self::First => 1,
            Self::Second => 65,
        };
        [ours, ours + 1].map(|host| Ipv4Addr::new(10, 231, number, host))
    }

    /// The name of its end here; inside, each is named as what it is.
    fn name(self, holder: u32) -> String {
        match self {
            Self::First => format!("sb{holder}a"),
            Self::Second => format!("sb{holder}b"),
        }
    }

    fn inside(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

impl Network {
    /// A namespace with the first cable in; its addresses are those of nobody else who holds ports.
    ///
    /// # Errors
    /// Where the kernel gives none: it takes root (CAP_NET_ADMIN and CAP_SYS_ADMIN) and `ip`.
    pub fn new(ports: &Ports) -> Result<Self> {
        let mut unshare = Command::new("unshare");
        // It ends when its input does, which is when this process does, at the latest.
        unshare.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let holder = unshare.spawn().context("unshare is missing: it is of util-linux")?;
        let mut network = Self { holder, number: ports.block(), plugged: Cable::First };
        let own = std::fs::read_link("/proc/self/ns/net").context("this kernel has no network namespaces")?;
        let its = format!("/proc/{}/ns/net", network.holder.id());
        wait::until("a network namespace", PATIENCE, || {
            let ended = network.holder.try_wait()?;
            ensure!(ended.is_none(), "the kernel gives no network namespace ({ended:?}): this test must run as root");
            Ok(std::fs::read_link(&its).ok().filter(|namespace| *namespace != own).map(drop))
        })?;
        run(network.command(Path::new("ip")).args(["link", "set", "lo", "up"]))?;
        for cable in [Cable::First, Cable::Second] {
            network.lay(cable)?;
        }
        network.plug_in(Cable::First)?;
        Ok(network)
    }

    /// Where this machine is, as seen from inside: always there.
    #[must_use]
    pub fn host(&self) -> IpAddr {
        Cable::First.addresses(self.number)[0].into()
    }

    /// The address inside now.
    #[must_use]
    pub fn inside(&self) -> IpAddr {
        self.plugged.addresses(self.number)[1].into()
    }

    /// A program that will run inside.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--net", "--"]).arg(program);
        command
    }

    /// Pulls the cable out and puts the other one in, which has another address: for a moment there is no network. Nothing is said
    /// to anybody: connections over the first one just fall silent.
    ///
    /// # Errors
    /// When `ip` does not obey.
    pub fn replug(&mut self) -> Result<()> {
        let (out, into) = self.change();
        self.pull_out(out)?;
        self.plug_in(into)
    }

    /// Puts the other cable in before it pulls the first one out: there is a network at any moment.
    ///
    /// # Errors
    /// When `ip` does not obey.
    pub fn hand_over(&mut self) -> Result<()> {
        let (out, into) = self.change();
        self.plug_in(into)?;
        self.pull_out(out)
    }

    /// Which cable goes, and which comes.
    fn change(&self) -> (Cable, Cable) {
        match self.plugged {
            Cable::First => (Cable::First, Cable::Second),
            Cable::Second => (Cable::Second, Cable::First),
        }
    }

    /// Lays a cable, which is in nowhere yet.
    fn lay(&self, cable: Cable) -> Result<()> {
        let (name, holder) = (cable.name(self.holder.id()), self.holder.id().to_string());
        let [ours, _] = cable.addresses(self.number);
        let peer = ["peer", "name", cable.inside(), "netns", &holder];
        run(Command::new("ip").args(["link", "add", &name, "type", "veth"]).args(peer))?;
        run(Command::new("ip").args(["addr", "add", &format!("{ours}/26"), "dev", &name]))?;
        run(Command::new("ip").args(["link", "set", &name, "up"]))
    }

    fn pull_out(&self, cable: Cable) -> Result<()> {
        let [_, theirs] = cable.addresses(self.number);
        let inside = cable.inside();
        run(self.command(Path::new("ip")).args(["link", "set", inside, "down"]))?;
        run(self.command(Path::new("ip")).args(["addr", "del", &format!("{theirs}/26"), "dev", inside]))
    }

    fn plug_in(&mut self, cable: Cable) -> Result<()> {
        let [ours, theirs] = cable.addresses(self.number).map(|address| address.to_string());
        let inside = cable.inside();
        run(self.command(Path::new("ip")).args(["addr", "add", &format!("{theirs}/26"), "dev", inside]))?;
        run(self.command(Path::new("ip")).args(["link", "set", inside, "up"]))?;
        run(self.command(Path::new("ip")).args(["route", "replace", "default", "via", &ours]))?;
        self.plugged = cable;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for cable in [Cable::First, Cable::Second] {
            // One that was never laid is not there.
            let _ =
                Command::new("ip").args(["link", "del", &cable.name(self.holder.id())]).stderr(Stdio::null()).status();
        }
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output =
        command.output().with_context(|| format!("{command:?} cannot be run: tests/setup/packages.sh test"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use super::*;

    /// From which address somebody inside comes, and whether it comes at all.
    fn caller(network: &Network, listener: &TcpListener) -> IpAddr {
        let at = listener.local_addr().unwrap();
        let script = format!("exec 3<>/dev/tcp/{}/{}; echo hello >&3", at.ip(), at.port());
        run(network.command(Path::new("bash")).args(["-c", &script])).unwrap();
        let (mut stream, from) = listener.accept().unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello\n");
        from.ip()
    }

    #[test]
    fn a_network_changes_its_address_and_goes_with_its_test() {
        let ports = Ports::take().unwrap();
        let mut network = Network::new(&ports).unwrap();
        let listener = TcpListener::bind((network.host(), ports.one().unwrap())).unwrap();
        let first = network.inside();
        assert_eq!(caller(&network, &listener), first);
        network.replug().unwrap();
        assert_ne!(network.inside(), first);
        assert_eq!(caller(&network, &listener), network.inside());
        network.hand_over().unwrap();
        assert_eq!(caller(&network, &listener), first);
        let names = [Cable::First, Cable::Second].map(|cable| cable.name(network.holder.id()));
        let are_there = || names.each_ref().map(|name| Path::new("/sys/class/net").join(name).exists());
        assert_eq!(are_there(), [true; 2]);
        drop(network);
        assert_eq!(are_there(), [false; 2]);
    }
}
