//! The tap at the sockets, and the thread behind it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sip::flow::Flow;

use super::packet::{Captured, encode};
use super::redact::redact;
use super::scan;
use super::segment::{hash, write_record};
use super::store::Captures;

/// How often the thread empties the tap: what a `kill -9` takes with it.
const EVERY: Duration = Duration::from_millis(200);

/// Bytes that wait for the thread; what comes beyond them is dropped and counted.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// How often old files are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

const DAY_MS: u64 = 86_400_000;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// For how many days; 0: nothing is captured.
    pub keep_days: u64,
    /// As much as this, the oldest goes first.
    pub bytes_max: u64,
}

/// Where sockets say what passes. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tap(Option<Arc<Mutex<Waiting>>>);

#[derive(Debug, Default)]
struct Waiting {
    messages: Vec<Passed>,
    bytes: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Passed {
    at_us: u64,
    sent: bool,
    flow: Flow,
    bytes: Bytes,
}

impl Tap {
    /// A tap that nobody listens at.
    #[must_use]
    pub fn closed() -> Self {
        Self(None)
    }

    /// A message came in.
    pub fn received(&self, flow: Flow, message: &Bytes) {
        self.pass(flow, message, false);
    }

    /// A message goes out.
    pub fn sent(&self, flow: Flow, message: &Bytes) {
        self.pass(flow, message, true);
    }

    fn pass(&self, flow: Flow, message: &Bytes, sent: bool) {
        let Some(waiting) = &self.0 else { return };
        let mut waiting = lock(waiting);
        if waiting.bytes + message.len() > WAITING_BYTES_MAX {
            waiting.dropped += 1;
            return;
        }
        waiting.bytes += message.len();
        waiting.messages.push(Passed { at_us: unix_us(), sent, flow, bytes: message.clone() });
    }
}

/// The thread that keeps what passes.
#[derive(Debug)]
pub struct Capture {
    tap: Tap,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Starts it, unless nothing is to be kept.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(options: CaptureOptions, captures: Captures) -> std::io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        if options.keep_days == 0 {
            return Ok(Self { tap: Tap::closed(), stopping, thread: None });
        }
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let tap = Tap(Some(Arc::clone(&waiting)));
        let asked = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("sip-capture".to_owned()).spawn(move || {
            let mut writer = Writer { options, captures, failing: false, swept_ms: 0 };
            writer.repair();
            while !asked.load(Ordering::Acquire) {
                writer.round(&waiting);
                std::thread::park_timeout(EVERY);
            }
            writer.round(&waiting);
            writer.close(unix_us() / 1_000, true);
        })?;
        Ok(Self { tap, stopping, thread: Some(thread) })
    }

    /// For the sockets.
    #[must_use]
    pub fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Ends it once everything that passed is written.
    pub fn stop(self) {
        self.stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the thread that keeps SIP messages panicked: this is our bug");
            }
        }
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Valid between any two statements.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

struct Writer {
    options: CaptureOptions,
    captures: Captures,
    failing: bool,
    swept_ms: u64,
}

impl Writer {
    fn repair(&self) {
        if let Err(error) = self.captures.repair() {
            tracing::warn!(%error, "an older file of SIP messages cannot be read; ladders of its time miss messages");
        }
    }

    fn round(&mut self, waiting: &Mutex<Waiting>) {
        let (messages, dropped) = {
            let mut waiting = lock(waiting);
            waiting.bytes = 0;
            (std::mem::take(&mut waiting.messages), std::mem::take(&mut waiting.dropped))
        };
        let now_ms = unix_us() / 1_000;
        let mut lost = dropped;
        let (mut records, mut entries, mut packet) = (Vec::new(), Vec::new(), Vec::new());
        for passed in &messages {
            packet.clear();
            let Some(hash) = encoded(passed, &mut packet) else { continue };
            entries.push((hash, u32::try_from(records.len()).unwrap_or(u32::MAX)));
            write_record(passed.at_us, &packet, &mut records);
        }
        if !records.is_empty() {
            let written = self.captures.append(now_ms, &records, &entries);
            if written.is_err() {
                lost += entries.len() as u64;
            } else {
                metrics::counter!("switchboard_sip_captured_total").increment(entries.len() as u64);
            }
            self.tell(written);
        }
        if lost > 0 {
            metrics::counter!("switchboard_sip_capture_dropped_total").increment(lost);
        }
        self.close(now_ms, false);
        self.sweep(now_ms);
    }

    /// Said once when it begins and once when it is over.
    fn tell(&mut self, written: std::io::Result<()>) {
        match &written {
            Ok(()) if self.failing => tracing::info!("SIP messages are kept again"),
            Err(error) if !self.failing => {
                tracing::warn!(%error, "SIP messages cannot be kept, ladders miss them; calls go on");
            }
            Ok(()) | Err(_) => {}
        }
        self.failing = written.is_err();
    }

    fn close(&mut self, now_ms: u64, always: bool) {
        if let Err(error) = self.captures.close_old(now_ms, always) {
            tracing::warn!(%error, "the index of SIP messages cannot be written; the next start makes it");
        }
    }

    fn sweep(&mut self, now_ms: u64) {
        if u128::from(now_ms.saturating_sub(self.swept_ms)) < SWEEP_EVERY.as_millis() {
            return;
        }
        self.swept_ms = now_ms;
        let before_ms = now_ms.saturating_sub(self.options.keep_days.saturating_mul(DAY_MS));
        match self.captures.delete_old(before_ms, self.options.bytes_max) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "old SIP messages are deleted"),
            Err(error) => tracing::warn!(%error, "old SIP messages cannot be deleted"),
        }
    }
}

/// The packet of a message of a call, and the hash of its Call-ID; `None` for what belongs to none.
fn encoded(passed: &Passed, packet: &mut Vec<u8>) -> Option<u64> {
    let head = scan::head(&passed.bytes)?;
    let of_no_call = [&b"REGISTER"[..], b"OPTIONS", b"MESSAGE", b"SUBSCRIBE", b"PUBLISH"];
    if of_no_call.contains(&head.method) {
        return None;
    }
    let hash = hash(head.call_id);
    let mut message = passed.bytes.to_vec();
    redact(&mut message);
    let Flow { local, peer, .. } = passed.flow;
    let (from, to) = if passed.sent { (local, peer) } else { (peer, local) };
    encode(&Captured { at_us: passed.at_us, sent: passed.sent, from, to, message }, packet);
    Some(hash)
}
