//! Work that takes a core for a while, behind those who talk.

use std::io;

use tokio::sync::oneshot;

/// Does it on a thread of its own, at this nice value where that is allowed.
///
/// # Errors
/// There is no such thread, or it panicked.
pub async fn run<T: Send + 'static>(
    name: &'static str,
    nice: i32,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // The nice value is a thread's own on Linux.
        if let Err(error) = rustix::process::setpriority_process(None, nice) {
            tracing::debug!(%error, "{name} runs at the common priority");
        }
        // Whoever waited has gone where this fails.
        let _ = done.send(work());
    })?;
    result.await.map_err(|_| io::Error::other(format!("the thread {name} panicked")))
}
