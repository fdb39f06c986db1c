//! A DNS server on loopback whose zone is text: one record a line, as `NAME TYPE DATA...`. It knows A, AAAA, SRV and NAPTR, and
//! writes them by the book of RFC 1035, with code of its own.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How often it looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long its answers may be believed.
const TTL_S: u32 = 5;

/// A running DNS server; it ends with this value.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddr,
    zone: Arc<Mutex<Vec<Record>>>,
    asked: Arc<Mutex<String>>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug)]
struct Record {
    name: String,
    kind: u16,
    data: Vec<u8>,
}

impl Dns {
    /// Answers from this zone.
    ///
    /// # Errors
    /// A line that is no record.
    pub fn start(zone: &str) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for DNS")?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        let address = socket.local_addr()?;
        let zone = Arc::new(Mutex::new(parse(zone)?));
        let (asked, ending) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicBool::new(false)));
        let serving = (Arc::clone(&zone), Arc::clone(&asked), Arc::clone(&ending));
        let thread = std::thread::spawn(move || {
            let (zone, asked, ending) = serving;
            let mut buffer = [0; 4_096];
            while !ending.load(Ordering::Acquire) {
                let Ok((length, peer)) = socket.recv_from(&mut buffer) else { continue };
                let records = zone.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let Some((name, kind, reply)) = answer(&buffer[..length], &records) else { continue };
                // Ours is a `String`: writing to it cannot fail.
                let _ = writeln!(asked.lock().unwrap_or_else(PoisonError::into_inner), "{name} {}", kind_name(kind));
                // A client that is gone needs no answer.
                drop(socket.send_to(&reply, peer));
            }
        });
        Ok(Self { address, zone, asked, ending, thread: Some(thread) })
    }

    /// Where it is asked.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from another zone from now on.
    ///
    /// # Errors
    /// A line that is no record.
    pub fn set(&self, zone: &str) -> Result<()> {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = parse(zone)?;
        Ok(())
    }

    /// Everything it was asked, a line each: name and type.
    #[must_use]
    pub fn asked(&self) -> String {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // It panicked: the test fails by what it did not answer.
            drop(thread.join());
        }
    }
}

fn parse(zone: &str) -> Result<Vec<Record>> {
    zone.lines().map(str::trim).filter(|line| !line.is_empty()).map(record).collect()
}

fn record(line: &str) -> Result<Record> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (kind, data) = match words[..] {
        [_, "A", address] => (1, address.parse::<Ipv4Addr>()?.octets().to_vec()),
        [_, "AAAA", address] => (28, address.parse::<Ipv6Addr>()?.octets().to_vec()),
        [_, "SRV", priority, weight, port, target] => {
            let mut data = numbers(&[priority, weight, port])?;
            data.extend(labels(target));
            (33, data)
        }
        [_, "NAPTR", order, preference, flags, services, replacement] => {
            let mut data = numbers(&[order, preference])?;
            // The third text is the regular expression: none.
            for text in [flags, services, ""] {
                data.push(u8::try_from(text.len())?);
                data.extend(text.as_bytes());
            }
            data.extend(labels(replacement));
            (35, data)
        }
        _ => bail!("`{line}` is no record"),
    };
    Ok(Record { name: words[0].to_ascii_lowercase(), kind, data })
}

fn numbers(words: &[&str]) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    for word in words {
        data.extend(word.parse::<u16>()?.to_be_bytes());
    }
    Ok(data)
}

fn labels(name: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        data.push(u8::try_from(label.len()).unwrap_or_default());
        data.extend(label.as_bytes());
    }
    data.push(0);
    data
}

/// What is asked, and the answer to it; `None` for what is no question.
fn answer(query: &[u8], zone: &[Record]) -> Option<(String, u16, Vec<u8>)> {
    let mut at = 12;
    let mut name = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        name.push(String::from_utf8_lossy(query.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let name = name.join(".");
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    let question = query.get(12..at + 4)?;
    let known = zone.iter().any(|record| record.name == name);
    let found: Vec<&Record> = zone.iter().filter(|record| record.name == name && record.kind == kind).collect();
    let mut reply = query.get(..2)?.to_vec();
    // A response with recursion; NXDOMAIN where nothing has that name.
    reply.extend([0x85, if known { 0x80 } else { 0x83 }, 0, 1]);
    reply.extend(u16::try_from(found.len()).ok()?.to_be_bytes());
    reply.extend([0; 4]);
    reply.extend(question);
    for record in found {
        // The name is that of the question, at offset 12.
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1]);
        reply.extend(TTL_S.to_be_bytes());
        reply.extend(u16::try_from(record.data.len()).ok()?.to_be_bytes());
        reply.extend(&record.data);
    }
    Some((name, kind, reply))
}

fn kind_name(kind: u16) -> &'static str {
    match kind {
        1 => "A",
        28 => "AAAA",
        33 => "SRV",
        35 => "NAPTR",
        _ => "other",
    }
}

/// An address record of whichever family.
#[must_use]
pub fn address(name: &str, address: IpAddr) -> String {
    format!("{name} {} {address}", if address.is_ipv4() { "A" } else { "AAAA" })
}
