//! The plugins' threads: each is started again when its plugin fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use hooks::plugin::{Host, Plugin};

use crate::plugins::{Desk, Desks, HostParts, PluginHost};

/// How long a plugin that failed pauses: doubled each time up to the longest, begun anew after a good run.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A run as long as this was a good one.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// How long a stopping process waits for a plugin: one that hangs, hangs alone.
const STOP_MAX: Duration = Duration::from_secs(3);

/// How long a request to a plugin may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// The running plugins.
pub(super) struct Plugins {
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    pub(super) desks: Desks,
}

impl Plugins {
    pub(super) fn start(plugins: &[Arc<dyn Plugin>], parts: &HostParts, plugins_dir: &Path) -> anyhow::Result<Self> {
        let (mut threads, mut desks) = (Vec::new(), Vec::new());
        for plugin in plugins {
            let folder = plugins_dir.join(plugin.name());
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make the plugin's folder {}", folder.display()))?;
            let host = Arc::new(PluginHost::new(plugin.name(), parts.clone(), folder));
            let of_desk: Arc<dyn Host> = Arc::<PluginHost>::clone(&host);
            desks.push(Arc::new(Desk::new(Arc::clone(plugin), of_desk, ANSWER_MAX)?));
            let plugin = Arc::clone(plugin);
            let name = format!("plugin-{}", plugin.name());
            threads.push(std::thread::Builder::new().name(name).spawn(move || keep_running(&*plugin, &host))?);
        }
        Ok(Self { stopping: Arc::clone(&parts.stopping), threads, desks: Desks::new(desks) })
    }

    /// Tells the plugins to stop and waits a while for them.
    pub(super) fn stop(self) {
        self.stopping.store(true, Ordering::Release);
        let until = Instant::now() + STOP_MAX;
        for thread in self.threads {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
            }
            if !thread.is_finished() {
                tracing::warn!("a plugin does not stop; the process ends without it");
            }
        }
    }
}

fn keep_running(plugin: &dyn Plugin, host: &PluginHost) {
    let mut pause = PAUSE_MIN;
    while !host.is_stopping() {
        let began = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| plugin.run(host))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) if !host.is_stopping() => tracing::error!(%error, "a plugin failed and is started again"),
            Ok(Err(_)) => {}
            Err(_panic) => tracing::error!(plugin = plugin.name(), "a plugin panicked and is started again"),
        }
        pause = if began.elapsed() > GOOD_RUN { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        let until = Instant::now() + pause;
        host.pause_until(until);
    }
}
