//! The plugins' side of the house: a thread each, restarted when it fails, and the host that each one sees.
//!
//! A plugin can't hurt a call (decision 7): it shares nothing with the writer but the journal's files.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use hooks::id::TenantId;
use hooks::plugin::{Host, HostError, Plugin, Recorded};
use hooks::position::Position;

use super::housekeeping::Passed;
use crate::journal::JournalHandle;
use crate::journal::facts::FactReader;

/// How long a plugin is made to wait for facts before it may do other work, and the host looks whether it stops.
const WAIT: Duration = Duration::from_millis(500);

/// After the first new fact, so long for more: a plugin stores a few times a second whatever the load is, and a screen pop
/// comes no later than anybody sees.
const GATHER: Duration = Duration::from_millis(200);

/// How often somebody who waits looks whether the process stops.
const LOOK: Duration = Duration::from_millis(50);

/// How long a plugin that failed pauses: doubled each time up to the longest, begun anew after a good run.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A run as long as this was a good one.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// How long a stopping process waits for a plugin: one that hangs, hangs alone.
const STOP_MAX: Duration = Duration::from_secs(3);

/// The running plugins.
pub(super) struct Plugins {
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Plugins {
    pub(super) fn start(
        plugins: Vec<Arc<dyn Plugin>>,
        journals: &BTreeMap<TenantId, JournalHandle>,
        data_dir: &Path,
        passed: &Passed,
    ) -> anyhow::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for plugin in plugins {
            let folder = data_dir.join("plugins").join(plugin.name());
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make the plugin's folder {}", folder.display()))?;
            let host = PluginHost {
                plugin: plugin.name(),
                passed: passed.clone(),
                journals: journals.clone(),
                readers: Mutex::default(),
                folder,
                stopping: Arc::clone(&stopping),
            };
            let name = format!("plugin-{}", plugin.name());
            threads.push(std::thread::Builder::new().name(name).spawn(move || keep_running(&*plugin, &host))?);
        }
        Ok(Self { stopping, threads })
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

/// What one plugin sees.
struct PluginHost {
    plugin: &'static str,
    passed: Passed,
    journals: BTreeMap<TenantId, JournalHandle>,
    /// Readers stay where they are between two calls.
    readers: Mutex<BTreeMap<TenantId, (Position, FactReader)>>,
    folder: PathBuf,
    stopping: Arc<AtomicBool>,
}

impl PluginHost {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Sleeps until then, or until the process stops.
    fn pause_until(&self, until: Instant) {
        while !self.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    fn reader(&self, journal: &JournalHandle, after: &Position) -> Result<FactReader, HostError> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).remove(&after.tenant);
        match kept {
            Some((position, reader)) if position == *after => Ok(reader),
            Some(_) | None => {
                let reader = journal.reader_after(after).map_err(|error| HostError::Log(error.to_string()))?;
                Ok(FactReader::from(reader))
            }
        }
    }
}

impl Host for PluginHost {
    fn tenants(&self) -> Vec<TenantId> {
        self.journals.keys().cloned().collect()
    }

    fn facts_after(&self, after: &Position, limit: usize) -> Result<Vec<Recorded>, HostError> {
        if self.is_stopping() {
            return Err(HostError::Stopping);
        }
        self.passed.note(self.plugin, after);
        let journal = self
            .journals
            .get(&after.tenant)
            .ok_or_else(|| HostError::Log(format!("there is no tenant {}", after.tenant)))?;
        let mut reader = self.reader(journal, after)?;
        let limit_number = after.number.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX));
        let written = journal.written_past_blocking(after.number, WAIT);
        if (after.number + 1..limit_number).contains(&written) {
            self.pause_until(Instant::now() + GATHER);
        }
        let facts = reader.next_facts(limit).map_err(|error| HostError::Log(error.to_string()))?;
        let position = facts.last().map_or_else(|| after.clone(), |last| last.position.clone());
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.insert(after.tenant.clone(), (position, reader));
        Ok(facts)
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.clone()
    }
}
