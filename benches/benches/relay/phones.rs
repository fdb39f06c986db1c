//! The phones: each sends 50 packets a second, spread over the period, with the time in the payload.

use std::io::{BufRead, stdin};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use dimpl::certificate::generate_self_signed_certificate;
use rtc_srtp::context::Context;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{ClockId, clock_gettime};

use crate::Work;
use crate::secure::Keys;

/// Binds, prints the addresses, reads where to send to, speaks, prints what it heard.
pub(crate) fn run(phones: usize, seconds: usize, kind: Work) -> Result<()> {
    let sockets = (0..phones).map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    let sockets = Arc::new(sockets);
    let addresses = sockets.iter().map(|socket| Ok(socket.local_addr()?.to_string())).collect::<Result<Vec<_>>>()?;
    println!("{}", addresses.join(" "));
    let certificate = generate_self_signed_certificate()?;
    let fingerprint: Vec<String> = certificate.fingerprint().iter().map(ToString::to_string).collect();
    println!("{}", fingerprint.join(" "));
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    let switch: Vec<SocketAddr> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;

    let (mut seals, mut opens) = (Vec::new(), Vec::new());
    for (at, (socket, switch)) in sockets.iter().zip(&switch).enumerate() {
        let keys = match kind {
            Work::Srtp => Keys::sdes(at)?,
            Work::Browser => Keys::agree(socket, *switch, at, &certificate)?,
            Work::Bare | Work::Relay | Work::Record | Work::Translate | Work::Idle => break,
        };
        seals.push(keys.seal);
        opens.push(keys.open);
    }
    println!("ready");

    let stopping = Arc::new(AtomicBool::new(false));
    let listener = listen(Arc::clone(&sockets), Arc::clone(&stopping), opens)?;
    speak(&sockets, &switch, seconds, &mut seals)?;
    std::thread::sleep(Duration::from_millis(100));
    stopping.store(true, Ordering::Relaxed);
    let mut delays = listener.join().unwrap_or_default();
    delays.sort_unstable();
    let sent = phones * seconds * 50;
    let percentile = |percent: usize| delays.get(delays.len() * percent / 100).map_or(0, |ns| ns / 1_000);
    println!(
        "heard {:.2} %, latency p50 {} us, p99 {} us",
        delays.len() as f64 * 100.0 / sent.max(1) as f64,
        percentile(50),
        percentile(99)
    );
    Ok(())
}

fn speak(sockets: &[UdpSocket], switch: &[SocketAddr], seconds: usize, seals: &mut [Context]) -> Result<()> {
    let mut packet = [0xFFu8; 172];
    (packet[0], packet[1]) = (0x80, 0);
    let start = now_ns();
    for slot in 0..seconds * 1_000 {
        let count = u16::try_from(slot / 20 % 65_536)?;
        for at in (slot % 20..sockets.len()).step_by(20) {
            packet[2..4].copy_from_slice(&count.to_be_bytes());
            packet[4..8].copy_from_slice(&(u32::from(count) * 160).to_be_bytes());
            packet[8..12].copy_from_slice(&(u32::try_from(at)? + 1).to_be_bytes());
            packet[12..20].copy_from_slice(&now_ns().to_be_bytes());
            let _ = match seals.get_mut(at) {
                Some(seal) => sockets[at].send_to(&seal.encrypt_rtp(&packet)?, switch[at]),
                None => sockets[at].send_to(&packet, switch[at]),
            };
        }
        let next = start + (slot as u64 + 1) * 1_000_000;
        std::thread::sleep(Duration::from_nanos(next.saturating_sub(now_ns())));
    }
    Ok(())
}

/// Takes what comes and gives the delays in ns; a translated payload has no time in it and gives none that is sane.
fn listen(
    sockets: Arc<Vec<UdpSocket>>,
    stopping: Arc<AtomicBool>,
    mut opens: Vec<Context>,
) -> Result<JoinHandle<Vec<u64>>> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    for (i, socket) in sockets.iter().enumerate() {
        socket.set_nonblocking(true)?;
        epoll::add(&epoll, socket, EventData::new_u64(i as u64), EventFlags::IN)?;
    }
    Ok(std::thread::spawn(move || {
        let (mut ready, mut buffer, mut delays) = (Vec::with_capacity(256), [0; 2_048], Vec::new());
        let timeout = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        while !stopping.load(Ordering::Relaxed) {
            ready.clear();
            let _ = epoll::wait(&epoll, spare_capacity(&mut ready), Some(&timeout));
            for event in &ready {
                let event: &epoll::Event = event;
                let Ok(at) = usize::try_from(event.data.u64()) else { continue };
                let Ok(len) = sockets[at].recv(&mut buffer) else { continue };
                let opened = match opens.get_mut(at) {
                    Some(_) if (192..224).contains(&buffer[1]) => continue,
                    Some(open) => open.decrypt_rtp(&buffer[..len]).ok().map(|plain| plain.to_vec()),
                    None => Some(buffer[..len].to_vec()),
                };
                let Some(plain) = opened else { continue };
                // Reports are not voice.
                if plain.len() == 172 {
                    let sent = plain[12..20].iter().fold(0u64, |sent, byte| sent << 8 | u64::from(*byte));
                    delays.push(now_ns().saturating_sub(sent));
                }
            }
        }
        delays
    }))
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or(0)
}
