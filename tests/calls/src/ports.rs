//! Port ranges that no other test has: each block is held by a locked file, which the kernel releases when the test's
//! process ends, however it ends.

use std::fs::File;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context as _, Result, bail};

/// Blocks lie below the range from which the kernel gives ports to clients (32768 and up).
const FIRST: u16 = 12_000;
/// Ports in a block.
pub const BLOCK: u16 = 200;
/// Blocks there are; more tests at once than this wait in vain.
const BLOCKS: u16 = 90;

/// A range of loopback ports that belongs to its holder alone.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    next: AtomicU16,
    _lock: File,
}

impl Ports {
    /// Takes a free block.
    ///
    /// # Errors
    /// When every block is taken: too many tests run at once, or one hangs.
    pub fn take() -> Result<Self> {
        let folder = std::env::temp_dir().join("switchboard-test-ports");
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        // Begin somewhere else in each process, so that a port is not used again right after another test let it go.
        let start = u16::try_from(std::process::id() % u32::from(BLOCKS)).context("a remainder below BLOCKS")?;
        for offset in 0..BLOCKS {
            let number = (start + offset) % BLOCKS;
            let path = folder.join(format!("{number}.lock"));
            let lock = File::options().create(true).truncate(false).write(true).open(&path);
            let lock = lock.with_context(|| format!("{} cannot be opened", path.display()))?;
            if lock.try_lock().is_ok() {
                let first = FIRST + number * BLOCK;
                return Ok(Self { first, next: AtomicU16::new(first), _lock: lock });
            }
        }
        bail!("all {BLOCKS} port blocks are taken: does a test hang?")
    }

    /// The number of the block: below 90, and nobody else's.
    #[must_use]
    pub fn block(&self) -> u8 {
        u8::try_from((self.first - FIRST) / BLOCK).unwrap_or(u8::MAX)
    }

    /// The first and the last port of the block, for a capture filter.
    #[must_use]
    pub fn range(&self) -> (u16, u16) {
        (self.first, self.first + BLOCK - 1)
    }

    /// A port on which nothing listens, on UDP or TCP.
    ///
    /// # Errors
    /// When the block is used up.
    pub fn one(&self) -> Result<u16> {
        self.many(1)
    }

    /// The first of `count` ports in a row on which nothing listens, even (as RTP wants it) when more than one.
    ///
    /// # Errors
    /// When the block is used up.
    pub fn many(&self, count: u16) -> Result<u16> {
        loop {
            let step = if count > 1 { count + count % 2 } else { 1 };
            let mut first = self.next.fetch_add(step, Ordering::Relaxed);
            if count > 1 && !first.is_multiple_of(2) {
                first = self.next.fetch_add(1, Ordering::Relaxed) - step + 1;
            }
            if first + count > self.first + BLOCK {
                bail!("the block of {BLOCK} ports is used up: ask for fewer");
            }
            if (first..first + count).all(is_free) {
                return Ok(first);
            }
        }
    }
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// True when a socket of this machine has this address, by the kernel's own tables.
#[must_use]
pub fn is_bound(local: SocketAddr) -> bool {
    let IpAddr::V4(host) = local.ip() else { return false };
    let written = format!(" {:08X}:{:04X} ", u32::from_le_bytes(host.octets()), local.port());
    let tables = ["/proc/net/udp", "/proc/net/tcp"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    tables.iter().any(|table| table.contains(&written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_holders_never_share_a_port() {
        let (one, two) = (Ports::take().unwrap(), Ports::take().unwrap());
        let (a, b) = (one.range(), two.range());
        assert!(a.1 < b.0 || b.1 < a.0, "{a:?} {b:?}");
        let single = one.one().unwrap();
        let row = one.many(10).unwrap();
        assert!(row > single && row % 2 == 0);
        assert!(one.one().unwrap() >= row + 10);
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let ports = Ports::take().unwrap();
        let taken = UdpSocket::bind(("127.0.0.1", ports.range().0)).unwrap();
        assert!(is_bound(taken.local_addr().unwrap()));
        assert_ne!(ports.one().unwrap(), taken.local_addr().unwrap().port());
    }

    #[test]
    fn a_block_ends() {
        let ports = Ports::take().unwrap();
        assert!(ports.many(BLOCK + 2).is_err());
    }
}
