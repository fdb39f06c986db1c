//! Gives memory back to the system that finished calls have left behind.
//!
//! glibc keeps what is freed below the last block that is still used, and after a busy minute that is most of the heap
//! (ADR 0091).

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// How often. Finished transactions linger for 32 s (RFC 6026), so what they held is free a minute after the last call.
const EVERY: Duration = Duration::from_secs(30);

/// Gives back every half minute until told to stop.
pub(super) async fn run(mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => return,
        }
        let begun = Instant::now();
        if tokio::task::spawn_blocking(give_back).await.unwrap_or(false) {
            tracing::debug!(took_us = begun.elapsed().as_micros(), "free memory went back to the system");
        }
    }
}

/// Whether anything was given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "no safe call for it; it takes a number and touches no memory of ours")]
fn give_back() -> bool {
    // SAFETY: malloc_trim(3) may be called at any time from any thread (MT-Safe); it only returns free pages.
    unsafe { libc::malloc_trim(0) == 1 }
}

/// Other allocators give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() -> bool {
    false
}
